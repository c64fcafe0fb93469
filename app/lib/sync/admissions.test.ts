/** Letting in one by one, with whole replicas: nobody else notices, whoever it is for comes in wherever they were (ROST-40 to ROST-44). */
import { afterEach, expect, it, vi } from 'vitest';
import { EpochRoom, Person } from '../../testing/epoch-room.ts';
import { until } from '../../testing/replicas.ts';
import type { Role } from '../core/ids.ts';
import { deriveRoomKeys } from '../crypto/room-keys.ts';
import { generateSigningKeyPair } from '../crypto/signatures.ts';
import { decodeGenesis } from '../log/genesis.ts';
import { RoomLog } from '../log/room-log.ts';
import { ADMISSION_BYTES, writeRoster } from '../log/roster-codec.ts';
import { frameType } from './frames.ts';
import { knock } from './knock.ts';
import { RosterNews } from './roster-news.ts';
import type { Transport } from './transport.ts';

vi.setConfig({ testTimeout: 30_000 });
const people: Person[] = [];
afterEach(async () => {
  await Promise.all(people.splice(0).map((person) => person.close()));
});

/** The first made the room. */
async function room(...kinds: ('e' | 'c' | 'v')[]): Promise<Person[]> {
  const made = await EpochRoom.make();
  for (const kind of kinds) {
    const person = await Person.of(made, kind);
    if (people.length === 0) await person.store.saveFacts({ genesis: made.genesis });
    people.push(await person.open());
  }
  people[0]?.write('begin');
  await until('all have it', () => people.every((person) => person.read() === 'begin'));
  return people;
}
const as = ({ device }: Person, role: Role) => ({ device: device.deviceId, role });
const said = (text: string, ...who: Person[]) =>
  until(`all say ${text}: ${who.map((one) => one.read()).join(' | ')}`, () =>
    who.every((one) => one.read() === text),
  );
const told = (person: Person): boolean => person.notices.some(({ kind }) => kind === 'same-keys');
const roles = (...who: Person[]) => who.map(({ way }) => [way?.kind, way?.keys.role, way?.keys.epoch]);

it('ROST-40, ROST-43 a raise: who got it writes, under the same keys, and nobody else is moved', async () => {
  const [ann, ben, vic] = (await room('e', 'c', 'v')) as [Person, Person, Person];
  await ann.admit(as(vic, 'editor'));
  // Once more, and for less: there is nothing to give.
  for (const role of ['editor', 'viewer'] as const) await ann.admit(as(vic, role));
  await until('they heard', () => told(vic) && told(ben));
  await vic.reopen();
  expect(ben.heard).toBeUndefined();
  expect(roles(ann, ben, vic)).toEqual([
    ['in', 'editor', 0],
    ['in', 'commenter', 0],
    ['in', 'editor', 0],
  ]);
  vic.write(' vic');
  await said('begin vic', ann, ben, vic);
  expect(new Set([ann, ben, vic].map((one) => one.hash())).size).toBe(1);
  // The link they came by still leads them to what they were given.
  vic.link = await ann.room.linkTo('v');
  await vic.reopen();
  expect(roles(vic)).toEqual([['in', 'editor', 0]]);
});

it('ROST-42 who was away hears it of whoever knows it, also when the owner is gone', async () => {
  const [ann, ben, vic] = (await room('e', 'c', 'v')) as [Person, Person, Person];
  await vic.reopen(false);
  await ann.admit(as(vic, 'commenter'));
  await until('Ben heard', () => told(ben));
  await ann.close();
  await ben.reopen();
  await vic.reopen(true);
  await until('Vic heard', () => told(vic));
  await vic.reopen();
  expect(roles(vic)).toEqual([['in', 'commenter', 0]]);
});

