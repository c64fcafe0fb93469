/**
 * What those who may not, or do not, play by the rules can do to honest replicas: the server without a key, holders of
 * the view and edit links, and a network that loses, repeats and reflects. Real replicas, and one end driven by hand.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';
import { Eve, HELLO_LABEL, NO_NONCE } from '../../testing/eve.ts';
import { unprovedSession } from '../../testing/former-sessions.ts';
import { MemoryNetwork } from '../../testing/memory-network.ts';
import { makeRoom, replicasOfATest, type TestReplica, type TestRoom, until } from '../../testing/replicas.ts';
import { concat, fromHex, randomBytes, toHex, utf8, type Bytes } from '../core/bytes.ts';
import type { SessionId } from '../core/ids.ts';
import { generateDeviceKeyPair } from '../crypto/device-keys.ts';
import type { SeedKind } from '../crypto/room-keys.ts';
import { issueSession } from '../log/certificate.ts';
import { encodeFrontier, type FrontierRow } from '../log/frontier.ts';
import { seal } from '../log/seal.ts';
import { RoomLog } from '../log/room-log.ts';
import { Forge, isPending, rawUpdate } from '../log/test-room.ts';
import type { LogStore, StoredSegment } from '../log/log-store.ts';
import { Project } from '../document/project.ts';
import { memoryStore } from '../storage/stores/memory.ts';
import {
  decodeSegments,
  encodeHello,
  encodeSegments,
  frameType,
  writeFrame,
  type WantedRange,
} from './frames.ts';
import { inPlaceFolder } from './folder.ts';
import { Intake } from './intake.ts';

const { open, join, leave } = replicasOfATest();
const rejections: unknown[] = [];
const note = (reason: unknown) => void rejections.push(reason);
beforeEach(() => {
  // Replicas tick once a second: the tests say when. Waiting for conditions stays real.
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] });
  process.on('unhandledRejection', note);
});
afterEach(async () => {
  await leave();
  vi.useRealTimers();
  process.off('unhandledRejection', note);
  expect(rejections.splice(0)).toEqual([]);
});

/** Lets everything that is under way in the replicas end: frames, WebCrypto, stores. */
async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setTimeout(resolve, 1));
}
async function seconds(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    vi.advanceTimersByTime(1000);
    await turns(4);
  }
}

const sure = () => 0.99;
const same = (...replicas: TestReplica[]) => new Set(replicas.map((each) => toHex(each.hash()))).size === 1;
const seen = ({ replica }: TestReplica) => replica.others.map(({ peer }) => peer);

const madeUp = (count: number, seq = 5): FrontierRow[] =>
  Array.from({ length: count }, () => ({
    session: toHex(randomBytes(32)) as SessionId,
    channel: 'project' as const,
    seq,
    hash: randomBytes(32),
  }));

const wholeRange = ({ session, channel, seq }: FrontierRow): WantedRange => ({
  session,
  channel,
  fromSeq: 1,
  toSeq: seq,
});

async function annAndEve(kind: SeedKind = 'e') {
  const room = await makeRoom();
  const network = new MemoryNetwork(sure);
  const ann = await join(room, { makesFile: true, transports: [network.transport()] });
  const eve = await Eve.join(room, network, kind);
  return { room, network, ann, eve };
}

async function annBobAndEve(kind: SeedKind = 'e') {
  const { room, network, ann, eve } = await annAndEve(kind);
  const bob = await join(room, { transports: [network.transport()], knowsGenesis: false });
  await until('Bob has the file', () => bob.project.list().length === 1);
  return { room, network, ann, bob, eve };
}

async function stillWork(...people: TestReplica[]): Promise<void> {
  await until('all have the file', () => people.every(({ project }) => project.list().length > 0));
  for (const one of people) one.text.insert(0, '✓');
  const marks = (each: TestReplica) => each.read().split('✓').length - 1;
  await until('all marks are everywhere', () => people.every((each) => marks(each) >= people.length));
  await until('all agree', () => same(...people));
  expect(people.map(({ replica }) => isPending(replica.doc))).toEqual(people.map(() => false));
}

