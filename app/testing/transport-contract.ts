/**
 * What every transport must do (docs/spec-transport.md), as cases that run in Node and in a page alike: a case throws
 * when the promise is broken. `describeTransport` makes a test of each; a page runs them by name.
 */
import { equalBytes, toHex, utf8, type Bytes } from '../lib/core/bytes.ts';
import { MAX_FRAME_BYTES, type Lane } from '../lib/sync/transport.ts';
import { until, type RecordedEnd } from './transport-end.ts';
import { watchResources } from './transport-resources.ts';

/** One room on one transport, and what a test may do to it. */
export interface TransportFixture {
  /** Another end of the room. */
  join(): RecordedEnd;
  /** An end of the room whose bytes the test writes itself, linked to the victim. */
  hostile(victim: RecordedEnd): Promise<{ send(bytes: Bytes): void }>;
  /** Cuts the path between the ends as a network does, for transports that can come back from it. */
  breakPath?(): Promise<void>;
  mendPath?(): Promise<void>;
  /** Ends all ends and what is behind them. */
  end(): Promise<void>;
}

export interface TransportCase {
  readonly name: string;
  run(fixture: TransportFixture): Promise<void>;
}

const LOW_WATER_BYTES = 64 * 1024;
const MIB = 1024 * 1024;

export const TRANSPORT_CONTRACT: readonly TransportCase[] = [
  {
    name: 'NET-30 ends meet, and each says that it is up',
    async run(fixture) {
      const ends = await meet(fixture, 3);
      for (const end of ends) {
        check(end.connection.status.kind === 'up', `status is ${end.connection.status.kind}`);
        check(end.opened.length === 2 && end.closed.length === 0, end.story());
      }
    },
  },
  {
    name: 'NET-31 frames of one lane arrive whole and in order, whatever their size',
    async run(fixture) {
      const [a, b] = await pair(fixture);
      const sizes = [0, 1, 200, 16_379, 16_380, 65_530, 65_531, 65_532, 300_000, 7];
      for (const lane of ['live', 'bulk'] as const) {
        b.frames.length = 0;
        sizes.forEach((size, i) => a.connection.send(a.link, pattern(size, i), lane));
        await b.received(sizes.length);
        sizes.forEach((size, i) => sameBytes(b.frames[i]?.frame, pattern(size, i)));
      }
    },
  },
  {
    name: 'NET-31 frames of 5 MB and 8 MiB arrive whole, both ways at once',
    async run(fixture) {
      const [a, b] = await pair(fixture);
      const frames = [pattern(5_000_000, 1), pattern(8 * MIB, 2)];
      for (const frame of frames) {
        a.connection.send(a.link, frame, 'bulk');
        b.connection.send(b.link, frame, 'live');
      }
      await Promise.all([a.received(2), b.received(2)]);
      for (const end of [a, b]) frames.forEach((frame, i) => sameBytes(end.frames[i]?.frame, frame));
    },
  },
  {
    name: 'NET-32 a live frame overtakes bulk that is still queued',
    async run(fixture) {
      const [a, b] = await pair(fixture);
      a.connection.send(a.link, pattern(4 * MIB, 1), 'bulk');
      a.connection.send(a.link, utf8('keystroke'), 'live');
      await b.received(2);
      sameBytes(b.frames[0]?.frame, utf8('keystroke'));
      sameBytes(b.frames[1]?.frame, pattern(4 * MIB, 1));
    },
  },
  {
    name: 'NET-33 a broadcast reaches all others and never its sender; a unicast reaches its target only',
    async run(fixture) {
      const [a, b, c] = await meet(fixture, 3);
      if (!a || !b || !c) throw new Error('three ends');
      const sent: [Bytes, Lane][] = [
        [utf8('one'), 'live'],
        [pattern(200_000, 3), 'live'],
        [utf8('three'), 'live'],
      ];
      for (const [frame, lane] of sent) a.connection.broadcast(frame, lane);
      await Promise.all([b.received(3), c.received(3)]);
      for (const end of [b, c]) sent.forEach(([frame], i) => sameBytes(end.frames[i]?.frame, frame));

      // Which of its links leads to b is known only by what comes out: one frame, at one of them.
      const [link] = a.connection.links();
      if (link === undefined) throw new Error('no link');
      a.connection.send(link, utf8('for one'), 'live');
      await until(() => b.frames.length + c.frames.length === 7, 'the unicast');
      // A frame from each end to each other flushes what might still be under way.
      for (const end of [b, c]) end.connection.broadcast(utf8('after'), 'live');
      await Promise.all([a.received(2), b.received(4), c.received(4)]);
      check(b.frames.length + c.frames.length === 9, 'a unicast reached more than its target');
      check(a.frames.length === 2, 'a sender got its own frame');
    },
  },
  {
    name: 'NET-34 a frame above the limit is refused with RangeError and the link stays',
    async run(fixture) {
      const [a, b] = await pair(fixture);
      const tooLarge = new Uint8Array(MAX_FRAME_BYTES + 1);
      throwsRangeError(() => a.connection.send(a.link, tooLarge, 'bulk'));
      throwsRangeError(() => a.connection.broadcast(tooLarge, 'bulk'));
      a.connection.send(a.link, utf8('still here'), 'bulk');
      await b.received(1);
    },
  },
  {
    name: 'NET-35 an end that closes is noticed by the others, with a reason',
    async run(fixture) {
      const [a, b] = await pair(fixture);
      const link = b.link;
      await a.connection.close();
      await until(
        () => b.closed.length === 1,
        'the closing',
        () => b.story(),
      );
      check(b.closed[0]?.link === link && b.closed[0].why !== '', b.story());
      check(b.connection.links().length === 0, 'a closed link is still listed');
    },
  },
  {
    name: 'NET-36 send after close, and to a link nobody knows, does nothing and does not throw',
    async run(fixture) {
      const [a, b] = await pair(fixture);
      const link = a.link;
      b.connection.send('nobody', utf8('x'), 'live');
      await a.connection.close();
      a.connection.send(link, utf8('x'), 'live');
      a.connection.broadcast(utf8('x'), 'bulk');
      check(a.connection.queuedBytes(link) === 0, 'bytes queued on a closed link');
      await a.connection.drained(link);
      await a.connection.close();
      check(b.frames.length === 0, 'a frame came out of a closed end');
    },
  },
  {
    name: 'NET-37 queuedBytes tells what has not left, drained when little of it is left',
    async run(fixture) {
      const [a, b] = await pair(fixture);
      const link = a.link;
      check(a.connection.queuedBytes(link) === 0, 'something queued at the start');
      await a.connection.drained(link);
      a.connection.send(link, pattern(8 * MIB, 1), 'bulk');
      const queued = a.connection.queuedBytes(link);
      check(queued > 7 * MIB && queued < 9 * MIB, `${queued} bytes queued of 8 MiB`);
      await a.connection.drained(link);
      check(a.connection.queuedBytes(link) <= LOW_WATER_BYTES, 'drained with much queued');
      await b.received(1);
      await until(() => a.connection.queuedBytes(link) === 0, 'an empty queue');
    },
  },
  {
    name: 'NET-37 drained resolves when the link closes under it',
    async run(fixture) {
      const [a, b] = await pair(fixture);
      a.connection.send(a.link, pattern(16 * MIB, 1), 'bulk');
      const drained = a.connection.drained(a.link);
      await b.connection.close();
      await drained;
    },
  },
  {
    name: 'NET-38 hostile bytes close their own link, with a reason, and nothing else',
    async run(fixture) {
      const [a, b] = await pair(fixture);
      const honest = a.link;
      for (const bytes of HOSTILE) {
        const closedBefore = a.closed.length;
        const stranger = await fixture.hostile(a);
        stranger.send(bytes);
        await until(
          () => a.closed.length > closedBefore,
          `the end of a link that sent ${toHex(bytes)}`,
          () => a.story(),
        );
        check(a.closed.at(-1)?.link !== honest, 'the honest link was closed');
      }
      a.connection.send(honest, utf8('still here'), 'live');
      await until(() => b.frames.length > 0, 'a frame on the honest link');
    },
  },
  {
    name: 'NET-39 close leaves nothing running',
    async run(fixture) {
      const resources = watchResources();
      try {
        const [a, b] = await pair(fixture);
        a.connection.send(a.link, pattern(2 * MIB, 1), 'bulk');
        await b.received(1);
        await a.connection.close();
        await b.connection.close();
        const left = (): string => resources.running().join(', ');
        // What the test itself waits with is a timer too: the one of this `until`.
        await until(() => resources.running().length <= 1, 'nothing to be left running', left);
      } finally {
        resources.restore();
      }
    },
  },
  {
    name: 'NET-40 when the path dies the links close; when it is back the ends meet again, once',
    async run(fixture) {
      if (!fixture.breakPath || !fixture.mendPath) return;
      const ends = await meet(fixture, 3);
      await fixture.breakPath();
      for (const end of ends)
        await until(
          () => end.closed.length === 2,
          'closed links',
          () => end.story(),
        );
      await fixture.mendPath();
      for (const end of ends) await end.linked(2);
      const [a, b, c] = ends;
      a?.connection.broadcast(utf8('again'), 'live');
      for (const end of [b, c]) await end?.received(1);
      for (const end of ends) check(end.opened.length === 4, `a link came twice: ${end.story()}`);
    },
  },
];

