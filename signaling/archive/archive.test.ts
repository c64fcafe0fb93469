/** The archive from outside, on a real PocketBase: what its routes give and refuse, and what deleting leaves. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ARCHIVE_BLOB_BYTES,
  ARCHIVE_SEGMENT_BYTES,
  ARCHIVE_SEGMENT_OVERHEAD_BYTES,
} from '../../app/lib/core/archive-wire.ts';
import { fromHex, toHex } from '../../app/lib/core/bytes.ts';
import {
  ArchiveClient,
  hexes,
  must,
  newRoom,
  noise,
  pocketbasePath,
  registeredRoom,
  sha256,
  signedDeletion,
  signedRegistration,
  startArchiveServer,
  type ArchiveServer,
} from '../testing/archive-client.ts';
import { startTestServer } from '../testing/test-server.ts';

const MIB = 1024 * 1024;
const QUOTA = 24 * MIB;

if (!pocketbasePath) console.log('The archive is not tested here: POCKETBASE_PATH names no PocketBase.');
describe.skipIf(!pocketbasePath)('the archive', () => {
  let server: ArchiveServer;
  let archive: ArchiveClient;
  beforeAll(async () => {
    server = await startArchiveServer({ archiveRoomBytes: QUOTA });
    archive = new ArchiveClient(server.url);
  });
  afterAll(() => server.close());

  test('ARCH-2, ARCH-9 what was appended is read back, small and large, in its order', async () => {
    const room = await registeredRoom(archive);
    const segments = [1, 100, 64 * 1024, 64 * 1024 + 1, 1_000_000].map((length) => noise(length));
    expect(must(await archive.append(room.id, room.keys.edit, segments))).toMatchObject({
      stored: 5,
      known: 0,
      cursor: 5,
    });
    const page = must(await archive.page(room.id, room.keys.read, 0));
    expect(hexes(page.segments)).toEqual(hexes(segments));
    expect(page).toMatchObject({ next: 5, more: false });
    expect(toHex(page.instance)).toBe(toHex(room.instance));
    expect(must(await archive.page(room.id, room.keys.read, 5))).toMatchObject({ next: 5, segments: [] });
  });

  test('ARCH-6 the largest segment there can be passes both ways', async () => {
    const room = await registeredRoom(archive);
    const largest = noise(ARCHIVE_SEGMENT_BYTES);
    must(await archive.append(room.id, room.keys.edit, [largest]));
    const [back] = await archive.all(room.id, room.keys.read);
    expect(back && toHex(sha256(back))).toBe(toHex(sha256(largest)));
  });

  test('ARCH-7 repeated segments, also within one batch, are known and move no cursor', async () => {
    const room = await registeredRoom(archive);
    const [a, b, large] = [noise(300), noise(400), noise(100_000)];
    must(await archive.append(room.id, room.keys.edit, [a, large]));
    const again = must(await archive.append(room.id, room.keys.comment, [large, b, a, b]));
    expect(again).toMatchObject({ stored: 1, known: 3, cursor: 3 });
    expect(hexes(await archive.all(room.id, room.keys.read))).toEqual(hexes([a, large, b]));
    const other = await registeredRoom(archive);
    expect(must(await archive.append(other.id, other.keys.edit, [a]))).toMatchObject({ stored: 1 });
    // The copy that came second has left no file behind.
    expect(await filesOf(server, room.id)).toHaveLength(1);
  });

  test('ARCH-9 pages end at 500 segments or 4 MiB, and say so', async () => {
    const room = await registeredRoom(archive);
    const small = Array.from({ length: 600 }, () => noise(20));
    for (const at of [0, 200, 400])
      must(await archive.append(room.id, room.keys.edit, small.slice(at, at + 200)));
    const first = must(await archive.page(room.id, room.keys.read, 0));
    expect([first.segments.length, first.next, first.more]).toEqual([500, 500, true]);
    const large = [1.5, 2, 0.5, 1].map((mib) => noise(mib * MIB));
    for (const one of large) must(await archive.append(room.id, room.keys.edit, [one]));
    const second = must(await archive.page(room.id, room.keys.read, 600));
    expect([second.segments.length, second.next, second.more]).toEqual([3, 603, true]);
    expect(hexes(await archive.all(room.id, room.keys.read))).toEqual(hexes([...small, ...large]));
  });

  test('ARCH-3 keys: none, half of one, the stored hash, another room’s, and each in the other’s place', async () => {
    const [room, other] = [await registeredRoom(archive), await registeredRoom(archive)];
    const segment = [noise(100)];
    for (const key of [undefined, '', toHex(room.keys.read).slice(1), toHex(room.keys.read).toUpperCase()])
      expect([await archive.status(room.id, key), await archive.page(room.id, key, 0)]).toEqual([
        '401 no-key',
        '401 no-key',
      ]);
    expect(await archive.append(room.id, undefined, segment)).toBe('401 no-key');
    const wrong = [sha256(room.keys.read), other.keys.read, room.keys.edit, room.keys.comment];
    for (const key of wrong) expect(await archive.page(room.id, key, 0)).toBe('403 wrong-key');
    expect(await archive.status(room.id, room.keys.edit)).toBe('403 wrong-key');
    for (const key of [sha256(room.keys.edit), other.keys.edit, room.keys.read])
      expect(await archive.append(room.id, key, segment)).toBe('403 wrong-key');
    // A body of megabytes is still arriving when the answer goes out.
    expect(await archive.append(room.id, room.keys.read, [noise(4 * MIB)])).toBe('403 wrong-key');
    const nobody = await newRoom();
    expect(await archive.status(nobody.id, nobody.keys.read)).toBe('200 unknown-room');
    expect(await archive.append(nobody.id, nobody.keys.edit, segment)).toBe('404 unknown-room');
  });

  test('ARCH-6 malformed and too large batches are told apart, and nothing of them is stored', async () => {
    const room = await registeredRoom(archive);
    const raw = (hex: string) => archive.appendRaw(room.id, room.keys.edit, fromHex(hex));
    expect(await raw('00000000')).toBe('400 malformed');
    expect(await raw('0000000100000002ff')).toBe('400 malformed');
    expect(await raw('0000000200000001ff')).toBe('400 malformed');
    expect(await raw('0000000100000001ffff')).toBe('400 malformed');
    expect(await raw('00000001ffffffff')).toBe('413 too-large');
    const count201 = `000000c9${'00000001ff'.repeat(201)}`;
    expect(await raw(count201)).toBe('413 too-large');
    expect(must(await archive.status(room.id, room.keys.read))).toMatchObject({ segments: 0, bytes: 0 });
  });

  test('ARCH-8 the quota: a batch above it is not stored at all, and what is known costs nothing', async () => {
    const room = await registeredRoom(archive);
    const [most, rest] = [noise(20 * MIB), noise(3 * MIB)];
    must(await archive.append(room.id, room.keys.edit, [most]));
    must(await archive.append(room.id, room.keys.edit, [rest]));
    const before = must(await archive.status(room.id, room.keys.read));
    expect(before.bytes).toBe(23 * MIB + 2 * ARCHIVE_SEGMENT_OVERHEAD_BYTES);
    const over = [noise(100), noise(MIB)];
    expect(await archive.append(room.id, room.keys.edit, over)).toBe('507 room-full');
    expect(must(await archive.status(room.id, room.keys.read))).toEqual(before);
    expect(await filesOf(server, room.id)).toHaveLength(2);
    expect(must(await archive.append(room.id, room.keys.edit, [most]))).toMatchObject({ known: 1 });
    expect(must(await archive.append(room.id, room.keys.edit, [noise(100)]))).toMatchObject({ stored: 1 });
  });

  test('ARCH-8 the comment key fills a tenth of a room, editors the rest', async () => {
    const room = await registeredRoom(archive);
    must(await archive.append(room.id, room.keys.comment, [noise(2.2 * MIB)]));
    expect(await archive.append(room.id, room.keys.comment, [noise(MIB)])).toBe('507 comments-full');
    must(await archive.append(room.id, room.keys.edit, [noise(10 * MIB)]));
    expect(must(await archive.append(room.id, room.keys.comment, [noise(1000)]))).toMatchObject({
      stored: 1,
    });
  });

  test('ARCH-8 a byte is not free: many tiny segments fill a room too', async () => {
    const room = await registeredRoom(archive);
    must(
      await archive.append(
        room.id,
        room.keys.edit,
        Array.from({ length: 200 }, () => noise(8)),
      ),
    );
    expect(must(await archive.status(room.id, room.keys.read)).bytes).toBe(200 * (8 + 256));
  });

  test('ARCH-11 status gives the owner’s blob and the newest registration', async () => {
    const room = await newRoom();
    const blob = noise(ARCHIVE_BLOB_BYTES);
    must(await archive.register(room.id, await signedRegistration(room, 4_000_000_000, { epoch: 7, blob })));
    const status = must(await archive.status(room.id, room.keys.read));
    expect(status).toMatchObject({ counter: 4_000_000_000, epoch: 7, cursor: 0, quota: QUOTA });
    expect(toHex(status.blob)).toBe(toHex(blob));
  });

  test('ARCH-5 a new epoch replaces the keys and keeps the segments; old statements come too late', async () => {
    const room = await registeredRoom(archive);
    must(await archive.append(room.id, room.keys.edit, [noise(100)]));
    const old = await signedRegistration(room, 1);
    const newer = { ...room, keys: { read: noise(32), edit: noise(32), comment: noise(32) } };
    const statement = await signedRegistration(newer, 2, { epoch: 1 });
    const status = must(await archive.register(room.id, statement));
    expect([status.epoch, status.segments, toHex(status.instance)]).toEqual([1, 1, toHex(room.instance)]);
    expect(must(await archive.register(room.id, statement))).toEqual(status);
    expect(await archive.register(room.id, old)).toBe('409 old-counter');
    const same = await signedRegistration(newer, 2, { epoch: 2 });
    expect(await archive.register(room.id, same)).toBe('409 old-counter');
    expect(await archive.append(room.id, room.keys.edit, [noise(100)])).toBe('403 wrong-key');
    expect(await archive.page(room.id, room.keys.read, 0)).toBe('403 wrong-key');
    expect(await archive.all(room.id, newer.keys.read)).toHaveLength(1);
  });

  test('ARCH-3 an old counter is answered with the one to be above', async () => {
    const room = await newRoom();
    must(await archive.register(room.id, await signedRegistration(room, 9)));
    const answer = await fetch(`${server.url}/archive/${room.id}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: await signedRegistration(room, 8),
    });
    expect([answer.status, await answer.json()]).toEqual([409, { reason: 'old-counter', counter: 9 }]);
  });

  test('ARCH-12, ARCH-14 deleting shows what went; bytes, files and statements don’t come back', async () => {
    // A server of its own: the whole data folder is searched.
    const alone = await startArchiveServer({ archiveRoomBytes: QUOTA });
    try {
      const there = new ArchiveClient(alone.url);
      const [room, kept] = [await registeredRoom(there), await registeredRoom(there)];
      const segments = [noise(200), noise(3_000), noise(60_000), noise(300_000)];
      for (const one of segments) must(await there.append(room.id, room.keys.edit, [one, noise(1_000)]));
      must(await there.append(kept.id, kept.keys.edit, [noise(5_000), noise(100_000)]));
      expect(await whereIs(alone, segments)).toHaveLength(4);

      const deletion = await signedDeletion(room, 2, room.instance);
      const deleted = must(await there.delete(room.id, deletion));
      expect(deleted).toEqual({ segments: 8, bytes: 363_200 + 4_000, purged: true });
      expect(await whereIs(alone, segments)).toEqual([]);
      const keys = Object.values(room.keys).map((key) => sha256(key));
      expect(
        await whereIs(alone, [...keys, ...keys.map((key) => new Uint8Array(Buffer.from(toHex(key))))]),
      ).toEqual([]);

      expect(await there.status(room.id, room.keys.read)).toBe('200 unknown-room');
      expect(await there.append(room.id, room.keys.edit, segments)).toBe('404 unknown-room');
      expect(await there.register(room.id, await signedRegistration(room, 1))).toBe('409 old-counter');
      expect(await there.register(room.id, await signedRegistration(room, 2))).toBe('409 old-counter');
      expect(await there.delete(room.id, deletion)).toBe('404 unknown-room');
      expect(await there.all(kept.id, kept.keys.read)).toHaveLength(2);

      const anew = must(await there.register(room.id, await signedRegistration(room, 3)));
      expect(toHex(anew.instance)).not.toBe(toHex(room.instance));
      expect(anew).toMatchObject({ segments: 0, bytes: 0, cursor: 0 });
      expect(await there.delete(room.id, deletion)).toBe('409 old-counter');
      expect(await there.delete(room.id, await signedDeletion(room, 9, room.instance))).toBe('403 bad-proof');

      // The second deletion within the interval doesn't hold writers up again, and says that it isn't done.
      const last = must(await there.delete(room.id, await signedDeletion(room, 10, anew.instance)));
      expect(last).toEqual({ segments: 0, bytes: 0, purged: false });
    } finally {
      await alone.close();
    }
  });

  test('ARCH-14 a purge that had to wait comes when it is time', async () => {
    const { LIMITS } = await import('../limits.ts');
    const limits = { ...LIMITS, archive: { ...LIMITS.archive, purgeIntervalMs: 400 } };
    const alone = await startArchiveServer({ limits });
    try {
      const there = new ArchiveClient(alone.url);
      const segments = [noise(3_000), noise(60_000)];
      const purged: boolean[] = [];
      for (let i = 0; i < 2; i++) {
        const room = await registeredRoom(there);
        must(await there.append(room.id, room.keys.edit, segments));
        const statement = await signedDeletion(room, 2, room.instance);
        purged.push(must(await there.delete(room.id, statement)).purged);
      }
      expect(purged).toEqual([true, false]);
      await expect.poll(() => whereIs(alone, segments), { timeout: 20_000 }).toEqual([]);
    } finally {
      await alone.close();
    }
  });
});

test('ARCH-3 without PocketBase there is no archive, and it says so', async () => {
  const server = await startTestServer();
  const [archive, room] = [new ArchiveClient(server.url), await newRoom()];
  expect(await archive.status(room.id, room.keys.read)).toBe('200 off');
  expect(await archive.append(room.id, room.keys.edit, [noise(9)])).toBe('503 off');
  expect(await archive.register(room.id, await signedRegistration(room, 1))).toBe('503 off');
  expect(await archive.checkpoint(room.id, room.keys.read)).toBe('503 off');
  expect(await archive.keepCheckpoint(room.id, room.keys.edit, noise(9))).toBe('503 off');
  await server.close();
});

/** The files that the room has in the storage. */
async function filesOf(server: ArchiveServer, roomId: string): Promise<string[]> {
  const names = await readdir(join(server.dataDir, 'storage', 'archive', roomId)).catch(() => []);
  return names.filter((name) => !name.endsWith('.attrs'));
}

/** Which of the byte strings are in a file of the data folder, as they are or in hex: 24 bytes of each, at three places. */
async function whereIs(server: ArchiveServer, strings: readonly Uint8Array[]): Promise<string[]> {
  const found = new Set<string>();
  for (const entry of await readdir(server.dataDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const content = await readFile(join(entry.parentPath, entry.name));
    for (const string of strings)
      if (piecesOf(string).some((piece) => content.includes(piece))) found.add(toHex(string.subarray(0, 8)));
  }
  return [...found];
}

/** Short ones: a database page may end in the middle of a long one. */
function piecesOf(string: Uint8Array): Buffer[] {
  const places = [0, Math.floor(string.length / 2), string.length - 24];
  return places.flatMap((at) => {
    const piece = Buffer.from(string.subarray(at, at + 24));
    return [piece, Buffer.from(piece.toString('hex')), Buffer.from(piece.toString('hex').toUpperCase())];
  });
}
