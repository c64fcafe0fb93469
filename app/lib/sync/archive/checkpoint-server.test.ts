/** A room's checkpoint on a real PocketBase: its quota, what is left on disk, and what happens when it breaks in the middle. */
import { readdir, readFile } from 'node:fs/promises';
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
import { concat, randomBytes, toHex, type Bytes } from '../../core/bytes.ts';
import { archiveKeys, deriveRoomKeys } from '../../crypto/room-keys.ts';
import { sign } from '../../crypto/signatures.ts';
import { archiveServer } from './archive-server.ts';
import { deletionOf, registrationOf, supersedingOf } from './registration.ts';

vi.setConfig({ testTimeout: 40_000, hookTimeout: 30_000 });

const KB = 1_000;
const QUOTA = 1_000 * KB;
const noise = (bytes: number): Bytes => concat(...Array.from({ length: bytes / KB }, () => randomBytes(KB)));

describe.skipIf(pocketbasePath === undefined)('checkpoints on the server', () => {
  let server: ServerUnderTest;
  beforeAll(async () => {
    const archive = { ...LIMITS.archive, purgeIntervalMs: 20 };
    server = await startArchiveServer({ archiveRoomBytes: QUOTA, limits: { ...LIMITS, archive } });
  });
  afterAll(() => server?.close());

  async function newRoom() {
    const room = await makeRoom();
    const keys = await room.keys('e');
    const open = (of = keys) =>
      archiveServer({ origin: server.url, roomId: keys.roomId, keys: archiveKeys(of) });
    const editor = open();
    const owner = { sign: (message: Bytes) => sign(room.owner.privateKey, message) };
    const { instance } = must(await editor.register(await registrationOf(owner, keys, room.genesis, 1)));
    const folder = join(server.dataDir, 'storage', 'archive', keys.roomId);
    const files = async (): Promise<string[]> =>
      (await readdir(folder).catch(() => [])).filter((one) => !one.endsWith('.attrs'));
    return { room, keys, open, editor, owner, instance, folder, files };
  }
  const onDatabase = <T>(work: (database: DatabaseSync) => T): T => {
    const database = new DatabaseSync(join(server.dataDir, 'data.db'), { timeout: 5_000 });
    try {
      return work(database);
    } finally {
      database.close();
    }
  };
  const count = (table: string, room: string): unknown =>
    onDatabase(
      (database) =>
        database.prepare(`SELECT count(*) AS n FROM ${table} WHERE room = ?`).get(room)?.['n'] ?? 0,
    );
  const left = (room: string) => [count('archive_checkpoints', room), count('archive_loose_files', room)];

  test('ARCH-30, ARCH-3 what does not fit is not taken, and the one before is there; that one counts no more', async () => {
    const { editor, keys, files } = await newRoom();
    const [words, first, second, large] = [600, 300, 390, 401].map((size) => noise(size * KB)) as [
      Bytes,
      Bytes,
      Bytes,
      Bytes,
    ];
    must(await editor.append([words]));
    must(await editor.keepCheckpoint(first));
    const before = must(await editor.status());
    expect(before.bytes).toBe(900 * KB + 2 * 256);
    expect(await editor.keepCheckpoint(large)).toMatchObject({
      error: { reason: 'room-full', retryAfterMs: 5_000 },
    });
    expect(must(await editor.status())).toEqual(before);
    expect(must(await editor.checkpoint())).toEqual(first);
    expect(left(keys.roomId)).toEqual([1, 0]);
    expect(await files()).toHaveLength(2);
    must(await editor.keepCheckpoint(second));
    expect(must(await editor.checkpoint())).toEqual(second);
    // Words meet it in the quota like anything else.
    expect(await editor.append([noise(10 * KB)])).toMatchObject({ error: { reason: 'room-full' } });
    must(await editor.append([noise(9 * KB)]));
  });

  test('ARCH-30, ARCH-8 with what waits to be removed there is at most twice the quota', async () => {
    const { editor, owner, room, instance } = await newRoom();
    for (let i = 0; i < 2; i++) {
      const [long, short] = [noise(KB), noise(900 * KB)];
      must(await editor.append([long, short]));
      const [by, name] = [sha256(long), sha256(short)];
      const groups = [{ by, names: [name] }];
      must(await editor.supersede(await supersedingOf(owner, room.genesis, i + 1, instance, groups)));
    }
    expect(await editor.keepCheckpoint(noise(198 * KB))).toMatchObject({ error: { reason: 'room-full' } });
    must(await editor.keepCheckpoint(noise(196 * KB)));
  });

  test('ARCH-32, ARCH-14 of one that was replaced, of new keys and of a deletion nothing is on the disk at the answer', async () => {
    const { room, keys, open, editor, owner, instance, files } = await newRoom();
    const [first, second, third, large] = [noise(KB), noise(100 * KB), noise(3 * KB), noise(80 * KB)];
    must(await editor.append([large]));
    must(await editor.keepCheckpoint(first));
    expect(await isOnDisk([first, large])).toEqual([true, true]);
    must(await editor.keepCheckpoint(second));
    expect(await isOnDisk([first, second, large])).toEqual([false, true, true]);
    expect(await files()).toHaveLength(2);

    const next = await deriveRoomKeys('e', randomBytes(32), 1, keys.roomId);
    const again = open(next);
    must(await again.register(await registrationOf(owner, next, room.genesis, 2)));
    expect(await isOnDisk([second, large])).toEqual([false, true]);
    expect(left(keys.roomId)).toEqual([0, 0]);

    must(await again.keepCheckpoint(third));
    const deleted = must(await again.delete(await deletionOf(owner, room.genesis, 3, instance)));
    expect(deleted).toMatchObject({ bytes: 83 * KB });
    expect(await isOnDisk([third, large])).toEqual([false, false]);
    expect(left(keys.roomId)).toEqual([0, 0]);
    expect(await files()).toEqual([]);
  });

  test('ARCH-30 readers get one of them whole, however often it is replaced', async () => {
    const { keys, editor, open, files } = await newRoom();
    const written = new Set<string>();
    const keep = async (size: number): Promise<void> => {
      const one = noise(size * KB);
      written.add(toHex(sha256(one)));
      must(await editor.keepCheckpoint(one));
    };
    await keep(1);
    const reads = [0, 0, 0, 0];
    let writing = true;
    const reading = reads.map(async (_, i) => {
      const reader = open();
      while (writing) {
        const said = await reader.checkpoint();
        // Replaced each time before it was read.
        if (!said.ok) expect(said.error.reason).toBe('later');
        else expect(written).toContain(toHex(sha256(said.value)));
        if (said.ok) reads[i] = (reads[i] ?? 0) + 1;
      }
    });
    for (let i = 0; i < 20 || Math.min(...reads) < 20; i++) await keep(1 + ((i * 37) % 80));
    writing = false;
    await Promise.all(reading);
    expect(await files()).toHaveLength(1);
    expect(left(keys.roomId)).toEqual([1, 0]);
  });

  test('ARCH-30 two that come at once: one of them is there, and nothing of the other', async () => {
    const { keys, editor, files } = await newRoom();
    for (let i = 0; i < 5; i++) {
      const both = [noise(70 * KB), noise(2 * KB)];
      for (const said of await Promise.all(both.map((one) => editor.keepCheckpoint(one)))) must(said);
      expect(both).toContainEqual(must(await editor.checkpoint()));
      const { length } = must(await editor.checkpointed());
      expect(must(await editor.status()).bytes).toBe(length + 256);
    }
    await vi.waitFor(async () => expect(await files()).toHaveLength(1), { timeout: 5_000 });
    await vi.waitFor(() => expect(left(keys.roomId)).toEqual([1, 0]), { timeout: 5_000 });
  });

  test('ARCH-30, ARCH-3 what breaks in the middle is later, and the one before is there', async () => {
    const { keys, editor, files } = await newRoom();
    const [first, second] = [noise(90 * KB), noise(70 * KB)];
    must(await editor.keepCheckpoint(first));
    const status = must(await editor.status());
    for (const when of [
      'INSERT ON archive_checkpoints',
      'DELETE ON archive_checkpoints',
      'UPDATE OF bytes ON archive_rooms',
      'INSERT ON archive_loose_files',
    ]) {
      onDatabase((database) =>
        database.exec(`CREATE TRIGGER full BEFORE ${when} BEGIN SELECT RAISE(ABORT, 'disk is full'); END`),
      );
      expect([when, await editor.keepCheckpoint(second)]).toMatchObject([
        when,
        { error: { reason: 'later' } },
      ]);
      onDatabase((database) => database.exec('DROP TRIGGER full'));
      expect(must(await editor.status())).toEqual(status);
      expect(must(await editor.checkpoint())).toEqual(first);
      await vi.waitFor(async () => expect(await files()).toHaveLength(1), { timeout: 5_000 });
    }
    await vi.waitFor(() => expect(left(keys.roomId)).toEqual([1, 0]), { timeout: 5_000 });
    must(await editor.keepCheckpoint(second));
    expect(must(await editor.checkpoint())).toEqual(second);
  });

  test('ARCH-30, ARCH-13 killed with -9 while they come: the old one or the new one, whole, and nothing of those before', async () => {
    const { keys, editor, files } = await newRoom();
    const loose = (which: string): unknown =>
      onDatabase(
        (database) =>
          database
            .prepare(`SELECT count(*) AS n FROM archive_loose_files WHERE room = ? AND since ${which}`)
            .get(keys.roomId)?.['n'],
      );
    must(await editor.append([noise(10 * KB)]));
    let last = noise(KB);
    must(await editor.keepCheckpoint(last));
    // At once; when its file is being written; when that of the one before is to go, or a little later.
    for (const isMoment of [() => true, () => loose('> 0') !== 0, () => loose('= 0') !== 0]) {
      const { pid = 0 } = (await server.starts()).at(-1) ?? {};
      let killed = false;
      let next = last;
      for (let i = 0; !killed; i++) {
        next = noise((60 + (i % 30)) * KB);
        let answered = false;
        const keeping = editor.keepCheckpoint(next).finally(() => (answered = true));
        while (!answered && !killed) {
          if (isMoment() || i > 50) killed = process.kill(pid, 'SIGKILL');
          await new Promise((resolve) => setImmediate(resolve));
        }
        const said = await keeping;
        if (said.ok) last = next;
        else expect(said.error.reason).toBe('later');
      }
      const there = await vi.waitUntil(
        async () => {
          const said = await editor.checkpoint();
          return said.ok && said.value;
        },
        { timeout: 15_000, interval: 50 },
      );
      expect([last, next].map((one) => toHex(sha256(one)))).toContain(toHex(sha256(there)));
      expect(must(await editor.status()).bytes).toBe(10 * KB + there.length + 2 * 256);
      last = there;
      // The server sees to it by itself.
      await vi.waitFor(() => expect(loose('= 0')).toBe(0), { timeout: 10_000 });
    }
    // What was being written when it was killed goes after an hour.
    onDatabase((database) => database.exec(`UPDATE archive_loose_files SET since = 1 WHERE since > 0`));
    must(await editor.keepCheckpoint(noise(KB)));
    await vi.waitFor(async () => expect(await files()).toHaveLength(1), { timeout: 5_000 });
    await vi.waitFor(() => expect(left(keys.roomId)).toEqual([1, 0]), { timeout: 5_000 });
  });

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
