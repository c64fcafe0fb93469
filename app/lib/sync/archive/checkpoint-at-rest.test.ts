/** When a tab leaves a checkpoint in the archive, and when it doesn't; what is in it is nothing to the archive. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { must } from '../../../testing/archive-contract.ts';
import { untilLater } from '../../../testing/fast-time.ts';
import { MemoryArchive, type ArchiveFault, type ArchiveRequest } from '../../../testing/memory-archive.ts';
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
import { ARCHIVE_SEGMENT_OVERHEAD_BYTES } from '../../core/archive-wire.ts';
import { randomBytes, toHex, type Bytes } from '../../core/bytes.ts';
import { archiveKeys, type SeedKind } from '../../crypto/room-keys.ts';
import { sign } from '../../crypto/signatures.ts';
import { archiveServer, type ArchiveServer } from './archive-server.ts';
import type { ArchiveOptions } from './archive.ts';
import { CheckpointAtRest, type CheckpointAtRestOptions } from './checkpoint-at-rest.ts';
import type { ArchiveDoor } from '../replica-events.ts';
import { registrationOf } from './registration.ts';

const KIB = 1024;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const realTimeout = globalThis.setTimeout;
/** Whatever was begun and takes no time is over. */
const soon = async (): Promise<void> => {
  for (let i = 0; i < 8; i++) await new Promise((resolve) => realTimeout(resolve));
};

