/**
 * LOG.md, property tests 1 and 5, with whole replicas: any weather, any file operations, tabs that die and come back
 * from their disk. In the end everybody has the same, and what was called saved is in it. RUNS=200 tries more.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { MemoryNetwork } from '../../testing/memory-network.ts';
import { makeRoom, openReplica, type TestReplica, type TestRoom } from '../../testing/replicas.ts';
import { toHex, utf8 } from '../core/bytes.ts';
import type { FileId } from '../core/ids.ts';
import type { SeedKind } from '../crypto/room-keys.ts';
import type { LogStore } from '../log/log-store.ts';
import { isPending } from '../log/test-room.ts';
import { memoryStore } from '../storage/stores/memory.ts';

const RUNS = Number(process.env.RUNS ?? 4);
const SEED = Number(process.env.SEED ?? 20_26);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Real time, for what is really being computed: sealing, verifying. */
const realTimeout = globalThis.setTimeout;
const turn = (ms = 0): Promise<void> => new Promise((resolve) => realTimeout(resolve, ms));
/** Nothing moved for so long in real time: then all that does not wait for a timer is done. */
const QUIET_MS = 12;
/** How long a write takes, in turns of the event loop. */
const DISK_TURNS = 20;

/** A disk's door for one tab; once the tab is dead nothing passes, and nothing is answered. */
function doorTo(disk: LogStore, life: { dead: boolean }, onRequest: () => void): LogStore {
  const pass = async <T>(act: () => Promise<T>): Promise<T> => {
    onRequest();
    // A disk takes its time: what is called saved before it answered is not.
    for (let turns = 0; turns < DISK_TURNS; turns++) await new Promise(setImmediate);
    if (life.dead) return new Promise<never>(() => undefined);
    const result = await act();
    return life.dead ? new Promise<never>(() => undefined) : result;
  };
  return {
    kind: disk.kind,
    loadFacts: () => pass(() => disk.loadFacts()),
    saveFacts: (facts) => pass(() => disk.saveFacts(facts)),
    changeFacts: (change) => pass(() => disk.changeFacts(change)),
    append: (segments) => pass(() => disk.append(segments)),
    readChain: (...chain) => pass(() => disk.readChain(...chain)),
    chainEnds: () => disk.chainEnds(),
    readAll: (maxBytes) => disk.readAll(maxBytes),
    addresses: () => disk.addresses(),
    quarantine: (damaged) => pass(() => disk.quarantine(damaged)),
    quarantined: () => disk.quarantined(),
    forgetQuarantined: (addresses) => pass(() => disk.forgetQuarantined(addresses)),
    replace: (shorter, longer) => pass(() => disk.replace(shorter, longer)),
    refile: (segment, name, keepOld) => pass(() => disk.refile(segment, name, keepOld)),
    loadArchiveMark: () => disk.loadArchiveMark(),
    saveArchiveMark: (mark) => pass(() => disk.saveArchiveMark(mark)),
    loadSnapshot: () => pass(() => disk.loadSnapshot()),
    saveSnapshot: (snapshot) => pass(() => disk.saveSnapshot(snapshot)),
    dropSnapshot: () => pass(() => disk.dropSnapshot()),
    destroy: () => disk.destroy(),
    close: () => undefined,
  };
}

/** A person's place: a disk that stays, and a tab that comes and goes. */
interface Place {
  readonly disk: LogStore;
  tab: TestReplica | undefined;
  life: { dead: boolean };
  group: number;
  /** Words typed by the tab that is open now. */
  words: string[];
  readonly removed: FileId[];
}

class World {
  readonly places: Place[] = [];
  readonly saved = new Set<string>();
  /** Requests to all disks so far. */
  writes = 0;
  readonly #network: MemoryNetwork;
  readonly #room: TestRoom;
  #word = 0;

  constructor(room: TestRoom, seed: number) {
    this.#room = room;
    let state = (seed % 2147483646) + 1;
    this.#network = new MemoryNetwork(() => (state = (state * 16807) % 2147483647) / 2147483647);
  }

  async add(setup: { kind?: SeedKind; makesFile?: boolean; knowsGenesis?: boolean } = {}): Promise<Place> {
    const place: Place = {
      disk: memoryStore(),
      tab: undefined,
      life: { dead: false },
      group: 0,
      words: [],
      removed: [],
    };
    this.places.push(place);
    await this.open(place, setup);
    return place;
  }

  async open(place: Place, setup: { kind?: SeedKind; makesFile?: boolean; knowsGenesis?: boolean } = {}) {
    if (place.tab !== undefined) return;
    place.life = { dead: false };
    place.words = [];
    place.tab = await openReplica(this.#room, {
      ...setup,
      store: doorTo(place.disk, place.life, () => this.writes++),
      transports: [this.#network.transport(false)],
    });
    this.connect();
  }

  /** The tab dies: what the status line called saved until now counts. */
  kill(place: Place): void {
    const { tab } = place;
    if (tab === undefined) return;
    this.noteSaved(place);
    place.life.dead = true;
    this.#network.kill(tab.replica.self);
    void tab.replica.close();
    place.tab = undefined;
  }

