/**
 * From records to the tree people see: a pure function, so that everyone in the room sees the same names (TREE-4).
 * A folder exists because someone made it or because something is in it; a file whose path is taken gets a suffix.
 */
import type { FileId } from '../core/ids.ts';
import type { FileEntry, FileKind } from './file-record.ts';
import { foldersAbove } from './path.ts';

/** A file or folder as the tree shows it. `shown` differs from `path` where two claim one path. */
export interface TreeItem {
  /** A record's id, or '/' + path for a folder that is there only because something is in it. */
  readonly id: FileId;
  readonly kind: FileKind;
  readonly path: string;
  readonly shown: string;
  /** Bytes, of binary files only. */
  readonly size?: number;
}

/** Twice what may be created: two people can import at once, while a flood of records must not stop the page. */
const MAX_LISTED = 8_000;

/** The items of the tree, ordered by the name they are shown under. */
export function buildTree(entries: Iterable<FileEntry>): TreeItem[] {
  const alive = [...entries]
    .filter((entry) => !entry.removed)
    .sort((a, b) => order(a.id, b.id))
    .slice(0, MAX_LISTED);
  const folders = foldersOf(alive);
  const files = alive.filter((entry) => entry.kind !== 'folder');
  const taken = new Set([...folders.keys(), ...files.map((file) => file.path)]);
  const given = new Set(folders.keys());
  const suffixes = new Map<string, number>();
  const items: TreeItem[] = [...folders].map(([path, id]) => ({ id, kind: 'folder', path, shown: path }));
  for (const { id, kind, path, blob } of files) {
    const shown = given.has(path) ? freeName(path, taken, suffixes) : path;
    given.add(shown);
    items.push({ id, kind, path, shown, ...(blob && { size: blob.size }) });
  }
  return items.sort((a, b) => order(a.shown, b.shown));
}

/** The id of a folder that nobody made: its content did. */
export const impliedFolderId = (path: string): FileId => `/${path}` as FileId;

/** Path → id of every folder; of several records for one path, the first id stands for all. */
function foldersOf(alive: readonly FileEntry[]): Map<string, FileId> {
  const folders = new Map<string, FileId>();
  for (const { id, kind, path } of alive) if (kind === 'folder' && !folders.has(path)) folders.set(path, id);
  for (const { path } of alive)
    for (const folder of foldersAbove(path))
      if (!folders.has(folder)) folders.set(folder, impliedFolderId(folder));
  return folders;
}

function freeName(path: string, taken: Set<string>, suffixes: Map<string, number>): string {
  let n = suffixes.get(path) ?? 2;
  while (taken.has(suffixed(path, n))) n++;
  suffixes.set(path, n + 1);
  const name = suffixed(path, n);
  taken.add(name);
  return name;
}

/** What a file is called whose path is taken. */
export function suffixed(path: string, n: number): string {
  const end = endingAt(path);
  return `${path.slice(0, end)} (${n})${path.slice(end)}`;
}

/** Where the ending of a file's name begins: what runs it and colours it goes by that. A dotfile's name is no ending. */
function endingAt(path: string): number {
  const found = /[^/](?=(?:\.tar)?\.[^./\s]+$)/.exec(path);
  return found === null ? path.length : found.index + 1;
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
