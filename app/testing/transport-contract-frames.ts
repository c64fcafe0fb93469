/** What becomes of frames: whole, in order, to whom they were sent, and counted until they have left (NET-31 to NET-34, NET-37). */
import { utf8, type Bytes } from '../lib/core/bytes.ts';
import { MAX_FRAME_BYTES, type Lane } from '../lib/sync/transport.ts';
import {
  MIB,
  check,
  meet,
  pair,
  pattern,
  sameBytes,
  throwsRangeError,
  type TransportCase,
} from './transport-case.ts';
import { until } from './transport-end.ts';

const LOW_WATER_BYTES = 64 * 1024;

export const FRAME_CASES: readonly TransportCase[] = [
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
];
