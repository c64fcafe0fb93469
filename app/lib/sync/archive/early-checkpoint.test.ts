/** What a newcomer is shown before the archive's history is folded, and that nothing of it can keep the history away. */
import { afterEach, expect, test, vi } from 'vitest';
import { fastTime, seconds, untilLater } from '../../../testing/fast-time.ts';
import { MemoryArchive, type ArchiveFault, type ArchiveRequest } from '../../../testing/memory-archive.ts';
import {
  makeRoom,
  openReplica,
  until,
  wayTo,
  type TestReplica,
  type TestRoom,
} from '../../../testing/replicas.ts';
import { randomBytes, type Bytes } from '../../core/bytes.ts';
import { archiveKeys, type SeedKind } from '../../crypto/room-keys.ts';
import { sign } from '../../crypto/signatures.ts';
import type { LogStore } from '../../log/log-store.ts';
import { memoryStore } from '../../storage/stores/memory.ts';
import type { ArchiveDoor } from '../replica-events.ts';
import type { ArchiveOptions } from './archive.ts';
import type { ArchiveServer } from './archive-server.ts';

const CHECKPOINT = randomBytes(500);

const opened: TestReplica[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.replica.close();
  vi.useRealTimers();
});

interface Visit {
  readonly kind?: SeedKind;
  readonly owner?: boolean;
  readonly store?: LogStore;
  readonly fault?: (request: ArchiveRequest) => ArchiveFault | undefined;
  readonly look?: (sealed: Bytes) => Promise<boolean>;
  /** What happens on the way to the server. */
  readonly way?: (server: ArchiveServer) => ArchiveServer;
}

async function visit(
  room: TestRoom,
  archive: MemoryArchive,
  { kind = 'v', owner = false, way = (server) => server, ...rest }: Visit = {},
) {
  const keys = await room.keys(kind);
  const door: ArchiveDoor & Pick<ArchiveOptions, 'look'> = {
    server: way(archive.open(keys.roomId, archiveKeys(keys), rest.fault)),
    owner: owner ? { sign: (message) => sign(room.owner.privateKey, message) } : undefined,
    alone: (work) => work(),
    waits: { ownMs: 1, othersMs: 20, jitterMs: 5, confirmMs: 20 },
    look: rest.look ?? (async () => true),
  };
  const one = await openReplica(room, {
    kind,
    knowsGenesis: owner || rest.store !== undefined,
    transports: [],
    ...(rest.store && { store: rest.store }),
    makesFile: owner,
    archive: wayTo(door),
  });
  opened.push(one);
  return one;
}

/** A room with words in the archive, whose people are gone, and a checkpoint. */
async function roomLeft({ checkpoint = true } = {}) {
  const [room, archive] = [await makeRoom(), new MemoryArchive()];
  const ann = await visit(room, archive, { owner: true, kind: 'e' });
  ann.text.insert(0, 'words');
  await until('all to be archived', () => ann.replica.archive?.state.kind === 'current' && saved(ann));
  await ann.replica.close();
  opened.length = 0;
  const keys = await room.keys('e');
  const server = archive.open(keys.roomId, archiveKeys(keys));
  if (checkpoint) expect(await server.keepCheckpoint(CHECKPOINT)).toMatchObject({ ok: true });
  return { room, archive };
}
const saved = (one: TestReplica): boolean => one.saves.at(-1)?.kind !== 'unsaved';
/** Keeps the answers to some requests back until they are let go. */
function holding(...requests: readonly ('checkpoint' | 'page')[]) {
  const asked: string[] = [];
  const here: string[] = [];
  const gates = { checkpoint: Promise.withResolvers<void>(), page: Promise.withResolvers<void>() };
  const way = (server: ArchiveServer): ArchiveServer => {
    const held =
      <A extends unknown[], T>(name: 'checkpoint' | 'page', ask: (...args: A) => Promise<T>) =>
      async (...args: A): Promise<T> => {
        asked.push(name);
        const said = await ask(...args);
        here.push(name);
        if (requests.includes(name)) await gates[name].promise;
        return said;
      };
    return {
      ...server,
      checkpoint: held('checkpoint', () => server.checkpoint()),
      page: held('page', (since: number) => server.page(since)),
      close: () => (here.push('close'), server.close()),
    };
  };
  return { asked, here, way, let: (name: 'checkpoint' | 'page') => gates[name].resolve() };
}

test('ARCH-33 a newcomer is shown it before the history is taken, once', async () => {
  const { room, archive } = await roomLeft();
  const held = holding('checkpoint');
  const shown: (readonly [Bytes, string, boolean])[] = [];
  const box: { one?: TestReplica } = {};
  const look = async (sealed: Bytes): Promise<boolean> => {
    shown.push([sealed, box.one?.read() ?? 'nobody', box.one?.replica.genesis !== undefined]);
    return true;
  };
  const one = (box.one = await visit(room, archive, { look, way: held.way }));
  // Both are on their way before either is there.
  await until('the page to be asked for', () => held.asked.includes('page'));
  expect(held.asked).toEqual(['checkpoint', 'page']);
  held.let('checkpoint');
  await until('the words', () => one.read() === 'words');
  expect(shown).toEqual([[CHECKPOINT, '', true]]);
  one.replica.archive?.refresh(true);
  await until('it to be read again', () => held.asked.filter((name) => name === 'page').length > 1);
  expect(held.asked.filter((name) => name === 'checkpoint')).toHaveLength(1);
});