describe('who is there', () => {
  it('SYNC-2: my own HELLOs, reflected by the network, are no other person', async () => {
    const { ann, eve } = await annAndEve();
    eve.onFrame = (from, frame) => eve.send(from, frame);
    for (const { from, frame } of [...eve.received]) eve.send(from, frame);
    await until('a few were reflected', () => eve.received.length > 0);
    await turns(60);
    expect(seen(ann)).toEqual([]);
  });

  it('SYNC-2: a HELLO replayed on another link proves nothing', async () => {
    const { network, ann, bob, eve } = await annBobAndEve();
    // The relay saw Bob's frames as ciphertext and plays them to Ann as its own.
    const bobs = eve.received.filter(({ from }) => from === bob.replica.self).map(({ frame }) => frame);
    network.kill(bob.replica.self);
    bob.dead = true;
    await until('Bob is gone', () => seen(ann).length === 0);
    for (const frame of bobs) eve.send(ann.replica.self, frame);
    await eve.handled(ann);
    expect(seen(ann)).toEqual([]);
    await bob.replica.close();
  });

  it('SYNC-6: who is dead is not kept alive by a link that is kept open and fed with the same again', async () => {
    const { ann, eve } = await annAndEve();
    const played: Bytes[] = [];
    await eve.meet(ann);
    const last = await eve.presence('here');
    eve.send(ann.replica.self, last);
    await until('Eve is shown', () => ann.replica.others[0]?.payload.length === 4);
    eve.claims = undefined;
    const greeting = eve.of('hello').at(-1);
    const nonce = greeting && (await eve.openHello(greeting))?.nonce;
    played.push(last, await eve.hello({ echo: nonce ?? NO_NONCE, wantsReply: false }), last);
    for (let i = 0; i < 9; i++) {
      for (const frame of played) eve.send(ann.replica.self, frame);
      await seconds(5);
    }
    expect(seen(ann)).toEqual([]);
    // And somebody who was only silent is seen again.
    eve.send(ann.replica.self, await eve.presence('back'));
    await until('Eve is back', () => ann.replica.others[0]?.payload.length === 4);
  });

  it('SYNC-6: after a link flapped, old presence is still old', async () => {
    const { network, ann, eve } = await annAndEve();
    await eve.meet(ann);
    const old = await eve.presence('old');
    eve.send(ann.replica.self, old);
    eve.send(ann.replica.self, await eve.presence('new one'));
    await until('presence came', () => ann.replica.others[0]?.payload.length === 7);
    network.cut(ann.replica.self, eve.name);
    await until('she went', () => seen(ann).length === 0);
    network.link(ann.replica.self, eve.name);
    await eve.meet(ann);
    eve.send(ann.replica.self, old);
    await eve.handled(ann);
    expect(ann.replica.others[0]?.payload).toHaveLength(0);
  });

  it('CERT-8, SYNC-2: who only names a device is not there: nobody is seen under another’s', async () => {
    const { room, network, ann, bob } = await annBobAndEve();
    const keys = await room.keys('e');
    const bobs = ann.replica.others.find(({ session }) => session.id.startsWith(bob.replica.self))?.session;
    const former = await unprovedSession(keys, fromHex(bobs?.device ?? ''));
    const pretender = await Eve.join(room, network, 'e', former);
    pretender.claims = [];
    await until('she was greeted', () => pretender.of('hello').length > 0);
    for (const { from, frame } of [...pretender.received]) {
      const nonce = frame[0] === frameType.hello && (await pretender.openHello(frame))?.nonce;
      if (nonce) pretender.send(from, await pretender.hello({ echo: nonce, wantsReply: false }));
    }
    // What she wrote is hers alone, and nobody else's.
    for (const who of [ann, bob]) pretender.send(who.replica.self, await pretender.presence('I am Bob'));
    await turns(60);
    expect(seen(ann)).toEqual([bob.replica.self]);
    expect(ann.replica.others.map(({ session }) => session.device)).toEqual([bobs?.device]);
    await stillWork(ann, bob);
  });

  it('SYNC-2: one link is one person: another session on it is not believed', async () => {
    const { room, ann, eve } = await annAndEve();
    await eve.meet(ann);
    const greeting = eve.of('hello').at(-1) as Bytes;
    const nonce = (await eve.openHello(greeting))?.nonce as Bytes;
    for (let i = 0; i < 5; i++) {
      const second = await issueSession(await room.keys('v'), await generateDeviceKeyPair());
      const signed = encodeHello({
        nonce,
        echo: nonce,
        wantsReply: false,
        certificate: second.certificate,
        genesis: new Uint8Array(),
        frontier: encodeFrontier([]),
      });
      const signature = await second.sign(concat(HELLO_LABEL, signed));
      eve.send(
        ann.replica.self,
        writeFrame('hello', await seal(eve.keys, 'hello', concat(signed, signature))),
      );
    }
    await eve.handled(ann);
    expect(seen(ann)).toHaveLength(1);
  });

  it('SYNC-3: another’s certificate, and so their PeerId, is worth nothing without their key', async () => {
    const { ann, bob, eve } = await annBobAndEve();
    const theirs = (await eve.openHello(eve.of('hello').at(-1) as Bytes))?.certificate;
    const nonces = await Promise.all(
      eve.of('hello').map(async (frame) => (await eve.openHello(frame))?.nonce),
    );
    for (const to of [ann, bob])
      for (const echo of nonces)
        eve.send(
          to.replica.self,
          await eve.hello({ ...(echo && { echo }), ...(theirs && { certificate: theirs }) }),
        );
    await Promise.all([eve.handled(ann), eve.handled(bob)]);
    expect([seen(ann), seen(bob)]).toEqual([[bob.replica.self], [ann.replica.self]]);
    await stillWork(ann, bob);
  });

  it('GEN-2: a forged genesis statement is not believed, and the true one still is', async () => {
    const room = await makeRoom();
    const other = await makeRoom();
    const network = new MemoryNetwork(sure);
    const eve = await Eve.join(room, network, 'v');
    const joiner = await join(room, { transports: [network.transport()], knowsGenesis: false });
    eve.send(joiner.replica.self, await eve.hello({ genesis: other.genesis.bytes }));
    const forged = room.genesis.bytes.slice();
    forged.set(eve.keys.viewInvite.publicKey, 1 + 4 + 32);
    eve.send(joiner.replica.self, await eve.hello({ genesis: forged }));
    const ann = await join(room, { makesFile: true, transports: [network.transport()] });
    await until('the joiner reads the room', () => joiner.project.list().length === 1);
    expect(joiner.notices.filter(({ kind }) => kind === 'genesis')).toEqual([
      { kind: 'genesis', bytes: room.genesis.bytes },
    ]);
    await stillWork(ann, joiner);
  });

  it('SYNC-8: two whose first HELLOs were lost meet all the same', async () => {
    const room = await makeRoom();
    const network = new MemoryNetwork(sure);
    network.faults = { loss: 1, repeat: 0, reorder: 0 };
    const ann = await join(room, { makesFile: true, transports: [network.transport()] });
    const bob = await join(room, { transports: [network.transport()], knowsGenesis: false });
    await turns();
    network.faults = { loss: 0, repeat: 0, reorder: 0 };
    await seconds(6);
    await until('they met', () => seen(ann).length === 1 && seen(bob).length === 1);
    await stillWork(ann, bob);
  });

  it('SYNC-8: heads that were told and lost are told again, and then no more is said', async () => {
    const { network, ann, bob } = await annBobAndEve();
    ann.text.insert(0, 'one ');
    await until('all is quiet', () => bob.read() === 'one ');
    network.faults = { loss: 1, repeat: 0, reorder: 0 };
    ann.text.insert(0, 'lost ');
    await ann.replica.settled();
    await seconds(4);
    network.faults = { loss: 0, repeat: 0, reorder: 0 };
    await seconds(20);
    await until('it came', () => bob.read() === 'lost one ');
    await seconds(10);
    const before = network.sent.get(frameType.hello) ?? 0;
    await seconds(60);
    expect((network.sent.get(frameType.hello) ?? 0) - before).toBeLessThanOrEqual(4);
  });
});

