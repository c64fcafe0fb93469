/**
 * LOG.md, property test 6, with epochs: the archive alone, uploaders killed at random, and an owner who gives the room new keys in
 * between. Whatever a tab called archived, of what the owner had when the epoch began, is readable by somebody who comes with
 * the new link alone. RUNS=200 tries more.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EpochRoom, Person } from '../../../testing/epoch-room.ts';
import { untilLater } from '../../../testing/fast-time.ts';
import { MemoryArchive, type ArchiveFault } from '../../../testing/memory-archive.ts';
import { mortalStore } from '../../../testing/mortal-store.ts';
import type { Bytes } from '../../core/bytes.ts';
import { archiveKeys } from '../../crypto/room-keys.ts';
import { epochOf, kindOf } from '../../log/seal.ts';

const RUNS = Number(process.env.RUNS ?? 8);
const DEVICES = 3;
const STEP_MS = 1_000;
const MONTH_MS = 31 * 24 * 3_600_000;

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Counted from when the tab opens; `store` counts writes, `server` requests. */
const death = fc.option(
  fc.record({
    by: fc.constantFrom('store' as const, 'server' as const),
    nth: fc.nat(14),
    moment: fc.constantFrom('before' as const, 'after' as const),
  }),
);
type Death = { by: 'store' | 'server'; nth: number; moment: 'before' | 'after' } | null;
const who = fc.nat(DEVICES - 1);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('open' as const), who, death }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('type' as const), who, words: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('pass' as const), s: fc.constantFrom(1, 3, 20, 70) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const), who }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('epoch' as const), removes: fc.option(who) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('month' as const) }) },
);
/** Of all requests in order, again and again: answers that get lost, and refusals. */
const faults = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constant<ArchiveFault>('later') },
    { weight: 1, arbitrary: fc.constant<ArchiveFault>('lost') },
  ),
  { minLength: 1, maxLength: 40 },
);

/** While work goes on that timers are a part of. */
async function timed<T>(what: string, work: Promise<T>): Promise<T> {
  let done = false;
  const going = work.finally(() => (done = true));
  going.catch(() => undefined);
  await untilLater(what, () => done, STEP_MS);
  return going;
}
const wordsOf = ({ project }: Person): string[] =>
  project?.list().flatMap(({ id }) => project.text(id)?.toString().match(/<\d+>/g) ?? []) ?? [];

/** A tab of a device; what has died does nothing and hears nothing any more. */
interface Tab {
  readonly dead: boolean;
  readonly die: () => void;
}
interface Device {
  readonly person: Person;
  tab: Tab | undefined;
  isOut: boolean;
}
const isOpen = ({ tab }: Device): boolean => tab?.dead === false;

class World {
  readonly archive = new MemoryArchive();
  readonly room: EpochRoom;
  readonly owner: Device;
  readonly devices: Device[];
  readonly #faults: readonly (ArchiveFault | undefined)[];
  #requests = 0;
  #words = 0;
  /** What was called archived and has to be readable. */
  noted = new Set<string>();
  notes = 0;
  epochs = 0;

  private constructor(
    room: EpochRoom,
    people: readonly Person[],
    requestFaults: readonly (ArchiveFault | undefined)[],
  ) {
    this.room = room;
    this.#faults = requestFaults;
    const [owner, ...others] = people.map((person): Device => ({ person, tab: undefined, isOut: false }));
    if (owner === undefined) throw new Error('nobody');
    this.owner = owner;
    this.devices = [owner, ...others];
  }

  static async make(requestFaults: readonly (ArchiveFault | undefined)[]): Promise<World> {
    const room = await EpochRoom.make();
    room.meets = false;
    // What one segment more holds is worth a statement.
    room.archiveRoom = { restMs: 1_000, everyMs: 1_000, grownBytes: 1, worthBytes: 1 };
    const people: Person[] = [];
    for (let i = 0; i < DEVICES; i++) people.push(await Person.of(room));
    const world = new World(room, people, requestFaults);
    world.owner.person.owner = true;
    await world.owner.person.store.saveFacts({ genesis: room.genesis });
    await world.open(world.owner, null);
    world.owner.person.project?.createText('file.txt', '');
    return world;
  }

