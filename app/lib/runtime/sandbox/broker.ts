/**
 * What runs in the sandbox frame: starts workers from the bytes the app handed in, owns their shared memory, and passes on
 * what they say one acknowledged batch at a time. Bundled as one script (`?sandbox`); it knows no runtime.
 */
import { giveInput, INPUT_PIECE_BYTES } from './input-slot.ts';
import { OutputQueue } from './output-queue.ts';
import type { AppMessage, FrameEnd, FrameMessage, RunMessage } from './protocol.ts';
import type { ToWorker } from './worker-protocol.ts';
import { WorkerPool, type WorkerSlot } from './worker-pool.ts';

/** A fresh worker is made this long after a run ended: the screen gets its last words first. */
const SPARE_DELAY_MS = 150;

/** What Python reads as Ctrl+C. */
const SIGINT = 2;

const NOT_ISOLATED =
  'This browser does not let the sandbox share memory, which programs need to be stopped and to read input. Editing works.';

/** What the app takes for granted of a run: no wish for input, no end. */
const NOTHING_TOLD = 'false ';

interface CurrentRun {
  readonly id: number;
  readonly output: OutputQueue;
  /** Undefined once its worker is ended. */
  slot: WorkerSlot | undefined;
  input: Uint8Array;
  inputEnded: boolean;
  wants: 'memory' | 'message' | undefined;
  /** A line was given since the last batch: the app hears that before it hears of the next wish, however soon that came. */
  answered: boolean;
  end: FrameEnd | undefined;
}

function startBroker(port: MessagePort): void {
  let pool: WorkerPool | undefined;
  let run: CurrentRun | undefined;
  /** What the next batch must carry; undefined until the last one is acknowledged. */
  let ticket: number | undefined;
  let told = NOTHING_TOLD;
  let toldWanted = false;
  let onAck: (() => void) | undefined;

  const post = (message: FrameMessage): void => port.postMessage(message);
  /** The app drops this frame, so that the next run begins with freshly fetched bytes. */
  const loadFailed = (reason: string): void =>
    post({ kind: 'load-failed', message: `The runtime could not be prepared. Run it again. (${reason})` });

  port.onmessage = (event: MessageEvent<AppMessage>): void => {
    const message = event.data;
    switch (message.kind) {
      case 'load':
        if (crossOriginIsolated) pool = new WorkerPool(message, loadFailed);
        else post({ kind: 'load-failed', message: NOT_ISOLATED });
        break;
      case 'run':
        void begin(message);
        break;
      case 'input':
        if (run) run.input = joined(run.input, new TextEncoder().encode(message.text));
        feed();
        break;
      case 'input-end':
        if (run) run.inputEnded = true;
        feed();
        break;
      case 'interrupt':
        interrupt();
        break;
      case 'kill':
        finish({ kind: 'killed' });
        break;
      case 'ack':
        ticket = message.ticket;
        flush();
        onAck?.();
        break;
      case 'ping':
        post({ kind: 'pong' });
        break;
    }
  };

  async function begin(message: RunMessage): Promise<void> {
    if (!pool) return;
    const slot = pool.take(message.nextDoor);
    const current: CurrentRun = {
      id: message.run,
      output: new OutputQueue(slot.shared.ring, message.outputLimitBytes),
      slot,
      input: new Uint8Array(),
      inputEnded: false,
      wants: undefined,
      answered: false,
      end: undefined,
    };
    run = current;
    ticket = message.ticket;
    told = NOTHING_TOLD;
    toldWanted = false;
    const failure = await slot.booted;
    if (current.end) return;
    if (failure !== undefined) return finish({ kind: 'failed', message: failure });
    post({ kind: 'started', run: current.id });
    slot.listen({
      said: (data) => heard(current, data),
      broke: (reason) => {
        if (!current.end) finish({ kind: 'failed', message: reason });
      },
    });
    flush();
    while (!current.end) {
      await current.output.changed();
      if (ticket === undefined) await acknowledged();
      else flush();
    }
  }

  const acknowledged = (): Promise<void> => new Promise((resolve) => (onAck = resolve));

  /** The worker is the program's: whatever it says is checked here, and can only hurt its own run. */
  function heard(current: CurrentRun, data: unknown): void {
    if (current.end || typeof data !== 'object' || data === null) return;
    const message = data as Readonly<Record<string, unknown>>;
    switch (message['kind']) {
      case 'want':
        current.wants = message['by'] === 'memory' ? 'memory' : 'message';
        feed();
        break;
      case 'unwant':
        current.wants = undefined;
        flush();
        break;
      case 'exit': {
        const code = message['code'];
        finish({ kind: 'exit', code: typeof code === 'number' && Number.isInteger(code) ? code : 1 });
        break;
      }
    }
  }

  /** Answers a program that waits for input with one line, or with what fits. */
  function feed(): void {
    if (!run?.wants || !run.slot) return flush();
    const newline = run.input.indexOf(10);
    if (newline < 0 && !run.inputEnded && run.input.length < INPUT_PIECE_BYTES) return flush();
    const length = Math.min(newline < 0 ? run.input.length : newline + 1, INPUT_PIECE_BYTES);
    const piece = run.input.slice(0, length);
    run.input = run.input.subarray(length);
    const { wants, slot } = run;
    run.wants = undefined;
    run.answered = true;
    if (wants === 'memory') giveInput(slot.shared.input, length === 0 ? 'ended' : piece);
    else
      slot.worker.postMessage({ kind: 'input', bytes: length === 0 ? undefined : piece } satisfies ToWorker);
    flush();
  }

  function interrupt(): void {
    const shared = run?.slot?.shared;
    if (!run || !shared) return;
    const signal = new Int32Array(shared.interrupt);
    Atomics.store(signal, 0, SIGINT);
    Atomics.notify(signal, 0);
    if (run.wants === 'memory') giveInput(shared.input, 'interrupted');
    run.wants = undefined;
  }

  function finish(end: FrameEnd): void {
    if (!run || run.end) return;
    run.slot?.worker.terminate();
    run.output.drain();
    run.end = run.output.state === 'over-limit' ? { kind: 'output-limit' } : end;
    run.slot = undefined;
    run.wants = undefined;
    flush();
    // A worker is used once: the next program finds an interpreter nobody has touched.
    setTimeout(() => pool?.restock(), SPARE_DELAY_MS);
  }

  function flush(): void {
    if (!run || ticket === undefined) return;
    const output = run.output.takeBatch();
    if (!run.end && run.output.state !== 'flowing') {
      const over = run.output.state === 'over-limit';
      return finish(
        over ? { kind: 'output-limit' } : { kind: 'failed', message: 'The program damaged its own sandbox.' },
      );
    }
    const end = run.output.isEmpty ? run.end : undefined;
    const inputWanted = run.wants !== undefined && !(run.answered && toldWanted);
    const state = `${String(inputWanted)} ${end?.kind ?? ''}`;
    if (output.length === 0 && state === told) return;
    told = state;
    toldWanted = inputWanted;
    run.answered = false;
    const current = ticket;
    ticket = undefined;
    post({
      kind: 'batch',
      run: run.id,
      ticket: current,
      output,
      inputWanted,
      end,
    });
    if (end) run = undefined;
  }
}

function joined(left: Uint8Array, right: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(left.length + right.length);
  bytes.set(left);
  bytes.set(right, left.length);
  return bytes;
}

(self as unknown as { startBroker: typeof startBroker }).startBroker = startBroker;
