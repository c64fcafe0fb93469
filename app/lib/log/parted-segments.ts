/**
 * Segments of another story than the one that is here, which begin behind the place where the two part: which of them follows
 * which, so that those before are asked for, however often somebody tells other stories in between (FORK-4).
 */
import { toHex, type Bytes } from '../core/bytes.ts';
import type { Arrival } from './chain.ts';
import type { Head } from './entry.ts';
import { HEAD_BYTES } from './format.ts';

/** Far more than are asked for at once. */
const MAX_PARTED = 4096;

export class PartedSegments {
  /** By the hash of their last entry, what they follow. */
  readonly #before = new Map<string, Head>();

  add({ first, before, hashes }: Arrival): void {
    const last = hashes.at(-1);
    if (last === undefined) return;
    this.#before.set(nameOf(last), { seq: first - 1, hash: before });
    const [oldest] = this.#before.keys();
    if (this.#before.size > MAX_PARTED && oldest !== undefined) this.#before.delete(oldest);
  }

  /** How far back the story that has this entry is known here: the seq of the first entry that is missing. */
  leadsTo(head: Head): number {
    let at = head;
    for (
      let next = this.#before.get(nameOf(at.hash));
      next !== undefined;
      next = this.#before.get(nameOf(at.hash))
    )
      at = next;
    return at.seq;
  }
}

const nameOf = (hash: Bytes): string => toHex(hash.subarray(0, HEAD_BYTES));