it.each([false, true])(
  'ROST-44 who was left out is let in again at the door, with what they had written (owner away: %s)',
  async (away) => {
    const [ann, ben, rob] = (await room('e', 'e', 'e')) as [Person, Person, Person];
    await rob.reopen(false);
    rob.write(' rob');
    await ann.begin([as(ben, 'editor')]);
    await until('Ben heard', () => ben.heard !== undefined);
    await ben.follow();
    await rob.reopen(true);
    await until('Rob heard', () => rob.heard !== undefined);
    await rob.follow();
    expect(roles(rob)).toEqual([['out', 'editor', 0]]);
    ann.write(' ann');
    await said('begin ann', ann, ben);

    if (away) await rob.reopen(false);
    await ann.admit(as(rob, 'editor'));
    await until('Ben heard', () => told(ben));
    if (away) {
      await ann.close();
      await rob.reopen(true);
    }
    await until('Rob is let in', () => rob.letIn !== undefined);
    await rob.reopen();
    expect(roles(rob)).toEqual([['in', 'editor', 1]]);
    const here = away ? [ben, rob] : [ann, ben, rob];
    await until('all have all', () =>
      here.every((one) => ['ann', 'rob'].every((word) => one.read().includes(word))),
    );
    expect(new Set(here.map((one) => one.hash())).size).toBe(1);
  },
);

it('ROST-44 at the door nobody gets anything but statements, and is let in by nothing but an admission of their own', async () => {
  const [ann, ben, rob] = (await room('e', 'e', 'e')) as [Person, Person, Person];
  await ann.begin([as(ben, 'viewer')]);
  await until('both heard', () => [ben, rob].every((one) => one.heard !== undefined));
  await ben.follow();
  await rob.follow();
  const segments = () => ann.room.sent(frameType.live) + ann.room.sent(frameType.segments);
  await ann.admit(as(ben, 'editor'));
  await until('Ben heard', () => told(ben));
  await ben.reopen();
  expect(roles(ben)).toEqual([['in', 'editor', 1]]);
  const before = segments();
  const asked = ann.room.sent(frameType.roster);
  await rob.reopen();
  await until('Rob was answered', () => ann.room.sent(frameType.roster) > asked);
  await rob.reopen();
  expect([rob.letIn, rob.way?.kind, segments()]).toEqual([undefined, 'out', before]);
  // And new keys end what an admission gave.
  await ann.begin([]);
  await until('Ben heard', () => ben.heard !== undefined);
  await ben.follow();
  expect(roles(ben)).toEqual([['out', 'editor', 1]]);
});

it('ROST-41 who is no owner lets nobody in, and takes no admission away by what they send', async () => {
  const [ann, ben, vic] = (await room('e', 'e', 'v')) as [Person, Person, Person];
  // Ben has the edit link, and signs by a key of his own.
  ben.ownKey = await generateSigningKeyPair();
  await expect(ben.admit(as(vic, 'editor'))).rejects.toThrow('bad-signature');
  await ann.admit(as(vic, 'commenter'));
  await until('all heard', () => told(ben) && told(vic));
  await vic.reopen();
  expect(roles(vic)).toEqual([['in', 'commenter', 0]]);
});

it('ROST-42 what is no admission is no news, however often it is brought', async () => {
  const room = await EpochRoom.make();
  const keys = await deriveRoomKeys('e', room.link.seed, 0, room.link.roomId);
  const genesis = await decodeGenesis(room.genesis, room.link.roomId);
  if (!genesis.ok) throw new Error(genesis.error.kind);
  const log = new RoomLog({ roomId: room.link.roomId, keys, genesis: genesis.value });
  let told = 0;
  const news = new RosterNews(log, keys, { onNews: () => told++, onSameKeys: () => told++ });
  for (const byte of [1, 2, 3])
    await news.heard(
      writeRoster({
        genesis: room.genesis,
        statements: [],
        owners: [],
        admissions: [new Uint8Array(ADMISSION_BYTES).fill(byte)],
      }),
    );
  expect([told, news.brief]).toEqual([0, undefined]);
});

it('ROST-44 who knocks meets nobody directly', async () => {
  const room = await EpochRoom.make();
  const person = await Person.of(room);
  const keys = await deriveRoomKeys('e', room.link.seed, 0, room.link.roomId);
  const direct = { id: 'webrtc', connect: () => expect.unreachable('a direct link') } as unknown as Transport;
  const stop = knock({
    keys,
    session: await person.newSession(keys),
    transports: [direct],
    onRoster: () => Promise.resolve(),
    onError: () => undefined,
  });
  await stop();
});
