/**
 * Entries by an author who signed others with the same seqs: looked at as what begins a branch, before anything is made of
 * it (FORK-1). One that could never be part of the room makes no fork: whoever never saw it must come to the same.
 */
import { equalBytes, type Bytes } from '../core/bytes.ts';
import type { Entry } from './entry.ts';
import { branchSession, type BranchStart } from './branches.ts';
import { Chain, type Arrival, type Dependency } from './chain.ts';
import type { ChainTable } from './chain-table.ts';
import { HEAD_BYTES } from './format.ts';
import type { ForkProof } from './receipt.ts';

/** Rivals that wait for what they follow. More are looked at when they are sent again. */
const MAX_WAITING = 16;
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

const NOTHING: Bytes = new Uint8Array();

export type RivalFound =
  | { readonly kind: 'fork'; readonly starts: readonly BranchStart[] }
  /** They part before the first entry of the segment. */
  | { readonly kind: 'earlier' }
  /** It is kept, and told when what it follows is here. */
  | { readonly kind: 'waits' }
  /** It makes no fork; another entry with that seq may. */
  | { readonly kind: 'nothing' };

interface Rival {
  readonly chain: Chain;
  readonly entry: Entry;
  readonly starts: readonly BranchStart[];
  readonly proof: ForkProof;
  /** What it waits for. */
  on?: Dependency;
}

export class Rivals {
  readonly #table: ChainTable;
  #waiting: Rival[] = [];

  constructor(table: ChainTable) {
    this.#table = table;
  }

  /** A segment whose hashes are not those of `chain`. */
  look(chain: Chain, arrival: Arrival): RivalFound {
    const { first, before, entries, hashes, sealed, last } = arrival;
    const seq = partAt(chain, arrival);
    if (seq === undefined) return { kind: 'earlier' };
    const entry = entries[seq - first];
    const hash = hashes[seq - first];
    if (entry === undefined || hash === undefined || this.#table.closedEpochs.decides(chain, seq))
      return { kind: 'nothing' };
    const others = seq <= chain.seq ? [chain.hashAt(seq)] : branchHashes(chain);
    const place = { session: authorOf(chain), channel: chain.channel, seq };
    const followed = seq === first ? before : hashes[seq - 1 - first];
    if (followed === undefined) return { kind: 'nothing' };
    const start = (of: Bytes): BranchStart => ({
      ...place,
      before: followed.slice(0, HEAD_BYTES),
      hash: of.slice(0, HEAD_BYTES),
    });
    const starts = [...others.map(start), start(hash)];
    const proof: ForkProof = {
      session: chain.session.id,
      channel: chain.channel,
      seq,
      first,
      last,
      sealed,
      starts,
    };
    const rival: Rival = { chain, entry, starts, proof };
    const verdict = this.#check(rival);
    if (verdict === 'passes') return { kind: 'fork', starts };
    return { kind: verdict === 'waits' && this.#wait(rival) ? 'waits' : 'nothing' };
  }

  /** Those that nothing keeps from being part of the room any more. */
  lookAgain(): ForkProof[] {
    if (this.#waiting.length === 0) return [];
    const proofs: ForkProof[] = [];
    const waiting: Rival[] = [];
    for (const rival of this.#waiting) {
      // Looking at a large one costs more than a key may: not before there is a reason.
      const verdict = rival.on === undefined || this.#table.isMet(rival.on) ? this.#check(rival) : 'waits';
      if (verdict === 'passes') proofs.push(rival.proof);
      else if (verdict === 'waits') waiting.push(rival);
    }
    this.#waiting = waiting;
    return proofs;
  }

  #check(rival: Rival): 'passes' | 'waits' | 'refused' {
    const { chain, entry, starts } = rival;
    const start = starts.at(-1);
    if (start === undefined) throw new Error('a rival without a start');
    const row = { channel: chain.channel, seq: start.seq, hash: start.hash };
    if (!this.#table.closedEpochs.allows(chain, row)) return 'waits';
    // Where the chain was before them: a chain of its own for as long as it takes to look at one entry.
    const signsAs = chain.signs.client;
    const firstClock =
      chain.signs.clock - chain.nextClock + (start.seq - 1 > chain.base ? chain.clockAt(start.seq - 1) : 0);
    const aside = new Chain(branchSession(chain.session, start), chain.channel, {
      start,
      parent: chain,
      signsAs,
      firstClock,
    });
    const checked = this.#table.check(aside, entry);
    if (checked.ok) return 'passes';
    if (checked.error.kind !== 'waits') return 'refused';
    rival.on = checked.error.on;
    return 'waits';
  }

  /** Whether it is kept. */
  #wait(rival: Rival): boolean {
    const hashOf = ({ starts }: Rival): Bytes => starts.at(-1)?.hash ?? NOTHING;
    if (this.#waiting.some((other) => equalBytes(hashOf(other), hashOf(rival)))) return true;
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

/** By the key that signs, whatever branch of whatever branch it is. */
const authorOf = (chain: Chain): BranchStart['session'] =>
  chain.branching === undefined ? chain.session.id : authorOf(chain.branching.parent);

const branchHashes = ({ branches = [] }: Chain): Bytes[] =>
  branches.flatMap(({ branching }) => branching?.start.hash ?? []);
