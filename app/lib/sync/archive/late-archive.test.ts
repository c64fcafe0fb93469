/** The archive's code comes after the room is open, may fail to come, and is tried again. What it then does: archive.test.ts. */
import { afterEach, expect, test, vi } from 'vitest';
import { fastTime, untilLater } from '../../../testing/fast-time.ts';
import { MemoryArchive } from '../../../testing/memory-archive.ts';
import { makeRoom, openReplica, until, type TestReplica, type TestRoom } from '../../../testing/replicas.ts';
import { archiveKeys } from '../../crypto/room-keys.ts';
import { sign } from '../../crypto/signatures.ts';
import type { ArchiveDoor } from '../replica-events.ts';

const opened: TestReplica[] = [];
afterEach(async () => {
  for (const { replica } of opened.splice(0)) await replica.close();
  vi.useRealTimers();
});

/** An owner's room whose way to the archive gives what `door` gives. */
async function openRoom(room: TestRoom, door: (there: ArchiveDoor) => Promise<ArchiveDoor>) {
  const keys = await room.keys('e');
  const there: ArchiveDoor = {
    server: new MemoryArchive().open(keys.roomId, archiveKeys(keys)),
    owner: { sign: (message) => sign(room.owner.privateKey, message) },
    alone: (work) => work(),
    waits: { ownMs: 5, othersMs: 20, jitterMs: 5, confirmMs: 20 },
  };
  const way = { owned: true, open: () => door(there) };
  const one = await openReplica(room, { transports: [], archive: way, makesFile: true });
  opened.push(one);
  return { one, archive: () => one.replica.archive?.state.kind };
}

test('what was written before the archive could be talked to is archived once it can', async () => {
  const come = Promise.withResolvers<void>();
  const { one, archive } = await openRoom(await makeRoom(), (there) => come.promise.then(() => there));
  one.text.insert(0, 'written at once');
  await one.replica.settled();
  expect(archive()).toBe('connecting');
  expect(one.replica.archive?.owned).toBe(true);
  come.resolve();
  await until('all of it to be archived', () => archive() === 'current');
});

test('where its code can’t be fetched it counts as unreachable, and is there once the network is back', async () => {
  let network = false;
  const { archive, one } = await openRoom(await makeRoom(), (there) =>
    network ? Promise.resolve(there) : Promise.reject(new Error('no network')),
  );
  await until('it to be unreachable', () => archive() === 'unreachable');
  network = true;
  one.replica.archive?.refresh();
  await until('all of it to be archived', () => archive() === 'current');
});

test('a server that comes back is found without anybody asking', async () => {
  let up = false;
  fastTime();
  const { archive } = await openRoom(await makeRoom(), (there) =>
    up ? Promise.resolve(there) : Promise.reject(new Error('no answer')),
  );
  await untilLater('it to be unreachable', () => archive() === 'unreachable');
  up = true;
  await untilLater('all of it to be archived', () => archive() === 'current');
});

test('a room that is closed before its archive came does not begin to talk to it', async () => {
  const come = Promise.withResolvers<void>();
  let asked = 0;
  let closed = 0;
  const { one } = await openRoom(await makeRoom(), async (there) => {
    await come.promise;
    const status = (): ReturnType<ArchiveDoor['server']['status']> => (asked++, there.server.status());
    return { ...there, server: { ...there.server, status, close: () => (closed++, there.server.close()) } };
  });
  await one.replica.close();
  opened.length = 0;
  come.resolve();
  await until('the way to be closed', () => closed === 1);
  expect(asked).toBe(0);
});

test('ARCH-23 a device that stopped owning the room before its archive came does not register it', async () => {
  const come = Promise.withResolvers<void>();
  const { one, archive } = await openRoom(await makeRoom(), (there) => come.promise.then(() => there));
  one.replica.archive?.own(undefined);
  expect(one.replica.archive?.owned).toBe(false);
  come.resolve();
  await until('it to be unknown there', () => archive() === 'unknown-room');
  expect(one.replica.archive?.owned).toBe(false);
});
