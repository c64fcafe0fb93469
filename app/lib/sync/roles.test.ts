/**
 * What each link lets its holder say, with real replicas and with one end that signs whatever it is told to: nobody who may
 * not changes anybody's files, runs or words, whoever brings it; and a long chat neither fills a tab nor delays it.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryNetwork } from '../../testing/memory-network.ts';
import { unprovedSession } from '../../testing/former-sessions.ts';
import { makeRoom, replicasOfATest, type TestReplica, type TestRoom, until } from '../../testing/replicas.ts';
import { concat, fromHex, randomBytes, utf8, type Bytes } from '../core/bytes.ts';
import type { Channel, PeerId } from '../core/ids.ts';
import { generateDeviceKeyPair } from '../crypto/device-keys.ts';
import type { RoomKeys, SeedKind } from '../crypto/room-keys.ts';
import { encodeTalkMessage, type TalkMessage } from '../document/talk.ts';
import { KEPT_ENTRIES, TalkView } from '../document/talk-view.ts';
import { issueSession, type OwnSession } from '../log/certificate.ts';
import { encodeFrontier } from '../log/frontier.ts';
import { openSealed, seal } from '../log/seal.ts';
import { Forge, rawUpdate } from '../log/test-room.ts';
import { memoryStore } from '../storage/stores/memory.ts';
import type { LogStore } from '../log/log-store.ts';
import { decodeHello, encodeHello, frameType, writeFrame } from './frames.ts';
import { HELLO_LABEL } from './meeting.ts';
import { MessageGate } from './message-gate.ts';

const { join, leave } = replicasOfATest();
afterEach(leave);
const sure = () => 0.99;

/** The chat as somebody sees it. */
function chat({ messages }: TestReplica, count = 100): string[] {
  const view = new TalkView();
  for (const { session, channel, entries } of messages)
    if (channel === 'talk')
      for (const { seq, time, payload } of entries)
        view.add({ author: { ...session, session: session.id }, seq, time, payload });
  return view.page(count).messages.map(({ text, retracted }) => (retracted ? '(deleted)' : text));
}
const say = (text: string): Bytes => encodeTalkMessage({ kind: 'message', name: '', text });
const refusals = ({ notices }: TestReplica): string[] =>
  notices.flatMap((notice) => (notice.kind === 'refused' ? [notice.code] : []));

/** Ann edits, Cas comments, Vic views. */
async function threeLinks() {
  const room = await makeRoom();
  const network = new MemoryNetwork(sure);
  const transports = () => [network.transport()];
  const ann = await join(room, { makesFile: true, transports: transports() });
  ann.text.insert(0, 'hers');
  const cas = await join(room, { kind: 'c', transports: transports(), knowsGenesis: false });
  const vic = await join(room, { kind: 'v', transports: transports(), knowsGenesis: false });
  const all = [ann, cas, vic];
  await until('all have met', () => all.every(({ replica }) => replica.others.length === 2));
  await until('all can read', () => all.every((each) => each.read() === 'hers'));
  return { room, network, ann, cas, vic };
}

/** Brings what others signed: met with an edit link of its own, as any tab that forwards. */
async function bring(room: TestRoom, network: MemoryNetwork, to: TestReplica, segments: readonly Bytes[]) {
  const keys = await room.keys('e');
  const session = await issueSession(keys, await generateDeviceKeyPair());
  const nonce = randomBytes(16);
  const hello = async (echo: Bytes, wantsReply = false): Promise<Bytes> => {
    const signed = encodeHello({
      nonce,
      echo,
      wantsReply,
      certificate: session.certificate,
      genesis: new Uint8Array(),
      frontier: encodeFrontier([]),
    });
    const signature = await session.sign(concat(HELLO_LABEL, signed));
    return writeFrame('hello', await seal(keys, 'hello', concat(signed, signature)));
  };
  const self = 'bringer' as PeerId;
  const connection = network.transport().connect(
    {
      self,
      roomId: keys.roomId,
      topic: keys.topic.publicKey,
      signTopic: async () => new Uint8Array(64),
      sealSignal: async (plain) => plain,
      openSignal: async (sealed) => sealed,
    },
    {
      onLink: (peer) =>
        void hello(new Uint8Array(16), true).then((first) => connection.send(peer, first, 'live')),
      onFrame: (from, frame) => {
        if (from !== to.replica.self || frame[0] !== frameType.hello) return;
        void openSealed(keys, 'hello', frame.subarray(1)).then(async (opened) => {
          const theirs = opened.ok ? decodeHello(opened.value) : undefined;
          if (theirs?.ok) connection.send(from, await hello(theirs.value.nonce), 'live');
        });
      },
      onLinkClosed: () => undefined,
      onStatus: () => undefined,
    },
  );
  const met = session.id.slice(0, 32);
  await until('it was met', () => to.replica.others.some(({ peer }) => peer === met));
  for (const segment of segments) connection.send(to.replica.self, writeFrame('live', segment), 'live');
  return connection;
}

