import * as Y from 'yjs';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { concat, utf8, type Bytes } from '../core/bytes.ts';
import { deviceKeyPairFromSeed } from '../crypto/device-keys.ts';
import { deriveRoomKeys } from '../crypto/room-keys.ts';
import { issueSession } from './certificate.ts';
import { encodeHeads, type Entry } from './entry.ts';
import { MAX_ENTRY_BYTES, type RefusalCode } from './format.ts';
import { HELD_PER_ISSUER_BYTES, HELD_PER_SESSION_BYTES } from './held-segments.ts';
import { RoomLog } from './room-log.ts';
import { openSealed, seal } from './seal.ts';
import { decodeSegment } from './segment.ts';
import { squash } from './squash.ts';
import {
  applyTo,
  Author,
  Forge,
  isPending,
  rawUpdate,
  testRoom,
  type RawStruct,
  type TestRoom,
} from './test-room.ts';

let room: TestRoom;
// Two cores are shared with other suites: a slow machine is no failure.
vi.setConfig({ testTimeout: 30_000 });
beforeAll(async () => {
  room = await testRoom();
});

const newAuthor = async (): Promise<Author> => new Author(room, await room.newSession());
const newForge = async (): Promise<Forge> => new Forge(room, await room.newSession());
async function entriesOf(segments: readonly Bytes[]): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const sealed of segments) {
    const body = await openSealed(room.keys, 'segment', sealed);
    const segment = body.ok ? decodeSegment(body.value) : undefined;
    if (segment?.ok) entries.push(...segment.value.entries);
  }
  return entries;
}
const nothing: Bytes = new Uint8Array();

