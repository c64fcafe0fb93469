import { expect, it } from 'vitest';
import { fromHex, toHex, utf8 } from '../core/bytes.ts';
import { CHANNELS } from '../log/format.ts';
import { encodeFrontier } from '../log/frontier.ts';
import { openSealed } from '../log/seal.ts';
import { checkRoomFile, roomFileSegments } from '../log/room-file.ts';
import { memoryStore } from '../storage/stores/memory.ts';
import { makeRoom, openReplica } from '../../testing/replicas.ts';
import { exportRoom, savedRoomAlert } from './export-room.ts';

async function sealedIn(file: Blob): Promise<string[]> {
  const found: string[] = [];
  for await (const { sealed } of roomFileSegments(file)) found.push(toHex(sealed));
  return found.sort();
}

it('ROOM-2 holds every stored segment of every channel, byte for byte', async () => {
  const room = await makeRoom();
  const store = memoryStore();
  const { replica, project } = await openReplica(room, { store, transports: [], makesFile: true });
  project.setName('Tides');
  replica.post('talk', utf8('hello'));
  replica.post('runs', utf8('a run'));
  replica.post('carry', encodeFrontier([]));
  const progress: number[] = [];
  const file = await exportRoom(room.genesis.roomId, replica, (done) => progress.push(done));

  const stored: string[] = [];
  const channels = new Set<string>();
  for await (const batch of store.readAll(1000))
    for (const { sealed, channel } of batch) {
      stored.push(toHex(sealed));
      channels.add(channel);
    }
  expect([...channels].sort()).toEqual([...CHANNELS].sort());
  expect(await sealedIn(file)).toEqual(stored.sort());
  expect(await checkRoomFile(file)).toMatchObject({ ok: true, value: { genesis: room.genesis } });
  expect(progress.at(-1)).toBe(1);
  await replica.close();
});

it('SYNC-15 leaves out what is damaged at rest, and the file verifies', async () => {
  const room = await makeRoom();
  const store = memoryStore();
  const { replica, project } = await openReplica(room, { store, transports: [], makesFile: true });
  project.setName('Tides');
  await replica.settled();
  const readAll = store.readAll.bind(store);
  let spoilt = 0;
  store.readAll = async function* (maxBytes) {
    for await (const batch of readAll(maxBytes))
      yield batch.map((segment, i) => {
        if (i > 0) return segment;
        spoilt++;
        return { ...segment, sealed: segment.sealed.map((byte, at) => (at === 40 ? byte ^ 1 : byte)) };
      });
  };
  const file = await exportRoom(room.genesis.roomId, replica);
  expect(spoilt).toBeGreaterThan(0);
  const keys = await room.keys('e');
  for (const sealed of await sealedIn(file))
    expect((await openSealed(keys, 'segment', fromHex(sealed))).ok).toBe(true);
  await replica.close();
});

it('ROOM-2 holds what the disk has refused, too', async () => {
  const room = await makeRoom();
  const store = memoryStore();
  store.append = () => Promise.reject(new DOMException('', 'QuotaExceededError'));
  const { replica } = await openReplica(room, { store, transports: [], makesFile: true });
  await replica.settled();
  const file = await exportRoom(room.genesis.roomId, replica);
  expect((await sealedIn(file)).length).toBeGreaterThan(0);
  await replica.close();
});

it('ROOM-2 puts nothing into the file that could be read without a link', async () => {
  const room = await makeRoom();
  const { replica, project } = await openReplica(room, { transports: [], makesFile: true });
  project.createText('secret-name.txt', 'the secret itself, often enough. '.repeat(100));
  await replica.settled();
  const file = await exportRoom(room.genesis.roomId, replica);
  const text = new TextDecoder('latin1').decode(await file.arrayBuffer());
  expect(text).toContain(room.genesis.roomId);
  for (const plain of ['secret', 'file.txt', replica.self]) expect(text).not.toContain(plain);
  const { seeds } = await room.keys('e');
  for (const seed of Object.values(seeds)) expect(text).not.toContain(new TextDecoder('latin1').decode(seed));
  await replica.close();
});

it('has no file for a room that nobody brought yet, and says what the file needs', async () => {
  const room = await makeRoom();
  const { replica } = await openReplica(room, { transports: [], knowsGenesis: false });
  await expect(exportRoom(room.genesis.roomId, replica)).rejects.toThrow();
  await replica.close();
  expect(savedRoomAlert('Tides.codeface', 1_200_000)).toMatchObject({
    title: 'Tides.codeface holds the room (1.2 MB)',
    detail: expect.stringContaining('Keep the link') as string,
  });
});
