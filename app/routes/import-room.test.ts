import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { concat, randomBytes, utf8, type Bytes } from '../lib/core/bytes.ts';
import type { RoomId } from '../lib/core/ids.ts';
import { formatLink } from '../lib/crypto/links.ts';
import type { SeedKind } from '../lib/crypto/room-keys.ts';
import type { FrontierRow } from '../lib/log/frontier.ts';
import type { LogStore } from '../lib/log/log-store.ts';
import { checkRoomFile, encodeRoomFile, type CheckedRoomFile } from '../lib/log/room-file.ts';
import { Author, Forge, testRoom } from '../lib/log/test-room.ts';
import { deleteDatabase } from '../lib/storage/delete-database.ts';
import { openDeviceStore } from '../lib/storage/device.ts';
import { startsIn } from '../lib/sync/forks.ts';
import { openIndexedDbStore, roomDatabaseName } from '../lib/storage/stores/indexeddb.ts';
import { memoryStore } from '../lib/storage/stores/memory.ts';
import { exportRoom } from '../lib/workspace/export-room.ts';
import { makeRoom, openReplica, type TestReplica, type TestRoom } from '../testing/replicas.ts';
import { importRoom } from './import-room.ts';
import { importWords, leftOutWords, roomFileWords } from './import-words.ts';

let room: TestRoom;
let roomId: RoomId;
beforeEach(async () => {
  room = await makeRoom();
  roomId = room.genesis.roomId;
});
afterEach(async () => {
  vi.restoreAllMocks();
  await deleteDatabase('codeface-device');
  await deleteDatabase(roomDatabaseName(roomId));
});

async function linkOf(seedKind: SeedKind): Promise<string> {
  const { seeds } = await room.keys(seedKind);
  return `https://elsewhere.example${formatLink({ roomId, seedKind, epoch: 0, seed: seeds[seedKind] ?? seeds.v })}`;
}

/** Somebody who writes in every channel. */
async function writer(store: LogStore = memoryStore()): Promise<TestReplica> {
  const replica = await openReplica(room, { store, transports: [], makesFile: true });
  replica.text.insert(0, 'the tide comes in');
  replica.replica.post('talk', utf8('hello'));
  replica.replica.post('runs', utf8('a run'));
  await replica.replica.settled();
  return replica;
}

const exported = async ({ replica }: TestReplica): Promise<CheckedRoomFile> =>
  checkedOf(await exportRoom(roomId, replica));

async function checkedOf(file: Blob): Promise<CheckedRoomFile> {
  const checked = await checkRoomFile(file);
  if (!checked.ok) throw new Error(checked.error.kind);
  return checked.value;
}

async function fileOf(genesis: Bytes, segments: readonly Bytes[]): Promise<CheckedRoomFile> {
  const parts: Bytes[] = [];
  const batches = async function* (): AsyncGenerator<readonly Bytes[]> {
    yield segments;
  };
  for await (const part of encodeRoomFile({ roomId, genesis }, batches())) parts.push(part);
  return checkedOf(new Blob([concat(...parts)]));
}

async function storeHere(): Promise<LogStore> {
  const opened = await openIndexedDbStore(roomId);
  if (!opened.ok) throw new Error(opened.error.kind);
  return opened.value;
}

async function openHere(): Promise<TestReplica> {
  return openReplica(room, { store: await storeHere(), transports: [] });
}

const roomsHere = async (): Promise<unknown[]> =>
  (await indexedDB.databases()).filter(({ name }) => name === roomDatabaseName(roomId));

const inOrder = (rows: readonly FrontierRow[]) =>
  [...rows].sort((a, b) => (a.session + a.channel < b.session + b.channel ? -1 : 1));