describe('accepting', () => {
  test('ACC-1 what one author types arrives whole, and once', async () => {
    const [ann, ben] = [await newAuthor(), await newAuthor()];
    await ann.edit((text) => text.insert(0, 'hello'));
    await ann.edit((text) => text.insert(5, ' world'));
    for (const sealed of [...ann.sealed, ...ann.sealed]) await ben.receive(sealed);
    expect(ben.text.toString()).toBe('hello world');
    expect((await ben.receive(ann.sealed[0] as Bytes)).duplicate).toBe(true);
    expect(ben.log.sessionOfClient(ann.session.clientId)?.id).toBe(ann.session.id);
  });

  test('ACC-13 an answer that overtakes its cause is held, and released after it', async () => {
    const [ann, ben, eve] = [await newAuthor(), await newAuthor(), await newAuthor()];
    await ann.edit((text) => text.insert(0, 'ab'));
    await ben.receive(ann.sealed[0] as Bytes);
    await ben.edit((text) => text.insert(1, '-'));
    const early = await eve.receive(ben.sealed[0] as Bytes);
    expect(early).toMatchObject({ accepted: [], held: { session: ben.session.id, first: 1, last: 1 } });
    const cause = await eve.receive(ann.sealed[0] as Bytes);
    expect(cause.accepted.map(({ session }) => session.id)).toEqual([ann.session.id, ben.session.id]);
    expect(eve.text.toString()).toBe('a-b');
    expect(eve.log.heldBytes).toBe(0);
  });

  test('ACC-14 a gap is named, what came after it is held', async () => {
    const [ann, ben] = [await newAuthor(), await newAuthor()];
    for (const letter of 'abcd') await ann.edit((text) => text.insert(text.length, letter));
    const [one, two, three, four] = ann.sealed as [Bytes, Bytes, Bytes, Bytes];
    const session = ann.session.id;
    expect((await ben.receive(four)).gap).toEqual({ session, channel: 'project', haveSeq: 0, needSeq: 3 });
    await ben.receive(one);
    expect(await ben.receive(three)).toMatchObject({
      gap: { haveSeq: 1, needSeq: 2 },
      held: { first: 3, last: 3 },
    });
    await ben.receive(two);
    expect(ben.text.toString()).toBe('abc');
    await ben.receive(four);
    expect(ben.text.toString()).toBe('abcd');
  });

  test('LOG-1, LOG-3 each channel is a chain of its own from seq 1, whatever its entries claim of time', async () => {
    const [ann, ben] = [await newAuthor(), await newAuthor()];
    const sealed: Bytes[] = [];
    const seqs: number[][] = [];
    for (const channel of ['talk', 'runs', 'talk'] as const) {
      const said = await ann.log.append(ann.session, channel, nothing, channel === 'talk' ? 0 : 2 ** 53 - 1);
      if (!said.ok) throw new Error(said.error.code);
      sealed.push(said.value.sealed);
      seqs.push([said.value.first, said.value.last]);
    }
    const edit = await ann.edit((text) => text.insert(0, 'a'), 0);
    expect([...seqs, [edit?.first, edit?.last]]).toEqual([
      [1, 1],
      [1, 1],
      [2, 2],
      [1, 1],
    ]);
    for (const one of [...sealed, ...ann.sealed]) expect((await ben.receive(one)).refused).toBeUndefined();
    expect(
      ben.log
        .frontier()
        .map(({ channel, seq }) => `${channel} ${seq}`)
        .sort(),
    ).toEqual(['project 1', 'runs 1', 'talk 2']);
  });

  test('LOG-4 a lone writer names no heads, an answer names one', async () => {
    const [ann, ben] = [await newAuthor(), await newAuthor()];
    const first = await ann.edit((text) => text.insert(0, 'a'));
    await ann.edit((text) => text.insert(1, 'b'));
    for (const sealed of ann.sealed) await ben.receive(sealed);
    const answer = await ben.edit((text) => text.insert(2, 'c'));
    expect(first?.sealed.length).toBeLessThan(700);
    // Ann's later entries are not there: the answer waits for exactly her newest.
    const eve = await newAuthor();
    await eve.receive(ann.sealed[0] as Bytes);
    expect((await eve.receive(answer?.sealed as Bytes)).held).toBeDefined();
    expect((await eve.receive(ann.sealed[1] as Bytes)).accepted).toHaveLength(2);
  });

  test('ACC-16 chains exported and imported go on where they stood', async () => {
    const [ann, ben] = [await newAuthor(), await newAuthor()];
    await ann.edit((text) => text.insert(0, 'one'));
    await ben.receive(ann.sealed[0] as Bytes);
    const { roomId } = room.keys;
    const copy = RoomLog.importChains(ben.log.exportChains(), {
      roomId,
      keys: room.keys,
      genesis: room.genesis,
    });
    if (!copy.ok) throw new Error('damaged');
    expect(copy.value.frontier()).toEqual(ben.log.frontier());
    await ann.edit((text) => text.insert(3, ' two'));
    expect((await copy.value.receive(ann.sealed[1] as Bytes)).accepted).toHaveLength(1);
    expect((await copy.value.receive(ann.sealed[0] as Bytes)).duplicate).toBe(true);
    const damaged = ben.log.exportChains().subarray(0, 100);
    expect(RoomLog.importChains(damaged, { roomId, keys: room.keys }).ok).toBe(false);
  });

  test('ACC-16 adopting another fold keeps own chains and releases what waited', async () => {
    const [ann, ben, worker] = [await newAuthor(), await newAuthor(), await newAuthor()];
    await ann.edit((text) => text.insert(0, 'ab'));
    const eve = await newAuthor();
    await eve.receive(ann.sealed[0] as Bytes);
    await eve.edit((text) => text.insert(1, '-'));
    await ben.edit((text) => text.insert(0, 'own'));
    await ben.receive(eve.sealed[0] as Bytes);
    await worker.receive(ann.sealed[0] as Bytes);
    expect(ben.log.adopt(worker.log.exportChains())).toBe(true);
    const released = await ben.log.release();
    expect(released.accepted.map(({ session }) => session.id)).toEqual([eve.session.id]);
    expect(ben.log.frontier()).toHaveLength(3);
    const next = await ben.log.append(ben.session, 'talk', nothing, 1);
    expect(next.ok).toBe(true);
  });

  test('ACC-16 adopting what fills a gap releases what was held behind it', async () => {
    const [ann, ben, worker] = [await newAuthor(), await newAuthor(), await newAuthor()];
    for (const letter of 'abcd') await ann.edit((text) => text.insert(text.length, letter));
    const [one, two, three, four] = ann.sealed as [Bytes, Bytes, Bytes, Bytes];
    await ben.receive(one);
    expect(await ben.receive(three)).toMatchObject({ gap: { haveSeq: 1, needSeq: 2 }, held: { first: 3 } });
    for (const sealed of [one, two]) await worker.receive(sealed);
    ben.log.adopt(worker.log.exportChains());
    Y.applyUpdate(ben.doc, Y.encodeStateAsUpdate(worker.doc), 'log');
    const released = await ben.log.release();
    applyTo(ben.doc, released);
    expect(released.accepted).toMatchObject([{ first: 3, last: 3 }]);
    expect(await ben.receive(four)).toMatchObject({ accepted: [{ first: 4 }] });
    expect(ben.text.toString()).toBe('abcd');
    expect(ben.log.heldBytes).toBe(0);
  });

  test('ACC-13 talk and runs carry messages in causal order', async () => {
    const [ann, ben, eve] = [await newAuthor(), await newAuthor(), await newAuthor()];
    const said = await ann.log.append(ann.session, 'talk', Uint8Array.of(1), 1);
    if (!said.ok) throw new Error(said.error.code);
    await ben.receive(said.value.sealed);
    const answered = await ben.log.append(ben.session, 'talk', Uint8Array.of(2), 1);
    if (!answered.ok) throw new Error(answered.error.code);
    expect((await eve.receive(answered.value.sealed)).held).toBeDefined();
    expect(
      (await eve.receive(said.value.sealed)).accepted.map(({ entries }) => entries[0]?.payload[0]),
    ).toEqual([1, 2]);
  });
});

