/** Replicas and a real archive: the thin server with PocketBase behind it. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { fromHex, randomBytes, toHex, type Bytes } from '../../core/bytes.ts';
import { err, ok } from '../../core/result.ts';
import { archiveKeys, type RoomKeys, type SeedKind } from '../../crypto/room-keys.ts';
import { sign } from '../../crypto/signatures.ts';
import type { LogStore } from '../../log/log-store.ts';
import { seal } from '../../log/seal.ts';
import { encodeSegment } from '../../log/segment.ts';
import { memoryStore } from '../../storage/stores/memory.ts';
import { MemoryNetwork } from '../../../testing/memory-network.ts';
import {
  makeRoom,
  openReplica,
  until,
  wayTo,
  type TestReplica,
  type TestRoom,
} from '../../../testing/replicas.ts';
import {
  pocketbasePath,
  startArchiveServer,
  type ArchiveServer as ServerUnderTest,
} from '../../../../signaling/testing/archive-client.ts';
import { archiveServer, type ArchiveServer } from './archive-server.ts';
import type { ArchiveState } from './archive-state.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });
if (pocketbasePath === undefined)
  console.log('The archive is not tried: POCKETBASE_PATH is not set (npm test sets it).');

let server: ServerUnderTest;
const opened: TestReplica[] = [];
beforeAll(async () => {
  if (pocketbasePath !== undefined) server = await startArchiveServer();
});
afterAll(() => server?.close());
afterEach(async () => {
  for (const one of opened.splice(0)) await one.replica.close();
});

interface Visit {
  readonly kind?: SeedKind;
  readonly store?: LogStore;
  readonly device?: Bytes;
  readonly owner?: boolean;
  readonly makesFile?: boolean;
  readonly knowsGenesis?: boolean;
  readonly network?: MemoryNetwork;
  readonly othersMs?: number;
  /** Changes what the server says or does. */
  readonly wrap?: (server: ArchiveServer) => ArchiveServer;
  readonly alone?: (work: () => Promise<void>) => Promise<void>;
}

/** Somebody opens the room; without a network they are alone with the archive. */
async function visit(
  room: TestRoom,
  { kind = 'e', owner = false, network, wrap = (one) => one, ...rest }: Visit = {},
) {
  const keys = await room.keys(kind);
  const one = await openReplica(room, {
    kind,
    knowsGenesis: owner,
    ...rest,
    transports: network ? [network.transport()] : [],
    archive: wayTo({
      server: wrap(serverOf(keys)),
      owner: owner ? { sign: (message) => sign(room.owner.privateKey, message) } : undefined,
      alone: rest.alone ?? ((work) => work()),
      waits: { ownMs: 5, othersMs: rest.othersMs ?? 20, jitterMs: 5, confirmMs: 20 },
    }),
  });
  opened.push(one);
  return one;
}

const serverOf = (keys: RoomKeys): ArchiveServer =>
  archiveServer({ origin: server.url, roomId: keys.roomId, keys: archiveKeys(keys) });

/** A disk that a tab can't close for the others. */
const shared = (disk: LogStore): LogStore =>
  Object.assign(Object.create(disk) as LogStore, bound(disk), { close: () => undefined });
const bound = (disk: LogStore): Partial<LogStore> =>
  Object.fromEntries(
    Object.getOwnPropertyNames(Object.getPrototypeOf(disk))
      .filter((name) => name !== 'constructor')
      .map((name) => [
        name,
        (...args: never[]) => (disk[name as 'addresses'] as (...all: never[]) => unknown).apply(disk, args),
      ]),
  );

/** Text that does not get shorter by deflating. */
const noise = (length: number): string =>
  Array.from({ length: Math.ceil(length / 64) }, () => toHex(randomBytes(32)))
    .join('')
    .slice(0, length);

const stateOf = ({ replica }: TestReplica): ArchiveState['kind'] | undefined => replica.archive?.state.kind;
const mineOf = ({ replica }: TestReplica): boolean | undefined =>
  replica.archive?.state.kind === 'behind' ? replica.archive.state.mine : undefined;
const archived = (one: TestReplica) =>
  until(
    'everything to be archived',
    () => one.saves.at(-1)?.kind !== 'unsaved' && stateOf(one) === 'current',
  );
const gone = async (one: TestReplica): Promise<void> => {
  opened.splice(opened.indexOf(one), 1);
  await one.replica.close();
};

