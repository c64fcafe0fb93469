import { createHmac } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { LIMITS } from './limits.ts';
import { startTestServer, type TestServer } from './testing/test-server.ts';
import { iceAnswer, TURN_CREDENTIAL_SECONDS } from './turn.ts';

const turn = { urls: ['turn:turn.example.org:3478'], secret: 's3cret' };
let server: TestServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});
const ask = async () => fetch(`${server?.url}/ice`);

test('credentials are what coturn computes, end by themselves, and name nobody', () => {
  const nowMs = 1_800_000_000_123;
  const [first, second] = [iceAnswer(turn, nowMs), iceAnswer(turn, nowMs)];
  const given = first.iceServers[0];
  const [expiry, id] = (given?.username ?? '').split(':');
  expect(Number(expiry)).toBe(1_800_000_000 + TURN_CREDENTIAL_SECONDS);
  expect(id).toMatch(/^[0-9a-f]{16}$/);
  expect(given?.credential).toBe(createHmac('sha1', 's3cret').update(`${expiry}:${id}`).digest('base64'));
  expect(second.iceServers[0]?.username).not.toBe(given?.username);
});

test('the server answers /ice with them, and never with the secret', async () => {
  server = await startTestServer({ turn });
  const response = await ask();
  expect(response.headers.get('cache-control')).toBe('no-store');
  const text = await response.text();
  expect(JSON.parse(text)).toMatchObject({
    iceServers: [{ urls: turn.urls }],
    expiresInSeconds: TURN_CREDENTIAL_SECONDS,
  });
  expect(text).not.toContain(turn.secret);
});

test('without a TURN server the answer is empty', async () => {
  server = await startTestServer();
  expect(await (await ask()).json()).toEqual({ iceServers: [] });
});

test('who asks again and again is told to wait', async () => {
  server = await startTestServer({ turn, limits: { ...LIMITS, icePerMinute: 2 } });
  expect([(await ask()).status, (await ask()).status, (await ask()).status]).toEqual([200, 200, 429]);
});
