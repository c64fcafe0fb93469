/**
 * What comes by other ways than its author's own link: brought by a third peer, put in on the way, replayed from another room,
 * or sealed as it should be around insides that are not. Honest people go on, and each refusal has its code.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Eve, HELLO_LABEL } from '../../testing/eve.ts';
import { MemoryNetwork } from '../../testing/memory-network.ts';
import { makeRoom, replicasOfATest, type TestReplica, type TestRoom, until } from '../../testing/replicas.ts';
import { concat, equalBytes, randomBytes, toHex, utf8, type Bytes } from '../core/bytes.ts';
import type { SessionId } from '../core/ids.ts';
import { generateDeviceKeyPair } from '../crypto/device-keys.ts';
import type { RoomKeys, SealKind, SeedKind } from '../crypto/room-keys.ts';
import { issueSession, type OwnSession } from '../log/certificate.ts';
import { encodeFrontier } from '../log/frontier.ts';
import { openSealed, seal } from '../log/seal.ts';
import { Forge, isPending, rawUpdate } from '../log/test-room.ts';
import {
  encodeHello,
  encodePresenceFrame,
  encodeSegments,
  encodeWant,
  frameType,
  writeFrame,
} from './frames.ts';
import type { Transport, TransportEvents } from './transport.ts';

const { join, leave } = replicasOfATest();
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] });
});
afterEach(async () => {
  await leave();
  vi.useRealTimers();
});

const sure = (): number => 0.99;
const PRESENCE_LABEL = utf8('codeface/presence/1\0');

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setTimeout(resolve, 1));
}
const refusals = ({ notices }: TestReplica): string[] =>
  notices.flatMap((notice) => (notice.kind === 'refused' ? [notice.code] : []));
const broken = ({ notices }: TestReplica): unknown[] => notices.filter(({ kind }) => kind === 'internal');
const authors = ({ replica }: TestReplica): SessionId[] => replica.frontier.map(({ session }) => session);

async function goOn(...people: TestReplica[]): Promise<void> {
  for (const one of people) one.text.insert(0, '✓');
  const marks = (each: TestReplica): number => each.read().split('✓').length - 1;
  await until('all marks are everywhere', () => people.every((each) => marks(each) >= people.length));
  await until('all agree', () => new Set(people.map((each) => toHex(each.hash()))).size === 1);
  expect(people.map(({ replica }) => isPending(replica.doc))).toEqual(people.map(() => false));
  expect(people.map(broken)).toEqual(people.map(() => []));
}

async function twoIn(room: TestRoom, network: MemoryNetwork, forAnn: Transport = network.transport()) {
  const ann = await join(room, { makesFile: true, transports: [forAnn] });
  const bob = await join(room, { transports: [network.transport()], knowsGenesis: false });
  await until('Bob has the file', () => bob.project.list().length === 1);
  return { ann, bob };
}

async function holder(room: TestRoom, kind: SeedKind): Promise<{ keys: RoomKeys; session: OwnSession }> {
  const keys = await room.keys(kind);
  return { keys, session: await issueSession(keys, await generateDeviceKeyPair()) };
}
const forgeOf = ({ keys, session }: { keys: RoomKeys; session: OwnSession }): Forge =>
  new Forge({ keys } as unknown as ConstructorParameters<typeof Forge>[0], session);

describe('brought by a third peer', () => {
  it.each(['v', 'c'] as const)(
    'CERT-4 an edit by who has the %s link is refused, whether it comes live or is asked for, and passed on by nobody',
    async (kind) => {
      const room = await makeRoom();
      const network = new MemoryNetwork(sure);
      const { ann, bob } = await twoIn(room, network);
      const author = await holder(room, kind);
      const edit = forgeOf(author).add(rawUpdate(author.session.clientId, 0, [{ text: 'not hers' }]));
      const [segment] = (await edit.cut([])) as [Bytes];
      // An editor, who may write; their app is changed to carry what is not theirs.
      const bringer = await Eve.join(room, network, 'e');
      const claim = {
        session: author.session.id,
        channel: 'project' as const,
        seq: 1,
        hash: randomBytes(32),
      };
      bringer.onFrame = (from, frame) => {
        if (frame[0] === frameType.want)
          bringer.send(from, writeFrame('segments', encodeSegments({ more: false, segments: [segment] })));
      };
      network.cut(bringer.name, bob.replica.self);
      await bringer.meet(ann, [claim]);
      await until('what was asked for is refused', () => refusals(ann).length > 0);
      bringer.send(ann.replica.self, writeFrame('live', segment));
      await until('what came by itself is refused', () => refusals(ann).length > 1);
      expect(new Set(refusals(ann))).toEqual(new Set(['role-may-not-sign']));
      await goOn(ann, bob);
      expect(ann.read()).not.toContain('not hers');
      for (const each of [ann, bob]) expect(authors(each)).not.toContain(author.session.id);
      expect(refusals(bob), 'what is refused is not passed on').toEqual([]);
    },
  );
});

describe('put in on the way', () => {
  /** Ann, and the wire between her and the others: whoever carries frames. */
  async function annOnAWire() {
    const room = await makeRoom();
    const network = new MemoryNetwork(sure);
    const inner = network.transport();
    let wire: TransportEvents | undefined;
    const { ann, bob } = await twoIn(room, network, {
      ...inner,
      connect: (of, events) => {
        wire = events;
        return inner.connect(of, events);
      },
    });
    const putIn = (frame: Bytes): void => wire?.onFrame(bob.replica.self, frame);
    return { room, ann, bob, putIn };
  }
  async function presence(keys: RoomKeys, by: OwnSession, named: SessionId, counter: number): Promise<Bytes> {
    const signed = encodePresenceFrame({ session: named, counter, payload: utf8('somewhere else') });
    const signature = await by.sign(concat(PRESENCE_LABEL, signed));
    return writeFrame('presence', await seal(keys, 'presence', concat(signed, signature)));
  }

  it('SYNC-6 presence in somebody else’s name, or of somebody else, is not theirs, and theirs is still seen', async () => {
    const { room, ann, bob, putIn } = await annOnAWire();
    const eve = await holder(room, 'e');
    const where = (): string => new TextDecoder().decode(ann.replica.others[0]?.payload);
    bob.replica.setPresence(utf8('here'));
    await until('Bob is shown', () => where() === 'here');
    const bobs = ann.replica.others[0]?.session.id as SessionId;
    putIn(await presence(eve.keys, eve.session, bobs, 1e6));
    putIn(await presence(eve.keys, eve.session, eve.session.id, 1e6));
    bob.replica.setPresence(utf8('there'));
    await until('Bob has moved', () => where() === 'there');
    expect(ann.replica.others).toHaveLength(1);
    await goOn(ann, bob);
  });
});

