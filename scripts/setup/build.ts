// Builds the app when its sources are not those of the last build.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
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
/** Folders of the project that a build writes to, where they are there already. */
const writtenTo = ['.', 'node_modules', '.svelte-kit', 'build'];

export type BuildError =
  | { readonly kind: 'build-failed'; readonly output: string }
  | ({ readonly kind: 'cannot-build' } & Unwritable);

/** A folder, and the system's code for why nothing can be written there. */
interface Unwritable {
  readonly path: string;
  readonly code: string;
}

/**
 * `true` when a build was needed and made. Where none can be made (a read-only project) the last one has to do, and is
 * said to: an old app beats none. `unwritable` finds what stands in the way.
 */
export async function buildIfChanged(
  root: string,
  say: (line: string) => void,
  unwritable: (root: string) => Unwritable | undefined = firstUnwritable,
): Promise<Result<boolean, BuildError>> {
  const last = recorded(root);
  if (last === fingerprintOf(root)) return ok(false);
  const obstacle = unwritable(root);
  if (!obstacle) return build(root, say);
  if (last === undefined) return err({ kind: 'cannot-build', ...obstacle });
  const { path, code } = obstacle;
  say(
    `The app has changed since it was built and ${path} cannot be written to (${code}): the last build is served.`,
  );
  return ok(false);
}

/** Builds whatever was built before. Always `true` when it worked. */
export async function build(root: string, say: (line: string) => void): Promise<Result<boolean, BuildError>> {
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

function firstUnwritable(root: string): Unwritable | undefined {
  for (const path of writtenTo.map((name) => join(root, name)).filter((each) => existsSync(each)))
    try {
      accessSync(path, constants.W_OK);
    } catch (cause) {
      return { path, code: (cause as NodeJS.ErrnoException).code ?? String(cause) };
    }
  return undefined;
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