describe('LOG-11 the time of a message', () => {
  const say = async (author: Author, time: number, channel: 'talk' | 'runs' = 'runs') => {
    const said = await author.log.append(author.session, channel, Uint8Array.of(1), time);
    if (!said.ok) throw new Error(said.error.code);
    return { sealed: said.value.sealed, told: said.value.entries.map((entry) => entry.time) };
  };

  test('is after all that it follows, on every replica, whatever clocks say', async () => {
    const [ann, ben, eve] = [await newAuthor(), await newAuthor(), await newAuthor()];
    const future = await say(ann, 9_000_000);
    expect(future.told).toEqual([9_000_000]);
    await ben.receive(future.sealed);
    const answer = await say(ben, 5);
    const again = await say(ben, 6);
    expect([...answer.told, ...again.told]).toEqual([9_000_001, 9_000_002]);
    const told: number[] = [];
    for (const sealed of [answer.sealed, again.sealed, future.sealed])
      for (const { entries } of (await eve.receive(sealed)).accepted)
        told.push(...entries.map(({ time }) => time));
    expect(told.sort()).toEqual([9_000_000, 9_000_001, 9_000_002]);
    // An export of the chains knows the times: what comes after it is told alike.
    const { roomId } = room.keys;
    const copy = RoomLog.importChains(ben.log.exportChains(), {
      roomId,
      keys: room.keys,
      genesis: room.genesis,
    });
    if (!copy.ok) throw new Error('damaged');
    const late = await copy.value.append(eve.session, 'runs', nothing, 7);
    expect(late.ok && late.value.entries[0]?.time).toBe(9_000_003);
    // Other channels have times of their own.
    expect((await say(ben, 8, 'talk')).told).toEqual([8]);
  });

  test('leaves room for answers to the latest claim that there can be', async () => {
    const [ann, ben] = [await newAuthor(), await newAuthor()];
    const last = await say(ann, Number.MAX_SAFE_INTEGER);
    await ben.receive(last.sealed);
    const answers = [await say(ben, 5), await say(ben, 6), await say(ben, 7)].flatMap(({ told }) => told);
    expect([...last.told, ...answers]).toEqual([0, 1, 2, 3].map((after) => 2 ** 52 + after));
  });
});

