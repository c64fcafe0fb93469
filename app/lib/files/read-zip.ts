/** Unpacking a zip with distrust: what comes out is counted, not what the archive says will (FILE-3). */
import { Inflate } from 'fflate';
import { concat, type Bytes } from '../core/bytes.ts';
import { MAX_IMPORT_BYTES, Refused, type Collected, type ImportOptions } from './collected.ts';
import { crc32 } from './crc32.ts';
import { bad, dataOffset, readDirectory, type ZipEntry } from './zip-directory.ts';

const STORED = 0;
const DEFLATED = 8;
/** Deflate gives at most 1,032 bytes for one: a step of this many can't make more than 4 MiB before it is counted. */
const STEP_BYTES = 4 * 1024;
/** Text shrinks to a third, zeros to a thousandth: an archive that grows this much was made to. */
const BOMB_RATIO = 100;

export async function readZip(
  zip: Blob,
  into: Collected,
  { onProgress, signal }: ImportOptions,
): Promise<void> {
  const kept = keep(await readDirectory(zip), into);
  // What is declared may refuse an archive early; it never lets one in.
  const declared = kept.reduce((sum, { entry }) => sum + entry.bytes, 0);
  const kind = declared > BOMB_RATIO * zip.size ? 'zip-bomb' : 'too-large';
  if (declared > MAX_IMPORT_BYTES) throw new Refused({ kind, limitBytes: MAX_IMPORT_BYTES });
  for (const [i, { path, entry }] of kept.entries()) {
    if (signal?.aborted === true) throw new Refused({ kind: 'cancelled' });
    into.add({ path, bytes: await readContent(zip, entry, into) });
    onProgress?.((i + 1) / kept.length);
  }
}

function keep(entries: readonly ZipEntry[], into: Collected): { path: string; entry: ZipEntry }[] {
  const kept: { path: string; entry: ZipEntry }[] = [];
  for (const entry of entries) {
    if (entry.isFolder) {
      into.offerFolder(entry.name.slice(0, -1));
      continue;
    }
    if (entry.isLink) {
      into.skip('link', entry.name);
      continue;
    }
    const path = into.offer(entry.name);
    if (path !== undefined) kept.push({ path, entry });
  }
  return kept;
}

async function readContent(zip: Blob, entry: ZipEntry, into: Collected): Promise<Bytes> {
  if (entry.encrypted) throw bad('encrypted', entry.name);
  if (entry.method !== STORED && entry.method !== DEFLATED) throw bad('unsupported-method', entry.name);
  const from = await dataOffset(zip, entry);
  if (from + entry.compressedBytes > zip.size) throw bad('truncated', entry.name);
  // Compressed data longer than all that may come out can't be honest, and would be read into memory.
  if (entry.compressedBytes > 2 * MAX_IMPORT_BYTES) throw bad('damaged', entry.name);
  const data = await zip
    .slice(from, from + entry.compressedBytes)
    .arrayBuffer()
    .catch(() => undefined);
  if (data === undefined) throw new Refused({ kind: 'unreadable', path: entry.name });
  const bytes =
    entry.method === STORED
      ? stored(new Uint8Array(data), into)
      : inflated(new Uint8Array(data), entry, into);
  if (bytes.length !== entry.bytes || crc32(bytes) !== entry.crc) throw bad('damaged', entry.name);
  return bytes;
}

function stored(data: Bytes, into: Collected): Bytes {
  into.reserve(data.length);
  return data;
}

/** Inflates step by step, so that a bomb is stopped at the cap and not at the end of memory. */
function inflated(data: Bytes, entry: ZipEntry, into: Collected): Bytes {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  const inflate = new Inflate((part) => {
    into.reserve(part.length, 'zip-bomb');
    bytes += part.length;
    if (bytes > entry.bytes) throw bad('damaged', entry.name);
    parts.push(part);
  });
  try {
    for (let at = 0; at < data.length; at += STEP_BYTES)
      inflate.push(data.subarray(at, at + STEP_BYTES), at + STEP_BYTES >= data.length);
  } catch (error) {
    throw error instanceof Refused ? error : bad('damaged', entry.name);
  }
  return concat(...parts);
}
