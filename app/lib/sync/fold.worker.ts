/** The worker side of folding: one FoldSession, behind comlink. */
import * as Comlink from 'comlink';
import type { Bytes } from '../core/bytes.ts';
import { checkRest, FoldSession, type FoldResult, type FoldStart } from './fold-session.ts';

let session: FoldSession | undefined;

const door = {
  async start(start: FoldStart): Promise<void> {
    session = await FoldSession.start(start);
  },
  async fold(sealed: readonly Bytes[]): Promise<FoldResult> {
    if (session === undefined) throw new Error('fold before start');
    return session.fold(sealed);
  },
  async contains(state: Bytes): Promise<boolean> {
    if (session === undefined) throw new Error('fold before start');
    return session.contains(state);
  },
  checkRest,
};

export type FoldDoor = typeof door;

Comlink.expose(door);
