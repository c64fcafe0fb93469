/** One suite, two archives: what replicas are tried with in memory is what the server does. */
import { afterAll, beforeAll, describe, vi } from 'vitest';
import { archiveContract } from '../../../testing/archive-contract.ts';
import { MemoryArchive } from '../../../testing/memory-archive.ts';
import {
  pocketbasePath,
  startArchiveServer,
  type ArchiveServer as ServerUnderTest,
} from '../../../../signaling/testing/archive-client.ts';
import { archiveServer } from './archive-server.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const memory = new MemoryArchive();
archiveContract('the archive in memory', (roomId, keys) => memory.open(roomId, keys));

describe.skipIf(pocketbasePath === undefined)('over HTTP', () => {
  let server: ServerUnderTest;
  beforeAll(async () => {
    server = await startArchiveServer();
  });
  afterAll(() => server?.close());
  archiveContract('the server', (roomId, keys) => archiveServer({ origin: server.url, roomId, keys }));
});
