/**
 * What is missing and who was asked for it. A range is wanted from one peer at a time, and from the next when
 * nothing came for two seconds or the peer left (LOG.md, Meeting; SPEC, SYNC-4). Pure bookkeeping: no network, no timers.
 * Nobody's claims keep a chain to themselves: who did not bring what it claimed is passed over, longer each time.
 */
import type { PeerId } from '../core/ids.ts';
import { chainKey } from '../log/frontier.ts';
import { MAX_WANTED_RANGES, type WantedRange } from './frames.ts';

/** A peer that sent nothing of what it was asked for in this time is passed over. */
export const WANT_PATIENCE_MS = 2000;
/** However much a peer sends of other things, a range is taken from it after this: a trickle must not block a chain. */
export const RANGE_PATIENCE_MS = 20_000;
/** How long a peer is not asked again for what it did not bring; doubled each time it does not, up to the second. */
const FUTILE_FIRST_MS = 2000;
const FUTILE_MOST_MS = 60_000;

interface Asked {
  readonly peer: PeerId;
  readonly fromSeq: number;
  readonly toSeq: number;
  /** When it was asked. */
  readonly since: number;
  /** When the peer last sent anything new. */
  at: number;
}

interface Futile {
  readonly fromSeq: number;
  readonly times: number;
  readonly until: number;
}

export class Repair {
  /** One entry a chain: a chain is repaired from one peer at a time. */
  readonly #asked = new Map<string, Asked>();
  /** Where a peer's answer ended or failed, by peer and chain: from the same seq it is not asked again so soon. */
  readonly #futile = new Map<PeerId, Map<string, Futile>>();

  /** Whose segments are being placed, and how many parts of them. */
  readonly #placing = new Map<PeerId, number>();
  /** How many WANTs went to a peer without the end of an answer. Several may be answered as one, so this may stay high. */
  readonly #unanswered = new Map<PeerId, number>();

  /** Of what a peer holds and this replica lacks, the ranges to ask it for now. Remembers them as asked. */
  ask(peer: PeerId, missing: readonly WantedRange[], now: number): WantedRange[] {
    const fresh: WantedRange[] = [];
    for (const range of missing) {
      if (fresh.length === MAX_WANTED_RANGES) break;
      if (!this.#worthAsking(peer, range, now)) continue;
      const before = this.#asked.get(chainKey(range));
      // A claim that only grows gets no more time for it.
      const { since, at } = before?.peer === peer ? before : { since: now, at: now };
      this.#asked.set(chainKey(range), { ...range, peer, since, at });
      fresh.push(range);
    }
    if (fresh.length > 0) this.#unanswered.set(peer, (this.#unanswered.get(peer) ?? 0) + 1);
    return fresh;
  }

  /** What the peer sent is being placed here, or has been: that this takes long is not its fault. */
  placing(peer: PeerId, begins: boolean): void {
    const count = (this.#placing.get(peer) ?? 0) + (begins ? 1 : -1);
    if (count > 0) this.#placing.set(peer, count);
    else this.#placing.delete(peer);
  }

  /** The peer brought something new: its other ranges get more time too. */
  progress(peer: PeerId, now: number): void {
    for (const asked of this.#asked.values()) if (asked.peer === peer) asked.at = now;
  }

  /** The peer said its answer is complete. */
  answered(peer: PeerId, now: number): void {
    this.#unanswered.set(peer, Math.max((this.#unanswered.get(peer) ?? 0) - 1, 0));
    for (const [chain, asked] of this.#asked) if (asked.peer === peer) this.#giveUp(chain, asked, now);
  }

  /** The peer left. Returns whether it still owed something. */
  gone(peer: PeerId): boolean {
    let owed = false;
    for (const [chain, asked] of this.#asked) if (asked.peer === peer) owed = this.#asked.delete(chain);
    this.#futile.delete(peer);
    this.#unanswered.delete(peer);
    return owed;
  }

  /** Gives up asking whoever kept a range waiting longer than a peer is given. Returns whether there was one. */
  expire(now: number): boolean {
    let expired = false;
    for (const [chain, asked] of this.#asked)
      if (this.#isStale(asked, now)) {
        this.#giveUp(chain, asked, now);
        expired = true;
      }
    return expired;
  }

  /** Whether an answer of the peer may still be on its way. */
  expects(peer: PeerId): boolean {
    return (this.#unanswered.get(peer) ?? 0) > 0;
  }

  get idle(): boolean {
    return this.#asked.size === 0;
  }

  #giveUp(chain: string, { peer, fromSeq }: Asked, now: number): void {
    this.#asked.delete(chain);
    const chains = this.#futile.get(peer) ?? new Map<string, Futile>();
    const before = chains.get(chain);
    const times = before?.fromSeq === fromSeq ? before.times + 1 : 0;
    const until = now + Math.min(FUTILE_FIRST_MS * 2 ** times, FUTILE_MOST_MS);
    this.#futile.set(peer, chains.set(chain, { fromSeq, times, until }));
  }

  #worthAsking(peer: PeerId, range: WantedRange, now: number): boolean {
    const futile = this.#futile.get(peer)?.get(chainKey(range));
    // From another seq it is another question: what it brought last time moved the chain.
    if (futile !== undefined && futile.fromSeq === range.fromSeq && now < futile.until) return false;
    const asked = this.#asked.get(chainKey(range));
    return (
      asked === undefined || this.#isStale(asked, now) || (asked.peer === peer && asked.toSeq < range.toSeq)
    );
  }

  #isStale({ peer, at, since }: Asked, now: number): boolean {
    const isSilent = now - at >= WANT_PATIENCE_MS && !this.#placing.has(peer);
    return isSilent || now - since >= RANGE_PATIENCE_MS;
  }
}
