/** One chain as this replica knows it: where it stands, what of it is held back, and why. */
import { equalBytes, type Bytes } from '../core/bytes.ts';
import type { Channel } from '../core/ids.ts';
import type { CheckedSession } from './certificate.ts';
import { chainStart, type Entry, type Head } from './entry.ts';
import { HEAD_BYTES, type Refusal } from './format.ts';
import { StructParents } from './struct-parents.ts';

/** A segment whose chain hashes are computed and whose signature held. */
export interface Arrival {
  readonly first: number;
  readonly last: number;
  /** The chain hash before `first`, as the segment claims or its certificate gives. */
  readonly before: Bytes;
  readonly entries: readonly Entry[];
  /** The chain hash after each entry. */
  readonly hashes: readonly Bytes[];
  readonly sealed: Bytes;
}

/** What must be applied before a chain can go on. */
export type Dependency =
  | { readonly kind: 'head'; readonly head: Head }
  | { readonly kind: 'clock'; readonly client: number; readonly clock: number }
  /** Of a closed epoch, and not carried into a later one. */
  | { readonly kind: 'carry' };

export interface HeldSegment {
  readonly first: number;
  readonly last: number;
  readonly sealed: Bytes;
  /** Dropped when memory is short, and made again from `sealed`. */
  arrival: Arrival | undefined;
}

/**
 *   empty ──entry──▶ growing ──unmet dependency──▶ waiting ──it arrives──▶ growing
 *                       └──────refused entry──────▶ closed (for ever: its author can't take the entry back)
 */
export class Chain {
  readonly session: CheckedSession;
  readonly channel: Channel;
  seq = 0;
  /** The hash at `seq`, whole. */
  head: Bytes;
  /** `project` only: the clock that the session's next struct must have. */
  nextClock = 0;
  /** `project` only: the lists that the session's structs stand in. */
  parents = new StructParents();
  closed: Refusal | undefined;
  waiting: Dependency | undefined;
  /** Segments not placed yet, by `first`. */
  readonly held: HeldSegment[] = [];
  /** Last seq known to exist that was not kept, to be asked for once the chain can go on; 0 when none. */
  owed = 0;
  /** The first 16 bytes of the hash at each seq from 1: any of them may be named as a head, however late. */
  #index: Bytes = new Uint8Array(4 * HEAD_BYTES);
  /** `talk` and `runs` only: the time told of each entry, from seq 1 (LOG-11). */
  #times: number[] = [];

  constructor(session: CheckedSession, channel: Channel) {
    this.session = session;
    this.channel = channel;
    this.head = chainStart(session.certificate, channel);
  }

  extend(hash: Bytes, time: number): void {
    if (this.channel !== 'project') this.#times.push(time);
    const at = this.seq * HEAD_BYTES;
    if (at === this.#index.length) {
      const longer = new Uint8Array(at * 2);
      longer.set(this.#index);
      this.#index = longer;
    }
    // By hand: a view for each of a long history's entries takes longer than its bytes.
    for (let i = 0; i < HEAD_BYTES; i++) this.#index[at + i] = hash[i] ?? 0;
    this.seq++;
    this.head = hash;
  }

  /** The time told of an entry; 0 before the first, and in `project`. */
  timeAt(seq: number): number {
    return this.#times[seq - 1] ?? 0;
  }

  /** Whether this chain has that hash at that seq. */
  has({ seq, hash }: Head): boolean {
    if (seq < 1 || seq > this.seq) return false;
    const at = (seq - 1) * HEAD_BYTES;
    for (let i = 0; i < HEAD_BYTES; i++) if (this.#index[at + i] !== hash[i]) return false;
    return true;
  }

  /** Whether a segment that begins at or before the next seq continues this very chain, not a fork of it. */
  agrees({ first, last, before, hashes }: Arrival): boolean {
    const shared = Math.min(last, this.seq);
    const hash = shared < first ? before : hashes[shared - first];
    if (hash === undefined) return false;
    if (shared === this.seq) return equalBytes(hash, this.head);
    // Before the first entry stands the certificate's own hash, which the segment could not choose.
    return shared === 0 || this.has({ seq: shared, hash });
  }

  /** The last seq that is here without a gap, held segments included. */
  contiguousEnd(): number {
    let end = this.seq;
    for (const { first, last } of this.held) if (first <= end + 1 && last > end) end = last;
    return end;
  }

  /** The index as it is stored, 16 bytes a seq. */
  get index(): Bytes {
    return this.#index.subarray(0, this.seq * HEAD_BYTES);
  }

  get times(): readonly number[] {
    return this.#times;
  }

  /** Puts the chain where a trusted copy of it stands. */
  moveTo(copy: Pick<Chain, 'seq' | 'head' | 'nextClock' | 'parents' | 'closed' | 'index' | 'times'>): void {
    this.seq = copy.seq;
    this.head = copy.head;
    this.nextClock = copy.nextClock;
    this.parents = copy.parents;
    this.closed = copy.closed;
    this.#times = [...copy.times];
    this.#index = new Uint8Array(Math.max(4 * HEAD_BYTES, copy.index.length));
    this.#index.set(copy.index);
  }
}
