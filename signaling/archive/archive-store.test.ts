import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { ArchiveStore } from './archive-store.ts';

const ROOM = { room: 'a'.repeat(52), address: '127.0.0.1' };
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** PocketBase while checkpoints come quicker than they are read: each that it names is gone, but the last. */
async function replacing(names: readonly string[]) {
  const bytes = Buffer.from('the last');
  let asked = 0;
  const http = createServer(({ url = '' }, response) => {
    if (url.endsWith('/checkpoint')) {
      const file = names[Math.min(asked++, names.length - 1)];
      const there = { outcome: 'ok', size: bytes.length, file, history: 9, covered: 9 };
      return void response.end(JSON.stringify(there));
    }
    if (url.endsWith(names.at(-1) ?? '')) return void response.end(bytes);
    response.writeHead(404).end();
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  closing.push(() => {
    http.closeAllConnections();
    http.close();
  });
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return new ArchiveStore({ url: () => url, archiveSecret: 'secret' }, 1_000, 1_000);
}
const nameOf = (i: number): string => i.toString(16).padStart(32, '0');

test('ARCH-30 a checkpoint that is replaced before it is read is asked for again', async () => {
  const store = await replacing([1, 2, 3].map(nameOf));
  expect(await store.checkpoint(ROOM)).toEqual({ ok: true, value: new Uint8Array(Buffer.from('the last')) });
});

test('ARCH-30 one that is replaced each time is later, not asked for without end', async () => {
  const store = await replacing(Array.from({ length: 50 }, (_, i) => nameOf(i)));
  expect(await store.checkpoint(ROOM)).toEqual({ ok: false, error: { reason: 'later' } });
});
