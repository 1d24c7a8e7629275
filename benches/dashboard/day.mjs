// A simulated day, second by second: a weekday's traffic; a canary once a minute; DynamoDB out of reach for two
// minutes at night; a campaign at noon that meets the table's maximum throughput; a deployment in the afternoon; and
// robots in the evening. Everything is counted as AWS counts it. The request lines are the Lambda binary's own, with
// the simulation's times and durations, and so are the metrics in them.

import { Metrics } from './metrics.mjs';

const MINUTES = 1_440;
/** It ends while the robots are there: alarms are on. */
export const NOW = Date.UTC(2026, 2, 4, 20, 45);
const MIDNIGHT = Date.UTC(2026, 2, 4);

/** What the simulated stack is deployed with. */
export const PARAMETERS = {
  Dashboard: 'true',
  ClientLimit: 100,
  MaxWriteRequestUnits: 20,
  QuarantineAlarmUnits: 60,
};
const INDEXES = ['timeline', 'quarantine', 'status', 'topic']; // the default
const TRIES = 3; // of the SDK
const LATENCY = { BatchGetItem: 3.9, PutItem: 4.6, Query: 3.4, UpdateItem: 4.1 }; // of DynamoDB, in milliseconds
const IDLE = 7 * 60_000; // after which Lambda takes an execution environment down, about

/** By kind of request: milliseconds of the function, and what it asks DynamoDB for. */
const KINDS = {
  health: { ms: 1.1 },
  submit: { ms: 10, writes: true, asks: ['UpdateItem', 'PutItem'] },
  plain: { ms: 10, writes: true, asks: ['UpdateItem', 'PutItem'] },
  replay: { ms: 14, asks: ['UpdateItem', 'BatchGetItem'] },
  invalid: { ms: 1.3 },
  robot: { ms: 10, writes: true, asks: ['UpdateItem', 'PutItem'] },
  refused: { ms: 1.2 },
  inbox: { ms: 6.5, reads: 1.9, asks: ['Query'] },
  statistics: { ms: 21, reads: 30, asks: ['BatchGetItem', 'Query'] },
  anonymous: { ms: 1 },
  stale: { ms: 1 },
  malformed: { ms: 0.6 },
  throttled: { ms: 620, asks: [] },
  broken: { ms: 480, asks: [] },
};

/** Requests a second of each kind, `hour` hours after midnight; before it, they are those of the evening before. */
function rates(hour) {
  const clock = (hour + 24) % 24;
  const bell = (middle, width) => Math.exp(-(((clock - middle) / width) ** 2) / 2);
  const people = 0.06 + 0.8 * bell(10.5, 1.9) + 0.9 * bell(15, 2.3) + 0.45 * bell(19.5, 1.5);
  const staff = clock > 7.5 && clock < 18.5 ? bell(10.5, 1.6) + bell(14.8, 1.8) : 0;
  const campaign = hour > 12.05 && hour < 12.45 ? 13 * bell(12.22, 0.1) : 0;
  const robots = hour > 20.1 ? Math.min(1, (hour - 20.1) * 6) : 0;
  const isOut = hour > 3.2 && hour < 3.235;
  const submit = 1.8 * people + campaign;
  return {
    submit: isOut ? 0 : submit,
    broken: isOut ? 2 * submit : 0,
    plain: 0.3 * people,
    replay: 0.01 * people + 0.01 * campaign,
    invalid: 0.05 * people,
    robot: 0.004 + 3 * robots,
    refused: 4 * robots,
    inbox: 0.6 * staff,
    statistics: 0.02 * staff,
    anonymous: 0.003,
    stale: 0.006 * people,
    malformed: 0.002,
  };
}

