/** How much work a segment is, told from what it claims: before anything of it is checked, and without reading its text. */
import type { Bytes } from '../core/bytes.ts';
import { ByteReader, Malformed } from '../core/byte-reader.ts';
import { decodeSegment } from './segment.ts';

export interface SegmentWeight {
  /** Of the segment as it was sealed, inflated. */
  readonly bytes: number;
  readonly entries: number;
  /** What Yjs will have to place. */
  readonly structs: number;
}

export const NO_WEIGHT: SegmentWeight = { bytes: 0, entries: 0, structs: 0 };

/** A body that does not decode is soon refused: it weighs its bytes. */
export function weighSegment(body: Bytes): SegmentWeight {
  const segment = decodeSegment(body);
  if (!segment.ok) return { ...NO_WEIGHT, bytes: body.length };
  const { entries, channel } = segment.value;
  const structs =
    channel === 'project' ? entries.reduce((sum, { payload }) => sum + countStructs(payload), 0) : 0;
  return { bytes: body.length, entries: entries.length, structs };
}

/** The structs of the one client that an update may be of; 0 where the check will find that it is none. */
function countStructs(update: Bytes): number {
  try {
    const reader = new ByteReader(update);
    return reader.varUint() === 1 ? reader.varUint() : 0;
  } catch (problem) {
    if (problem instanceof Malformed) return 0;
    throw problem;
  }
}
