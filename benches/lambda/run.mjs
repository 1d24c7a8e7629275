// The benchmark: this service beside a constant in Rust, the blog's handler, Apollo Server and Strawberry, as Lambda
// would run them.
//
//   cargo build --release --locked --no-default-features --bin lambda
//   node benches/lambda/run.mjs --binary target/release/lambda
//   node benches/lambda/report.mjs --write      the table and the picture of docs/benchmarks.md from the results
//
// It needs Rust, Node 20.15, Python 3.10 with venv and pip, npm and openssl, on Linux; it installs the peers itself.
// Every subject is a process that asks a small Lambda Runtime API for its events, and stores into a pretended DynamoDB
// that gives fixed answers, over HTTP and over HTTPS, at once and after 4 ms. All are fed the same bytes, in random
// order, and every answer is checked. Linux's own accounts give CPU time and memory. The first round is thrown away: it
// brings everything into the page cache, and warms up what does the measuring. With `--arm64 PATH`, the table has the
// size of that binary as well.

import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeCertificates } from './certificates.mjs';
import { DELAYS } from './dynamodb-stub.mjs';
import { DEFAULT_PYTHON, installPeers, peerVersions, weigh } from './install.mjs';
import { Launcher } from './launcher.mjs';
import { measure } from './measure.mjs';
import { MEMORY_MB, makeQuota } from './quota.mjs';
import { RuntimeApi } from './runtime-api.mjs';
import { random, shuffled } from './statistics.mjs';
import { lambdaEnvironment, makeSubjects } from './subjects.mjs';

const { values: options } = parseArgs({
  options: {
    binary: { type: 'string' },
    arm64: { type: 'string' }, // a binary for arm64, to be weighed
    runs: { type: 'string', default: '15' }, // lives of each subject in each setting
    warm: { type: 'string', default: '300' }, // measured warm requests of each kind in each life
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    subjects: { type: 'string', default: 'ours,floor,blog,apollo,strawberry' },
    settings: { type: 'string', default: '.*' }, // a regular expression over names like "https 4 ms"
    python: { type: 'string', default: DEFAULT_PYTHON },
    out: { type: 'string', default: join(import.meta.dirname, 'results.json') },
  },
});
if (!options.binary) {
  console.error('usage: node run.mjs --binary PATH [--arm64 PATH] [--runs N] [--warm N] [--seed N] [--out FILE]');
  process.exit(2);
}

installPeers(options.python);
const subjects = makeSubjects(options);
const names = options.subjects.split(',');
const runs = Number(options.runs);
const warm = Number(options.warm);
const next = random(Number(options.seed));

const folder = mkdtempSync(join(tmpdir(), 'feedback-benchmark-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
makeCertificates(folder);
const stub = fork(join(import.meta.dirname, 'dynamodb-stub.mjs'), [folder]);
const [ports] = await once(stub, 'message');
const api = await new RuntimeApi().listen();
const launcher = new Launcher(options.python);
const quota = makeQuota();
if (quota.skipped) console.error(`not measured under a quota of CPU time: ${quota.skipped}`);
else process.on('exit', () => quota.remove());
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

const settings = ['http', 'https'].flatMap((transport) =>
  DELAYS.map((delay) => ({ name: `${transport} ${delay} ms`, transport, delay, warm })),
);
if (!quota.skipped) {
  // A tenth of the core makes a tenth of the requests take as long.
  const slow = { transport: 'https', delay: 4, quota, warm: Math.max(20, Math.round(warm / 10)) };
  settings.push({ name: `https 4 ms, ${MEMORY_MB} MB`, ...slow });
}
const cells = settings
  .filter(({ name }) => new RegExp(options.settings).test(name))
  .flatMap((setting) => names.map((name) => ({ name, setting })));

async function live({ name, setting }, count) {
  const env = lambdaEnvironment({
    runtimeApi: api.address,
    dynamodb: `${setting.transport}://localhost:${ports[setting.transport][setting.delay]}`,
    certificates: folder,
    home: folder,
  });
  try {
    const how = { api, launcher, env, quota: setting.quota, warm: count ?? setting.warm, log: join(folder, 'output') };
    return { subject: name, setting: setting.name, ...(await measure(subjects[name], how)) };
  } catch (error) {
    throw new Error(`${name} (${setting.name}): ${error.message}`);
  }
}

const loadAtStart = loadavg()[0];
const lives = [];
console.error(`${cells.length} cells, ${runs} rounds, seed ${options.seed}`);
for (const cell of shuffled(cells, next)) await live(cell, 10);
for (let round = 1; round <= runs; round += 1) {
  for (const cell of shuffled(cells, next)) lives.push({ round, ...(await live(cell)) });
  console.error(`round ${round} of ${runs}`);
}

const about = {
  date: new Date().toISOString().slice(0, 10),
  machine: { cpu: cpus()[0].model, cores: cpus().length, load: [loadAtStart, loadavg()[0]] },
  versions: { commit: commit(), node: process.versions.node, ...peerVersions(options.python) },
  runs,
  warm,
  seed: Number(options.seed),
  quota: quota.skipped ? { skipped: quota.skipped } : { core: quota.core },
  artifacts: Object.fromEntries(names.map((name) => [name, weigh(options.python, subjects[name].artifact)])),
  arm64: options.arm64 && weigh(options.python, [options.arm64]),
};
// One life a line, so that another run shows as a readable difference.
const lines = lives.map((life) => `    ${JSON.stringify(life, rounded)}`);
const head = JSON.stringify({ about }, rounded, 2).slice(0, -2);
writeFileSync(options.out, `${head},\n  "lives": [\n${lines.join(',\n')}\n  ]\n}\n`);
api.close();
launcher.close();
stub.disconnect();

/** To the microsecond: more digits are noise. */
function rounded(_, value) {
  return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
}

/** Which state of this repository was measured, where it is one. */
function commit() {
  try {
    const line = ['describe', '--always', '--dirty', '--exclude=*'];
    return execFileSync('git', line, { cwd: import.meta.dirname, encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return undefined;
  }
}
