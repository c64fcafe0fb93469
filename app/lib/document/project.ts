/**
 * The project of a room: files, folders and the room's name, over the `project` channel's Y.Doc (TREE-n).
 * Roots: 'files' (FileId → record), 'blobs' (binary content), 'meta' (the name). Owns every change to them but the
 * typing inside a Y.Text, which is the editor's. Neither a `files` key nor a Y.Text is ever deleted (TREE-3).
 */
import { base32nopad } from '@scure/base';
import * as Y from 'yjs';
import { randomBytes, utf8, type Bytes } from '../core/bytes.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import type { FileId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import { cleanName } from '../core/person.ts';
import { MAX_BLOB_BYTES, readBlob, writeBlob, type BlobProblem } from './blobs.ts';
import { readRecord, type FileEntry } from './file-record.ts';
import { foldersAbove, isInside, pathProblem, type PathFault } from './path.ts';
import { removalMark } from './removal.ts';
import { textPieces } from './text-pieces.ts';
import { TreeIndex } from './tree-index.ts';
import type { TreeItem } from './tree.ts';

/** Files and folders that may be created in one room; an import may bring half of it. */
export const MAX_FILES = 4_000;

const MAX_ROOM_NAME_CHARS = 120;

export type TreeProblem =
  | { readonly kind: 'bad-path'; readonly why: PathFault | 'inside-itself' }
  | { readonly kind: 'path-taken' }
  | { readonly kind: 'too-many-files'; readonly limit: number }
  | { readonly kind: 'too-large'; readonly limitBytes: number }
  | { readonly kind: 'unknown-file' };

export interface ProjectOptions {
  readonly clock?: Clock;
  readonly newId?: () => FileId;
}

export class Project {
  readonly doc: Y.Doc;
  readonly #files: Y.Map<unknown>;
  readonly #meta: Y.Map<unknown>;
  readonly #blobs: Y.Map<unknown>;
  readonly #clock: Clock;
  readonly #newId: () => FileId;
  readonly #index = new TreeIndex();
  readonly #observers = new Set<() => void>();

  /** Changes made here have the Project as their transaction origin: an UndoManager for typing doesn't track them. */
  constructor(doc: Y.Doc, { clock = systemClock, newId = randomFileId }: ProjectOptions = {}) {
    this.doc = doc;
    this.#files = doc.getMap('files');
    this.#meta = doc.getMap('meta');
    this.#blobs = doc.getMap('blobs');
    this.#clock = clock;
    this.#newId = newId;
    this.#files.forEach((record, id) => this.#index.set(id, readRecord(id, record)));
    this.#files.observeDeep(this.#filesChanged);
    this.#meta.observe(this.#notify);
    this.#blobs.observe(this.#notify);
  }

  /** Files and folders as everyone sees them, ordered by `shown`. The same array until something changes. */
  list(): readonly TreeItem[] {
    return this.#index.items;
  }

  /** The room's name; '' until someone names it. */
  get name(): string {
    const name = this.#meta.get('name');
    return typeof name === 'string' ? cleanName(name, MAX_ROOM_NAME_CHARS) : '';
  }

  setName(name: string): void {
    const clean = cleanName(name, MAX_ROOM_NAME_CHARS);
    if (clean !== this.name) this.#transact(() => this.#meta.set('name', clean));
  }

  /** The text of a text file, removed ones included: an editor that is open goes on working. */
  text(id: FileId): Y.Text | undefined {
    return this.#index.get(id)?.text;
  }

  /** A file's bytes, exactly as they were put in. */
  bytes(id: FileId): Result<Bytes, BlobProblem | { readonly kind: 'unknown-file' }> {
    const entry = this.#index.get(id);
    // Y.Text has a toString of its own, which the base class's type hides from the linter.

    if (entry?.text !== undefined) return ok(utf8(entry.text.toString()));
    if (entry?.blob !== undefined) return readBlob(this.#blobs, entry.blob);
    return err({ kind: 'unknown-file' });
  }

  /** Calls back once after every transaction that changed the tree, the name or binary content; typing doesn't. */
  observe(callback: () => void): () => void {
    this.#observers.add(callback);
    return () => this.#observers.delete(callback);
  }

  /** Why a file or folder can't be created at `path`, or moved there; undefined when it can. */
  problemAt(path: string): TreeProblem | undefined {
    const why = pathProblem(path.normalize('NFC'));
    if (why !== undefined) return { kind: 'bad-path', why };
    return this.#index.isTaken(path.normalize('NFC')) ? { kind: 'path-taken' } : undefined;
  }

  /** A text file. Long content goes in piece by piece, so that no transaction is a large log entry. */
  createText(path: string, content: string): Result<FileId, TreeProblem> {
    // No more than 20 MiB of UTF-8, without encoding it to know.
    if (content.length > MAX_BLOB_BYTES) return err({ kind: 'too-large', limitBytes: MAX_BLOB_BYTES });
    const [first = '', ...rest] = textPieces(content.toWellFormed());
    const text = new Y.Text(first);
    const created = this.#create(path, 'text', () => ['text', text]);
    if (created.ok) for (const piece of rest) this.#transact(() => text.insert(text.length, piece));
    return created;
  }

  createFolder(path: string): Result<FileId, TreeProblem> {
    return this.#create(path, 'folder', () => undefined);
  }

  /** A binary file. Its content goes in first: nobody sees a file whose bytes may never come. */
  createBinary(path: string, bytes: Uint8Array): Result<FileId, TreeProblem> {
    if (bytes.length > MAX_BLOB_BYTES) return err({ kind: 'too-large', limitBytes: MAX_BLOB_BYTES });
    return this.#create(path, 'binary', () => [
      'blob',
      writeBlob(this.#blobs, bytes, (change) => this.#transact(change)),
    ]);
  }