describe('asking for much', () => {
  it('SYNC-5: the same range 2,000 times in a WANT is sent once', async () => {
    const { ann, eve } = await annAndEve('v');
    ann.text.insert(0, 'x'.repeat(50_000));
    await ann.replica.settled();
    await eve.meet(ann);
    const row = ann.replica.frontier[0] as FrontierRow;
    eve.send(ann.replica.self, await eve.want(Array.from({ length: 2000 }, () => wholeRange(row))));
    await until('the answer came', () => eve.of('segments').length > 0);
    await turns();
    const segments = eve.of('segments').flatMap((frame) => {
      const read = decodeSegments(frame.subarray(1));
      return read.ok ? read.value.segments : [];
    });
    expect(segments.length).toBe(row.seq);
  });

  it('SYNC-5: asking again and again for the same is rationed; somebody else still gets it', async () => {
    const { room, network, ann, eve } = await annAndEve('v');
    const bytes = concat(...Array.from({ length: 48 }, () => randomBytes(65_536)));
    expect(ann.project.createBinary('big.bin', bytes).ok).toBe(true);
    await ann.replica.settled();
    await eve.meet(ann);
    const rows = ann.replica.frontier.map(wholeRange);
    let sent = 0;
    eve.onFrame = (_, frame) => {
      if (frame[0] === frameType.segments) sent += frame.length;
    };
    for (let i = 0; i < 40; i++) {
      eve.send(ann.replica.self, await eve.want(rows));
      await turns(6);
    }
    await turns();
    expect(sent).toBeLessThan(25_000_000);
    const bob = await join(room, { transports: [network.transport()], knowsGenesis: false });
    await until('Bob has the file', () => bob.project.list().length === 2);
  }, 20_000);

  it('SYNC-5: chains that do not exist are answered by nothing, without asking the disk', async () => {
    const room = await makeRoom();
    const network = new MemoryNetwork(sure);
    let reads = 0;
    const disk = memoryStore();
    const ann = await join(room, {
      makesFile: true,
      transports: [network.transport()],
      store: counting(disk, () => reads++),
    });
    const eve = await Eve.join(room, network, 'v');
    await eve.meet(ann);
    for (let i = 0; i < 5; i++) eve.send(ann.replica.self, await eve.want(madeUp(2000).map(wholeRange)));
    await until('it was answered', () => eve.of('segments').length > 0);
    await turns();
    expect(reads).toBe(0);
  });
});

