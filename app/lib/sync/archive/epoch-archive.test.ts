/** The archive after the owner has given the room new keys: in memory, and with the real server. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { EpochRoom, Person } from '../../../testing/epoch-room.ts';
import { MemoryArchive } from '../../../testing/memory-archive.ts';
import { until } from '../../../testing/replicas.ts';
import {
  pocketbasePath,
  startArchiveServer,
  type ArchiveServer as ServerUnderTest,
} from '../../../../signaling/testing/archive-client.ts';
import { err } from '../../core/result.ts';
import { archiveKeys, deriveRoomKeys, type RoomKeys } from '../../crypto/room-keys.ts';
import { bytesOf, encodeRoster } from '../../log/roster.ts';
import { kindOf, openSealed, seal } from '../../log/seal.ts';
import { archiveServer, type ArchiveServer } from './archive-server.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let server: ServerUnderTest | undefined;
beforeAll(async () => {
  if (pocketbasePath !== undefined) server = await startArchiveServer();
});
afterAll(() => server?.close());

const people: Person[] = [];
afterEach(async () => {
  for (const person of people.splice(0)) await person.close();
});

type Open = (keys: RoomKeys) => ArchiveServer;
const inMemory = (): Open => {
  const archive = new MemoryArchive();
  return (keys) => archive.open(keys.roomId, archiveKeys(keys));
};
const overHttp = (): Open => (keys) =>
  archiveServer({ origin: server?.url ?? '', roomId: keys.roomId, keys: archiveKeys(keys) });

const stateOf = ({ replica }: Person) => replica?.archive?.state.kind;
const archived = async (person: Person): Promise<void> => {
  await person.replica?.settled();
  await until('everything to be archived', () => stateOf(person) === 'current');
};
const keysOf = ({ way }: Person): RoomKeys => {
  if (way === undefined) throw new Error('not open');
  return way.keys;
};
const editor = ({ device }: Person) => ({ device: device.deviceId, role: 'editor' as const });
const leave = async (person: Person): Promise<void> => {
  people.splice(people.indexOf(person), 1);
  await person.close();
};

/** Ann, who made the room and is online, with something written and archived. */
async function ann(open: Open): Promise<Person> {
  const room = await EpochRoom.make();
  room.archive = open;
  const owner = await Person.of(room);
  owner.owner = true;
  await owner.store.saveFacts({ genesis: room.genesis });
  people.push(await owner.open());
  owner.write('old');
  await archived(owner);
  return owner;
}

/** Somebody who comes with the newest link of the owner, and nothing else. */
async function newcomer(owner: Person, kind: 'e' | 'v' = 'v'): Promise<Person> {
  const one = await Person.of(owner.room, kind);
  one.link = await owner.room.linkTo(kind, owner.link);
  people.push(await one.open());
  return one;
}

async function records(server: ArchiveServer): Promise<ReturnType<typeof kindOf>[]> {
  const page = await server.page(0);
  if (!page.ok) throw new Error(page.error.reason);
  return page.value.segments.map(kindOf);
}
const wrongKey = { ok: false, error: { reason: 'wrong-key' } };

const archives: [string, () => Open, boolean][] = [
  ['in memory', inMemory, false],
  ['PocketBase', overHttp, pocketbasePath === undefined],
];
describe.each(archives)('%s', (_, open, skipped) => {
  test.skipIf(skipped)(
    'ARCH-5, ARCH-20: whose keys are old gets nothing in or out; who comes alone a day later gets all epochs',
    async () => {
      const owner = await ann(open());
      const rob = await Person.of(owner.room);
      people.push(await rob.open());
      await until('rob to have it', () => rob.read() === 'old');
      await leave(rob);
      const old = keysOf(owner);
      await owner.begin([]);
      owner.write(' new');
      await archived(owner);
      const hash = owner.hash();
      await leave(owner);

      const asRob = owner.room.archive?.(old) as ArchiveServer;
      for (const answer of [
        await asRob.status(),
        await asRob.page(0),
        await asRob.append([new Uint8Array(40)]),
      ])
        expect(answer).toMatchObject(wrongKey);

      for (const kind of ['v', 'e'] as const) {
        const dan = await newcomer(owner, kind);
        expect(dan.way?.kind).toBe('newcomer');
        await until('the statements', () => dan.heard !== undefined);
        expect(dan.replica?.known).toBe(false);
        await dan.follow();
        await until('all text', () => dan.read() === 'old new');
        expect(dan.hash()).toBe(hash);
        await archived(dan);
        const internal = dan.notices.filter(({ kind: what }) => what === 'internal' || what === 'refused');
        expect(internal).toEqual([]);
        await leave(dan);
      }
    },
  );
});