/** Makes one test of each case; every test gets a room of its own. */
export function describeTransport(
  it: (name: string, run: () => Promise<void>, timeoutMs: number) => void,
  makeFixture: () => Promise<TransportFixture>,
): void {
  for (const contractCase of TRANSPORT_CONTRACT)
    it(
      contractCase.name,
      async () => {
        const fixture = await makeFixture();
        await contractCase.run(fixture).finally(() => fixture.end());
      },
      20_000,
    );
}

/** Link messages that no honest end sends: no bytes, unknown kind, a frame above the cap, a piece of no frame. */
const HOSTILE: readonly Bytes[] = [
  Uint8Array.of(0xff, 1, 2, 3),
  Uint8Array.of(0x02, 0xff, 0xff, 0xff, 0xff, 1),
  Uint8Array.of(0x00, 1, 2, 3),
  Uint8Array.of(0x02, 0, 0),
];

async function meet(fixture: TransportFixture, count: number): Promise<RecordedEnd[]> {
  const ends = Array.from({ length: count }, () => fixture.join());
  for (const end of ends) await end.linked(count - 1);
  return ends;
}

async function pair(fixture: TransportFixture): Promise<[RecordedEnd, RecordedEnd]> {
  const [a, b] = await meet(fixture, 2);
  if (!a || !b) throw new Error('two ends');
  return [a, b];
}

/** Bytes that differ at every place and for every seed, so that a lost or swapped chunk shows. */
function pattern(size: number, seed: number): Bytes {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >> 8) * 17 + (i >> 16) * 7 + seed) & 0xff;
  return bytes;
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

function sameBytes(actual: Bytes | undefined, expected: Bytes): void {
  check(actual !== undefined, 'no frame');
  if (actual && !equalBytes(actual, expected))
    throw new Error(`a frame of ${actual.length} bytes is not the ${expected.length} that were sent`);
}

function throwsRangeError(run: () => void): void {
  try {
    run();
  } catch (cause) {
    return check(cause instanceof RangeError, `threw ${String(cause)}`);
  }
  throw new Error('accepted a frame above the limit');
}