describe('replayed from another room', () => {
  it('SEAL-2, CERT-2 frames of another room open nowhere, and what is sealed anew is of another room', async () => {
    const [room, other] = [await makeRoom(), await makeRoom()];
    const elsewhere = new MemoryNetwork(sure);
    const listener = await Eve.join(other, elsewhere, 'e');
    const there = await twoIn(other, elsewhere);
    await listener.meet(there.ann);
    await listener.meet(there.bob);
    for (const each of [there.ann, there.bob]) each.replica.setPresence(utf8('here'));
    there.bob.text.insert(0, 'said elsewhere');
    await until(
      'all kinds were heard',
      () => listener.of('live').length > 0 && listener.of('presence').length > 1,
    );

    const network = new MemoryNetwork(sure);
    const { ann, bob } = await twoIn(room, network);
    const eve = await Eve.join(room, network, 'e');
    await eve.meet(ann);
    const before = ann.replica.others.length;
    for (const { frame } of listener.received) eve.send(ann.replica.self, frame);
    // Who has the keys of both rooms can seal it anew.
    const [live] = listener.of('live') as [Bytes];
    const opened = await openSealed(listener.keys, 'segment', live.subarray(1));
    if (!opened.ok) throw new Error('a segment that does not open');
    eve.send(ann.replica.self, writeFrame('live', await seal(eve.keys, 'segment', opened.value)));
    await until('it is refused', () => refusals(ann).includes('wrong-room'));
    expect(new Set(refusals(ann))).toEqual(new Set(['not-ours', 'wrong-room']));
    expect(ann.replica.others).toHaveLength(before);
    await goOn(ann, bob);
    expect(bob.read()).not.toContain('elsewhere');
  });
});

