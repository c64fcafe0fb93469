/** What of former epochs is part of the room (docs/spec-roster.md, ROST-10, ROST-11). */
import fc from 'fast-check';
import * as Y from 'yjs';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { randomBytes, toHex, utf8, type Bytes } from '../core/bytes.ts';
import type { Channel } from '../core/ids.ts';
import { deviceKeyPairFromSeed } from '../crypto/device-keys.ts';
import { deriveRoomKeys } from '../crypto/room-keys.ts';
import { issueSession, type OwnSession } from './certificate.ts';
import { encodeFrontier, type FrontierRow } from './frontier.ts';
import { encodeHeads } from './entry.ts';
import type { BranchStart } from './branches.ts';
import { RoomLog } from './room-log.ts';
import { nextEpoch as epochAfter, type EpochRoom } from './test-epoch.ts';
import {
  applyTo,
  Author,
  Forge,
  isPending,
  rawUpdate,
  stateHash,
  testRoom,
  type TestRoom,
} from './test-room.ts';

vi.setConfig({ testTimeout: 60_000 });
let first: TestRoom;
beforeAll(async () => {
  first = await testRoom();
});

const nextEpoch = (closed: readonly FrontierRow[], before: EpochRoom = first): Promise<EpochRoom> =>
  epochAfter(closed, before);

async function writer(room: TestRoom, ...words: string[]): Promise<Author> {
  const author = new Author(room, await room.newSession());
  for (const word of words) await author.edit((text) => text.insert(text.length, word));
  return author;
}
const rowAt = (author: Author, seq = author.sealed.length): FrontierRow => {
  const row = author.log.frontier().find(({ session }) => session === author.session.id);
  if (row?.seq !== seq) throw new Error('not the newest row');
  return row;
};
async function carry(room: TestRoom, session: OwnSession, rows: readonly FrontierRow[]): Promise<Bytes> {
  const forge = new Forge(room, session, 'carry').add(encodeFrontier(rows));
  return forge.segment(1, 1);
}
async function taken(log: RoomLog, sealed: readonly Bytes[]): Promise<{ text: string; refused: unknown[] }> {
  const doc = new Y.Doc();
  const refused: unknown[] = [];
  for (const one of sealed) {
    const receipt = await log.receive(one);
    applyTo(doc, receipt);
    if (receipt.refused) refused.push(receipt.refused.code);
  }
  expect(isPending(doc)).toBe(false);
  return { text: doc.getText('files').toString(), refused };
}

describe('ROST-10 a closed session', () => {
  test('is in up to the closed frontier; what goes beyond waits, and refuses nobody else', async () => {
    const ann = await writer(first, 'a', 'b');
    const closed = [rowAt(ann)];
    await ann.edit((text) => text.insert(2, 'c'));
    const room = await nextEpoch(closed);
    const log = room.newLog();
    expect(await taken(log, ann.sealed)).toEqual({ text: 'ab', refused: [] });
    const ben = await writer(room, 'x');
    expect((await taken(log, ben.sealed)).text).toBe('x');
    expect(log.missingFrom([{ ...rowAt(ann, 3) }])).toEqual([]);
  });

  test('that was minted from the old seed afterwards gets nothing in, by whatever it names', async () => {
    const room = await nextEpoch([]);
    const late = await writer(first, 'late');
    const log = room.newLog();
    expect((await taken(log, late.sealed)).text).toBe('');
    // Its own carry is of its own epoch: it raises nothing.
    const carried = await carry(first, late.session, [rowAt(late)]);
    expect((await taken(log, [carried])).text).toBe('');
    expect(log.frontier()).toEqual([]);
  });

  test('is not in where the row names another entry with that seq', async () => {
    const ann = await writer(first, 'a', 'b');
    const wrong = { ...rowAt(ann), hash: randomBytes(32) };
    const room = await nextEpoch([wrong]);
    expect((await taken(room.newLog(), ann.sealed)).text).toBe('a');
  });

  test('of an epoch whose statement is not known is wrong-epoch, and closes nothing', async () => {
    const room = await nextEpoch([]);
    const ben = await writer(room, 'x');
    expect((await taken(first.newLog(), ben.sealed)).refused).toEqual(['wrong-epoch']);
    expect((await taken(room.newLog(), ben.sealed)).text).toBe('x');
    const later = await deriveRoomKeys('e', randomBytes(32), 2, room.keys.roomId);
    const early = new Forge(
      room,
      await issueSession(later, await deviceKeyPairFromSeed(new Uint8Array(32).fill(7))),
      'talk',
    ).add(utf8('x'));
    expect((await taken(room.newLog(), [await early.segment(1, 1)])).refused).toEqual(['wrong-epoch']);
  });

  test('what a chain export says of rows is said again where it is taken over, in the same epoch only', async () => {
    const ann = await writer(first, 'a', 'b');
    const room = await nextEpoch([]);
    const log = room.newLog();
    await taken(log, [await carry(room, await room.newSession(), [rowAt(ann)])]);
    const again = room.newLog();
    expect(again.adopt(log.exportChains())).toBe(true);
    expect((await taken(again, ann.sealed)).text).toBe('ab');
    expect(first.newLog().adopt(log.exportChains())).toBe(false);
    expect(room.newLog().adopt(ann.log.exportChains())).toBe(false);
  });
});

