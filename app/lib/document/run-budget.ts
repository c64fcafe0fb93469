/**
 * What of a run is told to the room, and how fast (RUN-5): at most 20 messages a second, the first 256 KiB of output as
 * it comes, and when the run has ended the last 64 KiB and how much is missing between. Order is kept: a prompt is sent
 * before the wish for input. Emits RunMessages; knows nothing of logs or runtimes.
 */
import { utf8 } from '../core/bytes.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import type { OutputPiece, RunEnd } from '../core/run.ts';
import { KeptOutput } from './kept-output.ts';
import { MAX_OUTPUT_TEXT_BYTES, MAX_PIECES, type RunMessage, type RunStart } from './runs.ts';

/** 20 a second. */
export const MIN_GAP_MS = 50;

/** The stream and the length before each piece's text. */
const PIECE_OVERHEAD_BYTES = 4;

/** Calls back once after `delayMs`; what it returns cancels that. */
export type Schedule = (callback: () => void, delayMs: number) => () => void;

export interface OutputBudgetOptions {
  readonly emit: (message: RunMessage) => void;
  readonly clock?: Clock;
  readonly schedule?: Schedule;
}

/** What is still to be sent. Output that follows output is joined while it waits; `bytes` is its encoded size at most. */
interface Waiting {
  readonly message: Exclude<RunMessage, RunStart | { readonly kind: 'output' }>;
}
interface WaitingOutput {
  readonly pieces: { stream: OutputPiece['stream']; text: string }[];
  bytes: number;
}

export class OutputBudget {
  readonly #start: RunStart;
  readonly #emit: (message: RunMessage) => void;
  readonly #clock: Clock;
  readonly #schedule: Schedule;
  readonly #output = new KeptOutput();
  #waiting: (Waiting | WaitingOutput)[] = [];
  #wanted = false;
  #ended = false;
  #nextAt = 0;
  #cancel: (() => void) | undefined;

  /** Emits `start` at once. */
  constructor(
    start: RunStart,
    { emit, clock = systemClock, schedule = scheduleTimeout }: OutputBudgetOptions,
  ) {
    this.#start = start;
    this.#emit = emit;
    this.#clock = clock;
    this.#schedule = schedule;
    this.#send(start);
  }

  write(stream: OutputPiece['stream'], text: string): void {
    if (this.#ended) return;
    for (const piece of this.#output.add({ stream, text: text.toWellFormed() })) this.#queueOutput(piece);
    this.#pump();
  }

  inputWanted(wanted: boolean): void {
    if (this.#ended || wanted === this.#wanted) return;
    this.#wanted = wanted;
    // A wish that came and went before it was told needn't be told.
    const last = this.#waiting.at(-1);
    if (last !== undefined && 'message' in last) this.#waiting.pop();
    else this.#waiting.push({ message: { kind: 'input-wanted', runId: this.#start.runId, wanted } });
    this.#pump();
  }

  /** Tells what is left of the output, then the end; nothing is taken after it. */
  end(end: RunEnd, durationMs: number): void {
    if (this.#ended) return;
    this.#ended = true;
    const { runId } = this.#start;
    if (this.#output.leftOut > 0)
      this.#waiting.push({ message: { kind: 'left-out', runId, bytes: this.#output.leftOut } });
    for (const piece of this.#output.tail()) this.#queueOutput(piece);
    this.#waiting.push({ message: { kind: 'end', runId, end, durationMs } });
    this.#pump();
  }

  /** Forgets what is still to be sent, for a room that is being left. */
  dispose(): void {
    this.#ended = true;
    this.#waiting = [];
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #queueOutput({ stream, text }: OutputPiece): void {
    const bytes = utf8(text).length + PIECE_OVERHEAD_BYTES;
    const last = this.#waiting.at(-1);
    if (last === undefined || 'message' in last || !hasRoom(last, bytes)) {
      this.#waiting.push({ pieces: [{ stream, text }], bytes });
      return;
    }
    last.bytes += bytes;
    const piece = last.pieces.at(-1);
    if (piece?.stream === stream) piece.text += text;
    else last.pieces.push({ stream, text });
  }

  #pump(): void {
    if (this.#cancel !== undefined || this.#waiting.length === 0) return;
    const waitMs = this.#nextAt - this.#clock.now();
    // A clock that was set back must not hold the output for hours.
    if (waitMs > 0) {
      this.#cancel = this.#schedule(
        () => {
          this.#cancel = undefined;
          this.#nextAt = 0;
          this.#pump();
        },
        Math.min(waitMs, MIN_GAP_MS),
      );
      return;
    }
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#send(
      'message' in next ? next.message : { kind: 'output', runId: this.#start.runId, pieces: next.pieces },
    );
    this.#pump();
  }

  #send(message: RunMessage): void {
    this.#nextAt = this.#clock.now() + MIN_GAP_MS;
    this.#emit(message);
  }
}

const hasRoom = (output: WaitingOutput, bytes: number): boolean =>
  output.bytes + bytes <= MAX_OUTPUT_TEXT_BYTES && output.pieces.length < MAX_PIECES;

const scheduleTimeout: Schedule = (callback, delayMs) => {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
};
