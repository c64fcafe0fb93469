import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { fromHex, randomBytes, type Bytes } from '../app/lib/core/bytes.ts';
import {
  encodeToRelay,
  RELAY_EVERYONE,
  RELAY_MAX_MESSAGE_BYTES,
  relayJoinMessage,
} from '../app/lib/core/relay-wire.ts';
import { LIMITS, type Limits } from './limits.ts';
import {
  joinedClient,
  newTopic,
  relayClient,
  type RelayClient,
  type Topic,
} from './testing/socket-client.ts';
import { startTestServer, type TestServer } from './testing/test-server.ts';

// Real processes, sockets and browsers on a machine that may be busy: a limit against hanging, not a measurement.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const bytes = (...values: number[]): Bytes => Uint8Array.of(...values);
const relayLimits = (relay: Partial<Limits['relay']>): Limits => ({
  ...LIMITS,
  relay: { ...LIMITS.relay, ...relay },
});

let server: TestServer;
let topic: Topic;
const start = async (limits: Limits = LIMITS) => {
  await server.close();
  server = await startTestServer({ limits });
};
const url = () => server.socketUrl('/relay');
const join = () => joinedClient(url(), topic);

beforeEach(async () => {
  server = await startTestServer();
  topic = await newTopic();
});
afterEach(() => server.close());

async function challenged(): Promise<{ client: RelayClient; nonce: Bytes }> {
  const client = await relayClient(url());
  const challenge = await client.next();
  if (challenge.kind !== 'challenge') throw new Error('no challenge');
  return { client, nonce: challenge.nonce };
}

describe('joining', () => {
  test('names who is there, and tells them who entered and who left', async () => {
    const a = await join();
    expect(a.others).toEqual([]);
    const b = await join();
    expect(b.others).toEqual([a.id]);
    expect(await a.next()).toEqual({ kind: 'entered', id: b.id });
    b.ws.terminate();
    expect(await a.next()).toEqual({ kind: 'left', id: b.id });
  });

  test('a nonce is different for each connection', async () => {
    const [first, second] = [await challenged(), await challenged()];
    expect(first.nonce).not.toEqual(second.nonce);
  });

  test.for([
    [
      'a signature over another nonce',
      async () => topic.sign(relayJoinMessage(randomBytes(32), topic.publicKey)),
    ],
    [
      'a signature by another key',
      async (nonce: Bytes) => (await newTopic()).sign(relayJoinMessage(nonce, topic.publicKey)),
    ],
    ['random bytes', async () => randomBytes(64)],
  ] as const)('refuses %s', async ([, forge]) => {
    const { client, nonce } = await challenged();
    client.ws.send(encodeToRelay({ kind: 'join', topic: topic.publicKey, signature: await forge(nonce) }));
    expect(await client.next()).toEqual({ kind: 'refused', reason: 'bad-proof' });
    expect(await client.closed).toEqual({ code: 1008, reason: 'bad-proof' });
  });

  test.for([
    '0100000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000080',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ])('refuses the small-order key %s, whose signatures verify anything', async (hex) => {
    const { client } = await challenged();
    // R = the identity, S = 0: valid under the identity point for every message.
    const signature = new Uint8Array(64);
    signature[0] = 1;
    client.ws.send(encodeToRelay({ kind: 'join', topic: fromHex(hex), signature }));
    expect(await client.next()).toEqual({ kind: 'refused', reason: 'bad-proof' });
  });

  test('refuses a second JOIN on one connection', async () => {
    const a = await join();
    a.ws.send(encodeToRelay({ kind: 'join', topic: topic.publicKey, signature: randomBytes(64) }));
    expect(await a.next()).toEqual({ kind: 'refused', reason: 'already-joined' });
  });

  test('refuses a frame before the proof', async () => {
    const { client } = await challenged();
    client.ws.send(encodeToRelay({ kind: 'send', to: RELAY_EVERYONE, payload: bytes(1) }));
    expect(await client.next()).toEqual({ kind: 'refused', reason: 'not-joined' });
  });

  test('refuses a connection that never proves anything', async () => {
    await start(relayLimits({ joinDeadlineMs: 20 }));
    const { client } = await challenged();
    expect(await client.next()).toEqual({ kind: 'refused', reason: 'join-deadline' });
  });

  test('refuses a peer too many, and has room again when one leaves', async () => {
    await start(relayLimits({ peersPerTopic: 2 }));
    const [a, b] = [await join(), await join()];
    await a.next();
    await expect(join()).rejects.toThrow('topic-full');
    b.ws.close();
    expect(await a.next()).toEqual({ kind: 'left', id: b.id });
    expect((await join()).others).toEqual([a.id]);
  });

  test('refuses a topic too many', async () => {
    await start(relayLimits({ topics: 1 }));
    await join();
    topic = await newTopic();
    await expect(join()).rejects.toThrow('busy');
  });
});