async function holder(room: TestRoom, kind: SeedKind): Promise<{ keys: RoomKeys; session: OwnSession }> {
  const keys = await room.keys(kind);
  return { keys, session: await issueSession(keys, await generateDeviceKeyPair()) };
}
async function signed(
  { keys, session }: { keys: RoomKeys; session: OwnSession },
  channel: Channel,
  ...payloads: Bytes[]
): Promise<Bytes[]> {
  const forge = new Forge({ keys } as unknown as ConstructorParameters<typeof Forge>[0], session, channel);
  for (const payload of payloads) forge.add(payload);
  const every500 = Array.from({ length: Math.floor(payloads.length / 500) }, (_, i) => (i + 1) * 500);
  return forge.cut(every500);
}

describe('CERT-4: who may say what', () => {
  it('a commenter talks to all; with the editor forced open they change nobody’s document or runs', async () => {
    const { ann, cas, vic } = await threeLinks();
    expect(ann.replica.others.map(({ session }) => session.role).sort()).toEqual(['commenter', 'viewer']);
    cas.replica.post('talk', say('may I?'));
    await until('all read it', () => [ann, cas, vic].every((each) => chat(each).join() === 'may I?'));
    cas.text.insert(0, 'not ');
    await until('their own tab refuses it', () => cas.saves.at(-1)?.kind === 'refused');
    expect(cas.saves.at(-1)).toMatchObject({ refusal: { code: 'role-may-not-sign' } });
    ann.text.insert(4, '!');
    await until('they still follow', () => cas.read().endsWith('!') && vic.read() === 'hers!');
    expect(ann.read()).toBe('hers!');
  });

  it('a run that a commenter posts, and a word that a viewer posts, are refused where they are written', async () => {
    const { ann, cas, vic } = await threeLinks();
    cas.replica.post('runs', utf8('x'));
    vic.replica.post('talk', say('I, too'));
    for (const each of [cas, vic]) await until('it is refused', () => each.saves.at(-1)?.kind === 'refused');
    ann.replica.post('talk', say('anyone?'));
    await until('others go on', () => [cas, vic].every((each) => chat(each).includes('anyone?')));
    expect([chat(ann), ann.messages.length]).toEqual([['anyone?'], 1]);
  });

  it('forged around the app and brought by a third peer, they are refused by everybody; talk is not', async () => {
    const { room, network, ann, vic } = await threeLinks();
    const [cas, eve] = [await holder(room, 'c'), await holder(room, 'v')];
    await bring(room, network, ann, [
      ...(await signed(cas, 'project', rawUpdate(cas.session.clientId, 0, [{}]))),
      ...(await signed(cas, 'runs', utf8('x'))),
      ...(await signed(eve, 'talk', say('a viewer'))),
      ...(await signed(cas, 'talk', say('a commenter'))),
    ]);
    await until('the talk is everywhere', () =>
      [ann, vic].every((each) => chat(each).join() === 'a commenter'),
    );
    expect(refusals(ann)).toEqual(Array(3).fill('role-may-not-sign'));
    expect(refusals(vic), 'what is refused is not passed on').toEqual([]);
    expect([ann.read(), vic.read()]).toEqual(['hers', 'hers']);
    expect(ann.replica.frontier.filter(({ session }) => session === cas.session.id)).toHaveLength(1);
  });

  it('CERT-3: who holds the comment link makes no editor', async () => {
    const { room, network, ann } = await threeLinks();
    const cas = await holder(room, 'c');
    const edit = await room.keys('e');
    // The comment invite in the place of the edit invite: what the app makes of it claims to be an editor.
    const claims = { ...edit, ...(cas.keys.commentInvite && { editInvite: cas.keys.commentInvite }) };
    const session = await issueSession(claims, await generateDeviceKeyPair());
    expect(session.role).toBe('editor');
    await bring(room, network, ann, await signed({ keys: edit, session }, 'talk', say('as an editor')));
    await until('it is refused', () => refusals(ann).includes('role-above-issuer'));
    expect(chat(ann)).toEqual([]);
  });
});

