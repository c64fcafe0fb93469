/**
 * Where catching up runs: a worker in browsers, in place elsewhere. The worker is started at the first need,
 * and ended when it has been idle for a while, since it holds a second copy of the room.
 */
import * as Comlink from 'comlink';
import type { Bytes } from '../core/bytes.ts';
import type { StoredSegment } from '../log/log-store.ts';
import { checkRest, FoldSession, type FoldResult, type FoldStart, type RestCheck } from './fold-session.ts';
import type { FoldDoor } from './fold.worker.ts';

export interface Folder {
  start(start: FoldStart): Promise<void>;
  fold(sealed: readonly Bytes[]): Promise<FoldResult>;
  /** Holds the snapshot in `start` against all that is stored; independent of any fold that is going on. Aborting rejects it. */
  checkSnapshot(start: FoldStart, stored: readonly StoredSegment[], signal: AbortSignal): Promise<RestCheck>;
  /** Ends what `start` began and frees its memory; a fold that is going on is rejected. */
  end(): void;
}

/** Folds where it is called: for Node, and for browsers that refuse workers. */
export function inPlaceFolder(): Folder {
  let session: FoldSession | undefined;
  return {
    async start(start) {
      session = await FoldSession.start(start);
    },
    fold(sealed) {
      if (session === undefined) throw new Error('fold before start');
      return session.fold(sealed);
    },
    checkSnapshot: (start, stored) => checkRest(start, stored),
    end() {
      session = undefined;
    },
  };
}

/** Folds in a worker of its own. */
export function workerFolder(): Folder {
  let current: FoldWorker | undefined;
  const end = (): void => {
    current?.end();
    current = undefined;
  };
  return {
    async start(start) {
      end();
      current = new FoldWorker();
      await current.call((door) => door.start(start));
    },
    async fold(sealed) {
      if (current === undefined) throw new Error('fold before start');
      return current.call((door) => door.fold(sealed));
    },
    async checkSnapshot(start, stored, signal) {
      const checker = new FoldWorker();
      const end = (): void => checker.end();
      signal.addEventListener('abort', end, { once: true });
      try {
        return await checker.call((door) => door.checkRest(start, stored));
      } finally {
        signal.removeEventListener('abort', end);
        checker.end();
      }
    },
    end,
  };
}

/** One worker and the calls into it: rejected when it could not load, died or was ended, which comlink alone would wait out for ever. */
class FoldWorker {
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