test('ARCH-20: the statements are there once, whoever comes after; an editor brings them where they are lacking', async () => {
  const owner = await ann(inMemory());
  const ben = await Person.of(owner.room);
  people.push(await ben.open());
  await owner.begin([editor(ben)]);
  await until('ben to hear', () => ben.heard !== undefined);
  await ben.follow();
  await archived(owner);
  await archived(ben);
  const door = owner.room.archive?.(keysOf(owner)) as ArchiveServer;
  const rosters = async () => (await records(door)).filter((kind) => kind === 'roster').length;
  expect(await rosters()).toBe(1);
  expect((await ben.store.loadArchiveMark())?.roster).toBe(1);
  await ben.reopen();
  await archived(ben);
  expect(await rosters()).toBe(1);
});

test('ARCH-20: what an editor puts there under their kind is not them, and keeps nobody out', async () => {
  const owner = await ann(inMemory());
  const ben = await Person.of(owner.room);
  people.push(await ben.open());
  const archive = owner.room.archive as Open;
  // The owner's device registers the new keys, and dies before it sends anything.
  owner.room.archive = (keys) => ({ ...archive(keys), append: async () => err({ reason: 'later' }) });
  await owner.begin([editor(ben)]);
  await until('ben to hear', () => ben.heard !== undefined);
  await until('its try', () => stateOf(owner) === 'unreachable');
  const keys = keysOf(owner);
  await leave(owner);
  owner.room.archive = archive;
  const door = archive(keys);
  const junk = [new Uint8Array([1, 2, 3]), encodeRoster({ genesis: owner.room.genesis, statements: [] })];
  for (const one of junk) await door.append([await seal(keys, 'roster', one)]);
  await ben.follow();
  await archived(ben);
  await leave(ben);
  const dan = await newcomer(owner);
  await until('the statements', () => dan.heard !== undefined);
});

test('ARCH-20: no statement is taken for there that is not whole and the newest', async () => {
  const owner = await ann(inMemory());
  await owner.begin([]);
  await archived(owner);
  await owner.begin([]);
  const keys = keysOf(owner);
  const { genesis, statements } = owner.way?.roster ?? {};
  if (!genesis || !statements) throw new Error('no roster');
  const door = owner.room.archive?.(keys) as ArchiveServer;
  await until('its record', () => stateOf(owner) === 'current');
  const page = await door.page(0);
  if (!page.ok) throw new Error('no page');
  const newest = page.value.segments.filter((one) => kindOf(one) === 'roster').at(-1);
  const opened = newest && (await openSealed(keys, 'roster', newest));
  expect(opened?.ok && opened.value).toEqual(encodeRoster(bytesOf({ genesis, statements, owners: [] })));
  expect(statements).toHaveLength(2);
});

test('ARCH-20: they are sent again to a server that has forgotten everything', async () => {
  const archive = new MemoryArchive();
  const owner = await ann((keys) => archive.open(keys.roomId, archiveKeys(keys)));
  await owner.begin([]);
  await archived(owner);
  archive.replace();
  await owner.reopen();
  const kinds = () => archive.segments(owner.link.roomId).map(kindOf);
  await until('all of it', () => kinds().includes('roster') && kinds().includes('segment'));
});

test.each([0, 1])(
  'ARCH-5: a tab that stayed in epoch %i does not give the archive back to its keys',
  async (epoch) => {
    const owner = await ann(inMemory());
    const behind = await Person.of(owner.room);
    const archive = owner.room.archive as Open;
    let asked = 0;
    owner.room.archive = (keys) => {
      const one = archive(keys);
      return { ...one, status: () => (asked++, one.status()) };
    };
    behind.owner = true;
    await behind.store.saveFacts({ genesis: owner.room.genesis });
    people.push(await behind.open());
    if (epoch === 1) {
      await owner.begin([editor(behind)]);
      await until('the first statement', () => behind.heard !== undefined);
      await behind.follow();
    }
    await archived(behind);
    const old = keysOf(owner);
    expect(old.epoch).toBe(epoch);
    await owner.begin([editor(behind)]);
    await archived(owner);
    owner.room.archive = archive;
    // Another tab of the same browser has stored the statement; in the first epoch, as if that was forgotten.
    if (epoch === 1) await behind.store.saveFacts(await owner.store.loadFacts());
    behind.replica?.archive?.refresh();
    await until('a quiet state', () => stateOf(behind) === 'new-keys');
    for (let turn = 0; turn < 2; turn++) {
      const before = asked;
      behind.replica?.archive?.refresh();
      await until('another look', () => asked > before);
    }
    expect(await owner.room.archive?.(old).status()).toMatchObject(wrongKey);
    expect(await owner.room.archive?.(keysOf(owner)).status()).toMatchObject({
      ok: true,
      value: { epoch: epoch + 1 },
    });
  },
);

test('ARCH-5: what the owner had deleted is not registered by a new epoch', async () => {
  const owner = await ann(inMemory());
  expect(await owner.replica?.archive?.delete()).toMatchObject({ ok: true });
  await owner.begin([]);
  await until('declined', () => stateOf(owner) === 'declined');
  const door = owner.room.archive?.(keysOf(owner)) as ArchiveServer;
  expect(await door.status()).toMatchObject({ ok: false, error: { reason: 'unknown-room' } });
});

