/**
 * LOG.md, property test 9: several devices that own a room change its keys and its owners, together or apart, with and without
 * a server that takes the first of two. SEED and RUNS try more.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EpochRoom, Person } from '../../testing/epoch-room.ts';
import { MemoryArchive } from '../../testing/memory-archive.ts';
import { until } from '../../testing/replicas.ts';
import { toHex } from '../core/bytes.ts';
import type { Role } from '../core/ids.ts';
import { archiveKeys } from '../crypto/room-keys.ts';
import { isOwner, ownershipOf } from '../log/owners.ts';
import { EpochTaken } from '../workspace/change-epoch.ts';

const RUNS = Number(process.env['RUNS'] ?? 7);
const SEED = Number(process.env['SEED'] ?? 9_109);

/** Ann, Ben and Dan own the room, or did; Rob is somebody in it. */
const OWNERS = 3;
const ROB = 3;

type Step =
  | { readonly do: 'write' | 'away' | 'back' | 'follow'; readonly who: number }
  | { readonly do: 'begin'; readonly who: number; readonly rob: Role | undefined }
  | { readonly do: 'both'; readonly who: number; readonly rob: Role | undefined }
  | { readonly do: 'own'; readonly who: number; readonly how: 'add' | 'only' };

const owner = fc.nat(OWNERS - 1);
const rob = fc.constantFrom<Role | undefined>('editor', 'editor', 'viewer', undefined);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), who: fc.nat(3) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('away', 'away', 'back', 'follow'), who: fc.nat(3) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('begin' as const), who: owner, rob }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('both' as const), who: owner, rob }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('own' as const),
      who: owner,
      how: fc.constantFrom('add' as const, 'only' as const),
    }),
  },
);

class World {
  readonly people: Person[] = [];
  readonly #online = [true, true, true, true];
  /** By whom, and in which epoch. */
  readonly #written = new Map<string, { readonly who: number; readonly epoch: number }>();
  /** What each has shown. */
  readonly #shown = [new Set<string>(), new Set<string>(), new Set<string>(), new Set<string>()];
  /** The epoch that Rob was left out of first, and not let in again. */
  #robOut: number | undefined;
  #code = '';
  #signs = 0;

