import 'fake-indexeddb/auto';
import { deleteDB, openDB } from 'idb';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { DeviceId, RoomId } from '../core/ids.ts';
import {
  openDeviceStore,
  type DeviceStore,
  type NewDeviceKeys,
  type ReceivingKeys,
  type RecentRoom,
} from './device.ts';
import { askToKeep, storageRoom } from './quota.ts';

const opened: DeviceStore[] = [];

async function open(): Promise<DeviceStore> {
  const store = await openDeviceStore();
  opened.push(store);
  return store;
}

async function makeFormerKeys(): Promise<ReceivingKeys> {
  const { publicKey, privateKey } = await crypto.subtle.generateKey('X25519', false, ['deriveBits']);
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', publicKey));
  return { deviceId: Buffer.from(raw).toString('hex') as DeviceId, privateKey };
}

async function makeKeys(): Promise<NewDeviceKeys> {
  const { publicKey, privateKey } = await crypto.subtle.generateKey('Ed25519', false, ['sign']);
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', publicKey));
  return { ...(await makeFormerKeys()), signing: { publicKey: raw, privateKey } };
}

const room = (id: string, more: Partial<RecentRoom> = {}): RecentRoom => ({
  roomId: id as RoomId,
  name: `Room ${id}`,
  role: 'editor',
  link: { kind: 'e', epoch: 0, seed: Uint8Array.of(1) },
  lastOpenedAt: 1,
  ...more,
});

afterEach(async () => {
  vi.restoreAllMocks();
  for (const store of opened.splice(0)) store.close();
  await deleteDB('codeface-device');
});

describe.each(['device', 'memory'] as const)('a device store in %s', (kind) => {
  const openKind = async (): Promise<DeviceStore> => {
    if (kind === 'memory')
      vi.spyOn(indexedDB, 'open').mockImplementation(() => {
        throw new DOMException('denied', 'SecurityError');
      });
    return open();
  };

  it('says what it is', async () => {
    const store = await openKind();
    expect(store.kind).toBe(kind);
    expect(store.problem).toEqual(kind === 'memory' ? { kind: 'refused' } : undefined);
  });

  it('makes keys once, tries again after a failure, and remembers a name', async () => {
    const store = await openKind();
    await expect(store.loadDevice(() => Promise.reject(new Error('no X25519')))).rejects.toThrow('X25519');
    const [one, two] = await Promise.all([store.loadDevice(makeKeys), store.loadDevice(makeKeys)]);
    expect(one.deviceId).toBe(two.deviceId);
    expect(await store.loadName()).toBeUndefined();
    await store.saveName('Ada');
    expect(await store.loadName()).toBe('Ada');
  });

  it('lists rooms newest first, and forgets', async () => {
    const store = await openKind();
    await store.rememberRoom(room('a', { lastOpenedAt: 1 }));
    await store.rememberRoom(room('b', { lastOpenedAt: 3 }));
    await store.rememberRoom(room('c', { lastOpenedAt: 2 }));
    expect((await store.listRecentRooms()).map(({ roomId }) => roomId)).toEqual(['b', 'c', 'a']);
    await store.forgetRoom('c' as RoomId);
    expect((await store.listRecentRooms()).map(({ roomId }) => roomId)).toEqual(['b', 'a']);
  });

  it('keeps the owner key and the edit link when a room is opened by its view link', async () => {
    const store = await openKind();
    const { privateKey } = await makeKeys();
    const viewed = room('a', { role: 'viewer', link: { kind: 'v', epoch: 0, seed: Uint8Array.of(2) } });
    await store.rememberRoom(room('a', { ownerKey: privateKey }));
    await store.rememberRoom({ ...viewed, lastOpenedAt: 9 });
    const [kept] = await store.listRecentRooms();
    expect(kept).toMatchObject({ role: 'editor', link: { kind: 'e' }, lastOpenedAt: 9 });
    expect((await store.ownerKeyOf('a' as RoomId))?.privateKey.type).toBe('private');
    // A commenter's does not fall back to a viewer's either, and goes up to an editor's.
    const talked = room('b', { role: 'commenter', link: { kind: 'c', epoch: 0, seed: Uint8Array.of(4) } });
    await store.rememberRoom(talked);
    await store.rememberRoom(
      room('b', { role: 'viewer', link: { kind: 'v', epoch: 0, seed: Uint8Array.of(5) } }),
    );
    const ofB = async () => (await store.listRecentRooms()).find(({ roomId }) => roomId === 'b');
    expect(await ofB()).toMatchObject({ role: 'commenter', link: { kind: 'c' } });
    await store.rememberRoom(room('b', {}));
    expect(await ofB()).toMatchObject({ role: 'editor', link: { kind: 'e' } });
    // A new epoch has new seeds: the old edit link is of no use any more.
    await store.rememberRoom({ ...viewed, link: { kind: 'v', epoch: 1, seed: Uint8Array.of(3) } });
    expect((await store.listRecentRooms())[0]).toMatchObject({ role: 'viewer', link: { epoch: 1 } });
  });
});

it('gives two tabs, and a later one, the same device', async () => {
  const [one, two] = [await open(), await open()];
  const [a, b] = await Promise.all([one.loadDevice(makeKeys), two.loadDevice(makeKeys)]);
  expect(a.deviceId).toBe(b.deviceId);
  const later = await (await open()).loadDevice(makeKeys);
  expect(later.deviceId).toBe(a.deviceId);
  expect(later.privateKey.extractable).toBe(false);
});

it('gives a device of an earlier version keys that sign, and keeps what it received with', async () => {
  const before = await makeFormerKeys();
  (await open()).close();
  const db = await openDB('codeface-device');
  await db.put('keys', before, 'device');
  db.close();
  const [one, two] = [await open(), await open()];
  const [a, b] = await Promise.all([one.loadDevice(makeKeys), two.loadDevice(makeKeys)]);
  expect(a.deviceId).not.toBe(before.deviceId);
  expect(b.deviceId).toBe(a.deviceId);
  const later = await (await open()).loadDevice(makeKeys);
  expect(later).toMatchObject({ deviceId: a.deviceId, former: { deviceId: before.deviceId } });
  expect(later.former).not.toHaveProperty('signing');
  expect(later.signing.privateKey.extractable).toBe(false);
  const deriving = {
    name: 'X25519',
    public: (await crypto.subtle.generateKey('X25519', false, ['deriveBits'])).publicKey,
  };
  await expect(
    crypto.subtle.deriveBits(deriving, later.former?.privateKey as CryptoKey, 256),
  ).resolves.toBeDefined();
});

describe('quota', () => {
  it('is plain data, or nothing where the browser does not tell', async () => {
    expect(await storageRoom({ estimate: async () => ({ usage: 1, quota: 2 }) })).toEqual({
      usedBytes: 1,
      quotaBytes: 2,
    });
    expect(await storageRoom({})).toBeUndefined();
    expect(await storageRoom({ estimate: () => Promise.reject(new Error('no')) })).toBeUndefined();
  });

  it('asks once to be kept', async () => {
    expect(await askToKeep({ persisted: async () => true })).toBe('kept');
    expect(await askToKeep({ persisted: async () => false, persist: async () => true })).toBe('kept');
    expect(await askToKeep({ persisted: async () => false, persist: async () => false })).toBe(
      'until-cleared',
    );
    expect(await askToKeep({})).toBe('unknown');
  });
});
