/**
 * LOG.md, property test 6: the archive alone, uploaders killed at random. Whatever a tab called archived is readable by
 * somebody who comes with the link alone. RUNS=200 tries more.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { untilLater } from '../../../testing/fast-time.ts';
import { MemoryArchive, type ArchiveFault } from '../../../testing/memory-archive.ts';
import { mortalStore } from '../../../testing/mortal-store.ts';
import { makeRoom, openReplica, wayTo, type TestReplica, type TestRoom } from '../../../testing/replicas.ts';
import { equalBytes, randomBytes, toHex, type Bytes } from '../../core/bytes.ts';
import { archiveKeys, type SeedKind } from '../../crypto/room-keys.ts';
import { sign } from '../../crypto/signatures.ts';
import { memoryStore } from '../../storage/stores/memory.ts';
import type { ArchiveServer } from './archive-server.ts';

const RUNS = Number(process.env.RUNS ?? 20);
const DEVICES = 3;
const STEP_MS = 1_000;

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
const who = fc.nat(DEVICES - 1);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('open' as const), who, death }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('type' as const),
      who,
      words: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('pass' as const), s: fc.constantFrom(1, 3, 20, 70) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('replace' as const) }) },
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
type Death = { by: 'store' | 'server'; nth: number; moment: 'before' | 'after' } | null;

interface Tab {
  readonly test: TestReplica;
  readonly isDead: () => boolean;
  readonly die: () => void;
  /** Of the copy that it read last. */
  instance: Bytes | undefined;
}

class World {
  readonly archive = new MemoryArchive();
  readonly disks = Array.from({ length: DEVICES }, () => ({ store: memoryStore(), device: randomBytes(32) }));
  readonly tabs: (Tab | undefined)[] = [];
  readonly #room: TestRoom;
  readonly #faults: readonly (ArchiveFault | undefined)[];
  #requests = 0;
  #words = 0;
  /** What was called archived, of the copy that there is now. */
  #noted = new Set<string>();
  #notes = 0;

  constructor(room: TestRoom, requestFaults: readonly (ArchiveFault | undefined)[]) {
    this.#room = room;
    this.#faults = requestFaults;
  }

  get noted(): ReadonlySet<string> {
    return this.#noted;
  }

  async open(index: number, dies: Death, faulty = true): Promise<void> {
    const disk = this.disks[index];
    const before = this.tabs[index];
    if (disk === undefined || (before !== undefined && !before.isDead())) return;
    const mortal = mortalStore(
      disk.store,
      dies?.by === 'store' ? dies.nth : Infinity,
      dies?.moment ?? 'before',
    );
    const tab: Pick<Tab, 'instance'> = { instance: undefined };
    let asked = 0;
    const fault = (): ArchiveFault | undefined => {
      if (mortal.dead) return 'never';
      if (dies?.by === 'server' && asked++ === dies.nth) {
        mortal.die();
        return dies.moment === 'before' ? 'never' : 'unheard';
      }
      return faulty ? this.#faults[this.#requests++ % this.#faults.length] : undefined;
    };
    const server = await this.#serverOf('e', fault, (instance) => (tab.instance = instance));
    const owner = index === 0;
    const opened = await openReplica(this.#room, {
      store: mortal.store,
      device: disk.device,
      knowsGenesis: owner,
      transports: [],
      archive: wayTo({
        server,
        owner: owner ? { sign: (message) => sign(this.#room.owner.privateKey, message) } : undefined,
        alone: (work) => work(),
        // What one segment more holds is worth a statement.
        room: { restMs: 1_000, everyMs: 1_000, grownBytes: 1, worthBytes: 1 },
      }),
    });
    this.tabs[index] = Object.assign(tab, {
      test: opened,
      isDead: () => mortal.dead,
      die: () => mortal.die(),
    });
    if (owner && opened.project.list().length === 0) opened.project.createText('file.txt', '');
  }

  type(index: number, words: number): void {
    const tab = this.tabs[index];
    if (tab === undefined || tab.isDead() || tab.test.project.list().length === 0) return;
    for (let i = 0; i < words; i++) tab.test.text.insert(0, `<${++this.#words}>`);
  }

  kill(index: number): void {
    this.tabs[index]?.die();
  }

  /** Another server, which knows nothing: what was called archived before is no more. */
  replace(): void {
    this.archive.replace();
    this.#noted = new Set();
  }

  /** The owner's tab makes room, and what it supersedes goes: how many segments. */
  async month(): Promise<number> {
    const [owner] = this.tabs;
    if (owner && !owner.isDead()) owner.test.replica.archive?.refresh();
    await this.pass(20);
    const { roomId } = this.#room.genesis;
    const before = this.archive.segments(roomId).length;
    this.archive.pass(31 * 24 * 3_600_000);
    return before - this.archive.segments(roomId).length;
  }

  async pass(seconds: number): Promise<void> {
    let steps = 0;
    await untilLater('time', () => (this.note(), steps++ >= (seconds * 1000) / STEP_MS), STEP_MS);
  }

  /** Remembers what a tab calls archived now. */
  note(): void {
    const instance = this.archive.instance(this.#room.genesis.roomId);
    for (const tab of this.tabs) {
      if (tab === undefined || tab.isDead() || instance === undefined || tab.instance === undefined) continue;
      const saved = tab.test.saves.at(-1)?.kind !== 'unsaved';
      const current = tab.test.replica.archive?.state.kind === 'current';
      if (!saved || !current || !equalBytes(tab.instance, instance)) continue;
      for (const word of wordsOf(tab.test)) this.#noted.add(word);
      this.#notes++;
    }
  }

  get notes(): number {
    return this.#notes;
  }

  /** Somebody with the view link and nothing else. */
  async joiner(): Promise<TestReplica> {
    const server = await this.#serverOf(
      'v',
      () => undefined,
      () => undefined,
    );
    return openReplica(this.#room, {
      kind: 'v',
      knowsGenesis: false,
      transports: [],
      archive: wayTo({ server, owner: undefined, alone: (work) => work() }),
    });
  }

