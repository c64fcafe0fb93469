/** Damage at rest, found at each moment it can be, with others and without: what is whole stays, what is not comes back. */
import 'fake-indexeddb/auto';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  allOf as all,
  dump,
  flip,
  openDisk,
  restore,
  restsWhole,
  spoil,
  spoilSegment,
  type Dump,
} from '../../testing/damaged-database.ts';
import { fastTime, seconds, untilLater as until } from '../../testing/fast-time.ts';
import { MemoryNetwork } from '../../testing/memory-network.ts';
import {
  makeRoom,
  openReplica,
  type ReplicaSetup,
  type TestReplica,
  type TestRoom,
} from '../../testing/replicas.ts';
import { randomBytes, toHex, utf8, type Bytes } from '../core/bytes.ts';
import type { LogStore, StoredSegment } from '../log/log-store.ts';

const open: TestReplica[] = [];
async function join(setup: ReplicaSetup): Promise<TestReplica> {
  const replica = await openReplica(room, setup);
  open.push(replica);
  return replica;
}
let disks = 0;
let room: TestRoom;
/** What a device holds where Ann wrote 130 letters and Bob 20 after her: a squashed segment, short ones, and a snapshot. */
let written: Dump;
const anns: Bytes = randomBytes(32);
const TEXT = 'a'.repeat(130) + 'b'.repeat(20);

beforeEach(() => {
  fastTime();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ replica }) => replica.close()));
  vi.useRealTimers();
});

beforeAll(async () => {
  fastTime();
  room = await makeRoom();
  const network = new MemoryNetwork(() => 0.99);
  const name = `written${++disks}`;
  const store = await openDisk(name);
  const ann = await join({ makesFile: true, transports: [network.transport()], store, device: anns });
  await store.saveFacts({ genesis: room.genesis.bytes });
  const bob = await join({ transports: [network.transport()] });
  await until('both have the file', () => bob.project.list().length === 1);
  for (let i = 0; i < 130; i++) {
    ann.text.insert(i, 'a');
    await ann.replica.settled();
  }
  ann.replica.post('runs', utf8('a run'));
  await until('all came', () => bob.read().length === 130);
  for (let i = 0; i < 20; i++) {
    bob.text.insert(130 + i, 'b');
    await bob.replica.settled();
  }
  await until('all is back', () => ann.read() === TEXT);
  await until('a snapshot is written', async () => (await store.loadSnapshot()) !== undefined);
  written = await dump(name);
  await Promise.all(open.splice(0).map(({ replica }) => replica.close()));
  vi.useRealTimers();
});

/** A disk that holds what was written, but for `damage` done to it. */
async function disk({ snapshot = true }: { snapshot?: boolean } = {}): Promise<string> {
  const name = `disk${++disks}`;
  await restore(name, snapshot ? written : { ...written, snapshot: [] });
  return name;
}

const segments = (): StoredSegment[] => written.segments as StoredSegment[];
/** Ann's squashed hundred, one of her letters after it, one of Bob's, and her run. */
const pick = {
  long: () => segments().find(({ first, last }) => last - first === 99)!,
  short: () => segments().find(({ channel, first }) => channel === 'project' && first === 110)!,
  bobs: () => segments().find(({ session, first }) => session !== pick.long().session && first === 10)!,
  run: () => segments().find(({ channel }) => channel === 'runs')!,
};

const damageOf = ({ notices }: TestReplica) =>
  notices.flatMap((notice) => (notice.kind === 'at-rest' ? [notice.damage] : []));
const same = (...replicas: TestReplica[]) => new Set(replicas.map((each) => toHex(each.hash()))).size === 1;

/** Somebody who has everything, on the same network. */
async function withWitness(network: MemoryNetwork): Promise<TestReplica> {
  const witness = await join({ store: await openDisk(await disk()), transports: [network.transport()] });
  expect(witness.read()).toBe(TEXT);
  return witness;
}

const ways: readonly [string, (segment: StoredSegment) => unknown][] = [
  ['a flipped byte', (segment) => flip(segment)],
  ['a flipped first byte', (segment) => flip(segment, 0)],
  ['a cut', (segment) => ({ ...segment, sealed: segment.sealed.slice(0, -9) })],
  ['another type', (segment) => ({ ...segment, sealed: 'text' })],
];

