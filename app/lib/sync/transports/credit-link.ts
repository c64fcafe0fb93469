/**
 * One link over a pipe that has no backpressure of its own (a relay, a BroadcastChannel): chunks, plus a window of
 * bytes that the far end must acknowledge, so that nothing between the two ever holds much (NET-6, NET-7).
 *
 *   link message   chunk                         first byte 00 to 03 (chunks.ts)
 *                  ACK    04 ‖ bytes u32 BE      chunk bytes taken in since the last ACK
 *                  CLOSE  05 ‖ why (UTF-8)       the sender has ended this link
 */
import { concat, utf8, type Bytes } from '../../core/bytes.ts';
import type { Lane } from '../transport.ts';
import { FIRST_CHUNK_HEADER_BYTES, FrameAssembler, FrameCutter, isChunk } from './chunks.ts';
import { SendQueue } from './send-queue.ts';

const ACK = 0x04;
const CLOSE = 0x05;
const ACK_BYTES = 5;
/** A quarter of the window: acks cost little, and the sender is never stopped while the wire is free. */
const ACK_EVERY_BYTES = 64 * 1024;
/** Largest chunk: four fill the window. Well under the relay's 1 MiB a message. */
const CHUNK_BYTES = 64 * 1024;
/** A reason is a phrase; what is longer is cut. */
const MAX_WHY_BYTES = 200;

export interface CreditPipe {
  write(message: Bytes): void;
  /** Bytes of this tab's writes that the pipe still holds (an upper bound will do). */
  unsentBytes(): number;
}

export interface CreditLinkEvents {
  onFrame(frame: Bytes): void;
  /** The link ended by the far end's word or by its fault; never called for `close`. */
  onEnded(why: string): void;
}

export class CreditLink {
  readonly #pipe: CreditPipe;
  readonly #events: CreditLinkEvents;
  readonly #assembler = new FrameAssembler();
  readonly #queue: SendQueue;
  #unacknowledged = 0;
  #takenIn = 0;
  #closed = false;

  constructor(pipe: CreditPipe, events: CreditLinkEvents) {
    this.#pipe = pipe;
    this.#events = events;
    this.#queue = new SendQueue(
      {
        inFlightBytes: () => this.#unacknowledged,
        unsentBytes: () => Math.min(this.#unacknowledged, pipe.unsentBytes()),
        write: (chunk) => {
          this.#unacknowledged += chunk.length;
          pipe.write(chunk);
        },
      },
      CHUNK_BYTES,
    );
  }

  send(frame: Bytes, lane: Lane): void {
    this.#queue.push(frame, lane);
  }

  queuedBytes(): number {
    return this.#queue.queuedBytes();
  }

  drained(): Promise<void> {
    return this.#queue.drained();
  }

  /** Whether this link could take a frame of one chunk right now without breaking the order of its lane. */
  takesAtOnce(frame: Bytes, lane: Lane): boolean {
    const chunkBytes = frame.length + FIRST_CHUNK_HEADER_BYTES;
    return chunkBytes <= CHUNK_BYTES && this.#queue.isIdle(lane, chunkBytes);
  }

  /** Counts a chunk that reached the far end by another way (one write to everyone). */
  countShared(chunk: Bytes): void {
    this.#unacknowledged += chunk.length;
  }

  /** Takes one message of the far end. Anything an honest end would not send ends the link, with CLOSE to the sender. */
  receive(message: Bytes): void {
    if (this.#closed) return;
    if (isChunk(message)) return this.#receiveChunk(message);
    if (message[0] === ACK && message.length === ACK_BYTES) return this.#receiveAck(message);
    if (message[0] === CLOSE) return this.#end(closeReason(message));
    this.#fail('unknown message');
  }

  /** Ends the link, telling the far end why. */
  close(why: string): void {
    if (this.#closed) return;
    this.#pipe.write(closeMessage(why));
    this.drop();
  }

  /** Ends the link without a word: the pipe is gone. */
  drop(): void {
    this.#closed = true;
    this.#queue.close();
  }

  #receiveChunk(chunk: Bytes): void {
    const assembled = this.#assembler.accept(chunk);
    if (!assembled.ok) return this.#fail(assembled.error.kind);
    if (assembled.value) this.#events.onFrame(assembled.value.frame);
    this.#takenIn += chunk.length;
    if (this.#takenIn < ACK_EVERY_BYTES || this.#closed) return;
    this.#pipe.write(ackMessage(this.#takenIn));
    this.#takenIn = 0;
  }

  #receiveAck(message: Bytes): void {
    const acknowledged = new DataView(message.buffer, message.byteOffset).getUint32(1);
    // Never below zero: a chunk sent to everyone may reach an end that was not a link yet, and it counts it too.
    this.#unacknowledged = Math.max(0, this.#unacknowledged - acknowledged);
    this.#queue.pump();
  }

  #fail(kind: string): void {
    const why = `malformed data (${kind})`;
    this.close(why);
    this.#events.onEnded(`the other end sent ${why}`);
  }

  #end(why: string): void {
    this.drop();
    this.#events.onEnded(why);
  }
}

/** A frame of one chunk, as `takesAtOnce` allows. */
export const singleChunk = (frame: Bytes, lane: Lane): Bytes =>
  new FrameCutter(frame, lane, CHUNK_BYTES).next();

/** An ACK of nothing: says "I am here" on a pipe that has only just opened. */
export const GREETING: Bytes = ackMessage(0);

function ackMessage(bytes: number): Bytes {
  const message = new Uint8Array(ACK_BYTES);
  message[0] = ACK;
  new DataView(message.buffer).setUint32(1, bytes);
  return message;
}

const closeMessage = (why: string): Bytes =>
  concat(Uint8Array.of(CLOSE), utf8(why).subarray(0, MAX_WHY_BYTES));

/** The far end's words, quoted as its claim; control characters never reach a screen. */
function closeReason(message: Bytes): string {
  const text = new TextDecoder().decode(message.subarray(1, 1 + MAX_WHY_BYTES));
  // eslint-disable-next-line no-control-regex
  return `the other end closed the link: ${text.replace(/[\u0000-\u001f\u007f]/g, ' ')}`;
}
