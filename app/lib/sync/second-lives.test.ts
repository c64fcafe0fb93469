/**
 * LOG.md, property test 8: profiles that were copied, machines that were restored, tabs that were frozen, workers that died. What
 * anybody typed is in everybody's text once, and the room is opened again at most. SEED and RUNS try more.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Freezer } from '../../testing/freezer.ts';
import { MemoryNetwork } from '../../testing/memory-network.ts';
import { makeRoom, openReplica, type TestReplica, type TestRoom } from '../../testing/replicas.ts';
import { randomBytes, toHex, utf8, type Bytes } from '../core/bytes.ts';
import { deviceKeyPairFromSeed } from '../crypto/device-keys.ts';
import { issueSession, type OwnSession } from '../log/certificate.ts';
import type { LogStore } from '../log/log-store.ts';
import { isPending } from '../log/test-room.ts';
import { memoryStore } from '../storage/stores/memory.ts';
import { inPlaceFolder, type Folder } from './folder.ts';

const RUNS = Number(process.env['RUNS'] ?? 3);
const SEED = Number(process.env['SEED'] ?? 8_108);

const freezer = new Freezer();
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  freezer.takeTimers();
});
afterEach(() => {
  freezer.giveBack();
  vi.useRealTimers();
});
const realTimeout = globalThis.setTimeout;
const turn = (): Promise<void> => new Promise((resolve) => realTimeout(resolve, 1));

/** A worker that ends at its `dies`th await, before or after it did what it was asked to. */
function mortalFolder(dies: () => 'before' | 'after' | undefined): Folder {
  const inner = inPlaceFolder();
  const mortal = async <T>(work: () => Promise<T>): Promise<T> => {
    const when = dies();
    if (when === 'before') throw new Error('fold worker: ended');
    const result = await work();
    if (when === 'after') throw new Error('fold worker: ended');
    return result;
  };
  return {
    start: (start) => mortal(() => inner.start(start)),
    fold: (sealed) => mortal(() => inner.fold(sealed)),
    contains: (state) => mortal(() => inner.contains(state)),
    checkSnapshot: (...of) => mortal(() => inner.checkSnapshot(...of)),
    end: () => inner.end(),
  };
}

/** As a copied profile has it. */
async function copyOf(store: LogStore): Promise<LogStore> {
  const copy = memoryStore();
  await copy.saveFacts(await store.loadFacts());
  for await (const stored of store.readAll(2 ** 20)) await copy.append(stored);
  const snapshot = await store.loadSnapshot();
  if (snapshot !== undefined) await copy.saveSnapshot(snapshot);
  return copy;
}

interface Place {
  readonly device: Bytes;
  disk: LogStore;
  tab: TestReplica | undefined;
  session: OwnSession | undefined;
  /** A copy of the disk, and what was running then. */
  backup: { readonly disk: LogStore; readonly session: OwnSession | undefined } | undefined;
}

type Step =
  | { readonly do: 'type' | 'say' | 'burst' | 'back-up' | 'freeze' | 'thaw'; readonly who: number }
  | { readonly do: 'reopen' | 'second-tab'; readonly who: number }
  /** `live`: what ran goes on where the copy was made, its session too. */
  | { readonly do: 'clone' | 'restore'; readonly who: number; readonly live: boolean }
  | { readonly do: 'kill-worker'; readonly nth: number; readonly when: 'before' | 'after' }
  | { readonly do: 'wait'; readonly seconds: number };

const who = fc.nat(7);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 7, arbitrary: fc.record({ do: fc.constantFrom('type', 'type', 'say'), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('burst' as const), who }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('freeze', 'thaw', 'back-up', 'back-up'), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('reopen', 'second-tab'), who }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('clone', 'restore'), who, live: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('kill-worker' as const),
      nth: fc.nat(3),
      when: fc.constantFrom('before' as const, 'after' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 4 }) }),
  },
);

class World {
  readonly places: Place[] = [];
  /** What is owed: each is in everybody's text, or among their messages, once. */
  readonly #owed = new Set<string>();
  readonly #all = new Set<string>();
  readonly #room: TestRoom;
  readonly #network = new MemoryNetwork(() => 0.99);
  #ends = 0;
  #signs = 0;
  #worker: { nth: number; when: 'before' | 'after' } | undefined;

  constructor(room: TestRoom) {
    this.#room = room;
  }