describe('TALK-3: whose words', () => {
  it('CERT-8 somebody else’s edits and retractions change nothing, not even under a device they name and don’t have', async () => {
    const { room, network, ann, vic } = await threeLinks();
    ann.replica.post('talk', say('her words'));
    await until('they are there', () => chat(vic).length === 1);
    const annDevice = fromHex(ann.messages[0]?.session.device ?? '');
    const target = { session: ann.messages[0]?.session.id ?? '', seq: 1 } as Extract<
      TalkMessage,
      { kind: 'retract' }
    >['target'];
    const edit = encodeTalkMessage({ kind: 'edit', target, text: 'other words' });
    const retract = encodeTalkMessage({ kind: 'retract', target });
    const keys = await room.keys('c');
    const [cas, pretender] = [
      await holder(room, 'c'),
      { keys, session: await unprovedSession(keys, annDevice) },
    ];
    await bring(room, network, ann, [
      ...(await signed(cas, 'talk', edit, retract, say('I tried'))),
      ...(await signed(pretender, 'talk', edit, retract, say('I pretended'))),
    ]);
    await until('all that came is here', () => chat(vic).length === 3);
    for (const each of [ann, vic]) expect(chat(each)).toContain('her words');
    expect(refusals(ann)).toEqual([]);
    ann.replica.post('talk', encodeTalkMessage({ kind: 'edit', target, text: 'her own words' }));
    await until('her own edit counts', () => chat(vic).includes('her own words'));
  });
});

describe('TALK-4, SYNC-11: a long chat', () => {
  it('10,000 and more messages of a flood leave the view bounded, the room working, and open behind its text', async () => {
    const room = await makeRoom();
    const network = new MemoryNetwork(sure);
    const store = memoryStore();
    const ann = await join(room, { makesFile: true, transports: [network.transport()], store });
    ann.replica.post('talk', say('before'));
    const cas = await holder(room, 'c');
    const flood = Array.from({ length: KEPT_ENTRIES + 1000 }, (_, i) => say(`flood ${i}`));
    await bring(room, network, ann, await signed(cas, 'talk', ...flood));
    await until('all of it came', () =>
      ann.replica.frontier.some(({ seq, channel }) => channel === 'talk' && seq === flood.length),
    );
    const view = new TalkView();
    for (const { session, entries } of ann.messages)
      for (const { seq, time, payload } of entries)
        view.add({ author: { ...session, session: session.id }, seq, time, payload });
    expect(view.kept).toBe(KEPT_ENTRIES);
    ann.text.insert(0, 'still typing');
    ann.replica.post('talk', say('after'));
    await ann.replica.settled();
    expect(chat(ann, 1)).toEqual(['after']);

    let snapshot = false;
    await until('a snapshot is written', () => {
      void store.loadSnapshot().then((found) => (snapshot = found !== undefined));
      return snapshot;
    });
    ann.replica.post('talk', say('behind the snapshot'));
    await ann.replica.settled();
    const counted = slow(store);
    const again = await join(room, { transports: [], store: counted.store });
    expect([again.read(), counted.read, again.messages], 'the text is here, the chat is not').toEqual([
      'still typing',
      0,
      [],
    ]);
    again.replica.post('talk', say('meanwhile'));
    await again.replica.settled();
    expect(again.messages).toEqual([]);
    counted.go();
    await again.replica.told;
    expect(chat(again, 3)).toEqual(['after', 'behind the snapshot', 'meanwhile']);
    expect(seqsInOrder(again)).toBe(flood.length + 4);
  }, 60_000);

  it('what comes while the gate is shut waits behind what was here, and nothing is told twice', () => {
    const told: string[] = [];
    const one = (name: string) => [{ name }] as never;
    const gate = new MessageGate((accepted) => {
      for (const each of accepted as unknown as { name: string }[]) told.push(each.name);
    });
    gate.pass(one('a'));
    gate.shut();
    gate.pass(one('d'));
    gate.first(one('b'));
    gate.pass(one('e'));
    gate.first(one('c'));
    gate.open();
    gate.open();
    gate.pass(one('f'));
    expect(told.join('')).toBe('abcdef');
  });
});

/** A store that gives chains of talk from their beginning only when it is told to. */
function slow(store: LogStore) {
  const counted = { read: 0, go: (): void => undefined, store };
  const gone = new Promise<void>((resolve) => (counted.go = resolve));
  counted.store = new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name !== 'readChain') return value.bind(target) as unknown;
      return async (...args: Parameters<LogStore['readChain']>) => {
        if (args[1] === 'talk' && args[2] === 1) await gone.then(() => counted.read++);
        return target.readChain(...args);
      };
    },
  });
  return counted;
}

/** How many entries were told; fails where a chain's are out of order or told twice. */
function seqsInOrder({ messages }: TestReplica): number {
  const last = new Map<string, number>();
  let count = 0;
  for (const { session, entries } of messages)
    for (const { seq } of entries) {
      expect(seq).toBe((last.get(session.id) ?? 0) + 1);
      last.set(session.id, seq);
      count++;
    }
  return count;
}
