/**
 * The central directory of a zip (PKWARE APPNOTE 4.3): what is in it and where, read from the end as archivers do, so
 * that data descriptors and junk before the archive don't matter. Nothing it declares is believed: readers of an entry
 * check size and CRC against what comes out.
 */
import { Refused, type ZipFault } from './collected.ts';

export interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  /** Of its local header, from the start of the file. */
  readonly offset: number;
  readonly isFolder: boolean;
  readonly isLink: boolean;
  readonly encrypted: boolean;
}

/** More than any project with its dependencies; bounds the directory we hold in memory. */
const MAX_ENTRIES = 100_000;
const MAX_DIRECTORY_BYTES = 32 * 1024 * 1024;

const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const LOCATOR_BYTES = 20;
const END64_BYTES = 56;
const ENTRY_BYTES = 46;
export const LOCAL_HEADER_BYTES = 30;

const LOCAL_SIGNATURE = 0x04034b50;
const ENTRY_SIGNATURE = 0x02014b50;
const END_SIGNATURE = 0x06054b50;
const END64_SIGNATURE = 0x06064b50;
const LOCATOR_SIGNATURE = 0x07064b50;

const UNIX = 3;
const UNIX_TYPE_MASK = 0xf000;
const UNIX_LINK = 0xa000;
const ENCRYPTED_FLAGS = 0x2041;

/** Every entry of the archive. Throws Refused. */
export async function readDirectory(zip: Blob): Promise<ZipEntry[]> {
  const end = await findEnd(zip);
  if (end.count > MAX_ENTRIES || end.size > MAX_DIRECTORY_BYTES) throw bad('too-many-entries');
  // Something may stand before the archive (a self-extractor): then every offset is short by that much.
  const shift = end.at - end.size - end.offset;
  if (shift < 0) throw bad('truncated');
  const directory = await view(zip, end.offset + shift, end.size);
  const entries: ZipEntry[] = [];
  let at = 0;
  while (at < directory.byteLength) {
    if (at + ENTRY_BYTES > directory.byteLength || directory.getUint32(at, true) !== ENTRY_SIGNATURE)
      throw bad('damaged');
    if (entries.length >= MAX_ENTRIES) throw bad('too-many-entries');
    const nameBytes = directory.getUint16(at + 28, true);
    const extraBytes = directory.getUint16(at + 30, true);
    const next = at + ENTRY_BYTES + nameBytes + extraBytes + directory.getUint16(at + 32, true);
    if (next > directory.byteLength) throw bad('damaged');
    entries.push(readEntry(directory, at, nameBytes, extraBytes, shift));
    at = next;
  }
  return entries;
}

/** Where an entry's data begins. Throws Refused. */
export async function dataOffset(zip: Blob, entry: ZipEntry): Promise<number> {
  const header = await view(zip, entry.offset, LOCAL_HEADER_BYTES);
  if (header.getUint32(0, true) !== LOCAL_SIGNATURE) throw bad('damaged', entry.name);
  return entry.offset + LOCAL_HEADER_BYTES + header.getUint16(26, true) + header.getUint16(28, true);
}

export const bad = (why: ZipFault, path?: string): Refused =>
  new Refused({ kind: 'bad-zip', why, ...(path !== undefined && { path: path.slice(0, 200) }) });

interface End {
  readonly count: number;
  readonly size: number;
  readonly offset: number;
  /** Where the directory ends. */
  readonly at: number;
}

async function findEnd(zip: Blob): Promise<End> {
  const from = Math.max(0, zip.size - END_BYTES - MAX_COMMENT_BYTES);
  const tail = await view(zip, from, zip.size - from);
  for (let at = tail.byteLength - END_BYTES; at >= 0; at--) {
    if (tail.getUint32(at, true) !== END_SIGNATURE) continue;
    // The comment must reach exactly to the end, or these four bytes are someone's data.
    if (at + END_BYTES + tail.getUint16(at + 20, true) !== tail.byteLength) continue;
    const end = {
      count: tail.getUint16(at + 10, true),
      size: tail.getUint32(at + 12, true),
      offset: tail.getUint32(at + 16, true),
      at: from + at,
    };
    const end64 = await findEnd64(zip, from + at);
    if (end64 !== undefined) return end64;
    if (tail.getUint16(at + 4, true) !== 0) throw bad('split');
    return end;
  }
  const start = zip.size >= 4 ? (await view(zip, 0, 4)).getUint32(0, true) : 0;
  throw bad(start === LOCAL_SIGNATURE ? 'truncated' : 'not-a-zip');
}

