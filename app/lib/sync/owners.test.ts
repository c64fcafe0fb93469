/** Owners statements between whole replicas: they reach everybody without new keys, and decide whose epochs are followed (ROST-35, ROST-36). */
import { afterEach, expect, it, vi } from 'vitest';
import { EpochRoom, Person } from '../../testing/epoch-room.ts';
import { MemoryArchive } from '../../testing/memory-archive.ts';
import { until } from '../../testing/replicas.ts';
import { archiveKeys } from '../crypto/room-keys.ts';
import { bytesOf } from '../log/roster.ts';
import { kindOf } from '../log/seal.ts';
import { EpochTaken } from '../workspace/change-epoch.ts';
import { FoldSession } from './fold-session.ts';
import { frameType } from './frames.ts';

vi.setConfig({ testTimeout: 30_000 });
const people: Person[] = [];
afterEach(async () => {
  await Promise.all(people.splice(0).map((person) => person.close()));
});

async function join(made: EpochRoom, kind: 'e' | 'c' | 'v'): Promise<Person> {
  const person = await Person.of(made, kind);
  people.push(await person.open());
  return person;
}
async function room(...kinds: ('e' | 'c' | 'v')[]): Promise<Person[]> {
  const made = await EpochRoom.make();
  const first = await Person.of(made);
  first.owner = true;
  await first.store.saveFacts({ genesis: made.genesis });
  people.push(await first.open());
  for (const kind of kinds.slice(1)) await join(made, kind);
  first.write('begin');
  await until('all have it', () => people.every((person) => person.read() === 'begin'));
  return [...people];
}
const as = ({ device }: Person, role: 'editor' | 'viewer') => ({ device: device.deviceId, role });
const ownersOf = ({ replica }: Person): number => replica?.epochs.news.owners.length ?? 0;
const know = (count: number, ...who: Person[]) =>
  until(`all know ${count} owners statements`, () => who.every((one) => ownersOf(one) === count));
const saw = (kind: string, ...who: Person[]) =>
  until(`all saw ${kind}`, () => who.every((one) => one.notices.some((notice) => notice.kind === kind)));
/** The network between tabs fails, not that to the server. */
function deafen({ replica }: Person) {
  if (replica === undefined) throw new Error('not open');
  return vi.spyOn(replica.epochs.news, 'heard').mockResolvedValue(undefined);
}
const heard = (...who: Person[]) => until('all heard', () => who.every((one) => one.heard !== undefined));

it('ROST-36, ROST-37 a viewer with the code owns the room: everybody hears it under the same keys, and follows the epoch that the viewer begins', async () => {
  const [ann, ben, rob] = (await room('e', 'v', 'e')) as [Person, Person, Person];
  const code = await ann.makeCode();
  await know(1, ann, ben, rob);
  expect(await ben.recover(code, { how: 'only' })).toBeUndefined();
  await know(2, ann, ben, rob);
  // No new keys: nobody has to open the room again.
  expect(people.map((one) => one.heard)).toEqual([undefined, undefined, undefined]);
  ann.write(' ann');
  await until('they write on', () => rob.read() === 'begin ann');
  await ben.begin([as(ann, 'editor')]);
  await heard(ann, rob);
  for (const one of [ann, rob]) await one.follow();
  expect([ann, ben, rob].map(({ way }) => way?.kind)).toEqual(['in', 'in', 'out']);
  expect(ben.way?.keys.role).toBe('editor');
  ben.write(' ben');
  await until('both have all', () => ann.read() === 'begin ann ben' && ben.read() === ann.read());
  expect(rob.read()).toBe('begin ann');

  // A worker believes an epoch of an owner that the genesis statement does not name.
  const { keys, roster } = ben.way ?? {};
  if (!keys?.seeds.e || roster?.genesis === undefined) throw new Error('not open');
  const fold = await FoldSession.start({
    ...bytesOf({ ...roster, genesis: roster.genesis }),
    roomId: keys.roomId,
    seed: { kind: 'e', bytes: keys.seeds.e, epoch: keys.epoch },
    pastSeeds: (keys.past ?? []).map(({ seeds }) => seeds.v),
  });
  const stored: Uint8Array<ArrayBuffer>[] = [];
  await ben.replica?.settled();
  for await (const batch of ben.store.readAll(2 ** 20)) stored.push(...batch.map(({ sealed }) => sealed));
  expect((await fold.fold(stored)).refusals).toEqual([]);

  // Who comes by the new link is told by anybody, and folds what sessions of both epochs wrote.
  const dan = await Person.of(ann.room);
  dan.link = ann.link;
  people.push(await dan.open());
  await heard(dan);
  await dan.follow();
  await until('he has it too', () => dan.read() === 'begin ann ben');
  expect(ownersOf(dan)).toBe(2);
});

