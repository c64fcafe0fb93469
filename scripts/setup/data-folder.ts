// Owns the data folder: made private, used by one server at a time, brought to today's format.
// What PocketBase keeps inside it is PocketBase's own affair.
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { err, ok, type Result } from '../../app/lib/core/result.ts';

/** The layout below. Raised with a step in `upgrades` whenever an older folder must be changed to be read. */
const currentFormat = 1;

/** From the format of the key to the next. A step may run twice: a crash before the version is noted repeats it. */
export type Upgrades = Readonly<Record<number, (folder: string) => void>>;
const upgradesToday: Upgrades = {};

export interface DataFolder {
  readonly path: string;
  /** Downloaded servers, one file per version. */
  readonly bin: string;
  /** What PocketBase calls its data directory. */
  readonly pocketbase: string;
  readonly superuser: { readonly email: string; readonly password: string };
  /** Encrypts PocketBase's settings at rest: 32 characters, as it demands. */
  readonly encryptionKey: string;
  /** Lets another server use the folder. The system does the same when the process ends in any other way. */
  readonly release: () => void;
}

export type DataFolderError =
  | { readonly kind: 'not-a-folder' | 'not-ours' | 'locked' | 'unreadable-version'; readonly path: string }
  | { readonly kind: 'not-writable'; readonly path: string; readonly code: string }
  | { readonly kind: 'newer-format'; readonly path: string; readonly found: number; readonly known: number }
  | { readonly kind: 'no-upgrade'; readonly path: string; readonly found: number };

/** Makes or opens the folder at the absolute `path` and holds it until released. */
export function openDataFolder(
  path: string,
  format = currentFormat,
  upgrades = upgradesToday,
): Result<DataFolder, DataFolderError> {
  let release: (() => void) | undefined;
  try {
    const made = makeFolder(path);
    if (!made.ok) return made;
    release = lock(path);
    if (!release) return err({ kind: 'locked', path });
    const brought = bringToFormat(path, format, upgrades);
    if (!brought.ok) {
      release();
      return brought;
    }
    return ok({
      path,
      bin: ensureFolder(join(path, 'bin')),
      pocketbase: ensureFolder(join(path, 'pocketbase')),
      superuser: superuser(path),
      encryptionKey: secret(join(path, 'pocketbase.key')),
      release,
    });
  } catch (cause) {
    release?.();
    // Everything above only makes folders and small files: a failure is the file system saying no.
    return err({ kind: 'not-writable', path, code: codeOf(cause) });
  }
}

function makeFolder(path: string): Result<undefined, DataFolderError> {
  try {
    makePath(path);
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST' || codeOf(cause) === 'ENOTDIR') return err({ kind: 'not-a-folder', path });
    throw cause;
  }
  const names = readdirSync(path);
  // A PocketBase may be put in bin/ beforehand, where a machine has no network.
  const empty = names.every((name) => name === 'bin');
  const ours = names.includes('version') || names.includes('lock');
  if (!empty && !ours) return err({ kind: 'not-ours', path });
  chmodSync(path, 0o700);
  return ok(undefined);
}

/** Not `recursive: true`: where the system allows no folder at all (below /proc, say) Node never comes back from it. */
function makePath(path: string): void {
  if (existsSync(path) && statSync(path).isDirectory()) return;
  if (dirname(path) !== path) makePath(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

/**
 * An exclusive SQLite transaction is a lock of the operating system's own on every platform Node runs on: a crash or
 * kill -9 frees it, and no process id is ever mistaken for another's.
 */
function lock(path: string): (() => void) | undefined {
  const file = new DatabaseSync(join(path, 'lock'), { timeout: 0 });
  try {
    file.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return () => {
      if (file.isOpen) file.close();
    };
  } catch (cause) {
    file.close();
    const sqliteBusy = 5;
    if ((cause as { errcode?: number }).errcode === sqliteBusy) return undefined;
    throw cause;
  }
}

function bringToFormat(path: string, format: number, upgrades: Upgrades): Result<undefined, DataFolderError> {
  const versionFile = join(path, 'version');
  if (!existsSync(versionFile)) {
    replaceFile(versionFile, `${format}\n`);
    return ok(undefined);
  }
  const text = readFileSync(versionFile, 'utf8').trim();
  if (!/^\d{1,6}$/.test(text)) return err({ kind: 'unreadable-version', path: versionFile });
  const found = Number(text);
  if (found > format) return err({ kind: 'newer-format', path, found, known: format });
  for (let from = found; from < format; from++) {
    const step = upgrades[from];
    if (!step) return err({ kind: 'no-upgrade', path, found: from });
    step(path);
    replaceFile(versionFile, `${from + 1}\n`);
  }
  return ok(undefined);
}

function superuser(path: string): { email: string; password: string } {
  const password = secret(join(path, 'superuser.password'));
  return { email: 'superuser@codeface.local', password };
}

/** 32 characters, made at the first start and readable by this user alone. */
function secret(file: string): string {
  if (!existsSync(file)) replaceFile(file, randomBytes(24).toString('base64url'));
  chmodSync(file, 0o600);
  return readFileSync(file, 'utf8').trim();
}

/** All or nothing: a crash leaves the old file or the new one. */
function replaceFile(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
}

function ensureFolder(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}

function codeOf(cause: unknown): string {
  const { code, message } = cause as { code?: string; message?: string };
  return code ?? message ?? 'unknown';
}
