/** What a case of the transport contract is, and the words that cases are written in. */
import { equalBytes, type Bytes } from '../lib/core/bytes.ts';
import type { RecordedEnd } from './transport-end.ts';

/** One room on one transport, and what a test may do to it. */
export interface TransportFixture {
  /** Another end of the room. */
  join(): RecordedEnd;
  /** An end of the room whose bytes the test writes itself, linked to the victim. */
  hostile(victim: RecordedEnd): Promise<{ send(bytes: Bytes): void }>;
  /** Cuts the path between the ends as a network does, for transports that can come back from it. */
  breakPath?(): Promise<void>;
  mendPath?(): Promise<void>;
  /** Ends all ends and what is behind them. */
  end(): Promise<void>;
}

export interface TransportCase {
  readonly name: string;
  run(fixture: TransportFixture): Promise<void>;
}

export const MIB = 1024 * 1024;

/** That many ends of the room, each linked to all others. */
export async function meet(fixture: TransportFixture, count: number): Promise<RecordedEnd[]> {
  const ends = Array.from({ length: count }, () => fixture.join());
  for (const end of ends) await end.linked(count - 1);
  return ends;
}

export async function pair(fixture: TransportFixture): Promise<[RecordedEnd, RecordedEnd]> {
  const [a, b] = await meet(fixture, 2);
  if (!a || !b) throw new Error('two ends');
  return [a, b];
}

/** Bytes that differ at every place and for every seed, so that a lost or swapped chunk shows. */
export function pattern(size: number, seed: number): Bytes {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >> 8) * 17 + (i >> 16) * 7 + seed) & 0xff;
  return bytes;
}

/** Throws `what` unless it holds. */
export function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

export function sameBytes(actual: Bytes | undefined, expected: Bytes): void {
  check(actual !== undefined, 'no frame');
  if (actual && !equalBytes(actual, expected))
    throw new Error(`a frame of ${actual.length} bytes is not the ${expected.length} that were sent`);
}

export function throwsRangeError(run: () => void): void {
  try {
    run();
  } catch (cause) {
    return check(cause instanceof RangeError, `threw ${String(cause)}`);
  }
  throw new Error('accepted a frame above the limit');
}
