/** An owner's tab that makes room in the archive while nobody needs it, and what others notice of that: nothing. */
import { sha256 } from '@noble/hashes/sha2.js';
import { afterEach, expect, test, vi } from 'vitest';
import { MemoryArchive, type ArchiveFault, type ArchiveRequest } from '../../../testing/memory-archive.ts';
import {
  makeRoom,
  openReplica,
  until,
  wayTo,
  type TestReplica,
  type TestRoom,
} from '../../../testing/replicas.ts';
import type { Bytes } from '../../core/bytes.ts';
import { archiveKeys, type SeedKind } from '../../crypto/room-keys.ts';
import { sign } from '../../crypto/signatures.ts';
import type { LogStore } from '../../log/log-store.ts';
import { memoryStore } from '../../storage/stores/memory.ts';
import type { ArchiveServer } from './archive-server.ts';
import { supersedingOf } from './registration.ts';
import type { RoomWaits } from './room-at-rest.ts';

const MONTH_MS = 31 * 24 * 3_600_000;
/** Whenever it looks: the first short segment more is worth it. */
const EAGER: RoomWaits = { restMs: 0, everyMs: 0, grownBytes: 1, worthBytes: 1 };

const opened: TestReplica[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.replica.close();
});

interface Visit {
  readonly kind?: SeedKind;
  readonly owner?: boolean;
  readonly makesFile?: boolean;
  readonly store?: LogStore;
  readonly room?: RoomWaits;
  readonly fault?: (request: ArchiveRequest) => ArchiveFault | undefined;
  /** What happens on the way to the server. */
  readonly way?: (server: ArchiveServer) => ArchiveServer;
}

async function visit(
  room: TestRoom,
  archive: MemoryArchive,
  { kind = 'e', owner = false, way = (server) => server, ...rest }: Visit = {},
) {
  const keys = await room.keys(kind);
  const one = await openReplica(room, {
    kind,
    knowsGenesis: owner,
    transports: [],
    ...(rest.store && { store: rest.store }),
    makesFile: rest.makesFile === true,
    archive: wayTo({
      server: way(archive.open(keys.roomId, archiveKeys(keys), rest.fault)),
      owner: owner ? { sign: (message) => sign(room.owner.privateKey, message) } : undefined,
      alone: (work) => work(),
      waits: { ownMs: 1, othersMs: 20, jitterMs: 5, confirmMs: 20 },
      room: rest.room ?? EAGER,
    }),
  });
  opened.push(one);
  return one;
}

const isCurrent = ({ replica }: TestReplica): boolean => replica.archive?.state.kind === 'current';
const archived = (one: TestReplica) =>
  until('all to be archived', () => one.saves.at(-1)?.kind !== 'unsaved' && isCurrent(one));
const gone = async (one: TestReplica): Promise<void> => {
  opened.splice(opened.indexOf(one), 1);
  await one.replica.close();
};
/** One segment in the archive for each letter. */
async function type(one: TestReplica, letters: string): Promise<void> {
  for (const letter of letters) {
    one.text.insert(one.text.length, letter);
    await one.replica.settled();
    await archived(one);
  }
}
async function statusOf(room: TestRoom, archive: MemoryArchive) {
  const keys = await room.keys('v');
  const server = archive.open(keys.roomId, archiveKeys(keys));
  const [status, waiting] = [await server.status(), await server.superseded()];
  if (!status.ok || !waiting.ok) throw new Error('no status');
  return { counts: status.value.segments, waits: waiting.value.segments, reverted: waiting.value.reverted };
}

