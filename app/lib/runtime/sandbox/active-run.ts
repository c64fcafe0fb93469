/**
 * One program under way, as the app sees it: counts its time and output, passes on what it says, and ends it. The frame's
 * messages arrive here checked (protocol.ts); who may speak when is decided here.
 */
import type { RunEnd } from '../../core/run.ts';
import type { RunLimits } from '../limits.ts';
import type { Run, RunEvents } from '../runtime.ts';
import type { AppMessage, Batch, FrameEnd, Started } from './protocol.ts';

const HEARTBEAT_MS = 1_000;
/** A batch this long, or so soon after another, is acknowledged a frame later: the page draws in between. */
const LARGE_BATCH_CHARS = 16 * 1024;
const ACK_DELAY_MS = 16;
/** One hand-over of input; longer pastes go in pieces the structured clone handles quickly. */
const INPUT_MAX_CHARS = 1_000_000;

/** What a run can do to its sandbox. */
interface Link {
  post(message: AppMessage): void;
  /** Asks the frame for a sign of life. */
  ping(): void;
  remove(): void;
  finished(): void;
}

/**
 * One program under way:
 *
 *   waiting ──started──▶ running ◀──input──▶ wanting ──▶ ended
 *      └───────────────────┴──── stop · limits · death ────┘
 */
export class ActiveRun implements Run {
  readonly exited: Run['exited'];
  readonly #run: number;
  readonly #events: RunEvents;
  readonly #limits: RunLimits;
  readonly #link: Link;
  readonly #resolve: (result: Awaited<Run['exited']>) => void;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #startedAt: number | undefined;
  #wanting = false;
  /** When the current stretch of running or waiting began, and what the ones before it used. */
  #stretchAt = 0;
  #ranMs = 0;
  #waitedMs = 0;
  #limitTimer: ReturnType<typeof setTimeout> | undefined;
  #heardAt = performance.now();
  #ackedAt = 0;
  /** What the frame must show to send its next batch; undefined while one is being handled. */
  #ticket: number | undefined = newTicket();
  #pinged = false;
  #outputChars = 0;
  /** Why we are ending it, which outranks what the program says of its end. */
  #reason: RunEnd | undefined;
  #ended = false;

  constructor(run: number, events: RunEvents, limits: RunLimits, link: Link) {
    this.#run = run;
    this.#events = events;
    this.#limits = limits;
    this.#link = link;
    let resolve!: (result: Awaited<Run['exited']>) => void;
    this.exited = new Promise((done) => (resolve = done));
    this.#resolve = resolve;
    const beat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    this.#timers.add(beat);
  }

  /** What allows the first batch. */
  get ticket(): number {
    return this.#ticket ?? 0;
  }

  write(text: string): void {
    for (let from = 0; from < text.length && !this.#ended; from += INPUT_MAX_CHARS) {
      this.#link.post({ kind: 'input', text: text.slice(from, from + INPUT_MAX_CHARS) });
    }
  }