describe('10,000 frames that are sealed as they should be, around insides that are not', () => {
  it('SYNC-14 [seed 9001] change nothing: nobody is broken, and everybody goes on', async () => {
    const room = await makeRoom();
    const network = new MemoryNetwork(sure);
    const { ann, bob } = await twoIn(room, network);
    const eve = await Eve.join(room, network, 'e');
    await eve.meet(ann);
    const { keys, session } = eve;
    const segment = forgeOf({ keys, session }).add(rawUpdate(session.clientId, 0, [{ text: 'x' }]));
    const opened = await openSealed(keys, 'segment', (await segment.cut([]))[0] as Bytes);
    if (!opened.ok) throw new Error('a segment that does not open');
    const frontier = encodeFrontier([...ann.replica.frontier]);
    const genesis = room.genesis.bytes;
    const hello = encodeHello({
      nonce: randomBytes(16),
      echo: randomBytes(16),
      wantsReply: false,
      certificate: session.certificate,
      genesis,
      frontier,
    });
    const own = encodePresenceFrame({ session: session.id, counter: 1e9, payload: utf8('here') });
    const ranges = ann.replica.frontier.map(({ session: of, channel, seq }) => ({
      session: of,
      channel,
      fromSeq: 1,
      toSeq: seq,
    }));
    /** Signed after it was changed, where a signature is asked for: what reads it gets as far as it can. */
    const kinds: Record<
      'hello' | 'want' | 'presence' | 'live' | 'roster',
      { seal: SealKind; body: Bytes; label?: Bytes }
    > = {
      hello: { seal: 'hello', body: hello, label: HELLO_LABEL },
      want: { seal: 'want', body: encodeWant(ranges) },
      presence: { seal: 'presence', body: own, label: PRESENCE_LABEL },
      live: { seal: 'segment', body: opened.value },
      roster: { seal: 'roster', body: concat(genesis, frontier) },
    };
    const change = fc.oneof(
      fc.record({ do: fc.constant('flip' as const), at: fc.nat(9999), by: fc.integer({ min: 1, max: 255 }) }),
      fc.record({ do: fc.constant('cut' as const), at: fc.nat(9999), by: fc.constant(0) }),
      fc.record({ do: fc.constant('huge' as const), at: fc.nat(9999), by: fc.integer({ min: 1, max: 8 }) }),
      fc.record({ do: fc.constant('twice' as const), at: fc.nat(9999), by: fc.integer({ min: 1, max: 60 }) }),
    );
    const changed = (body: Bytes, { do: how, at, by }: { do: string; at: number; by: number }): Bytes => {
      const here = at % body.length;
      if (how === 'flip') return body.map((byte, i) => (i === here ? byte ^ by : byte));
      if (how === 'cut') return body.slice(0, here);
      if (how === 'huge')
        return concat(body.subarray(0, here), new Uint8Array(by).fill(0xff), body.subarray(here + 1));
      return concat(body.subarray(0, here), body.subarray(Math.max(0, here - by)));
    };
    // So many a second as are read of each (SYNC-6, SYNC-14).
    const aSecond = { hello: 3, want: 3, roster: 3, presence: 31, live: 60 } as const;
    const changes = fc.sample(change, { seed: 9001, numRuns: 10_000 });
    let [next, sent] = [0, 0];
    for (let second = 0; second < 100; second++) {
      for (const [kind, count] of Object.entries(aSecond) as [keyof typeof kinds, number][])
        for (let i = 0; i < count; i++) {
          const { seal: sealing, body, label } = kinds[kind];
          const inside = changed(body, changes[next++] ?? { do: 'cut', at: 0, by: 0 });
          if (equalBytes(inside, body)) continue;
          sent++;
          const signed = label ? concat(inside, await session.sign(concat(label, inside))) : inside;
          eve.send(ann.replica.self, writeFrame(kind, await seal(keys, sealing, signed)));
        }
      vi.advanceTimersByTime(1000);
      await turns(2);
    }
    expect(next).toBe(10_000);
    expect(sent).toBeGreaterThan(9_900);
    await goOn(ann, bob);
    const stable = [
      'malformed-segment',
      'bad-signature',
      'malformed-certificate',
      'wrong-room',
      'wrong-epoch',
    ];
    const also = [
      'unknown-issuer',
      'role-above-issuer',
      'weak-key',
      'unproved-device',
      'bad-certificate-signature',
    ];
    const told = [...new Set(refusals(ann))];
    expect(told.filter((code) => ![...stable, ...also].includes(code))).toEqual([]);
    expect(told).toEqual(
      expect.arrayContaining(['malformed-segment', 'bad-signature', 'bad-certificate-signature']),
    );
    expect(authors(ann)).not.toContain(session.id);
  }, 60_000);
});
