/** The frame's store of a run's output between worker and app: decodes, joins, counts, and stops at the budget. */
import { type OutputRecord, type OutputStream, RING_BYTES, RingReader } from './output-ring.ts';
import { BATCH_MAX_CHARS, BATCH_MAX_PIECES } from './protocol.ts';

/** How often the ring is looked at where the browser can't wait for memory. */
const POLL_MS = 16;

export class OutputQueue {
  readonly #ring: RingReader;
  readonly #decoders = { 1: new TextDecoder(), 2: new TextDecoder() };
  readonly #limitBytes: number;
  #bytes = 0;
  #chars = 0;
  #pieces: [OutputStream, string][] = [];
  #state: 'flowing' | 'over-limit' | 'corrupt' = 'flowing';

  constructor(ring: SharedArrayBuffer, limitBytes: number) {
    this.#ring = new RingReader(ring);
    this.#limitBytes = limitBytes;
  }

  /** `over-limit` and `corrupt` last: the run must end. */
  get state(): 'flowing' | 'over-limit' | 'corrupt' {
    return this.#state;
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  /** Takes what an ended worker left in the ring; no more than one ring full, should it still be writing. */
  drain(): void {
    this.#fill(this.#chars + RING_BYTES);
  }

  /** Up to one batch, in order. */
  takeBatch(): [OutputStream, string][] {
    this.#fill(BATCH_MAX_CHARS);
    const batch: [OutputStream, string][] = [];
    let room = BATCH_MAX_CHARS;
    while (room > 0 && batch.length < BATCH_MAX_PIECES) {
      const piece = this.#pieces[0];
      if (!piece) break;
      const [stream, text] = piece;
      batch.push([stream, text.slice(0, room)]);
      if (text.length > room) piece[1] = text.slice(room);
      else this.#pieces.shift();
      const taken = Math.min(text.length, room);
      room -= taken;
      this.#chars -= taken;
    }
    return batch;
  }

  /** Resolves when there may be more. */
  changed(): Promise<void> {
    return this.#ring.changed(POLL_MS);
  }

  #fill(maxChars: number): void {
    while (this.#state === 'flowing' && this.#chars < maxChars) {
      const record = this.#ring.next();
      if (record === 'empty') return;
      if (record === 'corrupt') this.#state = 'corrupt';
      else this.#count(record);
    }
  }

  #count({ stream, bytes }: OutputRecord): void {
    this.#bytes += bytes.length;
    if (this.#bytes > this.#limitBytes) this.#state = 'over-limit';
    else this.#add(stream, this.#decoders[stream].decode(bytes, { stream: true }));
  }

  #add(stream: OutputStream, text: string): void {
    if (text === '') return;
    this.#chars += text.length;
    const last = this.#pieces.at(-1);
    if (last?.[0] === stream && last[1].length < BATCH_MAX_CHARS) last[1] += text;
    else this.#pieces.push([stream, text]);
  }
}