  /** A tab with the newest link, where none is open. */
  async open(device: Device, dies: Death, isFaulty = true): Promise<void> {
    const { person } = device;
    if (isOpen(device) || device.isOut) return;
    const newest = this.owner.person.link;
    if (newest.epoch > (person.way?.keys.epoch ?? 0)) {
      person.link = await this.room.linkTo('e', newest);
      await this.#enter(device, null, false);
      const went = await goToStatements(person);
      await timed('a tab to close', person.close());
      device.tab?.die();
      // The owner's device may have died before it brought them there.
      if (!went) return;
    }
    await this.#enter(device, dies, isFaulty);
  }

  /** `lastWish`: it dies when the archive has that. */
  async #enter(device: Device, dies: Death, isFaulty: boolean, lastWish?: 'statements'): Promise<void> {
    const { person } = device;
    const nth = dies?.by === 'store' ? dies.nth : Infinity;
    const mortal = mortalStore(person.store, nth, dies?.moment ?? 'before');
    let asked = 0;
    const fault = (): ArchiveFault | undefined => {
      if (mortal.dead) return 'never';
      if (dies?.by === 'server' && asked++ === dies.nth) {
        mortal.die();
        return dies.moment === 'before' ? 'never' : 'unheard';
      }
      return isFaulty ? this.#faults[this.#requests++ % this.#faults.length] : undefined;
    };
    this.room.archive = (keys) => {
      const server = this.archive.open(keys.roomId, archiveKeys(keys), fault);
      const append: typeof server.append = async (records, squashed) => {
        const said = await server.append(records, squashed);
        if (lastWish === 'statements' && records.some((one) => kindOf(one) === 'roster')) mortal.die();
        return said;
      };
      return { ...server, append };
    };
    person.disk = mortal.store;
    person.notices.length = 0;
    device.tab = mortal;
    let opened = false;
    const opening = person.open(true).then(() => (opened = true));
    opening.catch(() => undefined);
    // It may die of what it writes at once.
    await untilLater('a tab to open', () => opened || mortal.dead, STEP_MS);
  }

  type({ person, ...device }: Device, words: number): void {
    const isHere = device.tab?.dead === false && person.way?.kind === 'in' && person.project !== undefined;
    if (!isHere || person.project?.list().length === 0) return;
    for (let i = 0; i < words; i++) person.write(`<${++this.#words}>`);
  }

  /** The owner gives the room new keys, and the archive is not asked before; who is removed is out for good. */
  async begin(removed: Device | undefined): Promise<void> {
    this.owner.tab?.die();
    await this.open(this.owner, null, false);
    if (removed !== undefined && removed !== this.owner) {
      removed.tab?.die();
      removed.isOut = true;
    }
    const { person } = this.owner;
    // What only others have comes along when they do.
    const here = new Set(wordsOf(person));
    this.noted = new Set([...this.noted].filter((word) => here.has(word)));
    const members = this.devices.filter(({ isOut }) => !isOut).map(({ person: { device } }) => device);
    await timed(
      'the epoch',
      person.begin(members.map(({ deviceId }) => ({ device: deviceId, role: 'editor' as const }))),
    );
    this.epochs++;
  }

  /** Nobody is left, and of the owner's device the archive gets the statements at the most: without them nobody could come. */
  async end(): Promise<void> {
    for (const { tab } of this.devices) tab?.die();
    const { person } = this.owner;
    const keys = person.way?.keys;
    if (keys === undefined || keys.epoch === 0) return;
    const page = await this.archive.open(keys.roomId, archiveKeys(keys)).page(0);
    const isThere = (one: Bytes): boolean => kindOf(one) === 'roster' && epochOf(one) === keys.epoch;
    if (page.ok && page.value.segments.some(isThere)) return;
    await this.#enter(this.owner, null, false, 'statements');
    await untilLater('the statements to be there', () => !isOpen(this.owner), STEP_MS);
  }

  /** What was superseded goes: how many segments. */
  async month(): Promise<number> {
    if (isOpen(this.owner)) this.owner.person.replica?.archive?.refresh();
    await this.pass(20);
    const { roomId } = this.room.link;
    const before = this.archive.segments(roomId).length;
    this.archive.pass(MONTH_MS);
    return before - this.archive.segments(roomId).length;
  }

  async pass(seconds: number): Promise<void> {
    let steps = 0;
    await untilLater('time', () => (this.note(), steps++ >= (seconds * 1000) / STEP_MS), STEP_MS);
  }

  /** Remembers what a tab of the newest epoch calls archived now. */
  note(): void {
    const { epoch } = this.owner.person.link;
    for (const device of this.devices) {
      const { way, unsaved, replica } = device.person;
      if (!isOpen(device) || device.isOut || unsaved || way?.kind !== 'in' || way.keys.epoch !== epoch)
        continue;
      if (replica?.archive?.state.kind !== 'current') continue;
      for (const word of wordsOf(device.person)) this.noted.add(word);
      this.notes++;
    }
  }

  /** Somebody with the newest view link and nothing else. */
  async joiner(): Promise<Person> {
    const person = await Person.of(this.room, 'v');
    person.link = await this.room.linkTo('v', this.owner.person.link);
    this.room.archive = (keys) => this.archive.open(keys.roomId, archiveKeys(keys));
    await timed('somebody to come', person.open(true));
    expect(await goToStatements(person)).toBe(true);
    return person;
  }
}