describe('claims and answers', () => {
  it('SYNC-4: huge made-up frontiers end: the honest chain comes, and the greetings stop', async () => {
    const room = await makeRoom();
    const network = new MemoryNetwork(sure);
    const eve = await Eve.join(room, network, 'v');
    const bob = await join(room, { transports: [network.transport()] });
    await eve.meet(bob, madeUp(6_000));
    await until('Eve was asked', () => eve.of('want').length > 0);
    const ann = await join(room, { makesFile: true, transports: [network.transport()] });
    ann.text.insert(0, 'hello');
    await until('Bob has what Ann wrote', () => bob.read() === 'hello');
    eve.claims = undefined;
    await seconds(30);
    const before = [...network.sent.values()].reduce((a, b) => a + b);
    await seconds(60);
    const frames = [...network.sent.values()].reduce((a, b) => a + b) - before;
    // Presence of two every 10 s to each other and to Eve, and a few last HELLOs.
    expect(frames).toBeLessThan(50);
    await stillWork(ann, bob);
  }, 20_000);

  it.each([
    ['never answers', undefined],
    ['says `more` for ever', true],
    ['answers with nothing', false],
  ])(
    'SYNC-4: an honest chain is not starved by a peer that claims it, greets first and %s',
    async (_, more) => {
      const room = await makeRoom();
      const network = new MemoryNetwork(sure);
      const ann = await join(room, { makesFile: true, transports: [network.transport(false)] });
      ann.text.insert(0, 'wanted');
      await ann.replica.settled();
      const eve = await Eve.join(room, network, 'v');
      const bob = await join(room, { transports: [network.transport()] });
      network.cut(ann.replica.self, eve.name);
      network.cut(ann.replica.self, bob.replica.self);
      const rows = ann.replica.frontier.map((row) => ({ ...row, seq: 1e9 }));
      eve.onFrame = (from, frame) => {
        if (frame[0] === frameType.want && more === false)
          eve.send(from, writeFrame('segments', encodeSegments({ more, segments: [] })));
      };
      await eve.meet(bob, rows);
      await until('Eve was asked', () => eve.of('want').length > 0);
      network.link(ann.replica.self, bob.replica.self);
      for (let second = 0; second < 12; second++) {
        if (more === true)
          eve.send(bob.replica.self, writeFrame('segments', encodeSegments({ more, segments: [] })));
        // Always the first to greet, and always claiming a little more.
        const nonce = (await eve.openHello(eve.of('hello').at(-1) as Bytes))?.nonce as Bytes;
        const claims = rows.map((row) => ({ ...row, seq: row.seq + second }));
        eve.send(bob.replica.self, await eve.hello({ echo: nonce, wantsReply: true, claims }));
        await seconds(1);
      }
      await until('Bob has it', () => bob.read() === 'wanted', 1000);
    },
  );

  it('SYNC-4: a claim that grows after each empty answer is not asked about at the speed of the network', async () => {
    const { ann, eve } = await annAndEve('v');
    const [row] = madeUp(1);
    if (row === undefined) throw new Error('no row');
    let seq = 5;
    eve.onFrame = (from, frame) => {
      if (frame[0] !== frameType.want) return;
      eve.claims = [{ ...row, seq: ++seq }];
      eve.send(from, writeFrame('segments', encodeSegments({ more: false, segments: [] })));
    };
    await eve.meet(ann, [row]);
    await turns(200);
    expect(eve.of('want').length).toBeLessThan(4);
  });
});

