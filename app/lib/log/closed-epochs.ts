/**
 * How far the sessions of former epochs are part of the room (ROST-10, ROST-11): up to the closed frontiers of the statements,
 * and as far as sessions of the newest epoch say by a *carry*. Within an epoch both only add: nothing is taken back.
 */
import { fromHex, toHex, type Bytes } from '../core/bytes.ts';
import type { SessionId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { CheckedSession } from './certificate.ts';
import type { Chain } from './chain.ts';
import { maySign } from './format.ts';
import { chainKey, decodeFrontier, type FrontierRow } from './frontier.ts';

/** How far one chain is let in: below its highest row; at that, and at rows of closed frontiers, only the entries that rows name. */
interface Limit {
  seq: number;
  /** Hex hashes, by seq. */
  readonly hashes: Map<number, Set<string>>;
  /** Seqs that closed frontiers name: theirs decide, since nobody else can add to them. */
  readonly closed: Set<number>;
}

export class ClosedEpochs {
  readonly #limits = new Map<string, Limit>();
  readonly #carried: FrontierRow[] = [];
  /** The epoch whose sessions write without limit. */
  readonly current: number;

  /** `closed`: the closed frontiers of the statements. */
  constructor(current: number, closed: readonly FrontierRow[]) {
    this.current = current;
    for (const row of closed) {
      this.#raise(row);
      this.#limits.get(chainKey(row))?.closed.add(row.seq);
    }
  }

  /** Takes rows that a session of the newest epoch carries. */
  add(rows: readonly FrontierRow[]): void {
    for (const row of rows) if (this.#raise(row)) this.#carried.push(row);
  }

  /** Whether the entry of that seq and hash is part of the room as far as epochs go. */
  allows(chain: Chain, { channel, seq, hash }: Omit<FrontierRow, 'session'>): boolean {
    if (chain.session.epoch >= this.current) return true;
    return lineOf(chain).some((session) => {
      const limit = this.#limits.get(chainKey({ session, channel }));
      if (limit === undefined || seq > limit.seq) return false;
      if (limit.hashes.get(seq)?.has(toHex(hash))) return true;
      // A carry that names another entry here keeps nothing out: anybody who stays may sign one.
      return seq < limit.seq && !limit.closed.has(seq);
    });
  }

  /** Whether a row names an entry of that chain, of a former epoch, from that seq on: then nothing signed since can stand beside it. */
  decides(chain: Chain, fromSeq: number): boolean {
    if (chain.session.epoch >= this.current) return false;
    return lineOf(chain).some((session) => {
      const limit = this.#limits.get(chainKey({ session, channel: chain.channel }));
      for (const [seq, hashes] of limit?.hashes ?? [])
        if (seq >= fromSeq && [...hashes].some((hash) => chain.has({ seq, hash: fromHex(hash) })))
          return true;
      return false;
    });
  }

  /** What was carried, as it can be added again. */
  get carried(): readonly FrontierRow[] {
    return this.#carried;
  }

  /** Whether the row says anything that was not known. */
  #raise(row: FrontierRow): boolean {
    const key = chainKey(row);
    const limit = this.#limits.get(key) ?? {
      seq: 0,
      hashes: new Map<number, Set<string>>(),
      closed: new Set<number>(),
    };
    const hashes = limit.hashes.get(row.seq) ?? new Set();
    const hash = toHex(row.hash);
    if (hashes.has(hash)) return false;
    limit.hashes.set(row.seq, hashes.add(hash));
    limit.seq = Math.max(limit.seq, row.seq);
    this.#limits.set(key, limit);
    return true;
  }
}

/**
 * What a carry says, as far as its author may say it. A carry is good for its own epoch: what it let in is in the closed
 * frontier after it, or carried again, so that nobody can let in today what they will sign later.
 */
export function readCarry(
  payload: Bytes,
  author: CheckedSession,
  current: number,
): Result<FrontierRow[], string> {
  const rows = decodeFrontier(payload);
  if (!rows.ok) return err(rows.error);
  if (author.epoch !== current) return ok([]);
  return ok(rows.value.filter(({ channel }) => maySign(author.role, channel)));
}

/** A chain's name and those of the chains that it is a branch of: a row may have been made before the fork was known. */
const lineOf = ({ session, branching }: Chain): SessionId[] => [
  session.id,
  ...(branching === undefined ? [] : lineOf(branching.parent)),
];
