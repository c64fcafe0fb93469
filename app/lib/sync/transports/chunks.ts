/**
 * Frames cut into chunks and put together again: what every link carries (docs/spec-transport.md, NET-1 to NET-4).
 * Pure: it owns no socket and no timer. The two lanes are assembled independently, so a live frame may overtake a
 * bulk frame that is half sent. Chunks come from a stranger: every rule is checked before memory is taken.
 *
 *   chunk        flags u8 ‖ [total u32 BE, only in a frame's first chunk] ‖ body
 *   flags        bit 0: lane (0 live, 1 bulk) · bit 1: first chunk of a frame · others 0
 */
import type { Bytes } from '../../core/bytes.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { MAX_FRAME_BYTES, type Lane } from '../transport.ts';

const BULK = 0b01;
const FIRST = 0b10;
const TOTAL_BYTES = 4;
/** What a frame's first chunk spends before its body; the others spend one byte. */
export const FIRST_CHUNK_HEADER_BYTES = 1 + TOTAL_BYTES;
/** Memory taken for a frame before its bytes arrive: a claim of 24 MiB in five bytes must not cost 24 MiB. */
const FIRST_ALLOCATION_BYTES = 64 * 1024;

/** Whether a link message is a chunk; links use the other first bytes for their own messages. */
export const isChunk = (message: Uint8Array): boolean =>
  message[0] !== undefined && message[0] <= (BULK | FIRST);

/** Gives one frame as chunks of at most `chunkBytes`, headers included. The frame must not change meanwhile. */
export class FrameCutter {
  readonly #frame: Bytes;
  readonly #lane: Lane;
  readonly #chunkBytes: number;
  #offset = 0;
  #started = false;

  constructor(frame: Bytes, lane: Lane, chunkBytes: number) {
    this.#frame = frame;
    this.#lane = lane;
    this.#chunkBytes = chunkBytes;
  }

  get done(): boolean {
    return this.#started && this.#offset === this.#frame.length;
  }

  /** Body bytes that no chunk has taken yet. */
  get remainingBytes(): number {
    return this.#frame.length - this.#offset;
  }

  /** Size of the chunk that `next` will give. */
  get nextBytes(): number {
    return Math.min(this.#chunkBytes, this.#headerBytes + this.remainingBytes);
  }

  next(): Bytes {
    const header = this.#headerBytes;
    const chunk = new Uint8Array(this.nextBytes);
    chunk[0] = (this.#lane === 'bulk' ? BULK : 0) | (this.#started ? 0 : FIRST);
    if (!this.#started) new DataView(chunk.buffer).setUint32(1, this.#frame.length);
    const end = this.#offset + chunk.length - header;
    chunk.set(this.#frame.subarray(this.#offset, end), header);
    this.#offset = end;
    this.#started = true;
    return chunk;
  }

  get #headerBytes(): number {
    return this.#started ? 1 : FIRST_CHUNK_HEADER_BYTES;
  }
}

/** Why a chunk cannot be what an honest end sends; the link it came over must close. */
export type ChunkError = {
  readonly kind:
    'unknown-flags' | 'truncated' | 'frame-too-large' | 'no-progress' | 'overlong' | 'out-of-turn';
};

export interface AssembledFrame {
  readonly lane: Lane;
  readonly frame: Bytes;
}

/** Puts the chunks of one link together. After an error it must not be used again. */
export class FrameAssembler {
  readonly #open: Record<Lane, OpenFrame | undefined> = { live: undefined, bulk: undefined };
  readonly #maxFrameBytes: number;

  constructor(maxFrameBytes: number = MAX_FRAME_BYTES) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** The frame that this chunk completes, or undefined while one is still open. */
  accept(chunk: Bytes): Result<AssembledFrame | undefined, ChunkError> {
    const flags = chunk[0];
    if (flags === undefined) return err({ kind: 'truncated' });
    if (flags > (BULK | FIRST)) return err({ kind: 'unknown-flags' });
    const lane: Lane = flags & BULK ? 'bulk' : 'live';
    return flags & FIRST ? this.#begin(lane, chunk) : this.#continue(lane, chunk.subarray(1));
  }

  #begin(lane: Lane, chunk: Bytes): Result<AssembledFrame | undefined, ChunkError> {
    if (this.#open[lane]) return err({ kind: 'out-of-turn' });
    if (chunk.length < FIRST_CHUNK_HEADER_BYTES) return err({ kind: 'truncated' });
    const total = new DataView(chunk.buffer, chunk.byteOffset).getUint32(1);
    if (total > this.#maxFrameBytes) return err({ kind: 'frame-too-large' });
    const body = chunk.subarray(FIRST_CHUNK_HEADER_BYTES);
    // Most frames are one chunk: those are handed on without a copy.
    if (body.length === total) return ok({ lane, frame: body });
    if (body.length > total) return err({ kind: 'overlong' });
    this.#open[lane] = { total, received: 0, bytes: new Uint8Array(Math.min(total, FIRST_ALLOCATION_BYTES)) };
    return this.#continue(lane, body);
  }

  #continue(lane: Lane, body: Bytes): Result<AssembledFrame | undefined, ChunkError> {
    const open = this.#open[lane];
    if (!open) return err({ kind: 'out-of-turn' });
    if (body.length === 0) return err({ kind: 'no-progress' });
    if (open.received + body.length > open.total) return err({ kind: 'overlong' });
    makeRoom(open, open.received + body.length);
    open.bytes.set(body, open.received);
    open.received += body.length;
    if (open.received < open.total) return ok(undefined);
    this.#open[lane] = undefined;
    return ok({ lane, frame: open.bytes });
  }
}

interface OpenFrame {
  readonly total: number;
  received: number;
  bytes: Bytes;
}

/** Doubles the buffer, so that memory follows what has arrived and not what was promised. */
function makeRoom(open: OpenFrame, needed: number): void {
  if (open.bytes.length >= needed) return;
  const larger = new Uint8Array(Math.min(open.total, Math.max(needed, open.bytes.length * 2)));
  larger.set(open.bytes.subarray(0, open.received));
  open.bytes = larger;
}
