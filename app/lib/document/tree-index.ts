/**
 * Which records the tree has and which paths are taken, kept up to date record by record: importing 2,000 files
 * must not read 2,000 records 2,000 times. A cache of the document, never a source: `buildTree` decides what is shown.
 */
import type { FileId } from '../core/ids.ts';
import type { FileEntry } from './file-record.ts';
import { foldersAbove } from './path.ts';
import { buildTree, type TreeItem } from './tree.ts';

export class TreeIndex {
  readonly #entries = new Map<string, FileEntry>();
  readonly #files = new Map<string, number>();
  readonly #folders = new Map<string, number>();
  #alive = 0;
  #items: readonly TreeItem[] | undefined;

  /** Takes in how a record reads now; undefined: it doesn't count. */
  set(id: string, entry: FileEntry | undefined): void {
    const before = this.#entries.get(id);
    if (before !== undefined) this.#count(before, -1);
    if (entry === undefined) this.#entries.delete(id);
    else {
      this.#entries.set(id, entry);
      this.#count(entry, 1);
    }
    this.#items = undefined;
  }

  get(id: string): FileEntry | undefined {
    return this.#entries.get(id);
  }

  get items(): readonly TreeItem[] {
    return (this.#items ??= buildTree(this.#entries.values()));
  }

  /** Files and folder records that aren't removed. */
  get alive(): number {
    return this.#alive;
  }

  *aliveEntries(): Iterable<FileEntry> {
    for (const entry of this.#entries.values()) if (!entry.removed) yield entry;
  }

  /** Whether something has this path, or a file stands where one of its folders would be. */
  isTaken(path: string): boolean {
    if (this.#files.has(path) || this.#folders.has(path)) return true;
    return foldersAbove(path).some((folder) => this.#files.has(folder));
  }

  /** The id that stands for a folder record or an implied folder. */
  folderPath(id: FileId): string | undefined {
    const entry = this.#entries.get(id);
    if (entry !== undefined) return entry.kind === 'folder' && !entry.removed ? entry.path : undefined;
    const path = id.slice(1);
    return id.startsWith('/') && this.#folders.has(path) ? path : undefined;
  }

  #count(entry: FileEntry, by: 1 | -1): void {
    if (entry.removed) return;
    this.#alive += by;
    add(entry.kind === 'folder' ? this.#folders : this.#files, entry.path, by);
    for (const folder of foldersAbove(entry.path)) add(this.#folders, folder, by);
  }
}

function add(counts: Map<string, number>, path: string, by: 1 | -1): void {
  const now = (counts.get(path) ?? 0) + by;
  if (now === 0) counts.delete(path);
  else counts.set(path, now);
}
