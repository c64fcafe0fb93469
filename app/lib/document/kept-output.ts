/**
 * Output of one run within bounds: the first 256 KiB, the last 64 KiB, and how much is missing between them (RUN-4).
 * Used by who runs (deciding what to send) and by who watches (never trusting that the runner kept to it).
 */
import { utf8 } from '../core/bytes.ts';
import type { OutputPiece } from '../core/run.ts';
import { MAX_OUTPUT_TEXT_BYTES } from './runs.ts';
import { textPieces } from './text-pieces.ts';

/** How a program begins is what its author looks for; the issue and DESIGN §6 fix both numbers. */
export const HEAD_BYTES = 256 * 1024;
export const TAIL_BYTES = 64 * 1024;

/** Pieces up to this are joined with their neighbour: a program that prints byte by byte isn't a million pieces. */
const JOINED_UNITS = 4 * 1024;
/** A UTF-16 unit is at most 3 bytes. */
const MAX_PIECE_UNITS = Math.floor((MAX_OUTPUT_TEXT_BYTES - 16) / 3);

interface Sized extends OutputPiece {
  readonly bytes: number;
}

export class KeptOutput {
  readonly #head: Sized[] = [];
  /** More than the last 64 KiB by less than its first piece: cutting that at every byte printed would cost too much. */
  readonly #tail: Sized[] = [];
  /** Where the tail begins in `#tail`. */
  #from = 0;
  #headBytes = 0;
  #tailBytes = 0;
  #leftOut = 0;
  #headClosed = false;

  /** Bytes that were not kept. */
  get leftOut(): number {
    return this.#leftOut + this.#tailBytes - sum(this.#exactTail());
  }

  /** The index in `pieces()` before which bytes are missing; undefined when none are. */
  get leftOutAt(): number | undefined {
    return this.leftOut > 0 ? this.#head.length : undefined;
  }

  pieces(): OutputPiece[] {
    return [...this.#head.map(plain), ...this.tail()];
  }

  /** The part after the head. */
  tail(): OutputPiece[] {
    return this.#exactTail().map(plain);
  }

  /** Keeps a piece; gives the part of it that belongs to the head, which a runner sends at once. */
  add({ stream, text }: OutputPiece): OutputPiece[] {
    const toHead: OutputPiece[] = [];
    for (const part of textPieces(text, MAX_PIECE_UNITS)) {
      const piece = { stream, text: part, bytes: utf8(part).length };
      // A piece is in the head or in the tail as a whole, so the head may end a little early, never late.
      this.#headClosed ||= this.#headBytes + piece.bytes > HEAD_BYTES;
      if (this.#headClosed) this.#addToTail(piece);
      else {
        push(this.#head, piece, 0);
        this.#headBytes += piece.bytes;
        toHead.push({ stream, text: part });
      }
    }
    return toHead;
  }

  /** Notes bytes that someone else left out before what is added next. */
  leaveOut(bytes: number): void {
    this.#headClosed = true;
    // A hostile count must not make the sum of two imprecise.
    this.#leftOut = Math.min(this.#leftOut + bytes, Number.MAX_SAFE_INTEGER - TAIL_BYTES);
  }

  #addToTail(piece: Sized): void {
    push(this.#tail, piece, this.#from);
    this.#tailBytes += piece.bytes;
    for (;;) {
      const oldest = this.#tail[this.#from];
      if (oldest === undefined || this.#tailBytes - oldest.bytes < TAIL_BYTES) break;
      this.#from++;
      this.#tailBytes -= oldest.bytes;
      this.leaveOut(oldest.bytes);
    }
    // Shifting one by one would move the whole array each time.
    if (this.#from > 1024) this.#from -= this.#tail.splice(0, this.#from).length;
  }

  #exactTail(): Sized[] {
    const [oldest, ...rest] = this.#tail.slice(this.#from);
    if (oldest === undefined) return [];
    const kept = dropFront(oldest, this.#tailBytes - TAIL_BYTES);
    return kept === undefined ? rest : [kept, ...rest];
  }
}

const plain = ({ stream, text }: Sized): OutputPiece => ({ stream, text });
const sum = (pieces: readonly Sized[]): number => pieces.reduce((total, { bytes }) => total + bytes, 0);

/** Adds at the end, joining what is short; pieces before `from` don't count any more. */
function push(pieces: Sized[], piece: Sized, from: number): void {
  const last = pieces.at(-1);
  if (
    last === undefined ||
    pieces.length <= from ||
    last.stream !== piece.stream ||
    last.text.length + piece.text.length > JOINED_UNITS
  )
    pieces.push(piece);
  else
    pieces[pieces.length - 1] = {
      stream: last.stream,
      text: last.text + piece.text,
      bytes: last.bytes + piece.bytes,
    };
}

/** Takes at least `bytes` off the front of a piece, at the start of a character; undefined when nothing is left. */
function dropFront(piece: Sized, bytes: number): Sized | undefined {
  if (bytes <= 0) return piece;
  if (bytes >= piece.bytes) return undefined;
  const encoded = utf8(piece.text);
  let at = bytes;
  while (at < encoded.length && ((encoded[at] ?? 0) & 0xc0) === 0x80) at++;
  if (at >= encoded.length) return undefined;
  return {
    stream: piece.stream,
    text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(encoded.subarray(at)),
    bytes: encoded.length - at,
  };
}
