/**
 * Where catching up runs: a worker in browsers, in place elsewhere. The worker is started at the first need,
 * and ended when it has been idle for a while, since it holds a second copy of the room.
 */
import type { Bytes } from '../core/bytes.ts';
import type { StoredSegment } from '../log/log-store.ts';
import { checkRest, FoldSession, type FoldResult, type FoldStart, type RestCheck } from './fold-session.ts';
import type { WorkerDoor } from './worker-door.ts';

export interface Folder {
  start(start: FoldStart): Promise<void>;
  fold(sealed: readonly Bytes[]): Promise<FoldResult>;
  /** As in FoldSession. */
  contains(state: Bytes): Promise<boolean>;
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
    async contains(state) {
      if (session === undefined) throw new Error('fold before start');
      return session.contains(state);
    },
    checkSnapshot: (start, stored) => checkRest(start, stored),
    end() {
      session = undefined;
    },
  };
}

/** Folds in a worker of its own; what speaks with it comes with the first, as most rooms open without one. */
export function workerFolder(): Folder {
  let current: WorkerDoor | undefined;
  let starts = 0;
  const end = (): void => {
    starts++;
    current?.end();
    current = undefined;
  };
  return {
    async start(start) {
      end();
      const own = starts;
      const door = await openDoor();
      if (starts !== own) {
        door.end();
        throw new Error('fold worker: ended');
      }
      current = door;
      await door.call((worker) => worker.start(start));
    },
    async fold(sealed) {
      if (current === undefined) throw new Error('fold before start');
      return current.call((worker) => worker.fold(sealed));
    },
    async contains(state) {
      if (current === undefined) throw new Error('fold before start');
      return current.call((worker) => worker.contains(state));
    },
    async checkSnapshot(start, stored, signal) {
      const checker = await openDoor();
      const end = (): void => checker.end();
      signal.addEventListener('abort', end, { once: true });
      try {
        signal.throwIfAborted();
        return await checker.call((worker) => worker.checkRest(start, stored));
      } finally {
        signal.removeEventListener('abort', end);
        checker.end();
      }
    },
    end,
  };
}

const openDoor = async (): Promise<WorkerDoor> => new (await import('./worker-door.ts')).WorkerDoor();
