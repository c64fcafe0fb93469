/** What people, tabs and disks may do between two epochs that must cost nobody a word, and let nobody in (ROST-10 to ROST-22). */
import * as Y from 'yjs';
import { afterEach, expect, it, vi } from 'vitest';
import { EpochRoom, Person } from '../../testing/epoch-room.ts';
import { until } from '../../testing/replicas.ts';
import { twoStories } from '../../testing/two-stories.ts';
import { equalBytes, randomBytes, toHex } from '../core/bytes.ts';
import type { Role, SessionId } from '../core/ids.ts';
import { Project } from '../document/project.ts';
import { branchName } from '../log/branches.ts';
import { encodeFrontier, type FrontierRow } from '../log/frontier.ts';
import type { Roster } from '../log/roster.ts';
import { RoomLog } from '../log/room-log.ts';
import { Forge, rawUpdate } from '../log/test-room.ts';
import { toStored } from './fold-session.ts';
import { rememberBranches } from './forks.ts';
import { frameType } from './frames.ts';
import { moveOn, noteCarried, toCarry } from './move-on.ts';
import { Shelf } from './shelf.ts';

vi.setConfig({ testTimeout: 30_000 });
const people: Person[] = [];
afterEach(async () => {
  await Promise.all(people.splice(0).map((person) => person.close()));
});

async function room(count: number): Promise<Person[]> {
  const made = await EpochRoom.make();
  for (let i = 0; i < count; i++) {
    const person = await Person.of(made, 'e');
    if (i === 0) await person.store.saveFacts({ genesis: made.genesis });
    people.push(await person.open());
  }
  people[0]?.write('begin');
  await until('all have it', () => people.every((person) => person.read() === 'begin'));
  return [...people];
}
const as = ({ device }: Person, role: Role) => ({ device: device.deviceId, role });
const newsOf = async (person: Person): Promise<Roster> => {
  await until('it is heard', () => person.heard !== undefined);
  return person.heard as Roster;
};
const rowOf = (seq: number): FrontierRow => ({
  session: toHex(randomBytes(32)) as SessionId,
  channel: 'talk',
  seq,
  hash: randomBytes(32),
});
/** Nothing of what rests there is damaged or missing. */
async function isWhole(person: Person): Promise<void> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  await person.reopen(false);
  vi.advanceTimersByTime(5_000);
  vi.useRealTimers();
  expect(person.notices.filter(({ kind }) => kind === 'internal' || kind === 'at-rest')).toEqual([]);
}
async function rests({ store }: Person, sealed: Uint8Array): Promise<boolean> {
  for await (const batch of store.readAll(2 ** 20))
    if (batch.some((one) => equalBytes(one.sealed, sealed))) return true;
  return false;
}
const here = async (person: Person): Promise<number> => (await person.store.addresses()).length;

it('ROST-11 a commenter who was an editor before gets nothing into the files by a carry of that time', async () => {
  const [ann, rob] = (await room(2)) as [Person, Person];
  const before = rob.way;
  await ann.begin([as(rob, 'editor')]);
  await newsOf(rob);
  await rob.follow();
  const between = rob.way;
  await ann.begin([as(rob, 'commenter')]);
  await newsOf(rob);
  await rob.follow();
  const genesis = rob.way?.roster.genesis;
  if (!before || !between || !genesis) throw new Error('not open');

  // Signed now, with seeds that he still has: words of epoch 0, and a carry of epoch 1 that names them.
  const { roomId } = before.keys;
  const [log0, log1] = [
    new RoomLog({ roomId, keys: before.keys, genesis }),
    new RoomLog({ roomId, keys: between.keys, genesis, statements: between.roster.statements }),
  ];
  const session = await rob.newSession(before.keys);
  const doc = new Y.Doc();
  doc.clientID = session.clientId;
  new Project(doc).createText('evil.txt', 'by a commenter');
  const words = await log0.append(session, 'project', Y.encodeStateAsUpdate(doc).slice(), 1);
  const named = encodeFrontier(log0.frontier());
  const carry = await log1.append(await rob.newSession(between.keys), 'carry', named, 1);
  if (!words.ok || !carry.ok) throw new Error('he could not sign them');
  await rob.close();
  await rob.store.append([toStored(words.value), toStored(carry.value)]);
  await rob.store.changeFacts((facts) => ({ ...facts, carry: [encodeFrontier(log1.frontier())] }));
  await rob.open(true);
  // What his app carries arrives: then all of it has.
  await until('his carry is here', () => ann.messages.some(({ channel }) => channel === 'carry'));
  rob.replica?.post('talk', new Uint8Array(4));
  await until('and what he said after it', () => ann.messages.some(({ channel }) => channel === 'talk'));
  expect(ann.project?.list().map(({ path }) => path)).toEqual(['file.txt']);
});

