// DynamoDB as far as the subjects need it: a process of its own that gives fixed answers after a fixed time.
//
// It is forked with the folder of its certificates as its argument, and tells its parent the ports: one for each
// pair of transport and delay. A request that is not what the events ask for is refused, so that no subject can be
// quick by storing or reading something else. Credentials are not looked at.

import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { MESSAGE, RECORDS } from './items.mjs';

/** In milliseconds: none, to see the subject alone, and about what DynamoDB takes. */
export const DELAYS = [0, 4];

const ok = (answer) => reply(200, answer);
const STORED = ok({});
const NOTHING = { BatchGetItem: ok({ Responses: {}, UnprocessedKeys: {} }), GetItem: ok({}) };
const SHARDS = ok({
  Item: { feedbackId: { S: 'meta#timeline' }, shards: { N: '1' }, shardsBefore: { N: '1' }, raisedAt: { N: '0' } },
});
/** What the endpoint answers to a GET, whoever asks and however busy the table is. */
const HEALTH = {
  status: 200,
  headers: { server: 'Server', 'content-length': 42, 'x-amz-crc32': '3128867991' },
  body: 'healthy: dynamodb.us-east-1.amazonaws.com ',
};
const INVALID = reply(400, {
  __type: 'com.amazon.coral.validate#ValidationException',
  message: 'not what the benchmark asks for',
});
// One for every limit, so that none is made while a subject waits.
const PAGES = RECORDS.map((record, index) => {
  const { feedbackId, timelineShard, timelinePosition } = record;
  return ok({
    Items: RECORDS.slice(0, index + 1),
    Count: index + 1,
    ScannedCount: index + 1,
    LastEvaluatedKey: { feedbackId, timelineShard, timelinePosition },
  });
});

const ANSWERS = {
  PutItem: ({ Item }) => (Item.feedback?.S === MESSAGE && Item.feedbackId?.S ? STORED : INVALID),
  Query: ({ IndexName, Limit }) => (IndexName === 'timeline' && PAGES[Math.min(Limit, PAGES.length) - 1]) || INVALID,
  // No feedback is found by id: these are here for a subject that reads before its first request.
  GetItem: ({ Key }) => (Key.feedbackId?.S === 'meta#timeline' ? SHARDS : NOTHING.GetItem),
  BatchGetItem: () => NOTHING.BatchGetItem,
};

function reply(status, answer) {
  const body = Buffer.from(JSON.stringify(answer));
  const headers = {
    server: 'Server',
    'content-type': 'application/x-amz-json-1.0',
    'content-length': body.length,
    'x-amz-crc32': crc32(body),
    'x-amzn-requestid': '7S5PXMPL0FEEDBACK0BENCH0STUB7S5PXMPL0FEEDBACK0BENCHM',
  };
  return { status, headers, body };
}

function listener(delay) {
  return (request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      if (request.method === 'GET') {
        response.writeHead(HEALTH.status, HEALTH.headers).end(HEALTH.body);
        return;
      }
      const operation = request.headers['x-amz-target']?.split('.')[1];
      const { status, headers, body } = ANSWERS[operation]?.(JSON.parse(Buffer.concat(chunks))) ?? INVALID;
      const send = () => response.writeHead(status, headers).end(body);
      if (delay === 0) send();
      else setTimeout(send, delay);
    });
  };
}

/** Listens on this machine alone, under every address that `localhost` may stand for. */
async function listen(create) {
  const port = await new Promise((resolve) => {
    const server = create().listen(0, '127.0.0.1', () => resolve(server.address().port));
  });
  create().on('error', () => {}).listen(port, '::1');
  return port;
}

async function main(certificates) {
  const read = (name) => readFileSync(join(certificates, name));
  const tls = { key: read('server.key'), cert: read('server.pem'), minVersion: 'TLSv1.2' };
  const options = { keepAliveTimeout: 0 };
  const ports = { http: {}, https: {} };
  for (const delay of DELAYS) {
    ports.http[delay] = await listen(() => createHttpServer(options, listener(delay)));
    ports.https[delay] = await listen(() => createHttpsServer({ ...options, ...tls }, listener(delay)));
  }
  process.send(ports);
  process.on('disconnect', () => process.exit());
}

if (process.send) await main(process.argv[2]);