test('ARCH-21: a newcomer looks for the statements from the end on, past more records than a page has', async () => {
  const owner = await ann(inMemory());
  await owner.begin([]);
  await archived(owner);
  const keys = keysOf(owner);
  const door = owner.room.archive?.(keys) as ArchiveServer;
  for (let i = 0; i < 6; i++)
    await door.append(Array.from({ length: 200 }, (_, j) => new Uint8Array(60).fill(i).fill(j, 30)));
  await leave(owner);
  const asked: number[] = [];
  const archive = owner.room.archive as Open;
  owner.room.archive = (its) => {
    const one = archive(its);
    return { ...one, page: (since) => (asked.push(since), one.page(since)) };
  };
  const dan = await newcomer(owner);
  await until('the statements', () => dan.heard !== undefined);
  expect(asked[0]).toBeGreaterThan(500);
  expect(await dan.store.loadArchiveMark()).toBeUndefined();
  await dan.follow();
  await until('the text', () => dan.read() === 'old');
});

test('ARCH-29: what former epochs left there goes, their statements too; who comes later reads every word', async () => {
  const archive = new MemoryArchive();
  const owner = await ann((keys) => archive.open(keys.roomId, archiveKeys(keys)));
  const ben = await Person.of(owner.room);
  people.push(await ben.open());
  for (let epoch = 1; epoch <= 6; epoch++) {
    for (const letter of 'ebb and flood') {
      owner.write(letter);
      await archived(owner);
    }
    await until('ben to have it', () => ben.read() === owner.read());
    ben.write(` ${epoch} `);
    await archived(ben);
    await until('ann to have it', () => ben.read() === owner.read());
    await owner.begin([editor(ben)]);
    await until('ben to hear', () => ben.heard !== undefined);
    await ben.follow();
    await archived(owner);
  }
  const door = owner.room.archive?.(keysOf(owner)) as ArchiveServer;
  const before = await records(door);
  const rosters = (kinds: typeof before) => kinds.filter((kind) => kind === 'roster').length;
  expect(rosters(before)).toBe(6);
  expect(await owner.replica?.archive?.makeRoom()).toEqual({ ok: true, value: 'done' });
  archive.pass(31 * 24 * 3_600_000);
  const after = await records(door);
  expect(rosters(after)).toBe(1);
  // Of each epoch thirteen of its pieces are one.
  expect(after.length).toBeLessThan(before.length - 6 * 12);
  const [text, hash] = [owner.read(), owner.hash()];
  await leave(ben);
  await leave(owner);
  for (const kind of ['v', 'e'] as const) {
    const dan = await newcomer(owner, kind);
    await until('the statements', () => dan.heard !== undefined);
    await dan.follow();
    await until('all text', () => dan.read() === text);
    expect(dan.hash()).toBe(hash);
    await archived(dan);
    expect(dan.notices.filter(({ kind: what }) => what === 'internal' || what === 'refused')).toEqual([]);
    await leave(dan);
  }
  // And nothing of it was sent again.
  expect((await records(door)).length).toBe(after.length);
});

test('ARCH-17: whose keys are refused is told quietly, and goes on by themselves when the archive has them', async () => {
  const owner = await ann(inMemory());
  const old = owner.room.archive as Open;
  const others = await deriveRoomKeys('e', new Uint8Array(32).fill(9), 0, owner.link.roomId);
  let refused = true;
  // As between the owner's statement and the moment at which the owner's device is here.
  owner.room.archive = (keys) => {
    const [right, wrong] = [old(keys), old(others)];
    return { ...right, status: () => (refused ? wrong : right).status() };
  };
  const ben = await Person.of(owner.room);
  people.push(await ben.open());
  await until('a quiet state', () => stateOf(ben) === 'new-keys');
  expect(ben.notices.filter(({ kind }) => kind === 'internal')).toEqual([]);
  refused = false;
  await until('the text', () => ben.read() === 'old');
  await archived(ben);
});

test('ARCH-15: what somebody sent there after the statement that removed them is not shown, and is in nobody’s way', async () => {
  const owner = await ann(inMemory());
  const rob = await Person.of(owner.room);
  people.push(await rob.open());
  await until('rob to have it', () => rob.read() === 'old');
  await owner.reopen(false);
  rob.write(' rob');
  await archived(rob);
  await leave(rob);
  await owner.begin([]);
  await owner.reopen(true);
  owner.write(' new');
  await archived(owner);
  const hash = owner.hash();
  await leave(owner);
  const dan = await newcomer(owner, 'e');
  await until('the statements', () => dan.heard !== undefined);
  await dan.follow();
  await until('the text', () => dan.read() === 'old new');
  await archived(dan);
  expect(dan.hash()).toBe(hash);
});