describe('floods', () => {
  it('SYNC-14: 10,000 malformed frames before and after the handshake change nothing', async () => {
    const { ann, bob, eve } = await annBobAndEve();
    const flood = () => {
      for (let i = 0; i < 5000; i++) {
        const frame = randomBytes(1 + (i % 200));
        frame[0] = i % 8;
        eve.send(ann.replica.self, i % 50 === 0 ? new Uint8Array() : frame);
      }
    };
    flood();
    // Her own flood used up what HELLOs she may send.
    await seconds(2);
    await eve.meet(ann);
    flood();
    await stillWork(ann, bob);
    expect(ann.notices.filter(({ kind }) => kind === 'internal')).toEqual([]);
  });

  it('SYNC-14: segments nobody asked for are not looked at, nor is anything before the handshake', async () => {
    const { ann, bob, eve } = await annBobAndEve();
    const forge = eve.forge().add(rawUpdate(eve.session.clientId, 0, [{ text: 'uninvited' }]));
    const [segment] = await forge.cut([]);
    if (segment === undefined) throw new Error('no segment');
    eve.send(ann.replica.self, writeFrame('live', segment));
    await eve.handled(ann);
    expect(ann.replica.frontier).toHaveLength(1);
    await eve.meet(ann);
    const junk = Array.from({ length: 500 }, () => randomBytes(300));
    for (let i = 0; i < 20; i++)
      eve.send(ann.replica.self, writeFrame('segments', encodeSegments({ more: true, segments: junk })));
    await stillWork(ann, bob);
    expect(ann.notices.filter(({ kind }) => kind === 'refused')).toEqual([]);
  });

  it('SYNC-6: presence floods are read at 40 a second, and HELLO floods answered at 10', async () => {
    const { ann, bob, eve } = await annBobAndEve();
    await eve.meet(ann);
    const hellos = eve.of('hello').length;
    const frames = await Promise.all(
      Array.from({ length: 200 }, (_, i) => eve.presence('p'.repeat(i + 1), i + 1)),
    );
    for (const frame of frames) eve.send(ann.replica.self, frame);
    const hello = await eve.hello({ wantsReply: true });
    for (let i = 0; i < 500; i++) eve.send(ann.replica.self, hello);
    const shown = () => ann.replica.others.find(({ peer }) => peer !== bob.replica.self)?.payload.length;
    await until('forty were read', () => shown() === 40);
    await turns(100);
    expect(shown()).toBe(40);
    expect(eve.of('hello').length - hellos).toBeLessThanOrEqual(60);
    await stillWork(ann, bob);
  });

  it('a presence too large to seal is told, not thrown', async () => {
    const { ann, bob } = await annBobAndEve();
    ann.replica.setPresence(randomBytes(20_000));
    await until('it is told', () => ann.notices.some(({ kind }) => kind === 'internal'));
    ann.replica.setPresence(utf8('small'));
    await stillWork(ann, bob);
  });
});

describe('two branches of one session', () => {
  it('ACC-4: shown to two people apart, are told to both with the proof as soon as they meet', async () => {
    const room = await makeRoom();
    const network = new MemoryNetwork(sure);
    const ann = await join(room, { makesFile: true, transports: [network.transport()] });
    const bob = await join(room, { transports: [network.transport()] });
    await until('Bob has the room', () => bob.project.list().length === 1);
    const eve = await Eve.join(room, network, 'e');
    await eve.meet(ann);
    await eve.meet(bob);
    network.cut(ann.replica.self, bob.replica.self);
    await until('they are apart', () => !seen(ann).includes(bob.replica.self));
    const branches = await Promise.all(
      [1_000, 2_000].map(
        async (time) => (await eve.forge('talk').add(utf8('word'), undefined, time).cut([]))[0] as Bytes,
      ),
    );
    const [first, second] = branches as [Bytes, Bytes];
    eve.send(ann.replica.self, writeFrame('live', first));
    eve.send(bob.replica.self, writeFrame('live', second));
    const hers = ({ replica }: TestReplica) =>
      replica.frontier.some(({ session }) => session === eve.session.id);
    await until('each has a branch', () => hers(ann) && hers(bob));
    network.link(ann.replica.self, bob.replica.self);

    const forkOf = ({ notices }: TestReplica) => notices.find((notice) => notice.kind === 'fork');
    await until('both are told', () => forkOf(ann) !== undefined && forkOf(bob) !== undefined);
    const told = {
      kind: 'fork',
      device: eve.session.device,
      session: eve.session.id,
      channel: 'talk',
      seq: 1,
    };
    expect(forkOf(ann)).toEqual({ ...told, here: first, other: second });
    expect(forkOf(bob)).toEqual({ ...told, here: second, other: first });
    // Whoever holds the room's keys can check it: each of the two verifies alone.
    for (const sealed of branches) {
      const log = new RoomLog({ roomId: eve.keys.roomId, keys: eve.keys, genesis: room.genesis });
      expect((await log.receive(sealed)).accepted).toHaveLength(1);
    }
    // Told once, and not asked about again.
    const count = () => ann.notices.filter(({ kind }) => kind === 'fork').length;
    await seconds(70);
    await eve.handled(ann);
    expect(count()).toBe(1);
  });
});

