// The Lambda Runtime API, for one function at a time: it hands out an event when the function asks for one, and
// takes the time until the answer has arrived.

import { once } from 'node:events';
import { createServer } from 'node:http';

const PREFIX = '/2018-06-01/runtime/invocation/';
const TIMEOUT_MS = 30_000;
const ACCEPTED = '{"status":"OK"}';
// With its length, as the real one answers: clients that do not read it to a chunked end would connect anew each time.
const ACCEPTED_HEADERS = { 'content-type': 'application/json', 'content-length': ACCEPTED.length };

/** Milliseconds on the monotonic clock, which all processes share. */
const now = () => Number(process.hrtime.bigint()) / 1e6;

export class RuntimeApi {
  #server = createServer({ keepAliveTimeout: 0 }, (request, response) => this.#serve(request, response));
  #invocations = 0;
  #poll; // resolved by the function's next request for an event
  #answer; // resolved by its answer to the current one

  async listen() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.address = `127.0.0.1:${this.#server.address().port}`;
    return this;
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Forgets the last function and waits for a new one. */
  expectFunction() {
    this.#poll = deferred();
  }

  /** When the function asked for its next event; waits until it does. */
  async polled() {
    const { at } = await this.#poll.promise;
    return at;
  }

  /** Hands out `event`; returns the answer, when it was handed out and when the answer was there. */
  async invoke(event) {
    const { response } = await this.#poll.promise;
    this.#poll = deferred();
    this.#answer = deferred();
    const headers = {
      'content-type': 'application/json',
      'content-length': event.length,
      'lambda-runtime-aws-request-id': `00000000-0000-4000-8000-${String(++this.#invocations).padStart(12, '0')}`,
      'lambda-runtime-deadline-ms': Date.now() + TIMEOUT_MS,
      'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:eu-west-1:123456789012:function:feedback',
      'lambda-runtime-trace-id': 'Root=1-6b49d200-56789abcdef0123456789012;Sampled=0',
    };
    const handedOutAt = now();
    response.writeHead(200, headers).end(event);
    const { body, at: answeredAt } = await this.#answer.promise;
    return { body, handedOutAt, answeredAt };
  }

  #serve(request, response) {
    if (request.url === `${PREFIX}next`) {
      this.#poll.resolve({ response, at: now() });
      return;
    }
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const at = now();
      response.writeHead(202, ACCEPTED_HEADERS).end(ACCEPTED);
      const body = Buffer.concat(chunks).toString();
      if (request.url.startsWith(PREFIX) && request.url.endsWith('/response')) this.#answer.resolve({ body, at });
      else (this.#answer ?? this.#poll).reject(new Error(`the function reports an error: ${body}`));
    });
  }
}

function deferred() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  parts.promise.catch(() => {}); // whoever waits is told; that nobody does is no failure
  return parts;
}
