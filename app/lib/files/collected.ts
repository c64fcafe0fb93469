/**
 * What an import may bring in, whatever it comes from: the one place where its paths, number and size are judged
 * (FILE-1). A source offers paths before it reads anything, so nothing is read that won't be kept.
 */
import type { Bytes } from '../core/bytes.ts';
import { foldersAbove, pathProblem, type PathFault } from '../document/path.ts';

/** Half of what a room may hold; more is a dependency folder that slipped through. */
export const MAX_IMPORT_FILES = 2_000;
/** Everybody in the room receives and keeps all of it. */
export const MAX_IMPORT_BYTES = 20 * 1024 * 1024;

export interface ImportedFile {
  readonly path: string;
  readonly bytes: Bytes;
}

/** Why something was left out though the rest came in. */
export type SkipReason = 'version-control' | 'dependencies' | 'system-file' | 'link' | 'duplicate';

export interface Skipped {
  readonly reason: SkipReason;
  readonly count: number;
  /** The first few paths. */
  readonly examples: readonly string[];
}

export interface Imported {
  readonly files: readonly ImportedFile[];
  /** Folders with nothing in them. */
  readonly folders: readonly string[];
  readonly skipped: readonly Skipped[];
  /** The folder everything was in, taken off the paths: a name for the room. */
  readonly top?: string;
}

export type ImportRefusal =
  | { readonly kind: 'too-many-files'; readonly limit: number }
  | { readonly kind: 'too-large'; readonly limitBytes: number }
  | { readonly kind: 'zip-bomb'; readonly limitBytes: number }
  | { readonly kind: 'bad-zip'; readonly why: ZipFault; readonly path?: string }
  | { readonly kind: 'bad-path'; readonly path: string; readonly why: PathFault }
  /** The browser could not read it: moved, deleted, or not allowed. */
  | { readonly kind: 'unreadable'; readonly path: string }
  | { readonly kind: 'cancelled' };

export type ZipFault =
  'not-a-zip' | 'truncated' | 'damaged' | 'encrypted' | 'unsupported-method' | 'split' | 'too-many-entries';

export interface ImportOptions {
  /** How much is read, from 0 to 1. */
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
  /** For adding to a room that has content: a dropped folder stays a folder. */
  readonly keepTopFolder?: boolean;
}

/** Thrown inside an import to leave it; never crosses `importPicked`. */
export class Refused extends Error {
  readonly refusal: ImportRefusal;

  constructor(refusal: ImportRefusal) {
    super(refusal.kind);
    this.refusal = refusal;
  }
}

const EXAMPLES = 3;
const SHOWN_PATH_CHARS = 200;

export class Collected {
  readonly #files: ImportedFile[] = [];
  readonly #folders = new Set<string>();
  readonly #skipped = new Map<SkipReason, { count: number; examples: string[] }>();
  /** Paths taken by files, and by the folders they are in. */
  readonly #filePaths = new Set<string>();
  readonly #folderPaths = new Set<string>();
  #bytes = 0;

  /** The clean path a file will have; undefined when it is left out. Throws Refused. */
  offer(path: string): string | undefined {
    const clean = this.#judge(path);
    if (clean === undefined) return undefined;
    const above = foldersAbove(clean);
    const clash =
      this.#filePaths.has(clean) ||
      this.#folderPaths.has(clean) ||
      above.some((folder) => this.#filePaths.has(folder));
    if (clash) {
      this.skip('duplicate', clean);
      return undefined;
    }
    if (this.#filePaths.size >= MAX_IMPORT_FILES)
      throw new Refused({ kind: 'too-many-files', limit: MAX_IMPORT_FILES });
    this.#filePaths.add(clean);
    for (const folder of above) this.#folderPaths.add(folder);
    return clean;
  }

  offerFolder(path: string): void {
    const clean = this.#judge(path);
    if (clean === undefined || this.#filePaths.has(clean)) return;
    if (this.#folders.size >= MAX_IMPORT_FILES)
      throw new Refused({ kind: 'too-many-files', limit: MAX_IMPORT_FILES });
    this.#folders.add(clean);
  }

  /** Whether a folder of this name is left out as a whole: then it needn't be walked. */
  skipsFolder(name: string, path: string): boolean {
    const reason = SKIPPED_NAMES.get(name);
    if (reason !== undefined) this.skip(reason, path);
    return reason !== undefined;
  }

  skip(reason: SkipReason, path: string): void {
    const group = this.#skipped.get(reason) ?? { count: 0, examples: [] };
    this.#skipped.set(reason, group);
    group.count++;
    if (group.examples.length < EXAMPLES) group.examples.push(path.slice(0, SHOWN_PATH_CHARS));
  }

  /** Makes room for bytes about to be read or inflated. Throws Refused. */
  reserve(bytes: number, kind: 'too-large' | 'zip-bomb' = 'too-large'): void {
    this.#bytes += bytes;
    if (this.#bytes > MAX_IMPORT_BYTES) throw new Refused({ kind, limitBytes: MAX_IMPORT_BYTES });
  }

  add(file: ImportedFile): void {
    this.#files.push(file);
  }

  result({ keepTopFolder = false }: ImportOptions): Imported {
    const skipped = [...this.#skipped].map(([reason, group]) => ({ reason, ...group }));
    const empty = [...this.#folders].filter(
      (folder) =>
        !this.#folderPaths.has(folder) &&
        !this.#filePaths.has(folder) &&
        !foldersAbove(folder).some((above) => this.#filePaths.has(above)),
    );
    const top = keepTopFolder ? undefined : topFolder([...this.#files.map(({ path }) => path), ...empty]);
    if (top === undefined) return { files: this.#files, folders: empty, skipped };
    const from = top.length + 1;
    return {
      files: this.#files.map(({ path, bytes }) => ({ path: path.slice(from), bytes })),
      folders: empty.map((path) => path.slice(from)).filter((path) => path !== ''),
      skipped,
      top,
    };
  }

  #judge(path: string): string | undefined {
    const clean = path.normalize('NFC');
    const why = pathProblem(clean);
    const segments = clean.split('/');
    const escapes = why === 'absolute' || why === 'backslash' || segments.includes('..');
    if (!escapes) for (const segment of segments) if (this.skipsFolder(segment, clean)) return undefined;
    if (why !== undefined)
      throw new Refused({ kind: 'bad-path', path: path.slice(0, SHOWN_PATH_CHARS), why });
    return clean;
  }
}

const SKIPPED_NAMES: ReadonlyMap<string, SkipReason> = new Map([
  ['.git', 'version-control'],
  ['node_modules', 'dependencies'],
  ['__MACOSX', 'system-file'],
  ['.DS_Store', 'system-file'],
]);

/** The one folder that holds everything. */
function topFolder(paths: readonly string[]): string | undefined {
  const top = paths[0]?.split('/')[0];
  if (top === undefined) return undefined;
  // A file of that very name at the top is not in it.
  return paths.every((path) => path.startsWith(`${top}/`)) ? top : undefined;
}