describe('FORK-1 a fork of a closed session', () => {
  /** Rob's chain of three, and another second entry of his. */
  async function robForked() {
    const rob = await writer(first);
    const one = await rob.edit((text) => text.insert(0, 'a'));
    await rob.edit((text) => text.insert(1, 'b'));
    await rob.edit((text) => text.insert(2, 'c'));
    const other = new Forge(first, rob.session)
      .add(one?.entries[0]?.payload as Bytes)
      .add(rawUpdate(rob.session.clientId, 1, [{ origin: [rob.session.clientId, 0], text: 'later' }]));
    return { rob, other: await other.segment(2, 2) };
  }

  /** Rob's chain of three, and what a copy of his computer went on with after the first. */
  async function robTwice() {
    const rob = await writer(first, 'a');
    const twin = new Author(first, rob.session);
    for (const one of rob.sealed) await twin.receive(one);
    twin.sealed.push(...rob.sealed);
    for (const [author, words] of [
      [rob, 'bc'],
      [twin, 'de'],
    ] as const)
      for (const word of words) await author.edit((text) => text.insert(text.length, word));
    return { rob, twin };
  }

  /** As a tab has it that opens the room again where it finds that it has to, and hears all of it as often as it takes. */
  async function opened(room: EpochRoom, sealed: readonly Bytes[]) {
    const { keys, genesis, statements } = room;
    let branches: readonly BranchStart[] = [];
    let outside: readonly BranchStart[] = [];
    for (let again = 0; ; again++) {
      const log = new RoomLog({
        roomId: keys.roomId,
        keys,
        genesis,
        ...(statements && { statements }),
        ...{ branches, outside },
      });
      const doc = new Y.Doc();
      for (const one of [...sealed, ...sealed, ...sealed]) {
        const { accepted } = await log.receive(one);
        for (const { update } of accepted) if (update) Y.applyUpdate(doc, update);
      }
      expect(isPending(doc)).toBe(false);
      if (log.foundBranches.length + log.foundOutside.length === 0)
        return { log, text: doc.getText('files').toString() };
      expect(again).toBeLessThan(4);
      branches = [...branches, ...log.foundBranches];
      outside = [...outside, ...log.foundOutside];
    }
  }

  test('beside an entry that a row names makes no branch: what was signed since stays out', async () => {
    const { rob, other } = await robForked();
    const room = await nextEpoch([rowAt(rob)]);
    const log = room.newLog();
    expect(await taken(log, [...rob.sealed, other])).toEqual({ text: 'abc', refused: ['fork'] });
    expect(log.foundBranches).toEqual([]);
  });

  test('that a carry names is a branch beside what a closed row names, in whatever order and cut it comes', async () => {
    const { rob, twin } = await robTwice();
    const room = await nextEpoch([rowAt(rob)]);
    const carried = await carry(room, await room.newSession(), [rowAt(twin)]);
    const theirs = twin.sealed.slice(1);
    for (const sealed of [
      [...rob.sealed, carried, ...theirs],
      [...rob.sealed, ...theirs, carried],
      [...twin.sealed, carried, ...rob.sealed],
      [carried, ...theirs.toReversed(), ...rob.sealed],
      [carried, ...rob.sealed, ...theirs.toReversed(), ...theirs],
    ]) {
      const { log, text } = await opened(room, sealed);
      expect(['abcde', 'adebc']).toContain(text);
      expect(log.branches).toHaveLength(2);
    }
  });

  test('is in where rows name its branches, for who knows of no fork', async () => {
    const { rob, twin } = await robTwice();
    const known = first.newLog();
    await taken(known, [...rob.sealed, ...twin.sealed]);
    const both = first.newLog(known.foundBranches);
    await taken(both, [...rob.sealed, ...twin.sealed]);
    const rows = both.frontier();
    expect(rows.map(({ seq }) => seq)).toEqual([1, 3, 3]);
    for (const closed of [rows, rows.filter(({ session }) => session !== rob.session.id)]) {
      const room = await nextEpoch(closed);
      expect((await taken(room.newLog(), rob.sealed)).text).toBe('abc');
      const { log, text } = await opened(room, [...twin.sealed, ...rob.sealed]);
      expect([log.branches.length, text.length]).toEqual([2, 5]);
    }
  });

  test('that is taken ahead goes where the one comes that leads to a row; it begins no branch', async () => {
    const { rob, other } = await robForked();
    const room = await nextEpoch([rowAt(rob)]);
    const late = room.newLog();
    expect((await taken(late, [...rob.sealed.slice(0, 1), other])).text).toBe('alater');
    expect((await taken(late, rob.sealed.slice(1))).refused).toContain('fork');
    expect([late.foundBranches.length, late.foundOutside.length]).toEqual([0, 2]);
    for (const sealed of [
      [...rob.sealed.slice(0, 1), other, ...rob.sealed.slice(1)],
      [...rob.sealed.slice(0, 1), other, ...rob.sealed.slice(1).toReversed()],
      [...rob.sealed, other],
    ]) {
      const { log, text } = await opened(room, sealed);
      expect(text).toBe('abc');
      expect(log.branches).toEqual([]);
    }
  });

  test('stays where somebody of the newest epoch wrote after it: what they follow is in', async () => {
    const { rob, other } = await robForked();
    const room = await nextEpoch([rowAt(rob)]);
    const ben = await writer(room);
    for (const one of [...rob.sealed.slice(0, 1), other]) await ben.receive(one);
    await ben.edit((text) => text.insert(text.length, '!'));
    for (const sealed of [
      [...rob.sealed, other, ...ben.sealed],
      [...ben.sealed, ...rob.sealed, other],
      [...rob.sealed.slice(0, 1), other, ...ben.sealed, ...rob.sealed.slice(1)],
    ]) {
      const { log, text } = await opened(room, sealed);
      expect([...text].sort().join('')).toBe([...'abclater!'].sort().join(''));
      expect(log.branches).toHaveLength(2);
    }
  });

  test('is in by the heads of a commenter in talk alone', async () => {
    const { rob, other } = await robForked();
    const room = await nextEpoch([rowAt(rob)]);
    const { c = new Uint8Array(32) } = room.keys.seeds;
    const commenter = await issueSession(
      await deriveRoomKeys('c', c, 1, room.keys.roomId),
      await deviceKeyPairFromSeed(new Uint8Array(32).fill(7)),
    );
    const known = room.newLog();
    await taken(known, [...rob.sealed.slice(0, 1), other]);
    const [{ seq, hash } = { seq: 0, hash: new Uint8Array() }] = known.frontier();
    const talk = new Forge(room, commenter, 'talk').add(
      utf8('hi'),
      encodeHeads([{ seq, hash: hash.slice(0, 16) }]),
    );
    const { log } = await opened(room, [...rob.sealed, await talk.segment(1, 1), other]);
    expect(log.branches).toEqual([]);
    expect(log.frontier().map(({ channel }) => channel)).toEqual(['project']);
  });

  test('is asked for where a row names it, and another entry of its author came first and waits', async () => {
    const { rob } = await robForked();
    const another = new Forge(first, rob.session).add(rawUpdate(rob.session.clientId, 0, [{ text: 'x' }]));
    const said = await another.segment(1, 1);
    const known = first.newLog();
    await known.receive(said);
    const closed = known.frontier();
    const log = (await nextEpoch(closed)).newLog();
    expect((await taken(log, rob.sealed.slice(0, 1))).text).toBe('');
    expect(log.missingFrom(closed)).toEqual([
      { session: rob.session.id, channel: 'project', fromSeq: 1, toSeq: 1 },
    ]);
    expect((await taken(log, [said])).text).toBe('x');
    expect(log.missingFrom(closed)).toEqual([]);
  });
});

