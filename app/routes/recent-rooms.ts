/** The rooms this device knows, as the landing page lists them. Loaded after the page shows. */
import type { Role, RoomId } from '../lib/core/ids.ts';
import { err, ok, type Result } from '../lib/core/result.ts';
import type { RoomLink } from '../lib/crypto/links.ts';
import type { SeedKind } from '../lib/crypto/room-keys.ts';
import { deleteDatabase } from '../lib/storage/delete-database.ts';
import { openDeviceStore, type RecentRoom } from '../lib/storage/device.ts';
import { storageProblem, type StorageProblem } from '../lib/storage/storage-problem.ts';
import { UNTITLED } from './room-name.ts';

export interface ListedRoom {
  readonly roomId: RoomId;
  readonly name: string;
  readonly role: Role;
  /** Path and fragment: the seed is in it, so it goes into a link and nowhere else. */
  readonly link: string;
  /** ms since 1970 */
  readonly lastOpenedAt: number;
}

export interface RoomList {
  readonly rooms: readonly ListedRoom[];
  /** False where the browser refuses storage: rooms are gone with the tab. */
  readonly kept: boolean;
}

/** Newest first; rooms that can't be read are none. Rejects only where a part of the page can't be loaded. */
export async function listRooms(): Promise<RoomList> {
  const device = await openDeviceStore();
  try {
    const rooms = await device.listRecentRooms().catch(() => undefined);
    const kept = rooms !== undefined && device.kind === 'device';
    // A first visit has no rooms, and needs none of what links are made with.
    if (rooms === undefined || rooms.length === 0) return { rooms: [], kept };
    const { formatLink } = await import('../lib/crypto/links.ts');
    return { rooms: rooms.flatMap((room) => listed(room, formatLink)), kept };
  } finally {
    device.close();
  }
}

/** What of a room stays on this device, and why. */
export interface ForgetProblem {
  readonly kept: 'everything' | 'name-and-key';
  readonly problem: StorageProblem;
}

/**
 * Removes a room from this device: everything of its log first, then whom it met there, and only then its name and keys, so that a room whose
 * text is still here stays in the list. `timeoutMs` is how long other tabs have to let go of it.
 */
export async function forgetRoom(roomId: RoomId, timeoutMs?: number): Promise<Result<void, ForgetProblem>> {
  const { roomDatabaseName } = await import('../lib/storage/stores/indexeddb.ts');
  const log = await deleteDatabase(roomDatabaseName(roomId), timeoutMs);
  if (!log.ok) return err({ kept: 'everything', problem: log.error });
  const { forgetSeen } = await import('../lib/workspace/seen-people.ts');
  forgetSeen(roomId);
  const device = await openDeviceStore();
  try {
    if (device.problem !== undefined) return err({ kept: 'name-and-key', problem: device.problem });
    await device.forgetRoom(roomId);
    return ok(undefined);
  } catch (error) {
    return err({ kept: 'name-and-key', problem: storageProblem(error) });
  } finally {
    device.close();
  }
}

/**
 * A record of a kind that this version can't make a link of is left out, not offered broken. The link says what it allows:
 * versions without commenters kept their rooms as a viewer's.
 */
function listed(
  { roomId, name, role, link, lastOpenedAt }: RecentRoom,
  formatLink: (link: RoomLink) => string,
): ListedRoom[] {
  if (!isSeedKind(link.kind)) return [];
  const seed = Uint8Array.from(link.seed);
  const href = formatLink({ roomId, seedKind: link.kind, epoch: link.epoch, seed });
  // A room that nobody has brought yet has no name here, and a row without words can't be found or forgotten.
  const allows = link.kind === 'c' ? 'commenter' : role;
  return [{ roomId, name: name.trim() || UNTITLED, role: allows, link: href, lastOpenedAt }];
}

const isSeedKind = (kind: string): kind is SeedKind => kind === 'e' || kind === 'c' || kind === 'v';