describe('refusals: each closes its chain at the bad entry, whatever the cut', () => {
  const me = (forge: Forge): number => forge.session.clientId;
  const struct = (one: RawStruct) => (forge: Forge) => rawUpdate(me(forge), 1, [one]);
  const cases: [RefusalCode, string, (forge: Forge) => Bytes][] = [
    ['foreign-struct', 'ACC-7 a struct of another client', () => rawUpdate(99, 0, [{}])],
    ['wrong-clock', 'ACC-8 clocks that were used before', (forge) => rawUpdate(me(forge), 0, [{}])],
    ['wrong-clock', 'ACC-8 a clock left out', (forge) => rawUpdate(me(forge), 2, [{}])],
    ['wrong-clock', 'ACC-8 a clock beyond the limit', struct({ kind: 0, length: 2 ** 33 })],
    ['skip-struct', 'ACC-9 a Skip', struct({ kind: 10, length: 4 })],
    [
      'skip-struct',
      'ACC-9 a Skip with flag bits, which decodeUpdate misreads',
      struct({ kind: 10 | 0x20, length: 4 }),
    ],
    ['malformed-update', 'ACC-9 an empty struct', struct({ kind: 0, length: 0 })],
    ['malformed-update', 'ACC-9 empty text', struct({ text: '' })],
    ['content-kind', 'ACC-10 a subdocument', struct({ kind: 9 })],
    ['content-kind', 'ACC-10 formatting', struct({ kind: 6 })],
    ['content-kind', 'ACC-10 an XML type', struct({ kind: 7, length: 3 })],
    ['root-name', 'ACC-10 an unknown root', struct({ parent: 'hidden' })],
    [
      'bad-reference',
      'ACC-11 an origin of its own to come',
      (f) => rawUpdate(me(f), 1, [{ origin: [me(f), 1] }]),
    ],
    [
      'bad-delete-set',
      'ACC-12 own clocks that do not exist',
      (f) => rawUpdate(me(f), 1, [], [[me(f), 0, 2]]),
    ],
    [
      'bad-delete-set',
      'ACC-12 a range that erases the future',
      (f) => rawUpdate(me(f), 1, [], [[5, 0, 2 ** 40]]),
    ],
    ['bad-delete-set', 'ACC-12 an empty range', (f) => rawUpdate(me(f), 1, [], [[5, 0, 0]])],
    [
      'bad-delete-set',
      'ACC-12 a client twice',
      (f) =>
        rawUpdate(
          me(f),
          1,
          [],
          [
            [5, 0, 1],
            [5, 2, 1],
          ],
        ),
    ],
    ['malformed-update', 'ACC-6 trailing bytes', (f) => concat(rawUpdate(me(f), 1, [{}]), Uint8Array.of(0))],
    [
      'malformed-update',
      'ACC-6 the second form of Yjs',
      (f) => Y.convertUpdateFormatV1ToV2(rawUpdate(me(f), 1, [{}])) as Bytes,
    ],
    ['malformed-update', 'ACC-6 nothing', () => nothing],
    ['malformed-update', 'ACC-6 a huge count', () => Uint8Array.of(1, 255, 255, 255, 255, 255, 255, 255, 15)],
  ];
  test.each(cases)('%s: %s', async (code, _rule, payload) => {
    const forge = await newForge();
    forge
      .add(rawUpdate(me(forge), 0, [{}]))
      .add(payload(forge))
      .add(rawUpdate(me(forge), 1, [{ text: 'later' }]));
    const [whole, cut] = [room.newLog(), room.newLog()];
    const receipt = await whole.receive(await forge.segment(1, 3));
    expect(receipt.refused).toMatchObject({ code, session: forge.session.id, channel: 'project', seq: 2 });
    expect(receipt.accepted).toMatchObject([{ first: 1, last: 1, segLast: 3 }]);
    for (const sealed of await forge.cut([1, 2])) await cut.receive(sealed);
    expect(cut.frontier()).toEqual(whole.frontier());
    expect((await cut.receive(await forge.segment(3, 3))).refused?.code).toBe('chain-closed');
    expect((await whole.receive(await forge.segment(2, 2))).refused?.code).toBe('chain-closed');
  });

  test('mixed-parents: ACC-11 a struct between two lists, which garbage collection would place differently', async () => {
    const ann = await newAuthor();
    await ann.edit((text) => text.insert(0, 'root'));
    await ann.edit(() => ann.doc.getText('blobs').insert(0, 'other'));
    const forge = await newForge();
    const client = ann.session.clientId;
    forge.add(rawUpdate(me(forge), 0, [{ origin: [client, 0], rightOrigin: [client, 4] }]));
    const log = room.newLog();
    for (const sealed of ann.sealed) await log.receive(sealed);
    const copy = RoomLog.importChains(log.exportChains(), { ...room, roomId: room.keys.roomId });
    if (!copy.ok) throw new Error('damaged');
    for (const one of [log, copy.value])
      expect((await one.receive(await forge.segment(1, 1))).refused?.code).toBe('mixed-parents');
  });

  test('malformed-heads: ACC-5 heads that are cut short', async () => {
    const forge = await newForge();
    forge.add(rawUpdate(me(forge), 0, [{}]), Uint8Array.of(1, 2, 3));
    expect((await room.newLog().receive(await forge.segment(1, 1))).refused?.code).toBe('malformed-heads');
  });

  test('a refusal does not wait for a dependency', async () => {
    const forge = await newForge();
    forge.add(rawUpdate(99, 0, [{}]), encodeHeads([{ seq: 1, hash: new Uint8Array(16) }]));
    expect((await room.newLog().receive(await forge.segment(1, 1))).refused?.code).toBe('foreign-struct');
  });
});