async function findEnd64(zip: Blob, endAt: number): Promise<End | undefined> {
  if (endAt < LOCATOR_BYTES) return undefined;
  const locator = await view(zip, endAt - LOCATOR_BYTES, LOCATOR_BYTES);
  if (locator.getUint32(0, true) !== LOCATOR_SIGNATURE) return undefined;
  // It stands right before its locator unless it was extended; the offset is short where something stands before.
  for (const at of [endAt - LOCATOR_BYTES - END64_BYTES, uint64(locator, 8)]) {
    if (at < 0 || at + END64_BYTES > zip.size) continue;
    const end = await view(zip, at, END64_BYTES);
    if (end.getUint32(0, true) === END64_SIGNATURE)
      return { count: uint64(end, 32), size: uint64(end, 40), offset: uint64(end, 48), at };
  }
  throw bad('damaged');
}

function readEntry(
  directory: DataView<ArrayBuffer>,
  at: number,
  nameBytes: number,
  extraBytes: number,
  shift: number,
): ZipEntry {
  const name = nameOf(new Uint8Array(directory.buffer, directory.byteOffset + at + ENTRY_BYTES, nameBytes));
  const extra = new DataView(
    directory.buffer,
    directory.byteOffset + at + ENTRY_BYTES + nameBytes,
    extraBytes,
  );
  const compressed = directory.getUint32(at + 20, true);
  const bytes = directory.getUint32(at + 24, true);
  const offset = directory.getUint32(at + 42, true);
  // Zip64: what doesn't fit 32 bits is in the extra field, in this order.
  const wide = wideFields(extra);
  const widen = (value: number): number => (value === 0xffffffff ? (wide.shift() ?? value) : value);
  const [realBytes, realCompressed, realOffset] = [widen(bytes), widen(compressed), widen(offset)];
  const unixType =
    directory.getUint8(at + 5) === UNIX ? directory.getUint16(at + 40, true) & UNIX_TYPE_MASK : 0;
  return {
    name,
    method: directory.getUint16(at + 10, true),
    crc: directory.getUint32(at + 16, true),
    compressedBytes: realCompressed,
    bytes: realBytes,
    offset: realOffset + shift,
    isFolder: name.endsWith('/'),
    isLink: unixType === UNIX_LINK,
    encrypted: (directory.getUint16(at + 8, true) & ENCRYPTED_FLAGS) !== 0,
  };
}

function wideFields(extra: DataView): number[] {
  for (let at = 0; at + 4 <= extra.byteLength; at += 4 + extra.getUint16(at + 2, true)) {
    if (extra.getUint16(at, true) !== 0x0001) continue;
    const end = Math.min(at + 4 + extra.getUint16(at + 2, true), extra.byteLength);
    const fields: number[] = [];
    for (let field = at + 4; field + 8 <= end; field += 8) fields.push(uint64(extra, field));
    return fields;
  }
  return [];
}

/** Names are UTF-8 whether or not the archiver said so; older ones wrote code pages, of which this is the commonest. */
function nameOf(bytes: Uint8Array<ArrayBuffer>): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

/** Rounded above 2^53, where nothing real is; every use is checked against the file's size. */
const uint64 = (data: DataView, at: number): number => Number(data.getBigUint64(at, true));

/** Exactly these bytes of the file. Throws Refused when they aren't all there. */
async function view(zip: Blob, from: number, length: number): Promise<DataView<ArrayBuffer>> {
  if (from + length > zip.size) throw bad('truncated');
  try {
    return new DataView(await zip.slice(from, from + length).arrayBuffer());
  } catch {
    throw new Refused({ kind: 'unreadable', path: '' });
  }
}