it('ROST-35 an epoch of somebody who was left out is not followed, and said to be another roster', async () => {
  const [ann, ben, rob] = (await room('e', 'e', 'e')) as [Person, Person, Person];
  const code = await ann.makeCode();
  await know(1, ben, rob);
  // Ann hears nothing of it.
  await ann.reopen(false);
  await ben.recover(code, { how: 'only' });
  await know(2, rob);
  await rob.reopen(false);
  await ann.begin([as(rob, 'editor')]);
  await ann.reopen(true);
  await ben.reopen(true);
  // At the door of epoch 0 Ann answers whoever knocks.
  await saw('roster-branch', ben);
  expect(ben.heard).toBeUndefined();
  await rob.reopen(true);
  await saw('roster-branch', rob);
  expect(rob.heard).toBeUndefined();
  expect(rob.way?.keys.epoch).toBe(0);
});

it('ROST-35 an epoch and a new owner that did not know of each other come together', async () => {
  const [ann, ben, rob] = (await room('e', 'e', 'e')) as [Person, Person, Person];
  const code = await ann.makeCode();
  await know(1, ben, rob);
  await ann.reopen(false);
  await ben.recover(code, { how: 'add' });
  await know(2, rob);
  await ann.begin([as(ben, 'editor'), as(rob, 'editor')]);
  await ann.reopen(true);
  await heard(ben, rob);
  for (const one of [ben, rob]) await one.follow();
  expect([ben, rob].map(({ way }) => way?.keys.epoch)).toEqual([1, 1]);
  await know(2, ann, ben, rob);
  await ben.begin([as(ann, 'editor'), as(rob, 'editor')]);
  await heard(ann, rob);
  for (const one of [ann, rob]) await one.follow();
  expect([ann, ben, rob].map(({ way }) => [way?.kind, way?.keys.epoch])).toEqual([
    ['in', 2],
    ['in', 2],
    ['in', 2],
  ]);
});

it('ROST-36 who was away is told at the next meeting, keeps it, and is told once a link', async () => {
  const [ann, ben] = (await room('e', 'e')) as [Person, Person];
  await ben.reopen(false);
  await ann.makeCode();
  await ben.reopen(true);
  await know(1, ben);
  await ben.replica?.settled();
  await ben.reopen(false);
  expect(ownersOf(ben)).toBe(1);
  const before = ann.room.sent(frameType.roster);
  await ben.reopen(true);
  ben.write(' on');
  await until('they met', () => ann.read() === 'begin on');
  await until('both were told', () => ann.room.sent(frameType.roster) - before >= 2);
  expect(ann.room.sent(frameType.roster) - before).toBe(2);
  // What is damaged on the disk is heard again.
  await ben.store.changeFacts((facts) => ({ ...facts, owners: [Uint8Array.of(1, 2, 3)] }));
  await ben.reopen(false);
  expect(ownersOf(ben)).toBe(0);
  await ben.reopen(true);
  await know(1, ben);
});

it('ROST-36, ARCH-20 with nobody there the archive tells: also in epoch 0, where the record goes to no log', async () => {
  const archive = new MemoryArchive();
  const made = await EpochRoom.make();
  made.archive = (keys) => archive.open(keys.roomId, archiveKeys(keys));
  const ann = await Person.of(made);
  ann.owner = true;
  await ann.store.saveFacts({ genesis: made.genesis });
  people.push(await ann.open());
  ann.write('begin');
  const current = (one: Person) => until('it has all', () => one.replica?.archive?.state.kind === 'current');
  await current(ann);
  const { roomId } = made.link;
  const code = await ann.makeCode();
  await until('its record', () => archive.segments(roomId).some((one) => kindOf(one) === 'roster'));
  await ann.close();

  const ben = await join(made, 'v');
  await until('he read it', () => ben.read() === 'begin');
  await know(1, ben);
  expect(await ben.recover(code, { how: 'only' })).toBeUndefined();
  // The server knows at once: the key that the room is named by counts no more.
  ann.notices.length = 0;
  people.push(await ann.open());
  await know(2, ann);
  expect(ann.replica?.archive?.owned).toBe(false);
  await ben.begin([as(ann, 'editor')]);
  await current(ben);
  await heard(ann);
  await ann.follow();
  expect((await ben.replica?.archive?.delete())?.ok).toBe(true);
});

