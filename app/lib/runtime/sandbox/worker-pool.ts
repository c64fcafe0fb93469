/**
 * The frame's workers: each is started from the runtime's bytes, gets shared memory of its own, and serves one program.
 * At most one stands ready: an interpreter takes a hundred megabytes.
 */
import { makeInputSlot } from './input-slot.ts';
import { makeRing } from './output-ring.ts';
import { type LoadMessage, words } from './protocol.ts';
import type { BootMessage, FromWorker, SharedMemory, ToWorker } from './worker-protocol.ts';

export interface WorkerSlot {
  readonly worker: Worker;
  readonly shared: SharedMemory;
  /** Undefined when the runtime stands, else why it doesn't. */
  readonly booted: Promise<string | undefined>;
}

type Image = Pick<BootMessage, 'assets' | 'modules'>;

export class WorkerPool {
  readonly #workerUrl: string;
  readonly #image: Promise<Image>;
  #spare: WorkerSlot | undefined;

  /** `onFailed`: no worker will ever boot from these bytes, for the reason given. */
  constructor(load: LoadMessage, onFailed: (reason: string) => void) {
    this.#workerUrl = URL.createObjectURL(new Blob([load.worker as BlobPart], { type: 'text/javascript' }));
    this.#image = compiled(load.assets);
    this.#image.catch((error: unknown) => onFailed(words(String(error))));
    this.restock();
  }

  /** The worker that stands ready or is on its way there, else a new one. */
  take(): WorkerSlot {
    const slot = this.#spare ?? this.#make();
    this.#spare = undefined;
    return slot;
  }

  /** Starts the next one, if none stands ready. */
  restock(): void {
    this.#spare ??= this.#make();
  }

  #make(): WorkerSlot {
    const shared = { ring: makeRing(), input: makeInputSlot(), interrupt: new SharedArrayBuffer(4) };
    const worker = new Worker(this.#workerUrl);
    const answered = new Promise<string | undefined>((resolve) => {
      worker.onerror = (event) => resolve(words(event.message));
      worker.onmessage = (event: MessageEvent<FromWorker>) => {
        if (event.data.kind === 'booted') resolve(undefined);
        if (event.data.kind === 'boot-failed') resolve(words(event.data.message));
      };
    });
    const booted = this.#image.then(
      (image) => {
        worker.postMessage({ kind: 'boot', shared, ...image } satisfies ToWorker);
        return answered;
      },
      // `onFailed` ends the whole frame, and every run that waits for a worker with it.
      () => new Promise<never>(() => undefined),
    );
    return { worker, shared, booted };
  }
}

/** Modules are compiled once, for every worker to come. */
async function compiled(assets: LoadMessage['assets']): Promise<Image> {
  const isModule = (name: string): boolean => name.endsWith('.wasm');
  const modules = assets
    .filter(([name]) => isModule(name))
    .map(async ([name, bytes]) => [name, await WebAssembly.compile(bytes as BufferSource)] as const);
  return {
    assets: new Map(assets.filter(([name]) => !isModule(name))),
    modules: new Map(await Promise.all(modules)),
  };
}
