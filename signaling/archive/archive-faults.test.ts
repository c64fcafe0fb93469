/** The archive under load, dying, full and growing older: what was acknowledged is there, and nothing looks like a refusal. */
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Bytes } from '../../app/lib/core/bytes.ts';
import {
  ArchiveClient,
  hexes,
  must,
  newRoom,
  noise,
  pocketbasePath,
  registeredRoom,
  signedDeletion,
  signedRegistration,
  startArchiveServer,
  type ArchiveServer,
} from '../testing/archive-client.ts';
import { temporaryFolder } from '../testing/test-server.ts';

const migrations = join(import.meta.dirname, '..', '..', 'pocketbase', 'migrations');

describe.skipIf(!pocketbasePath)('the archive and faults', () => {
  let server: ArchiveServer | undefined;
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });

  test('ARCH-9 eight writers at once: each reader, however it pages, gets each segment exactly once', async () => {
    server = await startArchiveServer();
    const archive = new ArchiveClient(server.url);
    const room = await registeredRoom(archive);
    const shared = Array.from({ length: 26 }, () => noise(120));
    const written: Bytes[] = [...shared];
    let writing = true;
    let news = Promise.withResolvers<void>();
    const tell = () => {
      news.resolve();
      news = Promise.withResolvers();
    };
    const writers = Array.from({ length: 8 }, async (_, i) => {
      for (let round = 0; round < 8; round++) {
        const own = Array.from({ length: 3 }, () => noise(round % 4 === 0 ? 70_000 : 200));
        written.push(...own);
        // Each writer also brings what the others bring: known or new, never twice.
        const batch = [...own, ...shared.slice(round * 3, round * 3 + 5)];
        const key = i % 2 === 0 ? room.keys.edit : room.keys.comment;
        must(await archive.append(room.id, key, batch));
        tell();
      }
    });
    const readers = Array.from({ length: 3 }, async () => {
      const seen: string[] = [];
      for (let since = 0; ;) {
        const [last, more] = [!writing, news.promise];
        const page = must(await archive.page(room.id, room.keys.read, since));
        seen.push(...hexes(page.segments));
        expect(page.next).toBe(seen.length);
        since = page.next;
        if (page.segments.length > 0) continue;
        if (last) return seen;
        await more;
      }
    });
    await Promise.all(writers);
    writing = false;
    tell();
    for (const seen of await Promise.all(readers)) {
      expect(seen).toHaveLength(new Set(seen).size);
      expect(new Set(seen)).toEqual(new Set(hexes(written)));
    }
  });

  test('ARCH-13 PocketBase killed with -9 under load, again and again: nothing acknowledged is lost, "later" is all that is said', async () => {
    server = await startArchiveServer();
    const archive = new ArchiveClient(server.url);
    const room = await registeredRoom(archive);
    const acknowledged: Bytes[] = [];
    const refusals = new Set<string>();
    const health = `${server.url}/healthz`;
    const isUp = async () =>
      ((await (await fetch(health)).json()) as { pocketbase: string }).pocketbase === 'up';
    let killing = true;
    const writers = Array.from({ length: 6 }, async () => {
      while (killing) {
        const batch = [noise(400), noise(3_000), noise(80_000)];
        const said = await archive.append(room.id, room.keys.edit, batch);
        if (typeof said !== 'string') acknowledged.push(...batch);
        else {
          refusals.add(said);
          await vi.waitUntil(isUp, { timeout: 30_000, interval: 50 });
        }
      }
    });
    for (let round = 0; round < 4; round++) {
      const enough = acknowledged.length + 30;
      await expect.poll(() => acknowledged.length, { timeout: 30_000, interval: 5 }).toBeGreaterThan(enough);
      const { pid = 0 } = (await server.starts()).at(-1) ?? {};
      process.kill(pid, 'SIGKILL');
    }
    const after = acknowledged.length;
    await expect.poll(() => acknowledged.length, { timeout: 30_000 }).toBeGreaterThan(after + 15);
    killing = false;
    await Promise.all(writers);
    expect([...refusals]).toEqual(['503 later']);
    const kept = new Set(hexes(await archive.all(room.id, room.keys.read)));
    expect(hexes(acknowledged).filter((one) => !kept.has(one))).toEqual([]);
    console.log(`killed 4 times: 0 of ${acknowledged.length} acknowledged segments lost`);
  });

  test('ARCH-3 while PocketBase is down everything is later; deleting and reading go on when it is back', async () => {
    server = await startArchiveServer();
    const archive = new ArchiveClient(server.url);
    const room = await registeredRoom(archive);
    must(await archive.append(room.id, room.keys.edit, [noise(100)]));
    const { pid = 0 } = (await server.starts()).at(-1) ?? {};
    process.kill(pid, 'SIGKILL');
    const deletion = await signedDeletion(room, 2, room.instance);
    const statement = await signedRegistration(room, 1);
    expect(
      await Promise.all([
        archive.status(room.id, room.keys.read),
        archive.page(room.id, room.keys.read, 0),
        archive.append(room.id, room.keys.edit, [noise(9)]),
        archive.register(room.id, statement),
        archive.checkpoint(room.id, room.keys.read),
        archive.keepCheckpoint(room.id, room.keys.edit, noise(9)),
      ]),
    ).toEqual(Array(6).fill('503 later'));
    await expect
      .poll(() => archive.status(room.id, room.keys.read), { timeout: 20_000 })
      .toMatchObject({ segments: 1 });
    expect(must(await archive.delete(room.id, deletion))).toMatchObject({ segments: 1, bytes: 100 });
  });

  test('ARCH-3 a database that gives errors is later, never a refusal', async () => {
    const { DatabaseSync } = await import('node:sqlite');
    server = await startArchiveServer();
    const archive = new ArchiveClient(server.url);
    const room = await registeredRoom(archive);
    must(await archive.append(room.id, room.keys.edit, [noise(100)]));
    const database = new DatabaseSync(join(server.dataDir, 'data.db'));
    const other = await newRoom();
    try {
      // What a full disk does to every writing statement: it throws in the middle of the transaction.
      database.exec(`CREATE TRIGGER full_1 BEFORE INSERT ON archive_segments BEGIN SELECT RAISE(ABORT, 'disk is full'); END;
        CREATE TRIGGER full_2 BEFORE INSERT ON archive_rooms BEGIN SELECT RAISE(ABORT, 'disk is full'); END;
        CREATE TRIGGER full_3 BEFORE DELETE ON archive_segments BEGIN SELECT RAISE(ABORT, 'disk is full'); END;`);
      for (const size of [100, 100_000])
        expect(await archive.append(room.id, room.keys.edit, [noise(size)])).toBe('503 later');
      expect(await archive.register(other.id, await signedRegistration(other, 1))).toBe('503 later');
      const deletion = await signedDeletion(room, 2, room.instance);
      expect(await archive.delete(room.id, deletion)).toBe('503 later');
      database.exec('DROP TRIGGER full_1; DROP TRIGGER full_2; DROP TRIGGER full_3;');
      must(await archive.append(room.id, room.keys.edit, [noise(100)]));
      expect(await archive.all(room.id, room.keys.read)).toHaveLength(2);
      expect(database.prepare('SELECT count(*) AS n FROM archive_loose_files').get()).toEqual({ n: 0 });
      database.exec('ALTER TABLE archive_rooms RENAME TO elsewhere');
      expect(await archive.status(room.id, room.keys.read)).toBe('503 later');
      expect(await archive.append(room.id, room.keys.edit, [noise(9)])).toBe('503 later');
    } finally {
      database.close();
    }
  });

  test('a data folder from before the archive gets one, and keeps what it has', async () => {
    const dataDir = await temporaryFolder();
    const before = await temporaryFolder();
    try {
      await mkdir(join(before, 'migrations'));
      await copyFile(join(migrations, '1_hardening.js'), join(before, 'migrations', '1_hardening.js'));
      server = await startArchiveServer({ dataDir, migrationsDir: join(before, 'migrations') });
      const room = await newRoom();
      const old = new ArchiveClient(server.url);
      expect(await old.register(room.id, await signedRegistration(room, 1))).toBe('503 later');
      await server.close();

      server = await startArchiveServer({ dataDir });
      const archive = new ArchiveClient(server.url);
      must(await archive.register(room.id, await signedRegistration(room, 1)));
      const segments = [noise(100), noise(100_000)];
      must(await archive.append(room.id, room.keys.edit, segments));
      await server.close();

      server = await startArchiveServer({ dataDir });
      const again = new ArchiveClient(server.url);
      expect(hexes(await again.all(room.id, room.keys.read))).toEqual(hexes(segments));
    } finally {
      await server?.close();
      server = undefined;
      await rm(before, { recursive: true, force: true });
      await rm(dataDir, { recursive: true, force: true });
    }
  });

  test('many requests in a moment don’t meet PocketBase’s own limit', async () => {
    server = await startArchiveServer();
    const archive = new ArchiveClient(server.url);
    const room = await registeredRoom(archive);
    for (let round = 0; round < 20; round++)
      for (const answer of await Promise.all(
        Array.from({ length: 20 }, () => archive.page(room.id, room.keys.read, 0)),
      ))
        must(answer);
  });
});
