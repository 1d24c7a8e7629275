// An HTTP server in front of the real Lambda binary, for clients that speak HTTP:
//
//   node lambda-front.mjs --binary target/release/lambda --port 4001 --staff-scope feedback:manage --log lambda.log
//
// On paths below /staff it plays a JWT authorizer too, which takes everybody for somebody with the named scope;
// without one it lets nobody in there. Into the file of --log goes what the function logs.
//
// It starts the binary with its own environment, plays the Lambda Runtime API for it, and turns each request
// into the event that an API Gateway HTTP API (payload 2.0, $default stage) would send. When the function asks
// for its first event, it prints `listening on http://127.0.0.1:N`. It needs Node 20 and no package, so that a
// client in any language can use it.

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { buffer, text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';

const TIMEOUT_MS = 30_000;
const REQUEST_LIMIT = 10 * 1024 * 1024; // API Gateway's, in bytes
const ANSWER_LIMIT = 6_291_556; // Lambda's, in bytes
const HOST = '127.0.0.1';

const { values: options } = parseArgs({
  options: {
    binary: { type: 'string' },
    port: { type: 'string', default: '0' },
    'staff-scope': { type: 'string' },
    log: { type: 'string' },
  },
});
if (!options.binary) {
  console.error('usage: node lambda-front.mjs --binary PATH [--port N] [--staff-scope SCOPE] [--log PATH]');
  process.exit(2);
}

// The Runtime API. A function asks for its next event only when it is done with the last one, so handing out
// one event per poll is all it takes to serialise the invocations.

const queue = [];
let poll;
let current;
let polled;
const firstPoll = new Promise((resolve) => (polled = resolve));

function invoke(event) {
  return new Promise((resolve, reject) => {
    queue.push({ id: randomUUID(), event, resolve, reject });
    handOut();
  });
}

function handOut() {
  if (!poll || queue.length === 0) return;
  current = queue.shift();
  poll.writeHead(200, {
    'content-type': 'application/json',
    'lambda-runtime-aws-request-id': current.id,
    'lambda-runtime-deadline-ms': Date.now() + TIMEOUT_MS,
    'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:eu-west-1:123456789012:function:feedback',
    'lambda-runtime-trace-id': 'Root=1-6b49d200-56789abcdef0123456789012;Sampled=0',
  });
  poll.end(JSON.stringify(current.event));
  poll = undefined;
}

async function runtimeApi(request, response) {
  const path = request.url.replace('/2018-06-01/runtime/', '');
  if (path === 'invocation/next') {
    poll = response;
    polled();
    handOut();
    return;
  }
  const body = await text(request);
  if (path === 'init/error') {
    console.error(`the function reports an initialisation error: ${body}`);
    response.writeHead(202).end('{"status":"OK"}');
    return;
  }
  const [, id, verb] = path.split('/');
  if (id !== current?.id) {
    response.writeHead(400).end('{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}');
    return;
  }
  const { resolve, reject } = current;
  current = undefined;
  if (verb === 'error') {
    reject(new Error(`the function reports an error: ${body}`));
  } else if (Buffer.byteLength(body) > ANSWER_LIMIT) {
    reject(new Error(`the function's answer exceeds ${ANSWER_LIMIT} bytes`));
    response.writeHead(413).end();
    return;
  } else {
    resolve(JSON.parse(body));
  }
  response.writeHead(202).end('{"status":"OK"}');
}

// The front door.

async function httpApi(request, response) {
  const body = await buffer(request).catch(() => undefined);
  if (!body) return; // The client went away in the middle of its request.
  if (body.length > REQUEST_LIMIT) return message(response, 413, 'Request Entity Too Large');
  try {
    const answer = await invoke(toEvent(request, body));
    const headers = { ...answer.headers };
    // Framing belongs to each connection, so the front door does its own.
    for (const name of ['connection', 'content-length', 'transfer-encoding']) delete headers[name];
    if (answer.cookies?.length) headers['set-cookie'] = answer.cookies;
    const content = Buffer.from(answer.body ?? '', answer.isBase64Encoded ? 'base64' : 'utf8');
    if (content.length > 0) headers['content-length'] = content.length;
    response.writeHead(answer.statusCode, headers).end(content);
  } catch (error) {
    console.error(error.message);
    message(response, 500, 'Internal Server Error');
  }
}

function message(response, status, text) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ message: text }));
}