describe('ROOM-7 importing', () => {
  it('brings the same text, the same frontier and the same messages, and remembers the room', async () => {
    const there = await writer();
    const link = await linkOf('e');
    const progress: number[] = [];
    const imported = await importRoom(await exported(there), ` ${link} `, {
      onProgress: (done) => progress.push(done),
    });
    expect(imported).toEqual({
      ok: true,
      value: { link: link.replace('https://elsewhere.example', ''), leftOut: 0, codes: [] },
    });
    expect(progress.length).toBeGreaterThan(0);

    const facts = await storeHere();
    expect(await facts.loadFacts()).toMatchObject({ genesis: room.genesis.bytes });
    facts.close();
    const here = await openHere();
    expect(here.read()).toBe('the tide comes in');
    expect(here.hash()).toEqual(there.hash());
    expect(inOrder(here.replica.frontier)).toEqual(inOrder(there.replica.frontier));
    expect(here.messages.map(({ channel }) => channel).sort()).toEqual(['runs', 'talk']);
    const device = await openDeviceStore();
    expect(await device.listRecentRooms()).toMatchObject([
      { roomId, role: 'editor', link: { kind: 'e', epoch: 0 } },
    ]);
    device.close();
    await Promise.all([here.replica.close(), there.replica.close()]);
  });

  it('again changes nothing, and a view link views', async () => {
    const there = await writer();
    const file = await exported(there);
    await there.replica.close();
    await importRoom(file, await linkOf('e'));
    const before = await segmentsHere();
    expect(await importRoom(file, await linkOf('v'))).toMatchObject({ ok: true, value: { leftOut: 0 } });
    expect(await segmentsHere()).toEqual(before);
  });

  it('into a room that is here merges: each has what either had', async () => {
    const there = await writer();
    const early = await exported(there);
    there.text.insert(0, 'There: ');
    await there.replica.settled();
    const late = await exported(there);
    await importRoom(early, await linkOf('e'));
    const here = await openHere();
    here.text.insert(here.text.length, ', here too');
    await here.replica.settled();
    await here.replica.close();

    expect(await importRoom(late, await linkOf('e'))).toMatchObject({ ok: true, value: { leftOut: 0 } });
    const merged = await openHere();
    expect(merged.read()).toBe('There: the tide comes in, here too');
    await Promise.all([merged.replica.close(), there.replica.close()]);
  });

  it('FORK-4: of a chain whose author signed two stories takes both', async () => {
    const { forked, genesis, keys, log } = await forkedRoom();
    await importRoom(await fileOf(genesis, log.mine), keys);
    const imported = await importRoom(await fileOf(genesis, log.theirs), keys);
    expect(imported).toMatchObject({ ok: true, value: { leftOut: 0, codes: [] } });
    const opened = await openIndexedDbStore(roomId);
    if (!opened.ok) throw new Error(opened.error.kind);
    expect(startsIn((await opened.value.loadFacts()).branches)).toHaveLength(2);
    opened.value.close();
    const here = await openReplica(
      { ...forked, keys: async () => forked.keys },
      { store: await storeHere(), transports: [] },
    );
    const said = here.messages.flatMap(({ entries }) =>
      entries.map(({ payload }) => String.fromCharCode(...payload)),
    );
    expect(said.sort()).toEqual(['mine', 'theirs']);
  });

  it('keeps what is whole of a history that is not, and says what is not', async () => {
    const forged = await testRoom();
    roomId = forged.genesis.roomId;
    const author = new Author(forged, await forged.newSession());
    await author.edit((text) => text.insert(0, 'one'));
    await author.edit((text) => text.insert(0, 'two'));
    const orphan = new Forge(forged, await forged.newSession(), 'talk').add(utf8('1')).add(utf8('2'));
    const file = await fileOf(forged.genesis.bytes, [
      ...author.sealed,
      randomBytes(300),
      await orphan.segment(2, 2),
    ]);
    const link = formatLink({
      roomId,
      seedKind: 'e',
      epoch: 0,
      seed: forged.keys.seeds.e ?? forged.keys.seeds.v,
    });
    const imported = await importRoom(file, link);
    expect(imported).toMatchObject({ ok: true, value: { leftOut: 2 } });
    expect(await segmentsHere()).toHaveLength(2);
  });

  it.each([
    [
      'another room’s link',
      'other-room',
      async () => (await linkOf('e')).replace(roomId, `${'a'.repeat(51)}q`),
    ],
    [
      'another key',
      'wrong-key',
      async () => formatLink({ roomId, seedKind: 'e', epoch: 0, seed: randomBytes(32) }),
    ],
    ['the right key as another kind', 'wrong-key', async () => (await linkOf('e')).replace('#e', '#v')],
    ['no key', 'link', async () => (await linkOf('e')).replace(/#.*/, '')],
    ['a cut key', 'link', async () => (await linkOf('e')).slice(0, -1)],
    ['some words', 'link', async () => 'the link'],
  ])('with %s does nothing', async (_, kind, wrong) => {
    const there = await writer();
    expect(await importRoom(await exported(there), await wrong())).toMatchObject({
      ok: false,
      error: { kind },
    });
    await there.replica.close();
    expect(await roomsHere()).toEqual([]);
    const device = await openDeviceStore();
    expect(await device.listRecentRooms()).toEqual([]);
    device.close();
  });

  it('on a full disk leaves no half of a new room, and all of an old one', async () => {
    const there = await writer();
    const file = await exported(there);
    there.text.insert(0, 'more ');
    await there.replica.settled();
    const late = await exported(there);
    await there.replica.close();
    const link = await linkOf('e');
    failAppends();
    expect(await importRoom(file, link)).toEqual({
      ok: false,
      error: { kind: 'storage', problem: { kind: 'quota' }, kept: 'nothing' },
    });
    expect(await roomsHere()).toEqual([]);
    vi.restoreAllMocks();

    await importRoom(file, link);
    const before = await segmentsHere();
    failAppends();
    expect(await importRoom(late, link)).toMatchObject({
      ok: false,
      error: { kind: 'storage', kept: 'a-part' },
    });
    expect(await segmentsHere()).toEqual(before);
  });

  it('does not say that nothing stayed where what had begun could not be removed', async () => {
    const there = await writer();
    const file = await exported(there);
    await there.replica.close();
    const link = await linkOf('e');
    failAppends();
    vi.spyOn(IDBFactory.prototype, 'deleteDatabase').mockImplementation(() => {
      throw new DOMException('', 'InvalidStateError');
    });
    expect(await importRoom(file, link)).toMatchObject({ error: { kind: 'storage', kept: 'a-part' } });
    vi.restoreAllMocks();
  });
});

async function segmentsHere(): Promise<unknown[]> {
  const store = await storeHere();
  const found: unknown[] = [];
  for await (const batch of store.readAll(1e6)) found.push(...batch);
  store.close();
  return found;
}

/** From here on the disk is full when segments come. */
function failAppends(): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with the store it belongs to
  const real = IDBObjectStore.prototype.put;
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, ...args) {
    if (this.name === 'segments') throw new DOMException('', 'QuotaExceededError');
    return real.apply(this, args);
  });
}

