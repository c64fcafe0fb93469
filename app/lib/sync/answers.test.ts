import { expect, test } from 'vitest';
import { toHex, type Bytes } from '../core/bytes.ts';
import type { PeerId, SessionId } from '../core/ids.ts';
import type { StoredSegment } from '../log/log-store.ts';
import { until } from '../../testing/replicas.ts';
import { Answers } from './answers.ts';
import { decodeSegments, readFrame } from './frames.ts';
import { MeshLink } from './mesh.ts';
import type { TransportConnection, TransportId } from './transport.ts';

const ann = 'ann' as PeerId;
const session = toHex(new Uint8Array(32)) as SessionId;
const SEGMENTS = 4;
/** Each fills a part of the answer. */
const SEGMENT_BYTES = 600 * 1024;

/** A link that takes everything at once, or nothing ever; `got` are the first bytes of the segments put into it. */
function linkOf(transport: TransportId, drains: boolean) {
  const got: number[] = [];
  const connection: TransportConnection = {
    status: { kind: 'up' },
    links: () => [],
    send: (_link, frame) => {
      const read = readFrame(frame);
      const answer = read.ok ? decodeSegments(read.value.body) : read;
      if (answer.ok) got.push(...answer.value.segments.map((segment) => segment[0] ?? -1));
    },
    broadcast: () => undefined,
    queuedBytes: () => 0,
    drained: () => (drains ? Promise.resolve() : new Promise(() => undefined)),
    close: () => Promise.resolve(),
  };
  return { link: new MeshLink(transport, 'link', connection), got };
}

test('SYNC-18 an answer that was on its way into a dead link goes on by the link that asks again', async () => {
  const stored = Array.from({ length: SEGMENTS }, (_, i): StoredSegment => {
    const sealed: Bytes = new Uint8Array(SEGMENT_BYTES).fill(i + 1);
    return { session, channel: 'project', first: i + 1, last: i + 1, sealed };
  });
  const answers = new Answers({
    clock: { now: () => 0 },
    frontier: () => [{ session, channel: 'project', seq: SEGMENTS, hash: new Uint8Array(32) }],
    settled: () => Promise.resolve(),
    readChain: async (_session, _channel, fromSeq) => stored.filter(({ last }) => last >= fromSeq),
    mayBeSent: () => Promise.resolve(true),
  });
  const dead = linkOf('webrtc', false);
  const relay = linkOf('relay', true);
  const first = answers.answer(ann, dead.link, [{ session, channel: 'project', fromSeq: 1, toSeq: 4 }]);
  await until('the first part', () => dead.got.length > 0);
  await answers.answer(ann, relay.link, [{ session, channel: 'project', fromSeq: 1, toSeq: 4 }]);
  await first;
  expect(dead.got).toEqual([1]);
  expect(new Set(relay.got)).toEqual(new Set([1, 2, 3, 4]));
});
