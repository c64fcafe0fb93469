/**
 * Where verified segments go: onto their chain, held until what they follow is here, or nowhere (ACC-4 to ACC-15). The only
 * writer of the chain table besides the author's own entries.
 */
import type { Bytes } from '../core/bytes.ts';
import { err } from '../core/result.ts';
import type { Arrival, Chain } from './chain.ts';
import type { ChainTable } from './chain-table.ts';
import type { RefusalCode } from './format.ts';
import { joinUpdates } from './joined-update.ts';
import { HeldSegments, Waiters, type HeldQuota } from './held-segments.ts';
import type { CheckedUpdate } from './struct-check.ts';
import type { SegmentVerifier } from './segment-verifier.ts';
import { refuse, type Accepted, type ForkProof, type Receipt } from './receipt.ts';

/** Enough to show and to gossip; a session that forks once may fork for ever. */
const MAX_FORK_PROOFS = 16;

/** Of a closed epoch: part of the room as soon as somebody carries it into a later one (ROST-11). */
const uncarried = err({ kind: 'waits', on: { kind: 'carry' } } as const);

export class ChainPlacement {
  readonly #table: ChainTable;
  readonly #verifier: SegmentVerifier;
  readonly #held: HeldSegments;
  readonly #waiters = new Waiters();
  readonly #forks: ForkProof[] = [];

  constructor(table: ChainTable, verifier: SegmentVerifier, held?: HeldQuota) {
    this.#table = table;
    this.#verifier = verifier;
    this.#held = new HeldSegments(held);
  }

  /** Where a verified segment belongs: after what is here, held for later, or nowhere. */
  place(chain: Chain, arrival: Arrival, receipt: Receipt): void {
    const { session, channel } = chain;
    const { first, last } = arrival;
    if (chain.closed)
      return refuse(receipt, 'chain-closed', `by ${chain.closed.code}`, {
        session: session.id,
        channel,
        seq: first,
      });
    if (first <= chain.seq + 1) {
      this.#advance(chain, arrival, receipt);
      if (chain.closed || chain.seq >= last || receipt.refused) return;
    } else if (first > chain.contiguousEnd() + 1) {
      receipt.gap = { session: session.id, channel, haveSeq: chain.contiguousEnd(), needSeq: first - 1 };
    }
    if (this.#held.hold(chain, arrival)) receipt.held = { session: session.id, channel, first, last };
  }

  /** Takes entries of a segment that begins at or before the chain's next one, as far as they can be taken now. */
  #advance(chain: Chain, arrival: Arrival, receipt: Receipt): void {
    const { session, channel } = chain;
    const { first, last, entries, hashes, sealed } = arrival;
    if (!chain.agrees(arrival)) {
      const seq = Math.max(Math.min(last, chain.seq), 1);
      receipt.fork = { session: session.id, channel, seq, first, last, sealed };
      this.keepProof(receipt.fork);
      return refuse(receipt, 'fork', 'another entry with this seq', {
        session: session.id,
        channel,
        seq: first,
      });
    }
    // It may be another cut of what the chain waits with: see again what it needs.
    this.#waiters.remove(chain);
    const fresh: { seq: number; time: number; payload: Bytes }[] = [];
    const clock = chain.nextClock;
    const updates: CheckedUpdate[] = [];
    for (let i = chain.seq + 1 - first; i < entries.length; i++) {
      const [entry, hash] = [entries[i], hashes[i]];
      if (entry === undefined || hash === undefined) break;
      const row = { channel, seq: first + i, hash };
      const checked = this.#table.closedEpochs.allows(session, row)
        ? this.#table.check(chain, entry)
        : uncarried;
      if (!checked.ok) {
        if (checked.error.kind === 'waits') this.#waiters.add(chain, checked.error.on);
        else this.#close(chain, checked.error, receipt);
        break;
      }
      this.#table.commit(chain, hash, checked.value);
      this.reached(chain);
      fresh.push({ seq: first + i, time: checked.value.time, payload: entry.payload });
      if (checked.value.update) updates.push(checked.value.update);
    }
    const [start] = fresh;
    if (start === undefined) return;
    receipt.accepted.push({
      session,
      channel,
      first: start.seq,
      last: chain.seq,
      entries: fresh,
      ...(channel === 'project' && {
        update: fresh.length === 1 ? start.payload : joinUpdates(session.clientId, clock, updates),
      }),
      sealed,
      segFirst: first,
      segLast: last,
    });
  }

  #close(chain: Chain, { code, detail }: { code: RefusalCode; detail: string }, receipt: Receipt): void {
    refuse(receipt, code, detail, { session: chain.session.id, channel: chain.channel, seq: chain.seq + 1 });
    chain.closed = receipt.refused;
    this.#held.removeAll(chain);
  }

  /** Lets chains go on that something arrived for, until nothing moves. */
  async drain(receipt: Receipt): Promise<void> {
    if (receipt.accepted.length > 0) {
      const { session, channel } = receipt.accepted[0] as Accepted;
      const grown = this.#table.chain(session.id, channel);
      if (grown && grown.held.length > 0) await this.#goOn(grown, receipt);
    }
    for (let chain = this.#waiters.takeWoken(); chain; chain = this.#waiters.takeWoken()) {
      await this.#goOn(chain, receipt);
      const have = chain.contiguousEnd();
      if (chain.closed || chain.waiting || chain.owed <= have) continue;
      receipt.wanted.push({
        session: chain.session.id,
        channel: chain.channel,
        haveSeq: have,
        needSeq: chain.owed,
      });
      chain.owed = 0;
    }
  }

  async #goOn(chain: Chain, receipt: Receipt): Promise<void> {
    while (!chain.closed && !chain.waiting) {
      const held = this.#held.next(chain);
      if (held === undefined) return;
      const { first } = held;
      const before = receipt.refused;
      const arrival = held.arrival ?? (await this.#verifier.reopen(chain.session, held.sealed));
      held.arrival = arrival;
      this.#advance(chain, arrival, receipt);
      const forked = receipt.refused !== before && receipt.refused?.code === 'fork';
      if (forked || chain.seq >= held.last) this.#held.remove(chain, held);
      else if (!chain.closed && !chain.waiting)
        throw new Error(`held segment at ${first} did not move its chain`);
    }
  }

  /** The chain is longer: perhaps others can go on. */
  reached(chain: Chain): void {
    this.#waiters.reached(chain);
    if (chain.channel === 'carry') this.#waiters.carried();
  }

  /** Chains moved otherwise than entry by entry: everything that waits or is held behind a gap is looked at again. */
  moved(): void {
    this.#waiters.wakeAll();
    for (const chain of this.#held.holding()) this.#waiters.wake(chain);
  }

  /** Remembers that a chain forked; the first proof of each is enough. */
  keepProof(proof: ForkProof): void {
    if (this.#forks.length < MAX_FORK_PROOFS && !this.isForked(proof)) this.#forks.push(proof);
  }

  isForked({ session, channel }: Pick<ForkProof, 'session' | 'channel'>): boolean {
    return this.#forks.some((fork) => fork.session === session && fork.channel === channel);
  }

  get forkProofs(): readonly ForkProof[] {
    return this.#forks;
  }

  /** Bytes of memory that held segments count for. */
  get heldBytes(): number {
    return this.#held.bytes;
  }
}
