// Brings a fresh clone to the point where TypeScript runs: packages installed, Node 24 found.
// Plain syntax and built-ins without the `node:` prefix, so that an old Node parses it and can be told so.
import { spawnSync } from 'child_process';
import { existsSync, readFileSync } from 'fs';
import { dirname, join } from 'path';
import { fileURLToPath } from 'url';
import { handOver } from './hand-over.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const oldestNode = 20;
/** From here Node runs erasable TypeScript without a flag. */
const oldestNodeForTypeScript = [22, 18];

/**
 * Installs what is missing, then runs `script` (a path inside scripts/) under Node 24 with this process's arguments.
 * Never returns: the process ends with the script's exit code, or with one sentence and exit code 1.
 */
export function runUnderNode24(script) {
  if (versionOf(process.version)[0] < oldestNode) {
    stop(
      `CodeFace needs Node ${oldestNode} or newer; this is ${process.version}. Get one at https://nodejs.org.`,
    );
  }
  installIfNeeded();
  const child = handOver(nodeBinary(), join(root, 'scripts', script), process.argv.slice(2), root);
  child.on('error', (cause) => stop(`Node could not be started: ${cause.message}`));
}

function installIfNeeded() {
  if (installedMatchesLock()) return;
  const fresh = !existsSync(join(root, 'node_modules'));
  console.log(fresh ? 'Installing packages (the first time takes about a minute) …' : 'Updating packages …');
  // `npm ci` empties node_modules first: wanted in a fresh clone, a waste where a few packages have moved on.
  if (fresh && npm(['ci']).status === 0) return;
  // Some registries lack packages for other platforms: `npm ci` then refuses the lock, this keeps to it.
  const second = npm(['install', '--no-save']);
  if (second.status !== 0) stop(`Packages could not be installed: ${lastError(second)}`);
}

/** True when every package that the lock requires here is installed in the locked version. */
function installedMatchesLock() {
  const locked = packagesIn(join(root, 'package-lock.json'));
  const installed = packagesIn(join(root, 'node_modules', '.package-lock.json'));
  if (!locked || !installed) return false;
  return Object.keys(locked).every((path) => {
    const wanted = locked[path];
    if (path === '' || wanted.optional || wanted.devOptional || wanted.peer) return true;
    return Boolean(installed[path]) && installed[path].version === wanted.version;
  });
}

function packagesIn(lockFile) {
  try {
    return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
  } catch {
    return undefined; // missing or half-written: the same to us, npm is to put it right
  }
}

function npm(args) {
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  // Inside `npm start` npm names itself; started by hand it is looked for in the PATH.
  const inNpm = process.env.npm_execpath;
  return inNpm
    ? spawnSync(process.execPath, [inNpm, ...args, ...quiet], { cwd: root, encoding: 'utf8' })
    : spawnSync('npm', [...args, ...quiet], {
        cwd: root,
        encoding: 'utf8',
        shell: process.platform === 'win32',
      });
}

function lastError(result) {
  if (result.error) return result.error.message;
  const lines = String(result.stderr).split('\n');
  const said = lines.map((line) => line.replace(/^npm (error|ERR!) ?/, '').trim()).filter(Boolean);
  return said.slice(0, 3).join(' ') || `npm ended with code ${result.status}`;
}

function nodeBinary() {
  const inPackage = join(root, 'node_modules', 'node', 'bin', 'node');
  for (const path of [inPackage, `${inPackage}.exe`]) {
    if (existsSync(path) && spawnSync(path, ['--version']).status === 0) return path;
  }
  const own = versionOf(process.version);
  const [major, minor] = oldestNodeForTypeScript;
  if (own[0] > major || (own[0] === major && own[1] >= minor)) {
    console.log(`Node 24 could not be fetched from npm; going on with this Node ${process.version}.`);
    return process.execPath;
  }
  return stop(
    `Node 24 could not be fetched from npm, and this Node ${process.version} is too old to go on with; ` +
      `use Node ${oldestNodeForTypeScript.join('.')} or newer.`,
  );
}

function versionOf(version) {
  return version.replace(/^v/, '').split('.').map(Number);
}

function stop(sentence) {
  console.error(sentence);
  process.exit(1);
}
