/**
 * Any damage to any records of one device, with a snapshot or without: after meeting the others all agree, and its store
 * reads back whole. RUNS=200 tries more.
 */
import 'fake-indexeddb/auto';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { allOf, flip, openDisk, restsWhole, spoil, spoilSegment } from '../../testing/damaged-database.ts';
import { fastTime, seconds, untilLater } from '../../testing/fast-time.ts';
import { MemoryNetwork } from '../../testing/memory-network.ts';
import { makeRoom, openReplica, type TestReplica, type TestRoom } from '../../testing/replicas.ts';
import { toHex, utf8 } from '../core/bytes.ts';
import type { StoredSegment } from '../log/log-store.ts';

const RUNS = Number(process.env.RUNS ?? 8);
const SEED = Number(process.env.SEED ?? 20_26);

beforeEach(fastTime);
const open: TestReplica[] = [];
const leave = async (): Promise<void> => {
  await Promise.all(open.splice(0).map(({ replica }) => replica.close()));
};
afterEach(async () => {
  await leave();
  vi.useRealTimers();
});

type Kind = 'flip' | 'first' | 'cut' | 'empty' | 'type' | 'gone' | 'elsewhere' | 'other';

/** What is left of a record, and beside it another's bytes. */
function damaged(kind: Kind, at: number, segment: StoredSegment, other: StoredSegment): unknown {
  switch (kind) {
    case 'flip':
      return flip(segment, at);
    case 'first':
      return flip(segment, at % 6);
    case 'cut':
      return { ...segment, sealed: segment.sealed.slice(0, at % segment.sealed.length) };
    case 'empty':
      return { ...segment, sealed: new Uint8Array() };
    case 'type':
      return { ...segment, sealed: { at } };
    case 'gone':
      return undefined;
    case 'elsewhere':
      return { ...segment, first: segment.first + 1000, last: segment.last + 1000 };
    case 'other':
      return { ...segment, sealed: other.sealed };
  }
}

const kinds: Kind[] = ['flip', 'first', 'cut', 'empty', 'type', 'gone', 'elsewhere', 'other'];
const plan = fc.record({
  edits: fc.integer({ min: 1, max: 60 }),
  /** Enough of them make a snapshot and squashed segments. */
  longWay: fc.boolean(),
  damage: fc.array(
    fc.record({ kind: fc.constantFrom(...kinds), nth: fc.nat(), other: fc.nat(), at: fc.nat() }),
    { minLength: 1, maxLength: 12 },
  ),
  alsoFacts: fc.boolean(),
  alsoSnapshot: fc.boolean(),
  /** Whether the one whose disk is bad has been in the room alone for a while before the others come. */
  aloneFirst: fc.boolean(),
});

/** Nothing here is refused: every byte is good, and stands in the wrong place (seed 77, run 22). */
const misfiled = {
  edits: 20,
  longWay: false,
  damage: [
    { kind: 'elsewhere', nth: 1_699_872_573, other: 988_531_594, at: 39_299_848 },
    { kind: 'other', nth: 1_259_862_321, other: 1_390_047_521, at: 311_594_069 },
  ] satisfies { kind: Kind; nth: number; other: number; at: number }[],
  alsoFacts: false,
  alsoSnapshot: false,
  aloneFirst: false,
};

let disks = 0;

async function join(room: TestRoom, name: string, network: MemoryNetwork, first = false) {
  const store = await openDisk(name);
  const replica = await openReplica(room, {
    store,
    transports: [network.transport()],
    makesFile: first,
    knowsGenesis: (await store.loadFacts()).genesis !== undefined,
  });
  open.push(replica);
  return replica;
}

it(
  `SYNC-16 [seed ${SEED}, ${RUNS} runs]: any damage to one device: all agree again, and it rests whole`,
  async () => {
    await fc.assert(
      fc.asyncProperty(plan, async (run) => {
        const room = await makeRoom();
        const names = [1, 2, 3].map(() => `any${++disks}`);
        for (const name of names) {
          const store = await openDisk(name);
          await store.saveFacts({ genesis: room.genesis.bytes });
          store.close();
        }
        const network = new MemoryNetwork(() => 0.99);
        const writers: TestReplica[] = [];
        for (const [i, name] of names.entries()) writers.push(await join(room, name, network, i === 0));
        await untilLater('all have the file', () =>
          writers.every(({ project }) => project.list().length === 1),
        );
        const edits = run.longWay ? run.edits + 110 : run.edits;
        for (let i = 0; i < edits; i++) {
          const writer = writers[i % 3 === 0 ? i % 2 : 0];
          writer?.text.insert(Math.floor(writer.text.length / 2), 'x');
          if (i % 20 === 0) writer?.replica.post('runs', utf8(`run ${i}`));
          await writer?.replica.settled();
        }
        await untilLater('all have all', () => writers.every((each) => each.read().length === edits));
        await seconds(8);
        const hash = toHex((writers[0] as TestReplica).hash());
        await leave();

        const [bad = ''] = names;
        const disk = await openDisk(bad);
        const stored = await allOf(disk);
        disk.close();
        const done = new Set<number>();
        for (const { kind, nth, other, at } of run.damage) {
          const [segment, another] = [stored[nth % stored.length], stored[other % stored.length]];
          if (segment === undefined || another === undefined || done.has(nth % stored.length)) continue;
          done.add(nth % stored.length);
          await spoilSegment(bad, segment, (whole) => damaged(kind, at, whole, another));
        }
        if (run.alsoFacts) await spoil(bad, 'facts', { genesis: 'text' });
        if (run.alsoSnapshot) await spoil(bad, 'snapshot', { chains: new Uint8Array(9), state: 5 });

        const again = new MemoryNetwork(() => 0.99);
        const victim = await join(room, bad, again);
        if (run.aloneFirst) await seconds(5);
        const others = [await join(room, names[1] ?? '', again), await join(room, names[2] ?? '', again)];
        const all = [victim, ...others];
        await untilLater('all agree', () => all.every((each) => toHex(each.hash()) === hash));
        await untilLater('it rests whole', () => restsWhole(room, victim));
        await untilLater('nobody is told of damage any more', () => {
          const told = victim.notices.filter(({ kind }) => kind === 'at-rest').at(-1);
          return told?.kind !== 'at-rest' || told.damage === undefined;
        });
        await leave();
        // The next opening finds nothing to mend.
        const last = await join(room, bad, new MemoryNetwork(() => 0.99));
        expect(toHex(last.hash())).toBe(hash);
        await seconds(6);
        expect(last.notices.filter(({ kind }) => kind === 'at-rest')).toEqual([]);
        await leave();
      }),
      { numRuns: RUNS, seed: SEED, endOnFailure: true, examples: [[misfiled]] },
    );
  },
  RUNS * 15_000,
);
