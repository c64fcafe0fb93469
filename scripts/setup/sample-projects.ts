// Real projects of others that a journey brings into a room: a Python package and an npm package, fetched once by the
// package clients, checked against a hash written here, and kept as the archives they came in. None is in the repository.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { unpackTar } from 'modern-tar';
import { err, ok, type Result } from '../../app/lib/core/result.ts';
import { pypiSource } from './pypi-wheel.ts';

export interface Sample {
  readonly name: string;
  readonly version: string;
  /** Of the .tar.gz as its registry gives it. */
  readonly sha256: string;
  /** The archive's bytes, unchecked; throws with the reason. */
  readonly fetch: (sample: Sample, say: (line: string) => void) => Promise<Uint8Array>;
}

export interface SampleMissing {
  readonly kind: 'sample-missing';
  /** One sentence for whoever reads what the tests skipped. */
  readonly why: string;
}

/** pip builds the archive's metadata with tools it fetches for that: half a minute on a busy machine. */
const downloadTimeoutMs = 120_000;
/** The samples have 200 KB; an archive that inflates to more than this is not one of them. */
const maxUnpackedBytes = 16 * 1024 * 1024;

/** A document store in Python, MIT: a package of eleven modules that import each other, with its tests. */
export const tinydb: Sample = {
  name: 'tinydb',
  version: '4.8.2',
  sha256: 'f7dfc39b8d7fda7a1ca62a8dbb449ffd340a117c1206b68c50b1a481fb95181d',
  fetch: (sample, say) => pypiSource(sample, downloadTimeoutMs, say),
};

/** Version numbers in JavaScript, ISC: fifty CommonJS modules, some of which require each other in a circle. */
export const semver: Sample = {
  name: 'semver',
  version: '7.7.3',
  sha256: 'b49572086d1e04c9a014cafc232685cc74570320d4e7091c2e30a7138c8522bd',
  fetch: fromNpm,
};

const cacheFolder = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'codeface', 'samples');

/** Fetches what the cache lacks. Never fails: `say` tells what is missing, and the journey that needs it is skipped. */
export async function bringSamples(
  say: (line: string) => void,
  samples: readonly Sample[] = [tinydb, semver],
  cache = cacheFolder,
): Promise<void> {
  for (const sample of samples) {
    const { name, version } = sample;
    if (archiveIn(cache, sample).ok) continue;
    try {
      const archive = await sample.fetch(sample, say);
      if (sha256(archive) !== sample.sha256) throw new Error('what came is not the checked archive');
      keep(cache, sample, archive);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      say(`Sample project ${name} ${version}: none (${reason.split('\n')[0]})`);
    }
  }
}

/** The project's files by path, the archive's own top folder taken off. Reads the cache alone. */
export async function sampleFiles(
  sample: Sample,
  cache = cacheFolder,
): Promise<Result<ReadonlyMap<string, Uint8Array<ArrayBuffer>>, SampleMissing>> {
  const archive = archiveIn(cache, sample);
  if (!archive.ok) return archive;
  const tar = gunzipSync(archive.value, { maxOutputLength: maxUnpackedBytes });
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const { header, data } of await unpackTar(tar, { strict: true })) {
    if (header.type !== 'file') continue;
    const [, path] = /^[^/]+\/(.+)$/.exec(header.name) ?? [];
    const inside = path?.split('/').every((part) => !['', '.', '..'].includes(part));
    if (!path || !inside) throw new Error(`${sample.name} has a file outside its folder: ${header.name}`);
    files.set(path, new Uint8Array(data ?? []));
  }
  return ok(files);
}

const archivePath = (cache: string, { name, version }: Sample): string =>
  join(cache, `${name}-${version}.tar.gz`);

function archiveIn(cache: string, sample: Sample): Result<Uint8Array, SampleMissing> {
  const missing = (why: string): Result<never, SampleMissing> =>
    err({ kind: 'sample-missing', why: `${sample.name} ${sample.version} ${why}; npm test fetches it` });
  try {
    const archive = readFileSync(archivePath(cache, sample));
    return sha256(archive) === sample.sha256 ? ok(archive) : missing('is damaged in the cache');
  } catch {
    return missing('is not in the cache');
  }
}

function keep(cache: string, sample: Sample, archive: Uint8Array): void {
  const path = archivePath(cache, sample);
  mkdirSync(cache, { recursive: true });
  writeFileSync(`${path}.new`, archive);
  renameSync(`${path}.new`, path);
}

async function fromNpm({ name, version }: Sample, say: (line: string) => void): Promise<Uint8Array> {
  say(`Fetching ${name} ${version} from the npm registry …`);
  const folder = mkdtempSync(join(tmpdir(), 'codeface-npm-'));
  const pack = ['pack', `${name}@${version}`, '--ignore-scripts', '--silent', '--pack-destination', folder];
  // Inside `npm test` npm names itself; started by hand it is looked for in the PATH.
  const inNpm = process.env['npm_execpath'];
  const [command, before] = inNpm ? [process.execPath, [inNpm]] : ['npm', []];
  try {
    await promisify(execFile)(command, [...before, ...pack], {
      timeout: downloadTimeoutMs,
      shell: !inNpm && process.platform === 'win32',
    });
    const archive = readdirSync(folder)[0];
    if (!archive) throw new Error('npm brought no archive');
    return readFileSync(join(folder, archive));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