function toEvent(request, body) {
  const [encodedPath, ...rest] = request.url.split('?');
  const path = decoded(encodedPath);
  const query = rest.join('?');
  const { cookie, ...received } = request.headersDistinct;
  const headers = {};
  for (const [name, values] of Object.entries(received)) headers[name] = values.join(',');
  headers['x-amzn-trace-id'] = 'Root=1-6b49d200-123456789012345678901234';
  headers['x-forwarded-for'] ??= request.socket.remoteAddress;
  headers['x-forwarded-port'] = String(request.socket.localPort);
  headers['x-forwarded-proto'] = 'http';
  const base64 = body.length > 0 && isBinary(headers['content-type']);
  const now = new Date();

  // A field without a value is left out of the JSON, as API Gateway leaves it out.
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    cookies: cookie?.flatMap((line) => line.split(';').map((pair) => pair.trim())),
    headers,
    queryStringParameters: query ? joined(new URLSearchParams(query)) : undefined,
    requestContext: {
      accountId: '123456789012',
      apiId: 'f6g7h8i9j0',
      authorizer: path.startsWith('/staff/') ? authorizer() : undefined,
      domainName: 'f6g7h8i9j0.execute-api.eu-west-1.amazonaws.com',
      domainPrefix: 'f6g7h8i9j0',
      http: {
        method: request.method,
        path,
        protocol: 'HTTP/1.1',
        sourceIp: request.socket.remoteAddress,
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: '$default',
      stage: '$default',
      time: `${now.toUTCString().slice(5, 16).replaceAll(' ', '/')}:${now.toISOString().slice(11, 19)} +0000`,
      timeEpoch: now.getTime(),
    },
    body: body.length > 0 ? body.toString(base64 ? 'base64' : 'utf8') : undefined,
    isBase64Encoded: base64,
  };
}

function authorizer() {
  const scope = options['staff-scope'];
  return scope && { jwt: { claims: { sub: 'front', scope }, scopes: null } };
}

function isBinary(contentType = '') {
  const mediaType = contentType.split(';')[0].trim().toLowerCase();
  return !/^text\/|[/+]json$|[/+]xml$|\/javascript$/.test(mediaType);
}

function decoded(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function joined(parameters) {
  const names = [...new Set(parameters.keys())];
  return Object.fromEntries(names.map((name) => [name, parameters.getAll(name).join(',')]));
}

// The process.

const runtime = createServer({ keepAliveTimeout: 0 }, runtimeApi).listen(0, HOST);
await once(runtime, 'listening');

const output = [];
const lambda = spawn(options.binary, {
  env: {
    AWS_LAMBDA_FUNCTION_NAME: 'feedback',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    ...process.env,
    AWS_LAMBDA_RUNTIME_API: `${HOST}:${runtime.address().port}`,
  },
  stdio: ['ignore', 'pipe', 'pipe'],
});
lambda.stdout.on('data', (chunk) => {
  output.push(chunk);
  if (options.log) appendFileSync(options.log, chunk);
});
lambda.stderr.on('data', (chunk) => output.push(chunk));
lambda.on('error', (error) => fail(`${options.binary} does not start: ${error.message}`));
lambda.on('close', (code, signal) => {
  fail(`${Buffer.concat(output)}the function exited (${signal ?? `code ${code}`})`);
});

process.on('exit', () => lambda.kill('SIGKILL'));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(0));

function fail(reason) {
  process.stderr.write(`${reason}\n`, () => process.exit(1));
}

await firstPoll;
const front = createServer(httpApi).listen(Number(options.port), HOST);
front.on('error', (error) => fail(error.message));
front.on('listening', () => console.log(`listening on http://${HOST}:${front.address().port}`));
