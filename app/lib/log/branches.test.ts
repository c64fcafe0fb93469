/** Forks: an author who signs two stories splits nobody, and takes nothing from anybody. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import * as Y from 'yjs';
import { toHex, type Bytes } from '../core/bytes.ts';
import { expectAlike, meet, meetHonestly, startsOf, Tab } from '../../testing/forking-tab.ts';
import { forge, hostile } from '../../testing/hostile-entries.ts';
import { inBranches } from './branch-update.ts';
import { encodeBranchStarts, decodeBranchStarts, type BranchStart } from './branches.ts';
import { encodeHeads } from './entry.ts';
import { joinUpdates } from './joined-update.ts';
import { checkUpdate } from './struct-check.ts';
import { Forge, rawUpdate, testRoom, type TestRoom } from './test-room.ts';

let room: TestRoom;
beforeAll(async () => {
  room = await testRoom();
});

const newTab = (): Promise<Tab> => Tab.of(room);
const type = (at: number, words: string) => (text: Y.Text) => text.insert(Math.min(at, text.length), words);

describe('FORK-1, FORK-2, FORK-3: a session that signs two stories', () => {
  test('shown to two people apart: both stories are in, and what each of them built on', async () => {
    const [mallory, ann, ben] = [await newTab(), await newTab(), await newTab()];
    await mallory.edit(type(0, 'start '));
    await ann.receive(mallory.got[0] as Bytes);
    await ben.receive(mallory.got[0] as Bytes);
    const twin = mallory.clone();
    await mallory.edit(type(6, 'AAAA '));
    await twin.edit(type(6, 'BB '));
    await ann.receive(mallory.got[1] as Bytes);
    await ben.receive(twin.got[1] as Bytes);
    // Ann writes into the middle of one story, and deletes some of it; Ben into the middle of the other.
    await ann.edit(type(8, 'ann'));
    await ann.edit((text) => text.delete(6, 1));
    await ben.edit(type(7, 'ben'));
    expect(ann.text).toBe('start AannAA ');
    expect(ben.text).toBe('start BbenB ');
    await meet([ann, ben]);
    expectAlike([ann, ben]);
    expect(ann.text).toContain('AannAA ');
    expect(ann.text).toContain('BbenB ');
    expect(ann.log.frontier()).toHaveLength(5);
  });

  test('both stories go on, and the two who tell them hear each other', async () => {
    const [mallory, ann] = [await newTab(), await newTab()];
    await mallory.edit(type(0, 'one '));
    const twin = mallory.clone();
    for (const word of ['a', 'b', 'c']) await mallory.edit(type(4, word));
    for (const word of ['x', 'y']) await twin.edit(type(4, word));
    for (const sealed of mallory.got) await ann.receive(sealed);
    await ann.edit(type(100, ' ann'));
    for (const word of ['d', 'e']) await mallory.edit(type(4, word));
    await meet([mallory, twin, ann]);
    expectAlike([mallory, twin, ann]);
    expect([...ann.text].sort().join('')).toBe([...'one edcbayx ann'].sort().join(''));
    await twin.edit(type(0, 'later '));
    await meet([mallory, twin, ann]);
    expectAlike([mallory, twin, ann]);
    expect(ann.text.startsWith('later ')).toBe(true);
  });

  test('[seed 4407, 60 runs] any forks, forks of forks, edits, meetings: everybody has the same, all words once', async () => {
    const act = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant('type' as const), who: fc.nat(7), at: fc.nat(40) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant('delete' as const), who: fc.nat(7), at: fc.nat(40) }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant('hear' as const),
          who: fc.nat(7),
          from: fc.nat(7),
          least: fc.nat(9),
        }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('fork' as const), who: fc.nat(7) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 6, maxLength: 40 }), async (acts) => {
        const tabs = [await newTab(), await newTab(), await newTab()];
        const typed: string[] = [];
        let deleted = 0;
        for (const one of acts) {
          const tab = tabs[one.who % tabs.length] as Tab;
          if (one.do === 'fork' && tabs.length < 7) tabs.push(tab.clone());
          if (one.do === 'type') {
            const word = String.fromCodePoint(0x4e00 + typed.length);
            typed.push(word);
            await tab.edit(type(one.at, word));
          }
          if (one.do === 'delete' && tab.text.length > 0) {
            deleted++;
            await tab.edit((text) => text.delete(one.at % text.length, 1));
          }
          if (one.do === 'hear') {
            const from = tabs[one.from % tabs.length] as Tab;
            // The newest may be missing, or the oldest.
            const heard =
              one.least % 2 === 0 ? from.got.slice(0, -one.least || undefined) : from.got.slice(one.least);
            for (const sealed of [...heard]) await tab.receive(sealed);
          }
        }
        await meet(tabs);
        expectAlike(tabs);
        const [{ text }] = tabs as [Tab];
        expect(new Set(text).size).toBe(text.length);
        expect(text.length).toBeGreaterThanOrEqual(typed.length - deleted);
        expect(text.length).toBeLessThanOrEqual(typed.length);
      }),
      { seed: 4407, numRuns: Number(process.env['RUNS'] ?? 60) },
    );
  }, 300_000);
});

describe('FORK-1: stories that nobody honest tells', () => {
  test('[seed 5512, 60 runs] any entries in any stories, in any order, some of them never: the same for all who have them', async () => {
    const stories = fc.array(fc.array(hostile, { minLength: 1, maxLength: 4 }), {
      minLength: 2,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(hostile, { maxLength: 3 }),
        stories,
        fc.infiniteStream(fc.nat(1_000_000)),
        async (prologue, endings, random) => {
          const pick = (below: number): number => (random.next().value as number) % below;
          const tabs = [await newTab(), await newTab(), await newTab()];
          const [ann, ben] = tabs as [Tab, Tab, Tab];
          for (const word of ['one ', 'two ', 'three ']) await ann.edit(type(pick(9), word));
          await ben.edit(type(0, 'ben '));
          const honest = [ann.session, ben.session];
          const mallory = await room.newSession();
          const sent: Bytes[] = [];
          for (const ending of endings) {
            const story = new Forge(room, mallory);
            let clock = 0;
            for (const one of [...prologue, ...ending]) clock = forge(story, clock, honest, one);
            const cuts = story.entries.map((_, at) => at + 1).filter(() => pick(2) === 0);
            sent.push(...(await story.cut(cuts)));
          }
          for (const tab of tabs) {
            const heard = sent.filter(() => pick(3) > 0).toSorted(() => pick(3) - 1);
            for (const sealed of heard) {
              await tab.receive(sealed);
              if (pick(4) === 0) await tab.edit(type(pick(20), String(pick(10))));
            }
          }
          // What nobody accepted, nobody passes on: only accepted entries travel, as between people.
          await meetHonestly(tabs);
          expectAlike(tabs);
        },
      ),
      { seed: 5512, numRuns: Number(process.env['RUNS'] ?? 60) },
    );
  }, 300_000);
});

describe('FORK-1, FORK-3: what one story says of the other', () => {
  /** Two second entries of one session, and ann's that the other one follows. */
  async function stories() {
    const mallory = await room.newSession();
    const me = mallory.clientId;
    const start = new Forge(room, mallory).add(rawUpdate(me, 0, [{ text: 's' }]));
    const first = await start.segment(1, 1);
    const a = new Forge(room, mallory).add(rawUpdate(me, 0, [{ text: 's' }]));
    a.add(rawUpdate(me, 1, [{ origin: [me, 0], text: 'AA' }]));
    const ann = await newTab();
    await ann.edit(type(0, 'ann'));
    const [head] = ann.log.frontier();
    if (head === undefined) throw new Error('ann has written');
    const b = new Forge(room, mallory).add(rawUpdate(me, 0, [{ text: 's' }]));
    b.add(
      rawUpdate(me, 1, [{ origin: [me, 0], text: 'BB' }]),
      encodeHeads([{ ...head, hash: head.hash.subarray(0, 16) }]),
    );
    return { me, a, b, first, ann };
  }

  test('a story begins a branch before what it follows is here, and is told as one', async () => {
    const { a, b, first, ann } = await stories();
    const log = room.newLog();
    for (const sealed of [first, await a.segment(2, 2)]) await log.receive(sealed);
    const { fork } = await log.receive(await b.segment(2, 2));
    expect(fork?.starts).toHaveLength(2);
    const again = room.newLog(log.foundBranches);
    for (const sealed of [first, await a.segment(2, 2)]) await again.receive(sealed);
    expect(again.emptyBranches()).toHaveLength(1);
    const late = room.newLog();
    expect(late.missingFrom(again.emptyBranches())).toHaveLength(1);
    expect(again.missingFrom(again.emptyBranches())).toEqual([]);
    expect((await again.receive(await b.segment(2, 2))).held).toBeDefined();
    await again.receive(ann.got[0] as Bytes);
    expect(again.emptyBranches()).toEqual([]);
    expect(again.frontier()).toHaveLength(4);
  });

  test('FORK-4 a branch that is known and not here is asked for where somebody has it, and not where it is only told', async () => {
    const { a, b, first, ann } = await stories();
    const here = [ann.got[0] as Bytes, first, await a.segment(2, 2)];
    const all = [...here, await b.segment(2, 2)];
    const finder = room.newLog();
    for (const sealed of all) await finder.receive(sealed);
    const [log, whole] = [room.newLog(finder.foundBranches), room.newLog(finder.foundBranches)];
    for (const sealed of here) await log.receive(sealed);
    for (const sealed of all) await whole.receive(sealed);
    expect(log.missingFrom(whole.frontier())).toHaveLength(1);
    expect(log.missingFrom(log.emptyBranches())).toEqual([]);
  });

  test('who names what lies beyond a fork, and follows no branch, means the one with the lowest hash, everywhere', async () => {
    const { me, a, b, first, ann } = await stories();
    const eve = await room.newSession();
    const named = new Forge(room, eve).add(rawUpdate(eve.clientId, 0, [{ origin: [me, 1], text: 'eve' }]));
    const [said, second, other] = [await named.segment(1, 1), await a.segment(2, 2), await b.segment(2, 2)];
    const all = [ann.got[0] as Bytes, first, second, other];
    const [tab, late] = [await newTab(), await newTab()];
    for (const sealed of [...all, said]) await tab.receive(sealed);
    for (const sealed of [...all].reverse()) await late.receive(sealed);
    for (const one of [tab, late]) await one.settle();
    await late.receive(said);
    expectAlike([tab, late]);
    const [lowest] = tab.starts.map(({ hash }) => toHex(hash)).sort();
    const row = tab.log
      .frontier()
      .find(({ seq, hash }) => seq === 2 && toHex(hash.subarray(0, 16)) === lowest);
    const lane = row && tab.log.session(row.session)?.clientId;
    // Eve's words stand in that branch, behind its first letter.
    const at = tab.doc.getText('files').toJSON().indexOf('eve');
    const before = Y.createRelativePositionFromTypeIndex(tab.doc.getText('files'), at - 1).item;
    expect(before?.client).toBe(lane);

    // Whoever hears it first holds it until the branch is here.
    const log = room.newLog(tab.starts);
    expect((await log.receive(said)).held).toBeDefined();
    const letIn = [];
    for (const sealed of all) letIn.push(...(await log.receive(sealed)).accepted);
    expect(letIn.map(({ session }) => session.id)).toContain(eve.id);
  });

  test('whatever else their author sends, the place where two stories part is found', async () => {
    const mallory = await room.newSession();
    const me = mallory.clientId;
    const letters = (story: string) => {
      const forged = new Forge(room, mallory);
      for (const [clock, text] of [...story].entries())
        forged.add(rawUpdate(me, clock, [clock === 0 ? { text } : { origin: [me, clock - 1], text }]));
      return forged;
    };
    const [here, there, elsewhere] = [letters('abcdef'), letters('abcxyz'), letters('ghijkl')];
    const log = room.newLog();
    for (const sealed of await here.cut([1, 2, 3, 4, 5])) await log.receive(sealed);
    // One that could never be part of the room, where the other one will be, and the end of one that parts earlier.
    const bad = letters('abc').add(rawUpdate(me + 1, 0, [{}]));
    for (const sealed of [await bad.segment(4, 4), await elsewhere.segment(5, 6)])
      expect((await log.receive(sealed)).fork?.starts).toBeUndefined();
    const theirs = room.newLog();
    const pieces = await there.cut([1, 2, 3, 4, 5]);
    for (const sealed of pieces) await theirs.receive(sealed);
    for (let round = 0; round < 6 && log.foundBranches.length === 0; round++)
      for (const { fromSeq, toSeq } of log.contradictedBy(theirs.frontier()))
        for (const [i, sealed] of pieces.entries())
          if (i + 1 >= fromSeq && i + 1 <= toSeq) await log.receive(sealed);
    expect(log.foundBranches.map(({ seq }) => seq)).toEqual([4, 4]);
    expect(log.contradictedBy(theirs.frontier())).toEqual([]);
  });

  test('a chain that a bad entry closed forks like any other', async () => {
    const { me, a, b, first, ann } = await stories();
    // Its next entry is nobody's to write: the chain is closed where the other story has already parted from it.
    a.add(rawUpdate(me + 1, 0, [{}]));
    const log = room.newLog();
    for (const sealed of [ann.got[0] as Bytes, first, await a.segment(2, 2)]) await log.receive(sealed);
    expect((await log.receive(await a.segment(3, 3))).refused?.code).toBe('foreign-struct');
    const receipt = await log.receive(await b.segment(2, 2));
    expect(receipt.refused?.code).toBe('fork');
    expect(receipt.fork?.starts).toHaveLength(2);
  });

  test('a story whose entry names structs of its own forks, however short the other one is', async () => {
    const { me, a, first, ann } = await stories();
    const b = new Forge(room, a.session).add(rawUpdate(me, 0, [{ text: 's' }]));
    b.add(
      rawUpdate(me, 1, [
        { origin: [me, 0], text: 'BB' },
        { origin: [me, 2], text: 'b' },
        { text: 'CC' },
        { origin: [me, 4], text: 'c' },
      ]),
    );
    const log = room.newLog();
    for (const sealed of [ann.got[0] as Bytes, first, await a.segment(2, 2)]) await log.receive(sealed);
    expect((await log.receive(await b.segment(2, 2))).fork?.starts).toHaveLength(2);
  });

  test('a fork of a branch is found in a segment that begins long before it, and a third story of it too', async () => {
    const { me, a, b, first, ann } = await stories();
    const before = [ann.got[0] as Bytes, first, await a.segment(2, 2), await b.segment(2, 2)];
    const twins = ['t', 'u', 'v'].map((text) => {
      const twin = new Forge(room, a.session);
      for (const { payload, heads } of a.entries) twin.add(payload, heads);
      return twin.add(rawUpdate(me, 3, [{ origin: [me, 2], text }]));
    });
    const starts: BranchStart[] = [];
    const all = [...before];
    for (const twin of twins) {
      const log = room.newLog(starts);
      all.push(await twin.segment(1, 3));
      for (const sealed of all) await log.receive(sealed);
      starts.push(...log.foundBranches);
      const again = room.newLog(starts);
      for (const sealed of all) await again.receive(sealed);
      starts.push(...again.foundBranches);
    }
    const thirds = new Set(starts.filter(({ seq }) => seq === 3).map(({ hash }) => toHex(hash)));
    expect(thirds.size).toBe(3);
  });

  test('what was held for a chain goes on in its branch, as soon as the chain is where it forked', async () => {
    const mallory = await room.newSession();
    const me = mallory.clientId;
    const ann = await newTab();
    await ann.edit(type(0, 'ann'));
    const story = (words: string) =>
      new Forge(room, mallory)
        .add(rawUpdate(me, 0, [{ origin: [ann.session.clientId, 0] }]))
        .add(rawUpdate(me, 1, [{ origin: [me, 0], text: words }]));
    const [a, b] = [story('AA'), story('BB')];
    const pieces = [await a.segment(1, 1), await a.segment(2, 2), await b.segment(2, 2)];
    const finder = room.newLog();
    for (const sealed of [ann.got[0] as Bytes, ...pieces]) await finder.receive(sealed);

    const log = room.newLog(finder.foundBranches);
    for (const sealed of pieces.slice(0, 2)) expect((await log.receive(sealed)).held).toBeDefined();
    await log.receive(ann.got[0] as Bytes);
    const seqs = log.frontier().map(({ session, seq }) => [session === mallory.id, seq]);
    expect(seqs).toContainEqual([true, 1]);
    expect(seqs).toContainEqual([false, 2]);
  });

  test('a third story begins a branch beside the two that are known', async () => {
    const { me, a, b, first, ann } = await stories();
    const c = new Forge(room, a.session)
      .add(rawUpdate(me, 0, [{ text: 's' }]))
      .add(rawUpdate(me, 1, [{ text: 'CC' }]));
    const [tab, seconds] = [await newTab(), await Promise.all([a, b, c].map((story) => story.segment(2, 2)))];
    for (const sealed of [ann.got[0] as Bytes, first, ...seconds]) await tab.receive(sealed);
    await tab.settle();
    expect(startsOf(tab)).toHaveLength(3);
    const ends = tab.log.frontier().filter(({ seq }) => seq === 2);
    expect(ends.map(({ hash }) => toHex(hash.subarray(0, 16))).sort()).toEqual(startsOf(tab));
    for (const words of ['AA', 'BB', 'CC']) expect(tab.text).toContain(words);
  });

  test('chains are taken over only where the same forks count', async () => {
    const { a, first, ann } = await stories();
    const plain = room.newLog();
    for (const sealed of [ann.got[0] as Bytes, first, await a.segment(2, 2)]) await plain.receive(sealed);
    const starts = [1, 2].map((byte) => ({
      session: a.session.id,
      channel: 'project' as const,
      seq: 9,
      before: new Uint8Array(16),
      hash: new Uint8Array(16).fill(byte),
    }));
    expect(room.newLog(starts).adopt(plain.exportChains())).toBe(false);
    expect(room.newLog().adopt(plain.exportChains())).toBe(true);
  });

  test('what a story says of its own clocks is its own, though it has heard of the other', async () => {
    const { me, a, b, first, ann } = await stories();
    const seconds = [await a.segment(2, 2), await b.segment(2, 2)];
    const tab = await newTab();
    for (const sealed of [ann.got[0] as Bytes, first, ...seconds]) await tab.receive(sealed);
    const rows = tab.log.frontier().filter(({ seq }) => seq === 2);
    const both = encodeHeads(rows.map(({ seq, hash }) => ({ seq, hash: hash.subarray(0, 16) })));
    // Each goes on behind the first letter of its own second entry.
    a.add(rawUpdate(me, 3, [{ origin: [me, 1], rightOrigin: [me, 2], text: 'a' }]), both);
    b.add(rawUpdate(me, 3, [{ origin: [me, 1], rightOrigin: [me, 2], text: 'b' }]), both);
    for (const story of [a, b]) await tab.receive(await story.segment(3, 3));
    expect(tab.text).toContain('AaA');
    expect(tab.text).toContain('BbB');
  });
});

