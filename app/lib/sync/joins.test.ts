/**
 * Joining a room of some size while things go wrong: in the end who joins has all of it, the very same, and can go on. The
 * largest is for `npm run soak`: SIZES_MB names others.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fastTime } from '../../testing/fast-time.ts';
import { MemoryNetwork } from '../../testing/memory-network.ts';
import { mortalStore } from '../../testing/mortal-store.ts';
import { makeRoom, replicasOfATest, type TestReplica, type TestRoom } from '../../testing/replicas.ts';
import { equalBytes, toHex } from '../core/bytes.ts';
import type { LogStore } from '../log/log-store.ts';
import { isPending } from '../log/test-room.ts';
import { memoryStore } from '../storage/stores/memory.ts';
import { frameType } from './frames.ts';
import type { Transport } from './transport.ts';

const SIZES_MB = (process.env['SIZES_MB'] ?? (process.env['RUNS'] === undefined ? '0.3 5' : '0.3 5 50'))
  .split(' ')
  .map(Number);
const MB = 1_000_000;
const LARGEST_FILE_MB = 15;
/** What is typed at once: an entry. */
const TYPED_CHARS = 16_000;

const { open, join, leave } = replicasOfATest();
beforeEach(fastTime);
afterEach(async () => {
  await leave();
  vi.useRealTimers();
});

const realTimeout = globalThis.setTimeout;
/** Nothing moved for so long in real time: then all that does not wait for a timer is done. */
const QUIET_MS = 30;

/** Lets time pass, a second each time that nothing moves any more: however slow the machine, nobody's patience ends by that. */
async function untilLater(what: string, condition: () => boolean): Promise<void> {
  for (let second = 0; second < 1000; second++) {
    for (let [now, before] = [moves(), -1]; now !== before; [before, now] = [now, moves()]) {
      if (condition()) return;
      await new Promise((resolve) => realTimeout(resolve, QUIET_MS));
    }
    vi.advanceTimersByTime(1000);
  }
  throw new Error(`waited for: ${what}`);
}
/** Grows with everything that arrives or is accepted. */
let arrived = 0;
const moves = (): number => arrived + open.reduce((sum, each) => sum + entriesOf(each), 0);

/** Chance from a seed, also for bytes that do not get smaller. */
function chanceFrom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 16807) % 2147483647) / 2147483647;
}

/** A third of it typed, by many small entries too, and the rest in files of bytes. */
async function fill({ replica, project, text }: TestReplica, mb: number): Promise<void> {
  const chance = chanceFrom(mb * 10 + 7);
  for (let i = 0; i < 300; i++) {
    text.insert(i, 'x');
    await replica.settled();
  }
  for (let left = (mb * MB) / 3; left > 0; left -= TYPED_CHARS) {
    const letters = Array.from({ length: TYPED_CHARS }, () =>
      String.fromCharCode(33 + Math.floor(chance() * 90)),
    );
    text.insert(text.length, letters.join(''));
    await replica.settled();
  }
  for (let left = (mb * 2) / 3; left > 0; left -= LARGEST_FILE_MB) {
    const bytes = new Uint8Array(Math.min(left, LARGEST_FILE_MB) * MB).map(() => Math.floor(chance() * 256));
    expect(project.createBinary(`bytes-${left}.bin`, bytes).ok).toBe(true);
    await replica.settled();
  }
}

/** The transport of who joins: `onPart` is called for each part of an answer, which is lost where it says so. */
const watched = (inner: Transport, onPart: (nth: number) => boolean): Transport => {
  let nth = 0;
  return {
    ...inner,
    connect: (room, events) =>
      inner.connect(room, {
        ...events,
        onFrame: (from, frame) => {
          arrived++;
          if (frame[0] !== frameType.segments || onPart(++nth)) events.onFrame(from, frame);
        },
      }),
  };
};

/** Each size has one room, made once: its disk is what givers open. */
const made = new Map<number, Promise<{ room: TestRoom; disk: LogStore }>>();
const roomOf = (mb: number) => {
  const known = made.get(mb) ?? makeRoomOf(mb);
  made.set(mb, known);
  return known;
};
async function makeRoomOf(mb: number) {
  const [room, disk] = [await makeRoom(), memoryStore()];
  const author = await join(room, { makesFile: true, transports: [], store: disk });
  await fill(author, mb);
  return { room, disk };
}
const entriesOf = ({ replica }: TestReplica): number =>
  replica.frontier.reduce((sum, { seq }) => sum + seq, 0);
/** A tab can't close it for the next. */
const kept = (disk: LogStore): LogStore =>
  new Proxy(disk, {
    get: (of, name) => {
      if (name === 'close') return () => undefined;
      const value: unknown = Reflect.get(of, name, of);
      return typeof value === 'function' ? (value as () => unknown).bind(of) : value;
    },
  });

