/**
 * The room file: a room's genesis statement and all of its sealed segments, as one file (docs/spec-room-file.md).
 * Ciphertext as it is stored: without a link of the room it tells the room's id and its size, and nothing else. Codec
 * only: what the segments hold is decided by the accept order (room-file-take.ts).
 *
 *   magic[14] ‖ version u8 ‖ roomId[52] ‖ length u32 ‖ genesis statement ‖ n × (length u32 ‖ sealed segment)
 *     ‖ 0 u32 ‖ n u32 ‖ SHA-256[32] of all before it ‖ end mark[8]
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, equalBytes, utf8, type Bytes } from '../core/bytes.ts';
import type { RoomId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import { isRoomId } from '../crypto/room-keys.ts';
import { ByteReader, Malformed } from '../core/byte-reader.ts';
import { HASH_BYTES, MAX_GENESIS_BYTES, MAX_SEALED_SEGMENT_BYTES, MIB } from './format.ts';
import { decodeGenesis, type Genesis } from './genesis.ts';

/** Raised when what stands in a file changes so that an older reader would read it wrongly. */
export const ROOM_FILE_VERSION = 1;
/** Forty times the largest room that joining is measured with; above it a browser could not keep what is in it. */
export const MAX_ROOM_FILE_BYTES = 2048 * MIB;

/** What stands before the segments. */
export interface RoomFileHead {
  readonly roomId: RoomId;
  /** As signed. */
  readonly genesis: Bytes;
}

/** A segment of a file, and where it stands there. */
export interface FiledSegment {
  /** From 0. */
  readonly index: number;
  /** Of its first byte in the file. */
  readonly offset: number;
  readonly sealed: Bytes;
}

/** A file that is whole: ROOM-1 to ROOM-5 hold of it. */
export interface CheckedRoomFile {
  readonly file: Blob;
  readonly genesis: Genesis;
  readonly segments: number;
}

export type RoomFileProblem =
  | { readonly kind: 'not-a-room-file' }
  | { readonly kind: 'other-version'; readonly version: number }
  | { readonly kind: 'too-large'; readonly limitBytes: number }
  /** It ends before its end. */
  | { readonly kind: 'truncated' }
  /** It is another than what was written. `detail` is for developers, `offset` near where it was noticed. */
  | { readonly kind: 'damaged'; readonly detail: string; readonly offset: number }
  /** It can't be read from where it lies: moved, deleted or changed since it was picked. */
  | { readonly kind: 'unreadable' };

const MAGIC = utf8('codeface/room\0');
const END_MARK = utf8('room-end');
const ROOM_ID_CHARS = 52;
const LENGTH_BYTES = 4;
/** Read at once: large enough to be quick, nothing beside a segment of 20 MiB. */
const WINDOW_BYTES = MIB;

/** Writes a file, part after part, about as large as the batches are. Throws RangeError for what no file may hold. */
export async function* encodeRoomFile(
  { roomId, genesis }: RoomFileHead,
  batches: AsyncIterable<readonly Bytes[]>,
): AsyncGenerator<Bytes, void> {
  const hash = sha256.create();
  let size = 0;
  let count = 0;
  const hashed = (part: Bytes): Bytes => {
    size += part.length;
    if (size > MAX_ROOM_FILE_BYTES) throw new RangeError(`a room file of more than ${size} bytes`);
    hash.update(part);
    return part;
  };
  yield hashed(concat(MAGIC, Uint8Array.of(ROOM_FILE_VERSION), utf8(roomId), u32(genesis.length), genesis));
  for await (const batch of batches) {
    if (batch.length === 0) continue;
    count += batch.length;
    yield hashed(withLengths(batch));
  }
  yield hashed(concat(u32(0), u32(count)));
  yield concat(hash.digest(), END_MARK);
}

/**
 * Reads a file from its first byte to its last and says whether it is whole: structure, counts, hash, and a genesis
 * statement that is the room's own (GEN-2). Keeps nothing of it in memory.
 */
export async function checkRoomFile(file: Blob): Promise<Result<CheckedRoomFile, RoomFileProblem>> {
  const cursor = new Cursor(file);
  try {
    if (file.size > MAX_ROOM_FILE_BYTES) return err({ kind: 'too-large', limitBytes: MAX_ROOM_FILE_BYTES });
    const head = await readHead(cursor);
    if (!head.ok) return head;
    let segments = 0;
    for await (const _ of readSegments(cursor)) segments++;
    await readEnd(cursor, segments);
    const genesis = await decodeGenesis(head.value.genesis, head.value.roomId);
    if (!genesis.ok) throw new Malformed(`genesis statement: ${genesis.error.kind}`);
    return ok({ file, genesis: genesis.value, segments });
  } catch (problem) {
    if (!(problem instanceof Malformed)) return err({ kind: 'unreadable' });
    if (cursor.ranOut && !(await cursor.hasEndMark())) return err({ kind: 'truncated' });
    return err({ kind: 'damaged', detail: problem.message, offset: cursor.offset });
  }
}

