/**
 * LOG.md, property test 10: forged, stale, pending-laden and removed signers' checkpoints, with typing meanwhile and frames lost and
 * out of order, end as what the log says and what was typed. SEED and RUNS try more.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import * as Y from 'yjs';
import {
  ALWAYS,
  changed,
  checkpointBy,
  momentOf,
  openAgain,
  swapCheckpoints,
  textIn,
} from '../../testing/checkpoint-room.ts';
import { fastTime, untilLater } from '../../testing/fast-time.ts';
import { MemoryNetwork } from '../../testing/memory-network.ts';
import { makeRoom, replicasOfATest, type TestReplica } from '../../testing/replicas.ts';
import { randomBytes, toHex, type Bytes } from '../core/bytes.ts';
import { isPending } from '../log/test-room.ts';
import { inPlaceFolder, type Folder } from './folder.ts';

const RUNS = Number(process.env['RUNS'] ?? 12);
const SEED = Number(process.env['SEED'] ?? 1_011);

const { open, join, leave } = replicasOfATest();
beforeEach(fastTime);
afterEach(async () => {
  await leave();
  vi.useRealTimers();
});

const KINDS = [
  'honest',
  'old',
  'short',
  'added',
  'taken-out',
  'pending',
  'beyond',
  'viewer',
  'junk',
  'another-room',
] as const;

interface World {
  readonly kind: (typeof KINDS)[number];
  readonly history: readonly { readonly who: number; readonly at: number; readonly erase: boolean }[];
  /** What is typed, by whom, and how many batches are folded before it. */
  readonly meanwhile: readonly { readonly who: number; readonly at: number; readonly folds: number }[];
  readonly loss: number;
  readonly reorder: number;
  readonly chance: number;
  readonly diesAt: number;
}

const world: fc.Arbitrary<World> = fc.record({
  kind: fc.constantFrom(...KINDS),
  history: fc.array(fc.record({ who: fc.nat(1), at: fc.nat(99), erase: fc.boolean() }), {
    minLength: 4,
    maxLength: 25,
  }),
  meanwhile: fc.array(fc.record({ who: fc.nat(2), at: fc.nat(99), folds: fc.nat(2) }), { maxLength: 8 }),
  loss: fc.constantFrom(0, 0, 0.2),
  reorder: fc.constantFrom(0, 0.3),
  chance: fc.nat(2 ** 20),
  // Of the worker's calls the one at which it dies; mostly none.
  diesAt: fc.oneof({ weight: 4, arbitrary: fc.constant(Infinity) }, { weight: 1, arbitrary: fc.nat(4) }),
});

it('CHECK-7: whatever is shown first, everybody has what the log says and what was typed, once', async () => {
  await fc.assert(fc.asyncProperty(world, play), { numRuns: RUNS, seed: SEED, endOnFailure: true });
}, 120_000);

