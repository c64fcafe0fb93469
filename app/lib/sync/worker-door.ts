/** The page's side of a fold worker. */
import * as Comlink from 'comlink';
import type { FoldDoor } from './fold.worker.ts';

/** One worker and the calls into it: rejected when it could not load, died or was ended, which comlink alone would wait out for ever. */
export class WorkerDoor {
  readonly #worker = new Worker(new URL('./fold.worker.ts', import.meta.url), {
    type: 'module',
    name: 'fold',
  });
  readonly #door = Comlink.wrap<FoldDoor>(this.#worker);
  readonly #rejects = new Set<(error: Error) => void>();

  constructor() {
    this.#worker.addEventListener('error', ({ message }) =>
      this.#fail(`fold worker: ${message || 'did not start'}`),
    );
  }

  call<T>(work: (door: Comlink.Remote<FoldDoor>) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#rejects.add(reject);
      work(this.#door)
        .then(resolve, reject)
        .finally(() => this.#rejects.delete(reject));
    });
  }

  end(): void {
    this.#door[Comlink.releaseProxy]();
    this.#worker.terminate();
    this.#fail('fold worker: ended');
  }

  #fail(why: string): void {
    for (const reject of this.#rejects) reject(new Error(why));
    this.#rejects.clear();
  }
}
