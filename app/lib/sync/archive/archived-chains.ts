/**
 * How far the archive has each chain, as far as this tab knows for sure: what it took from here, and what it gave that is
 * entry for entry what is here, under a signature that holds. A claim that is not in the log counts for nothing, and neither does what
 * no reader would take, or junk under somebody's name would keep their words from being sent (ARCH-15).
 */
import { chainKey, type FrontierRow } from '../../log/frontier.ts';
import type { ChainEnd, SegmentAddress } from '../../log/log-store.ts';

export class ArchivedChains {
  readonly #ends = new Map<string, ChainEnd>();

  constructor(ends: readonly ChainEnd[] = []) {
    for (const end of ends) this.#ends.set(chainKey(end), end);
  }

  /** The last seq up to which a chain is there without a gap; 0 where nothing is. */
  endOf(chain: Pick<ChainEnd, 'session' | 'channel'>): number {
    return this.#ends.get(chainKey(chain))?.last ?? 0;
  }

  /** Whether all of those heads are there. */
  hasAll(rows: readonly FrontierRow[]): boolean {
    return rows.every((row) => row.seq <= this.endOf(row));
  }

  /** The archive has these entries. What begins behind a gap is not counted. */
  add({ session, channel, first, last }: SegmentAddress): void {
    const end = this.endOf({ session, channel });
    if (first <= end + 1 && last > end)
      this.#ends.set(chainKey({ session, channel }), { session, channel, last });
  }

  get ends(): readonly ChainEnd[] {
    return [...this.#ends.values()];
  }
}