  async #serverOf(
    kind: SeedKind,
    fault: () => ArchiveFault | undefined,
    onPage: (instance: Bytes) => void,
  ): Promise<ArchiveServer> {
    const keys = await this.#room.keys(kind);
    const server = this.archive.open(keys.roomId, archiveKeys(keys), fault);
    return {
      ...server,
      page: async (since) => {
        const page = await server.page(since);
        if (page.ok) onPage(page.value.instance);
        return page;
      },
    };
  }
}

const wordsOf = ({ project }: TestReplica): string[] =>
  project.list().flatMap(({ id }) => project.text(id)?.toString().match(/<\d+>/g) ?? []);

async function close({ replica }: TestReplica): Promise<void> {
  let closed = false;
  const closing = replica.close().finally(() => (closed = true));
  await untilLater('a tab to close', () => closed, STEP_MS);
  await closing;
}

let notes = 0;
let removed = 0;
test(
  `LOG.md 6, ARCH-15, ARCH-18, ARCH-28 [seed 6106, ${RUNS} runs] whatever was called archived is there for a fresh joiner`,
  async () => {
    const plan = fc.record({ steps: fc.array(step, { minLength: 8, maxLength: 30, size: 'max' }), faults });
    await fc.assert(
      fc.asyncProperty(plan, async ({ steps, faults: requestFaults }) => {
        const world = new World(await makeRoom(), requestFaults);
        await world.open(0, null);
        await world.pass(4);
        for (const one of steps) {
          if (one.do === 'open') await world.open(one.who, one.death);
          else if (one.do === 'type') world.type(one.who, one.words);
          else if (one.do === 'kill') world.kill(one.who);
          else if (one.do === 'replace') world.replace();
          else if (one.do === 'month') removed += await world.month();
          else await world.pass(one.s);
          await world.pass(0);
        }
        notes += world.notes;
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
        await close(late);

        // Everybody comes again, with nothing in the way: what is on any disk gets there, once, and all agree.
        for (let i = 0; i < DEVICES; i++) {
          world.kill(i);
          await world.open(i, null, false);
        }
        const tabs = world.tabs.flatMap((tab) => tab?.test ?? []);
        const last = await world.joiner();
        await untilLater(
          'all to agree',
          () => {
            const [first, ...rest] = [...tabs, last].map((one) => toHex(one.hash()));
            return (
              rest.every((hash) => hash === first) &&
              tabs.every(({ replica }) => replica.archive?.state.kind === 'current')
            );
          },
          STEP_MS,
        );
        // Whoever comes after all that has only what is left when room was made.
        removed += await world.month();
        const after = await world.joiner();
        await untilLater('all of it', () => toHex(after.hash()) === toHex(last.hash()), STEP_MS);
        await close(after);
        for (const one of [...tabs, last]) {
          const words = wordsOf(one);
          expect(new Set(words).size).toBe(words.length);
          expect(one.notices.filter(({ kind }) => kind === 'refused' || kind === 'fork')).toEqual([]);
        }
        for (const one of [...tabs, last]) await close(one);
      }),
      { seed: 6106, numRuns: RUNS, endOnFailure: RUNS < 40 },
    );
    // Nothing noted would prove nothing.
    expect(notes).toBeGreaterThan(RUNS);
    expect(removed).toBeGreaterThan(0);
  },
  RUNS * 20_000,
);
