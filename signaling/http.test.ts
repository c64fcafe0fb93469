import { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { queryObjects } from 'node:v8';
import { WebSocket } from 'ws';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LIMITS } from './limits.ts';
import { joinedClient, newTopic, signalClient } from './testing/socket-client.ts';
import { startTestServer, type TestServer } from './testing/test-server.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.close());

const health = async () => (await (await fetch(`${server.url}/healthz`)).json()) as Record<string, unknown>;

describe('/healthz', () => {
  test('counts rooms and connections', async () => {
    expect(await health()).toEqual({
      status: 'ok',
      pocketbase: 'off',
      rooms: 0,
      connections: { relay: 0, signal: 0 },
    });
    const topic = await newTopic();
    await joinedClient(server.socketUrl('/relay'), topic);
    await joinedClient(server.socketUrl('/relay'), topic);
    await signalClient(server.socketUrl('/signal'));
    expect(await health()).toMatchObject({ rooms: 1, connections: { relay: 2, signal: 1 } });
  });

  test('is degraded when PocketBase should be there and is not', async () => {
    await server.close();
    server = await startTestServer({ pocketbase: { kind: 'off', why: 'no network.' } });
    expect(await health()).toMatchObject({ status: 'degraded', pocketbase: 'off' });
    await server.close();
    server = await startTestServer({ pocketbase: { kind: 'url', url: 'http://127.0.0.1:1' } });
    await server.pocketbaseSettled;
    expect(await health()).toMatchObject({ status: 'degraded', pocketbase: 'down' });
  });
});

describe('upgrading', () => {
  const refusal = (path: string) =>
    new Promise<number | undefined>((resolve) => {
      const ws = new WebSocket(server.url.replace('http', 'ws') + path);
      ws.on('unexpected-response', (_, response) => {
        resolve(response.statusCode);
        response.destroy();
      });
      ws.on('error', () => {});
      ws.on('open', () => resolve(101));
    });

  test('happens on the two socket paths only', async () => {
    expect(await refusal('/signal?x=1')).toBe(101);
    expect(await refusal('/relay')).toBe(101);
    for (const path of [
      '/',
      '/signal/',
      '/Relay',
      '/pb/api/realtime',
      '/signal%2f',
      '/toString',
      '/__proto__',
    ])
      expect([path, await refusal(path)]).not.toEqual([path, 101]);
  });

  test('a plain GET of a socket path says what it is', async () => {
    const answer = await fetch(`${server.url}/relay`);
    expect([answer.status, answer.headers.get('upgrade')]).toEqual([426, 'websocket']);
  });

  test('one address cannot hold more sockets than it may, and gets its place back', async () => {
    await server.close();
    server = await startTestServer({ limits: { ...LIMITS, socketsPerAddress: 2 } });
    const [first] = [
      await signalClient(server.socketUrl('/signal')),
      await signalClient(server.socketUrl('/signal')),
    ];
    expect(await refusal('/relay')).toBe(429);
    first.ws.close();
    await first.closed;
    await expect.poll(() => refusal('/relay')).toBe(101);
  });

  test('an open connection keeps nothing of its handshake in memory', async () => {
    const open = async () => {
      await signalClient(server.socketUrl('/signal'));
      await joinedClient(server.socketUrl('/relay'), await newTopic());
    };
    // What the last handshake leaves behind (of this process's clients too) is the same after one and after many.
    await open();
    const before = queryObjects(IncomingMessage, { format: 'count' });
    for (let more = 0; more < 10; more++) await open();
    expect(queryObjects(IncomingMessage, { format: 'count' }) - before).toBeLessThan(10);
  });

  test('one address cannot connect more often than it may', async () => {
    await server.close();
    server = await startTestServer({ limits: { ...LIMITS, handshakesPerMinute: 2 } });
    expect([await refusal('/relay'), await refusal('/signal'), await refusal('/relay')]).toEqual([
      101, 101, 429,
    ]);
  });
});

describe('closing', () => {
  test('sockets hear 1001, held requests are cut, and it takes less than 3 s', async () => {
    const joined = await joinedClient(server.socketUrl('/relay'), await newTopic());
    const signal = await signalClient(server.socketUrl('/signal'));
    const held = connect(server.port, '127.0.0.1');
    held.on('error', () => {});
    held.write('GET / HTTP/1.1\r\nHost:');
    // Never answers a close frame.
    const deaf = await signalClient(server.socketUrl('/signal'));
    deaf.ws.pause();

    const began = performance.now();
    await server.close();
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(await joined.closed).toEqual({ code: 1001, reason: 'going-away' });
    expect((await signal.closed).code).toBe(1001);
    await expect(fetch(server.url)).rejects.toThrow();
  });

  test('may be called twice', async () => {
    await Promise.all([server.close(), server.close()]);
  });
});

test('a port in use is an error with its code, not a fault', async () => {
  await expect(startTestServer({ port: server.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