  async add(from?: { device: Bytes; disk: LogStore; session: OwnSession | undefined }): Promise<Place> {
    const place: Place = {
      device: from?.device ?? randomBytes(32),
      disk: from?.disk ?? memoryStore(),
      tab: undefined,
      session: undefined,
      backup: undefined,
    };
    this.places.push(place);
    await this.#open(place, from?.session, this.places.length === 1);
    return place;
  }

  async take(one: Step): Promise<void> {
    if (one.do === 'kill-worker') return void (this.#worker = { nth: one.nth, when: one.when });
    if (one.do === 'wait') return void vi.advanceTimersByTime(one.seconds * 1000);
    const place = this.places[one.who % this.places.length] as Place;
    if (freezer.isFrozen(place) && one.do !== 'thaw' && one.do !== 'restore') return;
    switch (one.do) {
      case 'type':
        return this.#type(place, 1);
      case 'burst':
        return this.#type(place, 230);
      case 'say': {
        const sign = this.#sign();
        freezer.as(place, () => place.tab?.replica.post('talk', utf8(sign)));
        return place.tab?.replica.settled();
      }
      case 'reopen':
        return this.#reopen(place);
      case 'freeze':
        return freezer.freeze(place);
      case 'thaw':
        return freezer.thaw(place);
      case 'second-tab':
        if (this.places.length < 6) await this.add({ ...place, session: undefined });
        return;
      case 'back-up':
        await place.tab?.replica.settled();
        place.backup = { disk: await copyOf(place.disk), session: place.session };
        return;
      case 'clone': {
        if (this.places.length >= 6) return;
        await place.tab?.replica.settled();
        const session = one.live ? place.session : undefined;
        await this.add({ device: place.device, disk: await copyOf(place.disk), session });
        return;
      }
      case 'restore':
        return this.#restore(place, one.live);
    }
  }

  /** What is on its way arrives; who found a fork opens the room again, as the app does. */
  async quiet(): Promise<void> {
    let opened = 0;
    for (let [still, before] = [0, -1]; still < 3;) {
      await turn();
      for (const place of this.places)
        if (!freezer.isFrozen(place) && place.tab?.notices.some(({ kind }) => kind === 'branched')) {
          // Each fork once a tab.
          expect(opened++).toBeLessThan(60);
          await this.#reopen(place);
        }
      const now = this.#moves();
      still = now === before ? still + 1 : 0;
      before = now;
    }
  }

  async settle(): Promise<void> {
    for (const place of this.places) freezer.thaw(place);
    await this.#agree();
    // Nobody is stuck: all go on.
    for (const place of this.places) await this.#type(place, 1);
    await this.#agree();
    // And each disk has it, by itself.
    const [first] = this.places as [Place];
    const hash = toHex(first.tab?.hash() ?? new Uint8Array());
    for (const { tab } of this.places) {
      const bad = tab?.notices.filter(({ kind }) =>
        ['refused', 'snapshot-false', 'store-error'].includes(kind),
      );
      expect(bad).toEqual([]);
      expect(tab?.saves.at(-1)?.kind ?? 'saved').toBe('saved');
    }
    for (const { disk, device } of this.places) {
      const alone = await openReplica(this.#room, { device, store: disk, transports: [] });
      expect(toHex(alone.hash())).toBe(hash);
      await alone.replica.close();
    }
  }

  async end(): Promise<void> {
    for (const place of this.places) {
      freezer.thaw(place);
      await place.tab?.replica.close();
    }
  }

  async #agree(): Promise<void> {
    const tabs = (): TestReplica[] => this.places.flatMap(({ tab }) => tab ?? []);
    const isSame = (): boolean =>
      new Set(tabs().map((tab) => toHex(tab.hash()) + [...signsOf(tab)].sort().join(''))).size === 1;
    for (let i = 0; i < 200; i++) {
      await this.quiet();
      if (isSame() && [...this.#owed].every((sign) => signsOf(tabs()[0] as TestReplica).includes(sign)))
        break;
      vi.advanceTimersByTime(500);
    }
    const every = new Set(tabs().flatMap(signsOf));
    const lacks = this.places.map(({ tab }, i) => {
      const missing = [...every].filter((one) => tab && !signsOf(tab).includes(one));
      return `${i} lacks ${missing.length}, told ${tab?.notices.map(({ kind }) => kind).join()}`;
    });
    expect(isSame(), lacks.join('; ')).toBe(true);
    for (const tab of tabs()) {
      expect(isPending(tab.replica.doc)).toBe(false);
      const counts = new Map<string, number>();
      for (const sign of signsOf(tab)) counts.set(sign, (counts.get(sign) ?? 0) + 1);
      expect([...this.#owed].filter((sign) => counts.get(sign) !== 1)).toEqual([]);
      expect([...counts].filter(([sign, count]) => count > 1 && this.#all.has(sign))).toEqual([]);
    }
  }

  #moves(): number {
    let sum = [...this.#network.sent.values()].reduce((all, count) => all + count, 0);
    for (const { tab } of this.places) for (const { seq } of tab?.replica.frontier ?? []) sum += seq;
    return sum;
  }

  #sign(): string {
    const sign = String.fromCodePoint(0x4e00 + this.#signs++);
    this.#owed.add(sign);
    this.#all.add(sign);
    return sign;
  }

  async #type(place: Place, count: number): Promise<void> {
    const { tab } = place;
    if (tab === undefined || tab.project.list().length === 0) return;
    for (let i = 0; i < count; i++) {
      const sign = this.#sign();
      freezer.as(place, () => tab.text.insert(i % (tab.text.length + 1), sign));
      await tab.replica.settled();
    }
    await tab.replica.settled();
  }

  async #open(place: Place, session: OwnSession | undefined, makesFile = false): Promise<void> {
    const keys = await this.#room.keys('e');
    place.session = session ?? (await issueSession(keys, await deviceKeyPairFromSeed(place.device)));
    const { session: own } = place;
    // Two tabs with one session are two ends of the network all the same.
    const transport = freezer.transport(place, this.#network, `end-${this.#ends++}`);
    place.tab = await freezer.as(place, () =>
      openReplica(this.#room, {
        session: own,
        device: place.device,
        store: place.disk,
        folder: mortalFolder(() => this.#dies()),
        transports: [transport],
        makesFile,
      }),
    );
    await place.tab.replica.settled();
  }

  #dies(): 'before' | 'after' | undefined {
    if (this.#worker === undefined || this.#worker.nth-- > 0) return undefined;
    const { when } = this.#worker;
    this.#worker = undefined;
    return when;
  }

  async #reopen(place: Place): Promise<void> {
    await place.tab?.replica.close();
    await this.#open(place, undefined);
  }

  /** The machine is again as it was; the world is ahead. What only this disk had is gone with it. */
  async #restore(place: Place, live: boolean): Promise<void> {
    const { backup } = place;
    if (backup === undefined || this.places.some((other) => other !== place && other.disk === place.disk))
      return;
    freezer.thaw(place);
    await this.quiet();
    await place.tab?.replica.close();
    const elsewhere = new Set(this.places.flatMap((other) => (other === place ? [] : signsIn(other))));
    const before = await openReplica(this.#room, {
      device: place.device,
      store: await copyOf(backup.disk),
      transports: [],
    });
    for (const sign of this.#owed)
      if (!elsewhere.has(sign) && !signsOf(before).includes(sign)) this.#owed.delete(sign);
    await before.replica.close();
    place.disk = await copyOf(backup.disk);
    await this.#open(place, live ? backup.session : undefined);
  }
}

const signsOf = (tab: TestReplica): string[] => {
  // By author and seq, as those who show them name them: what is told again is no other message.
  const said = new Map(
    tab.messages.flatMap(({ session, entries }) =>
      entries.map(({ seq, payload }) => [`${session.id} ${seq}`, new TextDecoder().decode(payload)] as const),
    ),
  );
  return [...tab.read(), ...[...said.values()].filter((one) => [...one].length === 1)];
};
const signsIn = ({ tab }: Place): string[] => (tab === undefined ? [] : signsOf(tab));

it(
  `LOG.md 8 [seed ${SEED}, ${RUNS} runs] copied profiles, restored machines, frozen tabs, dead workers: every word is everybody’s, once`,
  { timeout: 60_000 + RUNS * 30_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 30 }), async (steps) => {
        const world = new World(await makeRoom());
        try {
          for (let i = 0; i < 3; i++) await world.add();
          await world.quiet();
          for (const one of steps) {
            await world.take(one);
            await world.quiet();
          }
          await world.settle();
        } finally {
          await world.end();
        }
      }),
      { seed: SEED, numRuns: RUNS, endOnFailure: true },
    );
  },
);
