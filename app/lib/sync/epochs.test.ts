/** Epochs with whole replicas: who stays loses nothing, who is out gets nothing in (docs/spec-roster.md). */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { EpochRoom, Person } from '../../testing/epoch-room.ts';
import { mortalStore } from '../../testing/mortal-store.ts';
import { until } from '../../testing/replicas.ts';
import { moveOn } from './move-on.ts';

vi.setConfig({ testTimeout: 30_000 });
const people: Person[] = [];
afterEach(async () => {
  await Promise.all(people.splice(0).map((person) => person.close()));
});

async function room(...kinds: ('e' | 'c' | 'v')[]): Promise<Person[]> {
  const made = await EpochRoom.make();
  for (const kind of kinds) {
    const person = await Person.of(made, kind);
    if (people.length === 0) await person.store.saveFacts({ genesis: made.genesis });
    people.push(await person.open());
  }
  const [first] = people;
  first?.write('begin');
  await until('all have it', () => people.every((person) => person.read() === 'begin'));
  return people;
}
const editor = ({ device }: Person) => ({ device: device.deviceId, role: 'editor' as const });
const heard = (...who: Person[]) => until('all heard', () => who.every((one) => one.heard !== undefined));
/** Hear of the newest statement, and go there. */
const goOn = async (...who: Person[]): Promise<void> => {
  await heard(...who);
  for (const one of who) await one.follow();
};
const say = (text: string, ...who: Person[]) =>
  until(`all say ${text}: ${who.map((one) => one.read()).join(' | ')}`, () =>
    who.every((one) => one.read() === text),
  );

it('who stays goes on with all words; who is removed hears it, keeps theirs, and gets no more in or out', async () => {
  const [ann, ben, rob] = (await room('e', 'e', 'e')) as [Person, Person, Person];
  await ann.begin([editor(ben)]);
  await goOn(ben, rob);
  expect(ann.way?.keys.epoch).toBe(1);
  expect(ben.way?.kind).toBe('in');
  expect(rob.way?.kind).toBe('out');
  ann.write(' ann');
  ben.write(' ben');
  await until('both have both', () => ann.read().length === 13 && ann.read() === ben.read());
  expect(rob.read()).toBe('begin');
  rob.write(' rob');
  await rob.replica?.settled();
  await rob.reopen();
  expect(rob.read()).toBe('begin rob');
  expect(ann.hash()).toBe(ben.hash());
  expect(ann.read()).not.toContain('rob');
});

it.each([1, 2])(
  'who was away for %i changes finds the door of the old epoch, with their words',
  async (changes) => {
    const [ann, ben, cleo] = (await room('e', 'e', 'e')) as [Person, Person, Person];
    await cleo.reopen(false);
    cleo.write(' cleo');
    for (let change = 1; change <= changes; change++) {
      await ann.begin([editor(ben), editor(cleo)]);
      await goOn(ben);
      ben.write(` ben${change}`);
      await until('Ann has it', () => ann.read() === ben.read());
    }
    await cleo.reopen(true);
    await goOn(cleo);
    expect(cleo.way?.keys.epoch).toBe(changes);
    await until('all agree', () => ann.read() === cleo.read() && ben.read() === cleo.read());
    expect(new Set([ann.hash(), ben.hash(), cleo.hash()]).size).toBe(1);
    for (const word of ['cleo', `ben${changes}`]) expect(cleo.read().split(word)).toHaveLength(2);
  },
);

it('who gets a new link before the door was found brings what they wrote meanwhile', async () => {
  const [ann, ben] = (await room('e', 'e')) as [Person, Person];
  await ben.reopen(false);
  ben.write(' ben');
  await ben.replica?.settled();
  await ann.begin([]);
  ben.link = ann.link;
  await ben.reopen(true);
  expect(ben.way?.kind).toBe('newcomer');
  await goOn(ben);
  await say('begin ben', ann, ben);
});

it('what the disk did not take is told before the room is opened again', async () => {
  const [ann, ben] = (await room('e', 'e')) as [Person, Person];
  const full = () => Promise.reject(new DOMException('', 'QuotaExceededError'));
  vi.spyOn(ben.store, 'append').mockImplementation(full);
  await ben.reopen(true);
  await ann.begin([editor(ben)]);
  await heard(ben);
  expect(ben.replica?.atRest).toBe(true);
  ben.write(' ben');
  expect((await ben.follow()).unsaved).toBe(true);
});

it('what the removed one is typing right then holds nobody up: only what the disk refuses is not stored', async () => {
  const [ann, ben, rob] = (await room('e', 'e', 'e')) as [Person, Person, Person];
  await ann.begin([editor(ben)]);
  await heard(ben, rob);
  const changeFacts = ben.store.changeFacts.bind(ben.store);
  const append = ben.store.append.bind(ben.store);
  let answers = (): void => undefined;
  const slow = new Promise<void>((resolve) => (answers = resolve));
  vi.spyOn(ben.store, 'append').mockImplementation(async (segments) => {
    await slow;
    await new Promise((resolve) => setTimeout(resolve));
    await append(segments);
  });
  // While Ben's device takes the new keys, Rob's words come in, and the disk is still at them when that is done.
  vi.spyOn(ben.store, 'changeFacts').mockImplementationOnce(async (change) => {
    rob.write(' rob');
    await until('Ben has it', () => ben.read() === 'begin rob');
    await changeFacts(change);
    answers();
  });
  expect((await ben.follow()).unsaved).toBe(false);
});