describe('passing frames', () => {
  test('to everyone else of the topic, to one of them, and to no other topic', async () => {
    const [a, b, c] = [await join(), await join(), await join()];
    const stranger = await joinedClient(url(), await newTopic());
    await Promise.all([a.next(), a.next(), b.next()]);

    a.send(RELAY_EVERYONE, bytes(1, 2));
    expect(await b.next()).toEqual({ kind: 'message', from: a.id, payload: bytes(1, 2) });
    expect(await c.next()).toEqual({ kind: 'message', from: a.id, payload: bytes(1, 2) });

    a.send(stranger.id, bytes(3));
    a.send(c.id, bytes(4));
    b.send(a.id, bytes(5));
    expect(await c.next()).toEqual({ kind: 'message', from: a.id, payload: bytes(4) });
    expect(await a.next()).toEqual({ kind: 'message', from: b.id, payload: bytes(5) });
    stranger.send(RELAY_EVERYONE, bytes(6));
    b.ws.close();
    expect(await a.next()).toEqual({ kind: 'left', id: b.id });
    stranger.ws.close();
    await expect(stranger.next()).rejects.toThrow('closed');
  });

  test('the largest message passes; one byte more closes its sender only', async () => {
    const [a, b] = [await join(), await join()];
    await a.next();
    const payload = new Uint8Array(RELAY_MAX_MESSAGE_BYTES - 9).fill(7);
    a.send(b.id, payload);
    expect(await b.next()).toEqual({ kind: 'message', from: a.id, payload });
    a.send(b.id, new Uint8Array(RELAY_MAX_MESSAGE_BYTES - 8));
    expect((await a.closed).code).toBe(1009);
    expect(await b.next()).toEqual({ kind: 'left', id: a.id });
  });

  test.for([
    ['an empty message', new Uint8Array(0)],
    ['an unknown kind', bytes(9, 1, 2)],
    ['a frame without an address', bytes(2, 1)],
    ['text', 'hello'],
  ] as const)('%s ends the connection with a reason', async ([, data]) => {
    const a = await join();
    a.ws.send(data);
    expect(await a.next()).toEqual({ kind: 'refused', reason: 'malformed' });
    expect(await a.closed).toEqual({ code: 1008, reason: 'malformed' });
  });
});

describe('pressure', () => {
  test('a large transfer to a slow receiver arrives whole, because its sender is made to wait', async () => {
    await start(
      relayLimits({
        highWaterBytes: 256 * 1024,
        lowWaterBytes: 64 * 1024,
        maxBufferedBytes: 2 * 1024 * 1024,
      }),
    );
    const [a, b] = [await join(), await join()];
    await a.next();
    b.ws.pause();
    const frames = 200;
    for (let i = 0; i < frames; i++) a.send(b.id, new Uint8Array(100_000).fill(i));
    await expect.poll(() => a.ws.bufferedAmount).toBeGreaterThan(5_000_000);
    b.ws.resume();
    for (let i = 0; i < frames; i++) {
      const message = await b.next();
      expect(message.kind === 'message' && message.payload[0]).toBe(i);
    }
  });

  test('a receiver that stops reading is closed and the others hear LEFT; nothing is dropped in silence', async () => {
    await start(relayLimits({ maxBufferedBytes: 512 * 1024 }));
    const [a, b] = [await join(), await join()];
    await a.next();
    b.ws.pause();
    let left = false;
    const gone = a.next().then((message) => {
      left = true;
      return message;
    });
    while (!left) {
      a.send(RELAY_EVERYONE, new Uint8Array(200_000));
      await new Promise((turn) => setImmediate(turn));
    }
    expect(await gone).toEqual({ kind: 'left', id: b.id });
  });

  test('a sender held up by a receiver that never drains is freed', async () => {
    await start(relayLimits({ highWaterBytes: 100_000, lowWaterBytes: 50_000, drainDeadlineMs: 50 }));
    const [a, b] = [await join(), await join()];
    await a.next();
    b.ws.pause();
    for (let i = 0; i < 100; i++) a.send(b.id, new Uint8Array(100_000));
    expect(await a.next()).toEqual({ kind: 'left', id: b.id });
    const c = await join();
    expect(await a.next()).toEqual({ kind: 'entered', id: c.id });
  });

  test('a flood over the budget is closed with its reason', async () => {
    await start(relayLimits({ perConnection: { frames: 50, bytes: 1 << 30 } }));
    const [a, b] = [await join(), await join()];
    for (let i = 0; i < 2_000; i++) a.send(b.id, bytes(1));
    expect(await a.closed).toEqual({ code: 1008, reason: 'rate' });
  });
});
