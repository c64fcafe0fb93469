// Builds the app when its sources are not those of the last build.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { err, ok, type Result } from '../../app/lib/core/result.ts';

/** Everything that changes what the build holds, but for what `notBuilt` names in it. */
const inputs = [
  'app',
  'static',
  'package-lock.json',
  'svelte.config.js',
  'vite.config.ts',
  'tsconfig.json',
  'scripts/licences.ts',
];
/** Tests and what only they use. */
const notBuilt = /^app\/(journeys|testing)(\/|$)|\.test\.ts$/;
/** Inside the build, which every build empties: a build made in any other way is never mistaken for ours. */
const recordFile = 'build/.built-from';
const shownLines = 30;

export interface BuildFailed {
  readonly kind: 'build-failed';
  readonly output: string;
}

/** `true` when a build was needed and made. */
export async function buildIfChanged(
  root: string,
  say: (line: string) => void,
): Promise<Result<boolean, BuildFailed>> {
  return recorded(root) === fingerprintOf(root) ? ok(false) : build(root, say);
}

/** Builds whatever was built before. Always `true` when it worked. */
export async function build(
  root: string,
  say: (line: string) => void,
): Promise<Result<boolean, BuildFailed>> {
  // Taken before the build: what is edited meanwhile is built next time.
  const fingerprint = fingerprintOf(root);
  say('Building the app …');
  for (const command of [['node_modules/vite/bin/vite.js', 'build'], ['scripts/licences.ts']]) {
    const output = await failureOf(command, root);
    if (output !== undefined) return err({ kind: 'build-failed', output });
  }
  writeFileSync(join(root, recordFile), fingerprint);
  return ok(true);
}

function recorded(root: string): string | undefined {
  const file = join(root, recordFile);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function fingerprintOf(root: string): string {
  const hash = createHash('sha256');
  for (const input of inputs) addTo(hash, root, input);
  return hash.digest('hex');
}

function addTo(hash: ReturnType<typeof createHash>, root: string, path: string): void {
  const full = join(root, path);
  if (notBuilt.test(path) || !existsSync(full)) return;
  if (!statSync(full).isDirectory()) {
    hash.update(`${path}\0`).update(createHash('sha256').update(readFileSync(full)).digest());
    return;
  }
  for (const name of readdirSync(full).sort()) addTo(hash, root, `${path}/${name}`);
}

/** The last lines of a command that failed; nothing when it worked. */
function failureOf(command: readonly string[], cwd: string): Promise<string | undefined> {
  return new Promise((done) => {
    const child = spawn(process.execPath, command, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    // A build that outlives an interrupted start would write into the next one's.
    const endChild = (): void => void child.kill();
    process.once('exit', endChild);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text: Buffer) => (said += text.toString()));
    }
    child.on('error', (cause) => done(cause.message));
    child.on('close', (code) => {
      process.off('exit', endChild);
      done(code === 0 ? undefined : said.trimEnd().split('\n').slice(-shownLines).join('\n'));
    });
  });
}
