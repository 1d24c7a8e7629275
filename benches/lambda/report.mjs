// Writes what the results say:
//
//   node benches/lambda/report.mjs              the table, and how far the goals are reached, to standard output
//   node benches/lambda/report.mjs --write      the table into docs/benchmarks.md between its markers, and the picture

import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { picture } from './picture.mjs';
import { spread } from './statistics.mjs';

const BEGIN = '<!-- benchmark:begin -->';
const END = '<!-- benchmark:end -->';
const SMALL = 'https 4 ms, 256 MB';

const { values: options } = parseArgs({
  options: {
    results: { type: 'string', default: join(import.meta.dirname, 'results.json') },
    write: { type: 'boolean', default: false },
    docs: { type: 'string', default: resolve(import.meta.dirname, '../../docs') }, // the folder of both
  },
});
const { about, lives } = JSON.parse(readFileSync(options.results, 'utf8'));

const SUBJECTS = {
  ours: 'this service',
  floor: 'the floor: a constant, Rust',
  blog: "the blog's Python handler",
  apollo: 'Apollo Server 5, Node',
  strawberry: 'Strawberry, Python',
};

// What is reported: a title, and what one life of a subject in a setting has to say about it.
// A constant is what the floor answers to a submission.
const warm = (life, operation) => life.warm[operation] ?? (operation === 'submit' ? life.warm.constant : undefined);
const cpu = (operation) => (life) => warm(life, operation)?.cpu;
const latency = (operation) => (life) => warm(life, operation)?.latency[2];
const METRICS = {
  httpsStart: ['Spawn to first answer, HTTPS', 'https 0 ms', (life) => life.spawnToAnswer],
  httpStart: ['Spawn to first answer, HTTP', 'http 0 ms', (life) => life.spawnToAnswer],
  slowStart: ['Spawn to first answer, HTTPS, DynamoDB taking 4 ms', 'https 4 ms', (life) => life.spawnToAnswer],
  init: ['– of it initialisation', 'https 4 ms', (life) => life.init],
  first: ['– of it the first invocation', 'https 4 ms', (life) => life.first],
  submitCpu: ['CPU time of a warm submit', 'https 0 ms', cpu('submit')],
  formCpu: ["CPU time of a warm submit as the blog's form sends it", 'https 0 ms', cpu('form')],
  pageCpu: ['CPU time of a warm page of 20', 'https 0 ms', cpu('page')],
  submitLatency: ['Warm submit, DynamoDB taking 4 ms', 'https 4 ms', latency('submit')],
  formLatency: ["Warm submit as the blog's form sends it, likewise", 'https 4 ms', latency('form')],
  pageLatency: ['Warm page of 20, likewise', 'https 4 ms', latency('page')],
  smallFirst: ['At 256 MB: first invocation', SMALL, (life) => life.first],
  smallSubmit: ['At 256 MB: warm submit', SMALL, latency('submit')],
  smallForm: ["At 256 MB: warm submit as the blog's form sends it", SMALL, latency('form')],
  smallPage: ['At 256 MB: warm page of 20', SMALL, latency('page')],
  memory: ['Peak memory', 'https 4 ms', (life) => life.peakMemory, 'bytes'],
};

/** The spread of a metric over a subject's lives; `undefined` where it was not measured. */
function measured(metric, subject) {
  const [, setting, pick] = METRICS[metric];
  const values = lives
    .filter((life) => life.subject === subject && life.setting === setting)
    .map(pick)
    .filter((value) => value !== undefined);
  return values.length > 0 ? spread(values) : undefined;
}

const ratio = (metric, subject) => measured(metric, subject)?.[2] / measured(metric, 'ours')?.[2];

// Three digits tell all that the spread leaves certain.
const digits = (value) => (value >= 100 ? value.toFixed(0) : value.toPrecision(value >= 10 ? 3 : 2));
const megabytes = (bytes) => digits(bytes / 1e6);
const times = (value) => (Number.isFinite(value) ? `**${digits(value)}×**` : '');

