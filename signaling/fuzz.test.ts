/** Hostile input of every shape: the server must go on relaying between two honest clients, whatever else arrives. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { RELAY_EVERYONE, encodeToRelay } from '../app/lib/core/relay-wire.ts';
import { LIMITS } from './limits.ts';
import {
  joinedClient,
  newTopic,
  signalClient,
  type JoinedClient,
  type Topic,
} from './testing/socket-client.ts';
import { startTestServer, type TestServer } from './testing/test-server.ts';

// Real processes, sockets and browsers on a machine that may be busy: a limit against hanging, not a measurement.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const RUNS = 2_000;
const SEED = 20_261_122;

let server: TestServer;
let topic: Topic;
let honest: [JoinedClient, JoinedClient];
let counter = 0;
let sent = 0;

beforeAll(async () => {
  // One address makes all the connections here.
  server = await startTestServer({ limits: { ...LIMITS, handshakesPerMinute: 100_000 } });
  topic = await newTopic();
  const first = await joinedClient(server.socketUrl('/relay'), topic);
  honest = [first, await joinedClient(server.socketUrl('/relay'), topic)];
  await first.next();
});
afterAll(() => server.close());

async function stillRelays(): Promise<void> {
  const [from, to] = honest;
  const payload = Uint8Array.of(++counter >> 8, counter & 0xff);
  from.send(RELAY_EVERYONE, payload);
  expect(await to.next()).toEqual({ kind: 'message', from: from.id, payload });
}

/** Sends what it is given on sockets that are replaced as they are closed. */
function hostileSender(open: () => Promise<WebSocket>) {
  let current: Promise<WebSocket> | undefined;
  return async (send: (ws: WebSocket) => void) => {
    let ws = await (current ??= open());
    if (ws.readyState !== WebSocket.OPEN) ws = await (current = open());
    send(ws);
  };
}

const frame = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.string({ maxLength: 200 }),
  fc
    .tuple(fc.integer({ min: 0, max: 3 }), fc.uint8Array({ minLength: 96, maxLength: 104 }))
    .map(([kind, rest]) => Uint8Array.of(kind, ...rest)),
);

test('/relay survives random frames, from strangers and from inside another topic', async () => {
  const own = await newTopic();
  const stranger = hostileSender(() => open('/relay'));
  const member = hostileSender(async () => (await joinedClient(server.socketUrl('/relay'), own)).ws);
  await fc.assert(
    fc.asyncProperty(frame, fc.boolean(), async (data, inside) => {
      await (inside ? member : stranger)((ws) => ws.send(data));
      if (++sent % 25 === 0) await stillRelays();
    }),
    { numRuns: RUNS, seed: SEED },
  );
  const ghost = encodeToRelay({
    kind: 'send',
    to: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    payload: Uint8Array.of(1),
  });
  await member((ws) => ws.send(ghost));
  await stillRelays();
});

const signalMessage = fc.oneof(
  fc.json(),
  fc.string(),
  fc.uint8Array(),
  fc
    .record(
      {
        type: fc.oneof(fc.constantFrom('subscribe', 'unsubscribe', 'publish', 'ping'), fc.string()),
        topics: fc.oneof(fc.array(fc.string()), fc.anything()),
        topic: fc.oneof(fc.string(), fc.anything()),
        data: fc.anything(),
      },
      { requiredKeys: ['type'] },
    )
    .map((message) => {
      try {
        return JSON.stringify(message);
      } catch {
        return '{}';
      }
    }),
);

test('/signal survives random messages', async () => {
  const send = hostileSender(() => open('/signal'));
  await fc.assert(
    fc.asyncProperty(signalMessage, async (data) => {
      await send((ws) => ws.send(data));
    }),
    { numRuns: RUNS, seed: SEED },
  );
  const client = await signalClient(server.socketUrl('/signal'));
  client.ws.send('{"type":"ping"}');
  expect(await client.next()).toEqual({ type: 'pong' });
  await stillRelays();
});

const line = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.constantFrom(
    'GET / HTTP/1.1',
    'GET /relay HTTP/1.1',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Host: x',
    'Sec-WebSocket-Version: 13',
  ),
  fc.constantFrom(
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    'Content-Length: -1',
    'Transfer-Encoding: chunked',
    'POST /pb/ HTTP/1.1',
    '',
    'PRI * HTTP/2.0',
  ),
);
const rawRequest = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.array(line, { maxLength: 10 }).map((lines) => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)),
);

test('the listener survives bytes that are no HTTP, and frames that are no WebSocket', async () => {
  await fc.assert(
    fc.asyncProperty(rawRequest, async (bytes) => {
      await server.raw(bytes, 'hang-up');
    }),
    { numRuns: 500, seed: SEED },
  );
  const handshake =
    'GET /relay HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
      const answer = await server.raw(Buffer.concat([Buffer.from(handshake), bytes]), 'hang-up');
      expect(answer).toMatch(/^HTTP\/1\.1 101 /);
    }),
    { numRuns: 300, seed: SEED },
  );
  await stillRelays();
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
});

function open(path: '/relay' | '/signal'): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(server.socketUrl(path));
    ws.on('open', () => resolve(ws));
    ws.on('error', reject);
  });
}
