/**
 * Forks that this replica finds: remembered on the device with the segment that shows them, so that the room, opened again, has
 * both stories (FORK-4). Nothing moves in the replica that found one: its log and doc count forks from their making on.
 */
import { toHex } from '../core/bytes.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import {
  branchName,
  decodeBranchStarts,
  encodeBranchStarts,
  namesOf,
  type BranchStart,
} from '../log/branches.ts';
import { MAX_BRANCH_STARTS } from '../log/format.ts';
import type { LogStore, RoomFacts, SegmentAddress, StoredSegment } from '../log/log-store.ts';
import type { ForkProof } from '../log/receipt.ts';
import type { RoomLog } from '../log/room-log.ts';
import { readLone } from './lone-segment.ts';

export interface ForksOptions {
  readonly keys: RoomKeys;
  readonly log: RoomLog;
  readonly store: LogStore;
  /** Snapshots of a log that counts no such fork would say something else than the next one. */
  readonly stopSnapshots: () => void;
  /** The room has to be opened again to have what was found. */
  readonly onFound: () => void;
  readonly onError: (what: string, error: unknown) => void;
}

export class Forks {
  readonly #options: ForksOptions;
  #busy: Promise<unknown> = Promise.resolve();
  /** By the hashes of the beginnings that are remembered since: they may be shown again and again until the room is opened again. */
  readonly #remembered = new Set<string>();

  constructor(options: ForksOptions) {
    this.#options = options;
  }

  /** Takes proofs as they come; those that are known, or prove nothing yet, change nothing. */
  found(proofs: readonly ForkProof[]): void {
    const known = new Set([...this.#options.log.branches.map(nameOf), ...this.#remembered]);
    const fresh = proofs.filter(({ starts = [] }) => !starts.every((start) => known.has(nameOf(start))));
    if (fresh.length === 0) return;
    for (const { starts = [] } of fresh) for (const start of starts) this.#remembered.add(nameOf(start));
    this.#busy = this.#busy
      .then(() => this.#remember(fresh))
      .catch((error: unknown) => {
        for (const { starts = [] } of fresh)
          for (const start of starts) this.#remembered.delete(nameOf(start));
        this.#options.onError('care of the store', error);
      });
  }

  /** Resolves when what was found so far rests. */
  async settled(): Promise<void> {
    await this.#busy;
  }

  /** Puts what rests under an author's name, and is a branch's, where the log looks for it. Whether there was any. */
  async refile(): Promise<boolean> {
    const { keys, log, store } = this.#options;
    const keyOf = ({ session, channel, first, last }: SegmentAddress): string =>
      `${session}/${channel}/${first}-${last}`;
    const here = log.branches.length === 0 ? new Set() : new Set((await store.addresses()).map(keyOf));
    let moved = false;
    for (const { session, channel, seq } of log.branches) {
      for (const name of namesOf(log.branches, session)) {
        for (const stored of await store.readChain(name, channel, seq)) {
          const lone = await readLone(keys, stored.sealed);
          const home = lone && log.chainOf(lone.row);
          if (home === undefined || home === name) continue;
          // What comes before the fork may be in it too: that stays where it is.
          const both = stored.first < log.firstSeq({ session: home, channel });
          if (both && here.has(keyOf({ ...stored, session: home }))) continue;
          moved = true;
          await store.refile(stored, home, both);
        }
      }
    }
    return moved;
  }

  async #remember(proofs: readonly ForkProof[]): Promise<void> {
    const { store, stopSnapshots, onFound } = this.#options;
    stopSnapshots();
    const segments: StoredSegment[] = [];
    for (const { channel, first, last, sealed, starts = [] } of proofs) {
      const start = starts.at(-1);
      if (start !== undefined)
        segments.push({ session: branchName(start.hash), channel, first, last, sealed });
    }
    // First what shows it: nobody should have a branch that nobody can bring.
    await store.append(segments);
    await store.dropSnapshot();
    const starts = proofs.flatMap((proof) => proof.starts ?? []);
    if (await rememberBranches(store, starts)) onFound();
  }
}

const nameOf = ({ hash }: BranchStart): string => toHex(hash);

/** The forks that this device remembers. */
export function branchesIn({ branches }: RoomFacts): BranchStart[] {
  const read = branches && decodeBranchStarts(branches);
  return read?.ok ? read.value : [];
}

/** Adds to them. Whether there was room for all. */
export async function rememberBranches(store: LogStore, starts: readonly BranchStart[]): Promise<boolean> {
  let room = false;
  await store.changeFacts((facts) => {
    const all = new Map([...branchesIn(facts), ...starts].map((start) => [nameOf(start), start]));
    const kept = [...all.values()].slice(0, MAX_BRANCH_STARTS);
    room = all.size === kept.length;
    return { ...facts, branches: encodeBranchStarts(kept) };
  });
  return room;
}