  /** What was typed is an entry, or the tab is no more; the disk may still be at it. */
  async sealed({ tab }: Place): Promise<void> {
    const own = (): number =>
      tab?.replica.frontier.find(({ session }) => session.startsWith(tab.replica.self))?.seq ?? 0;
    const before = own();
    for (let turns = 0; turns < 500 && own() === before; turns++) await new Promise(setImmediate);
  }

  noteSaved({ tab, words }: Place): void {
    const text = tab?.savedText() ?? '';
    for (const word of words) if (text.includes(word)) this.saved.add(word);
  }

  /** Links who is in one group, and cuts the others. */
  connect(): void {
    const open = this.places.filter(({ tab }) => tab !== undefined);
    for (const [i, a] of open.entries())
      for (const b of open.slice(i + 1)) {
        const [from, to] = [a.tab?.replica.self, b.tab?.replica.self];
        if (from === undefined || to === undefined) continue;
        if (a.group === b.group) this.#network.link(from, to);
        else this.#network.cut(from, to);
      }
  }

  flap(place: Place): void {
    const { group } = place;
    place.group = -1;
    this.connect();
    place.group = group;
    this.connect();
  }

  weather(loss: number, repeat: number, reorder: number): void {
    this.#network.faults = { loss, repeat, reorder };
  }

  type({ tab, words }: Place, at: number): void {
    if (tab === undefined || tab.project.list().length === 0) return;
    const word = `<${this.#word++}>`;
    // Between words only, so that each stays whole.
    const text = tab.read();
    const places = [0, ...[...text.matchAll(/>/g)].map(({ index }) => index + 1)];
    tab.text.insert(places[at % places.length] ?? 0, word);
    words.push(word);
  }