test('ARCH-33 while it is being shown nothing is taken', async () => {
  const { room, archive } = await roomLeft();
  const shown = Promise.withResolvers<boolean>();
  let looks = 0;
  const held = holding('page');
  const one = await visit(room, archive, { look: () => (looks++, shown.promise), way: held.way });
  await until('it to be shown', () => looks === 1);
  held.let('page');
  await one.replica.settled();
  expect(one.read()).toBe('');
  shown.resolve(true);
  await until('the words', () => one.read() === 'words');
});

test.each<[string, ArchiveFault | 'none']>([
  ['where it is refused', 'later'],
  ['where the answer is lost', 'lost'],
  ['where there is none', 'none'],
])('ARCH-33 %s the history comes at once, and nothing is shown', async (_, fault) => {
  const { room, archive } = await roomLeft({ checkpoint: fault !== 'none' });
  const shown: Bytes[] = [];
  const one = await visit(room, archive, {
    look: async (sealed) => shown.push(sealed) > 0,
    fault: (request) => (request === 'checkpoint' && fault !== 'none' ? fault : undefined),
  });
  await until('the words', () => one.read() === 'words', 2_000);
  expect(shown).toEqual([]);
});

test('ARCH-33 where it does not come the history waits 3 s for it, and it is not shown when it comes then', async () => {
  const { room, archive } = await roomLeft();
  fastTime();
  const held = holding('checkpoint');
  const shown: Bytes[] = [];
  const look = async (sealed: Bytes): Promise<boolean> => shown.push(sealed) > 0;
  const one = await visit(room, archive, { look, way: held.way });
  await untilLater('it to be asked for', () => held.asked.includes('page'));
  const from = Date.now();
  await untilLater('the words', () => one.read() === 'words');
  expect(Date.now() - from).toBeGreaterThan(2_500);
  expect(Date.now() - from).toBeLessThan(5_000);
  held.let('checkpoint');
  await seconds(1);
  expect(shown).toEqual([]);
});

test('ARCH-33 where the history takes longer it is shown whenever it comes before', async () => {
  const { room, archive } = await roomLeft();
  fastTime();
  const held = holding('checkpoint', 'page');
  const shown: Bytes[] = [];
  const one = await visit(room, archive, {
    look: async (sealed) => shown.push(sealed) > 0,
    way: held.way,
  });
  await untilLater('it to be asked for', () => held.asked.includes('page'));
  await seconds(10);
  held.let('checkpoint');
  await untilLater('it to be shown', () => shown.length === 1);
  expect(one.read()).toBe('');
  held.let('page');
  await untilLater('the words', () => one.read() === 'words');
});

test.each([
  ['fails', () => Promise.reject(new Error('no'))],
  ['never ends', () => new Promise<boolean>(() => undefined)],
])('ARCH-33 what %s of showing it keeps nothing away', async (how, look) => {
  const { room, archive } = await roomLeft();
  fastTime();
  const one = await visit(room, archive, { look });
  await untilLater('the words', () => one.read() === 'words');
  const told = one.notices.filter(({ kind }) => kind === 'internal');
  expect(told).toHaveLength(how === 'fails' ? 1 : 0);
});

test('ARCH-33 a device that has some of the project does not ask for it', async () => {
  const { room, archive } = await roomLeft();
  const disk = memoryStore();
  const asked: ArchiveRequest[] = [];
  const fault = (request: ArchiveRequest): undefined => void asked.push(request);
  const first = await visit(room, archive, { store: disk });
  await until('the words', () => first.read() === 'words' && first.replica.archive?.state.kind === 'current');
  await first.replica.close();
  opened.length = 0;
  const again = await visit(room, archive, { store: disk, fault });
  await until('all of it', () => again.replica.archive?.state.kind === 'current');
  expect(asked).toContain('page');
  expect(asked).not.toContain('checkpoint');
});

test('ARCH-33 a room that is closed meanwhile shows nothing any more', async () => {
  const { room, archive } = await roomLeft();
  const held = holding('checkpoint');
  const shown: Bytes[] = [];
  const one = await visit(room, archive, {
    look: async (sealed) => shown.push(sealed) > 0,
    way: held.way,
  });
  await until('it to be on its way', () => held.here.includes('checkpoint'));
  const closing = one.replica.close();
  opened.length = 0;
  await until('the archive to be left', () => held.here.includes('close'));
  held.let('checkpoint');
  await closing;
  expect(shown).toEqual([]);
});

test('ARCH-33 it is asked for once, also where the history has to be asked for again', async () => {
  const { room, archive } = await roomLeft();
  const asked: ArchiveRequest[] = [];
  const shown: Bytes[] = [];
  const pages = (): number => asked.filter((request) => request === 'page').length;
  const one = await visit(room, archive, {
    look: async (sealed) => shown.push(sealed) > 0,
    fault: (request) => (asked.push(request), request === 'page' && pages() === 1 ? 'later' : undefined),
  });
  await until('it to be unreachable', () => one.replica.archive?.state.kind === 'unreachable');
  one.replica.archive?.refresh();
  await until('the words', () => one.read() === 'words');
  expect(asked.filter((request) => request === 'checkpoint')).toHaveLength(1);
  expect(shown).toEqual([CHECKPOINT]);
});
