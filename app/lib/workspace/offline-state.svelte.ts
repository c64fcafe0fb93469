/** "Ready offline": true only when the shell and the runtimes are in this browser's caches, looked up, not assumed. */
import { RUNTIME_CACHE } from '../core/offline-cache.ts';
import { runtimes } from '../runtime/registry.ts';
import { offlineWords, type OfflineProblem } from './messages.ts';
import type { RoomModel } from './room-model.ts';
import { onConnectionChange, savesData } from './saves-data.ts';

/** A room is idle for the big downloads when it has been open for so long: joining and the first run come first. */
const START_AFTER_MS = 3000;
/** The shell is a few MB; a worker that a browser refuses, or whose shell can't be fetched, is never ready. */
const WORKER_WITHIN_MS = 60_000;

export class OfflineState {
  #view = $state.raw<RoomModel['offline']>({ kind: 'pending' });
  readonly #abort = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;

  constructor() {
    const again = (): void => {
      if (this.#view.kind === 'unavailable') void this.#prepare();
    };
    addEventListener('online', again, { signal: this.#abort.signal });
    onConnectionChange(again, this.#abort.signal);
    this.#timer = setTimeout(() => void this.#prepare(), START_AFTER_MS);
  }

  get view(): RoomModel['offline'] {
    return this.#view;
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  async #prepare(): Promise<void> {
    if (!('serviceWorker' in navigator) || !('caches' in globalThis))
      return this.#unavailable('no-service-worker');
    if (savesData()) return this.#unavailable('saves-data');
    try {
      const missing = await missingWorker();
      if (missing !== undefined) return this.#unavailable(missing);
      const all = runtimes.filter((runtime) => runtime.unsupported() === undefined);
      for (const [at, runtime] of all.entries())
        await runtime.prefetch((done) => this.#loading((at + done) / all.length), this.#abort.signal);
      if (await isCached(all.flatMap(({ files }) => files))) this.#view = { kind: 'ready' };
      else this.#unavailable('not-kept');
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      console.warn('CodeFace: getting ready for offline', error);
      this.#unavailable('not-fetched');
    }
  }

  #loading(done: number): void {
    this.#view = { kind: 'loading', done };
  }

  #unavailable(problem: OfflineProblem): void {
    this.#view = { kind: 'unavailable', why: offlineWords(problem) };
  }
}

/** Waits until a service worker answers for this very page: what is fetched before goes past its cache. Says what is wrong where there is none in time. */
async function missingWorker(): Promise<OfflineProblem | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), WORKER_WITHIN_MS);
  });
  const ready = await Promise.race([controlled(), late]);
  clearTimeout(timer);
  if (ready !== undefined) return undefined;
  return (await navigator.serviceWorker.getRegistration()) === undefined
    ? 'no-service-worker'
    : 'not-fetched';
}

/** On a first visit the worker takes over the page some time after it is ready. */
async function controlled(): Promise<true> {
  await navigator.serviceWorker.ready;
  if (navigator.serviceWorker.controller === null)
    await new Promise((taken) =>
      navigator.serviceWorker.addEventListener('controllerchange', taken, { once: true }),
    );
  return true;
}

/** Whether the service worker answers for the shell, and each of the runtimes' files is in its cache. */
async function isCached(files: readonly string[]): Promise<boolean> {
  const shell = await caches.match('/200.html', { ignoreSearch: true });
  const cache = await caches.open(RUNTIME_CACHE);
  const found = await Promise.all(files.map((url) => cache.match(url)));
  return shell !== undefined && found.every((response) => response !== undefined);
}