/** Random numbers from 0 to 1, the same in each run (mulberry32). */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `{ metrics, lines }` of the day. `kinds` has the lines of each kind; `name` says what a resource is called. */
export function simulate(kinds, name) {
  const start = NOW - MINUTES * 60_000;
  const metrics = new Metrics(start, MINUTES);
  const lines = [];
  const next = random(7);
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const around = (middle, spread) => middle * Math.exp(spread * normal());
  const arrivals = (rate) => {
    let [count, left] = [0, Math.exp(-rate)];
    for (let product = next(); product > left; product *= next()) count += 1;
    return count;
  };

  const api = { ApiId: name('HttpApi') };
  const lambda = { FunctionName: name('FeedbackFunction') };
  const table = { TableName: name('FeedbackTable') };
  const index = (of) => ({ ...table, GlobalSecondaryIndexName: of });
  const gateway = (metric, at, value = 1) => metrics.publish('AWS/ApiGateway', metric, api, at, value);
  const dynamodb = (metric, of, at, value = 1) => metrics.publish('AWS/DynamoDB', metric, of, at, value);
  declare(metrics, { api, lambda, table, index, name });

  let environments = [];
  let isDeployed = false;
  const toldAt = new Map();

  /** One request from beginning to end. `waited` are the milliseconds that it was throttled for. */
  function serve(kind, at, waited = 0) {
    const { ms, writes = false, reads = 0, asks = [] } = KINDS[kind];
    const hour = (at - MIDNIGHT) / 3_600_000;
    const isBusy = hour > 12.1 && hour < 12.4;
    const duration = around(ms, 0.25) * (next() < 0.01 ? around(3, 0.4) : 1) + waited;

    if (!isDeployed && hour > 15.5) [environments, isDeployed] = [[], true];
    environments = environments.filter(({ until }) => until > at - IDLE);
    let environment = environments.findLast(({ until }) => until <= at);
    const init = environment ? undefined : around(46, 0.15);
    if (!environment) environments.push((environment = { id: environments.length }));
    environment.until = at + duration + (init ?? 0);
    metrics.publish(
      'AWS/Lambda',
      'ConcurrentExecutions',
      lambda,
      at,
      environments.filter(({ until }) => until > at).length,
    );
    metrics.publish('AWS/Lambda', 'Duration', lambda, at, duration);
    metrics.publish('AWS/Lambda', 'Errors', lambda, at, 0);
    metrics.publish('AWS/Lambda', 'Throttles', lambda, at, 0);

    const record = {
      durationMs: duration,
      billedDurationMs: Math.ceil(duration),
      memorySizeMB: 256,
      maxMemoryUsedMB: 24,
      initDurationMs: init,
    };
    lines.push({
      '@timestamp': at + duration,
      type: 'platform.report',
      record: { metrics: record, status: 'success' },
    });
    for (const template of kinds[kind]) {
      const isRequest = template.message === 'request';
      const line = { ...template, '@timestamp': at + duration, ...(isRequest && { duration_ms: duration }) };
      lines.push(line);
      for (const { Namespace, Dimensions, Metrics: of } of line._aws?.CloudWatchMetrics ?? []) {
        const [names] = Dimensions;
        const dimensions = Object.fromEntries(names.map((dimension) => [dimension, line[dimension]]));
        for (const { Name } of of) metrics.publish(Namespace, Name, dimensions, at, line[Name]);
      }
    }
    const { status } = kinds[kind].at(-1);
    gateway('Count', at);
    gateway('4xx', at, status >= 400 && status < 500 ? 1 : 0);
    gateway('5xx', at, status >= 500 ? 1 : 0);
    gateway('Latency', at, duration + around(9, 0.2) + (init ? init + around(90, 0.2) : 0));

    for (const operation of asks) {
      const latency = around(LATENCY[operation], 0.15) * (isBusy ? 1.5 : 1);
      dynamodb('SuccessfulRequestLatency', { ...table, Operation: operation }, at, latency);
      if (operation === 'UpdateItem') dynamodb('ConsumedWriteCapacityUnits', table, at);
    }
    if (reads) {
      const from = kind === 'statistics' ? table : index(next() < 0.6 ? 'status' : 'timeline');
      dynamodb('ConsumedReadCapacityUnits', from, at, reads);
    }
    if (writes) {
      dynamodb('ConsumedWriteCapacityUnits', table, at);
      const into = kind === 'robot' ? ['quarantine'] : ['timeline', 'status', ...(next() < 0.55 ? ['topic'] : [])];
      for (const of of into) dynamodb('ConsumedWriteCapacityUnits', index(of), at);
    }
    return environment;
  }

  let waiting = []; // submissions that were throttled, to be tried again
  for (let second = start; second < NOW; second += 1_000) {
    const rate = rates((second - MIDNIGHT) / 3_600_000);
    const coming = Object.entries(rate).flatMap(([kind, rate]) =>
      Array.from({ length: arrivals(rate) }, () => ({ kind, tries: 0 })),
    );
    if (second % 60_000 === 17_000) coming.push({ kind: 'health', tries: 0 });
    let units = PARAMETERS.MaxWriteRequestUnits;
    const offered = [...waiting, ...coming].map((request) => ({
      ...request,
      at: second + Math.floor(next() * 1_000),
    }));
    waiting = [];
    for (const { kind, tries, at } of offered.sort((a, b) => a.at - b.at)) {
      // The item, and the count of the client.
      const takes = KINDS[kind].writes ? 2 : 0;
      if (takes <= units) {
        units -= takes;
        serve(kind, at, tries * 70);
        continue;
      }
      dynamodb('WriteThrottleEvents', table, at);
      if (next() < 0.3) dynamodb('WriteThrottleEvents', index('timeline'), at);
      if (tries + 1 < TRIES) {
        waiting.push({ kind, tries: tries + 1 });
        continue;
      }
      const { id } = serve('throttled', at);
      if (at - (toldAt.get(id) ?? 0) < 60_000) continue;
      toldAt.set(id, at);
      metrics.publish(`Feedback/${name('AWS::StackName')}`, 'counting_failures', {}, at, 1);
    }
  }
  return { metrics, lines: lines.sort((a, b) => a['@timestamp'] - b['@timestamp']) };
}

/** What there is to be known, also of a day on which it does not happen. */
function declare(metrics, { api, lambda, table, index, name }) {
  for (const of of [table, ...INDEXES.map(index)]) {
    for (const metric of [
      'ConsumedReadCapacityUnits',
      'ConsumedWriteCapacityUnits',
      'ReadThrottleEvents',
      'WriteThrottleEvents',
    ]) {
      metrics.declare('AWS/DynamoDB', metric, of);
    }
  }
  // Of one version Lambda counts while a deployment shifts requests.
  const version = {
    ...lambda,
    Resource: `${name('FeedbackFunction')}:live`,
    ExecutedVersion: name('FeedbackFunction.Version.Version'),
  };
  for (const of of [lambda, version]) {
    for (const metric of ['Duration', 'Errors', 'Throttles']) metrics.declare('AWS/Lambda', metric, of);
  }
  for (const metric of ['Count', '4xx', '5xx', 'Latency']) metrics.declare('AWS/ApiGateway', metric, api);
}
