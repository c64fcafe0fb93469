import { afterEach, expect, test, vi } from 'vitest';
import { MemoryNetwork } from '../../testing/memory-network.ts';
import { fastTime, seconds, untilLater } from '../../testing/fast-time.ts';
import { makeRoom, openReplica, type TestReplica } from '../../testing/replicas.ts';
import { writeFrame } from './frames.ts';

vi.setConfig({ testTimeout: 60_000 });
const HELLO = writeFrame('hello', new Uint8Array())[0] ?? 0;
const LIVE = writeFrame('live', new Uint8Array())[0] ?? 0;
/** Short beside the two seconds: frames arrive before the next timer. */
const STEP_MS = 2;
const opened: TestReplica[] = [];
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(opened.splice(0).map(({ replica }) => replica.close()));
});

test('SYNC-2 25 people whose network comes back at once all meet, with few more HELLOs than the links need', async () => {
  const room = await makeRoom();
  fastTime();
  const network = new MemoryNetwork(() => 0.99);
  for (let i = 0; i < 25; i++)
    opened.push(await openReplica(room, { transports: [network.transport(false)], makesFile: i === 0 }));
  const links = 25 * 12;
  const relink = (): void => {
    for (const [i, one] of opened.entries())
      for (const other of opened.slice(i + 1)) network.link(one.replica.self, other.replica.self);
  };
  const allMet = (): boolean => opened.every(({ replica }) => replica.paths().size === 24);
  relink();
  await untilLater('everybody to meet', allMet, STEP_MS);

  // Until everybody has told everybody what came at the first meeting.
  await seconds(10);
  for (const [i, one] of opened.entries())
    for (const other of opened.slice(i + 1)) network.cut(one.replica.self, other.replica.self);
  network.sent.clear();
  relink();
  await untilLater('everybody to meet again', allMet, STEP_MS);
  // One asks, the other answers, the first proves itself: three are the least.
  expect(network.sent.get(HELLO)).toBeLessThan(links * 3.5);
});

test('SYNC-8 while one of 25 people types greetings are far fewer than keys, and all are told in the end', async () => {
  const room = await makeRoom();
  fastTime();
  const network = new MemoryNetwork(() => 0.99);
  for (let i = 0; i < 25; i++)
    opened.push(await openReplica(room, { transports: [network.transport()], makesFile: i === 0 }));
  const everybody = (holds: (each: TestReplica) => boolean) => (): boolean => opened.every(holds);
  await untilLater(
    'the file everywhere',
    everybody(({ project }) => project.list().length === 1),
  );
  await seconds(30);
  network.sent.clear();
  for (let key = 0; key < 100; key++) {
    opened[0]?.text.insert(0, 'x');
    await seconds(0.2);
  }
  const [hellos = 0, keys = 0] = [HELLO, LIVE].map((kind) => network.sent.get(kind));
  expect(keys).toBeGreaterThan(1000);
  // Four of 24 are told and answer in five seconds; everybody telling everybody would be as many as keys.
  expect(hellos).toBeLessThan(keys / 2);
  await seconds(30);
  network.sent.clear();
  await seconds(60);
  expect(network.sent.get(HELLO) ?? 0, 'then it is quiet').toBe(0);
});
