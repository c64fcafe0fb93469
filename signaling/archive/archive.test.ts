/** The archive from outside, on a real PocketBase: what its routes give and refuse. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ARCHIVE_BATCH_SEGMENTS, ARCHIVE_SEGMENT_OVERHEAD_BYTES } from '../../app/lib/core/archive-wire.ts';
import { randomBytes, toHex } from '../../app/lib/core/bytes.ts';
import {
  ArchiveClient,
  hexes,
  must,
  newRoom,
  noise,
  pocketbasePath,
  signedRegistration,
  startArchiveServer,
  type ArchiveServer,
} from '../testing/archive-client.ts';

if (!pocketbasePath) console.log('The archive is not tested here: POCKETBASE_PATH names no PocketBase.');
describe.skipIf(!pocketbasePath)('the archive', () => {
  let server: ArchiveServer;
  let archive: ArchiveClient;
  beforeAll(async () => {
    server = await startArchiveServer({ archiveRoomBytes: 48 * 1024 * 1024 });
    archive = new ArchiveClient(server.url);
  });
  afterAll(() => server.close());

  async function registered() {
    const room = await newRoom();
    const status = must(await archive.register(room.id, await signedRegistration(room, 1)));
    return { ...room, instance: status.instance };
  }

  test('ARCH-2, ARCH-9 what was appended is read back, small and large, in its order', async () => {
    const room = await registered();
    const segments = [1, 100, 64 * 1024, 64 * 1024 + 1, 1_000_000].map((length) => noise(length));
    const appended = must(await archive.append(room.id, room.keys.edit, segments));
    expect(appended).toMatchObject({ stored: 5, known: 0, cursor: 5 });
    const page = must(await archive.page(room.id, room.keys.read, 0));
    expect(hexes(page.segments)).toEqual(hexes(segments));
    expect(page).toMatchObject({ next: 5, more: false });
    expect(toHex(page.instance)).toBe(toHex(room.instance));
  });
});