describe('a newer format', () => {
  it.each([
    ['v', false],
    ['e', true],
  ] as const)('SEAL-2: from a tab with the %s link: told %s', async (kind, told) => {
    const { ann, bob, eve } = await annBobAndEve(kind);
    await eve.meet(ann);
    const newer = randomBytes(300);
    newer[0] = 9;
    const damaged = randomBytes(300);
    damaged[0] = 1;
    for (const frame of [newer, damaged]) eve.send(ann.replica.self, writeFrame('live', frame));
    await until('what came after it was handled', () =>
      ann.notices.some((notice) => notice.kind === 'refused'),
    );
    expect(ann.notices.some((notice) => notice.kind === 'newer-format')).toBe(told);
    await stillWork(ann, bob);
  });
});

describe('an edit link in bad hands', () => {
  it('ACC-4: a fork is refused; the branch that came first stays, and honest people go on', async () => {
    const { ann, bob, eve } = await annBobAndEve();
    await eve.meet(ann);
    await eve.meet(bob);
    const first = eve.forge().add(rawUpdate(eve.session.clientId, 0, [], []));
    const other = eve.forge().add(rawUpdate(eve.session.clientId, 0, [], []), undefined, 2_000);
    const [a] = await first.cut([]);
    const [b] = await other.cut([]);
    for (const to of [ann, bob]) eve.send(to.replica.self, writeFrame('live', a as Bytes));
    const rows = (each: TestReplica) => each.replica.frontier.map(({ session }) => session);
    await until('both have it', () => [ann, bob].every((each) => rows(each).includes(eve.session.id)));
    for (const to of [ann, bob]) eve.send(to.replica.self, writeFrame('live', b as Bytes));
    await until('both refused', () =>
      [ann, bob].every(({ notices }) => notices.some((one) => one.kind === 'refused' && one.code === 'fork')),
    );
    await stillWork(ann, bob);
  });

  it('ACC-13, ACC-14: an entry withheld, and deletions of the future, hold up nobody else', async () => {
    const { ann, bob, eve } = await annBobAndEve();
    await eve.meet(ann);
    await eve.meet(bob);
    const annClient = (ann.replica.doc as { clientID: number }).clientID;
    const forge = eve.forge();
    forge.add(rawUpdate(eve.session.clientId, 0, []));
    for (let i = 0; i < 30; i++) forge.add(rawUpdate(eve.session.clientId, 0, []));
    forge.add(rawUpdate(eve.session.clientId, 0, [], [[annClient, 0, 2 ** 31]]));
    const cut = await forge.cut(Array.from({ length: 40 }, (_, i) => i + 1));
    for (const to of [ann, bob])
      for (const [i, segment] of cut.entries())
        if (i !== 3)
          for (let copy = 0; copy < 3; copy++) eve.send(to.replica.self, writeFrame('live', segment));
    await stillWork(ann, bob);
    // With the missing entry the deletion is in place, and waits for what it names.
    for (const to of [ann, bob]) eve.send(to.replica.self, writeFrame('live', cut[3] as Bytes));
    const hers = ({ replica }: TestReplica) =>
      replica.frontier.find(({ session }) => session === eve.session.id)?.seq;
    await until('all before the deletion is in', () => [ann, bob].every((each) => (hers(each) ?? 0) >= 31));
    ann.text.insert(0, 'still here ');
    await stillWork(ann, bob);
    await seconds(10);
    for (const each of [ann, bob]) expect([each.read(), hers(each)]).toEqual([bob.read(), 31]);
    expect(bob.read()).toContain('still here');
  });

  it('ACC-2: what a view link signs is refused, whoever brings it', async () => {
    const { ann, bob, eve } = await annBobAndEve('v');
    await eve.meet(ann);
    const [segment] = await eve
      .forge()
      .add(rawUpdate(eve.session.clientId, 0, []))
      .cut([]);
    for (let i = 0; i < 100; i++) eve.send(ann.replica.self, writeFrame('live', segment as Bytes));
    await until('it is refused', () =>
      ann.notices.some((one) => one.kind === 'refused' && one.code === 'role-may-not-sign'),
    );
    await stillWork(ann, bob);
  });

  it('SYNC-2: a cloned tab with the same session key is nobody to its twin, and others go on', async () => {
    const { room, network, ann, bob, eve } = await annBobAndEve();
    const twin = await Eve.join(room, network, 'e', eve.session);
    await eve.meet(ann);
    await twin.meet(bob);
    // Both copies write their entry 1: different ones.
    const [a] = await eve
      .forge()
      .add(rawUpdate(eve.session.clientId, 0, []))
      .cut([]);
    const [b] = await twin
      .forge()
      .add(rawUpdate(eve.session.clientId, 0, []), undefined, 3_000)
      .cut([]);
    eve.send(ann.replica.self, writeFrame('live', a as Bytes));
    eve.send(ann.replica.self, writeFrame('live', b as Bytes));
    await until('a fork is told', () =>
      ann.notices.some((one) => one.kind === 'refused' && one.code === 'fork'),
    );
    await stillWork(ann, bob);
  });
});

