/** Against an address that answers as PocketBase's hook does when it is slow: what is tested is when our server asks. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { randomBytes } from '../../app/lib/core/bytes.ts';
import { LIMITS } from '../limits.ts';
import { ArchiveClient, newRoom, signedDeletion } from '../testing/archive-client.ts';
import { startTestServer } from '../testing/test-server.ts';

test('ARCH-14 a deletion that PocketBase was too slow to confirm is purged all the same', async () => {
  let due = false;
  const pocketbase = createServer((request, response) => {
    const target = request.url ?? '';
    request.resume();
    if (target.endsWith('/delete')) {
      // Committed after our server had stopped waiting.
      due = true;
      return response.writeHead(503).end();
    }
    const purged = due && target.endsWith('purge=1');
    if (purged) due = false;
    response.end(JSON.stringify({ outcome: 'ok', due, purged }));
  });
  await once(pocketbase.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(pocketbase.address() as AddressInfo).port}`;
  const server = await startTestServer({
    pocketbase: { kind: 'url', url, archiveSecret: 's'.repeat(32) },
    limits: { ...LIMITS, archive: { ...LIMITS.archive, purgeIntervalMs: 50 } },
  });
  try {
    await server.pocketbaseSettled;
    const room = await newRoom();
    const statement = await signedDeletion(room, 2, randomBytes(16));
    expect(await new ArchiveClient(server.url).delete(room.id, statement)).toBe('503 later');
    expect(due).toBe(true);
    await expect.poll(() => due, { timeout: 5_000 }).toBe(false);
  } finally {
    await server.close();
    pocketbase.closeAllConnections();
    pocketbase.close();
  }
});