  /** Lets so many seconds pass, each when what the one before brought is done. */
  async seconds(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      vi.advanceTimersByTime(1000);
      await this.quiet();
    }
  }

  async quiet(): Promise<void> {
    for (let [before, now] = [-1, this.#moves()]; before !== now; [before, now] = [now, this.#moves()])
      await turn(QUIET_MS);
  }

  /** Grows with everything that is sent, accepted or written. */
  #moves(): number {
    let sum = this.writes;
    for (const sent of this.#network.sent.values()) sum += sent;
    for (const { tab } of this.places) for (const { seq } of tab?.replica.frontier ?? []) sum += seq;
    return sum;
  }

  async end(): Promise<void> {
    for (const place of this.places) if (place.tab) await place.tab.replica.close();
  }
}

type Step = (world: World, place: Place) => void | Promise<void>;

const others = ({ tab }: Place) =>
  tab?.project.list().filter(({ kind, path }) => kind !== 'folder' && path.startsWith('z/')) ?? [];
const pick = <T>(all: readonly T[], at: number): T | undefined => all[at % Math.max(1, all.length)];

const number = fc.nat(9999);
const step: fc.Arbitrary<{ who: number; act: Step; name: string }> = fc
  .tuple(
    fc.nat(4),
    fc.oneof(
      {
        weight: 8,
        arbitrary: number.map((at) => ['type', (world, place) => world.type(place, at)] as Named),
      },
      {
        weight: 2,
        arbitrary: number.map(
          (at) =>
            [
              'create',
              (_, { tab }) => void tab?.project.createText(`z/${at % 5}/f${at % 7}.txt`, `made ${at}`),
            ] as Named,
        ),
      },
      {
        weight: 1,
        arbitrary: fc
          .uint8Array({ minLength: 1, maxLength: 3000 })
          .map(
            (bytes) =>
              [
                'binary',
                (_, { tab }) => void tab?.project.createBinary(`z/b${bytes.length % 5}.bin`, bytes),
              ] as Named,
          ),
      },
      {
        weight: 2,
        arbitrary: number.map(
          (at) =>
            [
              'move',
              (_, place) => {
                const item = pick(others(place), at);
                if (item) place.tab?.project.move(item.id, `z/moved/m${at % 6}`);
              },
            ] as Named,
        ),
      },
      {
        weight: 1,
        arbitrary: number.map(
          (at) =>
            [
              'remove',
              (_, place) => {
                const item = pick(others(place), at);
                if (item) place.removed.push(...(place.tab?.project.remove(item.id) ?? []));
              },
            ] as Named,
        ),
      },
      {
        weight: 1,
        arbitrary: fc.constant(['restore', (_, { tab, removed }) => tab?.project.restore(removed)] as Named),
      },
      {
        weight: 2,
        arbitrary: number.map(
          (at) =>
            [
              'erase',
              (_, place) => {
                const item = pick(others(place), at);
                const text = item && place.tab?.project.text(item.id);
                if (text && text.length > 0)
                  text.delete(at % text.length, Math.min(5, text.length - (at % text.length)));
              },
            ] as Named,
        ),
      },
      {
        weight: 1,
        arbitrary: fc.constant([
          'burst',
          async (world, place) => {
            for (let i = 0; i < 130 && place.tab; i++) {
              world.type(place, i);
              if (i % 2 === 0) await turn();
            }
          },
        ] as Named),
      },
      {
        weight: 1,
        arbitrary: fc.constant([
          'run',
          ({ places }, { tab }) => {
            for (let i = 0; i < 520 / places.length; i++) tab?.replica.post('runs', utf8(`line ${i}`));
          },
        ] as Named),
      },
      { weight: 2, arbitrary: fc.constant(['kill', (world, place) => world.kill(place)] as Named) },
      {
        weight: 3,
        arbitrary: number.map(
          (at) =>
            [
              'die while saving',
              async (world, place) => {
                world.type(place, at);
                await world.sealed(place);
                world.kill(place);
              },
            ] as Named,
        ),
      },
      { weight: 3, arbitrary: fc.constant(['open', (world, place) => world.open(place)] as Named) },
      { weight: 2, arbitrary: fc.constant(['flap', (world, place) => world.flap(place)] as Named) },
      {
        weight: 2,
        arbitrary: number.map(
          (mask) =>
            [
              'partition',
              (world) => {
                for (const [i, place] of world.places.entries()) place.group = (mask >> i) & 1;
                world.connect();
              },
            ] as Named,
        ),
      },
      {
        weight: 2,
        arbitrary: fc
          .constantFrom([0, 0, 0], [0.3, 0.2, 0.4], [0.6, 0, 0], [0, 0.5, 0.9])
          .map(
            ([loss = 0, repeat = 0, reorder = 0]) =>
              [`weather ${loss}`, (world) => world.weather(loss, repeat, reorder)] as Named,
          ),
      },
      {
        weight: 3,
        arbitrary: fc
          .integer({ min: 1, max: 6 })
          .map((count) => ['wait', (world) => world.seconds(count)] as Named),
      },
    ),
  )
  .map(([who, [name, act]]) => ({ who, act, name, toString: () => `${name}@${who}` }));
type Named = [name: string, act: Step];

const told = (tab: TestReplica): string[] =>
  tab.messages
    .flatMap(({ session, entries }) =>
      entries.map(({ seq, payload }) => `${session.id} ${seq} ${new TextDecoder().decode(payload)}`),
    )
    .sort();
const shown = ({ project }: TestReplica): string[] =>
  project.list().map(({ id, kind, shown: name }) => {
    const bytes = kind === 'folder' ? undefined : project.bytes(id);
    return `${kind} ${name} ${bytes?.ok ? toHex(bytes.value) : ''}`;
  });

it(
  'LOG.md 1, 5; SYNC-4, SYNC-8, SYNC-10 to SYNC-13: any weather, any deaths: all agree in the end, with all that was saved',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 3, max: 5 }),
        fc.array(step, { minLength: 20, maxLength: 45 }),
        number,
        async (count, steps, seed) => {
          const world = new World(await makeRoom(), seed);
          for (let i = 0; i < count; i++) await world.add({ makesFile: i === 0 });
          await agree(world, 20);
          for (const { who, act } of steps) {
            const place = world.places[who % count];
            if (place === undefined) throw new Error('nobody there');
            await act(world, place);
            await turn();
          }

          world.weather(0, 0, 0);
          for (const place of world.places) {
            place.group = 0;
            await world.open(place);
          }
          world.connect();
          await world.add({ kind: 'v', knowsGenesis: false });
          await world.add({ knowsGenesis: false });
          await agree(world, 200);

          const tabs = world.places.flatMap(({ tab }) => tab ?? []);
          const [first] = tabs;
          if (first === undefined) throw new Error('nobody is left');
          for (const place of world.places) world.noteSaved(place);
          for (const tab of tabs) {
            expect(isPending(tab.replica.doc)).toBe(false);
            expect(shown(tab)).toEqual(shown(first));
            expect(told(tab)).toEqual(told(first));
            expect(
              tab.notices.filter(({ kind }) => ['internal', 'refused', 'snapshot-false'].includes(kind)),
            ).toEqual([]);
          }
          const text = first.read();
          expect([...world.saved].filter((word) => text.split(word).length !== 2)).toEqual([]);
          await world.end();
        },
      ),
      { numRuns: RUNS, seed: SEED, endOnFailure: RUNS < 20 },
    );
  },
  RUNS * 20_000,
);

/** Lets time pass until all open tabs hold the same. */
async function agree(world: World, withinSeconds: number): Promise<void> {
  const state = () => {
    const tabs = world.places.flatMap(({ tab }) => tab ?? []);
    const hashes = new Set(tabs.map((tab) => toHex(tab.hash()) + told(tab).length));
    return hashes.size === 1 && (tabs[0]?.project.list().length ?? 0) > 0;
  };
  for (let i = 0; i < withinSeconds; i++) {
    if (state()) return;
    await world.seconds(1);
  }
  const texts = world.places.map(
    ({ tab }) => tab && `${tab.read().length}/${told(tab).length}/${tab.replica.others.length}`,
  );
  throw new Error(`no agreement after ${withinSeconds} s: ${texts.join(' ')}`);
}