describe('refusals of segments: nothing is closed, the next good one is taken', () => {
  test('no-genesis: ACC-3', async () => {
    const { keys, genesis } = room;
    const log = new RoomLog({ roomId: keys.roomId, keys });
    const ann = await newAuthor();
    await ann.edit((text) => text.insert(0, 'a'));
    expect((await log.receive(ann.sealed[0] as Bytes)).refused?.code).toBe('no-genesis');
    log.setGenesis(genesis);
    expect((await log.receive(ann.sealed[0] as Bytes)).accepted).toHaveLength(1);
  });

  test('not-ours, malformed-sealed, wrong-kind, wrong-epoch, too-large, unknown format: SEAL-2', async () => {
    const ann = await newAuthor();
    await ann.edit((text) => text.insert(0, 'a'));
    const good = ann.sealed[0] as Bytes;
    const changed = (at: number, to: number): Bytes => good.map((byte, i) => (i === at ? to : byte));
    const log = room.newLog();
    const code = async (sealed: Bytes) => (await log.receive(sealed)).refused?.code;
    expect(await code(changed(40, (good[40] ?? 0) ^ 1))).toBe('not-ours');
    expect(
      await code((await testRoom()).keys ? await seal((await testRoom()).keys, 'segment', good) : good),
    ).toBe('not-ours');
    expect(await code(good.subarray(0, 20))).toBe('malformed-sealed');
    expect(await code(nothing)).toBe('malformed-sealed');
    expect(await code(await seal(room.keys, 'want', good))).toBe('wrong-kind');
    expect(await code(changed(5, 1))).toBe('wrong-epoch');
    expect(await code(new Uint8Array(20 * 1024 * 1024 + 1))).toBe('too-large');
    expect(await log.receive(changed(0, 2))).toMatchObject({ unknownFormat: true, accepted: [] });
    expect(await code(await seal(room.keys, 'segment', new Uint8Array(200)))).toBe('malformed-segment');
    expect((await log.receive(good)).accepted).toHaveLength(1);
  });

  test('role-may-not-sign: CERT-4 a viewer signs no channel', async () => {
    const viewer = await issueSession(room.viewKeys, await deviceKeyPairFromSeed(new Uint8Array(32)));
    const log = room.newLog();
    for (const channel of ['project', 'talk', 'runs'] as const) {
      const forge = new Forge(room, viewer, channel).add(rawUpdate(viewer.clientId, 0, [{}]));
      expect((await log.receive(await forge.segment(1, 1))).refused?.code).toBe('role-may-not-sign');
      const tried = await log.append(viewer, channel, nothing, 1);
      expect(tried).toMatchObject({ ok: false, error: { code: 'role-may-not-sign' } });
    }
    expect(log.frontier()).toEqual([]);
  });

  test('role-may-not-sign: CERT-4 a commenter signs talk and nothing else', async () => {
    const { roomId, seeds } = room.keys;
    const keys = await deriveRoomKeys('c', seeds.c as Bytes, 0, roomId);
    const commenter = await issueSession(keys, await deviceKeyPairFromSeed(new Uint8Array(32)));
    const log = room.newLog();
    for (const channel of ['project', 'runs'] as const) {
      const forge = new Forge(room, commenter, channel).add(rawUpdate(commenter.clientId, 0, [{}]));
      expect((await log.receive(await forge.segment(1, 1))).refused?.code).toBe('role-may-not-sign');
      const tried = await log.append(commenter, channel, nothing, 1);
      expect(tried).toMatchObject({ ok: false, error: { code: 'role-may-not-sign' } });
    }
    expect(log.frontier()).toEqual([]);
    const talk = new Forge(room, commenter, 'talk').add(utf8('said'));
    expect((await log.receive(await talk.segment(1, 1))).accepted).toHaveLength(1);
    expect((await log.append(commenter, 'talk', utf8('again'), 1)).ok).toBe(true);
  });

  test('bad-signature: LOG-5, LOG-8 another key, and an entry changed by a reader', async () => {
    const [forge, other] = [await newForge(), await newForge()];
    forge.add(rawUpdate(forge.session.clientId, 0, [{}]));
    const stolen = new Forge(room, { ...forge.session, sign: (message) => other.session.sign(message) });
    stolen.entries.push(...forge.entries);
    const log = room.newLog();
    expect((await log.receive(await stolen.segment(1, 1))).refused?.code).toBe('bad-signature');
    expect((await log.receive(await forge.segment(1, 1))).accepted).toHaveLength(1);
  });

  test('bad-signature: LOG-5 a segment passed off as one of another channel is no fork', async () => {
    const session = await room.newSession();
    const log = room.newLog();
    const [project, talk] = [new Forge(room, session), new Forge(room, session, 'talk')];
    for (let i = 0; i < 3; i++) project.add(rawUpdate(session.clientId, i, [{}]));
    talk.add(nothing).add(nothing);
    await log.receive(await talk.segment(1, 2));
    const signedForProject = new Forge(
      room,
      {
        ...session,
        sign: async (message) =>
          session.sign(message.map((byte, i) => (i === message.length - 33 ? 0 : byte))),
      },
      'talk',
    );
    signedForProject.entries.push(...project.entries);
    expect((await log.receive(await signedForProject.segment(3, 3))).refused?.code).toBe('bad-signature');
    expect(log.forkProofs).toEqual([]);
  });

  test('fork: ACC-4, LOG-8 the first seen stays, the proof is kept, in whatever order the cuts come', async () => {
    const session = await room.newSession();
    const [left, right] = [new Forge(room, session), new Forge(room, session)];
    left.add(rawUpdate(session.clientId, 0, [{ text: 'l' }])).add(rawUpdate(session.clientId, 1, [{}]));
    right.add(rawUpdate(session.clientId, 0, [{ text: 'r' }])).add(rawUpdate(session.clientId, 1, [{}]));
    const log = room.newLog();
    await log.receive(await left.segment(1, 1));
    const before = log.frontier();
    for (const [first, last] of [
      [1, 1],
      [1, 2],
      [2, 2],
    ] as const)
      expect((await log.receive(await right.segment(first, last))).refused?.code).toBe('fork');
    expect(log.frontier()).toEqual(before);
    expect(log.forkProofs, 'one a chain is enough').toHaveLength(1);
    expect((await log.receive(await left.segment(2, 2))).accepted).toHaveLength(1);
  });

  test('second-certificate, client-id-taken: CERT-6 nothing is signed as what others took for another', async () => {
    const ann = await newAuthor();
    await ann.edit((text) => text.insert(0, 'a'));
    const other = await newForge();
    const log = room.newLog();
    await log.receive(ann.sealed[0] as Bytes);
    const words = rawUpdate(ann.session.clientId, 0, [{}]);
    const twin = { ...other.session, clientId: ann.session.clientId };
    expect(await log.append(twin, 'project', words, 1)).toMatchObject({
      error: { code: 'client-id-taken' },
    });
    const again = { ...ann.session, certificate: other.session.certificate };
    expect(await log.append(again, 'talk', utf8('x'), 1)).toMatchObject({
      error: { code: 'second-certificate' },
    });
  });

  test('entry-too-large, unmet-dependency: ACC-17 the author is told before anything is signed', async () => {
    const ann = await newAuthor();
    const large = await ann.log.append(ann.session, 'talk', new Uint8Array(MAX_ENTRY_BYTES + 1), 1);
    expect(large).toMatchObject({ ok: false, error: { code: 'entry-too-large' } });
    const unmet = rawUpdate(ann.session.clientId, 0, [{ origin: [5, 5] }]);
    expect(await ann.log.append(ann.session, 'project', unmet, 1)).toMatchObject({
      error: { code: 'unmet-dependency' },
    });
    expect(ann.log.frontier()).toEqual([]);
    expect(await ann.edit((text) => text.insert(0, 'still works'))).toBeDefined();
  });

  test('SEAL-6, LOG-7 an entry of 16 MiB passes, alone, and one of a byte more does not, whoever signs it', async () => {
    const [ann, ben] = [await newAuthor(), await newAuthor()];
    const largest = new Uint8Array(16 * 1024 * 1024);
    crypto.getRandomValues(largest.subarray(0, 60_000));
    const sent = await ann.log.append(ann.session, 'talk', largest, 1);
    if (!sent.ok) throw new Error(sent.error.code);
    expect((await ben.receive(sent.value.sealed)).accepted).toHaveLength(1);
    const larger = concat(largest, Uint8Array.of(0));
    expect(await ann.log.append(ann.session, 'talk', larger, 1)).toMatchObject({
      ok: false,
      error: { code: 'entry-too-large' },
    });
    const forge = new Forge(room, await room.newSession(), 'talk').add(larger);
    expect((await ben.receive(await forge.segment(1, 1))).refused?.code).toBe('malformed-segment');
  });
});

