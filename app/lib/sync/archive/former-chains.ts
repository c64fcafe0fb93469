/**
 * How far the segments of a chain may be had superseded (ARCH-29). Of this epoch all of it. A chain of a former one is judged by
 * closed rows, and those by what is read first: what is the room's may give way to a longer copy, which stands behind everything else in
 * the archive, only where nobody's other story of that chain stands there to be read before it.
 */
import { chainKey, type FrontierRow } from '../../log/frontier.ts';
import type { RoomLog } from '../../log/room-log.ts';

export interface FormerLog extends Pick<RoomLog, 'session' | 'has' | 'hasForked'> {
  readonly statements: readonly { readonly closed: readonly FrontierRow[] }[];
}

/** Gives the last seq, 0 where nothing may go. `ends`: of all segments of the chain that count in the archive. */
export function reachIn(log: FormerLog, epoch: number): (ends: readonly FrontierRow[]) => number {
  const closed = new Map<string, number>();
  for (const row of log.statements.flatMap((statement) => statement.closed)) {
    const key = chainKey(row);
    closed.set(key, Math.max(closed.get(key) ?? 0, row.seq));
  }
  return (ends) => {
    const [chain] = ends;
    const author = chain && log.session(chain.session);
    if (chain === undefined || author === undefined) return 0;
    if (author.epoch === epoch) return Infinity;
    const isOneStory = !log.hasForked(chain) && ends.every((end) => log.has(end));
    // Beyond it stands what was carried, which is part of the room only as long as somebody carries it on (ROST-11).
    return isOneStory ? (closed.get(chainKey(chain)) ?? 0) : 0;
  };
}
