/**
 * Where catching up runs: a worker in browsers, in place elsewhere. The worker is started at the first need,
 * and ended when it has been idle for a while, since it holds a second copy of the room.
 */
import * as Comlink from 'comlink';
import type { Bytes } from '../core/bytes.ts';
import { FoldSession, snapshotAgrees, type FoldResult, type FoldStart } from './fold-session.ts';
import type { FoldDoor } from './fold.worker.ts';

export interface Folder {
  start(start: FoldStart): Promise<void>;
  fold(sealed: readonly Bytes[]): Promise<FoldResult>;
  /** Whether the snapshot in `start` agrees with the segments; independent of any fold that is going on. */
  snapshotAgrees(start: FoldStart, segments: readonly Bytes[]): Promise<boolean>;
  /** Ends what `start` began and frees its memory. */
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
    snapshotAgrees,
    end() {
      session = undefined;
    },
  };
}

/** Folds in a worker of its own. */
export function workerFolder(): Folder {
  let worker: Worker | undefined;
  let door: Comlink.Remote<FoldDoor> | undefined;
  const end = (): void => {
    door?.[Comlink.releaseProxy]();
    worker?.terminate();
    worker = door = undefined;
  };
  return {
    async start(start) {
      end();
      worker = newWorker();
      door = Comlink.wrap<FoldDoor>(worker);
      await settled(worker, door.start(start));
    },
    async fold(sealed) {
      if (worker === undefined || door === undefined) throw new Error('fold before start');
      return settled(worker, door.fold(sealed));
    },
    async snapshotAgrees(start, segments) {
      const checker = newWorker();
      const checkerDoor = Comlink.wrap<FoldDoor>(checker);
      try {
        return await settled(checker, checkerDoor.snapshotAgrees(start, segments));
      } finally {
        checkerDoor[Comlink.releaseProxy]();
        checker.terminate();
      }
    },
    end,
  };
}

const newWorker = (): Worker =>
  new Worker(new URL('./fold.worker.ts', import.meta.url), { type: 'module', name: 'fold' });

/** A call into a worker, rejected too when the worker could not load or died: comlink alone would wait for ever. */
function settled<T>(worker: Worker, call: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const failed = (event: ErrorEvent): void =>
      reject(new Error(`fold worker: ${event.message || 'did not start'}`));
    worker.addEventListener('error', failed, { once: true });
    call.then(resolve, reject).finally(() => worker.removeEventListener('error', failed));
  });
}