/** A session that signed two entries with one seq: what one saw, what the other saw. */
async function forkedRoom() {
  const forked = await testRoom();
  roomId = forked.genesis.roomId;
  const session = await forked.newSession();
  const branch = (word: string) => new Forge(forked, session, 'talk').add(utf8(word)).cut([1]);
  return {
    forked,
    genesis: forked.genesis.bytes,
    keys: formatLink({ roomId, seedKind: 'e', epoch: 0, seed: forked.keys.seeds.e ?? forked.keys.seeds.v }),
    log: { mine: await branch('mine'), theirs: await branch('theirs') },
  };
}

it('has one clear sentence for everything that can be wrong, and says what is untouched', () => {
  const words = [
    ...(
      [
        { kind: 'not-a-room-file' },
        { kind: 'other-version', version: 7 },
        { kind: 'too-large', limitBytes: 2 ** 31 },
        { kind: 'truncated' },
        { kind: 'damaged', detail: '', offset: 0 },
        { kind: 'unreadable' },
      ] as const
    ).map(roomFileWords),
    ...(['wrong-room-id', 'missing-key', 'wrong-key'] as const).map((kind) =>
      importWords({ kind: 'link', problem: { kind } }),
    ),
    importWords({ kind: 'link', problem: { kind: 'unknown-kind', letter: 'x' } }),
    importWords({ kind: 'other-room' }),
    importWords({ kind: 'wrong-key' }),
    importWords({ kind: 'newer-keys', file: 2, link: 1 }),
    importWords({ kind: 'older-keys', file: 1, link: 2 }),
    importWords({ kind: 'bad-roster', why: 'bad-signature', offset: 270 }),
  ];
  for (const { detail } of words) expect(detail).toContain('Nothing on this device was changed.');
  const titles = new Set(words.map(({ title }) => title));
  // Four ways of a link that is not whole share a title.
  expect(titles.size).toBe(words.length - 3);
  for (const kind of ['refused', 'quota', 'blocked', 'newer-version', 'no-answer'] as const)
    expect(importWords({ kind: 'storage', problem: { kind }, kept: 'nothing' }).detail).toContain(
      'Nothing of the file',
    );
  expect(leftOutWords({ leftOut: 2, codes: ['not-ours', 'fork'] }).detail).toContain('not-ours, fork');
});
