/**
 * Bringing a project in: picked files or a picked folder, whatever was dropped, or a zip (FILE-1). Gives files and what
 * was left out, or one clear refusal; never throws, whatever it is given. Nothing is changed here: the caller adds them.
 */
import { err, ok, type Result } from '../core/result.ts';
import { Collected, Refused, type Imported, type ImportOptions, type ImportRefusal } from './collected.ts';
import { readDropped, takeEntries } from './dropped.ts';
import { readZip } from './read-zip.ts';

/** A single `.zip` is unpacked. Call it in the drop event itself: a DataTransfer is empty after the first await. */
export async function importPicked(
  picked: readonly File[] | DataTransfer,
  options: ImportOptions = {},
): Promise<Result<Imported, ImportRefusal>> {
  // Before any await, see above.
  const entries = 'items' in picked ? takeEntries(picked) : undefined;
  const files = 'items' in picked ? [...picked.files] : picked;
  const [only] = files;
  const zip = files.length === 1 && only !== undefined && isZip(only) ? only : undefined;
  const isFolder = entries?.some((entry) => entry.isDirectory) ?? false;
  return guarded(options, async (into) => {
    if (zip !== undefined && !isFolder) await readZip(zip, into, options);
    else if (entries !== undefined && entries.length > 0) await readDropped(entries, into, options);
    else await readPicked(files, into, options);
  });
}

/** Entries that were taken from a drop while its event lasted. A single `.zip` is unpacked. */
export async function importEntries(
  entries: readonly FileSystemEntry[],
  options: ImportOptions = {},
): Promise<Result<Imported, ImportRefusal>> {
  const [only] = entries;
  if (entries.length === 1 && only?.isFile === true && /\.zip$/i.test(only.name)) {
    const file = await new Promise<File | undefined>((resolve) =>
      (only as FileSystemFileEntry).file(resolve, () => resolve(undefined)),
    );
    return file === undefined ? err({ kind: 'unreadable', path: only.name }) : importZip(file, options);
  }
  return guarded(options, (into) => readDropped(entries, into, options));
}

/** Unpacks a zip whatever its name. */
export const importZip = (zip: Blob, options: ImportOptions = {}): Promise<Result<Imported, ImportRefusal>> =>
  guarded(options, (into) => readZip(zip, into, options));

/** Reads files one after another: the caps hold before the next is in memory. */
async function readPicked(
  files: readonly File[],
  into: Collected,
  { onProgress, signal }: ImportOptions,
): Promise<void> {
  for (const [i, file] of files.entries()) {
    throwIfCancelled(signal);
    const path = into.offer(file.webkitRelativePath || file.name);
    if (path === undefined) continue;
    into.reserve(file.size);
    into.add({ path, bytes: await bytesOf(file, path) });
    onProgress?.((i + 1) / files.length);
  }
}

async function guarded(
  options: ImportOptions,
  read: (into: Collected) => Promise<void>,
): Promise<Result<Imported, ImportRefusal>> {
  const into = new Collected();
  try {
    await read(into);
    throwIfCancelled(options.signal);
    return ok(into.result(options));
  } catch (error) {
    if (error instanceof Refused) return err(error.refusal);
    throw error;
  }
}

async function bytesOf(file: File, path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new Refused({ kind: 'unreadable', path });
  }
}

function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new Refused({ kind: 'cancelled' });
}

const isZip = (file: File): boolean => /\.zip$/i.test(file.name);
