/** LOG.md, property test 7: removals, people who are away, lowered roles and old links, in any order. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EpochRoom, Person } from '../../testing/epoch-room.ts';
import { until } from '../../testing/replicas.ts';
import type { Role } from '../core/ids.ts';

const RUNS = 12;

type Step =
  | { readonly do: 'write' | 'away' | 'back' | 'reopen'; readonly who: number }
  /** The owner gives each of the others a role, or none. */
  | { readonly do: 'change'; readonly roles: readonly (Role | undefined)[] };

const who = fc.nat(3);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write' as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('away', 'back', 'reopen'), who }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('change' as const),
      roles: fc.array(fc.constantFrom<Role | undefined>('editor', 'editor', 'viewer', undefined), {
        minLength: 3,
        maxLength: 3,
      }),
    }),
  },
);

class World {
  readonly people: Person[] = [];
  readonly #online: boolean[] = [true, true, true, true];
  /** What each wrote while they could, in order. */
  readonly written = new Map<string, number>();
  /** What somebody wrote who was out. */
  readonly refused = new Set<string>();
  #words = 0;

  static async make(): Promise<World> {
    const world = new World();
    const room = await EpochRoom.make();
    for (let i = 0; i < 4; i++) {
      const person = await Person.of(room);
      if (i === 0) await person.store.saveFacts({ genesis: room.genesis });
      world.people.push(await person.open());
    }
    world.owner.write('begin');
    await until('all have it', () => world.people.every((person) => person.read() === 'begin'));
    return world;
  }

  get owner(): Person {
    return this.people[0] as Person;
  }

  async take(one: Step): Promise<void> {
    if (one.do === 'change') return this.#change(one.roles);
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
      case 'reopen':
        return person.reopen(this.#online[one.who] ?? true);
    }
  }

  /** Everybody comes back, and goes wherever the statements lead. */
  async settle(): Promise<void> {
    for (const [i, person] of this.people.entries()) {
      this.#online[i] = true;
      await person.reopen(true);
    }
    const newest = this.owner.way?.keys.epoch ?? 0;
    const others = this.people.slice(1);
    // Former epochs have three doors: who missed more needs a link, or somebody who was not away as long.
    const isLate = (person: Person): boolean =>
      epochKnownTo(person) < newest && epochKnownTo(person) >= newest - 3;
    const called = (): Person[] =>
      others.filter(({ heard, letIn }) => heard !== undefined || letIn !== undefined);
    // Who was away for many epochs learns of some at the door of somebody who has just come along themselves.
    while (called().length > 0 || others.some(isLate)) {
      await until('somebody hears of a newer epoch', () => called().length > 0, 20_000);
      for (const person of called()) await (person.heard === undefined ? person.reopen() : person.follow());
    }
  }

  staying(): Person[] {
    const newest = this.owner.way?.keys.epoch;
    return this.people.filter(({ way }) => way?.kind === 'in' && way.keys.epoch === newest);
  }

  async #change(roles: readonly (Role | undefined)[]): Promise<void> {
    const members = this.people.slice(1).flatMap(({ device }, i) => {
      const role = roles[i];
      return role === undefined ? [] : [{ device: device.deviceId, role }];
    });
    await this.owner.begin(members);
    if (!this.#online[0]) await this.owner.reopen(false);
    // Some hear it at once and go there; others stay where they are until they are looked at again.
    await new Promise((resolve) => setImmediate(resolve));
    for (const person of this.people.slice(1)) if (person.heard !== undefined) await person.follow();
    // A page that is out goes on by itself as soon as it is let in: whoever stayed away longer would find no door.
    for (const [i, person] of this.people.entries()) {
      const isGiven = members.some(({ device }) => device === person.device.deviceId);
      if (!isGiven || person.way?.kind !== 'out' || !this.#online[i] || !this.#online[0]) continue;
      await until('the door to be answered', () => person.letIn !== undefined);
      await person.reopen();
    }
  }

  async #write(person: Person, index: number): Promise<void> {
    const word = ` ${index}.${this.#words++};`;
    const { way } = person;
    if (way?.kind === 'newcomer' || way?.keys.role !== 'editor') return;
    person.write(word);
    await person.replica?.settled();
    if (way.kind === 'out') this.refused.add(word);
    else this.written.set(word, index);
  }
}

/** The newest epoch that a person has a statement of. */
const epochKnownTo = ({ way, heard }: Person): number =>
  heard?.statements.length ?? (way?.kind === 'out' ? Infinity : (way?.keys.epoch ?? 0));

it(
  `LOG.md 7, ROST-10 to ROST-13, ROST-22 [seed 7107, ${RUNS} runs] who stays has every word of theirs once, and all agree`,
  { timeout: RUNS * 30_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
        const world = await World.make();
        try {
          for (const one of steps) await world.take(one);
          await world.settle();
          const staying = world.staying();
          const hashes = () => new Set(staying.map((person) => person.hash()));
          await until('all who stay agree', () => hashes().size === 1, 20_000);
          const editors = staying.filter(({ way }) => way?.keys.role === 'editor');
          const text = world.owner.read();
          for (const [word, index] of world.written) {
            const writer = world.people[index] as Person;
            const times = text.split(word).length - 1;
            if (editors.includes(writer)) expect(times, `${word} in ${text}`).toBe(1);
            else expect(times).toBeLessThanOrEqual(1);
          }
          // Who was out and was let in again brings what they wrote meanwhile; from who is out nothing comes.
          for (const word of world.refused) {
            const writer = world.people[Number(word.trim()[0])] as Person;
            if (!staying.includes(writer)) expect(text).not.toContain(word);
          }
        } finally {
          await Promise.all(world.people.map((person) => person.close()));
        }
      }),
      { seed: 7107, numRuns: RUNS },
    );
  },
);