test('ARCH-29 at rest the owner’s tab leaves one segment of many, and who reads later has every word', async () => {
  const [room, archive] = [await makeRoom(), new MemoryArchive()];
  const disk = memoryStore();
  const requests: ArchiveRequest[] = [];
  const ann = await visit(room, archive, { owner: true, makesFile: true, room: { ...EAGER, restMs: 1e9 } });
  // Ben knows some of it, and has no more.
  await type(ann, 'some ');
  const ben = await visit(room, archive, { store: disk, fault: (one) => void requests.push(one) });
  await until('what ben can read', () => ben.read() === 'some ' && isCurrent(ben));
  await gone(ben);
  const before = (await statusOf(room, archive)).counts;
  await type(ann, 'words');
  expect((await statusOf(room, archive)).waits).toBe(0);
  await gone(ann);

  const again = await visit(room, archive, { owner: true });
  await until('room to be made', () => archive.segments(room.genesis.roomId).length > before + 5);
  await vi.waitFor(async () => expect(await statusOf(room, archive)).toMatchObject({ counts: 1 }));
  archive.pass(MONTH_MS);
  expect(archive.segments(room.genesis.roomId)).toHaveLength(1);
  await archived(again);

  const back = await visit(room, archive, { store: disk, fault: (one) => void requests.push(one) });
  await until('the rest', () => back.read() === 'some words');
  await archived(back);
  const late = await visit(room, archive, { kind: 'v' });
  await until('all of it', () => late.read() === 'some words');
  expect(late.hash()).toEqual(back.hash());
  // Only an owner's tab asks for any of this, and nobody sends what went.
  expect(requests.filter((one) => one === 'live' || one === 'supersede' || one === 'append')).toEqual([]);
  expect(archive.segments(room.genesis.roomId)).toHaveLength(1);
});

test('ARCH-29 whoever types comes first: nothing is signed before it is quiet again', async () => {
  const [room, archive] = [await makeRoom(), new MemoryArchive()];
  const requests: ArchiveRequest[] = [];
  let typing = true;
  const ann = await visit(room, archive, {
    owner: true,
    makesFile: true,
    room: { ...EAGER, restMs: 30 },
    fault: (request) => {
      requests.push(request);
      if (typing && request === 'live') ann.text.insert(0, 'x');
      return undefined;
    },
  });
  await type(ann, 'a few words');
  const looks = (): number => requests.filter((one) => one === 'live').length;
  for (const count of [1, 2]) {
    await vi.waitFor(() => {
      ann.replica.archive?.refresh();
      expect(looks()).toBeGreaterThanOrEqual(count);
    });
    await archived(ann);
  }
  expect(requests).not.toContain('supersede');
  typing = false;
  await vi.waitFor(() => {
    ann.replica.archive?.refresh();
    expect(requests).toContain('supersede');
  });
});

test('ARCH-29, ARCH-8 a room that is full is not full for long', async () => {
  const [room, archive] = [await makeRoom(), new MemoryArchive(9_000)];
  const ann = await visit(room, archive, { owner: true, makesFile: true, room: { ...EAGER, restMs: 1e9 } });
  await type(ann, 'more than there is room for');
  await until('all of it', () => isCurrent(ann));
  expect((await statusOf(room, archive)).waits).toBeGreaterThan(5);
  const late = await visit(room, archive, { kind: 'v' });
  await until('the words', () => late.read() === 'more than there is room for');
});

test('ARCH-27, ARCH-29 taken back is kept, by this tab and by the next', async () => {
  const [room, archive] = [await makeRoom(), new MemoryArchive()];
  const disk = memoryStore();
  const requests: ArchiveRequest[] = [];
  const fault = (one: ArchiveRequest): undefined => void requests.push(one);
  const ann = await visit(room, archive, {
    owner: true,
    makesFile: true,
    store: disk,
    room: { ...EAGER, restMs: 1e9 },
  });
  await type(ann, 'words');
  expect(await ann.replica.archive?.takeBack()).toMatchObject({ value: { counter: 1, reverted: true } });
  await gone(ann);
  const again = await visit(room, archive, { owner: true, fault });
  await archived(again);
  await vi.waitFor(() => expect(requests).toContain('superseded'));
  again.replica.archive?.refresh();
  await type(again, '!');
  expect(await statusOf(room, archive)).toMatchObject({ waits: 0, reverted: true });
  const ben = await visit(room, archive, {});
  await archived(ben);
  expect(await ben.replica.archive?.takeBack()).toMatchObject({ error: { reason: 'bad-proof' } });
});

