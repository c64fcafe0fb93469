import { afterEach, expect, test, vi } from 'vitest';
import { fastTime, seconds, untilLater } from '../../testing/fast-time.ts';
import { MemoryNetwork } from '../../testing/memory-network.ts';
import { makeRoom, openReplica, type TestReplica } from '../../testing/replicas.ts';
import { writeFrame, type FrameKind } from './frames.ts';

vi.setConfig({ testTimeout: 60_000 });
/** No time passes while frames are on their way: however slow the machine is, no timer takes part. */
const STEP_MS = 0;
const opened: TestReplica[] = [];
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(opened.splice(0).map(({ replica }) => replica.close()));
});

/** So many people, each linked with each directly and by the relay. */
async function roomOf(count: number) {
  const room = await makeRoom();
  fastTime();
  const relay = new MemoryNetwork(() => 0.5);
  const direct = new MemoryNetwork(() => 0.5);
  for (let i = 0; i < count; i++) {
    const transports = [relay.transport(true, 'relay'), direct.transport(true, 'webrtc')];
    opened.push(await openReplica(room, { transports, makesFile: i === 0 }));
  }
  const all = (holds: (each: TestReplica) => boolean) => (): boolean => opened.every(holds);
  await untilLater(
    'everybody to meet directly',
    all(({ replica }) => {
      const paths = [...replica.paths().values()];
      return paths.length === count - 1 && paths.every((path) => path === 'webrtc');
    }),
  );
  await untilLater(
    'the file everywhere',
    all(({ project }) => project.list().length === 1),
  );
  await seconds(10);
  const pairs = opened.flatMap((one, i) => opened.slice(i + 1).map((other) => [one, other] as const));
  return {
    relay,
    direct,
    all,
    /** The direct paths swallow what is sent, and nobody has noticed. */
    goSilent: (silent: boolean) => (direct.faults = { loss: silent ? 1 : 0, repeat: 0, reorder: 0 }),
    doubt: (doubtful: boolean) => {
      for (const [one, other] of pairs) direct.doubt(one.replica.self, other.replica.self, doubtful);
    },
  };
}

const sentOf = (network: MemoryNetwork, kind: FrameKind): number =>
  network.sent.get(writeFrame(kind, new Uint8Array())[0] ?? 0) ?? 0;

test('SYNC-18 what was typed into a link that had died comes by the relay when that is noticed, and so does what follows', async () => {
  const { all, goSilent, doubt, relay } = await roomOf(3);
  const [ann] = opened;
  goSilent(true);
  ann?.text.insert(0, 'lost ');
  await seconds(0.5);
  expect(opened.map((each) => each.read())).toEqual(['lost ', '', '']);
  relay.sent.clear();
  doubt(true);
  // Before gossip would tell: that waits for two quiet seconds.
  const noticed = Date.now();
  await untilLater(
    'the text',
    all((each) => each.read() === 'lost '),
    STEP_MS,
  );
  expect(Date.now() - noticed).toBeLessThan(1000);
  ann?.text.insert(5, 'and found');
  await untilLater(
    'the rest',
    all((each) => each.read() === 'lost and found'),
    STEP_MS,
  );
  expect(sentOf(relay, 'live')).toBe(2);
});

test('SYNC-18 when the links answer again the relay carries nothing more', async () => {
  const { all, goSilent, doubt, relay, direct } = await roomOf(3);
  goSilent(true);
  doubt(true);
  opened[0]?.text.insert(0, 'by two ways');
  await untilLater(
    'the text',
    all((each) => each.read() === 'by two ways'),
    STEP_MS,
  );
  expect([sentOf(relay, 'live'), opened[0]?.replica.doubted().size]).toEqual([2, 2]);
  goSilent(false);
  doubt(false);
  relay.sent.clear();
  direct.sent.clear();
  opened[0]?.text.insert(0, 'once, not ');
  await untilLater(
    'the text',
    all((each) => each.read() === 'once, not by two ways'),
    STEP_MS,
  );
  expect([sentOf(relay, 'live'), sentOf(direct, 'live')]).toEqual([0, 2]);
  expect(opened.flatMap(({ replica }) => [...replica.paths().values()])).not.toContain('relay');
});

test('SYNC-18 25 people whose links all stop answering at once send a bounded number of frames, and lose no word', async () => {
  const { all, goSilent, doubt, relay, direct } = await roomOf(25);
  goSilent(true);
  for (const [i, each] of opened.entries()) each.text.insert(0, `${String.fromCharCode(97 + i)};`);
  await untilLater('everybody to have sent it', () => sentOf(direct, 'live') >= 25 * 24, STEP_MS);
  relay.sent.clear();
  doubt(true);
  await untilLater(
    'every word everywhere',
    all((each) => each.read().length === 50),
    STEP_MS,
  );
  const ends = 25 * 24;
  const count = Object.fromEntries(
    (['hello', 'want', 'segments', 'live'] as const).map((kind) => [kind, sentOf(relay, kind)]),
  );
  // One HELLO names what moved, one WANT asks for it, one answer brings it; nothing is forwarded by who has it already.
  expect(count['hello']).toBeLessThan(ends * 1.5);
  expect(count['want']).toBeLessThan(ends * 1.5);
  expect(count['segments']).toBeLessThan(ends * 1.5);
  expect(count['live']).toBe(0);
  relay.sent.clear();
  await seconds(20);
  // Afterwards heads are told, and told again to who is slow to answer.
  expect(sentOf(relay, 'hello')).toBeLessThan(ends * 4);
  expect(new Set(opened.map((each) => each.read())).size).toBe(1);
});
