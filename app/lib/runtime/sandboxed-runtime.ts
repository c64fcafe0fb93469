/**
 * A Runtime out of its parts: fetches them, keeps one sandbox ready, and lends it to one program at a time. What differs
 * between languages is in `runtimes/`; what a frame may do is in `sandbox/`.
 */
import type { RunEnd } from '../core/run.ts';
import { RUN_LIMITS } from './limits.ts';
import type { Run, RunEvents, Runtime } from './runtime.ts';
import brokerUrl from './sandbox/broker.ts?sandbox';
import type { ActiveRun } from './sandbox/active-run.ts';
import { Sandbox, SandboxError, type SandboxImage } from './sandbox/sandbox.ts';

export interface RuntimePart {
  readonly name: string;
  readonly url: string;
  /** About how large, so that progress is honest when the server names no length. */
  readonly bytes: number;
}

export interface RuntimeParts extends Pick<Runtime, 'id' | 'label' | 'endings'> {
  /** The worker, one classic script. */
  readonly worker: RuntimePart;
  readonly assets: readonly RuntimePart[];
  /** Whether a program hears of Stop and may clean up. */
  readonly interruptible: boolean;
  /** Changes an asset before it goes into the sandbox: a memory cap. */
  readonly prepare?: (name: string, bytes: Uint8Array<ArrayBuffer>) => Uint8Array;
}

/** A Runtime that runs each program in a fresh worker of a sandbox frame. */
export function sandboxedRuntime(parts: RuntimeParts): Runtime {
  let idle: Sandbox | undefined;
  let opening: { readonly done: Promise<void>; readonly abort: AbortController } | undefined;
  /** Goes up when the room is left: what was begun before is not kept. */
  let visit = 0;

  const open = async (signal: AbortSignal, onProgress: (done: number) => void): Promise<Sandbox> => {
    const image = await fetchImage(parts, signal, onProgress);
    return Sandbox.open(image);
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
      await fetchImage(parts, signal, onProgress);
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

async function fetchImage(
  parts: RuntimeParts,
  signal: AbortSignal,
  onProgress: (done: number) => void,
): Promise<SandboxImage> {
  const wanted = [parts.worker, ...parts.assets];
  // One part that can't be had ends the others: what they still bring is no progress any more.
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const totalBytes = wanted.reduce((sum, part) => sum + part.bytes, 0);
  let doneBytes = 0;
  const fetchPart = async (part: RuntimePart): Promise<Uint8Array<ArrayBuffer>> => {
    let partBytes = 0;
    const bytes = await fetchBytes(part.url, either, (length) => {
      if (failed.signal.aborted) return;
      const counted = Math.min(length, part.bytes - partBytes);
      partBytes += counted;
      doneBytes += counted;
      onProgress(doneBytes / totalBytes);
    });
    doneBytes += part.bytes - partBytes;
    return bytes;
  };
  const [broker, worker, ...assets] = await Promise.all([
    fetchBytes(brokerUrl, either, () => undefined),
    ...wanted.map(fetchPart),
  ]).catch((error: unknown) => {
    failed.abort();
    throw error;
  });
  onProgress(1);
  const prepared = parts.assets.map(({ name }, index) => {
    const bytes = assets[index] ?? new Uint8Array();
    return [name, parts.prepare?.(name, bytes) ?? bytes] as const;
  });
  return {
    broker: new TextDecoder().decode(broker),
    load: { kind: 'load', worker: worker ?? new Uint8Array(), assets: prepared },
  };
}

async function fetchBytes(
  url: string,
  signal: AbortSignal,
  onBytes: (length: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url, { signal });
  if (!response.ok || !response.body) throw new Error(`${url} answered ${response.status}`);
  const counted = response.body.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        onBytes(chunk.length);
        controller.enqueue(chunk);
      },
    }),
  );
  return new Uint8Array(await new Response(counted).arrayBuffer());
}