/** What stands before the segments, also of a file that is damaged behind it. */
export async function readRoomFileHead(file: Blob): Promise<Result<RoomFileHead, RoomFileProblem>> {
  try {
    return await readHead(new Cursor(file));
  } catch (problem) {
    if (!(problem instanceof Malformed)) return err({ kind: 'unreadable' });
    return err({ kind: 'damaged', detail: problem.message, offset: 0 });
  }
}

/** The segments of a file, one after the other, as far as they can be told apart. Rejects where the file can't be read. */
export async function* roomFileSegments(file: Blob): AsyncGenerator<FiledSegment, void> {
  const cursor = new Cursor(file);
  try {
    if (!(await readHead(cursor)).ok) return;
    for await (const segment of readSegments(cursor)) yield { ...segment, sealed: segment.sealed.slice() };
  } catch (problem) {
    if (!(problem instanceof Malformed)) throw problem;
  }
}

async function readHead(cursor: Cursor): Promise<Result<RoomFileHead, RoomFileProblem>> {
  if (!(await cursor.startsLike(MAGIC))) return err({ kind: 'not-a-room-file' });
  await cursor.take(MAGIC.length);
  const version = new ByteReader(await cursor.take(1)).u8();
  if (version !== ROOM_FILE_VERSION) return err({ kind: 'other-version', version });
  const roomId = String.fromCharCode(...(await cursor.take(ROOM_ID_CHARS)));
  if (!isRoomId(roomId)) throw new Malformed('room id');
  const length = await cursor.u32();
  if (length === 0 || length > MAX_GENESIS_BYTES) throw new Malformed('length of the genesis statement');
  return ok({ roomId, genesis: (await cursor.take(length)).slice() });
}

/** Segments as views, up to and with the zero that ends them. */
async function* readSegments(cursor: Cursor): AsyncGenerator<FiledSegment, void> {
  for (let index = 0; ; index++) {
    const length = await cursor.u32();
    if (length === 0) return;
    if (length > MAX_SEALED_SEGMENT_BYTES) throw new Malformed(`length of segment ${index}`);
    const offset = cursor.offset;
    yield { index, offset, sealed: await cursor.take(length) };
  }
}

async function readEnd(cursor: Cursor, segments: number): Promise<void> {
  const count = await cursor.u32();
  const hash = cursor.hash();
  if (!equalBytes(await cursor.take(HASH_BYTES), hash)) throw new Malformed('hash of the whole');
  if (count !== segments) throw new Malformed(`${segments} segments of ${count}`);
  if (!equalBytes(await cursor.take(END_MARK.length), END_MARK)) throw new Malformed('end mark');
  if (cursor.left > 0) throw new Malformed(`${cursor.left} bytes behind the end`);
}

/** Reads a file forwards through a small window, and hashes what it has passed. */
class Cursor {
  readonly #file: Blob;
  readonly #hash = sha256.create();
  #window: Bytes = new Uint8Array();
  #windowAt = 0;
  /** Of the next byte. */
  offset = 0;
  /** More was asked for than there is. */
  ranOut = false;

  constructor(file: Blob) {
    this.#file = file;
  }

  get left(): number {
    return this.#file.size - this.offset;
  }

  /** A view of the next `length` bytes; throws Malformed where there are fewer. */
  async take(length: number): Promise<Bytes> {
    if (length > this.left) {
      this.ranOut = true;
      throw new Malformed('ends early');
    }
    if (this.offset + length > this.#windowAt + this.#window.length) {
      this.#window = await this.#read(this.offset, this.offset + Math.max(length, WINDOW_BYTES));
      this.#windowAt = this.offset;
      if (this.#window.length < length) throw new Error('the file became shorter');
    }
    const from = this.offset - this.#windowAt;
    const bytes = this.#window.subarray(from, from + length);
    this.#hash.update(bytes);
    this.offset += length;
    return bytes;
  }

  async u32(): Promise<number> {
    return new ByteReader(await this.take(LENGTH_BYTES)).u32();
  }

  /** Of everything taken so far. */
  hash(): Bytes {
    return this.#hash.clone().digest();
  }

  /** Whether the file is, as far as it goes, what begins so. */
  async startsLike(start: Bytes): Promise<boolean> {
    const found = await this.#read(0, start.length);
    return equalBytes(found, start.subarray(0, found.length));
  }

  async hasEndMark(): Promise<boolean> {
    const { size } = this.#file;
    return equalBytes(await this.#read(Math.max(0, size - END_MARK.length), size), END_MARK);
  }

  async #read(from: number, to: number): Promise<Bytes> {
    return new Uint8Array(await this.#file.slice(from, to).arrayBuffer());
  }
}

/** The segments in one piece, each behind its length. */
function withLengths(batch: readonly Bytes[]): Bytes {
  const joined = new Uint8Array(batch.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0));
  const view = new DataView(joined.buffer);
  let at = 0;
  for (const sealed of batch) {
    if (sealed.length === 0 || sealed.length > MAX_SEALED_SEGMENT_BYTES)
      throw new RangeError(`a sealed segment of ${sealed.length} bytes`);
    view.setUint32(at, sealed.length);
    joined.set(sealed, at + LENGTH_BYTES);
    at += LENGTH_BYTES + sealed.length;
  }
  return joined;
}

function u32(value: number): Bytes {
  const bytes = new Uint8Array(LENGTH_BYTES);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
