/** How links begin and end: by meeting, by a word, by a fault, by a path that dies (NET-30, NET-35, NET-36, NET-38 to NET-40). */
import { toHex, utf8, type Bytes } from '../lib/core/bytes.ts';
import { MIB, check, meet, pair, pattern, type TransportCase } from './transport-case.ts';
import { until } from './transport-end.ts';
import { watchResources } from './transport-resources.ts';

export const LINK_CASES: readonly TransportCase[] = [
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

/** Link messages that no honest end sends: no bytes, unknown kind, a frame above the cap, a piece of no frame. */
const HOSTILE: readonly Bytes[] = [
  Uint8Array.of(0xff, 1, 2, 3),
  Uint8Array.of(0x02, 0xff, 0xff, 0xff, 0xff, 1),
  Uint8Array.of(0x00, 1, 2, 3),
  Uint8Array.of(0x02, 0, 0),
];
