/**
 * What is missing and who was asked for it. A range is wanted from one peer at a time, and from the next when
 * nothing came for two seconds or the peer left (LOG.md, Meeting; SPEC, SYNC-4). Pure bookkeeping: no network, no timers.
 */
import type { PeerId } from '../core/ids.ts';
import type { WantedRange } from './frames.ts';

/** A peer that sent nothing of what it was asked for in this time is passed over. */
export const WANT_PATIENCE_MS = 2000;

/** The same stretch that a peer's answer did not bring is not asked of it again so soon: its entries were refused or are held. */
const FUTILE_AGAIN_MS = 30_000;

interface Asked {
  readonly peer: PeerId;
  readonly fromSeq: number;
  readonly toSeq: number;
  at: number;
}

export class Repair {
  /** One entry a chain: a chain is repaired from one peer at a time. */
  readonly #asked = new Map<string, Asked>();

  /** Stretches a peer has answered in full, by peer and chain. */
  readonly #answered = new Map<string, Asked>();

  /** Of what a peer holds and this replica lacks, the ranges to ask it for now. Remembers them as asked. */
  ask(peer: PeerId, missing: readonly WantedRange[], now: number): WantedRange[] {
    const fresh = missing.filter((range) => this.#worthAsking(peer, range, now));
    for (const range of fresh) this.#asked.set(chainOf(range), { ...range, peer, at: now });
    return fresh;
  }

  /** Something that was asked for came: the peer is answering, so its other ranges get more time too. */
  progress(peer: PeerId, now: number): void {
    for (const asked of this.#asked.values()) if (asked.peer === peer) asked.at = now;
  }

  /** The peer said its answer is complete. */
  answered(peer: PeerId, now: number): void {
    for (const [chain, asked] of this.#asked)
      if (asked.peer === peer) {
        this.#asked.delete(chain);
        this.#answered.set(`${peer}/${chain}`, { ...asked, at: now });
      }
  }

  /** The peer left. Returns whether it still owed something. */
  gone(peer: PeerId): boolean {
    let owed = false;
    for (const [chain, asked] of this.#asked) if (asked.peer === peer) owed = this.#asked.delete(chain);
    for (const key of this.#answered.keys()) if (key.startsWith(`${peer}/`)) this.#answered.delete(key);
    return owed;
  }

  /** Whether some range has waited longer than a peer is given. */
  overdue(now: number): boolean {
    for (const asked of this.#asked.values()) if (stale(asked, now)) return true;
    return false;
  }

  get idle(): boolean {
    return this.#asked.size === 0;
  }

  #worthAsking(peer: PeerId, range: WantedRange, now: number): boolean {
    const before = this.#answered.get(`${peer}/${chainOf(range)}`);
    if (before !== undefined && sameStretch(before, range) && now - before.at < FUTILE_AGAIN_MS) return false;
    const asked = this.#asked.get(chainOf(range));
    return asked === undefined || stale(asked, now) || (asked.peer === peer && asked.toSeq < range.toSeq);
  }
}

const chainOf = ({ session, channel }: WantedRange): string => `${session}/${channel}`;
const stale = (asked: Asked, now: number): boolean => now - asked.at >= WANT_PATIENCE_MS;
const sameStretch = (a: Asked, b: WantedRange): boolean => a.fromSeq === b.fromSeq && a.toSeq === b.toSeq;