  static async make(server: boolean): Promise<World> {
    const world = new World();
    const room = await EpochRoom.make();
    const archive = new MemoryArchive();
    if (server) room.archive = (keys) => archive.open(keys.roomId, archiveKeys(keys));
    for (let i = 0; i < 4; i++) {
      const person = await Person.of(room);
      if (i === 0) {
        person.owner = true;
        await person.store.saveFacts({ genesis: room.genesis });
      }
      world.people.push(await person.open());
    }
    const { people } = world;
    const [ann, ben, dan] = people as [Person, Person, Person];
    ann.write('|');
    await until('all have it', () => people.every((person) => person.read() === '|'));
    if (server)
      await until('the server has it', () => ann.replica?.archive?.state.kind === 'current', 20_000);
    world.#code = await ann.makeCode();
    for (const [i, next] of [ben, dan].entries()) {
      await until('the owners are known', () => people.every((person) => ownersKnownTo(person) === i + 1));
      expect(await next.recover(world.#code, { how: 'add' })).toBeUndefined();
    }
    await until('all know the owners', () => people.every((person) => ownersKnownTo(person) === 3));
    return world;
  }

  async take(one: Step): Promise<void> {
    const person = this.people[one.who] as Person;
    switch (one.do) {
      case 'write':
        return this.#write(person, one.who);
      case 'away':
        this.#online[one.who] = false;
        return person.reopen(false);
      case 'back':
        this.#online[one.who] = true;
        return person.reopen(true);
      case 'follow':
        return this.#follow(one.who);
      case 'begin':
        return this.#begin([person], one.rob);
      case 'both':
        return this.#begin([person, this.people[(one.who + 1) % OWNERS] as Person], one.rob);
      case 'own':
        // Two parts of a roster that were changed apart may not go together (ROST-35).
        if ((person.way?.keys.epoch ?? 0) < this.#newest || person.way?.kind !== 'in') return;
        return void (await person.recover(this.#code, { how: one.how }));
    }
  }

  /** Nothing that was shown is gone. */
  check(): void {
    for (const [i, person] of this.people.entries()) {
      const [text, shown] = [person.read(), this.#shown[i] as Set<string>];
      // Who is out of an epoch that they were granted and never opened does not see there what nobody carried into it.
      if (person.way?.kind !== 'out') expect([...shown].filter((sign) => !text.includes(sign))).toEqual([]);
      for (const sign of text) shown.add(sign);
      expect(person.notices.filter(({ kind }) => kind === 'internal')).toEqual([]);
    }
  }

  /** Everybody comes back, and goes wherever the statements lead. */
  async settle(isSettled: () => boolean): Promise<void> {
    for (const [i, person] of this.people.entries()) {
      this.#online[i] = true;
      await person.reopen(true);
    }
    for (let moved = true; moved;) {
      moved = false;
      await until(
        'they meet',
        () => isSettled() || this.people.some(({ heard }) => heard !== undefined),
        20_000,
      );
      for (const [i, { heard }] of this.people.entries())
        if (heard !== undefined) {
          moved = true;
          await this.#follow(i);
        }
    }
  }

  get staying(): Person[] {
    return this.people.filter(({ way }) => way?.kind === 'in');
  }

  /** Whether all who stay have one roster, and one text. */
  get isOne(): boolean {
    const owners = this.people.slice(0, OWNERS);
    const newest = Math.max(...owners.map(({ way }) => way?.keys.epoch ?? 0));
    return (
      owners.every(({ way }) => way?.kind === 'in' && way.keys.epoch === newest) &&
      this.people.every(({ heard }) => heard === undefined) &&
      (this.people[ROB]?.way?.kind === 'out' || this.people[ROB]?.way?.keys.epoch === newest) &&
      new Set(this.staying.map(rosterOf)).size === 1 &&
      new Set(this.staying.map((person) => person.hash())).size === 1
    );
  }

  /** Everybody's words are there once; and Rob reads nothing of what was written when he was out. */
  checkWords(): void {
    const [ann] = this.people as [Person];
    const text = ann.read();
    for (const [sign, { who, epoch }] of this.#written) {
      const times = text.split(sign).length - 1;
      if (this.staying.includes(this.people[who] as Person)) expect(times, sign).toBe(1);
      if (this.#robOut !== undefined && epoch >= this.#robOut)
        expect(this.people[ROB]?.read()).not.toContain(sign);
    }
    expect(this.people[ROB]?.way?.kind === 'out').toBe(this.#robOut !== undefined);
  }

  async end(): Promise<void> {
    await Promise.all(this.people.map((person) => person.close()));
  }

  get #newest(): number {
    return Math.max(...this.people.map(({ way }) => way?.keys.epoch ?? 0));
  }

  async #follow(i: number): Promise<void> {
    const person = this.people[i] as Person;
    if (person.heard === undefined) return;
    await person.follow();
    // Who may not write any more carries nothing along, and was told so.
    if (person.way?.kind === 'in' && person.way.keys.role !== 'editor') this.#shown[i] = new Set();
  }

  async #write(person: Person, who: number): Promise<void> {
    if (person.way?.kind !== 'in' || person.way.keys.role !== 'editor') return;
    const sign = String.fromCodePoint(0x4e00 + this.#signs++);
    person.write(sign);
    await person.replica?.settled();
    this.#written.set(sign, { who, epoch: person.way.keys.epoch });
  }

  async #begin(by: readonly Person[], rob: Role | undefined): Promise<void> {
    const epochs = this.people.map(({ way }) => way?.keys.epoch ?? 0);
    // Who is away for more than three finds no door (ROST-22).
    if (Math.max(...epochs) - Math.min(...epochs) > 1) return;
    const members = this.people.map(({ device }, i) => ({
      device: device.deviceId,
      role: i === ROB ? rob : ('editor' as const),
    }));
    const stay = members.flatMap(({ device, role }) => (role === undefined ? [] : [{ device, role }]));
    const began = await Promise.all(by.map((person) => beginOf(person, stay)));
    const [first] = began.flatMap((epoch) => epoch ?? []);
    if (first !== undefined) this.#robOut = rob === undefined ? (this.#robOut ?? first) : undefined;
    for (const person of by) if (!this.#online[this.people.indexOf(person)]) await person.reopen(false);
  }
}

/** Which epoch they began; undefined where they may not, or another was first. */
async function beginOf(
  person: Person,
  members: readonly { readonly device: Person['device']['deviceId']; readonly role: Role }[],
): Promise<number | undefined> {
  const { replica, way } = person;
  const roster = replica?.epochs.roster;
  if (roster === undefined || way?.kind !== 'in' || way.keys.role !== 'editor') return undefined;
  const { publicKey } = person.ownKey ?? person.room.owner;
  if (!isOwner(ownershipOf(roster.genesis, roster.owners), publicKey)) return undefined;
  // Who heard of an epoch goes there first, as the page does.
  if (person.heard !== undefined) return undefined;
  try {
    await person.begin(members);
    return way.keys.epoch + 1;
  } catch (error) {
    if (error instanceof EpochTaken) return undefined;
    throw error;
  }
}

const ownersKnownTo = ({ replica }: Person): number => replica?.epochs.news.owners.length ?? 0;
const rosterOf = ({ replica }: Person): string => {
  const { statements = [], owners = [] } = replica?.epochs.roster ?? {};
  return [...statements, ...owners].map(({ bytes }) => toHex(bytes)).join();
};

const steps = fc.array(step, { minLength: 5, maxLength: 16 });

it(
  `LOG.md 9, ROST-37, ARCH-22, ARCH-23 [seed ${SEED}, ${RUNS} runs] several owners and a server: one roster, removals hold, every word is everybody's`,
  { timeout: 60_000 + RUNS * 30_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const world = await World.make(true);
        try {
          for (const one of all) {
            await world.take(one);
            world.check();
          }
          await world.settle(() => world.isOne);
          await until('one roster, one text', () => world.isOne, 20_000);
          world.check();
          world.checkWords();
        } finally {
          await world.end();
        }
      }),
      { seed: SEED, numRuns: RUNS, endOnFailure: true },
    );
  },
);

it(
  `LOG.md 9, ROST-35 [seed ${SEED}, ${RUNS} runs] several owners and no server: whoever is of one roster goes on, and nobody loses a word`,
  { timeout: 60_000 + RUNS * 30_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const world = await World.make(false);
        try {
          for (const one of all) {
            await world.take(one);
            world.check();
          }
          /** Those of one roster, who have one text; there may be several such. */
          const groups = (): Person[][] => {
            const byKeys = new Map<string, Person[]>();
            for (const person of world.staying) {
              const { seeds } = person.way?.keys ?? {};
              const name = seeds ? toHex(seeds.v) : '';
              byKeys.set(name, [...(byKeys.get(name) ?? []), person]);
            }
            return [...byKeys.values()];
          };
          const alike = () =>
            groups().every((group) => new Set(group.map((person) => person.hash())).size === 1) &&
            world.people.every(({ heard }) => heard === undefined);
          await world.settle(alike);
          await until('those of one roster have one text', alike, 20_000);
          world.check();
          // Nobody is kept from going on.
          for (const group of groups())
            for (const person of group)
              if (person.way?.keys.role === 'editor') {
                person.write('!');
                await until('it goes on', () => group.every((each) => each.read().includes('!')));
              }
        } finally {
          await world.end();
        }
      }),
      { seed: SEED, numRuns: RUNS, endOnFailure: true },
    );
  },
);
