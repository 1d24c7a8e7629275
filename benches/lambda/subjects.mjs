// Who is measured: how each is started, what it is asked, and what of it would be deployed.

import { join, resolve } from 'node:path';

const PEERS = join(import.meta.dirname, 'peers');

/** The subjects, by name. `operations` are what each is asked while warm; the first event is the first of them. */
export function makeSubjects({ binary, python }) {
  const pythonSubject = (peer, title, operations) => ({
    title,
    operations,
    command: [python, '-m', 'awslambdaric', 'app.lambda_handler'],
    cwd: join(PEERS, peer),
    // The managed runtime finds a function's packages the same way.
    env: { PYTHONPATH: join(PEERS, peer, 'package'), AWS_EXECUTION_ENV: 'AWS_Lambda_python3.11' },
    artifact: [join(PEERS, peer, 'app.py'), join(PEERS, peer, 'package')],
  });
  return {
    ours: {
      title: 'this service',
      operations: ['submit', 'page', 'form'],
      command: [resolve(binary)],
      env: {},
      artifact: [resolve(binary)],
    },
    floor: {
      title: 'a constant, in Rust',
      operations: ['constant'],
      command: [join(PEERS, 'floor/target/release/floor')],
      env: {},
      artifact: [join(PEERS, 'floor/target/release/floor')],
    },
    blog: pythonSubject('blog', "the blog's handler", ['form']),
    apollo: {
      title: 'Apollo Server 5',
      operations: ['submit', 'page'],
      command: [process.execPath, 'runtime.cjs'],
      cwd: join(PEERS, 'apollo'),
      env: {
        NODE_ENV: 'production',
        AWS_EXECUTION_ENV: `AWS_Lambda_nodejs${process.versions.node.split('.')[0]}.x`,
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true', // it would cost Apollo a warning in each cold start
      },
      artifact: [join(PEERS, 'apollo/dist/index.js')],
    },
    strawberry: pythonSubject('strawberry', 'Strawberry', ['submit', 'page']),
  };
}

/** The environment that Lambda gives to every function, and the way to the pretended DynamoDB. */
export function lambdaEnvironment({ runtimeApi, dynamodb, certificates, home }) {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    HOME: home, // without anybody's AWS profiles
    LAMBDA_TASK_ROOT: '.',
    AWS_REGION: 'eu-west-1',
    AWS_DEFAULT_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    AWS_SESSION_TOKEN: 'IQoJb3JpZ2luX2VjEXAMPLETOKEN',
    AWS_LAMBDA_FUNCTION_NAME: 'feedback',
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_RUNTIME_API: runtimeApi,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
    FEEDBACK_TABLE: 'Feedback',
    // Each language has its own way to be told of a private authority.
    SSL_CERT_FILE: join(certificates, 'amazon.pem'), // this service has Amazon's built in
    AWS_CA_BUNDLE: join(certificates, 'bundle.pem'),
    NODE_EXTRA_CA_CERTS: join(certificates, 'root.pem'), // Node has the public ones built in
  };
}