describe('FORK-3: ids as everybody names them', () => {
  /** Client 7 forked at clock 5: its author's branch goes on as 70, the other as 77. */
  const find = (client: number, clock: number) =>
    client === 7 && clock >= 5
      ? { client: 70, clock: clock - 5, left: Infinity }
      : { client, clock, left: client === 7 ? 5 - clock : Infinity };

  test('every id of an update, and ranges on both sides of the fork', () => {
    const update = rawUpdate(
      7,
      5,
      [
        { origin: [7, 4], text: 'ab' },
        { origin: [7, 6], rightOrigin: [9, 1] },
        { parent: [7, 5], kind: 7, length: 2 },
        { kind: 0, length: 3 },
        { text: 'root' },
      ],
      [
        [7, 2, 5],
        [9, 0, 1],
      ],
    );
    const checked = checkUpdate(update, 7, 5);
    if (!checked.ok) throw new Error(checked.error.detail);
    const moved = inBranches(checked.value, 70, 0, find);
    expect(joinUpdates(70, 0, [moved])).toEqual(
      rawUpdate(
        70,
        0,
        [
          { origin: [7, 4], text: 'ab' },
          { origin: [70, 1], rightOrigin: [9, 1] },
          { parent: [70, 0], kind: 7, length: 2 },
          { kind: 0, length: 3 },
          { text: 'root' },
        ],
        [
          [7, 2, 3],
          [70, 0, 2],
          [9, 0, 1],
        ],
      ),
    );
    expect(moved).toMatchObject({ nextClock: 11 });
    expect(Object.fromEntries(moved.needs)).toEqual({ 7: 5, 9: 2 });
    expect(moved.structs.map(({ clock, parent }) => [clock, parent])).toEqual([
      [0, ''],
      [2, ''],
      [3, '70:0'],
      [4, ''],
      [7, 'files'],
    ]);
  });
});

describe('the starts of branches as bytes', () => {
  test('[200 runs] read back as they were; any bytes are read or refused', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    const start = fc.record({
      session: bytes(32).map((key) => toHex(key) as BranchStart['session']),
      channel: fc.constantFrom('project' as const, 'talk' as const, 'runs' as const, 'carry' as const),
      seq: fc.integer({ min: 1, max: 2 ** 40 }),
      before: bytes(16),
      hash: bytes(16),
    });
    fc.assert(
      fc.property(fc.array(start, { maxLength: 5 }), (starts) => {
        expect(decodeBranchStarts(encodeBranchStarts(starts))).toEqual({ ok: true, value: starts });
      }),
      { seed: 91, numRuns: 200 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        decodeBranchStarts(noise);
      }),
      { seed: 92, numRuns: 200 },
    );
  });
});
