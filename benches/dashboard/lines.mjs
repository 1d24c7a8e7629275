// A request line of each kind, as the Lambda binary writes it. The binary works on the table of the laptop's server,
// by way of a proxy that can throttle and break off.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

const FRONT = join(import.meta.dirname, '../../tests/clients/lambda-front.mjs');
const LIST = 'query Inbox { feedbacks(first: 20) { nodes { id message triage { status } } } }';
const SUBMIT = `mutation Submit($input: SubmitFeedbackInput!) {
  submitFeedback(input: $input) { feedback { id } userErrors { code } }
}`;

const post = (path, body) => ({ path, method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });
const submit = (input) => post('/graphql', { query: SUBMIT, variables: { input } });

/** What is asked for, in this order, and how DynamoDB fails meanwhile. */
const KINDS = {
  health: { path: '/graphql?query=%7B__typename%7D' },
  submit: submit({
    message: 'Found it at once.',
    rating: 5,
    topic: 'search',
    idempotencyKey: 'a-key-of-one-submission',
  }),
  replay: submit({
    message: 'Found it at once.',
    rating: 5,
    topic: 'search',
    idempotencyKey: 'a-key-of-one-submission',
  }),
  plain: post('/feedback', { feedback: 'Found it at once.' }),
  invalid: submit({ message: '', rating: 9 }),
  robot: submit({ message: 'Cheap watches', trap: 'filled' }),
  inbox: post('/staff/graphql', { query: LIST }),
  statistics: post('/staff/graphql', {
    query: `query Statistics {
    feedbackStatistics(from: "2026-03-01", to: "2026-03-31") { __typename }
  }`,
  }),
  anonymous: post('/graphql', { query: LIST }),
  stale: post('/graphql', { query: 'query Old { allFeedback { id } }' }),
  malformed: post('/graphql', '{"query": '),
  throttled: { ...submit({ message: 'At noon.', rating: 4 }), fault: 'throttling' },
  broken: { ...submit({ message: 'At night.', rating: 4 }), fault: 'reset' },
  refused: { ...submit({ message: 'Cheap watches', trap: 'filled' }), until: 429 }, // the limit for each client
};

/** The lines of each kind, that of the request last. */
export async function requestLines(binaries, functionName) {
  const folder = mkdtempSync(join(tmpdir(), 'feedback-dashboard-'));
  const log = join(folder, 'lambda.log');
  writeFileSync(log, '');
  const children = [];
  /** Starts a process; returns what it prints that the pattern captures. */
  const start = (command, flags, env, pattern) => {
    const child = spawn(command, flags, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    return new Promise((resolve, reject) => {
      createInterface(child.stdout).on('line', (line) => pattern.exec(line) && resolve(pattern.exec(line)[1]));
      child.on('exit', (code) => reject(new Error(`${command} ended with ${code}`)));
    });
  };
  try {
    const engine = await start(
      binaries.local,
      ['--in-memory', '--port=0', '--log=warn'],
      process.env,
      /DynamoDB +(http:\S+)/,
    );
    const proxy = await startProxy(engine);
    children.push(proxy);
    const front = await start(
      process.execPath,
      [FRONT, `--binary=${binaries.lambda}`, '--staff-scope=feedback:manage', `--log=${log}`],
      {
        AWS_ACCESS_KEY_ID: 'any',
        AWS_SECRET_ACCESS_KEY: 'any',
        AWS_REGION: 'local',
        AWS_ENDPOINT_URL_DYNAMODB: proxy.url,
        AWS_LAMBDA_FUNCTION_NAME: functionName,
        FEEDBACK_TABLE: 'Feedback',
        FEEDBACK_INDEXES: 'status,topic,rating,person',
        FEEDBACK_CLIENT_LIMIT: '5',
        FEEDBACK_METRICS: 'true',
      },
      /listening on (http:\S+)/,
    );

    const logged = () => readFileSync(log, 'utf8').split('\n').slice(0, -1);
    const ask = async ({ path, method = 'GET', body }) => {
      const before = logged().length;
      await fetch(front + path, { method, headers: { 'content-type': 'application/json' }, body });
      const lines = () =>
        logged()
          .slice(before)
          .map((line) => JSON.parse(line));
      while (lines().at(-1)?.message !== 'request') await sleep(10);
      return lines();
    };
    const kinds = {};
    for (const [kind, request] of Object.entries(KINDS)) {
      proxy.fault = request.fault;
      let lines = await ask(request);
      while (request.until && lines.at(-1).status !== request.until) lines = await ask(request);
      // A connection's first count is late on a build that is not optimized.
      kinds[kind] = lines.filter((line) => line.level !== 'WARN');
    }
    return kinds;
  } finally {
    for (const child of children) child.kill();
    rmSync(folder, { recursive: true });
  }
}

/** Between the binary and its engine: `{ url, fault, kill }`. */
async function startProxy(engine) {
  const proxy = {};
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    if (proxy.fault === 'reset') return request.socket.destroy();
    if (proxy.fault === 'throttling') {
      response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
      return response.end('{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"no"}');
    }
    const { host, connection, 'content-length': length, ...headers } = request.headers;
    const answer = await fetch(engine + request.url, {
      method: request.method,
      headers,
      body: body.length > 0 ? body : undefined,
    });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
    response.end(Buffer.from(await answer.arrayBuffer()));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy.url = `http://127.0.0.1:${server.address().port}`;
  proxy.kill = () => {
    server.close();
    server.closeAllConnections();
  };
  return proxy;
}
