/** CHECK: a newcomer is shown where a long history leads before the history is here, and the history decides. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';
import {
  ALWAYS,
  changed,
  checkpointBy,
  gated,
  momentOf,
  openAgain,
  swapCheckpoints,
  textIn,
  writeHistory,
} from '../../testing/checkpoint-room.ts';
import { Eve } from '../../testing/eve.ts';
import { fastTime, seconds, untilLater } from '../../testing/fast-time.ts';
import { MemoryArchive } from '../../testing/memory-archive.ts';
import { MemoryNetwork } from '../../testing/memory-network.ts';
import { makeRoom, replicasOfATest, until, wayTo, type TestReplica } from '../../testing/replicas.ts';
import { randomBytes, toHex, utf8, type Bytes } from '../core/bytes.ts';
import type { SessionId } from '../core/ids.ts';
import { archiveKeys, type SeedKind } from '../crypto/room-keys.ts';
import { sign } from '../crypto/signatures.ts';
import { readCheckpoint, type Checkpoint } from '../log/checkpoint.ts';
import { openSealed, withEpoch } from '../log/seal.ts';
import { memoryStore } from '../storage/stores/memory.ts';
import { RoomLog } from '../log/room-log.ts';
import type { Worth } from './checkpoints.ts';
import { stateHash } from './fold-session.ts';
import { inPlaceFolder } from './folder.ts';
import { rememberBranches } from './forks.ts';
import { encodeSegments, frameType, writeFrame } from './frames.ts';
import type { ArchiveDoor } from './replica-events.ts';

const { open, join, leave } = replicasOfATest();
afterEach(async () => {
  await leave();
  vi.useRealTimers();
});
const sure = () => 0.99;
const same = (...replicas: TestReplica[]) => new Set(replicas.map((each) => toHex(each.hash()))).size === 1;
const refusals = ({ notices }: TestReplica) =>
  notices.flatMap((notice) => (notice.kind === 'refused' ? notice.code : []));
const falses = ({ notices }: TestReplica) => notices.filter(({ kind }) => kind === 'checkpoint-false');

describe('who opens a room with a history', () => {
  it('CHECK-4, CHECK-5: sees the text before the history is folded, types at once, and is saved when it is', async () => {
    const { room, network, ann } = await roomWithHistory();
    const gate = gated();
    const bob = await join(room, newcomer(network, gate.folder));
    await until('the text', () => bob.replica.known);
    expect([bob.read(), bob.replica.frontier]).toEqual([ann.read(), []]);
    bob.text.insert(0, 'Bob was here. ');
    await bob.replica.settled();
    expect([bob.saves.at(-1), ann.read().startsWith('Bob')]).toEqual([
      { kind: 'unsaved', waits: true },
      false,
    ]);
    gate.open();
    await until('Ann reads it', () => ann.read().startsWith('Bob was here. '));
    await until('it is saved', () => bob.saves.at(-1)?.kind === 'saved');
    expect([same(ann, bob), falses(bob)]).toEqual([true, []]);
    expect(network.sent.get(frameType.checkpoint)).toBe(1);
  });

  it('CHECK-5: what they say in the chat meanwhile goes at once', async () => {
    const { room, network, ann } = await roomWithHistory();
    const bob = await join(room, newcomer(network, gated().folder));
    await until('the text', () => bob.replica.known);
    bob.text.insert(0, 'Bob');
    bob.replica.post('talk', utf8('hello'));
    await until('Ann hears it', () => ann.messages.length === 1);
    expect(ann.read()).not.toContain('Bob');
  });

  it('CHECK-4: what others write meanwhile comes with the history', async () => {
    const { room, network, ann } = await roomWithHistory();
    const gate = gated();
    const bob = await join(room, newcomer(network, gate.folder));
    await until('the text', () => bob.replica.known);
    ann.text.insert(0, 'Ann goes on. ');
    bob.text.insert(bob.text.length, ' Bob too.');
    await ann.replica.settled();
    gate.open();
    await until('both have both', () => same(ann, bob) && bob.read().startsWith('Ann goes on. '));
    expect(ann.read().endsWith(' Bob too.')).toBe(true);
  });

  it('CHECK-8: nothing of it rests on their device before it is proved', async () => {
    fastTime();
    const { room, network } = await roomWithHistory();
    const gate = gated();
    const bob = await join(room, newcomer(network, gate.folder));
    await untilLater('the text', () => bob.replica.known);
    bob.text.insert(0, 'Bob');
    for (let i = 0; i < 80; i++) await vi.advanceTimersByTimeAsync(1000);
    expect([await bob.store.loadSnapshot(), (await bob.store.chainEnds()).length]).toEqual([undefined, 0]);
    expect(bob.replica.unsigned.length).toBe(1);
    gate.open();
  });

  it('CHECK-8: nor does a snapshot of it, where the whole log is there', async () => {
    fastTime();
    const { room, network, ann } = await roomWithHistory(150);
    swapCheckpoints(network, await checkpointBy(room, 'e', beyond(momentOf(ann))));
    const bob = await join(room, newcomer(network));
    await untilLater(
      'the history',
      () => bob.replica.known && bob.replica.atRest && bob.replica.frontier.length > 0,
    );
    await seconds(8);
    expect([falses(bob), await bob.store.loadSnapshot()]).toEqual([[], undefined]);
  });

  it('CHECK-6: who has something of the project is sent none, and shown none', async () => {
    const { room, network, ann } = await roomWithHistory();
    const bob = await join(room, newcomer(network));
    await until('they are alike', () => same(ann, bob) && bob.saves.length >= 0 && bob.replica.caughtUp);
    const sent = network.sent.get(frameType.checkpoint) ?? 0;
    network.cut(ann.replica.self, bob.replica.self);
    await writeHistory(ann, 20);
    network.link(ann.replica.self, bob.replica.self);
    await until('they are alike again', () => same(ann, bob));
    expect(network.sent.get(frameType.checkpoint) ?? 0).toBe(sent);
  });

  it('CHECK-6: a short history, a viewer, and who is shown one themselves, send none', async () => {
    const room = await makeRoom();
    const network = new MemoryNetwork(sure);
    const ann = await join(room, { makesFile: true, transports: [network.transport()] });
    await writeHistory(ann, 30);
    const bob = await join(room, { ...newcomer(network), worth: ALWAYS, kind: 'v' });
    await until('the viewer has it', () => same(ann, bob));
    network.kill(ann.replica.self);
    const cid = await join(room, newcomer(network));
    await until('the newcomer has it', () => same(bob, cid));
    expect(network.sent.get(frameType.checkpoint)).toBeUndefined();
  });

  it('CHECK-6: nor who has too short a history, or one that is hardly longer than what it led to, or knows of a fork', async () => {
    const session = 'ab'.repeat(32) as SessionId;
    const [before, hash] = [randomBytes(16), randomBytes(16)];
    const forked = memoryStore();
    await rememberBranches(forked, [{ session, channel: 'project', seq: 1, before, hash }]);
    for (const setup of [
      { worth: { ...ALWAYS, entries: 1000 } },
      { worth: { ...ALWAYS, bytesAnEntry: 1 } },
      { worth: ALWAYS, store: forked },
    ]) {
      const room = await makeRoom();
      const network = new MemoryNetwork(sure);
      const ann = await join(room, { makesFile: true, transports: [network.transport()], ...setup });
      await writeHistory(ann, 30);
      const bob = await join(room, newcomer(network));
      await until('the room is there', () => bob.replica.known && bob.read() === ann.read());
      expect(network.sent.get(frameType.checkpoint)).toBeUndefined();
    }
  });

  it('CHECK-8: who is shown one that is not proved yet sends none', async () => {
    const { room, network, ann } = await roomWithHistory();
    swapCheckpoints(network, await checkpointBy(room, 'e', beyond(momentOf(ann))));
    const bob = await join(room, { ...newcomer(network), worth: ALWAYS });
    await until('the history', () => bob.replica.known && bob.replica.frontier.length > 0);
    network.kill(ann.replica.self);
    const cid = await join(room, newcomer(network));
    await until('the room is there', () => cid.replica.known && cid.read() === ann.read());
    expect(network.sent.get(frameType.checkpoint)).toBe(1);
  });

  // Each catches two of three that are of no such moment.
  it.each([1, 2, 3, 4])(
    'CHECK-6: it is of a moment at which log and text are at the same point, also where somebody types on (%i)',
    async () => {
      const { room, network, ann } = await roomWithHistory();
      const keys = await room.keys('e');
      let sealed: Bytes | undefined;
      let typing: ReturnType<typeof setInterval> | undefined;
      network.changes = (frame) => {
        if (frame[0] === frameType.want) typing ??= setInterval(() => ann.text.insert(0, 'x'));
        if (frame[0] === frameType.checkpoint) sealed ??= frame.subarray(1);
        return frame;
      };
      const bob = await join(room, newcomer(network));
      await until('it was sent', () => sealed !== undefined);
      clearInterval(typing);
      await until('all is there', () => same(ann, bob) && bob.replica.unsigned.length === 0);
      const opened = await openSealed(keys, 'checkpoint', sealed ?? new Uint8Array());
      const read = opened.ok ? await readCheckpoint(opened.value, room.genesis) : opened;
      if (!read.ok) throw new Error('no checkpoint');
      const [row] = read.value.frontier;
      const log = new RoomLog({ roomId: keys.roomId, keys, genesis: room.genesis });
      const doc = new Y.Doc();
      for await (const stored of ann.replica.segments(2 ** 20))
        for (const { last, sealed: segment } of stored) {
          if (last > (row?.seq ?? 0)) continue;
          for (const { update } of (await log.receive(segment)).accepted)
            if (update) Y.applyUpdate(doc, update);
        }
      expect(toHex(stateHash(read.value.state))).toBe(toHex(stateHash(Y.encodeStateAsUpdate(doc))));
    },
  );

  it('CHECK-6: those who come together are given the same one', async () => {
    const { room, network, ann } = await roomWithHistory();
    const sealed = new Set<string>();
    network.changes = (frame) => {
      if (frame[0] === frameType.checkpoint) sealed.add(toHex(frame));
      return frame;
    };
    const bob = await join(room, newcomer(network));
    await until('Bob is there', () => bob.replica.known);
    ann.text.insert(0, 'more');
    const cid = await join(room, { ...newcomer(network) });
    await until('all are alike', () => same(ann, bob, cid));
    expect([network.sent.get(frameType.checkpoint), sealed.size]).toEqual([2, 1]);
  });
});

describe('who opens it alone, from the archive', () => {
  it('CHECK-4, ARCH-33, ARCH-34: sees the text before the history, types at once, and it is archived', async () => {
    const room = await makeRoom();
    const archive = new MemoryArchive();
    const keys = await room.keys('e');
    const door = (): ArchiveDoor => ({
      server: archive.open(keys.roomId, archiveKeys(keys)),
      owner: { sign: (message) => sign(room.owner.privateKey, message) },
      alone: (work) => work(),
      waits: { ownMs: 1, othersMs: 20, jitterMs: 5, confirmMs: 20 },
      checkpoints: { restMs: 0, jitterMs: 0, everyMs: 20, worthBytes: 1, grownShare: 0 },
    });
    const ann = await join(room, { makesFile: true, transports: [], archive: wayTo(door()), worth: ALWAYS });
    await writeHistory(ann, 30);
    const reader = door().server;
    const isThere = async () => {
      const there = await reader.checkpoint();
      return there.ok && there.value.length > 0;
    };
    await vi.waitFor(async () => expect(await isThere()).toBe(true), { timeout: 10_000 });
    const said = ann.read();
    open.splice(open.indexOf(ann), 1);
    await ann.replica.close();

    const gate = gated();
    const bob = await join(room, {
      transports: [],
      archive: wayTo(door()),
      knowsGenesis: false,
      folder: gate.folder,
    });
    await until('the text', () => bob.replica.known && bob.read() === said);
    bob.text.insert(0, 'Bob');
    expect([bob.replica.frontier, bob.replica.unsigned.length]).toEqual([[], 1]);
    gate.open();
    await until('it is archived', () => {
      const state = bob.replica.archive?.state.kind;
      return state === 'current' && bob.replica.unsigned.length === 0 && bob.replica.atRest;
    });
    const cid = await join(room, { transports: [], archive: wayTo(door()), knowsGenesis: false });
    await until('the next has it', () => cid.read() === `Bob${said}`);
  });
});

describe('a checkpoint that is not what the log says', () => {
  it('CHECK-7: an old one is shown, and true', async () => {
    const { room, network, ann } = await roomWithHistory();
    const old = momentOf(ann);
    const was = ann.read();
    await writeHistory(ann, 10);
    swapCheckpoints(network, await checkpointBy(room, 'e', old));
    const gate = gated();
    const bob = await join(room, newcomer(network, gate.folder));
    await until('the old text', () => bob.replica.known && bob.read() === was);
    bob.text.insert(0, 'Bob');
    gate.open();
    await until('all of it', () => same(ann, bob) && bob.read().startsWith('Bob'));
    expect(falses(bob)).toEqual([]);
  });

  const lies: Record<string, (moment: Moment, ann: TestReplica) => Moment> = {
    'another text': ({ frontier, state }, ann) => ({
      frontier,
      // The very structs of Ann's session, with other letters in them.
      state: otherLetters(state, ann),
    }),
    'words that nobody wrote': ({ frontier, state }) => ({
      frontier,
      state: changed(state, 77, (doc) => textIn(doc).insert(3, 'a lie')),
    }),
    'something that nobody took out': ({ frontier, state }) => ({
      frontier,
      state: changed(state, 77, (doc) => textIn(doc).delete(3, 4)),
    }),
  };
  for (const [what, lie] of Object.entries(lies))
    it(`CHECK-7: ${what}: the log wins, the signer is named, and what was typed on it is put in`, async () => {
      const { room, network, ann } = await roomWithHistory();
      const sealed = await checkpointBy(room, 'e', lie(momentOf(ann), ann));
      swapCheckpoints(network, sealed);
      const gate = gated();
      const bob = await join(room, newcomer(network, gate.folder));
      await until('the lie is shown', () => bob.replica.known);
      expect(bob.read()).not.toBe(ann.read());
      bob.text.insert(bob.text.length, ' Bob believes it.');
      gate.open();
      await until('it is told', () => falses(bob).length === 1);
      expect(falses(bob)[0]).toMatchObject({ signer: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
      expect([bob.saves.at(-1)?.kind, bob.replica.unsigned.length]).toEqual(['unsaved', 1]);
      const again = await reopened(bob, room, network);
      await until('Ann has the words', () => same(ann, again));
      expect(ann.read().endsWith(' Bob believes it.')).toBe(true);
      expect(ann.read()).not.toContain('a lie');
    });

  it('CHECK-7: one of what nobody has is given up, and what was typed is kept', async () => {
    fastTime();
    const { room, network, ann } = await roomWithHistory();
    swapCheckpoints(network, await checkpointBy(room, 'e', beyond(momentOf(ann))));
    const bob = await join(room, newcomer(network));
    await untilLater('it is shown', () => bob.replica.known);
    bob.text.insert(0, 'Bob');
    await untilLater('it is given up', () => falses(bob).length === 1);
    expect(falses(bob)[0]).toMatchObject({ signer: undefined });
    vi.useRealTimers();
    const again = await reopened(bob, room, network);
    await until('Ann has the words', () => same(ann, again) && ann.read().startsWith('Bob'));
  });

  it('CHECK-7: it is not given up while what proves it comes, a little every ten seconds', async () => {
    fastTime();
    const { room, network, ann } = await roomWithHistory();
    const some: TestReplica[] = [];
    for (let nth = 0; nth < 3; nth++) {
      const one = await join(room, { transports: [network.transport(false)], worth: ALWAYS });
      network.link(one.replica.self, ann.replica.self);
      await untilLater(
        'they have what there is',
        () => one.replica.frontier[0]?.seq === ann.replica.frontier[0]?.seq,
      );
      network.cut(one.replica.self, ann.replica.self);
      some.push(one);
      await writeHistory(ann, 5);
    }
    swapCheckpoints(network, await checkpointBy(room, 'e', momentOf(ann)));
    const bob = await join(room, { ...newcomer(network), transports: [network.transport(false)] });
    for (const one of some) {
      network.link(bob.replica.self, one.replica.self);
      await untilLater(
        'what they have is here',
        () => bob.replica.frontier[0]?.seq === one.replica.frontier[0]?.seq,
      );
      network.cut(bob.replica.self, one.replica.self);
      if (one === some[0]) bob.text.insert(0, 'Bob');
      await seconds(10);
    }
    network.link(bob.replica.self, ann.replica.self);
    await untilLater('all of it is here', () => same(ann, bob) && ann.read().startsWith('Bob'));
    expect(falses(bob)).toEqual([]);
  });

  it.each([3_600_000, -3_600_000])(
    'CHECK-7: a tab that slept, or whose clock was set (%i ms), gives it up after as long as any',
    async (leap) => {
      fastTime();
      const { room, network, ann } = await roomWithHistory();
      swapCheckpoints(network, await checkpointBy(room, 'e', beyond(momentOf(ann))));
      const bob = await join(room, newcomer(network));
      await untilLater('the history', () => bob.replica.known && bob.replica.caughtUp);
      await seconds(2);
      vi.setSystemTime(Date.now() + leap);
      await seconds(5);
      expect(falses(bob)).toEqual([]);
      await seconds(15);
      expect(falses(bob).length).toBe(1);
    },
  );

  it('CHECK-7: what was taken along is not signed as well, though the proof comes before the tab has closed', async () => {
    const { room, network, ann } = await roomWithHistory();
    const gate = gated();
    const bob = await join(room, newcomer(network, gate.folder));
    await until('the text', () => bob.replica.known);
    bob.text.insert(0, 'Bob');
    expect(bob.replica.takeUnsigned().length).toBe(1);
    gate.open();
    await proofIsPast(ann, bob);
    expect([bob.replica.unsigned.length, ann.read().startsWith('Bob')]).toEqual([1, false]);
    const again = await reopened(bob, room, network);
    await until('Ann has the words', () => same(ann, again) && ann.read().startsWith('Bob'));
    expect(ann.read().split('Bob').length).toBe(2);
  });

  it('CHECK-7: who is shown none takes nothing along: closing signs it', async () => {
    const { ann } = await roomWithHistory();
    for (const letter of 'abc') ann.text.insert(0, letter);
    expect([ann.replica.unsigned.length > 0, ann.replica.takeUnsigned()]).toEqual([true, []]);
    await ann.replica.settled();
    expect(ann.replica.unsigned).toEqual([]);
  });

  it.each([true, false])(
    'CHECK-7: after a newer roster is stored nothing is signed that it can not name (it stays: %s)',
    async (stays) => {
      const { room, network, ann } = await roomWithHistory();
      const gate = gated();
      const bob = await join(room, newcomer(network, gate.folder));
      await until('the text', () => bob.replica.known);
      bob.text.insert(0, 'Bob');
      const { roster } = bob.replica.epochs;
      if (roster === undefined) throw new Error('no genesis');
      await bob.replica.epochs.moveOn(roster, () => Promise.resolve(stays));
      gate.open();
      await proofIsPast(ann, bob);
      if (!stays) await until('it is signed', () => ann.read().startsWith('Bob'));
      await bob.replica.settled();
      expect(bob.replica.takeUnsigned().length).toBe(stays ? 1 : 0);
      expect(ann.read().startsWith('Bob')).toBe(!stays);
    },
  );

  it('CHECK-5: what is typed waits for the history, also where the disk is full', async () => {
    const { room, network } = await roomWithHistory();
    const refuse = () => Promise.reject(new Error('full'));
    const full = Object.assign(memoryStore(), { changeFacts: refuse, saveFacts: refuse, append: refuse });
    const bob = await join(room, { ...newcomer(network, gated().folder), store: full });
    await until('the text', () => bob.replica.known);
    await until('the disk is full', () => bob.saves.some(({ kind }) => kind === 'store-failed'));
    bob.text.insert(0, 'Bob');
    await bob.replica.settled();
    expect(bob.saves.at(-1)).toEqual({ kind: 'unsaved', waits: true });
  });

  it('CHECK-4: opened again by its log it is shown none, though the disk kept nothing', async () => {
    const { room, network, ann } = await roomWithHistory();
    swapCheckpoints(network, await checkpointBy(room, 'e', beyond(momentOf(ann))));
    const gate = gated();
    const bob = await join(room, { ...newcomer(network, gate.folder), byLog: true });
    await until('it was sent', () => network.sent.get(frameType.checkpoint) === 1);
    gate.open();
    await until('the room is there', () => same(ann, bob) && bob.replica.frontier.length > 0);
    bob.text.insert(0, 'Bob');
    await until('Ann reads it', () => ann.read().startsWith('Bob'));
  });

  it('CHECK-7: what comes after it was given up proves nothing any more', async () => {
    fastTime();
    const { room, network, ann } = await roomWithHistory();
    const cid = await join(room, { transports: [network.transport()] });
    await untilLater('Cid has the beginning', () => cid.replica.frontier.length > 0);
    network.cut(ann.replica.self, cid.replica.self);
    await writeHistory(ann, 5);
    swapCheckpoints(network, await checkpointBy(room, 'e', momentOf(ann)));
    // Of what Ann sends nothing else arrives.
    const { changes } = network;
    network.changes = (frame) => (frame[0] === frameType.segments ? new Uint8Array(1) : changes(frame));
    const bob = await join(room, { ...newcomer(network), transports: [network.transport(false)] });
    network.link(bob.replica.self, ann.replica.self);
    await untilLater('it is shown', () => bob.replica.known);
    network.cut(bob.replica.self, ann.replica.self);
    network.changes = changes;
    network.link(bob.replica.self, cid.replica.self);
    bob.text.insert(0, 'Bob');
    await untilLater('it is given up', () => falses(bob).length === 1);
    network.link(bob.replica.self, ann.replica.self);
    await untilLater(
      'all of it is here',
      () => same(ann, cid) || bob.replica.frontier[0]?.seq === ann.replica.frontier[0]?.seq,
    );
    await seconds(2);
    expect([falses(bob).length, bob.replica.unsigned.length, ann.read().startsWith('Bob')]).toEqual([
      1,
      1,
      false,
    ]);
  });

  it('CHECK-7: where the worker fails the room is opened by its log, and what it is of is not waited for', async () => {
    const { room, network, ann } = await roomWithHistory();
    swapCheckpoints(network, await checkpointBy(room, 'e', beyond(momentOf(ann))));
    const inner = inPlaceFolder();
    const folder = { ...inner, fold: () => Promise.reject(new Error('fold worker: ended')) };
    const bob = await join(room, newcomer(network, folder));
    await until('it is given up', () => falses(bob).length === 1);
    bob.text.insert(0, 'Bob');
    const again = await reopened(bob, room, network);
    await until('Ann has the words', () => same(ann, again) && ann.read().startsWith('Bob'));
  });
});

describe('a checkpoint that can not be shown', () => {
  const refused: Record<string, [code: string, make: (all: Hostile) => Promise<Bytes>]> = {
    'a viewer signs': ['role-may-not-sign', ({ by, moment }) => by('v', moment)],
    'a commenter signs': ['role-may-not-sign', ({ by, moment }) => by('c', moment)],
    'names what is not there': [
      'pending-state',
      async ({ by, moment, ann }) =>
        by('e', { ...moment, state: Y.diffUpdate(moment.state, halfOf(ann)) as Bytes }),
    ],
    'is no state': ['malformed-state', ({ by, moment }) => by('e', { ...moment, state: randomBytes(99) })],
    'has another root': [
      'root-name',
      ({ by, moment }) =>
        by('e', { ...moment, state: changed(moment.state, 7, (doc) => doc.getText('x').insert(0, 'x')) }),
    ],
    'has a document in it': [
      'subdocument',
      ({ by, moment }) =>
        by('e', {
          ...moment,
          state: changed(moment.state, 7, (doc) => doc.getMap('files').set('x', new Y.Doc())),
        }),
    ],
    'is of nothing': ['malformed-checkpoint', ({ by, moment }) => by('e', { ...moment, frontier: [] })],
    'is not sealed for this room': ['not-ours', async ({ elsewhere }) => elsewhere],
    'was sealed by somebody removed, with the keys before': ['wrong-epoch', async ({ former }) => former],
    'is torn': ['not-ours', async ({ by, moment }) => (await by('e', moment)).slice(0, -1)],
  };
  for (const [what, [code, make]] of Object.entries(refused))
    it(`CHECK-2, CHECK-3: ${what}: ${code}; the room comes as ever`, async () => {
      const { room, network, ann } = await roomWithHistory();
      const other = await makeRoom();
      swapCheckpoints(
        network,
        await make({
          ann,
          moment: momentOf(ann),
          by: (kind, moment) => checkpointBy(room, kind, moment),
          elsewhere: await checkpointBy(other, 'e', momentOf(ann)),
          former: withEpoch(await checkpointBy(room, 'e', momentOf(ann)), 7),
        }),
      );
      const gate = gated();
      const bob = await join(room, newcomer(network, gate.folder));
      await until('it is refused', () => refusals(bob).length === 1);
      expect([refusals(bob), bob.replica.known]).toEqual([[code], false]);
      gate.open();
      await until('the room is there', () => same(ann, bob) && bob.replica.known);
      bob.text.insert(0, 'Bob');
      await until('Ann reads it', () => ann.read().startsWith('Bob'));
    });

  it('CHECK-3: words of the newcomer’s own session: own-words', async () => {
    const { room, network, ann } = await roomWithHistory();
    const { state, frontier } = momentOf(ann);
    const gate = gated();
    const bob = await join(room, {
      ...newcomer(network, gate.folder),
      transports: [network.transport(false)],
    });
    const own = bob.replica.doc.clientID;
    const forged = changed(state, own, (doc) => textIn(doc).insert(0, 'not mine'));
    swapCheckpoints(network, await checkpointBy(room, 'e', { frontier, state: forged }));
    network.link(ann.replica.self, bob.replica.self);
    await until('it is refused', () => refusals(bob).includes('own-words'));
    gate.open();
    await until('the room is there', () => same(ann, bob));
  });

  it('CHECK-6: after eight that can’t be shown no more are looked at; nor any that was not asked for', async () => {
    const { room, network, ann } = await roomWithHistory();
    const bob = await join(room, { ...newcomer(network), transports: [network.transport(false)] });
    const eve = await Eve.join(room, network);
    network.link(eve.name, bob.replica.self);
    const junk = writeFrame('checkpoint', await checkpointBy(room, 'v', momentOf(ann)));
    await eve.meet(bob, []);
    eve.send(bob.replica.self, junk);
    await eve.handled(bob);
    expect(refusals(bob)).toEqual([]);
    eve.send(bob.replica.self, await eve.hello({ claims: [...ann.replica.frontier] }));
    await until('Bob asks her', () => eve.received.some(({ frame }) => frame[0] === frameType.want));
    for (let i = 0; i < 12; i++) eve.send(bob.replica.self, junk);
    await until('eight were looked at', () => refusals(bob).length === 8);
    await eve.handled(bob);
    network.link(ann.replica.self, bob.replica.self);
    await until('the room is there', () => same(ann, bob));
    expect(refusals(bob).length).toBe(8);
  });

  it('CHECK-4: who has something of the project looks at none', async () => {
    const { room, network, ann } = await roomWithHistory(5, { entries: Infinity, bytesAnEntry: 0 });
    const bob = await join(room, newcomer(network));
    await until('the room is there', () => same(ann, bob) && bob.replica.caughtUp);
    const junk = writeFrame('checkpoint', await checkpointBy(room, 'v', momentOf(ann)));
    const eve = await Eve.join(room, network);
    await eve.meet(bob, beyond(momentOf(ann)).frontier.slice());
    await until('Bob asks her', () => eve.received.some(({ frame }) => frame[0] === frameType.want));
    eve.send(bob.replica.self, junk);
    await eve.handled(bob);
    // An answer with nothing in it ends the asking: what came before it was looked at.
    eve.send(bob.replica.self, writeFrame('segments', encodeSegments({ more: false, segments: [] })));
    const greetings = eve.of('hello').length;
    await until('Bob asks again', () => eve.of('hello').length > greetings);
    expect(refusals(bob)).toEqual([]);
  });
});

/** Of what nobody has. */
const beyond = ({ frontier, state }: Moment): Moment => ({
  frontier: frontier.map((row) => ({ ...row, seq: row.seq + 1, hash: randomBytes(32) })),
  state,
});