/** Where the link is of an epoch that nothing is known of, the archive has the statements, sooner or later. */
async function goToStatements(person: Person): Promise<boolean> {
  if (person.way?.kind !== 'newcomer') return true;
  let steps = 0;
  await untilLater('the statements', () => person.heard !== undefined || steps++ > 90, STEP_MS);
  if (person.heard === undefined) return false;
  await timed('to go there', person.follow());
  return true;
}

let [notes, removed, epochs] = [0, 0, 0];
test(
  `LOG.md 6, ARCH-15, ARCH-20, ARCH-28, ARCH-29 [seed 6107, ${RUNS} runs] what was called archived outlives an epoch`,
  async () => {
    const plan = fc.record({ steps: fc.array(step, { minLength: 8, maxLength: 24, size: 'max' }), faults });
    await fc.assert(
      fc.asyncProperty(plan, async ({ steps, faults: requestFaults }) => {
        const world = await World.make(requestFaults);
        await world.pass(4);
        for (const one of steps) {
          const device = 'who' in one ? world.devices[one.who] : undefined;
          if (one.do === 'open' && device) await world.open(device, one.death);
          else if (one.do === 'type' && device) world.type(device, one.words);
          else if (one.do === 'kill' && device) device.tab?.die();
          else if (one.do === 'epoch')
            await world.begin(one.removes === null ? undefined : world.devices[one.removes]);
          else if (one.do === 'month') removed += await world.month();
          else if (one.do === 'pass') await world.pass(one.s);
          await world.pass(0);
        }
        await world.end();
        removed += await world.month();
        const noted = [...world.noted];
        const late = await world.joiner();
        await untilLater(
          'all that was called archived',
          () => {
            const words = new Set(wordsOf(late));
            return noted.every((word) => words.has(word));
          },
          STEP_MS,
        );
        await timed('a tab to close', late.close());

        // Everybody who stays comes again, with nothing in the way: all agree, and nothing is there twice.
        for (const device of world.devices) {
          device.tab?.die();
          await world.open(device, null, false);
          expect(isOpen(device)).toBe(!device.isOut);
        }
        const staying = world.devices.filter(({ isOut }) => !isOut).map(({ person }) => person);
        const last = await world.joiner();
        await untilLater(
          'all to agree',
          () => {
            const [first, ...rest] = [...staying, last].map((one) => one.hash());
            return (
              rest.every((hash) => hash === first) &&
              staying.every(({ replica }) => replica?.archive?.state.kind === 'current')
            );
          },
          STEP_MS,
        );
        // Whoever comes after all that has only what is left when room was made.
        removed += await world.month();
        const after = await world.joiner();
        await untilLater('all of it', () => after.hash() === last.hash(), STEP_MS);
        for (const one of [...staying, last, after]) {
          const words = wordsOf(one);
          expect(new Set(words).size).toBe(words.length);
          expect(one.notices.filter(({ kind }) => kind === 'refused' || kind === 'fork')).toEqual([]);
          await timed('a tab to close', one.close());
        }
        notes += world.notes;
        epochs += world.epochs;
      }),
      { seed: 6107, numRuns: RUNS, endOnFailure: RUNS < 40 },
    );
    // Nothing noted, begun or removed would prove nothing.
    expect(notes).toBeGreaterThan(RUNS);
    expect(epochs).toBeGreaterThan(RUNS);
    expect(removed).toBeGreaterThan(0);
  },
  RUNS * 40_000,
);