describe('ACC-15 held segments', () => {
  test('unknown origins, parents, ranges and heads stay held, within the quotas, and repair ends', async () => {
    const log = room.newLog();
    const doc = new Y.Doc();
    for (let who = 0; who < 4; who++) {
      const forge = await newForge();
      const me = forge.session.clientId;
      const wants = [
        rawUpdate(me, 0, [{ origin: [77, 3], text: 'x'.repeat(30_000) }]),
        rawUpdate(me, 0, [{ parent: [78, 3], text: 'x' }]),
        rawUpdate(me, 0, [], [[79, 0, 1]]),
      ];
      if (who < 3) forge.add(wants[who] as Bytes);
      else forge.add(rawUpdate(me, 0, [{}]), encodeHeads([{ seq: 3, hash: new Uint8Array(16).fill(80) }]));
      for (let i = 0; i < 30; i++) forge.add(crypto.getRandomValues(new Uint8Array(60_000)));
      for (let seq = 1; seq <= 31; seq++) applyTo(doc, await log.receive(await forge.segment(seq, seq)));
      const claim = [
        { session: forge.session.id, channel: 'project' as const, seq: 31, hash: new Uint8Array(32) },
      ];
      expect(log.missingFrom(claim)).toEqual([]);
    }
    expect(log.heldBytes).toBeLessThanOrEqual(4 * HELD_PER_SESSION_BYTES);
    expect(log.heldBytes).toBeGreaterThan(HELD_PER_SESSION_BYTES);
    expect(log.frontier()).toEqual([]);
    expect(isPending(doc)).toBe(false);
  });

  test('however many sessions somebody mints, all of one link share its quota, and an honest one keeps what it holds', async () => {
    const [ann, ben] = [await newAuthor(), await newAuthor()];
    await ann.edit((text) => text.insert(0, 'first '));
    await ben.receive(ann.sealed[0] as Bytes);
    await ben.edit((text) => text.insert(6, 'then'));
    const log = room.newLog();
    expect((await log.receive(ben.sealed[0] as Bytes)).held).toBeDefined();
    for (let who = 0; who < 12; who++) {
      const forge = await newForge();
      forge.add(rawUpdate(forge.session.clientId, 0, [{ origin: [77, 3] }]));
      for (let i = 0; i < 16; i++) forge.add(crypto.getRandomValues(new Uint8Array(60_000)));
      for (let seq = 1; seq <= 17; seq++) await log.receive(await forge.segment(seq, seq));
    }
    expect(log.heldBytes).toBeLessThanOrEqual(HELD_PER_ISSUER_BYTES);
    expect(log.heldBytes).toBeGreaterThan(HELD_PER_ISSUER_BYTES - HELD_PER_SESSION_BYTES);
    // Who holds most gives way: it is not the one who waits for a moment.
    expect((await log.receive(ann.sealed[0] as Bytes)).accepted).toHaveLength(2);
  });

  test('what was evicted is wanted when its dependency has come, and then arrives', async () => {
    const [ann, ben] = [await newAuthor(), await newAuthor()];
    await ann.edit((text) => text.insert(0, 'start '));
    await ben.receive(ann.sealed[0] as Bytes);
    const noise = () =>
      Array.from({ length: 150_000 }, () => String.fromCodePoint(33 + Math.floor(Math.random() * 90))).join(
        '',
      );
    for (let i = 0; i < 12; i++) await ben.edit((text) => text.insert(text.length, noise()));
    const eve = await newAuthor();
    for (const sealed of ben.sealed) await eve.receive(sealed);
    expect(eve.log.heldBytes).toBeLessThanOrEqual(HELD_PER_SESSION_BYTES);
    const receipt = await eve.receive(ann.sealed[0] as Bytes);
    expect(receipt.wanted).toMatchObject([{ session: ben.session.id, needSeq: 12 }]);
    for (let seq = receipt.wanted[0]?.haveSeq ?? 0; seq < 12; seq++)
      await eve.receive(ben.sealed[seq] as Bytes);
    expect(eve.text.toString() === ben.text.toString()).toBe(true);
    expect(eve.log.heldBytes).toBe(0);
  });

  test('two writers that alternate, each squashed, release one another', async () => {
    const [ann, ben, eve] = [await newAuthor(), await newAuthor(), await newAuthor()];
    for (let i = 0; i < 40; i++) {
      await ben.receive((await ann.edit((text) => text.insert(0, 'a')))?.sealed as Bytes);
      await ann.receive((await ben.edit((text) => text.insert(0, 'b')))?.sealed as Bytes);
    }
    for (const author of [ann, ben]) {
      const forge = new Forge(room, author.session);
      forge.entries.push(...(await entriesOf(author.sealed)));
      await eve.receive(await forge.segment(1, 40));
    }
    expect(eve.text.toString()).toBe(ann.text.toString());
    expect(eve.log.heldBytes).toBe(0);
  });
});

