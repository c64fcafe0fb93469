/**
 * How far the archive has each chain, as far as this tab knows for sure: what it took from here, and what it gave that is
 * entry for entry what is here. A claim that is not in the log counts for nothing, or junk under somebody's name would keep
 * their words from being sent (ARCH-15).
 */
import type { Bytes } from '../../core/bytes.ts';
import type { RoomKeys } from '../../crypto/room-keys.ts';
import { chainHashes, chainStart } from '../../log/entry.ts';
import { chainKey, type FrontierRow } from '../../log/frontier.ts';
import type { ChainEnd, SegmentAddress } from '../../log/log-store.ts';
import { openSealed } from '../../log/seal.ts';
import { decodeSegment, lastSeq } from '../../log/segment.ts';

/** A segment the archive gave: where it says it belongs, and the chain hash at its end. */
export interface GivenSegment extends SegmentAddress {
  readonly row: FrontierRow;
}

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

/** Reads what the archive gave, without a look at signatures: whoever counts it holds `row` against the log. */
export async function readGiven(keys: RoomKeys, sealed: Bytes): Promise<GivenSegment | undefined> {
  const body = await openSealed(keys, 'segment', sealed);
  const segment = body.ok ? decodeSegment(body.value) : undefined;
  if (!segment?.ok) return undefined;
  const { session, channel, first, certificate, before, entries } = segment.value;
  const start = certificate ? chainStart(certificate, channel) : before;
  const hash = start && (await chainHashes(start, first, entries)).at(-1);
  if (hash === undefined) return undefined;
  const last = lastSeq(segment.value);
  return { session, channel, first, last, row: { session, channel, seq: last, hash } };
}