  /** Renames or moves; a folder takes what is in it along. The last of two concurrent moves wins. */
  move(id: FileId, path: string): Result<void, TreeProblem> {
    const to = path.normalize('NFC');
    const folder = this.#index.folderPath(id);
    const entry = this.#index.get(id);
    const from = folder ?? entry?.path;
    if (from === undefined || entry?.removed === true) return err({ kind: 'unknown-file' });
    if (from === to) return ok(undefined);
    if (folder !== undefined && isInside(to, folder)) return err({ kind: 'bad-path', why: 'inside-itself' });
    const problem = this.problemAt(to);
    if (problem !== undefined) return err(problem);
    const moves = this.#withContent(id).map((one) => ({ id: one.id, to: to + one.path.slice(from.length) }));
    for (const { to: target } of moves) {
      const why = pathProblem(target);
      if (why !== undefined) return err({ kind: 'bad-path', why });
    }
    this.#transact(() => {
      for (const one of moves) this.#record(one.id).set('path', one.to);
    });
    this.#keepFolderOf(from);
    return ok(undefined);
  }

  /** Marks a file, or a folder with its content, as removed; gives what `restore` needs to undo it. */
  remove(id: FileId): readonly FileId[] {
    const removed = this.#withContent(id);
    const from = this.#index.folderPath(id) ?? this.#index.get(id)?.path;
    if (removed.length === 0 || from === undefined) return [];
    const time = this.#clock.now();
    this.#transact(() => {
      for (const entry of removed) this.#record(entry.id).set('deletedAt', removalMark(time, entry.text));
    });
    this.#keepFolderOf(from);
    return removed.map((entry) => entry.id);
  }

  /** Takes removals back. A path that is taken by now is shown with a suffix. */
  restore(ids: readonly FileId[]): void {
    this.#transact(() => {
      for (const id of ids) if (this.#index.get(id)?.removed === true) this.#record(id).delete('deletedAt');
    });
  }

  dispose(): void {
    this.#files.unobserveDeep(this.#filesChanged);
    this.#meta.unobserve(this.#notify);
    this.#blobs.unobserve(this.#notify);
    this.#observers.clear();
  }

  #create(
    path: string,
    kind: FileEntry['kind'],
    content: () => readonly [key: string, value: unknown] | undefined,
  ): Result<FileId, TreeProblem> {
    const problem = this.problemAt(path);
    if (problem !== undefined) return err(problem);
    if (this.#index.alive >= MAX_FILES) return err({ kind: 'too-many-files', limit: MAX_FILES });
    const id = this.#newId();
    const record = new Y.Map<unknown>([
      ['path', path.normalize('NFC')],
      ['kind', kind],
    ]);
    const more = content();
    if (more !== undefined) record.set(...more);
    this.#transact(() => this.#files.set(id, record));
    return ok(id);
  }

  /** The alive record an id names and, of a folder, everything in it and every record that stands for it. */
  #withContent(id: FileId): FileEntry[] {
    const folder = this.#index.folderPath(id);
    if (folder !== undefined)
      return [...this.#index.aliveEntries()].filter(
        ({ kind, path }) => isInside(path, folder) || (kind === 'folder' && path === folder),
      );
    const entry = this.#index.get(id);
    return entry === undefined || entry.removed ? [] : [entry];
  }

  /** A folder doesn't vanish because the last thing in it was moved or removed. */
  #keepFolderOf(path: string): void {
    const parent = foldersAbove(path).at(-1);
    if (parent !== undefined && !this.#index.isTaken(parent)) this.createFolder(parent);
  }

  #record(id: FileId): Y.Map<unknown> {
    const record = this.#files.get(id);
    if (!(record instanceof Y.Map)) throw new Error(`no record for ${id}, though the index has one`);
    return record;
  }

  #transact(change: () => void): void {
    this.doc.transact(change, this);
  }

  readonly #filesChanged = (events: readonly Y.YEvent<Y.AbstractType<unknown>>[]): void => {
    const changed = new Set<string>();
    for (const event of events) {
      if (event.target === this.#files) for (const id of event.keys.keys()) changed.add(id);
      else {
        const id = String(event.path[0]);
        // Typing concerns the tree only where it may revive a removed file (TREE-5).
        if (event.target instanceof Y.Map || this.#index.get(id)?.removed === true) changed.add(id);
      }
    }
    if (changed.size === 0) return;
    for (const id of changed) this.#index.set(id, readRecord(id, this.#files.get(id)));
    this.#notify();
  };

  readonly #notify = (): void => {
    for (const callback of this.#observers) callback();
  };
}

/** 80 random bits, so that two people never make the same one. */
const randomFileId = (): FileId => base32nopad.encode(randomBytes(10)).toLowerCase() as FileId;