it('what somebody who stays had of the removed one comes along; what nobody had does not', async () => {
  const [ann, ben, rob] = (await room('e', 'e', 'e')) as [Person, Person, Person];
  // Ben and Rob meet without Ann.
  await ann.reopen(false);
  rob.write(' rob');
  await say('begin rob', ben);
  await rob.reopen(false);
  rob.write(' alone');
  await ann.begin([editor(ben)]);
  await ann.reopen(true);
  await goOn(ben);
  await say('begin rob', ann, ben);
  await rob.reopen(true);
  await goOn(rob);
  expect(rob.read()).toBe('begin rob alone');
  expect(ann.hash()).toBe(ben.hash());

  // A new link lets Rob in again, with what he had.
  const { seedKind, seed, epoch, roomId } = ann.link;
  rob.link = { seedKind, seed, epoch, roomId };
  await rob.reopen(true);
  expect(rob.way?.kind).toBe('in');
  await say('begin rob alone', ann, ben, rob);
});

it('who comes by a new link gets the room of all epochs', async () => {
  const [ann, ben] = (await room('e', 'e')) as [Person, Person];
  await ann.begin([editor(ben)]);
  await goOn(ben);
  ann.write(' new');
  await say('begin new', ben);
  const dan = await Person.of(ann.room, 'v');
  dan.link = await ann.room.linkTo('v', ann.link);
  people.push(await dan.open());
  expect(dan.way?.kind).toBe('newcomer');
  await goOn(dan);
  await say('begin new', dan);
  expect(dan.hash()).toBe(ann.hash());
  // An old link on a device that has nothing: the door says that it was replaced.
  const eve = await Person.of(ann.room, 'e');
  people.push(await eve.open());
  await goOn(eve);
  expect(eve.way?.kind).toBe('out');
  expect(eve.read()).toBe('');
});

it('a lowered role: what its holder wrote and nobody had stays with them; a raised one writes', async () => {
  const [ann, ben, vic] = (await room('e', 'e', 'v')) as [Person, Person, Person];
  await ben.reopen(false);
  ben.write(' ben');
  await ann.begin([
    { device: ben.device.deviceId, role: 'viewer' },
    { device: vic.device.deviceId, role: 'editor' },
  ]);
  await goOn(vic);
  vic.write(' vic');
  await say('begin vic', ann);
  await ben.reopen(true);
  await heard(ben);
  expect(ben.replica?.epochs.leftBehind(ben.heard as never, 'viewer')).toBe(1);
  expect(ben.replica?.epochs.leftBehind(ben.heard as never, 'editor')).toBe(0);
  await ben.follow();
  expect(ben.way?.keys.role).toBe('viewer');
  await say('begin vic', ben);
  expect(ben.hash()).toBe(ann.hash());
  // Not gone: with a role that may, it is carried after all.
  await ann.begin([editor(ben), editor(vic)]);
  await goOn(ben, vic);
  await until('all have it', () => [ann, ben, vic].every((one) => one.read().includes('ben')));
  expect(new Set([ann.hash(), ben.hash(), vic.hash()]).size).toBe(1);
});

describe('ROST-12 a tab that dies on its way into the new epoch', () => {
  it.each(
    Array.from({ length: 4 }, (_, nth) => nth).flatMap((nth) =>
      (['before', 'after'] as const).map((moment) => ({ nth, moment })),
    ),
  )('$moment write $nth: all of its words come along', async ({ nth, moment }) => {
    const [ann, ben] = (await room('e', 'e')) as [Person, Person];
    await ben.reopen(false);
    ben.write(' ben');
    await ben.replica?.settled();
    await ann.begin([editor(ben)]);
    await ben.reopen(true);
    await heard(ben);
    const { heard: roster, replica } = ben;
    if (roster === undefined || replica === undefined) throw new Error('nothing was heard');
    const closing = replica.epochs.closing;
    await replica.close();
    const mortal = mortalStore(ben.store, nth, moment);
    ben.disk = mortal.store;
    const dies = until('the tab died', () => mortal.dead);
    // Two writes to go there, two to carry what it had.
    await Promise.race([dies, moveOn(mortal.store, roster, closing).then(() => ben.open(false))]);
    await dies;
    ben.disk = ben.store;
    ben.notices.length = 0;
    await ben.open(true);
    if (ben.way?.keys.epoch === 0) {
      await heard(ben);
      await ben.follow();
    }
    await say('begin ben', ann, ben);
    expect(ben.hash()).toBe(ann.hash());
  });
});
