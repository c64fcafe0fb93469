/**
 * Bringing a project in: picked files or a picked folder, whatever was dropped, or a zip (FILE-1). Gives files and what
 * was left out, or one clear refusal; never throws, whatever it is given. Nothing is changed here: the caller adds them.
 */
import { err, ok, type Result } from '../core/result.ts';
import { Collected, Refused, type Imported, type ImportOptions, type ImportRefusal } from './collected.ts';
import { fileOf, readDropped } from './dropped.ts';
import { readZip } from './read-zip.ts';

/** Files from a picker, or of a picked folder. A single `.zip` is unpacked. */
export function importPicked(
  files: readonly File[],
  options: ImportOptions = {},
): Promise<Result<Imported, ImportRefusal>> {
  const [only] = files;
  return guarded(options, (into) =>
    only !== undefined && files.length === 1 && isZip(only.name)
      ? readZip(only, into, options)
      : readPicked(files, into, options),
  );
}

/** Entries of a drop, as `webkitGetAsEntry` gave them inside the drop event. A single `.zip` is unpacked. */
export function importEntries(
  entries: readonly FileSystemEntry[],
  options: ImportOptions = {},
): Promise<Result<Imported, ImportRefusal>> {
  const [only] = entries;
  return guarded(options, async (into) =>
    only !== undefined && entries.length === 1 && only.isFile && isZip(only.name)
      ? readZip(await fileOf(only), into, options)
      : readDropped(entries, into, options),
  );
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

const isZip = (name: string): boolean => /\.zip$/i.test(name);