describe('this tab’s own care', () => {
  it('SYNC-10: what others wrote while the disk was full is stored later, and Saved says so meanwhile', async () => {
    const room = await makeRoom();
    const network = new MemoryNetwork(sure);
    const disk = memoryStore();
    const full = { now: true };
    const store = failing(disk, () => full.now);
    const ann = await join(room, { makesFile: true, transports: [network.transport()] });
    const bob = await join(room, { transports: [network.transport()], store, knowsGenesis: false });
    await until('Bob has the file', () => bob.project.list().length === 1);
    ann.text.insert(0, 'precious');
    await until('Bob reads it', () => bob.read() === 'precious');
    await until('it is told', () => bob.notices.some(({ kind }) => kind === 'store-error'));
    bob.text.insert(0, 'my ');
    await turns();
    expect(bob.savedText()).not.toContain('my');
    // Nothing is on disk; a third who asks Bob gets it all the same.
    network.kill(ann.replica.self);
    ann.dead = true;
    const cid = await join(room, { transports: [network.transport()] });
    await until('the third has it from Bob', () => cid.read() === 'my precious');
    full.now = false;
    await until('the disk has it', () => bob.savedText() === 'my precious', 8000);
    const again = await join(room, { transports: [], store: disk });
    expect(again.read()).toBe('my precious');
    // Without the genesis statement nothing on that disk could be read.
    expect((await disk.loadFacts()).genesis).toEqual(room.genesis.bytes);
    await ann.replica.close();
  }, 20_000);

  it('SYNC-13: own edits while 5,000 entries are folded are kept, sent and stored', async () => {
    const room = await makeRoom();
    const network = new MemoryNetwork(sure);
    const theirs = memoryStore();
    await theirs.append(await longChain(room, 5000));
    const ann = await join(room, { transports: [network.transport(false)], store: theirs });
    const disk = memoryStore();
    const bob = await join(room, { transports: [network.transport(false)], store: disk });
    bob.project.createText('bob.txt', '');
    const mine = bob.text;
    let folding = 0;
    network.link(ann.replica.self, bob.replica.self);
    let typed = 0;
    await until(
      'all of it came',
      () => {
        if (typed < 400) mine.insert(typed, String(typed++ % 10));
        if (bob.project.list().length === 1) folding = typed;
        return bob.project.list().length === 2 && typed === 400;
      },
      20_000,
    );
    const texts = (each: TestReplica) =>
      each.project.list().map(({ id, shown }) => `${shown} ${each.project.text(id)?.toString() ?? ''}`);
    expect(folding).toBeGreaterThan(20);
    await until('Ann has what Bob typed', () => same(ann, bob), 20_000);
    expect(
      texts(bob)
        .map((text) => text.length)
        .sort(),
    ).toEqual([408, 5007]);
    expect(texts(ann)).toEqual(texts(bob));
    expect(isPending(bob.replica.doc)).toBe(false);
    await bob.replica.settled();
    const again = await join(room, { transports: [], store: disk });
    expect(texts(again)).toEqual(texts(bob));
  }, 60_000);

  it('SYNC-13: a worker that dies or never starts keeps nothing out', async () => {
    const room = await makeRoom();
    const keys = await room.keys('e');
    const [segments, told] = [await longChain(room, 1000), [] as unknown[]];
    const [doc, kept] = [new Y.Doc(), [] as StoredSegment[]];
    const intake = new Intake({
      foldStart: () => ({
        roomId: keys.roomId,
        seed: { kind: 'e', bytes: keys.seeds.v, epoch: 0 },
        genesis: undefined,
        statements: [],
        pastSeeds: [],
      }),
      log: new RoomLog({ roomId: keys.roomId, keys, genesis: room.genesis }),
      doc,
      folder: { ...inPlaceFolder(), start: () => Promise.reject(new Error('no workers here')) },
      onMessages: () => undefined,
      onForks: () => undefined,
      onProved: () => undefined,
      keep: (more) => kept.push(...more),
      onError: (what) => told.push(what),
    });
    for (const { sealed } of segments)
      expect((await intake.take({ segments: [sealed], heavy: true, persist: true })).entries).toBe(500);
    intake.dispose();
    expect(new Project(doc).list()).toHaveLength(1);
    expect([kept.length, told]).toEqual([2, ['folding', 'folding']]);
  });

  it('close leaves no timer behind, also when something is on its way in', async () => {
    vi.useRealTimers();
    // Counted, and otherwise as they are.
    vi.useFakeTimers({
      shouldAdvanceTime: true,
      toFake: ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
    });
    const { ann, bob, eve } = await annBobAndEve();
    await eve.meet(bob);
    const forge = eve.forge();
    for (let i = 0; i < 200; i++) forge.add(rawUpdate(eve.session.clientId, 0, []));
    for (const segment of await forge.cut(Array.from({ length: 200 }, (_, i) => i + 1)))
      eve.send(bob.replica.self, writeFrame('live', segment));
    await until('some came', () => bob.replica.frontier.length === 2);
    await Promise.all([ann.replica.close(), bob.replica.close()]);
    open.length = 0;
    await turns(30);
    expect(vi.getTimerCount()).toBe(0);
  });
});

