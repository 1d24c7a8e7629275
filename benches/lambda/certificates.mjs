// A private certificate authority, made anew for every run: root, intermediate and a server's certificate, all with
// the kind of key that DynamoDB's own chain has (RSA, 2048 bits).

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';

const AUTHORITY = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n';
const SERVER = 'basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n';

/**
 * Writes into `folder`: `server.key` and `server.pem` (with the intermediate) for the server, and for the clients
 * `root.pem`, which is the private root alone, `bundle.pem`, which is it behind the public ones, and `amazon.pem`,
 * which is it behind Amazon's. A client that reads the machine's roots in a real cold start reads the bundle here, and
 * one that has its roots built in reads as many as it has.
 */
export function makeCertificates(folder) {
  issue(folder, 'root', AUTHORITY);
  issue(folder, 'intermediate', AUTHORITY, 'root');
  issue(folder, 'server', SERVER, 'intermediate');
  const read = (name) => readFileSync(join(folder, name), 'utf8').trim();
  writeFileSync(join(folder, 'server.pem'), `${read('server.pem')}\n${read('intermediate.pem')}\n`);
  writeFileSync(join(folder, 'bundle.pem'), `${[...rootCertificates, read('root.pem')].join('\n')}\n`);
  const amazon = readFileSync(join(import.meta.dirname, '../../src/aws/amazon-roots.pem'), 'utf8').trim();
  writeFileSync(join(folder, 'amazon.pem'), `${amazon}\n${read('root.pem')}\n`);
}

function issue(folder, name, extensions, issuer) {
  const openssl = (...line) => execFileSync('openssl', line, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  writeFileSync(join(folder, `${name}.ext`), extensions);
  openssl('req', '-new', '-newkey', 'rsa:2048', '-nodes', '-sha256', '-subj', `/CN=benchmark ${name}`,
    '-keyout', `${name}.key`, '-out', `${name}.csr`);
  const signer = issuer
    ? ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-CAcreateserial']
    : ['-signkey', `${name}.key`];
  openssl('x509', '-req', '-in', `${name}.csr`, ...signer, '-sha256', '-days', '2', '-extfile', `${name}.ext`,
    '-out', `${name}.pem`);
}
