import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { IceServers, readIceAnswer } from './ice-servers.ts';

const SEED = 3140;
const server = { urls: ['turn:a:1', 'turns:b?transport=tcp'], username: '1:x', credential: 'c' };
const read = (answer: unknown) => readIceAnswer(JSON.stringify(answer));

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});
/** The browser's fetch, answered in turn. */
function answering(...answers: unknown[]): { asked: () => number } {
  let times = 0;
  vi.stubGlobal('fetch', async () => new Response(JSON.stringify(answers[times++])));
  return { asked: () => times };
}

test('NET-59 takes TURN addresses with a name and a password, and nothing else', () => {
  expect(read({ iceServers: [server], expiresInSeconds: 3600 })).toEqual({
    servers: [server],
    seconds: 3600,
  });
  expect(read({ iceServers: [] })).toEqual({ servers: [], seconds: 0 });
  const urls = ['stun:a', 'https://a', 'turn:user@a', 'turn:', 7, 'turn:ok'];
  expect(read({ iceServers: [{ ...server, urls }] })?.servers).toEqual([{ ...server, urls: ['turn:ok'] }]);
  expect(read({ iceServers: [{ urls: ['turn:a'] }, null, 'x'] })?.servers).toEqual([]);
  expect(read({ iceServers: Array(9).fill(server) })?.servers).toHaveLength(4);
  expect(read({ iceServers: [{ ...server, credential: 'c'.repeat(600) }] })?.servers).toEqual([]);
  for (const none of [{}, [], null, 7, { iceServers: {} }]) expect(read(none)).toBeUndefined();
});

test(`NET-59 [seed ${SEED}, 500 runs] no answer makes it throw, or give what a browser would refuse`, () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      for (const { urls } of readIceAnswer(text)?.servers ?? [])
        for (const url of urls) expect(url).toMatch(/^turns?:/);
    }),
    { seed: SEED, numRuns: 500 },
  );
});

test('NET-59 asks again before the credentials end, and keeps the old ones while the server is away', async () => {
  const { asked } = answering({ iceServers: [server], expiresInSeconds: 3600 }, 'broken');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const ice = new IceServers('/ice');
  await ice.ready();
  expect(ice.current).toEqual([server]);
  vi.advanceTimersByTime(2_600_000);
  expect(asked()).toBe(1);
  vi.advanceTimersByTime(200_000);
  expect(asked()).toBe(2);
  await Promise.resolve();
  expect(ice.current).toEqual([server]);
  ice.dispose();
});

test('NET-59 without an answer direct connections are tried all the same', async () => {
  const ice = new IceServers('http://127.0.0.1:1/ice');
  await ice.ready();
  expect(ice.current).toEqual([]);
  ice.dispose();
});
