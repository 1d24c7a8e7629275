// The events that every subject is fed, byte for byte the same, and what a right answer to each is.

import assert from 'node:assert/strict';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { ITEMS, MESSAGE, PAGE_SIZE } from './items.mjs';

const SUBMIT = `mutation Submit($input: SubmitFeedbackInput!) {
  submitFeedback(input: $input) {
    feedback { id message rating topic submittedAt }
    userErrors { code field message }
  }
}`;

const PAGE = `query Page($first: Int) {
  feedbacks(first: $first) {
    edges { cursor node { id message rating topic submittedAt } }
    pageInfo { hasNextPage endCursor }
  }
}`;

/** What is left of a token when API Gateway has verified it. */
const STAFF_CLAIMS = {
  client_id: '1example23456789',
  exp: '1795427600',
  iat: '1795424000',
  iss: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE',
  scope: 'openid feedback:read',
  sub: '3f5b2c1e-0000-4000-8000-5ca1ab1e0001',
  token_use: 'access',
};

const input = { message: MESSAGE, rating: 4, topic: 'checkout' };

/** What is measured, by name: the event, and the check of its answer. */
export const OPERATIONS = {
  // The blog's own request, which this service answers as well.
  form: {
    event: httpEvent('/feedback', { feedback: MESSAGE }),
    check: (body) => assert.equal(body.message, 'Feedback submitted successfully!'),
  },
  submit: {
    event: httpEvent('/graphql', { query: SUBMIT, operationName: 'Submit', variables: { input } }),
    check({ data, errors }) {
      assert.equal(errors, undefined);
      const { feedback, userErrors } = data.submitFeedback;
      assert.deepEqual(userErrors, []);
      const { id, submittedAt, ...rest } = feedback;
      assert.match(id, /^[0-9a-f-]{36}$/);
      assert.ok(Math.abs(Date.parse(submittedAt) - Date.now()) < 60_000, submittedAt);
      assert.deepEqual(rest, input);
    },
  },
  // The same event as `submit`, for a subject that does nothing with it.
  constant: {
    event: httpEvent('/graphql', { query: SUBMIT, operationName: 'Submit', variables: { input } }),
    check: (body) => assert.equal(body.message, 'Feedback submitted successfully!'),
  },
  page: {
    // Reading is for staff. The others look at neither path nor authorizer.
    event: httpEvent(
      '/staff/graphql',
      { query: PAGE, operationName: 'Page', variables: { first: PAGE_SIZE } },
      { jwt: { claims: STAFF_CLAIMS, scopes: null } },
    ),
    check({ data, errors }) {
      assert.equal(errors, undefined);
      const { edges, pageInfo } = data.feedbacks;
      assert.equal(edges.length, PAGE_SIZE);
      for (const [index, { cursor, node }] of edges.entries()) {
        const { id, message, rating, topic, millis } = ITEMS[index];
        assert.ok(cursor.length > 0);
        assert.equal(Date.parse(node.submittedAt), millis);
        assert.deepEqual({ ...node, submittedAt: millis }, { id, message, rating, topic, submittedAt: millis });
      }
      assert.deepEqual(pageInfo, { hasNextPage: true, endCursor: edges.at(-1).cursor });
    },
  },
};

/** Fails unless `response`, as a function gives it to the Runtime API, answers the operation rightly. */
export function check(operation, response) {
  try {
    const answer = JSON.parse(response);
    assert.equal(answer.statusCode, 200);
    OPERATIONS[operation].check(JSON.parse(text(answer)));
  } catch (error) {
    throw new Error(`a wrong answer to ${operation}: ${error.message}\n${response}`);
  }
}

function text({ headers, body, isBase64Encoded }) {
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
  const decode = { gzip: gunzipSync, br: brotliDecompressSync }[headers?.['content-encoding']];
  return (decode ? decode(bytes) : bytes).toString();
}

/** A POST of JSON as an HTTP API of API Gateway hands it on (payload format 2.0), sent by a browser. */
function httpEvent(path, body, authorizer) {
  const host = 'f6g7h8i9j0.execute-api.eu-west-1.amazonaws.com';
  const text = JSON.stringify(body);
  const userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
  const event = {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: '',
    headers: {
      accept: 'application/graphql-response+json, application/json',
      'accept-encoding': 'gzip, deflate, br, zstd',
      'accept-language': 'en-GB,en;q=0.7,de;q=0.3',
      'content-length': String(Buffer.byteLength(text)),
      'content-type': 'application/json',
      host,
      origin: `https://${host}`,
      'user-agent': userAgent,
      'x-amzn-trace-id': 'Root=1-6b49d200-123456789012345678901234',
      'x-forwarded-for': '198.51.100.7',
      'x-forwarded-port': '443',
      'x-forwarded-proto': 'https',
    },
    requestContext: {
      accountId: '123456789012',
      apiId: 'f6g7h8i9j0',
      authorizer, // left out of the JSON where there is none
      domainName: host,
      domainPrefix: 'f6g7h8i9j0',
      http: { method: 'POST', path, protocol: 'HTTP/1.1', sourceIp: '198.51.100.7', userAgent },
      requestId: 'JKJaXmPLvHcESHA=',
      routeKey: '$default',
      stage: '$default',
      time: '23/Nov/2026:09:00:00 +0000',
      timeEpoch: 1795424400000,
    },
    body: text,
    isBase64Encoded: false,
  };
  return Buffer.from(JSON.stringify(event));
}