describe.each(SIZES_MB)('SYNC-4: who joins a room of %s MB has all of it', (mb) => {
  /** So many parts came when it goes wrong: in the middle, where there are several. */
  const wrongAt = mb > 1 ? 4 : 1;

  async function start() {
    const { room, disk } = await roomOf(mb);
    const network = new MemoryNetwork(chanceFrom(mb * 10 + 3));
    const give = () => join(room, { transports: [network.transport(false)], store: kept(disk) });
    const ann = await give();
    const joins = (onPart: (nth: number) => boolean, store = memoryStore()) =>
      join(room, {
        transports: [watched(network.transport(false), onPart)],
        store: kept(store),
        knowsGenesis: false,
      });
    const [hash, entries] = [toHex(ann.hash()), entriesOf(ann)];
    const isWhole = (each: TestReplica): boolean =>
      entriesOf(each) === entries && toHex(each.hash()) === hash;
    return { network, ann, give, joins, isWhole };
  }
  const self = ({ replica }: TestReplica) => replica.self;

  async function goesOn(ann: TestReplica, bob: TestReplica): Promise<void> {
    expect(isPending(bob.replica.doc)).toBe(false);
    for (const { id, kind } of ann.project.list()) {
      const [theirs, here] = [ann.project.bytes(id), bob.project.bytes(id)];
      if (kind !== 'folder') expect(theirs.ok && here.ok && equalBytes(theirs.value, here.value)).toBe(true);
    }
    bob.text.insert(0, 'and on ');
    await untilLater('what is typed then comes', () => ann.read().startsWith('and on '));
    expect(bob.notices.filter(({ kind }) => kind === 'refused' || kind === 'internal')).toEqual([]);
  }

  it(
    'while 30 % of all frames are lost, others come twice, or late',
    async () => {
      const { network, ann, joins, isWhole } = await start();
      const bob = await joins(() => true);
      network.faults = { loss: 0.3, repeat: 0.2, reorder: 0.4 };
      network.link(self(ann), self(bob));
      await untilLater('Bob has it', () => isWhole(bob));
      await goesOn(ann, bob);
    },
    60_000 + mb * 10_000,
  );

  it(
    'though the link dies in the middle, and comes back',
    async () => {
      const { network, ann, joins, isWhole } = await start();
      let cut = false;
      const bob = await joins((nth) => {
        if (nth !== wrongAt || cut) return true;
        cut = true;
        network.cut(self(ann), self(bob));
        return false;
      });
      network.link(self(ann), self(bob));
      await untilLater('it died', () => cut && bob.replica.others.length === 0);
      expect(isWhole(bob)).toBe(false);
      network.link(self(ann), self(bob));
      await untilLater('Bob has it', () => isWhole(bob));
      await goesOn(ann, bob);
    },
    60_000 + mb * 10_000,
  );

  it.each(['somebody else has it too', 'they come back with their disk'])(
    'though who gives it crashes in the middle, and %s',
    async (how) => {
      const { network, ann, give, joins, isWhole } = await start();
      const cid = how === 'somebody else has it too' ? await give() : undefined;
      let crashed = false;
      const bob = await joins((nth) => {
        if (nth !== wrongAt || crashed) return true;
        crashed = true;
        ann.dead = true;
        network.kill(self(ann));
        return false;
      });
      network.link(self(ann), self(bob));
      await untilLater('Ann crashed', () => crashed && bob.replica.others.length === 0);
      expect(isWhole(bob)).toBe(false);
      const next = cid ?? (await give());
      network.link(self(next), self(bob));
      await untilLater('Bob has it', () => isWhole(bob));
      await goesOn(next, bob);
      await ann.replica.close();
    },
    60_000 + mb * 10_000,
  );

  it(
    'though their own tab crashes in the middle, and is opened again',
    async () => {
      const { network, ann, joins, isWhole } = await start();
      const disk = memoryStore();
      const mortal = mortalStore(disk, Infinity, 'before');
      const bob = await joins((nth) => {
        if (nth !== wrongAt || mortal.dead) return true;
        mortal.die();
        bob.dead = true;
        network.kill(self(bob));
        return false;
      }, mortal.store);
      network.link(self(ann), self(bob));
      await untilLater('it crashed', () => mortal.dead && ann.replica.others.length === 0);
      const again = await joins(() => true, disk);
      expect(isWhole(again)).toBe(false);
      network.link(self(ann), self(again));
      await untilLater('it has it', () => isWhole(again));
      await goesOn(ann, again);
    },
    60_000 + mb * 10_000,
  );
});
