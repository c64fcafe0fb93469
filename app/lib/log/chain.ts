/** One chain as this replica knows it: where it stands, what of it is held back, and why. */
import { equalBytes, type Bytes } from '../core/bytes.ts';
import type { Channel, SessionId } from '../core/ids.ts';
import type { BranchStart } from './branches.ts';
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

/** What a copy of a chain brings. */
export type ChainState = Pick<
  Chain,
  'seq' | 'head' | 'parents' | 'closed' | 'closedBy' | 'index' | 'marks' | 'past'
>;

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

/** Where a branch leaves the chain that it belongs to (FORK-1). */
export interface Branching {
  readonly start: BranchStart;
  readonly parent: Chain;
  /** The Yjs client that its author signs structs as, and the clock of the first of them. */
  readonly signsAs: number;
  readonly firstClock: number;
}

/** Which branches an entry and all it follows are of, by the seq from which on that is so. */
export interface Past {
  readonly seq: number;
  readonly branches: ReadonlySet<SessionId>;
}

const NOTHING_PAST: ReadonlySet<SessionId> = new Set();

/**
 *   empty ──entry──▶ growing ──unmet dependency──▶ waiting ──it arrives──▶ growing ──fork──▶ ended: its branches go on
 *                       └──────refused entry──────▶ closed, until another entry with that seq passes
 */
export class Chain {
  readonly session: CheckedSession;
  readonly channel: Channel;
  /** Absent: the session's own chain, from its first entry on. */
  readonly branching: Branching | undefined;
  /** The chains that go on from here, once this one is where its author forked. */
  branches: readonly Chain[] | undefined;
  seq: number;
  /** The hash at `seq`, whole. */
  head: Bytes;
  /** `project` only: the clock that the next struct has in the room's docs. In a branch clocks begin at 0. */
  nextClock = 0;
  /** `project` only: the lists that the session's structs stand in. */
  parents = new StructParents();
  closed: Refusal | undefined;
  /** The first 16 bytes of the hash of the entry that closed it: another with its seq may be better. */
  closedBy: Bytes | undefined;
  waiting: Dependency | undefined;
  /** Segments not placed yet, by `first`. */
  readonly held: HeldSegment[] = [];
  /** Last seq known to exist that was not kept, to be asked for once the chain can go on; 0 when none. */
  owed = 0;
  /** The first 16 bytes of the hash at each seq from 1: any of them may be named as a head, however late. */
  #index: Bytes = new Uint8Array(4 * HEAD_BYTES);
  /** Of each entry: in `project` `nextClock` after it, elsewhere the time told (LOG-11). */
  #marks: number[] = [];
  #past: Past[] = [];

  constructor(session: CheckedSession, channel: Channel, branching?: Branching) {
    this.session = session;
    this.channel = channel;
    this.branching = branching;
    this.seq = this.base;
    // Two first entries of one key may stand on two certificates.
    const isFirst = branching === undefined || branching.start.seq === 1;
    this.head = isFirst ? chainStart(session.certificate, channel) : branching.parent.head;
    if (branching === undefined) return;
    const before = branching.parent.pastAt(this.base);
    this.#past.push({ seq: this.base, branches: new Set([...before, session.id]) });
  }

  /** The seq before its first entry. */
  get base(): number {
    return (this.branching?.start.seq ?? 1) - 1;
  }

  /** The Yjs client that its author signs structs as, and the clock that the next of them has there. */
  get signs(): { readonly client: number; readonly clock: number } {
    const { signsAs = this.session.clientId, firstClock = 0 } = this.branching ?? {};
    return { client: signsAs, clock: firstClock + this.nextClock };
  }

  /** Whether it is that chain, or a branch of it. */
  isOf(other: Chain): boolean {
    return this === other || this.branching?.parent.isOf(other) === true;
  }

  /** Adds the entry after which `nextClock` is so (`project`), or of which that time is told. */
  extend(hash: Bytes, mark: number): void {
    if (this.channel === 'project') this.nextClock = mark;
    this.#marks.push(mark);
    const at = (this.seq - this.base) * HEAD_BYTES;
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
    if (this.channel === 'project') return 0;
    if (seq <= this.base) return this.branching?.parent.timeAt(seq) ?? 0;
    return this.#marks[seq - this.base - 1] ?? 0;
  }

  /** `project` only: `nextClock` after that entry. */
  clockAt(seq: number): number {
    return this.#marks[seq - this.base - 1] ?? 0;
  }

  /** The branches that an entry follows, its own included. */
  pastAt(seq: number): ReadonlySet<SessionId> {
    if (this.#past.length === 0) return NOTHING_PAST;
    return this.#past.findLast((step) => step.seq <= seq)?.branches ?? NOTHING_PAST;
  }

  /** From the newest entry on it follows those branches too. */
  follow(branches: ReadonlySet<SessionId>): void {
    this.#past.push({ seq: this.seq, branches });
  }

  get past(): readonly Past[] {
    return this.#past;
  }

  /** Whether this chain has that hash at that seq. */
  has({ seq, hash }: Head): boolean {
    if (seq <= this.base || seq > this.seq) return false;
    const at = (seq - this.base - 1) * HEAD_BYTES;
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

  /** The first 16 bytes of the hash at a seq of its own. */
  hashAt(seq: number): Bytes {
    const at = (seq - this.base - 1) * HEAD_BYTES;
    return this.#index.slice(at, at + HEAD_BYTES);
  }

  /** The last seq that is here without a gap, held segments included. */
  contiguousEnd(): number {
    let end = this.seq;
    for (const { first, last } of this.held) if (first <= end + 1 && last > end) end = last;
    return end;
  }

  /** The index as it is stored, 16 bytes a seq. */
  get index(): Bytes {
    return this.#index.subarray(0, (this.seq - this.base) * HEAD_BYTES);
  }

  get marks(): readonly number[] {
    return this.#marks;
  }

  /** Puts the chain where a trusted copy of it stands. */
  moveTo(copy: ChainState): void {
    this.seq = copy.seq;
    this.head = copy.head;
    this.parents = copy.parents;
    this.closed = copy.closed;
    this.closedBy = copy.closedBy;
    this.#marks = copy.marks.slice();
    this.#past = [...copy.past];
    if (this.channel === 'project') this.nextClock = this.#marks.at(-1) ?? 0;
    this.#index = new Uint8Array(Math.max(4 * HEAD_BYTES, copy.index.length));
    this.#index.set(copy.index);
  }
}