type Moment = Pick<Checkpoint, 'frontier' | 'state'>;

interface Hostile {
  readonly ann: TestReplica;
  readonly moment: Moment;
  readonly by: (kind: SeedKind, moment: Moment) => Promise<Bytes>;
  readonly elsewhere: Bytes;
  /** Of another epoch. */
  readonly former: Bytes;
}

async function roomWithHistory(letters = 30, worth: Worth = ALWAYS) {
  const room = await makeRoom();
  const network = new MemoryNetwork(sure);
  const ann = await join(room, { makesFile: true, transports: [network.transport()], worth });
  await writeHistory(ann, letters);
  return { room, network, ann };
}

const newcomer = (network: MemoryNetwork, folder = inPlaceFolder()) => ({
  transports: [network.transport()],
  knowsGenesis: false,
  folder,
});

/** What is written now is taken after the history was. */
async function proofIsPast(ann: TestReplica, bob: TestReplica): Promise<void> {
  const reaches = () => bob.replica.frontier[0]?.seq === ann.replica.frontier[0]?.seq;
  await until('the history', reaches);
  ann.text.insert(ann.text.length, ' Ann goes on.');
  await until('what came later', () => bob.read().endsWith(' Ann goes on.'));
  await bob.replica.settled();
}

function reopened(who: TestReplica, room: Awaited<ReturnType<typeof makeRoom>>, network: MemoryNetwork) {
  open.splice(open.indexOf(who), 1);
  const setup = { transports: [network.transport()] };
  return openAgain(
    who,
    (more) => join(room, more),
    setup,
    (again) => until('it is caught up', () => again.replica.caughtUp),
  );
}

/** Some of what Ann wrote, as a state vector. */
function halfOf({ replica }: TestReplica): Uint8Array {
  const vector = Y.decodeStateVector(Y.encodeStateVector(replica.doc));
  return Y.encodeStateVector(new Map([...vector].map(([client, clock]) => [client, clock >> 1])));
}

/** A history of the same shape in which other letters were typed. */
function otherLetters(state: Bytes, { replica }: TestReplica): Bytes {
  const text = textIn(replica.doc).toString();
  const bytes = state.slice();
  // Strings stand in an update as they are.
  const [digit, other] = [text.charCodeAt(0), 'z'.charCodeAt(0)];
  const at = Buffer.from(bytes).indexOf(text.slice(0, 2));
  if (at < 0 || bytes[at] !== digit) throw new Error('the text is not in the state');
  bytes[at] = other;
  return bytes;
}