describe.skipIf(pocketbasePath === undefined)('ARCH-15 a room in the archive', () => {
  test('ARCH-19 a lone visitor with the link alone opens a room whose people are all gone', async () => {
    const room = await makeRoom();
    const ann = await visit(room, { owner: true, makesFile: true });
    ann.text.insert(0, 'written yesterday');
    await archived(ann);
    await gone(ann);

    for (const kind of ['e', 'v'] as const) {
      const ben = await visit(room, { kind });
      expect(ben.replica.known).toBe(false);
      await until('the text', () => ben.read() === 'written yesterday');
      await until('the room to be known', () => ben.replica.known);
    }
  });

  test('ARCH-18 what a visitor writes is there for the owner, who takes only what is new', async () => {
    const room = await makeRoom();
    const disk = memoryStore();
    const ann = await visit(room, { owner: true, makesFile: true, store: disk });
    ann.text.insert(0, 'ann');
    await archived(ann);
    await gone(ann);

    const ben = await visit(room);
    await until('the text', () => ben.read() === 'ann');
    ben.text.insert(3, ' and ben');
    await archived(ben);
    const mark = await disk.loadArchiveMark();

    const again = await visit(room, { owner: true, store: disk });
    await until('both', () => again.read() === 'ann and ben');
    await archived(again);
    expect((await disk.loadArchiveMark())?.cursor).toBeGreaterThan(mark?.cursor ?? Infinity);
    expect(again.hash()).toEqual(ben.hash());
  });

  test('ARCH-17 whoever may edit sends what its author could not', async () => {
    const room = await makeRoom();
    const network = new MemoryNetwork(() => 0.99);
    const ann = await visit(room, { owner: true, makesFile: true, network });
    await archived(ann);
    // Dora has no archive of her own, and is gone before anybody asks.
    const dora = await openReplica(room, { transports: [network.transport()] });
    opened.push(dora);
    await until('the file', () => dora.project.list().length === 1);
    dora.text.insert(0, 'by dora');
    await until('ann to have it', () => ann.read() === 'by dora');
    await gone(dora);
    await archived(ann);
    await gone(ann);
    const ben = await visit(room, { kind: 'v' });
    await until('her words', () => ben.read() === 'by dora');
  });

  test('ARCH-15 my words are archived when what they follow is there, and stay so while others write', async () => {
    const room = await makeRoom();
    const network = new MemoryNetwork(() => 0.99);
    const ann = await visit(room, { owner: true, makesFile: true, network, othersMs: 60_000 });
    await archived(ann);
    const dora = await openReplica(room, { transports: [network.transport()] });
    opened.push(dora);
    await until('the file', () => dora.project.list().length === 1);

    dora.text.insert(0, 'dora. ');
    await until('ann to have it', () => ann.read() === 'dora. ');
    await until('that it is behind', () => stateOf(ann) === 'behind');
    expect(ann.replica.archive?.state).toEqual({ kind: 'behind', mine: false });

    ann.text.insert(6, 'ann.');
    await until('mine to lack', () => mineOf(ann) === true);
    // Hers alone are of no use to a reader: they follow what dora wrote, which nobody has sent.
    const [own] = ann.replica.frontier;
    await vi.waitFor(async () => {
      const ends = (await ann.store.loadArchiveMark())?.ends ?? [];
      expect(ends.find(({ session }) => session === own?.session)?.last).toBe(ann.replica.frontier[0]?.seq);
    });
    expect(mineOf(ann)).toBe(true);
    const ben = await visit(room, { network, othersMs: 5 });
    await until('mine to be there', () => mineOf(ann) === false || stateOf(ann) === 'current');
    await gone(ann);
    await gone(dora);
    await gone(ben);
    const cleo = await visit(room, { kind: 'v' });
    await until('both', () => cleo.read() === 'dora. ann.');
  });

  test('ARCH-16 many keys become few segments', async () => {
    const room = await makeRoom();
    const ann = await visit(room, { owner: true, makesFile: true });
    await archived(ann);
    const keys = await room.keys('e');
    const before = await archiveServer({
      origin: server.url,
      roomId: keys.roomId,
      keys: archiveKeys(keys),
    }).status();
    for (let i = 0; i < 120; i++) {
      ann.text.insert(i, 'x');
      await ann.replica.settled();
    }
    await archived(ann);
    const after = await archiveServer({
      origin: server.url,
      roomId: keys.roomId,
      keys: archiveKeys(keys),
    }).status();
    if (!before.ok || !after.ok) throw new Error('no status');
    expect(after.value.segments - before.value.segments).toBeLessThan(60);
    const ben = await visit(room, { kind: 'v' });
    await until('all of it', () => ben.read() === 'x'.repeat(120));
  });

  test('ARCH-17 a viewer and a stranger add nothing', async () => {
    const room = await makeRoom();
    const ann = await visit(room, { owner: true, makesFile: true });
    await archived(ann);
    const view = await room.keys('v');
    const asViewer = archiveServer({ origin: server.url, roomId: view.roomId, keys: archiveKeys(view) });
    expect(await asViewer.append([randomBytes(300)])).toEqual({ ok: false, error: { reason: 'no-key' } });
    const stranger = { read: randomBytes(32), edit: randomBytes(32) };
    const asStranger = archiveServer({ origin: server.url, roomId: view.roomId, keys: stranger });
    for (const answer of [
      await asStranger.status(),
      await asStranger.page(0),
      await asStranger.append([randomBytes(9)]),
    ])
      expect(answer).toMatchObject({ ok: false, error: { reason: 'wrong-key' } });
  });

  test('ARCH-15 junk that an editor puts under my name does not pass for my words', async () => {
    const room = await makeRoom();
    const ann = await visit(room, { owner: true, makesFile: true });
    await archived(ann);
    const keys = await room.keys('e');
    const asEditor = archiveServer({ origin: server.url, roomId: keys.roomId, keys: archiveKeys(keys) });
    const head = ann.replica.frontier.find(({ channel }) => channel === 'project');
    if (head === undefined) throw new Error('ann wrote nothing');
    const body = encodeSegment({
      publicKey: fromHex(head.session),
      channel: 'project',
      first: head.seq + 1,
      before: head.hash,
      entries: Array.from({ length: 100 }, () => ({
        time: 1,
        heads: new Uint8Array(),
        payload: randomBytes(9),
      })),
      signature: randomBytes(64),
    });
    expect(await asEditor.append([await seal(keys, 'segment', body)])).toMatchObject({
      ok: true,
      value: { stored: 1 },
    });
    ann.replica.archive?.refresh();
    const status = await asEditor.status();
    if (!status.ok) throw new Error('no status');
    await vi.waitFor(async () =>
      expect((await ann.store.loadArchiveMark())?.cursor).toBe(status.value.cursor),
    );
    ann.text.insert(0, 'mine');
    await archived(ann);
    await gone(ann);
    const ben = await visit(room, { kind: 'v' });
    await until('the real words', () => ben.read() === 'mine');
  });

  test('ARCH-12 the owner has it forgotten: nobody sends it again, until the owner wants it', async () => {
    const room = await makeRoom();
    const disk = memoryStore();
    const ann = await visit(room, { owner: true, makesFile: true, store: disk });
    ann.text.insert(0, 'secret');
    await archived(ann);
    const deleted = await ann.replica.archive?.delete();
    expect(deleted).toMatchObject({ ok: true });
    await until('declined', () => stateOf(ann) === 'declined');
    ann.text.insert(6, ', and more');
    const ben = await visit(room, { knowsGenesis: true });
    await until('unknown', () => stateOf(ben) === 'unknown-room');
    await gone(ann);

    const again = await visit(room, { owner: true, store: disk });
    await until('still declined', () => stateOf(again) === 'declined');
    await again.replica.archive?.keep();
    await archived(again);
    await gone(again);
    const cleo = await visit(room, { kind: 'v' });
    await until('the text', () => cleo.read() === 'secret, and more');
  });

  test('ARCH-18 a large chain that stands there before what it follows reaches a lone visitor whole', async () => {
    const room = await makeRoom();
    const network = new MemoryNetwork(() => 0.99);
    const ann = await visit(room, { owner: true, makesFile: true, network, othersMs: 600 });
    await archived(ann);
    const dora = await openReplica(room, { transports: [network.transport()] });
    opened.push(dora);
    await until('the file', () => dora.project.list().length === 1);
    dora.text.insert(0, 'dora.');
    await until('ann to have it', () => ann.read() === 'dora.');
    // More than a stranger may make a tab hold.
    for (let i = 0; i < 12; i++) {
      ann.text.insert(0, noise(200_000));
      await ann.replica.settled();
    }
    const all = ann.read();
    await gone(dora);
    await archived(ann);
    await gone(ann);
    const ben = await visit(room, { kind: 'v' });
    await until('all of it', () => ben.read() === all);
  });

  test('ARCH-18 a reading that failed midway is tried again soon, and what was read is not sent again', async () => {
    const room = await makeRoom();
    const ann = await visit(room, { owner: true, makesFile: true });
    for (let i = 0; i < 36; i++) {
      ann.text.insert(0, noise(300_000));
      await ann.replica.settled();
    }
    await archived(ann);
    await gone(ann);
    const reader = serverOf(await room.keys('e'));
    const before = await reader.status();
    let pages = 0;
    const ben = await visit(room, {
      wrap: (one) => ({
        ...one,
        page: async (since) => (++pages === 2 ? err({ reason: 'later' as const }) : one.page(since)),
      }),
    });
    await until('another try', () => pages > 2, 15_000);
    await archived(ben);
    expect(await reader.status()).toEqual(before);
  });

  test('ARCH-15 an answer 200 that took nothing is none', async () => {
    const room = await makeRoom();
    const ann = await visit(room, {
      owner: true,
      makesFile: true,
      wrap: (one) => ({
        ...one,
        append: async () => ok({ stored: 0, known: 0, cursor: 0, bytes: 0, quota: 1 }),
      }),
    });
    await until('doubt', () => stateOf(ann) === 'unreachable');
  });

  test('ARCH-12 deleted is what the server says is deleted, though the tab died or the answer was lost', async () => {
    for (const lost of ['request', 'answer'] as const) {
      const room = await makeRoom();
      const disk = memoryStore();
      const ann = await visit(room, {
        owner: true,
        makesFile: true,
        store: shared(disk),
        wrap: (one) => ({
          ...one,
          delete: async (statement) => {
            if (lost === 'answer') await one.delete(statement);
            return err({ reason: 'later' as const });
          },
        }),
      });
      await archived(ann);
      expect(await ann.replica.archive?.delete()).toMatchObject({ ok: false });
      await gone(ann);
      const again = await visit(room, { owner: true, store: shared(disk) });
      await until('declined', () => stateOf(again) === 'declined');
      const status = await serverOf(await room.keys('v')).status();
      expect(status, lost).toEqual({ ok: false, error: { reason: 'unknown-room' } });
    }
  });

  test('ARCH-12 deleted in the tab that does not speak to the server: no tab says that it is there', async () => {
    const room = await makeRoom();
    const disk = memoryStore();
    const network = new MemoryNetwork(() => 0.99);
    let last = Promise.resolve();
    const alone = (work: () => Promise<void>): Promise<void> => (last = last.then(work));
    const one = await visit(room, { owner: true, makesFile: true, store: shared(disk), network, alone });
    const two = await visit(room, { owner: true, store: shared(disk), network, alone });
    await archived(one);
    two.replica.archive?.refresh();
    await archived(two);
    expect(await two.replica.archive?.delete()).toMatchObject({ ok: true });
    one.replica.archive?.refresh();
    for (const tab of [one, two]) await until('it to be told', () => stateOf(tab) === 'declined');
    await two.replica.archive?.keep();
    one.replica.archive?.refresh();
    await archived(one);
  });

  test('ARCH-13 PocketBase killed while it is typed: a quiet state, and everything arrives later', async () => {
    const own = await startArchiveServer();
    const first = server;
    server = own;
    try {
      const room = await makeRoom();
      const ann = await visit(room, { owner: true, makesFile: true });
      await archived(ann);
      const { pid } = (await own.starts()).at(-1) ?? {};
      if (pid === undefined) throw new Error('no PocketBase');
      process.kill(pid, 'SIGKILL');
      ann.text.insert(0, 'while it was down');
      await until('the state', () => stateOf(ann) === 'unreachable');
      expect(ann.notices.filter(({ kind }) => kind === 'internal')).toEqual([]);
      await until('it is back', () => stateOf(ann) === 'current', 20_000);
      await gone(ann);
      const ben = await visit(room, { kind: 'v' });
      await until('the words', () => ben.read() === 'while it was down');
      await gone(ben);
    } finally {
      server = first;
      await own.close();
    }
  });
});