it('ROST-37 of two who change the owners at one time the server takes the first; the other hears it and has changed nothing', async () => {
  const archive = new MemoryArchive();
  const made = await EpochRoom.make();
  made.archive = (keys) => archive.open(keys.roomId, archiveKeys(keys));
  const ann = await Person.of(made);
  ann.owner = true;
  await ann.store.saveFacts({ genesis: made.genesis });
  people.push(await ann.open());
  ann.write('begin');
  const ben = await join(made, 'e');
  await until('he has it', () => ben.read() === 'begin');
  const code = await ann.makeCode();
  await know(1, ben);
  const deaf = deafen(ben);
  expect(await ann.recover(code, { how: 'only' })).toBeUndefined();
  deaf.mockRestore();
  expect(await ben.recover(code, { how: 'only' })).toEqual({ kind: 'taken' });
  await know(2, ann, ben);
  expect(ben.replica?.epochs.news.owners.at(-1)?.owners).toEqual([ann.ownKey?.publicKey]);
  expect(await ben.recover(code, { how: 'add' })).toBeUndefined();
  await know(3, ann, ben);
});

it('ROST-37, ARCH-23 of two who begin an epoch at one time the server takes the first; the other stays, tells nobody, and may insist', async () => {
  const archive = new MemoryArchive();
  const made = await EpochRoom.make();
  made.archive = (keys) => archive.open(keys.roomId, archiveKeys(keys));
  const ann = await Person.of(made);
  ann.owner = true;
  await ann.store.saveFacts({ genesis: made.genesis });
  people.push(await ann.open());
  ann.write('begin');
  const ben = await join(made, 'e');
  await until('he has it', () => ben.read() === 'begin');
  const code = await ann.makeCode();
  await know(1, ben);
  expect(await ben.recover(code, { how: 'add' })).toBeUndefined();
  await know(2, ann);
  await until('it has all', () => ben.replica?.archive?.state.kind === 'current');
  const deaf = deafen(ben);
  await ann.begin([as(ben, 'editor')]);
  deaf.mockRestore();
  const facts = await ben.store.loadFacts();
  await expect(ben.begin([as(ann, 'editor')])).rejects.toThrow(EpochTaken);
  expect(await ben.store.loadFacts()).toEqual(facts);
  ben.write(' on');
  await ben.replica?.settled();
  expect(ann.heard).toBeUndefined();
  // At the door he hears whose epoch it is, and his words come along.
  await ben.reopen(true);
  await heard(ben);
  await ben.follow();
  await until('she has it', () => ann.read() === 'begin on');
  // A server that says so of every epoch keeps nobody from one.
  made.archive = (keys) => ({
    ...archive.open(keys.roomId, archiveKeys(keys)),
    status: () => Promise.resolve({ ok: false, error: { reason: 'wrong-key' } }),
  });
  await ben.reopen(true);
  await expect(ben.begin([as(ann, 'editor')])).rejects.toThrow(EpochTaken);
  await ben.begin([as(ann, 'editor')], true);
  expect(ben.way?.keys.epoch).toBe(2);
});

it('ROST-37, ARCH-23 who was left out and has not heard of it begins no epoch where the server knows: they hear it there', async () => {
  const archive = new MemoryArchive();
  const made = await EpochRoom.make();
  made.archive = (keys) => archive.open(keys.roomId, archiveKeys(keys));
  const ann = await Person.of(made);
  ann.owner = true;
  await ann.store.saveFacts({ genesis: made.genesis });
  people.push(await ann.open());
  ann.write('begin');
  const ben = await join(made, 'e');
  await until('he has it', () => ben.read() === 'begin');
  const code = await ann.makeCode();
  await know(1, ben);
  await until('it has all', () => ann.replica?.archive?.state.kind === 'current');
  // What Ben tells the others does not reach Ann.
  await ann.reopen(false);
  expect(await ben.recover(code, { how: 'only' })).toBeUndefined();
  const { roster } = await ann.store.loadFacts();
  await expect(ann.begin([as(ben, 'editor')])).rejects.toThrow(EpochTaken);
  await know(2, ann);
  expect((await ann.store.loadFacts()).roster).toEqual(roster);
});

