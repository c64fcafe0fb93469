/** A sealed segment by itself, without the log: where it says it belongs, and what would prove that (LOG-8). */
import type { Bytes } from '../core/bytes.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { verifySignature } from '../crypto/signatures.ts';
import { chainHashes, chainStart, segmentMessage } from '../log/entry.ts';
import type { FrontierRow } from '../log/frontier.ts';
import type { SegmentAddress } from '../log/log-store.ts';
import { openSealed } from '../log/seal.ts';
import { decodeSegment, lastSeq } from '../log/segment.ts';

export interface LoneSegment extends SegmentAddress {
  /** The chain hash after each entry. */
  readonly hashes: readonly Bytes[];
  /** The chain hash at its end. */
  readonly row: FrontierRow;
  /** Whether its author signed that end: else nobody who has no other segment takes it. */
  readonly signed: () => Promise<boolean>;
}

/** Undefined if it doesn't open or decode. Nothing of it is believed yet. */
export async function readLone(keys: RoomKeys, sealed: Bytes): Promise<LoneSegment | undefined> {
  const body = await openSealed(keys, 'segment', sealed);
  const segment = body.ok ? decodeSegment(body.value) : undefined;
  if (!segment?.ok) return undefined;
  const { session, channel, first, certificate, before, entries, publicKey, signature } = segment.value;
  const start = certificate ? chainStart(certificate, channel) : before;
  if (start === undefined) return undefined;
  const hashes = await chainHashes(start, first, entries);
  const hash = hashes.at(-1);
  if (hash === undefined) return undefined;
  const last = lastSeq(segment.value);
  const signed = () => verifySignature(publicKey, signature, segmentMessage(channel, hash));
  const row = { session, channel, seq: last, hash };
  return { session, channel, first, last, hashes, row, signed };
}
