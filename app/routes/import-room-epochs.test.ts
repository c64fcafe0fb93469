/** Room files of rooms whose owner has changed who is in them. */
import 'fake-indexeddb/auto';
import { afterEach, describe, expect, it } from 'vitest';
import { concat, randomBytes, toHex, type Bytes } from '../lib/core/bytes.ts';
import { formatLink, type RoomLink } from '../lib/crypto/links.ts';
import { deriveRoomKeys } from '../lib/crypto/room-keys.ts';
import { sign } from '../lib/crypto/signatures.ts';
import { makeGenesis } from '../lib/log/genesis.ts';
import { makeStatement } from '../lib/log/new-statement.ts';
import {
  checkRoomFile,
  encodeRoomFile,
  roomFileSegments,
  type CheckedRoomFile,
} from '../lib/log/room-file.ts';
import { encodeRoster } from '../lib/log/roster.ts';
import { kindOf, seal } from '../lib/log/seal.ts';
import { deleteDatabase } from '../lib/storage/delete-database.ts';
import { openDeviceStore } from '../lib/storage/device.ts';
import { openIndexedDbStore, roomDatabaseName } from '../lib/storage/stores/indexeddb.ts';
import { exportRoom } from '../lib/workspace/export-room.ts';
import { recentRoomOf } from '../lib/workspace/recent-room.ts';
import { EpochRoom, Person } from '../testing/epoch-room.ts';
import { until } from '../testing/replicas.ts';
import { importRoom } from './import-room.ts';

const people: Person[] = [];
const rooms: EpochRoom[] = [];
afterEach(async () => {
  for (const person of people.splice(0)) await person.close();
  for (const { link } of rooms.splice(0)) await deleteDatabase(roomDatabaseName(link.roomId));
  await deleteDatabase('codeface-device');
});

/** Ann writes, and begins as many epochs; Ben is away in each, and carries his words along. */
async function roomOf(epochs: number): Promise<{ ann: Person; links: RoomLink[]; files: CheckedRoomFile[] }> {
  const room = await EpochRoom.make();
  rooms.push(room);
  const [ann, ben] = [await Person.of(room), await Person.of(room)];
  await ann.store.saveFacts({ genesis: room.genesis });
  people.push(await ann.open(), await ben.open());
  ann.write('0');
  await until('ben to have it', () => ben.read() === '0');
  const links = [ann.link];
  const files = [await fileOf(ann)];
  for (let epoch = 1; epoch <= epochs; epoch++) {
    await ben.reopen(false);
    ben.write(`b${epoch}`);
    await ann.begin([{ device: ben.device.deviceId, role: 'editor' }]);
    await ben.reopen(true);
    await until('ben to hear', () => ben.heard !== undefined);
    await ben.follow();
    ann.write(`a${epoch}`);
    await until('both', () =>
      [ann, ben].every((one) => one.read().includes(`b${epoch}`) && one.hash() === ann.hash()),
    );
    links.push(ann.link);
    files.push(await fileOf(ann));
  }
  return { ann, links, files };
}

async function fileOf({ replica, link }: Person): Promise<CheckedRoomFile> {
  if (replica === undefined) throw new Error('not open');
  await replica.settled();
  return checkedOf(await exportRoom(link.roomId, replica));
}

async function checkedOf(file: Blob): Promise<CheckedRoomFile> {
  const checked = await checkRoomFile(file);
  if (!checked.ok) throw new Error(checked.error.kind);
  return checked.value;
}

async function recordsOf({ file }: CheckedRoomFile): Promise<Bytes[]> {
  const records: Bytes[] = [];
  for await (const { sealed } of roomFileSegments(file)) records.push(sealed);
  return records;
}

async function fileWith({ genesis }: CheckedRoomFile, records: readonly Bytes[]): Promise<CheckedRoomFile> {
  const parts: Bytes[] = [];
  const batches = async function* (): AsyncGenerator<readonly Bytes[]> {
    yield records;
  };
  for await (const part of encodeRoomFile({ roomId: genesis.roomId, genesis: genesis.bytes }, batches()))
    parts.push(part);
  return checkedOf(new Blob([concat(...parts)]));
}

