/** The archive over HTTP, with a server that says anything, or nothing. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { encodeAppended, encodePageHead, encodeStatus, segmentLength } from '../../core/archive-wire.ts';
import { concat, randomBytes, toHex, type Bytes } from '../../core/bytes.ts';
import type { RoomId } from '../../core/ids.ts';
import { archiveServer, type ArchiveServer } from './archive-server.ts';

const roomId = 'a'.repeat(52) as RoomId;
const keys = { read: randomBytes(32), edit: randomBytes(32), comment: randomBytes(32) };
const later = { ok: false, error: { reason: 'later' } };
const servers: Server[] = [];
const clients: ArchiveServer[] = [];

async function answering(listener: RequestListener, its: Partial<typeof keys> = keys) {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = archiveServer({ origin, roomId, keys: { read: keys.read, ...its } });
  clients.push(client);
  return client;
}
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
const saying = (status: number, body: string | Bytes, headers: Record<string, string> = {}) =>
  answering((_, response) => {
    response.writeHead(status, headers);
    response.end(body);
  });

const page = (count: number, segments: readonly Bytes[]): Bytes =>
  concat(
    encodePageHead({ instance: randomBytes(16), next: count, more: false }, count),
    ...segments.flatMap((one) => [segmentLength(one.length), one]),
  );
const status = encodeStatus({
  instance: randomBytes(16),
  counter: 1,
  epoch: 0,
  segments: 2,
  bytes: 3,
  quota: 4,
  cursor: 5,
  blob: randomBytes(9),
});

test('ARCH-1, ARCH-2: keys go in the header, each to its route, and never in the address', async () => {
  const seen: unknown[][] = [];
  const client = await answering((request, response) => {
    const { method, url, headers } = request;
    seen.push([method, url, headers['x-room-key'], headers['content-type'], headers.cookie]);
    response.writeHead(404).end();
  });
  await client.status();
  await client.page(7);
  await client.append([randomBytes(5)]);
  await client.register(randomBytes(5));
  await client.delete(randomBytes(5));
  const [read, edit, type] = [toHex(keys.read), toHex(keys.edit), 'application/octet-stream'];
  expect(seen).toEqual([
    ['GET', `/archive/${roomId}`, read, undefined, undefined],
    ['GET', `/archive/${roomId}/segments?since=7`, read, undefined, undefined],
    ['POST', `/archive/${roomId}/segments`, edit, type, undefined],
    ['POST', `/archive/${roomId}/register`, undefined, type, undefined],
    ['POST', `/archive/${roomId}/delete`, undefined, type, undefined],
  ]);
});

test.each([
  ['nothing', 200, ''],
  ['a page of HTML', 200, '<html>Sign in to the network</html>'],
  ['a status that goes on', 200, concat(status, Uint8Array.of(0))],
  ['a status that is cut', 200, status.slice(0, -1)],
  ['words that are none of ours', 503, 'Service Unavailable'],
  ['a reason with another status', 500, '{"reason":"wrong-key"}'],
  ['an unknown reason', 403, '{"reason":"toString"}'],
  ['JSON that is no object', 503, 'null'],
  ['nothing at all to say', 204, ''],
])('ARCH-3: %s means later', async (_, code, body) => {
  const client = await saying(code, code === 204 ? '' : body);
  expect(await client.status()).toEqual(later);
});

test('ARCH-3: a refusal is told as it is', async () => {
  expect(await (await saying(409, '{"reason":"old-counter","counter":7}')).register(status)).toEqual({
    ok: false,
    error: { reason: 'old-counter', counter: 7 },
  });
  expect(await (await saying(503, '{"reason":"off"}')).page(0)).toEqual({
    ok: false,
    error: { reason: 'off' },
  });
});

test('ARCH-9: a page that says more than it has, or than it may, is none', async () => {
  const [one, two] = [randomBytes(9), randomBytes(7)];
  expect(await (await saying(200, page(2, [one, two]))).page(0)).toMatchObject({
    ok: true,
    value: { next: 2, segments: [one, two] },
  });
  for (const body of [page(3, [one, two]), page(501, [one]), page(1, [one, two])])
    expect(await (await saying(200, body)).page(0)).toEqual(later);
});

test.each([
  ['a status', (client: ArchiveServer) => client.status(), 200],
  ['a refusal', (client: ArchiveServer) => client.page(0), 503],
])('%s without end is read to its cap, and no further', async (_, ask, code) => {
  let written = 0;
  const closed = Promise.withResolvers<void>();
  const client = await answering((_, response) => {
    response.writeHead(code);
    const more = () => {
      while (!response.destroyed && response.write(new Uint8Array(64 * 1024))) written += 64 * 1024;
    };
    response.on('drain', more).on('close', () => closed.resolve());
    more();
  });
  expect(await ask(client)).toEqual(later);
  await closed.promise;
  // What the system buffers on the way is far below a page's 20 MiB.
  expect(written).toBeLessThan(16 * 1024 * 1024);
});

test('a server that never answers, or not to the end, is left at close', async () => {
  const asked: (() => void)[] = [];
  const heard = (count: number) => vi.waitFor(() => expect(asked).toHaveLength(count));
  const client = await answering((_, response) => {
    if (asked.length === 1) response.writeHead(200, { 'content-length': '100' }).write('slow');
    asked.push(() => response.end());
  });
  const [never, half] = [client.status(), client.page(0)];
  await heard(2);
  client.close();
  expect(await Promise.all([never, half])).toEqual([later, later]);
  expect(await client.status()).toEqual(later);
  expect(asked).toHaveLength(2);
});

test('nobody there is later; a way to another place is not taken', async () => {
  let elsewhere = 0;
  const client = await answering((request, response) => {
    if (request.url === '/elsewhere') elsewhere++;
    response.writeHead(307, { location: '/elsewhere' }).end();
  });
  expect(await client.status()).toEqual(later);
  expect(await client.append([randomBytes(3)])).toEqual(later);
  expect(elsewhere).toBe(0);
  const gone = await answering(() => undefined);
  const server = servers.pop();
  await new Promise((resolve) => server?.close(resolve));
  expect(await gone.status()).toEqual(later);
});

test.each([
  ['30', 30_000],
  ['0.5', 500],
  ['86400', 3_600_000],
  ['1e99', 3_600_000],
  ['0', undefined],
  ['-5', undefined],
  ['soon', undefined],
  ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
  ['', undefined],
])('ARCH-17: Retry-After “%s” counts as %s ms', async (value, retryAfterMs) => {
  const client = await saying(429, '{"reason":"rate"}', { 'retry-after': value });
  expect(await client.status()).toEqual({
    ok: false,
    error: { reason: 'rate', ...(retryAfterMs !== undefined && { retryAfterMs }) },
  });
});

test('ARCH-1: who has C only appends with that key; who has R only is not even asked for', async () => {
  const seen: unknown[] = [];
  const listener: RequestListener = (request, response) => {
    seen.push(request.headers['x-room-key']);
    response.end(encodeAppended({ stored: 1, known: 0, cursor: 1, bytes: 1, quota: 1 }));
  };
  const server = (its: object) => answering(listener, its);
  expect(await (await server({ comment: keys.comment })).append([randomBytes(3)])).toMatchObject({
    ok: true,
  });
  expect(await (await server({})).append([randomBytes(3)])).toEqual({
    ok: false,
    error: { reason: 'no-key' },
  });
  expect(seen).toEqual([toHex(keys.comment)]);
});
