/**
 * The ring buffer a program's output goes through: one writer (the worker), one reader (the frame), in shared memory. A full
 * ring makes the writer sleep, so a flood costs the reader nothing; a writer that computes without a pause is still read.
 */

/** Bytes of output in flight between worker and frame: a few screens, small enough that Stop shows at once. */
export const RING_BYTES = 256 * 1024;
/** One record at most: what the reader takes in one go without making its batch too large. */
const RECORD_MAX_BYTES = 32 * 1024;
const HEADER_BYTES = 4;
/** Two 32-bit positions, on cache lines of their own. */
const DATA_OFFSET = 128;
const WRITTEN = 0;
const READ = 16;

export type OutputStream = 1 | 2;

export interface OutputRecord {
  readonly stream: OutputStream;
  readonly bytes: Uint8Array;
}

/** Memory for one ring. */
export const makeRing = (): SharedArrayBuffer => new SharedArrayBuffer(DATA_OFFSET + RING_BYTES);

/** The worker's end. `write` returns when everything is in the ring, sleeping while it is full. */
export class RingWriter {
  readonly #positions: Int32Array;
  readonly #data: Uint8Array;

  constructor(memory: SharedArrayBuffer) {
    this.#positions = new Int32Array(memory, 0, DATA_OFFSET / 4);
    this.#data = new Uint8Array(memory, DATA_OFFSET);
  }

  write(stream: OutputStream, bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; from += RECORD_MAX_BYTES) {
      this.#record(stream, bytes.subarray(from, from + RECORD_MAX_BYTES));
    }
  }

  #record(stream: OutputStream, bytes: Uint8Array): void {
    const written = Atomics.load(this.#positions, WRITTEN);
    for (;;) {
      const read = Atomics.load(this.#positions, READ);
      if (((written - read) >>> 0) + HEADER_BYTES + bytes.length <= RING_BYTES) break;
      Atomics.wait(this.#positions, READ, read);
    }
    const header = [stream, bytes.length & 255, (bytes.length >> 8) & 255, 0];
    put(this.#data, written, Uint8Array.from(header));
    put(this.#data, written + HEADER_BYTES, bytes);
    Atomics.store(this.#positions, WRITTEN, (written + HEADER_BYTES + bytes.length) | 0);
    Atomics.notify(this.#positions, WRITTEN);
  }
}

/** The frame's end. The writer is untrusted: nothing it puts in the memory makes the reader throw, loop or over-read. */
export class RingReader {
  readonly #positions: Int32Array;
  readonly #data: Uint8Array;

  constructor(memory: SharedArrayBuffer) {
    this.#positions = new Int32Array(memory, 0, DATA_OFFSET / 4);
    this.#data = new Uint8Array(memory, DATA_OFFSET);
  }

  /** The next record, `'empty'`, or `'corrupt'` when the memory holds none a RingWriter would have put there. */
  next(): OutputRecord | 'empty' | 'corrupt' {
    const read = Atomics.load(this.#positions, READ);
    const used = (Atomics.load(this.#positions, WRITTEN) - read) >>> 0;
    if (used === 0) return 'empty';
    if (used < HEADER_BYTES || used > RING_BYTES) return 'corrupt';
    const header = take(this.#data, read, HEADER_BYTES);
    const [stream, low = 0, high = 0] = header;
    const length = low | (high << 8);
    if ((stream !== 1 && stream !== 2) || length > RECORD_MAX_BYTES || HEADER_BYTES + length > used)
      return 'corrupt';
    const bytes = take(this.#data, read + HEADER_BYTES, length);
    Atomics.store(this.#positions, READ, (read + HEADER_BYTES + length) | 0);
    Atomics.notify(this.#positions, READ);
    return { stream, bytes };
  }

  /** Resolves when there may be something to read; within `pollMs` where the browser can't wait for memory. */
  async changed(pollMs: number): Promise<void> {
    const written = Atomics.load(this.#positions, WRITTEN);
    if (written !== Atomics.load(this.#positions, READ)) return;
    if (typeof Atomics.waitAsync === 'function') {
      await Atomics.waitAsync(this.#positions, WRITTEN, written).value;
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

function put(data: Uint8Array, position: number, bytes: Uint8Array): void {
  const at = (position >>> 0) % RING_BYTES;
  const first = Math.min(bytes.length, RING_BYTES - at);
  data.set(bytes.subarray(0, first), at);
  data.set(bytes.subarray(first), 0);
}

function take(data: Uint8Array, position: number, length: number): Uint8Array {
  const at = (position >>> 0) % RING_BYTES;
  const first = Math.min(length, RING_BYTES - at);
  const bytes = new Uint8Array(length);
  bytes.set(data.subarray(at, at + first), 0);
  bytes.set(data.subarray(0, length - first), first);
  return bytes;
}