/** A file typed in so many entries by somebody who left, as segments of 500. */
async function longChain(room: TestRoom, entries: number): Promise<StoredSegment[]> {
  const keys = await room.keys('e');
  const session = await issueSession(keys, await generateDeviceKeyPair());
  const forge = new Forge({ keys } as ConstructorParameters<typeof Forge>[0], session);
  const doc = new Y.Doc();
  doc.clientID = session.clientId;
  doc.on('update', (update: Uint8Array) => forge.add(update.slice()));
  const project = new Project(doc);
  const id = project.createText('ann.txt', '');
  const text = id.ok ? project.text(id.value) : undefined;
  while (forge.entries.length < entries) text?.insert(text.length, 'a');
  const ends = Array.from({ length: entries / 500 }, (_, i) => 500 * (i + 1));
  const sealed = await forge.cut(ends);
  return sealed.map((bytes, i) => ({
    session: session.id,
    channel: 'project',
    first: 500 * i + 1,
    last: 500 * (i + 1),
    sealed: bytes,
  }));
}

/** A store that tells when a chain is read. */
const counting = (disk: LogStore, onRead: () => void): LogStore => ({
  ...storeOf(disk),
  readChain: (...chain) => {
    onRead();
    return disk.readChain(...chain);
  },
});

/** A store whose disk is full now and then. */
const failing = (disk: LogStore, isFull: () => boolean): LogStore => ({
  ...storeOf(disk),
  append: async (segments) => {
    if (isFull()) throw new DOMException('full', 'QuotaExceededError');
    await disk.append(segments);
  },
  saveFacts: async (facts) => {
    if (isFull()) throw new DOMException('full', 'QuotaExceededError');
    await disk.saveFacts(facts);
  },
});

const storeOf = (disk: LogStore): LogStore => ({
  kind: disk.kind,
  loadFacts: () => disk.loadFacts(),
  saveFacts: (facts) => disk.saveFacts(facts),
  changeFacts: (change) => disk.changeFacts(change),
  append: (segments) => disk.append(segments),
  readChain: (...chain) => disk.readChain(...chain),
  chainEnds: () => disk.chainEnds(),
  readAll: (maxBytes) => disk.readAll(maxBytes),
  addresses: () => disk.addresses(),
  quarantine: (damaged) => disk.quarantine(damaged),
  quarantined: () => disk.quarantined(),
  forgetQuarantined: (addresses) => disk.forgetQuarantined(addresses),
  replace: (shorter, longer) => disk.replace(shorter, longer),
  refile: (segment, name, keepOld) => disk.refile(segment, name, keepOld),
  loadArchiveMark: () => disk.loadArchiveMark(),
  saveArchiveMark: (mark) => disk.saveArchiveMark(mark),
  loadSnapshot: () => disk.loadSnapshot(),
  saveSnapshot: (snapshot) => disk.saveSnapshot(snapshot),
  dropSnapshot: () => disk.dropSnapshot(),
  destroy: () => disk.destroy(),
  close: () => disk.close(),
});
