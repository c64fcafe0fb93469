/**
 * Bringing a room file onto this device (docs/spec-room-file.md): the file is whole and the link is its room's, or
 * nothing happens; then what it holds goes through the accept order into the room's store, beside what is there.
 * Loaded when someone opens such a file.
 */
import { systemClock } from '../lib/core/clock.ts';
import { err, ok, type Result } from '../lib/core/result.ts';
import { formatLink, parseLink, type LinkProblem } from '../lib/crypto/links.ts';
import { deriveRoomKeys, type RoomKeys } from '../lib/crypto/room-keys.ts';
import { namesKeys } from '../lib/log/genesis.ts';
import type { LogStore, StoredSegment } from '../lib/log/log-store.ts';
import type { Accepted } from '../lib/log/receipt.ts';
import { roomFileSegments, type CheckedRoomFile } from '../lib/log/room-file.ts';
import { HELD_OF_A_FILE, takeAll, type NamedSegment, type Taken } from '../lib/log/room-file-take.ts';
import { RoomLog } from '../lib/log/room-log.ts';
import { openDeviceStore } from '../lib/storage/device.ts';
import { storageProblem, type StorageProblem } from '../lib/storage/storage-problem.ts';
import { openIndexedDbStore } from '../lib/storage/stores/indexeddb.ts';
import { toStored } from '../lib/sync/fold-session.ts';
import { loadGenesis } from '../lib/workspace/load-genesis.ts';
import { recentRoomOf } from '../lib/workspace/recent-room.ts';

export type ImportProblem =
  | { readonly kind: 'link'; readonly problem: LinkProblem }
  /** A whole link, of another room than the file. */
  | { readonly kind: 'other-room' }
  /** The right room, and a key that its owner's statement does not name. */
  | { readonly kind: 'wrong-key' }
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
  const keys = await deriveRoomKeys(seedKind, seed, epoch, roomId);
  if (!namesKeys(genesis, keys)) return err({ kind: 'wrong-key' });

  const opened = await openIndexedDbStore(roomId);
  if (!opened.ok) return err({ kind: 'storage', problem: opened.error, kept: 'nothing' });
  const store = opened.value;
  let known = true;
  try {
    known = await holdsRoom(store);
    const own = await loadGenesis(store, keys, genesis.bytes);
    if (!own.ok) return own;
    const taken = await takeInto(store, keys, { ...checked, genesis: own.value ?? genesis }, onProgress);
    await remember(keys, 'name' in checked.file ? String(checked.file.name) : '');
    return ok({ link: formatLink(link.value), ...leftOut(taken) });
  } catch (error) {
    if (isUnreadable(error)) throw error;
    const gone = !known && (await removed(store));
    return err({ kind: 'storage', problem: storageProblem(error), kept: gone ? 'nothing' : 'a-part' });
  } finally {
    store.close();
  }
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
  { file, genesis, segments }: CheckedRoomFile,
  onProgress: ((done: number) => void) | undefined,
): Promise<Taken<number>> {
  const log = new RoomLog({ roomId: genesis.roomId, keys, genesis, held: HELD_OF_A_FILE });
  // What is here comes first: of two branches of a chain the one this device shows stays (ACC-4).
  await takeAll(log, () => storedSegments(store), nothing);
  await store.saveFacts({ ...(await store.loadFacts()), genesis: genesis.bytes });
  let waiting: StoredSegment[] = [];
  let size = 0;
  const write = async (): Promise<void> => {
    await store.append(waiting);
    waiting = [];
    size = 0;
  };
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
  return taken;
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
  for await (const { index, sealed } of roomFileSegments(file)) {
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
    const name = known?.name ?? fileName.replace(/\.codeface$/i, '');
    await device.rememberRoom(recentRoomOf(keys, name, systemClock.now()));
  } finally {
    device.close();
  }
}

/** The file went while it was read: nothing that storage did. */
const isUnreadable = (error: unknown): boolean =>
  error instanceof Error && ['NotReadableError', 'NotFoundError'].includes(error.name);
