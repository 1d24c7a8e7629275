// One life of one subject: its cold start, then warm requests, then its peak memory.

import { readFileSync, readdirSync } from 'node:fs';
import { OPERATIONS, check } from './events.mjs';
import { spread } from './statistics.mjs';

/**
 * Starts the subject, measures it and ends it. Times are in milliseconds, memory is in bytes.
 *
 * `quota`, if given, slows the process down from the end of its initialisation on, as Lambda does. `warm` requests
 * are measured for each operation, after a third as many that are not.
 */
export async function measure(subject, { api, launcher, env, quota, warm, log }) {
  api.expectFunction();
  const start = { command: subject.command, cwd: subject.cwd, env: { ...env, ...subject.env }, output: log };
  const { pid, startedAt, ended } = await launcher.start(start);
  try {
    const died = ended.then((reason) => {
      throw new Error(`it ended (${reason}): ${readFileSync(log, 'utf8').slice(-2000)}`);
    });
    return await Promise.race([died, timeout(), live(subject, pid, { api, startedAt, quota, warm })]);
  } finally {
    launcher.stop();
    await ended;
  }
}

async function live(subject, pid, { api, startedAt, quota, warm }) {
  const initialisedAt = await api.polled();
  quota?.add(pid);
  const initCpu = cpuTime(pid);
  const [firstOperation] = subject.operations;
  const first = await ask(api, firstOperation);
  await api.polled();
  const result = {
    init: initialisedAt - startedAt,
    first: first.took,
    // Not by the clock: moving the process under its quota in between takes time that is not its own.
    spawnToAnswer: initialisedAt - startedAt + first.took,
    initCpu,
    firstCpu: cpuTime(pid) - initCpu,
    warm: {},
  };
  for (const operation of subject.operations) {
    for (let count = 0; count < warm / 3; count += 1) await ask(api, operation);
    await api.polled();
    const cpuBefore = cpuTime(pid);
    const latencies = [];
    for (let count = 0; count < warm; count += 1) latencies.push((await ask(api, operation)).took);
    await api.polled();
    result.warm[operation] = { latency: spread(latencies), cpu: (cpuTime(pid) - cpuBefore) / warm };
  }
  result.peakMemory = peakMemory(pid);
  return result;
}

async function ask(api, operation) {
  const { body, handedOutAt, answeredAt } = await api.invoke(OPERATIONS[operation].event);
  check(operation, body);
  return { took: answeredAt - handedOutAt };
}

/** What all threads have run, in milliseconds; exact to the microsecond, unlike the ticks of /proc/PID/stat. */
function cpuTime(pid) {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    } catch {
      // The thread ended while we looked.
    }
  }
  return nanoseconds / 1e6;
}

function peakMemory(pid) {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
}

function timeout() {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error('it takes longer than two minutes')), 120_000).unref();
  });
}