describe('ROST-11 a carry', () => {
  test('lets in what it names, whichever comes first, and not one entry more', async () => {
    const ann = await writer(first, 'a', 'b');
    const row = rowAt(ann);
    await ann.edit((text) => text.insert(2, 'c'));
    const room = await nextEpoch([]);
    const carried = await carry(room, await room.newSession(), [row]);
    expect((await taken(room.newLog(), [...ann.sealed, carried])).text).toBe('ab');
    expect((await taken(room.newLog(), [carried, ...ann.sealed])).text).toBe('ab');
  });

  test('keeps nothing out: rows that name what nobody signed take nothing away, whichever comes first', async () => {
    const ann = await writer(first, 'a', 'b', 'c');
    const wrong = [1, 2, 3, 4].map((seq) => ({ ...rowAt(ann), seq, hash: randomBytes(32) }));
    // By the closed frontier, by somebody else's carry, and at its very end.
    for (const closed of [[rowAt(ann)], []]) {
      const room = await nextEpoch(closed);
      const by = async (rows: readonly FrontierRow[]) => carry(room, await room.newSession(), rows);
      const [theirs, hers] = [await by(wrong.slice(0, 3)), await by([rowAt(ann)])];
      expect((await taken(room.newLog(), [...ann.sealed, hers, theirs])).text).toBe('abc');
      expect((await taken(room.newLog(), [theirs, hers, ...ann.sealed])).text).toBe('abc');
      expect((await taken(room.newLog(), [await by(wrong), hers, ...ann.sealed])).text).toBe('abc');
    }
  });

  test('of a closed epoch says nothing of its own epoch: who is to be removed can carry no words in advance', async () => {
    const second = await nextEpoch([]);
    const rob = await writer(second, 'r');
    const inAdvance = { ...rowAt(rob), seq: 1000 };
    const carried = await carry(second, rob.session, [inAdvance]);
    await rob.log.receive(carried);
    // The owner's device had the carry and the first word when it closed the epoch.
    const third = await nextEpoch(rob.log.frontier(), second);
    await rob.edit((text) => text.insert(1, ' later'));
    expect((await taken(third.newLog(), [carried, ...rob.sealed])).text).toBe('r');
  });

  test('of a closed epoch lets in nothing of any epoch, whatever it named and whoever carries it on', async () => {
    const late = await writer(first, 'r');
    const second = await nextEpoch([]);
    const session = await second.newSession();
    const carried = await carry(second, session, [{ ...rowAt(late), seq: 2 ** 40, hash: randomBytes(32) }]);
    const log = second.newLog();
    await log.receive(carried);
    const inner = log.frontier();
    // Once in the closed frontier, once carried on by who has become a commenter.
    const closedIn = await nextEpoch(inner, second);
    expect((await taken(closedIn.newLog(), [carried, ...late.sealed])).text).toBe('');
    const third = await nextEpoch([], second);
    const { c = new Uint8Array(32) } = third.keys.seeds;
    const commenter = await issueSession(
      await deriveRoomKeys('c', c, 2, third.keys.roomId),
      await deviceKeyPairFromSeed(new Uint8Array(32).fill(7)),
    );
    const outer = await carry(third, commenter, inner);
    expect((await taken(third.newLog(), [outer, carried, ...late.sealed])).text).toBe('');
  });

  test('by an own entry lets go on what waits', async () => {
    const ann = await writer(first, 'a');
    const room = await nextEpoch([]);
    const log = room.newLog();
    const doc = new Y.Doc();
    for (const one of ann.sealed) applyTo(doc, await log.receive(one));
    const appended = await log.append(await room.newSession(), 'carry', encodeFrontier([rowAt(ann)]), 1);
    expect(appended.ok).toBe(true);
    applyTo(doc, await log.release());
    expect(doc.getText('files').toString()).toBe('a');
  });

  test('counts for the channels that its signer may sign, and a viewer signs none', async () => {
    const ann = await writer(first, 'a');
    const talk = new Forge(first, ann.session, 'talk').add(utf8('hello'));
    const said = await talk.segment(1, 1);
    const log = first.newLog();
    await log.receive(said);
    const [talkRow] = log.frontier();
    if (talkRow === undefined) throw new Error('nothing was said');
    const rows = [rowAt(ann), talkRow];
    const room = await nextEpoch([]);
    const { c = new Uint8Array(32), v } = room.keys.seeds;
    const sessionOf = async (kind: 'c' | 'v', seed: Bytes) =>
      issueSession(
        await deriveRoomKeys(kind, seed, 1, room.keys.roomId),
        await deviceKeyPairFromSeed(new Uint8Array(32).fill(7)),
      );
    const into = async (session: OwnSession): Promise<[Channel[], unknown[]]> => {
      const to = room.newLog();
      const { refused } = await taken(to, [await carry(room, session, rows), said, ...ann.sealed]);
      return [to.frontier().flatMap(({ channel }) => (channel === 'carry' ? [] : [channel])), refused];
    };
    expect(await into(await room.newSession())).toEqual([['project', 'talk'], []]);
    expect(await into(await sessionOf('c', c))).toEqual([['talk'], []]);
    expect(await into(await sessionOf('v', v))).toEqual([[], ['role-may-not-sign']]);
  });

  test('that is no frontier is malformed-carry: its chain is closed, its author writes on elsewhere', async () => {
    const room = await nextEpoch([]);
    const eve = await writer(room, 'e');
    const bad = new Forge(room, eve.session, 'carry').add(utf8('no rows')).add(encodeFrontier([]));
    const log = room.newLog();
    expect((await taken(log, [await bad.segment(1, 1), await bad.segment(2, 2)])).refused).toEqual([
      'malformed-carry',
      'chain-closed',
    ]);
    expect((await taken(log, eve.sealed)).text).toBe('e');
  });

  test('[seed 3301, 60 runs] any order, repetition and loss: equal sets once all is there, nothing pending in Yjs', async () => {
    const [ann, rob] = [await writer(first, 'a', 'b'), await writer(first, 'r', 's')];
    const closed = [rowAt(ann)];
    const robs = rowAt(rob);
    // Each answers the other, so that chains depend on each other across the line.
    for (const one of rob.sealed) await ann.receive(one);
    await ann.edit((text) => text.insert(text.length, 'c'));
    for (const one of ann.sealed) await rob.receive(one);
    await rob.edit((text) => text.insert(text.length, 't'));
    const room = await nextEpoch(closed);
    const ben = await writer(room);
    const carried = await carry(room, ben.session, [robs, rowAt(ann)]);
    for (const one of [carried, ...ann.sealed, ...rob.sealed]) await ben.receive(one);
    await ben.edit((text) => text.insert(0, 'new'));
    const all = [carried, ...ann.sealed, ...rob.sealed, ...ben.sealed];
    expect(ben.text.toString()).not.toContain('t');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(all.length - 1), { maxLength: 20 }),
        fc.shuffledSubarray([...all.keys()], { minLength: all.length }),
        async (before, order) => {
          const log = room.newLog();
          const doc = new Y.Doc();
          for (const at of [...before, ...order, ...order]) {
            const receipt = await log.receive(all[at] as Bytes);
            expect(receipt.refused).toBeUndefined();
            applyTo(doc, receipt);
            expect(isPending(doc)).toBe(false);
          }
          expect(stateHash(doc)).toBe(stateHash(ben.doc));
          const rows = (of: RoomLog) =>
            new Set(of.frontier().map(({ seq, hash }) => `${seq} ${toHex(hash)}`));
          expect(rows(log)).toEqual(rows(ben.log));
        },
      ),
      { seed: 3301, numRuns: 60 },
    );
  });
});
