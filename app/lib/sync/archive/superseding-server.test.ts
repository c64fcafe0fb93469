/** Superseding on a real PocketBase: quotas, what is left on disk, and what happens when it breaks in the middle. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sha256 } from '@noble/hashes/sha2.js';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { must } from '../../../testing/archive-contract.ts';
import { makeRoom } from '../../../testing/replicas.ts';
import { LIMITS } from '../../../../signaling/limits.ts';
import {
  pocketbasePath,
  startArchiveServer,
  type ArchiveServer as ServerUnderTest,
} from '../../../../signaling/testing/archive-client.ts';
import { concat, randomBytes, type Bytes } from '../../core/bytes.ts';
import { archiveKeys } from '../../crypto/room-keys.ts';
import { sign } from '../../crypto/signatures.ts';
import { archiveServer } from './archive-server.ts';
import { registrationOf, revertOf, supersedingOf } from './registration.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const KB = 1_000;
const QUOTA = 1_000 * KB;
const MONTH_S = 31 * 24 * 3_600;
const noise = (bytes: number): Bytes => concat(...Array.from({ length: bytes / KB }, () => randomBytes(KB)));

describe.skipIf(pocketbasePath === undefined)('superseding on the server', () => {
  let server: ServerUnderTest;
  beforeAll(async () => {
    const archive = { ...LIMITS.archive, sweepIntervalMs: 20, purgeIntervalMs: 20 };
    server = await startArchiveServer({ archiveRoomBytes: QUOTA, limits: { ...LIMITS, archive } });
  });
  afterAll(() => server?.close());

  async function newRoom() {
    const room = await makeRoom();
    const keys = await room.keys('e');
    const of = (which: ReturnType<typeof archiveKeys>) =>
      archiveServer({ origin: server.url, roomId: keys.roomId, keys: which });
    const all = archiveKeys(keys);
    const { edit: _, ...commenters } = all;
    const [editor, commenter] = [of(all), of(commenters)];
    const owner = { sign: (message: Bytes) => sign(room.owner.privateKey, message) };
    const { instance } = must(await editor.register(await registrationOf(owner, keys, room.genesis, 1)));
    const supersede = async (counter: number, by: Bytes, names: readonly Bytes[]) =>
      editor.supersede(
        await supersedingOf(owner, room.genesis, counter, instance, [
          { by: sha256(by), names: names.map((one) => sha256(one)) },
        ]),
      );
    const revert = async (counter: number) =>
      editor.revert(await revertOf(owner, room.genesis, counter, instance));
    const append = (...segments: Bytes[]) => editor.append(segments);
    const kept = async () => must(await editor.page(0)).segments.length;
    const folder = join(server.dataDir, 'storage', 'archive', keys.roomId);
    const files = async (): Promise<string[]> =>
      (await readdir(folder).catch(() => [])).filter((one) => !one.endsWith('.attrs'));
    return { roomId: keys.roomId, editor, commenter, supersede, revert, append, kept, files, folder };
  }
  const onDatabase = <T>(work: (database: DatabaseSync) => T): T => {
    const database = new DatabaseSync(join(server.dataDir, 'data.db'), { timeout: 5_000 });
    try {
      return work(database);
    } finally {
      database.close();
    }
  };
  const month = (roomId: string): void =>
    onDatabase((database) =>
      database.exec(
        `UPDATE archive_segments SET superseded_at = superseded_at - ${MONTH_S} WHERE room = '${roomId}'`,
      ),
    );
  /** So long that it would have happened. */
  const sweeps = async (count: number): Promise<void> => {
    const room = await newRoom();
    for (let i = 1; i <= count; i++) {
      const [a, ab] = [noise(KB), noise(KB)];
      must(await room.append(a, ab));
      must(await room.supersede(i, ab, [a]));
      month(room.roomId);
      await vi.waitFor(async () => expect(await room.kept()).toBe(i));
    }
  };

  test('ARCH-8, ARCH-27 the quota is free at once; twice of it is the most there is; a revert is never refused', async () => {
    const { editor, commenter, supersede, revert, append } = await newRoom();
    const [a, b, ab, c, cc] = [600, 320, 300, 600, 10].map((size) => noise(size * KB)) as [
      Bytes,
      Bytes,
      Bytes,
      Bytes,
      Bytes,
    ];
    must(await append(a, b));
    expect(await append(ab)).toMatchObject({ error: { reason: 'room-full' } });
    expect(await commenter.append([noise(90 * KB)], 'squashed')).toMatchObject({
      error: { reason: 'room-full' },
    });
    must(await editor.append([ab], 'squashed'));
    expect(await append(noise(KB))).toMatchObject({ error: { reason: 'room-full' } });
    must(await supersede(1, ab, [a, b]));
    expect(must(await editor.status()).bytes).toBe(300 * KB + 256);
    must(await append(c, cc));
    must(await supersede(2, cc, [c]));
    // 310 KB count, 1,520 KB wait.
    expect(await append(noise(300 * KB))).toMatchObject({ error: { reason: 'room-full' } });
    must(await append(noise(100 * KB)));
    must(await revert(3));
    expect(must(await editor.status())).toMatchObject({ segments: 6, bytes: 1_930 * KB + 6 * 256 });
    expect(await append(noise(KB))).toMatchObject({ error: { reason: 'room-full' } });
  });

  test('ARCH-8, ARCH-24 what comments cost stays theirs', async () => {
    const { editor, commenter, supersede, append } = await newRoom();
    const [theirs, long] = [noise(90 * KB), noise(6 * KB)];
    must(await commenter.append([theirs]));
    must(await append(long));
    expect(await commenter.append([noise(10 * KB)])).toMatchObject({ error: { reason: 'comments-full' } });
    must(await supersede(1, long, [theirs]));
    expect(await commenter.append([noise(94 * KB)])).toMatchObject({ error: { reason: 'comments-full' } });
    must(await commenter.append([noise(90 * KB)]));
    expect(must(await editor.status()).segments).toBe(2);
  });

  test('ARCH-28, ARCH-14 rows, files and the bytes themselves are gone', async () => {
    const { roomId, supersede, append, kept, files } = await newRoom();
    const [small, large, long] = [noise(3 * KB), noise(100 * KB), noise(80 * KB)];
    must(await append(small, large, long));
    must(await supersede(1, long, [small, large]));
    expect(await files()).toHaveLength(2);
    month(roomId);
    await vi.waitFor(async () => expect(await kept()).toBe(1), { timeout: 5_000 });
    await vi.waitFor(async () => expect(await isOnDisk([small, large, long])).toEqual([false, false, true]), {
      timeout: 10_000,
      interval: 100,
    });
    expect(await files()).toHaveLength(1);
  });

  test('ARCH-28 nothing goes while what stands for it is not there: no row, no file', async () => {
    const [noRow, noFile] = [await newRoom(), await newRoom()];
    for (const room of [noRow, noFile]) {
      const [a, long] = [noise(2 * KB), noise(80 * KB)];
      // Something else that counts stands for nothing.
      must(await room.append(a, long, noise(KB)));
      must(await room.supersede(1, long, [a]));
    }
    onDatabase((database) =>
      database.exec(`DELETE FROM archive_segments WHERE room = '${noRow.roomId}' AND cursor = 2`),
    );
    const [file = ''] = await noFile.files();
    await rm(join(noFile.folder, file));
    for (const room of [noRow, noFile]) month(room.roomId);
    await sweeps(2);
    const left = (roomId: string) =>
      onDatabase((database) =>
        database.prepare('SELECT count(*) AS n FROM archive_segments WHERE room = ?').get(roomId),
      );
    expect(left(noRow.roomId)).toEqual({ n: 2 });
    expect(left(noFile.roomId)).toEqual({ n: 3 });
  });

  test('ARCH-24, ARCH-28, ARCH-3 what breaks in the middle is later, and nothing of it was done', async () => {
    const { roomId, editor, supersede, append, kept } = await newRoom();
    const [a, b, long] = [noise(2 * KB), noise(100 * KB), noise(KB)];
    must(await append(a, b, long));
    const before = must(await editor.status());
    const breaks = (when: string): void =>
      onDatabase((database) =>
        database.exec(`CREATE TRIGGER full BEFORE ${when} BEGIN SELECT RAISE(ABORT, 'disk is full'); END`),
      );
    const works = (): void => onDatabase((database) => database.exec('DROP TRIGGER full'));
    breaks('UPDATE OF supersede_counter ON archive_rooms');
    expect(await supersede(1, long, [a, b])).toMatchObject({ error: { reason: 'later' } });
    works();
    expect(must(await editor.status())).toEqual(before);
    must(await supersede(1, long, [a, b]));
    breaks('UPDATE OF waiting ON archive_rooms');
    month(roomId);
    await vi.waitFor(() => expect(loose()).toBe(0));
    expect(await kept()).toBe(3);
    works();
    await vi.waitFor(async () => expect(await kept()).toBe(1), { timeout: 5_000 });
    await vi.waitFor(() => expect(loose()).toBe(0), { timeout: 5_000 });
  });

  test('ARCH-13, ARCH-24 killed with -9 while statements come: each was done whole or not at all', async () => {
    const { roomId, editor, supersede, append } = await newRoom();
    const groups = Array.from({ length: 12 }, () => Array.from({ length: 4 }, () => noise(KB)));
    for (const group of groups) must(await append(...group));
    const { pid = 0 } = (await server.starts()).at(-1) ?? {};
    let done = 0;
    for (const [i, [long = noise(KB), ...names]] of groups.entries()) {
      const saying = supersede(i + 1, long, names);
      if (i === 6) process.kill(pid, 'SIGKILL');
      if (!(await saying).ok) break;
      done++;
    }
    expect(done).toBeGreaterThanOrEqual(6);
    const waiting = await vi.waitUntil(
      async () => {
        const said = await editor.superseded();
        return said.ok ? said.value : undefined;
      },
      { timeout: 15_000, interval: 50 },
    );
    expect(waiting.counter).toBeGreaterThanOrEqual(done);
    expect(waiting.segments).toBe(3 * waiting.counter);
    const dangling = onDatabase((database) =>
      database
        .prepare(
          `SELECT count(*) AS n FROM archive_segments AS gone WHERE room = ? AND superseded_at IS NOT NULL AND NOT EXISTS
           (SELECT 1 FROM archive_segments AS stays WHERE stays.room = gone.room AND stays.cursor = gone.superseded_by
            AND stays.superseded_at IS NULL)`,
        )
        .get(roomId),
    );
    expect(dangling).toEqual({ n: 0 });
  });

  const loose = (): unknown =>
    onDatabase((database) => database.prepare('SELECT count(*) AS n FROM archive_loose_files').get()?.['n']);

  /** Which of them are in a file of the data folder: 24 bytes of each. */
  async function isOnDisk(strings: readonly Bytes[]): Promise<boolean[]> {
    const found = strings.map(() => false);
    for (const entry of await readdir(server.dataDir, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const content = await readFile(join(entry.parentPath, entry.name)).catch(() => Buffer.alloc(0));
      strings.forEach((string, i) => (found[i] ||= content.includes(Buffer.from(string.subarray(100, 124)))));
    }
    return found;
  }
});
