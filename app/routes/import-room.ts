/**
 * Bringing a room file onto this device (docs/spec-room-file.md): the file is whole and the link is its room's, or
 * nothing happens; then what it holds goes through the accept order into the room's store, beside what is there.
 * Loaded when someone opens such a file.
 */
import { systemClock } from '../lib/core/clock.ts';
import { err, ok, type Result } from '../lib/core/result.ts';
import { formatLink, parseLink, type LinkProblem } from '../lib/crypto/links.ts';
import { deriveRoomKeys, type RoomKeys } from '../lib/crypto/room-keys.ts';
import type { LogStore, StoredSegment } from '../lib/log/log-store.ts';
import type { Accepted } from '../lib/log/receipt.ts';
import { roomFileSegments, type CheckedRoomFile } from '../lib/log/room-file.ts';
import { isRosterRecord, rosterOfFile, type FileRosterProblem } from '../lib/log/room-file-roster.ts';
import { HELD_OF_A_FILE, takeAll, type NamedSegment, type Taken } from '../lib/log/room-file-take.ts';
import { RoomLog } from '../lib/log/room-log.ts';
import { hasMore, unionOf } from '../lib/log/roster-union.ts';
import { believe, bytesOf, upTo, type Roster } from '../lib/log/roster.ts';
import { openDeviceStore } from '../lib/storage/device.ts';
import { storageProblem, type StorageProblem } from '../lib/storage/storage-problem.ts';
import { openIndexedDbStore } from '../lib/storage/stores/indexeddb.ts';
import { toStored } from '../lib/sync/fold-session.ts';
import { rememberBranches, startsIn } from '../lib/sync/forks.ts';
import { moveOn, storedFrontier } from '../lib/sync/move-on.ts';
import { recentRoomOf } from '../lib/workspace/recent-room.ts';
import { keysIn, rosterIn, type KnownRoster } from '../lib/workspace/way-in.ts';

export type ImportProblem =
  | { readonly kind: 'link'; readonly problem: LinkProblem }
  /** A whole link, of another room than the file. */
  | { readonly kind: 'other-room' }
  /** The right room, and a key that its owner's statement does not name. */
  | { readonly kind: 'wrong-key' }
  | FileRosterProblem
  /** `kept`: what was stored before it failed stays where the room was there before. */
  | { readonly kind: 'storage'; readonly problem: StorageProblem; readonly kept: 'nothing' | 'a-part' };

export interface ImportedRoom {
  /** Path and fragment, to go to. */
  readonly link: string;
  /** Segments that did not get in. */
  readonly leftOut: number;
  /** Why, each code once. */
  readonly codes: readonly string[];
}

export interface ImportOptions {
  /** 0 to 1. */
  readonly onProgress?: (done: number) => void;
}

/** Read from the store, and written to it, at once. */
const BATCH_BYTES = 4 * 1024 * 1024;

/** `checked` is what checkRoomFile gave; `linkText` whatever somebody typed. Rejects where the file can't be read any more. */
export async function importRoom(
  checked: CheckedRoomFile,
  linkText: string,
  { onProgress }: ImportOptions = {},
): Promise<Result<ImportedRoom, ImportProblem>> {
  const { genesis } = checked;
  const { roomId } = genesis;
  const link = parseLink(linkText.trim());
  if (!link.ok) return err({ kind: 'link', problem: link.error });
  const { seedKind, seed, epoch } = link.value;
  if (link.value.roomId !== roomId) return err({ kind: 'other-room' });
  const own = await deriveRoomKeys(seedKind, seed, epoch, roomId);
  const filed = await rosterOfFile(checked.file, genesis, own);
  if (!filed.ok && filed.error.kind !== 'older-keys') return err(problemOf(filed.error));

  const opened = await openIndexedDbStore(roomId);
  if (!opened.ok) return err({ kind: 'storage', problem: opened.error, kept: 'nothing' });
  const store = opened.value;
  let known = true;
  try {
    known = await holdsRoom(store);
    const here = await rosterIn(await store.loadFacts(), roomId);
    const roster = await goingOn(here, filed.ok ? filed.value : { genesis, statements: [], owners: [] });
    const keys = await keysOf(own, roster, filed);
    if (!keys.ok) {
      if (!known) await removed(store);
      return keys;
    }
    const taken = await takeInto(store, keys.value, { roster, here }, checked, onProgress);
    await remember(own, 'name' in checked.file ? String(checked.file.name) : '');
    return ok({ link: formatLink(link.value), ...leftOut(taken) });
  } catch (error) {
    if (isUnreadable(error)) throw error;
    const gone = !known && (await removed(store));
    return err({ kind: 'storage', problem: storageProblem(error), kept: gone ? 'nothing' : 'a-part' });
  } finally {
    store.close();
  }
}

/** A record that does not open is taken for the work of another key: the file is whole. */
const problemOf = (problem: FileRosterProblem): ImportProblem =>
  problem.kind === 'bad-roster' && problem.why === 'not-ours' ? { kind: 'wrong-key' } : problem;

