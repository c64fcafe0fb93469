/**
 * What of the sessions of former epochs is part of the room (ROST-10, ROST-11): what rows name (closed frontiers of the
 * statements, carries of sessions of the newest epoch), what their sessions follow, and all that leads there. Within an epoch it
 * only grows. Below a row whose entry is not here a chain is taken as it comes, as long as nothing else is known of it.
 */
import type { Bytes } from '../core/bytes.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { CheckedSession } from './certificate.ts';
import type { Arrival, Chain } from './chain.ts';
import type { Head } from './entry.ts';
import { HEAD_BYTES, maySign } from './format.ts';
import { chainKey, decodeFrontier, type FrontierRow } from './frontier.ts';
import { entryName, Trails } from './trails.ts';

/** Heads that are named and not here: more are named again when what names them is looked at again. */
const MAX_NAMED_AHEAD = 2 ** 16;

/** How far rows name a chain. */
interface Limit {
  seq: number;
  /** Seqs that closed frontiers name: theirs decide, since nobody else can add to them. */
  readonly closed: Set<number>;
}

/** An entry that is let in, by the first 16 bytes of its chain hash. */
export type NamedEntry = Pick<FrontierRow, 'channel'> & Head;

export class ClosedEpochs {
  readonly #limits = new Map<string, Limit>();
  readonly #carried: FrontierRow[] = [];
  readonly #named = new Map<string, NamedEntry>();
  readonly #vouched: NamedEntry[] = [];
  /** By entries that wait for what they name. */
  readonly #ahead = new Map<string, NamedEntry>();
  readonly #trails = new Trails();
  /** Beginnings that are in only where a row says so. */
  readonly #outside: ReadonlySet<string>;
  #moved = false;
  /** The epoch whose sessions write without limit. */
  readonly current: number;

  /** `closed`: the closed frontiers of the statements. `outside`: beginnings that are no part of the room below rows of other stories. */
  constructor(current: number, closed: readonly FrontierRow[], outside: readonly NamedEntry[] = []) {
    this.current = current;
    this.#outside = new Set(outside.map(({ channel, hash }) => entryName(channel, hash)));
    for (const row of closed) {
      this.#raise(row);
      this.#limits.get(chainKey(row))?.closed.add(row.seq);
    }
  }

  /** Takes rows that a session of the newest epoch carries. */
  add(rows: readonly FrontierRow[]): void {
    for (const row of rows) if (this.#raise(row)) this.#carried.push(row);
  }

  /** Takes what an entry that is let in, or of the newest epoch, follows in its channel. `isHere`: it is part of the log. */
  vouch(entry: NamedEntry, isHere: boolean): void {
    const name = entryName(entry.channel, entry.hash);
    if (isHere) {
      this.#ahead.delete(name);
      if (this.#name(name, entry)) this.#vouched.push(entry);
    } else if (!this.#named.has(name) && !this.#ahead.has(name)) {
      this.#ahead.set(name, entry);
      const [oldest] = this.#ahead.keys();
      if (this.#ahead.size > MAX_NAMED_AHEAD && oldest !== undefined) this.#ahead.delete(oldest);
      if (this.#trails.lead(name)) this.#moved = true;
    }
  }

  /** Notes entries of a former epoch that are no part of the log yet. */
  note(chain: Chain, arrival: Arrival): void {
    if (this.isFormer(chain) && this.#trails.add(chain.channel, arrival, (name) => this.#isNamed(name)))
      this.#moved = true;
  }

  /** Whether more may be let in than when this was asked last. */
  hasMoved(): boolean {
    const moved = this.#moved;
    this.#moved = false;
    return moved;
  }

  isFormer({ session }: Pick<Chain, 'session'>): boolean {
    return session.epoch < this.current;
  }

  /** Whether the entry of that seq and hash is part of the room as far as epochs go. */
  allows(chain: Chain, row: Omit<FrontierRow, 'session'>): boolean {
    if (!this.isFormer(chain) || this.leads(row)) return true;
    const { channel, seq, hash } = row;
    // Where an author told two stories, each is in as far as it is named.
    if (chain.branching !== undefined || this.#outside.has(entryName(channel, hash))) return false;
    const limit = this.#limits.get(chainKey({ session: chain.session.id, channel }));
    // A carry that names another entry here keeps nothing out: anybody who stays may sign one.
    return limit !== undefined && seq < limit.seq && !limit.closed.has(seq);
  }

  /** Whether an entry is named, or leads to one that is, as far as is known. */
  leads({ channel, hash }: Pick<FrontierRow, 'channel' | 'hash'>): boolean {
    const name = entryName(channel, hash);
    return this.#isNamed(name) || this.#trails.leads(name);
  }

  /** Whether what a chain has from that seq on is in whatever else is known: of a newer epoch, or on the way to what is named. */
  isSure(chain: Chain, fromSeq: number): boolean {
    if (!this.isFormer(chain)) return true;
    const { channel, head, seq } = chain;
    if (seq >= fromSeq && this.#trails.leads(entryName(channel, head))) return true;
    const isHere = (one: NamedEntry): boolean =>
      one.channel === channel && one.seq >= fromSeq && chain.has(one);
    return [...this.#named.values()].some(isHere) || [...this.#ahead.values()].some(isHere);
  }

  /** What was carried, as it can be added again. */
  get carried(): readonly FrontierRow[] {
    return this.#carried;
  }

  /** What is named otherwise, as it can be vouched for again. */
  get vouched(): readonly NamedEntry[] {
    return this.#vouched;
  }

  #isNamed(name: string): boolean {
    return this.#named.has(name) || this.#ahead.has(name);
  }

  /** Whether it was not named before. */
  #name(name: string, entry: NamedEntry): boolean {
    if (this.#named.has(name)) return false;
    this.#named.set(name, entry);
    this.#trails.lead(name);
    this.#moved = true;
    return true;
  }

  /** Whether the row says anything that was not known. */
  #raise(row: FrontierRow): boolean {
    const key = chainKey(row);
    const name = entryName(row.channel, row.hash);
    const limit = this.#limits.get(key) ?? { seq: 0, closed: new Set<number>() };
    const isNew = row.seq > limit.seq || !this.#named.has(name);
    limit.seq = Math.max(limit.seq, row.seq);
    this.#limits.set(key, limit);
    this.#name(name, { channel: row.channel, seq: row.seq, hash: row.hash.slice(0, HEAD_BYTES) });
    return isNew;
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