it('ROST-12 of two tabs of a device none undoes what the other stored', async () => {
  const [ann, ben] = (await room(2)) as [Person, Person];
  await ann.begin([as(ben, 'editor')]);
  const short = await newsOf(ben);
  await ben.follow();
  await ann.begin([as(ben, 'editor')]);
  await newsOf(ben);
  await ben.follow();
  const [one, two] = [rowOf(3), rowOf(4)];
  await moveOn(ben.store, short, [one]);
  await moveOn(ben.store, short, [two, one]);
  await noteCarried(ben.store, [one]);
  const shelf = new Shelf({ store: ben.store, onChange: () => undefined, onError: () => undefined });
  shelf.putFacts({ genesis: short.genesis.bytes });
  await shelf.settled();
  const facts = await ben.store.loadFacts();
  expect(facts.roster).toHaveLength(2);
  expect(toCarry(facts, 'editor')).toEqual([two]);
});

it('ROST-12 more rows than one frontier takes are carried in several', async () => {
  const [ann, ben] = (await room(2)) as [Person, Person];
  await ben.reopen(false);
  ben.write(' ben');
  await ben.replica?.settled();
  await ann.begin([as(ben, 'editor')]);
  await ben.reopen(true);
  const roster = await newsOf(ben);
  const rows = Array.from({ length: 16_385 }, () => rowOf(1));
  await moveOn(ben.store, roster, [...rows, ...(ben.replica?.epochs.closing ?? [])]);
  await ben.reopen(true);
  await until('his words are here', () => ann.read() === 'begin ben');
  expect((await ben.store.loadFacts()).carry).toBeUndefined();
});

it('SYNC-15 what rests here of a later epoch is not taken for damaged by who can’t read it', async () => {
  const [ann] = (await room(1)) as [Person];
  const old = ann.link;
  await ann.begin([]);
  ann.write(' more');
  await ann.replica?.settled();
  await ann.close();
  const [facts, before] = [await ann.store.loadFacts(), await here(ann)];
  // The statement is damaged at rest, and an old link opens the room as it was then.
  const damaged = facts.roster?.map((one) => one.map((byte, i) => (i === 60 ? byte ^ 1 : byte))) ?? [];
  await ann.store.saveFacts({ ...facts, roster: damaged });
  ann.link = old;
  await ann.open(false);
  for await (const _ of ann.replica?.segments(1e6) ?? []) void _;
  await until('it was looked at', () => ann.read() === 'begin');
  await ann.close();
  expect(await here(ann)).toBe(before);
  await ann.store.saveFacts(facts);
  await ann.open(false);
  expect(ann.read()).toBe('begin more');
});

it('ROST-13 who is out sees all that the last grant reads, also by an older link', async () => {
  const [ann, ben] = (await room(2)) as [Person, Person];
  const old = ben.link;
  await ann.begin([as(ben, 'editor')]);
  await newsOf(ben);
  await ben.follow();
  ben.write(' of epoch 1');
  await until('it is there', () => ann.read() === 'begin of epoch 1');
  await ann.begin([]);
  await newsOf(ben);
  ben.link = old;
  await ben.follow();
  expect([ben.way?.kind, ben.way?.keys.epoch, ben.read()]).toEqual(['out', 1, 'begin of epoch 1']);
});

it('ROST-22 who stands at a door answers who knocks, and is silent to the others who stand there', async () => {
  const all = await room(8);
  const [ann, ...others] = all as [Person, ...Person[]];
  for (let epoch = 1; epoch <= 2; epoch++) {
    await ann.begin(others.map((one) => as(one, 'editor')));
    await Promise.all(others.map((one) => newsOf(one).then(() => one.follow())));
    await until('all are there', () => all.every((one) => one.replica?.others.length === 7));
  }
  // Told once by Ann, and by some at the door to some who still stood before it: fewer than if all 8 told all, at 1 and then 2 doors.
  expect(ann.room.sent(frameType.roster)).toBeLessThan((8 * 7 * 3) / 2);
});

it('ROST-1 chains that somebody made by the thousand keep nobody from being removed', async () => {
  const [ann, ben] = (await room(2)) as [Person, Person];
  const { replica } = ann;
  if (replica === undefined) throw new Error('not open');
  const closing = [...Array.from({ length: 20_000 }, () => rowOf(1)), ...replica.epochs.closing];
  vi.spyOn(replica.epochs, 'closing', 'get').mockReturnValue(closing);
  await ann.begin([as(ben, 'editor')]);
  const statement = (await newsOf(ben)).statements[0];
  expect(statement?.closed.length).toBeGreaterThan(1000);
  expect(statement?.closed.length).toBeLessThan(16_384);
  // What is not in the statement is carried by entries.
  await ben.follow();
  await until('Ben has all', () => ben.read() === 'begin');
});

