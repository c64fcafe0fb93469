/** Walking what was dropped on the page: files, and folders as deep as they go. */
import { Refused, type Collected, type ImportOptions } from './collected.ts';

/** Deeper than a path may be long: a loop of links ends here. */
const MAX_DEPTH = 512;

/** The file behind an entry that is one. Throws Refused. */
export const fileOf = (entry: FileSystemEntry, path = entry.name): Promise<File> =>
  promised<File>(path, (done, failed) => (entry as FileSystemFileEntry).file(done, failed));

export async function readDropped(
  entries: readonly FileSystemEntry[],
  into: Collected,
  options: ImportOptions,
): Promise<void> {
  for (const [i, entry] of entries.entries()) {
    await readEntry(entry, entry.name, 0, into, options);
    options.onProgress?.((i + 1) / entries.length);
  }
}

async function readEntry(
  entry: FileSystemEntry,
  path: string,
  depth: number,
  into: Collected,
  options: ImportOptions,
): Promise<void> {
  if (options.signal?.aborted === true) throw new Refused({ kind: 'cancelled' });
  if (entry.isFile) return readFile(entry, path, into);
  if (depth > MAX_DEPTH) throw new Refused({ kind: 'bad-path', path: path.slice(0, 200), why: 'too-long' });
  if (into.skipsFolder(entry.name, path)) return;
  into.offerFolder(path);
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  // A reader gives a hundred at a time, and an empty list only at the end.
  for (;;) {
    const some = await promised<FileSystemEntry[]>(path, (done, failed) => reader.readEntries(done, failed));
    if (some.length === 0) return;
    for (const child of some) await readEntry(child, `${path}/${child.name}`, depth + 1, into, options);
  }
}

async function readFile(entry: FileSystemEntry, path: string, into: Collected): Promise<void> {
  const clean = into.offer(path);
  if (clean === undefined) return;
  const file = await fileOf(entry, path);
  into.reserve(file.size);
  const buffer = await file.arrayBuffer().catch(() => undefined);
  if (buffer === undefined) throw new Refused({ kind: 'unreadable', path });
  into.add({ path: clean, bytes: new Uint8Array(buffer) });
}

function promised<T>(path: string, ask: (done: (value: T) => void, failed: () => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    ask(resolve, () => reject(new Refused({ kind: 'unreadable', path })));
  });
}