describe.each(ways)('a segment with %s', (_, way) => {
  it.each(['long', 'short', 'bobs'] as const)(
    'SYNC-15: read at the opening, alone: the rest is there, it is set aside and told (%s)',
    async (which) => {
      const name = await disk({ snapshot: false });
      await spoilSegment(name, pick[which](), way);
      const ann = await join({ store: await openDisk(name), transports: [], device: anns });
      await until('it is told', () => damageOf(ann).length > 0);
      const { first, last } = pick[which]();
      expect(damageOf(ann)[0]).toEqual({ shown: 0, hidden: last - first + 1, own: which !== 'bobs' });
      expect((await ann.store.quarantined()).map((one) => one.first)).toEqual([first]);
      expect((await all(ann.store)).filter((one) => one.first === first && one.last === last).length).toBe(
        segments().filter((one) => one.first === first && one.last === last).length - 1,
      );
      expect(TEXT.startsWith(ann.read())).toBe(true);
    },
  );

  it.each(['long', 'short', 'bobs'] as const)(
    'SYNC-16: read at the opening, with somebody who has it: it comes back (%s)',
    async (which) => {
      const name = await disk({ snapshot: false });
      await spoilSegment(name, pick[which](), way);
      const network = new MemoryNetwork(() => 0.99);
      const ann = await join({ store: await openDisk(name), transports: [network.transport()] });
      const witness = await withWitness(network);
      await until('all is there again', () => ann.read() === TEXT && same(ann, witness));
      await until('it rests whole', () => restsWhole(room, ann));
      await until('the quarantine is empty', async () => (await ann.store.quarantined()).length === 0);
      expect(damageOf(ann).at(-1)).toBeUndefined();
    },
  );

  it.each(['long', 'short', 'bobs', 'run'] as const)(
    'SYNC-16: under a snapshot: the text stays, the check finds it, and who has it brings it back (%s)',
    async (which) => {
      const name = await disk();
      await spoilSegment(name, pick[which](), way);
      const network = new MemoryNetwork(() => 0.99);
      const ann = await join({
        store: await openDisk(name),
        transports: [network.transport()],
        device: anns,
      });
      expect(ann.read()).toBe(TEXT);
      await until('it is told', () => damageOf(ann).length > 0);
      const { first, last } = pick[which]();
      expect(damageOf(ann)[0]).toEqual({ shown: last - first + 1, hidden: 0, own: which !== 'bobs' });
      expect((await ann.store.quarantined()).map((one) => one.first)).toEqual([first]);
      expect(await ann.store.loadSnapshot(), 'nothing is blamed on it').toBeDefined();
      await withWitness(network);
      await until('it rests whole', () => restsWhole(room, ann));
      await until('that is told', () => damageOf(ann).at(-1) === undefined);
      expect(await ann.store.quarantined()).toEqual([]);
      expect(ann.notices.filter(({ kind }) => kind === 'snapshot-false' || kind === 'refused')).toEqual([]);
    },
  );

  it.each(['long', 'short', 'bobs'] as const)(
    'SYNC-15: read for an answer: it is not sent, and comes back from who has it (%s)',
    async (which) => {
      const name = await disk();
      const network = new MemoryNetwork(() => 0.99);
      const ann = await join({ store: await openDisk(name), transports: [network.transport()] });
      await seconds(4);
      await spoilSegment(name, pick[which](), way);
      const joiner = await join({ transports: [network.transport()], knowsGenesis: false });
      await until('it is set aside', async () => (await ann.store.quarantined()).length === 1);
      await seconds(3);
      expect(joiner.notices.filter(({ kind }) => kind === 'refused' || kind === 'newer-format')).toEqual([]);
      expect(joiner.read()).not.toBe(TEXT);
      await withWitness(network);
      await until('both have it', async () => joiner.read() === TEXT && (await restsWhole(room, ann)));
      expect(same(ann, joiner)).toBe(true);
    },
  );
});

it('SYNC-17: what somebody who is here brings at once is not told', async () => {
  const name = await disk();
  await spoilSegment(name, pick.short(), flip);
  const network = new MemoryNetwork(() => 0.99);
  await withWitness(network);
  const ann = await join({ store: await openDisk(name), transports: [network.transport()] });
  await until('it is found', async () => (await ann.store.quarantined()).length === 1, 5);
  await until('it rests whole', () => restsWhole(room, ann), 5);
  await seconds(6);
  expect(damageOf(ann)).toEqual([]);
});

it('SYNC-16: a segment that vanished is missed under a snapshot, and asked for', async () => {
  const name = await disk();
  await spoilSegment(name, pick.long(), () => undefined);
  await spoilSegment(name, pick.bobs(), () => undefined);
  const network = new MemoryNetwork(() => 0.99);
  const ann = await join({ store: await openDisk(name), transports: [network.transport()] });
  await withWitness(network);
  await until('it rests whole', () => restsWhole(room, ann));
});

it('SYNC-15: a damaged statement keeps nobody out, and what is here is read when somebody brings it', async () => {
  for (const value of ['text', { genesis: new Uint8Array(90).fill(3) }]) {
    const name = await disk({ snapshot: false });
    await spoil(name, 'facts', value);
    const network = new MemoryNetwork(() => 0.99);
    const setup = { transports: [network.transport()], knowsGenesis: false };
    const ann = await join({ ...setup, store: await openDisk(name) });
    expect(ann.read()).toBe('');
    await seconds(4);
    expect(await ann.store.quarantined()).toEqual([]);
    // Someone who knows the room and holds nothing of it.
    await join({ transports: [network.transport()] });
    await until('all that is here is read', () => ann.read() === TEXT);
  }
});

it('SYNC-11: a snapshot that does not decode is read past, whatever it does to the document', async () => {
  const [snapshot] = written.snapshot as { chains: Bytes; state: Bytes; entries: number }[];
  if (snapshot === undefined) throw new Error('no snapshot');
  const name = await disk();
  // As version 1 stored it, without a digest.
  await spoil(name, 'snapshot', { ...snapshot, digest: undefined, state: snapshot.state.slice(0, -30) });
  const ann = await join({ store: await openDisk(name), transports: [] });
  expect(ann.read()).toBe(TEXT);
});

it('SYNC-15: a store that can’t be read opens with what there is, and says so', async () => {
  const store = await openDisk(await disk({ snapshot: false }));
  const broken: LogStore = Object.create(store, {
    readAll: {
      value: () => {
        throw new DOMException('gone', 'UnknownError');
      },
    },
  }) as LogStore;
  const proxied = new Proxy(broken, {
    get: (target, key) => {
      const value: unknown = Reflect.get(key === 'readAll' ? target : store, key, store);
      return typeof value === 'function' ? (value.bind(store) as unknown) : value;
    },
  });
  const ann = await join({ store: proxied, transports: [] });
  expect(ann.notices).toContainEqual(expect.objectContaining({ kind: 'internal', what: 'the log at rest' }));
  expect(ann.read()).toBe('');
});
