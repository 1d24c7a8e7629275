// Starts the subjects through launcher.py, which tells when each was started.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export class Launcher {
  #process;
  #waiting = {}; // for a line, by what it tells
  #running; // the id of the process that was started last, until it ends

  constructor(python) {
    const stdio = ['pipe', 'pipe', 'inherit'];
    // In a session of its own: an interrupt from the keyboard is for this process, which then ends the others.
    this.#process = spawn(python, [join(import.meta.dirname, 'launcher.py')], { detached: true, stdio });
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      const message = JSON.parse(line);
      this.#running = message.pid;
      this.#waiting[message.pid ? 'started' : 'ended']?.(message);
    });
    process.on('exit', () => this.#running && process.kill(this.#running, 'SIGKILL'));
  }

  /** Starts a process; returns its id, when it was started in milliseconds, and a promise of how it ended. */
  async start({ command, cwd = '.', env, output }) {
    const ended = this.#next('ended').then((message) => message.ended);
    const started = this.#next('started');
    this.#process.stdin.write(`${JSON.stringify({ command, cwd, env, output })}\n`);
    const { pid, at } = await started;
    return { pid, startedAt: at / 1e6, ended };
  }

  /** Ends the process that was started last, if it still runs. */
  stop() {
    this.#process.stdin.write('\n');
  }

  /** Ends everything. */
  close() {
    this.#process.stdin.end();
  }

  #next(news) {
    return new Promise((resolve) => (this.#waiting[news] = resolve));
  }
}