/** What is here, and beyond it what the file has: another branch is never followed (ROST-21). */
async function goingOn({ genesis, ...known }: KnownRoster, filed: Roster): Promise<Roster> {
  if (genesis === undefined) return filed;
  const here = { genesis, ...known };
  const union = unionOf(bytesOf(here), bytesOf(filed));
  if (union === undefined || !hasMore(union, bytesOf(here))) return here;
  const { fault, ...roster } = await believe(genesis, union);
  return fault === undefined ? roster : here;
}

/** Only a device that has the newer statements reads an older file by a newer link. */
async function keysOf(
  own: RoomKeys,
  roster: Roster,
  filed: Result<unknown, FileRosterProblem>,
): Promise<Result<RoomKeys, ImportProblem>> {
  if (roster.statements.length >= own.epoch) return keysIn(upTo(own.epoch, roster), own);
  return filed.ok ? err({ kind: 'bad-roster', why: 'another-branch', offset: 0 }) : filed;
}

const removed = (store: LogStore): Promise<boolean> =>
  store.destroy().then(
    () => true,
    () => false,
  );

const holdsRoom = async (store: LogStore): Promise<boolean> =>
  (await store.loadFacts()).genesis !== undefined || (await store.chainEnds()).length > 0;

/** Adds what the file has and the store has not. */
async function takeInto(
  store: LogStore,
  keys: RoomKeys,
  { roster, here }: { readonly roster: Roster; readonly here: KnownRoster },
  { file, segments }: CheckedRoomFile,
  onProgress: ((done: number) => void) | undefined,
): Promise<Taken<number>> {
  const { roomId } = keys;
  const epochHere = here.statements.length;
  const { genesis, owners } = bytesOf(roster);
  if (roster.statements.length === epochHere)
    await store.changeFacts((facts) => ({ ...facts, genesis, ...(owners.length > 0 && { owners }) }));
  // What this device wrote in the epoch it knew comes along (ROST-12).
  else await moveOn(store, roster, await storedFrontier(store, keys.past?.[epochHere] ?? keys));
  let waiting: StoredSegment[] = [];
  let size = 0;
  const write = async (): Promise<void> => {
    await store.append(waiting);
    waiting = [];
    size = 0;
  };
  for (;;) {
    const facts = await store.loadFacts();
    const known = { branches: startsIn(facts.branches), outside: startsIn(facts.outside) };
    const log = new RoomLog({ roomId, keys, ...upTo(keys.epoch, roster), ...known, held: HELD_OF_A_FILE });
    await takeAll(log, () => storedSegments(store), nothing);
    const taken = await takeAll(
      log,
      () => filedSegments(file, (index) => onProgress?.(index / segments)),
      async (accepted: Accepted) => {
        waiting.push(toStored(accepted));
        size += accepted.sealed.length;
        if (size >= BATCH_BYTES) await write();
      },
    );
    await write();
    const { foundBranches, foundOutside } = log;
    if (foundBranches.length + foundOutside.length === 0) return taken;
    // Both stories are part of the room, in a log that is made with them (FORK-4); or the other alone (ROST-10).
    await store.dropSnapshot();
    if (!(await rememberBranches(store, foundBranches, foundOutside))) return taken;
  }
}

const nothing = (): void => undefined;

async function* storedSegments(store: LogStore): AsyncGenerator<NamedSegment<string>, void> {
  for await (const batch of store.readAll(BATCH_BYTES))
    for (const { session, channel, first, last, sealed } of batch)
      yield { name: `${session}/${channel}/${first}-${last}`, sealed };
}

async function* filedSegments(
  file: Blob,
  onRead: (index: number) => void,
): AsyncGenerator<NamedSegment<number>, void> {
  for await (const segment of roomFileSegments(file)) {
    if (isRosterRecord(segment)) continue;
    const { index, sealed } = segment;
    yield { name: index, sealed };
    onRead(index);
  }
}

function leftOut({
  refused,
  unknownFormat,
  unplaced,
}: Taken<number>): Pick<ImportedRoom, 'leftOut' | 'codes'> {
  const names = new Set([...refused.map(({ name }) => name), ...unknownFormat, ...unplaced]);
  const codes = [
    ...refused.map(({ refusal }) => refusal.code),
    ...unknownFormat.map(() => 'unknown-format'),
    ...unplaced.map(() => 'missing-before'),
  ];
  return { leftOut: names.size, codes: [...new Set(codes)] };
}

/** The room's own page gives it its own name; until then it has the file's. */
async function remember(keys: RoomKeys, fileName: string): Promise<void> {
  const device = await openDeviceStore();
  try {
    const known = (await device.listRecentRooms()).find(({ roomId }) => roomId === keys.roomId);
    // A link of an earlier epoch must not take the place of one that opens all of the room.
    if (known !== undefined && known.link.epoch > keys.epoch) return;
    const name = known?.name ?? fileName.replace(/\.codeface$/i, '');
    await device.rememberRoom(recentRoomOf(keys, name, systemClock.now()));
  } finally {
    device.close();
  }
}

/** The file went while it was read: nothing that storage did. */
const isUnreadable = (error: unknown): boolean =>
  error instanceof Error && ['NotReadableError', 'NotFoundError'].includes(error.name);
