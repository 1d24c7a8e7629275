// The share of a core that a Lambda function of 256 MB has once its initialisation is over: a control group that a
// process is put into, where this machine has control groups and lets us make one.

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of 1,769 MB, at which a function has one core (AWS Lambda's documentation). */
export const MEMORY_MB = 256;
const PERIOD_US = 20_000;
const QUOTA_US = Math.round((PERIOD_US * MEMORY_MB) / 1769);
const NAME = `feedback-benchmark-${process.pid}`;

/** Makes the group. Returns `{ core, add(pid), remove() }`, or `{ skipped: reason }`. */
export function makeQuota() {
  let folder;
  try {
    const { root, files } = controller();
    folder = join(root, NAME);
    mkdirSync(folder);
    for (const [file, text] of files) writeFileSync(join(folder, file), text);
    return {
      core: QUOTA_US / PERIOD_US,
      add: (pid) => writeFileSync(join(folder, 'cgroup.procs'), String(pid)),
      remove: () => removeSoon(folder),
    };
  } catch (error) {
    if (folder && existsSync(folder)) rmdirSync(folder);
    return { skipped: error.code ? `control groups: ${error.code}` : error.message };
  }
}

/** A process that was just killed keeps its group for a moment. */
function removeSoon(folder) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      rmdirSync(folder);
      return;
    } catch (error) {
      if (attempt === 50) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/** Where this machine's CPU controller is, and how it is told the quota. */
function controller() {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n').map((line) => line.split(' '));
  const first = mounts.find(([, , type, options]) => type === 'cgroup' && options?.split(',').includes('cpu'));
  if (first) {
    return { root: first[1], files: [['cpu.cfs_period_us', `${PERIOD_US}`], ['cpu.cfs_quota_us', `${QUOTA_US}`]] };
  }
  const second = mounts.find(([, , type]) => type === 'cgroup2');
  if (!second) throw new Error('control groups are not mounted');
  const children = readFileSync(join(second[1], 'cgroup.subtree_control'), 'utf8').split(/\s+/);
  if (!children.includes('cpu')) throw new Error('the CPU controller is not handed on to new control groups');
  return { root: second[1], files: [['cpu.max', `${QUOTA_US} ${PERIOD_US}`]] };
}