describe('ARCH-34 when a checkpoint is made', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());

  /** A tab, and an archive with so many KiB of history. */
  async function tabOf(
    kib: number,
    changed: Partial<CheckpointAtRestOptions> & {
      kind?: SeedKind;
      fault?: (request: ArchiveRequest) => ArchiveFault | undefined;
    } = {},
  ) {
    const [room, archive, left] = [await makeRoom(), new MemoryArchive(), new AbortController()];
    const all = await room.keys('e');
    const editor = archive.open(all.roomId, archiveKeys(all));
    const owner = { sign: (message: Bytes) => sign(room.owner.privateKey, message) };
    must(await editor.register(await registrationOf(owner, all, room.genesis, 1)));
    const grow = async (by: number): Promise<void> => {
      const one = new Uint8Array(by * KIB - ARCHIVE_SEGMENT_OVERHEAD_BYTES);
      one.set(randomBytes(16));
      must(await editor.append([one]));
    };
    await grow(kib);
    const asked: ArchiveRequest[] = [];
    const made: Bytes[] = [];
    const errors: unknown[] = [];
    const { kind = 'e', fault = () => undefined, ...options } = changed;
    const keys = await room.keys(kind);
    let current = true;
    const tab = new CheckpointAtRest(
      {
        server: archive.open(
          keys.roomId,
          archiveKeys(keys),
          (request) => (asked.push(request), fault(request)),
        ),
        keys,
        makeCheckpoint: async () => {
          const one = randomBytes(100);
          made.push(one);
          return one;
        },
        random: () => 0,
        onError: (_, error) => errors.push(error),
        ...options,
      },
      () => current,
      left.signal,
    );
    /** So much later it looks, and what that begins is done: how long it wants to wait then. */
    const after = async (ms: number): Promise<number> => {
      vi.advanceTimersByTime(ms);
      const waitMs = tab.look();
      await soon();
      return waitMs;
    };
    const there = async (): Promise<Bytes> => must(await editor.checkpoint());
    return {
      tab, asked, made, errors, after, there, grow, left,
      isCurrent: (is: boolean) => void (current = is),
    }; // prettier-ignore
  }

  test('after a minute without a move, if everything is archived, and not before', async () => {
    const { tab, made, after, there, asked, isCurrent } = await tabOf(256);
    expect(await after(0)).toBe(MINUTE);
    expect(await after(59 * SECOND)).toBe(SECOND);
    tab.moved();
    expect(await after(59 * SECOND)).toBe(SECOND);
    isCurrent(false);
    expect(await after(10 * MINUTE)).toBe(Infinity);
    expect(asked).toEqual([]);
    isCurrent(true);
    expect(await after(0)).toBe(10 * MINUTE);
    expect(made).toHaveLength(1);
    expect(await there()).toEqual(made[0]);
    expect(asked).toEqual(['checkpointed', 'keepCheckpoint']);
  });

  test('each tab waits a share of its own longer', async () => {
    const { after, made } = await tabOf(256, { random: () => 0.5 });
    expect(await after(MINUTE)).toBe(7.5 * SECOND);
    await after(7.5 * SECOND);
    expect(made).toHaveLength(1);
  });

  test.each(['c', 'v'] as const)('not by a tab without W (%s)', async (kind) => {
    const { after, asked } = await tabOf(256, { kind });
    expect(await after(MINUTE)).toBe(Infinity);
    expect(asked).toEqual([]);
  });

  test('not of less than 256 KiB', async () => {
    const { tab, after, made, asked, grow } = await tabOf(255);
    await after(MINUTE);
    expect(asked).toEqual(['checkpointed']);
    await grow(1);
    tab.moved();
    await after(10 * MINUTE);
    expect(made).toHaveLength(1);
  });

  test('again when a quarter has come, not before, and not oftener than every ten minutes', async () => {
    const { tab, after, made, grow, there } = await tabOf(256);
    await after(MINUTE);
    await grow(63);
    tab.moved();
    expect(await after(9 * MINUTE)).toBe(MINUTE);
    await after(MINUTE);
    expect(made).toHaveLength(1);
    await grow(1);
    tab.moved();
    await after(10 * MINUTE);
    expect(made).toHaveLength(2);
    expect(await there()).toEqual(made[1]);
  });

  test('where somebody else made one it is asked about, and none is made; nothing is asked again while nothing moves', async () => {
    const { after, made, asked, tab } = await tabOf(256);
    await after(MINUTE);
    tab.moved();
    await after(10 * MINUTE);
    expect(made).toHaveLength(1);
    expect(asked).toEqual(['checkpointed', 'keepCheckpoint', 'checkpointed']);
    for (let i = 0; i < 5; i++) expect(await after(10 * MINUTE)).toBe(Infinity);
    expect(asked).toHaveLength(3);
  });

  test('where it can’t be made now it is asked for again', async () => {
    let isMoment = false;
    const one = randomBytes(9);
    const { after, there, asked } = await tabOf(256, {
      makeCheckpoint: async () => (isMoment ? one : undefined),
    });
    await after(MINUTE);
    expect(await after(0)).toBe(10 * MINUTE);
    isMoment = true;
    await after(10 * MINUTE);
    expect(await there()).toEqual(one);
    expect(asked).toEqual(['checkpointed', 'checkpointed', 'keepCheckpoint']);
  });

  test.each(['checkpointed', 'keepCheckpoint'] as const)(
    'what is refused is left, and tried again (%s)',
    async (which) => {
      let isDown = true;
      const { after, made, there, errors } = await tabOf(256, {
        fault: (request) => (isDown && request === which ? 'later' : undefined),
      });
      await after(MINUTE);
      isDown = false;
      expect(await after(0)).toBe(10 * MINUTE);
      expect(await there()).toHaveLength(0);
      await after(10 * MINUTE);
      expect(await there()).toEqual(made.at(-1));
      expect(errors).toEqual([]);
    },
  );

  test('who types while it is asked about comes first', async () => {
    const { tab, after, made } = await tabOf(256, {
      fault: (request) => void (request === 'checkpointed' && tab.moved()),
    });
    await after(MINUTE);
    expect(made).toEqual([]);
  });

  test('what fails of making it is told, and tried again; of a tab that has left nothing is', async () => {
    let fails = true;
    const failing = await tabOf(256, {
      makeCheckpoint: async () => {
        if (fails) throw new Error('no');
        return randomBytes(9);
      },
    });
    await failing.after(MINUTE);
    expect(failing.errors).toHaveLength(1);
    fails = false;
    await failing.after(10 * MINUTE);
    expect(await failing.there()).toHaveLength(9);

    const going = Promise.withResolvers<Bytes>();
    const gone = await tabOf(256, { makeCheckpoint: () => going.promise });
    await gone.after(MINUTE);
    // One at a time, however long it takes.
    await gone.after(60 * MINUTE);
    expect(gone.asked).toEqual(['checkpointed']);
    gone.left.abort();
    going.resolve(randomBytes(9));
    await soon();
    expect(gone.asked).toEqual(['checkpointed']);
  });
});

