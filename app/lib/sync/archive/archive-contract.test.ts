/** One suite, two archives: what replicas are tried with in memory is what the server does. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, vi } from 'vitest';
import { archiveContract, type OpenArchive } from '../../../testing/archive-contract.ts';
import { checkpointContract } from '../../../testing/checkpoint-contract.ts';
import { supersedingContract, type PassDays } from '../../../testing/superseding-contract.ts';
import { MemoryArchive } from '../../../testing/memory-archive.ts';
import {
  pocketbasePath,
  startArchiveServer,
  type ArchiveServer as ServerUnderTest,
} from '../../../../signaling/testing/archive-client.ts';
import { LIMITS } from '../../../../signaling/limits.ts';
import { archiveServer } from './archive-server.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const DAY_MS = 24 * 3_600_000;
const memory = new MemoryArchive();
archiveContract('the archive in memory', (roomId, keys) => memory.open(roomId, keys));
checkpointContract('the archive in memory', (roomId, keys) => memory.open(roomId, keys));
supersedingContract(
  'the archive in memory',
  (roomId, keys) => memory.open(roomId, keys),
  async (days) => memory.pass(days * DAY_MS),
);

describe.skipIf(pocketbasePath === undefined)('over HTTP', () => {
  let server: ServerUnderTest;
  beforeAll(async () => {
    server = await startArchiveServer({
      limits: { ...LIMITS, archive: { ...LIMITS.archive, sweepIntervalMs: 20, purgeIntervalMs: 3_600_000 } },
    });
  });
  afterAll(() => server?.close());
  const open: OpenArchive = (roomId, keys) => archiveServer({ origin: server.url, roomId, keys });
  /** Everything was superseded so much earlier; then the sweep, which never rests here, has seen it. */
  const pass: PassDays = async (days) => {
    const database = new DatabaseSync(join(server.dataDir, 'data.db'), { timeout: 5_000 });
    try {
      database.exec(`UPDATE archive_segments SET superseded_at = superseded_at - ${(days * DAY_MS) / 1000}`);
      const due = database.prepare(
        `SELECT count(*) AS n FROM archive_segments WHERE superseded_at <= unixepoch() - ${(30 * DAY_MS) / 1000}`,
      );
      await vi.waitUntil(() => due.get()?.['n'] === 0, { timeout: 10_000, interval: 5 });
    } finally {
      database.close();
    }
  };
  archiveContract('the server', open);
  checkpointContract('the server', open);
  supersedingContract('the server', open, pass);
});