const viewLink = async (link: RoomLink): Promise<RoomLink> => {
  const { seeds } = await deriveRoomKeys('e', link.seed, link.epoch, link.roomId);
  return { ...link, seedKind: 'v', seed: seeds.v };
};

/** The room as this device has it, opened by that link. */
async function openHere(room: EpochRoom, link: RoomLink): Promise<Person> {
  const opened = await openIndexedDbStore(link.roomId);
  if (!opened.ok) throw new Error(opened.error.kind);
  const person = await Person.of(room);
  Object.assign(person, { link, store: opened.value, disk: opened.value });
  people.push(await person.open(false));
  return person;
}

async function factsHere({ roomId }: RoomLink) {
  const opened = await openIndexedDbStore(roomId);
  if (!opened.ok) throw new Error(opened.error.kind);
  const facts = await opened.value.loadFacts();
  opened.value.close();
  return facts;
}

const frontierOf = ({ replica }: Person): string[] =>
  (replica?.frontier ?? [])
    .map(({ session, channel, seq, hash }) => `${session}/${channel}/${seq}/${toHex(hash)}`)
    .sort();
const databases = async (): Promise<(string | undefined)[]> =>
  (await indexedDB.databases()).map(({ name }) => name);
const at = <T>(items: readonly T[], index: number): T => {
  const item = items.at(index);
  if (item === undefined) throw new Error(`no ${index}`);
  return item;
};

