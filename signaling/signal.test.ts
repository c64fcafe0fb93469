import { afterEach, beforeEach, expect, test } from 'vitest';
import { LIMITS, type Limits } from './limits.ts';
import { signalClient } from './testing/socket-client.ts';
import { startTestServer, type TestServer } from './testing/test-server.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.close());

async function client() {
  const socket = await signalClient(server.socketUrl('/signal'));
  return {
    ...socket,
    send: (message: unknown) =>
      socket.ws.send(typeof message === 'string' ? message : JSON.stringify(message)),
    /** Everything sent before this has been handled once it resolves. */
    settled: async () => {
      socket.ws.send('{"type":"ping"}');
      expect(await socket.next()).toEqual({ type: 'pong' });
    },
  };
}
const restart = async (signal: Partial<Limits['signal']>) => {
  await server.close();
  server = await startTestServer({ limits: { ...LIMITS, signal: { ...LIMITS.signal, ...signal } } });
};

test('a publication reaches every subscriber with their count, its sender included', async () => {
  const [a, b, c] = [await client(), await client(), await client()];
  for (const each of [a, b]) {
    each.send({ type: 'subscribe', topics: ['room', 'other'] });
    await each.settled();
  }
  const data = { type: 'announce', from: 'me', deep: [1, { x: null }] };
  a.send({ type: 'publish', topic: 'room', data });
  const expected = { type: 'publish', topic: 'room', data, clients: 2 };
  expect(await a.next()).toEqual(expected);
  expect(await b.next()).toEqual(expected);
  // One may publish without subscribing, as stock clients do.
  c.send({ type: 'publish', topic: 'room', data: 'sealed' });
  expect(await b.next()).toEqual({ type: 'publish', topic: 'room', data: 'sealed', clients: 2 });
});

test('after unsubscribing, or closing, nothing arrives and the count is right', async () => {
  const [a, b, c] = [await client(), await client(), await client()];
  for (const each of [a, b, c]) {
    each.send({ type: 'subscribe', topics: ['room'] });
    await each.settled();
  }
  a.send({ type: 'unsubscribe', topics: ['room', 'never-subscribed'] });
  await a.settled();
  c.ws.close();
  await c.closed;
  await expect
    .poll(async () => {
      b.send({ type: 'publish', topic: 'room', data: 1 });
      return (await b.next())['clients'];
    })
    .toBe(1);
  await a.settled();
});

test.for([
  ['no JSON', '{"type":'],
  ['no object', '7'],
  ['an unknown type', '{"type":"shutdown"}'],
  ['topics that are no list', '{"type":"subscribe","topics":"room"}'],
  ['topics that are no text', '{"type":"subscribe","topics":[1]}'],
  [
    'a topic too long',
    JSON.stringify({ type: 'subscribe', topics: ['x'.repeat(LIMITS.signal.topicChars + 1)] }),
  ],
  ['a publication without a topic', '{"type":"publish","data":1}'],
  [
    'nesting too deep to write again',
    `{"type":"publish","topic":"t","data":${'['.repeat(30_000)}${']'.repeat(30_000)}}`,
  ],
  ['a prototype', '{"__proto__":{"type":"ping"}}'],
] as const)('%s gets an error frame, and the connection lives on', async ([, text]) => {
  const a = await client();
  a.send(text);
  expect(await a.next()).toEqual({ type: 'error', reason: 'malformed' });
  await a.settled();
});

test('binary gets an error frame', async () => {
  const a = await client();
  a.ws.send(Buffer.from('{"type":"ping"}'), { binary: true });
  expect(await a.next()).toEqual({ type: 'error', reason: 'malformed' });
});

test('a message above 64 KiB closes its sender with 1009', async () => {
  const a = await client();
  a.send(`"${'x'.repeat(LIMITS.signal.maxMessageBytes)}"`);
  expect((await a.closed).code).toBe(1009);
});

test('topics are counted per connection and for the server', async () => {
  await restart({ topicsPerConnection: 2, topics: 3 });
  const [a, b] = [await client(), await client()];
  a.send({ type: 'subscribe', topics: ['1', '2'] });
  a.send({ type: 'subscribe', topics: ['1', '3'] });
  expect(await a.next()).toEqual({ type: 'error', reason: 'too-many-topics' });
  b.send({ type: 'subscribe', topics: ['4', '5'] });
  expect(await b.next()).toEqual({ type: 'error', reason: 'busy' });
  a.ws.close();
  await expect
    .poll(async () => {
      b.send({ type: 'subscribe', topics: ['5'] });
      b.send({ type: 'ping' });
      return (await b.next())['type'];
    })
    .toBe('pong');
});

test('a subscriber that stops reading is closed with a reason instead of losing messages', async () => {
  await restart({ maxBufferedBytes: 100_000, perConnection: { frames: 10_000, bytes: 1 << 30 } });
  const [slow, sender] = [await client(), await client()];
  slow.send({ type: 'subscribe', topics: ['room'] });
  await slow.settled();
  slow.ws.pause();
  const data = 'x'.repeat(60_000);
  await expect
    .poll(
      async () => {
        for (let i = 0; i < 40; i++) sender.send({ type: 'publish', topic: 'room', data });
        await sender.settled();
        const health = (await (await fetch(`${server.url}/healthz`)).json()) as {
          connections: { signal: number };
        };
        return health.connections.signal;
      },
      { interval: 1, timeout: 10_000 },
    )
    .toBe(1);
  slow.ws.resume();
  expect(await slow.closed).toEqual({ code: 1013, reason: 'slow' });
});

test('a flood is closed with its reason, a busy client is only slowed', async () => {
  await restart({ perConnection: { frames: 64, bytes: 1 << 20 } });
  const flood = await client();
  for (let i = 0; i < 1_000; i++) flood.send({ type: 'ping' });
  expect(await flood.closed).toEqual({ code: 1008, reason: 'rate' });
});