test('ARCH-29 after a revert room is made when an owner asks for it', async () => {
  const [room, archive] = [await makeRoom(), new MemoryArchive()];
  const slow: RoomWaits = { restMs: 1e9, everyMs: 1e9, grownBytes: 1e9, worthBytes: 1 };
  const ann = await visit(room, archive, { owner: true, makesFile: true, room: slow });
  await type(ann, 'words');
  expect(await ann.replica.archive?.takeBack()).toMatchObject({ value: { reverted: true } });
  expect(await ann.replica.archive?.makeRoom()).toEqual({ ok: true, value: 'done' });
  const { counts, waits, reverted } = await statusOf(room, archive);
  expect({ counts, reverted }).toEqual({ counts: 1, reverted: false });
  expect(waits).toBeGreaterThan(4);
  const space = await ann.replica.archive?.space();
  if (!space?.ok) throw new Error('no space');
  const { bytes, quota, waiting } = space.value;
  expect(waiting).toMatchObject({ segments: waits, reverted: false });
  expect(waiting.bytes).toBeGreaterThan(bytes);
  expect(bytes).toBeLessThan(quota);
  // One that stands alone has nothing to go for.
  expect(await ann.replica.archive?.makeRoom()).toEqual({ ok: true, value: 'done' });
  expect(await statusOf(room, archive)).toEqual({ counts, waits, reverted });
  const ben = await visit(room, archive, {});
  await archived(ben);
  expect(await ben.replica.archive?.makeRoom()).toMatchObject({ error: { reason: 'bad-proof' } });
  expect(await ben.replica.archive?.space()).toMatchObject({
    value: { bytes, waiting: { segments: waits } },
  });
});

test('ARCH-24, ARCH-27 what another owner had go in between is taken back, too', async () => {
  const [room, archive] = [await makeRoom(), new MemoryArchive()];
  const key = { sign: (message: Bytes) => sign(room.owner.privateKey, message) };
  const { roomId } = room.genesis;
  let isFirst = true;
  const ann = await visit(room, archive, {
    owner: true,
    makesFile: true,
    room: { ...EAGER, restMs: 1e9 },
    way: (server) => ({
      ...server,
      revert: async (statement) => {
        const instance = archive.instance(roomId);
        const [by, ...names] = archive.segments(roomId).map((one) => sha256(one) as Bytes);
        if (isFirst && instance && by)
          await server.supersede(await supersedingOf(key, room.genesis, 7, instance, [{ by, names }]));
        isFirst = false;
        return server.revert(statement);
      },
    }),
  });
  await type(ann, 'words');
  expect(await ann.replica.archive?.takeBack()).toMatchObject({ value: { counter: 8, segments: 0 } });
  expect(await statusOf(room, archive)).toMatchObject({ waits: 0, reverted: true });
});

test('ARCH-29 the archive is not read again for nothing', async () => {
  const [room, archive] = [await makeRoom(), new MemoryArchive()];
  const disk = memoryStore();
  const requests: ArchiveRequest[] = [];
  const fault = (one: ArchiveRequest): undefined => void requests.push(one);
  const ann = await visit(room, archive, { owner: true, makesFile: true, store: disk, fault });
  await type(ann, 'words');
  ann.replica.archive?.refresh();
  await vi.waitFor(async () => expect((await disk.loadArchiveMark())?.tidied).toBeGreaterThan(0));
  await vi.waitFor(async () => expect((await statusOf(room, archive)).waits).toBeGreaterThan(3));
  const looked = requests.filter((one) => one === 'live').length;
  for (let i = 0; i < 3; i++) {
    const asked = requests.length;
    ann.replica.archive?.refresh();
    await vi.waitFor(() => expect(requests.slice(asked)).toContain('status'));
  }
  expect(requests.filter((one) => one === 'live').length).toBeLessThanOrEqual(looked + 1);
});