describe('ROOM-9 a file of a later epoch', () => {
  it.each(['e', 'v'] as const)(
    'comes with all epochs to a device that has nothing (%s link)',
    async (kind) => {
      const { ann, links, files } = await roomOf(2);
      const link = kind === 'e' ? at(links, 2) : await viewLink(at(links, 2));
      const records = await recordsOf(at(files, 2));
      expect(records.map(kindOf)).toEqual(['roster', ...records.slice(1).map(() => 'segment')]);
      expect(await importRoom(at(files, 2), formatLink(link))).toEqual({
        ok: true,
        value: { link: formatLink(link), leftOut: 0, codes: [] },
      });
      expect((await factsHere(link)).roster).toHaveLength(2);
      const here = await openHere(ann.room, link);
      expect(here.way?.kind).toBe('in');
      expect(here.read()).toBe(ann.read());
      expect(here.hash()).toBe(ann.hash());
      expect(frontierOf(here)).toEqual(frontierOf(ann));
      expect(frontierOf(here).join()).toContain('/carry/');
    },
  );

  it('is refused to an older link, and to a newer one where nothing is here', async () => {
    const { links, files } = await roomOf(2);
    for (const [file, link, kind] of [
      [2, 1, 'newer-keys'],
      [1, 0, 'newer-keys'],
      [1, 2, 'older-keys'],
      [0, 1, 'older-keys'],
    ] as const)
      expect(await importRoom(at(files, file), formatLink(at(links, link)))).toEqual({
        ok: false,
        error: { kind, file, link },
      });
    expect(await databases()).not.toContain(roomDatabaseName(at(links, 0).roomId));
  });

  it('adds to what is here, whichever of the two is older, and forgets no statement and no key', async () => {
    const { ann, links, files } = await roomOf(2);
    const [old, , newest] = links as [RoomLink, RoomLink, RoomLink];
    expect(await importRoom(at(files, 0), formatLink(old))).toMatchObject({ ok: true });
    const before = await openHere(ann.room, old);
    before.write(' here');
    await before.replica?.settled();
    await before.close();
    expect(await importRoom(at(files, 2), formatLink(newest))).toMatchObject({
      ok: true,
      value: { leftOut: 0 },
    });
    // Older ones change nothing, with their own link or the newest.
    const facts = await factsHere(newest);
    const device = await openDeviceStore();
    await device.rememberRoom(
      recentRoomOf(await deriveRoomKeys('e', newest.seed, 2, newest.roomId), 'room', 1),
    );
    for (const link of [at(links, 1), newest]) {
      expect(await importRoom(at(files, 1), formatLink(link))).toMatchObject({ ok: true });
      expect(await factsHere(newest)).toEqual(facts);
      expect(await device.linkOf(newest.roomId)).toMatchObject({ epoch: 2 });
    }
    device.close();
    // What was written in the epoch that this device knew is carried along.
    const here = await openHere(ann.room, newest);
    expect(here.read()).toContain('here');
    for (const part of ['0', 'a1', 'b1', 'a2', 'b2']) expect(here.read()).toContain(part);
  });

  it('takes statements in front alone: a second record of them is left out, and said', async () => {
    const { links, files } = await roomOf(1);
    const records = await recordsOf(at(files, 1));
    const twice = await fileWith(at(files, 1), [...records, at(records, 0)]);
    expect(await importRoom(twice, formatLink(at(links, 1)))).toMatchObject({
      ok: true,
      value: { leftOut: 1, codes: ['wrong-kind'] },
    });
  });

  it('does not follow statements that go on from another beginning', async () => {
    const { ann, links, files } = await roomOf(1);
    const [link, file] = [at(links, 1), at(files, 1)];
    const { owner } = ann.room;
    const former = await deriveRoomKeys('e', randomBytes(32), 0, link.roomId);
    const genesis = await makeGenesis(owner, former);
    const keys = await deriveRoomKeys('e', link.seed, 1, link.roomId);
    const statement = await makeStatement({
      owner: { sign: (message) => sign(owner.privateKey, message) },
      genesis,
      before: [],
      keys,
      former,
      closed: [],
      members: [],
      time: 1,
    });
    const roster = encodeRoster({ genesis: genesis.bytes, statements: [statement.bytes] });
    const other = await fileWith(file, [await seal(keys, 'roster', roster)]);
    expect(await importRoom(other, formatLink(link))).toMatchObject({
      ok: false,
      error: { kind: 'bad-roster', why: 'another-genesis' },
    });
  });

  it('with statements that are not the owner’s, or not these, brings nothing', async () => {
    const { ann, links, files } = await roomOf(2);
    const [link, file] = [at(links, 2), at(files, 2)];
    const [, ...segments] = await recordsOf(file);
    const keys = await deriveRoomKeys('e', link.seed, 2, link.roomId);
    const statements = ann.way?.roster.statements.map(({ bytes }) => bytes) ?? [];
    const roster = encodeRoster({ genesis: ann.room.genesis, statements });
    const flipped = roster.slice();
    flipped[roster.length - 9] = (flipped[roster.length - 9] ?? 0) ^ 1;
    const short = encodeRoster({ genesis: ann.room.genesis, statements: statements.slice(0, 1) });
    const other = await roomOf(1);
    const sealedFlip = (await seal(keys, 'roster', roster)).slice();
    sealedFlip[40] = (sealedFlip[40] ?? 0) ^ 1;
    for (const [record, error] of [
      [await seal(keys, 'roster', flipped), { kind: 'bad-roster', why: 'bad-signature' }],
      [await seal(keys, 'roster', short), { kind: 'bad-roster', why: 'another-epoch' }],
      [at(await recordsOf(at(other.files, 1)), 0), { kind: 'older-keys' }],
      [sealedFlip, { kind: 'wrong-key' }],
    ] as const)
      expect(await importRoom(await fileWith(file, [record, ...segments]), formatLink(link))).toMatchObject({
        ok: false,
        error,
      });
    expect(await databases()).not.toContain(roomDatabaseName(link.roomId));
  });
});

describe('ROOM-9, ROST-36 a file of a room that others came to own', () => {
  it('brings who owns it, under the same keys, and never fewer statements than are here', async () => {
    const room = await EpochRoom.make();
    rooms.push(room);
    const ann = await Person.of(room);
    await ann.store.saveFacts({ genesis: room.genesis });
    people.push(await ann.open());
    ann.write('words');
    const before = await fileOf(ann);
    const code = await ann.makeCode();
    const between = await fileOf(ann);
    await ann.recover(code, { how: 'only' });
    const after = await fileOf(ann);
    const link = formatLink(ann.link);
    for (const [file, owners] of [
      [before, undefined],
      [between, 1],
      [after, 2],
      [between, 2],
      [before, 2],
    ] as const) {
      expect(await importRoom(file, link)).toMatchObject({ ok: true, value: { leftOut: 0 } });
      expect((await factsHere(ann.link)).owners?.length).toBe(owners);
    }
    const here = await openHere(room, ann.link);
    expect([here.read(), here.replica?.epochs.news.owners.length]).toEqual(['words', 2]);
  });
});
