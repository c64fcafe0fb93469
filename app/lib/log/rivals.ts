/**
 * Entries by an author who signed others with the same seqs: each begins a branch (FORK-1), but for those that could never be
 * part of the room whatever else is in it, and in a former epoch those that nothing leads to (ROST-10).
 */
import type { Bytes } from '../core/bytes.ts';
import type { CheckedSession } from './certificate.ts';
import type { Entry } from './entry.ts';
import { isSameStart, type BranchStart } from './branches.ts';
import type { Arrival, Chain } from './chain.ts';
import type { ChainTable } from './chain-table.ts';
import { HEAD_BYTES } from './format.ts';
import type { ForkProof } from './receipt.ts';

/** Rivals that wait for somebody to carry them into the epoch. More are looked at when they are sent again. */
const MAX_WAITING = 64;
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

export type RivalFound =
  | { readonly kind: 'fork'; readonly starts: readonly BranchStart[] }
  /** It is in, and what is here beside it is not: the log has to be made anew without that. */
  | { readonly kind: 'instead'; readonly outside: readonly BranchStart[] }
  /** They part before the first entry of the segment. */
  | { readonly kind: 'earlier' }
  /** It is kept, and told when it is carried. */
  | { readonly kind: 'waits' }
  /** It makes no fork; another entry with that seq may. */
  | { readonly kind: 'nothing' };

interface Rival {
  readonly chain: Chain;
  /** Its author, by the certificate that it stands on. */
  readonly author: CheckedSession;
  readonly entry: Entry;
  readonly start: BranchStart;
  /** How those begin that it stands against. */
  readonly others: readonly BranchStart[];
  readonly proof: ForkProof;
}

type Verdict = Exclude<RivalFound, { readonly kind: 'earlier' | 'waits' | 'nothing' }> | 'waits' | 'refused';

export class Rivals {
  readonly #table: ChainTable;
  #waiting: Rival[] = [];

  constructor(table: ChainTable) {
    this.#table = table;
  }

  /** A segment whose hashes are not those of `chain`. */
  look(chain: Chain, arrival: Arrival, author: CheckedSession): RivalFound {
    const { first, before, entries, hashes, sealed, last } = arrival;
    const seq = partAt(chain, arrival);
    if (seq === undefined) return { kind: 'earlier' };
    const entry = entries[seq - first];
    const hash = hashes[seq - first];
    if (entry === undefined || hash === undefined) return { kind: 'nothing' };
    const others = seq <= chain.seq ? [chain.hashAt(seq)] : branchHashes(chain);
    const place = { session: authorOf(chain), channel: chain.channel, seq };
    const followed = seq === first ? before : hashes[seq - 1 - first];
    if (followed === undefined) return { kind: 'nothing' };
    const start = (of: Bytes): BranchStart => ({
      ...place,
      before: followed.slice(0, HEAD_BYTES),
      hash: of.slice(0, HEAD_BYTES),
    });
    const known =
      seq === 1 && chain.seq > 0 ? this.#table.contests.firstStarts(place.session) : others.map(start);
    const proof: ForkProof = { session: chain.session.id, channel: chain.channel, seq, first, last, sealed };
    const rival: Rival = { chain, author, entry, others: known, start: start(hash), proof };
    const verdict = this.#check(rival);
    if (verdict === 'refused') return { kind: 'nothing' };
    if (verdict === 'waits') return { kind: this.#wait(rival) ? 'waits' : 'nothing' };
    return verdict;
  }

  /** Those that nothing keeps from being part of the room any more. */
  lookAgain(): ForkProof[] {
    if (this.#waiting.length === 0) return [];
    const proofs: ForkProof[] = [];
    const waiting: Rival[] = [];
    for (const rival of this.#waiting) {
      const verdict = this.#check(rival);
      if (verdict === 'waits') waiting.push(rival);
      else if (verdict !== 'refused') {
        const { kind: _, ...what } = verdict;
        proofs.push({ ...rival.proof, ...what });
      }
    }
    this.#waiting = waiting;
    return proofs;
  }

  #check({ chain, author, entry, start, others }: Rival): Verdict {
    const { seq } = start;
    const { closedEpochs } = this.#table;
    if (!this.#table.isSound(entry, author, chain.channel, clockBefore(chain, author, seq))) return 'refused';
    if (closedEpochs.isFormer({ session: author }) && !closedEpochs.leads(start)) return 'waits';
    // Where the chain has ended its branches are known to be in.
    const sure = chain.seq < seq ? others : others.filter((one) => this.#table.isSure(one, chain));
    if (sure.length > 0 || others.length === 0) return { kind: 'fork', starts: [...sure, start] };
    return { kind: 'instead', outside: [...others, start] };
  }

  /** Whether it is kept. */
  #wait(rival: Rival): boolean {
    if (this.#waiting.some(({ start }) => isSameStart(start, rival.start))) return true;
    const sizes = [rival, ...this.#waiting].map(({ entry }) => entry.payload.length);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    if (this.#waiting.length >= MAX_WAITING || bytes > MAX_WAITING_BYTES) return false;
    this.#waiting.push(rival);
    return true;
  }
}

/** The first seq at which a segment holds another entry than the chain; undefined where that is before the segment. */
function partAt(chain: Chain, { first, before, hashes }: Arrival): number | undefined {
  const from = Math.max(first, chain.base + 1);
  for (let seq = from; seq - first < hashes.length; seq++) {
    const hash = hashes[seq - first];
    if (hash === undefined) return undefined;
    if (seq <= chain.seq && chain.has({ seq, hash })) continue;
    if (seq > first) return seq;
    // The first of the segment: they part there only if what is before it is the same.
    if (seq === 1) return seq;
    const led = { seq: seq - 1, hash: before };
    const parent = chain.branching?.parent;
    return chain.has(led) || (seq - 1 === chain.base && parent?.has(led) === true) ? seq : undefined;
  }
  return undefined;
}

/** The Yjs client that an author signs as, and its clock before that seq. */
function clockBefore(chain: Chain, author: CheckedSession, seq: number): { client: number; clock: number } {
  if (seq === 1) return { client: author.clientId, clock: 0 };
  const { client, clock } = chain.signs;
  return { client, clock: clock - chain.nextClock + (seq - 1 > chain.base ? chain.clockAt(seq - 1) : 0) };
}

/** By the key that signs, whatever branch of whatever branch it is. */
const authorOf = (chain: Chain): BranchStart['session'] =>
  chain.branching === undefined ? chain.session.id : authorOf(chain.branching.parent);

const branchHashes = ({ branches = [] }: Chain): Bytes[] =>
  branches.flatMap(({ branching }) => branching?.start.hash ?? []);
