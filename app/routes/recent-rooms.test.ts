import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { afterEach, expect, it, vi } from 'vitest';
import type { RoomId } from '../lib/core/ids.ts';
import { deleteDatabase } from '../lib/storage/delete-database.ts';
import { openDeviceStore } from '../lib/storage/device.ts';
import { openIndexedDbStore, roomDatabaseName } from '../lib/storage/stores/indexeddb.ts';
import { forgetRoom, listRooms } from './recent-rooms.ts';

const roomId = 'a'.repeat(52) as RoomId;
const logs = async () =>
  (await indexedDB.databases()).filter(({ name }) => name === roomDatabaseName(roomId));

async function remember(name = 'Tides'): Promise<void> {
  const device = await openDeviceStore();
  const link = { kind: 'e', epoch: 0, seed: new Uint8Array(32) };
  await device.rememberRoom({ roomId, name, role: 'editor', link, lastOpenedAt: 1 });
  device.close();
}

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  await deleteDatabase('codeface-device');
  await deleteDatabase(roomDatabaseName(roomId));
});

it('gives a room without a name words to press', async () => {
  await remember(' ');
  expect((await listRooms()).rooms).toMatchObject([{ name: 'Untitled room' }]);
});

it('forgets the log and then the name, also while a tab has the room open', async () => {
  await remember();
  expect((await openIndexedDbStore(roomId)).ok).toBe(true);
  expect(await forgetRoom(roomId)).toEqual({ ok: true, value: undefined });
  expect((await listRooms()).rooms).toEqual([]);
  expect(await logs()).toEqual([]);
});

it('forgets whom this browser met in the room', async () => {
  await remember();
  const forgotten: string[] = [];
  vi.stubGlobal('localStorage', { removeItem: (key: string) => forgotten.push(key) });
  await forgetRoom(roomId);
  expect(forgotten).toEqual([`codeface.people.${roomId}`]);
});

it('keeps the name and the key of a room whose log stays', async () => {
  await remember();
  const stuck = await openDB(roomDatabaseName(roomId), 1);
  expect(await forgetRoom(roomId, 50)).toEqual({
    ok: false,
    error: { kept: 'everything', problem: { kind: 'blocked' } },
  });
  expect((await listRooms()).rooms).toHaveLength(1);
  stuck.close();
});

it('says that only the name stays when the list cannot be written', async () => {
  await remember();
  expect((await openIndexedDbStore(roomId)).ok).toBe(true);
  vi.spyOn(IDBObjectStore.prototype, 'delete').mockImplementation(() => {
    throw new DOMException('', 'UnknownError');
  });
  expect(await forgetRoom(roomId)).toEqual({
    ok: false,
    error: { kept: 'name-and-key', problem: { kind: 'failed', name: 'UnknownError' } },
  });
  expect(await logs()).toEqual([]);
});
