/**
 * A Runtime out of its parts: fetches them, keeps one sandbox ready, and lends it to one program at a time. What differs
 * between languages is in `runtimes/`; what a frame may do is in `sandbox/`.
 */
import type { RunEnd } from '../core/run.ts';
import { RUN_LIMITS } from './limits.ts';
import type { RuntimeParts } from './runtime-parts.ts';
import type { Run, RunEvents, Runtime } from './runtime.ts';
import brokerUrl from './sandbox/broker.ts?sandbox';
import type { ActiveRun } from './sandbox/active-run.ts';
import type { Sandbox } from './sandbox/sandbox.ts';
import { SandboxError } from './sandbox/sandbox-error.ts';

/** A Runtime that runs each program in a fresh worker of a sandbox frame. */
export function sandboxedRuntime(parts: RuntimeParts): Runtime {
  let idle: Sandbox | undefined;
  let opening: { readonly done: Promise<void>; readonly abort: AbortController } | undefined;
  /** Goes up when the room is left: what was begun before is not kept. */
  let visit = 0;

  const open = async (signal: AbortSignal, onProgress: (done: number) => void): Promise<Sandbox> => {
    const { openSandbox } = await opener();
    return openSandbox(parts, brokerUrl, signal, onProgress);
  };

  const take = async (signal: AbortSignal, onProgress: (done: number) => void): Promise<Sandbox> => {
    await opening?.done;
    const ready = idle;
    idle = undefined;
    return ready?.usable ? ready : open(signal, onProgress);
  };

  const keeper = (): ((sandbox: Sandbox) => void) => {
    const since = visit;
    return (sandbox) => {
      if (visit !== since || idle?.usable || !sandbox.usable) sandbox.dispose();
      else idle = sandbox;
    };
  };

  const warm = (): void => {
    if (idle?.usable || opening) return;
    const abort = new AbortController();
    // A failure shows when the program is started, with its words.
    const done = open(abort.signal, () => undefined).then(keeper(), () => undefined);
    const own = (opening = { done, abort });
    void done.then(() => {
      if (opening === own) opening = undefined;
    });
  };

  const release = (): void => {
    visit++;
    opening?.abort.abort();
    opening = undefined;
    idle?.dispose();
    idle = undefined;
  };

  return {
    id: parts.id,
    label: parts.label,
    endings: parts.endings,
    files: [brokerUrl, parts.worker.url, ...parts.assets.map(({ url }) => url)],
    unsupported: () => unsupported(parts.label),
    prefetch: async (onProgress, signal) => {
      const { fetchImage } = await opener();
      await fetchImage(parts, brokerUrl, signal, onProgress);
    },
    warm,
    release,
    start: (program, events, limits = RUN_LIMITS) => {
      const own = parts.interruptible ? limits : { ...limits, interruptMs: 0 };
      const run = new LoadingRun(parts.label, take, keeper(), events, (sandbox) =>
        sandbox.start(program, events, own),
      );
      const since = visit;
      void run.exited.then(({ durationMs }) => {
        // A program that took its sandbox with it must not make the next one wait. Whoever stopped the loading wants none.
        if (durationMs > 0 && visit === since) warm();
      });
      return run;
    },
  };
}

/** Comes with the first sandbox: a room is open and readable before anything can be run in it. */
const opener = () => import('./open-sandbox.ts');

/** A run from the press of the button: what it is told before its sandbox stands, it passes on then. */
class LoadingRun implements Run {
  readonly exited: Run['exited'];
  readonly #abort = new AbortController();
  readonly #early: ((run: ActiveRun) => void)[] = [];
  #active: ActiveRun | undefined;

  constructor(
    label: string,
    take: (signal: AbortSignal, onProgress: (done: number) => void) => Promise<Sandbox>,
    giveBack: (sandbox: Sandbox) => void,
    events: RunEvents,
    start: (sandbox: Sandbox) => ActiveRun,
  ) {
    const progress = { label: `Loading ${label}` };
    events.onProgress(progress);
    const aborted = new Promise<never>((_, reject) => {
      this.#abort.signal.addEventListener('abort', () => reject(new DOMException('stopped', 'AbortError')));
    });
    const taken = take(this.#abort.signal, (done) => {
      if (!this.#abort.signal.aborted) events.onProgress({ ...progress, done });
    });
    this.exited = Promise.race([taken, aborted]).then(
      async (sandbox) => {
        const active = (this.#active = start(sandbox));
        for (const action of this.#early) action(active);
        const result = await active.exited;
        giveBack(sandbox);
        return result;
      },
      (error: unknown) => {
        taken.then(giveBack, () => undefined);
        events.onProgress(undefined);
        return { end: endOfFailure(error), durationMs: 0 };
      },
    );
  }

  write(text: string): void {
    this.#tell((run) => run.write(text));
  }

  closeInput(): void {
    this.#tell((run) => run.closeInput());
  }

  stop(): void {
    if (this.#active) this.#active.stop();
    else this.#abort.abort();
  }

  #tell(action: (run: ActiveRun) => void): void {
    if (this.#active) action(this.#active);
    else this.#early.push(action);
  }
}

/** Shared memory is what Stop, input in the middle of a call and a bounded flow of output are made of. */
function unsupported(label: string): string | undefined {
  if (typeof WebAssembly !== 'object' || typeof Worker !== 'function')
    return `${label} needs WebAssembly and workers to run here, which this browser does not have.`;
  if (!globalThis.crossOriginIsolated)
    return `${label} can't run here: this page was served without the headers that let a sandbox share memory. Editing works.`;
  return undefined;
}

function endOfFailure(error: unknown): RunEnd {
  if (error instanceof DOMException && error.name === 'AbortError') return { kind: 'stopped' };
  if (error instanceof SandboxError) return { kind: 'failed', message: error.message };
  return {
    kind: 'failed',
    message: 'The runtime could not be loaded. Editing works; try again when there is a network.',
  };
}
