/**
 * Forks that this replica finds: remembered on the device with the segment that shows them, so that the room, opened again, has
 * both stories (FORK-4). Nothing moves in the replica that found one: its log and doc count forks from their making on.
 */
import { equalBytes, toHex } from '../core/bytes.ts';
import type { SessionId } from '../core/ids.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import {
  branchName,
  decodeBranchStarts,
  encodeBranchStarts,
  namesOf,
  type BranchStart,
} from '../log/branches.ts';
import { HEAD_BYTES, MAX_BRANCH_STARTS, maySign } from '../log/format.ts';
import type { LogStore, RoomFacts, SegmentAddress, StoredSegment } from '../log/log-store.ts';
import type { ForkProof } from '../log/receipt.ts';
import type { RoomLog } from '../log/room-log.ts';
import type { RosterStatement } from '../log/roster.ts';
import { readLone, type LoneSegment } from './lone-segment.ts';

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
    const { log, onError } = this.#options;
    const known = new Set([
      ...log.branches.map(nameOf),
      ...log.outside.map(nameOutside),
      ...this.#remembered,
    ]);
    const fresh = proofs.filter((proof) => !namesIn(proof).every((name) => known.has(name)));
    if (fresh.length === 0) return;
    for (const name of fresh.flatMap(namesIn)) this.#remembered.add(name);
    this.#busy = this.#busy
      .then(() => this.#remember(fresh))
      .catch((error: unknown) => {
        for (const name of fresh.flatMap(namesIn)) this.#remembered.delete(name);
        onError('care of the store', error);
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
    const { starts } = log;
    const here = starts.length === 0 ? new Set() : new Set((await store.addresses()).map(keyOf));
    const from = new Map(starts.map((start) => [branchName(start.hash), start.seq]));
    let moved = false;
    for (const { session, channel, seq } of starts) {
      for (const name of namesOf(starts, session)) {
        for (const stored of await store.readChain(name, channel, seq)) {
          const lone = await readLone(keys, stored.sealed);
          const home = lone && this.#homeOf(lone, from.get(name) ?? 1);
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

  /** Which chain a segment is of, by its last entry from that seq on that is part of the room: those after it may wait for something. */
  #homeOf({ session, channel, first, hashes }: LoneSegment, fromSeq: number): SessionId | undefined {
    const { log } = this.#options;
    for (let i = hashes.length - 1; i >= Math.max(0, fromSeq - first); i--) {
      const hash = hashes[i];
      const home = hash && log.chainOf({ session, channel, seq: first + i, hash });
      if (home !== undefined) return home;
    }
    return undefined;
  }

  async #remember(proofs: readonly ForkProof[]): Promise<void> {
    const { store, stopSnapshots, onFound } = this.#options;
    stopSnapshots();
    const segments: StoredSegment[] = [];
    for (const { channel, first, last, sealed, starts = [], outside = [] } of proofs) {
      const start = starts.at(-1);
      const instead = outside.at(-1);
      if (start !== undefined)
        segments.push({ session: branchName(start.hash), channel, first, last, sealed });
      // It goes on from the chain that it leaves.
      else if (instead !== undefined)
        segments.push({ session: instead.session, channel, first, last, sealed });
    }
    // First what shows it: nobody should have a branch that nobody can bring.
    await store.append(segments);
    await store.dropSnapshot();
    const starts = proofs.flatMap((proof) => proof.starts ?? []);
    const outside = proofs.flatMap((proof) => proof.outside ?? []);
    if (await rememberBranches(store, starts, outside)) onFound();
  }
}

const nameOf = ({ hash }: BranchStart): string => toHex(hash);
const nameOutside = (start: BranchStart): string => `outside ${nameOf(start)}`;
const namesIn = ({ starts = [], outside = [] }: ForkProof): string[] => [
  ...starts.map(nameOf),
  ...outside.map(nameOutside),
];

/** The beginnings that this device remembers. */
export function startsIn(bytes: RoomFacts['branches']): BranchStart[] {
  const read = bytes && decodeBranchStarts(bytes);
  return read?.ok ? read.value : [];
}

/**
 * In a new epoch a device that may not carry what it knew of a fork can't have others count it: then it does so no more, unless the
 * closed frontiers name it (ROST-12). What leads to more is found again. Gives what is remembered then.
 */
export async function countAnew(
  store: LogStore,
  { epoch, role }: Pick<RoomKeys, 'epoch' | 'role'>,
  statements: readonly Pick<RosterStatement, 'closed'>[],
): Promise<RoomFacts> {
  const facts = await store.loadFacts();
  if (epoch === 0 || role === 'editor' || facts.countedIn === epoch) return facts;
  const rows = statements.flatMap(({ closed }) => closed);
  const isNamed = (start: BranchStart): boolean =>
    rows.some(
      ({ session, hash }) =>
        session === branchName(start.hash) || equalBytes(hash.subarray(0, HEAD_BYTES), start.hash),
    );
  await store.changeFacts(({ branches, ...before }) => {
    const all = startsIn(branches);
    const named = all.filter((start) => maySign(role, start.channel) || isNamed(start));
    // One alone is no fork.
    const kept = named.filter((start) => named.some((one) => one !== start && isRival(one, start)));
    const dropped = all.filter((start) => !kept.includes(start));
    const out = union(startsIn(before.outside), dropped).slice(-MAX_BRANCH_STARTS);
    return {
      ...before,
      countedIn: epoch,
      ...(kept.length > 0 && { branches: encodeBranchStarts(kept) }),
      ...(out.length > 0 && { outside: encodeBranchStarts(out) }),
    };
  });
  return store.loadFacts();
}

/** Whether both begin after one entry, or with one key. */
const isRival = (a: BranchStart, b: BranchStart): boolean =>
  a.seq === 1 ? a.session === b.session && b.seq === 1 : equalBytes(a.before, b.before);

/** Adds to the forks that this device remembers, and to what is no part of the room beside them. Whether there was room for all. */
export async function rememberBranches(
  store: LogStore,
  starts: readonly BranchStart[],
  outside: readonly BranchStart[] = [],
): Promise<boolean> {
  let room = false;
  await store.changeFacts((facts) => {
    const all = union(startsIn(facts.branches), starts);
    const kept = all.slice(0, MAX_BRANCH_STARTS);
    room = all.length === kept.length;
    const out = union(startsIn(facts.outside), outside).slice(-MAX_BRANCH_STARTS);
    return {
      ...facts,
      ...(kept.length > 0 && { branches: encodeBranchStarts(kept) }),
      ...(out.length > 0 && { outside: encodeBranchStarts(out) }),
    };
  });
  return room;
}

const union = (before: readonly BranchStart[], more: readonly BranchStart[]): BranchStart[] => [
  ...new Map([...before, ...more].map((start) => [nameOf(start), start])).values(),
];