function table() {
  const present = Object.keys(SUBJECTS).filter((name) => about.artifacts[name]);
  const row = (cells) => `| ${cells.join(' | ')} |`;
  const rows = Object.entries(METRICS).map(([metric, [title, , , unit]]) => {
    const cells = present.map((subject) => {
      const found = measured(metric, subject);
      if (!found) return '–';
      const [, low, middle, high] = found.map(unit === 'bytes' ? megabytes : digits);
      const factor = subject === 'ours' ? '' : ` ${times(ratio(metric, subject))}`;
      return `${middle} ${unit === 'bytes' ? 'MB' : 'ms'}${factor}<br>${low} – ${high}`;
    });
    return cells.every((cell) => cell === '–') ? undefined : row([title, ...cells]);
  });
  const size = ({ bytes, zipBytes }) => `${megabytes(bytes)} MB<br>zip ${megabytes(zipBytes)} MB`;
  const sizes = present.map((name) => size(about.artifacts[name]));
  const { arm64 } = about;
  return [
    row(['', ...present.map((name) => SUBJECTS[name])]),
    row(['---', ...present.map(() => '---')]),
    ...rows.filter(Boolean),
    row(['What is deployed, without the language', ...sizes]),
    ...(arm64 ? [row(['– for arm64', size(arm64), ...present.slice(1).map(() => '–')])] : []),
  ].join('\n');
}

function provenance() {
  const { versions, machine, runs, warm, seed, date, quota } = about;
  const { commit, ...rest } = versions;
  const list = Object.entries(rest).map(([name, version]) => `${name} ${version}`).join(', ');
  const slow = quota.skipped
    ? `It was not measured under a quota of CPU time (${quota.skipped}).`
    : `“At 256 MB” is ${quota.core} of a core from the end of the initialisation on, HTTPS, DynamoDB taking 4 ms.`;
  return (
    `Medians of ${runs} starts each, quartiles below them, in random order (seed ${seed}), ${warm} warm requests of ` +
    `each kind in each; ${date}, ${machine.cores} × ${machine.cpu}. ${slow} The factors are how many times as much ` +
    `as this service takes. The first event is a submission, through GraphQL except to the blog's handler; the ` +
    `constant is answered to the same event, by \`lambda_http\` alone, built as this service is. ` +
    `Measured with ${list}.`
  );
}

/** The goals, as `[metric, rival, at least]`. */
const GOALS = [
  ['httpsStart', { blog: 35, apollo: 35, strawberry: 60 }],
  ['httpStart', { blog: 35, apollo: 25, strawberry: 50 }],
  ['submitCpu', { apollo: 8, strawberry: 15 }],
  ['formCpu', { blog: 8 }],
  ['pageCpu', { apollo: 6, strawberry: 15 }],
  ['memory', { blog: 4.5, apollo: 7, strawberry: 5.5 }],
];

function goals() {
  const verdict = (reached) => (reached ? 'reached' : 'MISSED');
  const lines = GOALS.flatMap(([metric, rivals]) =>
    Object.entries(rivals).map(([rival, goal]) => {
      const found = ratio(metric, rival);
      return `${verdict(found >= goal)}  ${METRICS[metric][0]}, ${rival}: ${found.toFixed(1)} of ${goal}`;
    }),
  );
  const first = lives.filter((life) => life.subject === 'ours' && life.setting.startsWith('https'));
  for (const setting of new Set(first.map((life) => life.setting))) {
    const found = first.filter((life) => life.setting === setting);
    const factor = spread(found.map((life) => life.first / life.warm.submit.latency[2]))[2];
    lines.push(`${verdict(factor <= 1.5)}  first invocation ÷ warm, ${setting}: ${factor.toFixed(2)} of at most 1.5`);
  }
  const slow = measured('slowStart', 'ours')[2];
  lines.push(`${verdict(slow <= 11)}  ${METRICS.slowStart[0]}: ${slow.toFixed(1)} ms of at most 11`);
  const above = 1 / ratio('httpsStart', 'floor');
  lines.push(`${verdict(above <= 3)}  ${METRICS.httpsStart[0]}, times the floor: ${above.toFixed(2)} of at most 3`);
  const { bytes, zipBytes } = about.artifacts.ours;
  const [, , memory] = measured('memory', 'ours');
  for (const [title, value, goal] of [['binary', bytes, 8], ['zip', zipBytes, 3.5], ['peak memory', memory, 11]]) {
    lines.push(`${verdict(value <= goal * 1e6)}  ${title}: ${megabytes(value)} MB of at most ${goal}`);
  }
  return lines.join('\n');
}

if (options.write) {
  const path = join(options.docs, 'benchmarks.md');
  const page = readFileSync(path, 'utf8');
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${path} has no ${BEGIN} … ${END}`);
  const block = `${BEGIN}\n${table()}\n\n${provenance()}\n${END}`;
  writeFileSync(path, page.slice(0, begin) + block + page.slice(end + END.length));
  writeFileSync(join(options.docs, 'benchmarks.svg'), picture(SUBJECTS, measured));
} else {
  console.log(`${table()}\n\n${provenance()}\n\n${goals()}`);
}
