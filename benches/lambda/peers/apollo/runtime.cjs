// What the managed Node runtime does around a handler, and no more: load it, ask for events one at a time, post
// the answers. The runtime's own client (aws-lambda-ric) is built from C++ when it is installed, which a machine
// without a compiler and CMake cannot do; this loop does less work than that one, so it is not at Apollo's expense.

const { Agent, request } = require('node:http');
const { join } = require('node:path');

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function call(method, path, body) {
  const length = { 'content-length': Buffer.byteLength(body ?? ''), 'content-type': 'application/json' };
  const headers = body === undefined ? {} : length;
  return new Promise((resolve, reject) => {
    const sent = request({ agent, host, port, method, path: `/2018-06-01/runtime/${path}`, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function main() {
  const { handler } = require(join(__dirname, 'dist/index.js'));
  for (;;) {
    const { headers, body } = await call('GET', 'invocation/next');
    const id = headers['lambda-runtime-aws-request-id'];
    const context = {
      awsRequestId: id,
      functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
      getRemainingTimeInMillis: () => Number(headers['lambda-runtime-deadline-ms']) - Date.now(),
    };
    try {
      const answer = await handler(JSON.parse(body), context);
      await call('POST', `invocation/${id}/response`, JSON.stringify(answer));
    } catch (error) {
      const failure = { errorType: error.name, errorMessage: error.message, trace: error.stack?.split('\n') };
      await call('POST', `invocation/${id}/error`, JSON.stringify(failure));
    }
  }
}

main();