describe('LOG-9 squashing', () => {
  test('a reader makes one segment of 500, at multiples only; it is taken as the short ones are', async () => {
    const [ann, ben] = [await newAuthor(), await newAuthor()];
    const stored = [];
    for (let i = 0; i < 502; i++) {
      const one = await ann.edit((text) => text.insert(i % 7, 'k'), 1_000 + i);
      if (one)
        stored.push({
          session: one.session.id,
          channel: one.channel,
          first: one.first,
          last: one.last,
          sealed: one.sealed,
        });
    }
    const squashed = await squash(room.viewKeys, stored);
    expect(squashed.map(({ segment: { first, last }, replaced }) => [first, last, replaced.length])).toEqual([
      [1, 500, 500],
    ]);
    const reversed = await squash(room.viewKeys, [...stored].reverse());
    expect(reversed[0]?.segment).toEqual(squashed[0]?.segment);
    const [{ segment }] = squashed as [(typeof squashed)[number]];
    const long = await ben.receive(segment.sealed);
    expect(long.accepted[0]?.entries.map(({ time }) => time)).toEqual(
      Array.from({ length: 500 }, (_, i) => 1_000 + i),
    );
    for (const sealed of ann.sealed.slice(500)) await ben.receive(sealed);
    expect(ben.log.frontier()).toEqual(ann.log.frontier());
    expect((await ann.receive(segment.sealed)).duplicate).toBe(true);
    expect(await squash(room.keys, [segment])).toEqual([]);
  });
});