async function play(of: World): Promise<void> {
  const room = await makeRoom();
  let seed = of.chance + 1;
  const network = new MemoryNetwork(() => (seed = (seed * 16807) % 2147483647) / 2147483647);
  const setup = { transports: [network.transport()], worth: ALWAYS };
  const ann = await join(room, { ...setup, makesFile: true });
  const cid = await join(room, setup);
  await untilLater('they met', () => cid.project.list().length === 1);
  let words = 0;
  const typed: string[] = [];
  const type = (who: TestReplica, at: number): void => {
    const word = `<${words++}>`;
    typed.push(word);
    who.text.insert(placeIn(who.read(), at), word);
  };

  let old = momentOf(ann);
  for (const [nth, { who, at, erase }] of of.history.entries()) {
    const me = who === 0 ? ann : cid;
    if (erase) me.text.insert(0, 'gone');
    if (erase) me.text.delete(0, 4);
    else type(me, at);
    await me.replica.settled();
    if (nth === of.history.length >> 1) old = momentOf(me);
  }
  await untilLater('they are alike', () => alike(ann, cid));
  const sealed = await checkpointOf(of.kind, room, ann, old);
  if (sealed) swapCheckpoints(network, sealed);
  network.faults = { loss: of.loss, repeat: 0.1, reorder: of.reorder };

  const gate = steps(of.diesAt);
  let bob = await join(room, { ...setup, knowsGenesis: false, folder: gate.folder });
  const stays = setInterval(() => gate.allow(1), 2000);
  try {
    for (const { who, at, folds } of of.meanwhile) {
      gate.allow(folds);
      await untilLater('the room is shown', () => bob.replica.known && bob.project.list().length === 1);
      bob = await follow(bob);
      type([ann, bob, cid][who] ?? ann, at);
    }
    gate.allow(Infinity);
    await untilLater('it is decided', async () => {
      bob = await follow(bob);
      return bob.replica.unsigned.length === 0 && bob.replica.caughtUp && alike(ann, bob, cid);
    });
  } finally {
    clearInterval(stays);
  }
  for (const each of [ann, bob, cid]) {
    expect(isPending(each.replica.doc)).toBe(false);
    for (const word of typed) expect(each.read().split(word).length, word).toBe(2);
    expect(each.read().replaceAll(/<\d+>/g, '')).toBe('');
  }
  await leave();

  /** What the page does when what it shows turns out not to be so. */
  async function follow(who: TestReplica): Promise<TestReplica> {
    if (!who.notices.some(({ kind }) => kind === 'checkpoint-false')) return who;
    open.splice(open.indexOf(who), 1);
    return openAgain(
      who,
      (more) => join(room, more),
      setup,
      (again) => untilLater('it is caught up', () => again.replica.caughtUp),
    );
  }
}

const alike = (...replicas: TestReplica[]): boolean =>
  new Set(replicas.map((each) => toHex(each.hash()))).size === 1;

/** Never inside a word, so that each can be found again. */
function placeIn(text: string, at: number): number {
  const places = [0];
  for (const [i, char] of [...text].entries()) if (char === '>') places.push(i + 1);
  return places[at % places.length] ?? 0;
}

/** Undefined: what an honest tab makes. */
async function checkpointOf(
  kind: World['kind'],
  room: Awaited<ReturnType<typeof makeRoom>>,
  ann: TestReplica,
  old: ReturnType<typeof momentOf>,
): Promise<Bytes | undefined> {
  const { frontier, state } = momentOf(ann);
  const by = (moment: typeof old) => checkpointBy(room, 'e', moment);
  switch (kind) {
    case 'honest':
      return undefined;
    case 'old':
      return by(old);
    case 'short':
      return by({ frontier, state: old.state });
    case 'added':
      return by({ frontier, state: changed(state, 77, (doc) => textIn(doc).insert(0, 'a lie')) });
    case 'taken-out':
      return by({ frontier, state: changed(state, 77, (doc) => textIn(doc).delete(0, textIn(doc).length)) });
    case 'pending': {
      const vector = Y.decodeStateVector(Y.encodeStateVectorFromUpdate(state));
      const half = new Map([...vector].map(([client, clock]) => [client, clock >> 1]));
      return by({ frontier, state: Y.diffUpdate(state, Y.encodeStateVector(half)) as Bytes });
    }
    case 'beyond':
      return by({ frontier: frontier.map((row) => ({ ...row, seq: row.seq + 5 })), state });
    case 'viewer':
      return checkpointBy(room, 'v', { frontier, state });
    case 'junk':
      return randomBytes(500);
    case 'another-room':
      return checkpointBy(await makeRoom(), 'e', { frontier, state });
  }
}

/** A folder that does as many calls as it is allowed, and dies at one of them. */
function steps(diesAt: number): { readonly folder: Folder; allow(calls: number): void } {
  const inner = inPlaceFolder();
  let allowed = 0;
  let calls = 0;
  const waiting: (() => void)[] = [];
  const turn = async (): Promise<void> => {
    if (calls++ === diesAt) throw new Error('fold worker: ended');
    if (allowed > 0) allowed--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return {
    folder: {
      ...inner,
      fold: (sealed) => turn().then(() => inner.fold(sealed)),
      contains: (state) => turn().then(() => inner.contains(state)),
    },
    allow(more) {
      allowed += more;
      for (; allowed > 0 && waiting.length > 0; allowed--) waiting.shift()?.();
    },
  };
}