it.each([
  ['an editor who has the other one brings it in', 'editor', [1], true],
  ['an editor who has both brings both in', 'editor', [0, 1], true],
  ['a viewer who has the other one goes on with that of the others', 'viewer', [1], false],
  ['a viewer who alone counted both counts neither', 'viewer', [0, 1], false],
] as const)(
  'FORK-1, ROST-12 two stories when an epoch begins, of which its owner has one: %s',
  async (_, role, has, isIn) => {
    const made = await EpochRoom.make();
    const [ann, ben] = [await Person.of(made, 'e'), await Person.of(made, role === 'editor' ? 'e' : 'v')];
    await ann.store.saveFacts({ genesis: made.genesis });
    people.push(await ann.open(false), ben);
    const { keys, roster } = ann.way ?? {};
    if (keys === undefined || roster?.genesis === undefined) throw new Error('not open');
    const stories = await twoStories(keys, roster.genesis);
    await ann.store.append(stories[0]);
    await ann.reopen();
    expect(ann.read()).toBe('start AA ');
    await ben.store.saveFacts({ genesis: made.genesis });
    await ben.store.append(stories[has[0]]);
    if (has.length > 1) {
      // He found it before: the second story rests as its branch.
      const log = new RoomLog({ roomId: keys.roomId, keys, genesis: roster.genesis });
      for (const { sealed } of stories.flat()) await log.receive(sealed);
      const [, theirs] = stories[1];
      const start = log.foundBranches.at(-1);
      if (theirs === undefined || start === undefined) throw new Error('no fork');
      await ben.store.append([{ ...theirs, session: branchName(start.hash) }]);
      await rememberBranches(ben.store, log.foundBranches);
    }
    await ben.open(false);
    if (has.length > 1) expect(ben.read()).toContain('B ');
    const settle = async (): Promise<void> => {
      for (const one of people) if (one.notices.some(({ kind }) => kind === 'branched')) await one.reopen();
    };
    await ann.begin([as(ben, role)]);
    await ann.reopen(true);
    await ben.reopen(true);
    await newsOf(ben);
    await ann.reopen(false);
    await ben.follow();
    await isWhole(ben);
    await ann.reopen(true);
    await ben.reopen(true);
    if (role === 'editor') ben.write(' ben');
    ann.write(' ann');
    const agree = (): boolean => ben.hash() === ann.hash();
    const isDone = (): boolean => agree() && ann.read().includes('B ') === isIn;
    for (let i = 0; i < 200 && !isDone(); i++) {
      await settle();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until('they agree', isDone);
    expect(ben.read()).toContain('AA ');
    for (const i of has.length > 1 ? has : [])
      for (const { sealed } of stories[i]) expect(await rests(ben, sealed)).toBe(true);
    for (const one of people) await isWhole(one);
  },
);

it('FORK-2, FORK-4, ROST-12 of two stories one waits for what nobody has: both rest where they belong, and all count them in the next epoch', async () => {
  const made = await EpochRoom.make();
  const [ann, ben] = [await Person.of(made, 'e'), await Person.of(made, 'e')];
  await ann.store.saveFacts({ genesis: made.genesis });
  people.push(await ann.open(false), ben);
  const { keys, roster } = ann.way ?? {};
  if (keys === undefined || roster?.genesis === undefined) throw new Error('not open');
  const session = await ben.newSession(keys);
  const said = (text: string, clock = 0) => rawUpdate(session.clientId, clock, [{ text, parent: 'meta' }]);
  const nobodys = new Uint8Array(17).fill(1);
  const forge = () => new Forge({ keys } as ConstructorParameters<typeof Forge>[0], session);
  const mine = await forge().add(said('x')).add(said('y', 1), nobodys).segment(1, 2);
  const other = await forge().add(said('z'), nobodys).segment(1, 1);
  const log = new RoomLog({ roomId: keys.roomId, keys, genesis: roster.genesis });
  for (const sealed of [mine, other]) await log.receive(sealed);
  const start = log.foundBranches.at(-1);
  if (start === undefined) throw new Error('no fork');
  const place = { session: session.id, channel: 'project', first: 1 } as const;
  for (const { store } of people) await store.append([{ ...place, last: 2, sealed: mine }]);
  await ben.store.saveFacts({ genesis: made.genesis });
  await ben.store.append([{ ...place, session: branchName(start.hash), last: 1, sealed: other }]);
  await rememberBranches(ben.store, log.foundBranches);
  await ben.open(false);
  await isWhole(ben);
  await ann.reopen();
  await ann.begin([as(ben, 'editor')]);
  await ann.reopen(true);
  await ben.reopen(true);
  await newsOf(ben);
  await ben.follow();
  ann.write(' ann');
  const isDone = (): boolean => ann.hash() === ben.hash() && ben.read() === ' ann';
  for (let i = 0; i < 200 && !isDone(); i++) {
    for (const one of people) if (one.notices.some(({ kind }) => kind === 'branched')) await one.reopen();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until('they agree', isDone);
});
