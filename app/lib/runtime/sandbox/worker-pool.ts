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
  /** Tells what the worker says once it is booted. A program may start before the frame hears of its run: what it said then comes first. */
  listen(listener: WorkerListener): void;
}

interface WorkerListener {
  said(data: unknown): void;
  broke(reason: string): void;
}

type Image = Pick<BootMessage, 'assets' | 'modules'>;

export class WorkerPool {
  readonly #workerUrl: string;
  readonly #image: Promise<Image>;
  /** The worker that stands ready, or what the next one is to be made with. */
  #next: WorkerSlot | MessagePort;

  /** `onFailed`: no worker will ever boot from these bytes, for the reason given. */
  constructor(load: LoadMessage, onFailed: (reason: string) => void) {
    this.#workerUrl = URL.createObjectURL(new Blob([load.worker as BlobPart], { type: 'text/javascript' }));
    this.#image = compiled(load.assets);
    this.#image.catch((error: unknown) => onFailed(words(String(error))));
    this.#next = this.#make(load.door);
  }

  /** The worker that stands ready or is on its way there, else a new one. `nextDoor` is for the one after it. */
  take(nextDoor: MessagePort): WorkerSlot {
    this.restock();
    const slot = this.#next as WorkerSlot;
    this.#next = nextDoor;
    return slot;
  }

  /** Starts the next one, if none stands ready. */
  restock(): void {
    if (this.#next instanceof MessagePort) this.#next = this.#make(this.#next);
  }

  #make(door: MessagePort): WorkerSlot {
    const shared = { ring: makeRing(), input: makeInputSlot(), interrupt: new SharedArrayBuffer(4) };
    const worker = new Worker(this.#workerUrl);
    const heard = new Heard();
    const answered = new Promise<string | undefined>((resolve) => {
      const settle = (failure: string | undefined): void => {
        // From here on a program may be speaking: what it says is looked at by the listener only.
        worker.onmessage = ({ data }: MessageEvent<unknown>) => heard.add((listener) => listener.said(data));
        worker.onerror = ({ message }) => heard.add((listener) => listener.broke(words(message)));
        resolve(failure);
      };
      worker.onerror = (event) => settle(words(event.message));
      worker.onmessage = (event: MessageEvent<FromWorker>) => {
        if (event.data.kind === 'booted') settle(undefined);
        if (event.data.kind === 'boot-failed') settle(words(event.data.message));
      };
    });
    const booted = this.#image.then(
      (image) => {
        worker.postMessage({ kind: 'boot', shared, door, ...image } satisfies ToWorker, [door]);
        return answered;
      },
      // `onFailed` ends the whole frame, and every run that waits for a worker with it.
      () => new Promise<never>(() => undefined),
    );
    return { worker, shared, booted, listen: (listener) => heard.listen(listener) };
  }
}

/** News kept until somebody listens, then passed on. */
class Heard {
  #listener: WorkerListener | undefined;
  readonly #early: ((listener: WorkerListener) => void)[] = [];

  add(news: (listener: WorkerListener) => void): void {
    if (this.#listener) news(this.#listener);
    else this.#early.push(news);
  }

  listen(listener: WorkerListener): void {
    this.#listener = listener;
    for (const news of this.#early.splice(0)) news(listener);
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