describe('ARCH-34 checkpoints of whole rooms', () => {
  const opened: TestReplica[] = [];
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.replica.close();
    vi.useRealTimers();
  });

  type Way = Partial<Pick<ArchiveOptions, 'look' | 'makeCheckpoint' | 'checkpoints' | 'random'>>;
  async function visit(room: TestRoom, server: ArchiveServer, way: Way & { readonly owner?: true }) {
    const { owner = false, ...rest } = way;
    const door: ArchiveDoor & Way = {
      server,
      owner: owner ? { sign: (message) => sign(room.owner.privateKey, message) } : undefined,
      alone: (work) => work(),
      waits: { ownMs: 1, othersMs: 20, jitterMs: 5, confirmMs: 20 },
      ...rest,
    };
    const setup = { knowsGenesis: owner, transports: [], makesFile: owner, archive: wayTo(door) };
    const one = await openReplica(room, setup);
    opened.push(one);
    return one;
  }
  const isCurrent = ({ replica }: TestReplica): boolean => replica.archive?.state.kind === 'current';
  const noise = (kib: number): string =>
    Array.from({ length: kib * 16 }, () => toHex(randomBytes(32))).join('');

  test('two browsers at rest make one', async () => {
    vi.useFakeTimers({
      toFake: ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
    });
    const [room, archive] = [await makeRoom(), new MemoryArchive()];
    const keys = await room.keys('e');
    const asked: string[] = [];
    const serverOf = (who: string): ArchiveServer =>
      archive.open(keys.roomId, archiveKeys(keys), (request) => void asked.push(`${who} ${request}`));
    const makeCheckpoint = async (): Promise<Bytes> => randomBytes(50);
    const ann = await visit(room, serverOf('ann'), { owner: true, makeCheckpoint, random: () => 0 });
    ann.text.insert(0, noise(600));
    await untilLater('all to be archived', () => isCurrent(ann), SECOND);
    const ben = await visit(room, serverOf('ben'), { makeCheckpoint, random: () => 1 });
    await untilLater('all to be read', () => isCurrent(ben) && ben.read() !== '', SECOND);
    // Both at the same time: ann a moment after ben came.
    ann.text.insert(0, '!');
    await untilLater(
      'both to have asked',
      () => asked.filter((one) => one.endsWith('checkpointed')).length >= 2,
      SECOND,
    );
    await untilLater('a while', () => asked.filter((one) => one === 'ben page').length > 15, SECOND);
    expect(asked.filter((one) => one.endsWith('keepCheckpoint'))).toHaveLength(1);
  });

  describe.skipIf(pocketbasePath === undefined)('on the server', () => {
    test('ARCH-30, ARCH-33 what one tab leaves a newcomer is shown, and then they read all of it', async () => {
      const host: ServerUnderTest = await startArchiveServer();
      try {
        const room = await makeRoom();
        const keys = await room.keys('e');
        const server = (): ArchiveServer =>
          archiveServer({ origin: host.url, roomId: keys.roomId, keys: archiveKeys(keys) });
        let checkpoint = randomBytes(5_000);
        const ann = await visit(room, server(), {
          owner: true,
          makeCheckpoint: async () => checkpoint,
          checkpoints: { restMs: 0, jitterMs: 0, everyMs: 20, worthBytes: 20 * KIB, grownShare: 0.25 },
        });
        const reader = server();
        // What is typed later ends in another one.
        for (const _ of [1, 2]) {
          checkpoint = randomBytes(5_000);
          ann.text.insert(0, noise(50));
          await vi.waitFor(
            async () => expect(await reader.checkpoint()).toMatchObject({ value: checkpoint }),
            {
              timeout: 10_000,
            },
          );
        }
        const shown: Bytes[] = [];
        const ben = await visit(room, server(), { look: async (sealed) => shown.push(sealed) > 0 });
        await until('the text', () => ben.read() === ann.read());
        expect(shown).toEqual([checkpoint]);
      } finally {
        for (const one of opened.splice(0)) await one.replica.close();
        await host.close();
      }
    });
  });
});