  closeInput(): void {
    if (!this.#ended) this.#link.post({ kind: 'input-end' });
  }

  stop(): void {
    this.#end({ kind: 'stopped' });
  }

  /** News from the frame; false when it may not say this now. */
  heard(message: Started | Batch | { readonly kind: 'pong' }): boolean {
    this.#heardAt = performance.now();
    if (message.kind === 'pong') {
      this.#pinged = false;
      return true;
    }
    if (message.run !== this.#run) return false;
    if (message.kind === 'started') return this.#start();
    if (message.ticket !== this.#ticket) return false;
    this.#ticket = undefined;
    this.#show(message);
    return true;
  }

  /** The frame is gone. */
  lost(end: RunEnd): void {
    this.#finish(
      this.#reason ?? (end.kind === 'out-of-memory' && this.#startedAt === undefined ? DIED_LOADING : end),
    );
  }

  #start(): boolean {
    if (this.#startedAt !== undefined) return false;
    this.#startedAt = this.#stretchAt = performance.now();
    this.#events.onProgress(undefined);
    this.#watchLimit();
    return true;
  }

  #show(batch: Batch): void {
    let chars = 0;
    for (const [stream, text] of batch.output) {
      chars += text.length;
      this.#events.onOutput(stream === 1 ? 'stdout' : 'stderr', text);
    }
    this.#outputChars += chars;
    if (this.#outputChars > this.#limits.outputBytes) this.#end(this.#outputLimit());
    if (batch.inputWanted !== this.#wanting && !batch.end) {
      this.#countStretch();
      this.#wanting = batch.inputWanted;
      this.#events.onInputWanted(this.#wanting);
      this.#watchLimit();
    }
    const acknowledge = (): void => {
      this.#ackedAt = performance.now();
      this.#ticket = newTicket();
      this.#link.post({ kind: 'ack', ticket: this.#ticket });
    };
    const quiet = chars < LARGE_BATCH_CHARS && performance.now() - this.#ackedAt > ACK_DELAY_MS;
    if (batch.end) {
      this.#finish(this.#reason ?? this.#endOf(batch.end));
    } else if (quiet) acknowledge();
    else this.#later(acknowledge, ACK_DELAY_MS);
  }

  #endOf(end: FrameEnd): RunEnd {
    switch (end.kind) {
      case 'exit':
      case 'failed':
        return end;
      case 'killed':
        return { kind: 'stopped' };
      case 'output-limit':
        return this.#outputLimit();
    }
  }

  #outputLimit = (): RunEnd => ({ kind: 'output-limit', limitBytes: this.#limits.outputBytes });

  /** Interrupt, then terminate, then remove the frame: each only when the one before was not enough. */
  #end(reason: RunEnd): void {
    if (this.#ended || this.#reason) return;
    this.#reason = reason;
    this.#link.post({ kind: 'interrupt' });
    this.#later(
      () => {
        this.#link.post({ kind: 'kill' });
        this.#later(() => this.#link.remove(), this.#limits.killGraceMs);
      },
      reason.kind === 'stopped' && this.#startedAt !== undefined ? this.#limits.interruptMs : 0,
    );
  }

  #countStretch(): void {
    const now = performance.now();
    if (this.#wanting) this.#waitedMs += now - this.#stretchAt;
    else this.#ranMs += now - this.#stretchAt;
    this.#stretchAt = now;
  }

  #watchLimit(): void {
    clearTimeout(this.#limitTimer);
    const limitMs = this.#wanting ? this.#limits.inputWaitMs : this.#limits.wallMs;
    const leftMs = limitMs - (this.#wanting ? this.#waitedMs : this.#ranMs);
    this.#limitTimer = setTimeout(() => this.#end({ kind: 'time-limit', limitMs }), Math.max(0, leftMs));
  }

  #beat(): void {
    const silentMs = performance.now() - this.#heardAt;
    if (this.#pinged && silentMs > this.#limits.silenceMs) {
      this.#reason ??= { kind: 'out-of-memory' };
      return this.#link.remove();
    }
    if (!this.#pinged) {
      this.#pinged = true;
      this.#heardAt = performance.now();
      this.#link.ping();
    }
  }

  #later(action: () => void, delayMs: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#ended) action();
    }, delayMs);
    this.#timers.add(timer);
  }

  #finish(end: RunEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#limitTimer);
    for (const timer of this.#timers) clearTimeout(timer);
    if (this.#wanting) this.#events.onInputWanted(false);
    if (this.#startedAt === undefined) this.#events.onProgress(undefined);
    const durationMs = this.#startedAt === undefined ? 0 : performance.now() - this.#startedAt;
    this.#link.finished();
    this.#resolve({ end, durationMs });
  }
}

const newTicket = (): number => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;

const DIED_LOADING: RunEnd = {
  kind: 'failed',
  message:
    'The browser ended the sandbox while it was loading, most likely for lack of memory. Close other tabs and run again.',
};
