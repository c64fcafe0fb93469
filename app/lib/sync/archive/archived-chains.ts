/**
 * How far the archive has each chain, as far as this tab knows for sure: what it took from here, and what it gave that is
 * entry for entry what is here, under a signature that holds. A claim that is not in the log counts for nothing, and neither does what
 * no reader would take, or junk under somebody's name would keep their words from being sent (ARCH-15).
 */
import type { Bytes } from '../../core/bytes.ts';
import type { RoomKeys } from '../../crypto/room-keys.ts';
import { verifySignature } from '../../crypto/signatures.ts';
import { chainHashes, chainStart, segmentMessage } from '../../log/entry.ts';
import { chainKey, type FrontierRow } from '../../log/frontier.ts';
import type { ChainEnd, SegmentAddress } from '../../log/log-store.ts';
import { openSealed } from '../../log/seal.ts';
import { decodeSegment, lastSeq } from '../../log/segment.ts';

/** A segment the archive gave: where it says it belongs, and the chain hash at its end. */
export interface GivenSegment extends SegmentAddress {
  readonly row: FrontierRow;
  /** Whether its author signed that end: else nobody who has no other segment takes it. */
  readonly signed: () => Promise<boolean>;
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

/** Reads what the archive gave and believes nothing: whoever counts it holds `row` against the log, and asks whether it is `signed`. */
export async function readGiven(keys: RoomKeys, sealed: Bytes): Promise<GivenSegment | undefined> {
  const body = await openSealed(keys, 'segment', sealed);
  const segment = body.ok ? decodeSegment(body.value) : undefined;
  if (!segment?.ok) return undefined;
  const { session, channel, first, certificate, before, entries, publicKey, signature } = segment.value;
  const start = certificate ? chainStart(certificate, channel) : before;
  const hash = start && (await chainHashes(start, first, entries)).at(-1);
  if (hash === undefined) return undefined;
  const last = lastSeq(segment.value);
  const signed = () => verifySignature(publicKey, signature, segmentMessage(channel, hash));
  return { session, channel, first, last, row: { session, channel, seq: last, hash }, signed };
}
