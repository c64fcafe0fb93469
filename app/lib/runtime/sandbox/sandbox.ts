/**
 * The app's side of one sandbox frame: mounts it, hands in a runtime's bytes, and runs one program at a time in it under
 * limits. It trusts nothing that comes back (protocol.ts); a frame that misbehaves, dies or stops answering is removed.
 */
import { SANDBOX_FRAME_ALLOW, SANDBOX_FRAME_PATH } from '../../core/security-headers.ts';
import type { RunLimits } from '../limits.ts';
import type { Program, Run, RunEnd, RunEvents } from '../runtime.ts';
import {
  type AppMessage,
  type Batch,
  FRAME_READY,
  type FrameEnd,
  type LoadMessage,
  parseFrameMessage,
} from './protocol.ts';

/** A local document and a process start: a second is slow, ten is broken. */
const FRAME_START_MS = 10_000;
/** And the frame this long to say that it has ended the worker, before the frame itself is removed. */
const KILL_GRACE_MS = 300;
const HEARTBEAT_MS = 1_000;
/** Silence of a frame that runs a program: longer than the pauses of a machine at its limit, memory being freed included. */
const SILENCE_MS = 10_000;
/** A batch this long, or so soon after another, is acknowledged a frame later: the page draws in between. */
const LARGE_BATCH_CHARS = 16 * 1024;
const ACK_DELAY_MS = 16;
/** One hand-over of input; longer pastes go in pieces the structured clone handles quickly. */
const INPUT_MAX_CHARS = 1_000_000;

export interface SandboxImage {
  /** frame code: broker.ts as one script. */
  readonly broker: string;
  readonly load: LoadMessage;
}

export class Sandbox {
  readonly #frame: HTMLIFrameElement;
  readonly #port: MessagePort;
  readonly #limits: RunLimits;
  #current: ActiveRun | undefined;
  #runs = 0;
  #strayPongs = 0;
  #dead: RunEnd | undefined;

  private constructor(frame: HTMLIFrameElement, port: MessagePort, limits: RunLimits) {
    this.#frame = frame;
    this.#port = port;
    this.#limits = limits;
    port.onmessage = (event: MessageEvent<unknown>) => this.#heard(event.data);
    // The other end is gone without our doing: the sandbox's process died, and memory is what kills it.
    port.addEventListener('close', () => this.#die({ kind: 'out-of-memory' }));
  }

  /** A frame with the runtime's bytes inside. Throws a SandboxError, whose message is for people, when none can be made. */
  static async open(image: SandboxImage, limits: RunLimits): Promise<Sandbox> {
    const frame = document.createElement('iframe');
    frame.setAttribute('sandbox', 'allow-scripts');
    frame.setAttribute('allow', SANDBOX_FRAME_ALLOW);
    frame.setAttribute('aria-hidden', 'true');
    frame.title = 'Sandbox';
    frame.tabIndex = -1;
    // Not display:none: browsers slow down frames that are not rendered.
    frame.style.cssText =
      'position:fixed;inset:auto auto 0 0;width:1px;height:1px;border:0;opacity:0;pointer-events:none';
    frame.src = SANDBOX_FRAME_PATH;
    try {
      const ready = frameReady(frame);
      document.body.append(frame);
      await ready;
    } catch (error) {
      frame.remove();
      throw error;
    }
    const { port1, port2 } = new MessageChannel();
    frame.contentWindow?.postMessage(image.broker, '*', [port2]);
    port1.postMessage(image.load satisfies AppMessage);
    return new Sandbox(frame, port1, limits);
  }

  /** False when the frame is gone and a new one is needed. */
  get usable(): boolean {
    return this.#dead === undefined;
  }

  /** Runs a program; the sandbox must be usable and idle. */
  start(program: Program, events: RunEvents): ActiveRun {
    if (this.#current || this.#dead) throw new Error('a sandbox runs one program at a time');
    const run = ++this.#runs;
    const active = new ActiveRun(run, events, this.#limits, {
      post: (message) => this.#port.postMessage(message),
      remove: () => this.#die({ kind: 'failed', message: 'The sandbox did not answer and was removed.' }),
      finished: () => (this.#current = undefined),
    });
    this.#current = active;
    const files = [...program.files];
    this.#port.postMessage({
      kind: 'run',
      run,
      files,
      entry: program.entry,
      outputLimitBytes: this.#limits.outputBytes,
      ticket: active.ticket,
    } satisfies AppMessage);
    return active;
  }

  /** Removes the frame, and with it everything that runs in it. */
  dispose(): void {
    this.#die({ kind: 'stopped' });
  }

  #heard(data: unknown): void {
    if (this.#dead) return;
    const message = parseFrameMessage(data);
    // Without a run only the answer to that run's last ping may still be on its way.
    const allowed =
      message !== undefined &&
      (this.#current?.heard(message) ?? (message.kind === 'pong' && ++this.#strayPongs <= this.#runs));
    if (!allowed)
      this.#die({ kind: 'failed', message: 'The program broke the rules of its sandbox, so it was ended.' });
  }

  #die(end: RunEnd): void {
    if (this.#dead) return;
    this.#dead = end;
    this.#port.close();
    this.#frame.remove();
    this.#current?.lost(end);
  }
}

/** Why a sandbox could not be opened, in words for people. */
export class SandboxError extends Error {}

function frameReady(frame: HTMLIFrameElement): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      removeEventListener('message', listen);
    };
    const listen = (event: MessageEvent<unknown>): void => {
      if (event.source !== frame.contentWindow || event.data !== FRAME_READY) return;
      stop();
      if (event.origin === 'null') resolve();
      else reject(new SandboxError('The sandbox is not isolated from CodeFace, so nothing runs in it.'));
    };
    const timer = setTimeout(() => {
      stop();
      reject(new SandboxError('The sandbox did not start. Reload the page; editing works meanwhile.'));
    }, FRAME_START_MS);
    addEventListener('message', listen);
  });
}

interface Link {
  post(message: AppMessage): void;
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
  #pings = 0;
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
  heard(
    message: Batch | { readonly kind: 'pong' } | { readonly kind: 'load-failed'; readonly message: string },
  ): boolean {
    this.#heardAt = performance.now();
    if (message.kind === 'pong') return --this.#pings >= 0;
    if (message.kind === 'load-failed') {
      this.#finish({ kind: 'failed', message: message.message });
      return true;
    }
    if (message.ticket !== this.#ticket || message.run !== this.#run) return false;
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

  #show(batch: Batch): void {
    if (batch.started && this.#startedAt === undefined) {
      this.#startedAt = this.#stretchAt = performance.now();
      this.#events.onProgress(undefined);
      this.#watchLimit();
    }
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
        this.#later(() => this.#link.remove(), KILL_GRACE_MS);
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
    if (this.#pings > 0 && silentMs > SILENCE_MS) {
      this.#reason ??= { kind: 'out-of-memory' };
      return this.#link.remove();
    }
    if (this.#pings === 0) {
      this.#pings = 1;
      this.#heardAt = performance.now();
      this.#link.post({ kind: 'ping' });
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