it('ROST-37, ARCH-22 who has not heard of an epoch leaves its owner out nowhere: nothing is changed, they hear of it, go along and do it again', async () => {
  const archive = new MemoryArchive();
  const made = await EpochRoom.make();
  made.archive = (keys) => archive.open(keys.roomId, archiveKeys(keys));
  const ann = await Person.of(made);
  ann.owner = true;
  await ann.store.saveFacts({ genesis: made.genesis });
  people.push(await ann.open());
  ann.write('begin');
  const ben = await join(made, 'e');
  await until('he has it', () => ben.read() === 'begin');
  const code = await ann.makeCode();
  await know(1, ben);
  expect(await ben.recover(code, { how: 'add' })).toBeUndefined();
  await know(2, ann);
  await until('it has all', () => ann.replica?.archive?.state.kind === 'current');
  await ben.reopen(false);
  await ann.begin([as(ben, 'editor')]);
  const facts = await ben.store.loadFacts();
  expect(await ben.recover(code, { how: 'only' })).toEqual({ kind: 'behind' });
  expect(await ben.store.loadFacts()).toEqual(facts);
  ben.write(' on');
  await ben.reopen(true);
  await heard(ben);
  await ben.follow();
  await until('she has it', () => ann.read() === 'begin on');
  expect(await ben.recover(code, { how: 'only' })).toBeUndefined();
  await know(3, ann, ben);
  expect(people.flatMap(({ notices }) => notices.filter(({ kind }) => kind === 'roster-branch'))).toEqual([]);
});

it('ROST-37 who is told of an epoch that nobody shows them changes the owners all the same by doing it again', async () => {
  const archive = new MemoryArchive();
  const made = await EpochRoom.make();
  let answer = false;
  made.archive = (keys) => {
    const server = archive.open(keys.roomId, archiveKeys(keys));
    return {
      ...server,
      owners: async (claim) => (answer ? { ok: true, value: [] } : server.owners(claim)),
      status: async () => (answer ? { ok: false, error: { reason: 'wrong-key' } } : server.status()),
    };
  };
  const ann = await Person.of(made);
  ann.owner = true;
  await ann.store.saveFacts({ genesis: made.genesis });
  people.push(await ann.open());
  ann.write('begin');
  const code = await ann.makeCode();
  answer = true;
  expect(await ann.recover(code, { how: 'only' })).toEqual({ kind: 'behind' });
  expect(await ann.recover(code, { how: 'only' }, true)).toBeUndefined();
  await know(2, ann);
});

it('ROST-37 a server that keeps less than it was told, or makes something up, keeps nobody from owning their room', async () => {
  const archive = new MemoryArchive();
  const made = await EpochRoom.make();
  let answer: readonly Uint8Array<ArrayBuffer>[] = [];
  made.archive = (keys) => ({
    ...archive.open(keys.roomId, archiveKeys(keys)),
    owners: () => Promise.resolve({ ok: true, value: answer }),
  });
  const ann = await Person.of(made);
  ann.owner = true;
  await ann.store.saveFacts({ genesis: made.genesis });
  people.push(await ann.open());
  const code = await ann.makeCode();
  answer = [Uint8Array.of(1, 2, 3)];
  expect(await ann.recover(code, { how: 'only' })).toBeUndefined();
  await know(2, ann);
});

it('ARCH-23 what the server could not be told when it was made it is told at the next opening', async () => {
  const archive = new MemoryArchive();
  const made = await EpochRoom.make();
  let down = true;
  made.archive = (keys) =>
    archive.open(keys.roomId, archiveKeys(keys), (request) =>
      down && request === 'owners' ? 'later' : undefined,
    );
  const ann = await Person.of(made);
  ann.owner = true;
  await ann.store.saveFacts({ genesis: made.genesis });
  people.push(await ann.open());
  await ann.makeCode();
  await know(1, ann);
  down = false;
  await ann.reopen();
  const { roomId } = made.link;
  const door = archive.open(roomId, { read: new Uint8Array(32) });
  let kept = 0;
  for (const end = Date.now() + 5_000; kept === 0 && Date.now() < end;) {
    const answer = await door.owners({ founder: made.owner.publicKey, statements: [] });
    kept = answer.ok ? answer.value.length : 0;
  }
  expect(kept).toBe(1);
});
