/**
 * Taking many segments that are all there is (a room file, a store) through the accept order, and saying of each what
 * became of it. What waits for something that stands further on is held; what there was no room for is read again, as
 * long as that brings anything.
 */
import type { Bytes } from '../core/bytes.ts';
import { MIB, type Refusal } from './format.ts';
import type { HeldQuota } from './held-segments.ts';
import type { Accepted } from './receipt.ts';
import type { RoomLog } from './room-log.ts';

/**
 * For a log that takes what somebody chose to open: authors who wrote in turns, chain by chain in a file, make nearly all
 * of it wait. Reading it once is worth the memory; what is more is read again.
 */
export const HELD_OF_A_FILE: HeldQuota = { perSession: 128 * MIB, perIssuer: 128 * MIB };

/** A sealed segment under a name that stays the same when it is read again. */
export interface NamedSegment<Name> {
  readonly name: Name;
  readonly sealed: Bytes;
}

export interface Taken<Name> {
  /** `name`: of the segment that was refused, or that let go on what was. */
  readonly refused: readonly { readonly name: Name; readonly refusal: Refusal }[];
  /** Sealed by a newer app. */
  readonly unknownFormat: readonly Name[];
  /** What they follow is not there. */
  readonly unplaced: readonly Name[];
}

/** `read` is called once or more; `onAccepted` is told everything that became part of the log, in its order. */
export async function takeAll<Name>(
  log: RoomLog,
  read: () => AsyncIterable<NamedSegment<Name>>,
  onAccepted: (accepted: Accepted) => void | Promise<void>,
): Promise<Taken<Name>> {
  const refused: { name: Name; refusal: Refusal }[] = [];
  const unknownFormat: Name[] = [];
  const done = new Set<Name>();
  for (;;) {
    const names = new WeakMap<Bytes, Name>();
    const waiting: Name[] = [];
    let moved = false;
    for await (const { name, sealed } of read()) {
      if (done.has(name)) continue;
      names.set(sealed, name);
      const receipt = await log.receive(sealed);
      for (const accepted of receipt.accepted) {
        moved = true;
        await onAccepted(accepted);
        const whole = accepted.last === accepted.segLast ? names.get(accepted.sealed) : undefined;
        if (whole !== undefined) done.add(whole);
      }
      if (receipt.refused) refused.push({ name, refusal: receipt.refused });
      if (receipt.unknownFormat) unknownFormat.push(name);
      const settled = receipt.refused ?? receipt.unknownFormat ?? receipt.duplicate;
      if (settled !== undefined) done.add(name);
      else waiting.push(name);
    }
    const unplaced = waiting.filter((name) => !done.has(name));
    if (unplaced.length === 0 || !moved) return { refused, unknownFormat, unplaced };
  }
}
