/**
 * What one link still has to send: frames in two lanes, cut only when the sink has room, live before bulk (NET-5).
 * It owns order and memory, not the wire: the sink says how much it holds and calls `pump` when that falls.
 */
import type { Bytes } from '../../core/bytes.ts';
import { MAX_FRAME_BYTES, type Lane } from '../transport.ts';
import { FrameCutter } from './chunks.ts';

/** Bytes that may be under way on one link. More adds delay for what is typed meanwhile and no speed (facts: 18–29 MB/s either way). */
export const HIGH_WATER_BYTES = 256 * 1024;
/** Below this a link counts as drained: enough to keep the wire busy until the next frame comes. */
export const LOW_WATER_BYTES = 64 * 1024;
/** The part of the high water that bulk leaves free, so that a keystroke never waits for room. */
const LIVE_RESERVE_BYTES = 64 * 1024;

/** Where chunks go. */
export interface Sink {
  /** Bytes written and not yet known to be passed on: what the high water bounds. */
  inFlightBytes(): number;
  /** The part of them that has not left this tab. */
  unsentBytes(): number;
  write(chunk: Bytes): void;
}

export class SendQueue {
  readonly #sink: Sink;
  readonly #chunkBytes: number;
  readonly #lanes: Record<Lane, FrameCutter[]> = { live: [], bulk: [] };
  #waitingBytes = 0;
  #waiters: (() => void)[] = [];
  #closed = false;
  #pumping = false;

  /** `chunkBytes`: the largest chunk the sink takes, headers included. */
  constructor(sink: Sink, chunkBytes: number) {
    this.#sink = sink;
    this.#chunkBytes = chunkBytes;
  }

  /** Accepts a frame; after `close` it is dropped. Throws RangeError above MAX_FRAME_BYTES. */
  push(frame: Bytes, lane: Lane): void {
    refuseTooLarge(frame);
    if (this.#closed) return;
    this.#lanes[lane].push(new FrameCutter(frame, lane, this.#chunkBytes));
    this.#waitingBytes += frame.length;
    this.pump();
  }

  /** Writes what there is room for. The sink's owner calls it whenever `inFlightBytes` has fallen. */
  pump(): void {
    // A sink may report progress from inside `write`: the loop that is running already sees it.
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (let next = this.#next(); next && !this.#closed; next = this.#next()) this.#writeChunk(next);
    } finally {
      this.#pumping = false;
    }
    if (this.queuedBytes() <= LOW_WATER_BYTES) this.#wake();
  }

  /** Whether a chunk of this lane and size would be written at once and in order. */
  isIdle(lane: Lane, chunkBytes: number): boolean {
    return this.#lanes[lane].length === 0 && this.#hasRoom(lane, chunkBytes);
  }

  queuedBytes(): number {
    return this.#closed ? 0 : this.#waitingBytes + this.#sink.unsentBytes();
  }

  /** Resolves once `queuedBytes` is at most LOW_WATER_BYTES, or at `close`. */
  drained(): Promise<void> {
    if (this.queuedBytes() <= LOW_WATER_BYTES) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  close(): void {
    this.#closed = true;
    this.#lanes.live = [];
    this.#lanes.bulk = [];
    this.#waitingBytes = 0;
    this.#wake();
  }

  #next(): Lane | undefined {
    const lane: Lane = this.#lanes.live.length > 0 ? 'live' : 'bulk';
    const cutter = this.#lanes[lane][0];
    return cutter && this.#hasRoom(lane, cutter.nextBytes) ? lane : undefined;
  }

  #hasRoom(lane: Lane, chunkBytes: number): boolean {
    const limit = lane === 'live' ? HIGH_WATER_BYTES : HIGH_WATER_BYTES - LIVE_RESERVE_BYTES;
    return this.#sink.inFlightBytes() + chunkBytes <= limit;
  }

  #writeChunk(lane: Lane): void {
    const cutter = this.#lanes[lane][0];
    if (!cutter) return;
    const before = cutter.remainingBytes;
    const chunk = cutter.next();
    this.#waitingBytes -= before - cutter.remainingBytes;
    if (cutter.done) this.#lanes[lane].shift();
    this.#sink.write(chunk);
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}

/** Throws RangeError for a frame that no transport carries; the app must have cut it before (a broken invariant). */
export function refuseTooLarge(frame: Bytes): void {
  if (frame.length > MAX_FRAME_BYTES)
    throw new RangeError(`a frame of ${frame.length} bytes is above the limit of ${MAX_FRAME_BYTES}`);
}
