// Installs the peers, each into ignored folders beside its source, and weighs what would be deployed.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PEERS = join(import.meta.dirname, 'peers');

/** The Python whose packages the distribution optimises, if it is there; else the one on the path. */
export const DEFAULT_PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

/** Installs what is not there yet, as the committed lists of versions say. */
export function installPeers(python) {
  for (const peer of ['blog', 'strawberry']) {
    once(peer, ['requirements.txt'], python, () => {
      const folder = join(PEERS, peer);
      run(python, ['-m', 'venv', '--clear', '.venv'], folder);
      rmSync(join(folder, 'package'), { recursive: true, force: true });
      const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--only-binary', ':all:'];
      run(join(folder, '.venv/bin/python'), [...pip, '--target', 'package', '-r', 'requirements.txt'], folder);
    });
  }
  const sources = ['package.json', 'package-lock.json', 'index.mjs'];
  once('apollo', sources, process.version, () => {
    const folder = join(PEERS, 'apollo');
    run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], folder);
    run('npm', ['run', '--silent', 'build'], folder);
  });
  const rustc = execFileSync('rustc', ['--version'], { encoding: 'utf8' });
  once('floor', ['Cargo.toml', 'Cargo.lock', 'src/main.rs'], rustc, () => {
    run('cargo', ['build', '--release', '--locked', '--quiet'], join(PEERS, 'floor'));
  });
}

/** Where each peer's installation is noted: in a folder that goes when it goes. */
const STAMPS = { blog: '.venv', strawberry: '.venv', apollo: 'node_modules', floor: 'target' };

/** Runs `install` unless it was run already for just these files of the peer and this `tool`. */
function once(peer, files, tool, install) {
  const hash = createHash('sha256').update(tool);
  for (const file of files) hash.update(readFileSync(join(PEERS, peer, file)));
  const digest = hash.digest('hex');
  const stamp = join(PEERS, peer, STAMPS[peer], '.installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  console.error(`installing peers/${peer}`);
  install();
  writeFileSync(stamp, digest);
}

function run(command, line, cwd) {
  execFileSync(command, line, { cwd, stdio: ['ignore', process.stderr, process.stderr] });
}

/** The bytes of what is deployed, as it is and in a zip. */
export function weigh(python, paths) {
  const folder = mkdtempSync(join(tmpdir(), 'feedback-zip-'));
  const zip = join(folder, 'deployed.zip');
  const program = `
import os, sys, zipfile
size = 0
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for path in sys.argv[2:]:
        base = os.path.dirname(path)
        files = [path] if os.path.isfile(path) else [
            os.path.join(top, name) for top, folders, names in os.walk(path) for name in names
            if "__pycache__" not in top]
        for name in files:
            size += os.path.getsize(name)
            archive.write(name, os.path.relpath(name, base))
print(size)`;
  const bytes = Number(execFileSync(python, ['-c', program, zip, ...paths], { encoding: 'utf8' }));
  const zipBytes = statSync(zip).size;
  rmSync(folder, { recursive: true });
  return { bytes, zipBytes };
}

/** The exact versions of what the peers name. */
export function peerVersions(python) {
  const program = 'import platform; print(platform.python_version())';
  const versions = { python: execFileSync(python, ['-c', program], { encoding: 'utf8' }).trim() };
  for (const line of readFileSync(join(PEERS, 'strawberry/requirements.txt'), 'utf8').split('\n')) {
    const [name, version] = line.split('==');
    if (['awslambdaric', 'boto3', 'strawberry-graphql'].includes(name)) versions[name] = version;
  }
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(PEERS, 'apollo/package.json'), 'utf8'));
  return { ...versions, ...dependencies, ...devDependencies };
}
