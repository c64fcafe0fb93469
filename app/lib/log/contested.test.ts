/** Sessions that pass for one another: by two certificates of one key, or by one Yjs client. Nobody is split by them either. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type * as Y from 'yjs';
import type { Bytes } from '../core/bytes.ts';
import type { ClientId } from '../core/ids.ts';
import { deviceKeyPairFromSeed } from '../crypto/device-keys.ts';
import { deriveRoomKeys } from '../crypto/room-keys.ts';
import { generateSigningKeyPair } from '../crypto/signatures.ts';
import { expectAlike, meet, meetHonestly, startsOf, Tab } from '../../testing/forking-tab.ts';
import { forge, hostile } from '../../testing/hostile-entries.ts';
import { branchClient } from './branches.ts';
import { issueSession, type OwnSession } from './certificate.ts';
import { Forge, rawUpdate, testRoom, type TestRoom } from './test-room.ts';

/**
 * Two sessions of one client take 2^26 keys to find: here half of all have a client of 2 bits, where a test asks for it. Nobody
 * can find one for a session that is somebody else's, and so honest ones are of the other half.
 */
const bits = vi.hoisted(() => ({ few: false }));
const FEW = 4;
vi.mock('./client-id.ts', async (real) => {
  const { clientIdIn } = await real<{ clientIdIn: (hash: Bytes) => number }>();
  const isFound = (hash: Bytes): boolean => bits.few && (hash[31] ?? 0) % 2 === 0;
  return {
    clientIdIn: (hash: Bytes) => (isFound(hash) ? 1 + ((hash[0] ?? 0) % FEW) : clientIdIn(hash)) as ClientId,
  };
});

let room: TestRoom;
/** As the room, but with sessions whose client nobody else has. */
let honest: TestRoom;
beforeAll(async () => {
  room = await testRoom();
  honest = { ...room, newSession: () => sessionWith((client) => client > FEW) };
});

async function sessionWith(isIt: (client: number) => boolean): Promise<OwnSession> {
  for (;;) {
    const session = await room.newSession();
    if (isIt(session.clientId)) return session;
  }
}
const type = (at: number, words: string) => (text: Y.Text) => text.insert(Math.min(at, text.length), words);

/** One key, as often certified as asked: each certificate names another device. */
async function sameKey(count: number): Promise<OwnSession[]> {
  const pair = await generateSigningKeyPair();
  return Promise.all(
    Array.from({ length: count }, async (_, i) =>
      issueSession(room.keys, await deviceKeyPairFromSeed(new Uint8Array(32).fill(i + 1)), pair),
    ),
  );
}

const begin = (session: OwnSession, text: string) =>
  new Forge(room, session).add(rawUpdate(session.clientId, 0, [{ text }]));

describe('FORK-5: two certificates of one key', () => {
  test('CERT-6 each shown to somebody: both are in, and what each of them built on', async () => {
    const [one, other] = (await sameKey(2)) as [OwnSession, OwnSession];
    const [ann, ben] = [await Tab.of(honest), await Tab.of(honest)];
    await ann.receive(await begin(one, 'AAAA').segment(1, 1));
    await ben.receive(await begin(other, 'BB').segment(1, 1));
    await ann.edit(type(2, 'ann'));
    await ben.edit(type(1, 'ben'));
    await meetHonestly([ann, ben]);
    expectAlike([ann, ben]);
    expect(ann.text).toContain('AAannAA');
    expect(ann.text).toContain('BbenB');
    expect(startsOf(ann)).toHaveLength(2);
    const devices = ann.log.frontier().map(({ session }) => ann.log.session(session)?.device);
    expect(new Set(devices)).toEqual(new Set([one.device, other.device, ann.session.device]));
  });

  test('in two channels: both are in, each by its own certificate', async () => {
    const pair = await generateSigningKeyPair();
    const { roomId, seeds } = room.keys;
    const commentKeys = await deriveRoomKeys('c', seeds.c as Bytes, 0, roomId);
    const editor = await issueSession(
      room.keys,
      await deviceKeyPairFromSeed(new Uint8Array(32).fill(1)),
      pair,
    );
    const commenter = await issueSession(
      commentKeys,
      await deviceKeyPairFromSeed(new Uint8Array(32).fill(2)),
      pair,
    );
    const { clientId } = editor;
    const words = begin(editor, 'words').add(
      rawUpdate(clientId, 5, [{ origin: [clientId, 4], text: ' more' }]),
    );
    const written = await words.cut([1]);
    const talk = new Forge(room, commenter, 'talk').add(new Uint8Array([1])).add(new Uint8Array([2]));
    const said = await talk.cut([1]);
    const [ann, ben] = [await Tab.of(honest), await Tab.of(honest)];
    for (const sealed of [...written, ...said]) await ann.receive(sealed);
    for (const sealed of [...said, ...written]) await ben.receive(sealed);
    await meet([ann, ben]);
    expectAlike([ann, ben]);
    const who = ann.log
      .frontier()
      .map(({ session, channel, seq }) => [channel, seq, ann.log.session(session)?.role]);
    expect(who).toEqual([
      ['project', 2, 'editor'],
      ['talk', 2, 'commenter'],
    ]);
  });

  test('one whose entry waits is known by its own name too; one that could never be part of the room is nobody’s rival', async () => {
    const [one, other, third] = (await sameKey(3)) as [OwnSession, OwnSession, OwnSession];
    const waits = new Forge(room, one).add(rawUpdate(one.clientId, 0, [{ origin: [12345, 6] }]));
    const never = new Forge(room, third).add(rawUpdate(7, 0, [{}]));
    const log = room.newLog();
    expect((await log.receive(await waits.segment(1, 1))).held).toBeDefined();
    expect((await log.receive(await never.segment(1, 1))).refused?.code).toBe('foreign-struct');
    const receipt = await log.receive(await begin(other, 'x').segment(1, 1));
    expect(receipt.accepted).toHaveLength(1);
    expect(log.foundBranches).toEqual([]);
    expect((await log.receive(await never.segment(1, 1))).fork?.starts).toBeUndefined();
    expect((await log.receive(await waits.segment(1, 1))).fork?.starts).toHaveLength(2);
  });

  test('one that waits is its rival as soon as another begins', async () => {
    const [one, other] = (await sameKey(2)) as [OwnSession, OwnSession];
    const waits = new Forge(room, one).add(rawUpdate(one.clientId, 0, [{ origin: [12345, 6] }]));
    const log = room.newLog();
    expect((await log.receive(await waits.segment(1, 1))).held).toBeDefined();
    const receipt = await log.receive(await begin(other, 'x').segment(1, 1));
    expect(receipt.accepted).toHaveLength(1);
    expect(receipt.fork?.starts).toHaveLength(2);
  });

  test('chains are exported and taken over with the certificate that each stands on', async () => {
    const [one, other] = (await sameKey(2)) as [OwnSession, OwnSession];
    const segments = [await begin(one, 'A').segment(1, 1), await begin(other, 'B').segment(1, 1)];
    const finder = room.newLog();
    for (const sealed of segments) await finder.receive(sealed);
    const log = room.newLog(finder.foundBranches);
    for (const sealed of segments) await log.receive(sealed);
    const copy = room.newLog(finder.foundBranches);
    expect(copy.adopt(log.exportChains())).toBe(true);
    expect(copy.frontier()).toHaveLength(2);
    expect(copy.frontier()).toEqual(log.frontier());
    for (const { session } of copy.frontier()) expect(copy.session(session)).toEqual(log.session(session));
  });

  test('[seed 6601, 30 runs] any certificates, stories, order: the same for all who have them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(hostile, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 4 }),
        fc.infiniteStream(fc.nat(1_000_000)),
        async (stories, random) => {
          const pick = picks(random);
          const { tabs, known } = await threeWhoWrite(pick);
          const keys = await sameKey(2);
          const sent: Bytes[] = [];
          for (const story of stories) {
            const session = keys[pick(2)] as OwnSession;
            sent.push(...(await cutStory(session, story, known, pick)));
          }
          await spread(tabs, sent, pick);
        },
      ),
      { seed: 6601, numRuns: Number(process.env['RUNS'] ?? 30) },
    );
  }, 300_000);
});

describe('FORK-5, FORK-6: one Yjs client for several', () => {
  /** As `work`, with so few clients that nearly everything has one that something else has. */
  async function withFewClients(work: () => Promise<void>): Promise<void> {
    bits.few = true;
    try {
      await work();
    } finally {
      bits.few = false;
    }
  }

  /** Two sessions with one client. */
  async function twins(): Promise<[OwnSession, OwnSession]> {
    const one = await sessionWith((client) => client <= FEW);
    return [one, await sessionWith((client) => client === one.clientId)];
  }

  test('each shown to somebody: both are in, and what each of them built on', () =>
    withFewClients(async () => {
      const [one, other] = await twins();
      const [ann, ben] = [await Tab.of(honest), await Tab.of(honest)];
      await ann.receive(await begin(one, 'AAAA').segment(1, 1));
      const receipt = await ann.log.receive(await begin(other, 'no').segment(1, 1));
      expect(receipt.refused?.code).toBe('client-id-taken');
      await ben.receive(await begin(other, 'BB').segment(1, 1));
      await ann.edit(type(2, 'ann'));
      await ben.edit(type(1, 'ben'));
      await meetHonestly([ann, ben]);
      expectAlike([ann, ben]);
      expect(ann.text).toContain('AAannAA');
      expect(ann.text).toContain('BbenB');
    }));

  test('one that waits is its rival as soon as another begins', () =>
    withFewClients(async () => {
      const [one, other] = await twins();
      const waits = new Forge(room, one).add(rawUpdate(one.clientId, 0, [{ origin: [12345, 6] }]));
      const log = room.newLog();
      expect((await log.receive(await waits.segment(1, 1))).held).toBeDefined();
      const receipt = await log.receive(await begin(other, 'x').segment(1, 1));
      expect(receipt.accepted).toHaveLength(1);
      expect(receipt.fork?.starts).toHaveLength(2);
    }));

  test('one that could never be part of the room is nobody’s rival', () =>
    withFewClients(async () => {
      const [one, other] = await twins();
      const log = room.newLog();
      await log.receive(await begin(one, 'x').segment(1, 1));
      const never = new Forge(room, other).add(rawUpdate(other.clientId + 1, 0, [{}]));
      const receipt = await log.receive(await never.segment(1, 1));
      expect(receipt.refused?.code).toBe('foreign-struct');
      expect(receipt.fork).toBeUndefined();
    }));

  test('of two logs of a device each keeps the one that it has', () =>
    withFewClients(async () => {
      const [one, other] = await twins();
      const [page, worker] = [room.newLog(), room.newLog()];
      await page.receive(await begin(one, 'x').segment(1, 1));
      await worker.receive(await begin(other, 'y').segment(1, 1));
      expect(page.adopt(worker.exportChains())).toBe(true);
      expect(page.frontier().map(({ session }) => session)).toEqual([one.id]);
    }));

  /** First entries of three sessions with one client, that no branch of the first two has. */
  async function threeOfOneClient() {
    for (;;) {
      const [one, other] = await twins();
      const third = await sessionWith((client) => client === one.clientId);
      const [first, second, last] = [
        await begin(one, 'x').segment(1, 1),
        await begin(other, 'x').segment(1, 1),
        await begin(third, 'x').segment(1, 1),
      ];
      const finder = room.newLog();
      for (const sealed of [first, second]) await finder.receive(sealed);
      const clients = finder.foundBranches.map(({ hash }) => branchClient(hash, 0));
      if (clients.every((client) => client > FEW)) return { one, third, first, second, last, finder };
    }
  }

  test('a third is contested, whether it comes before the two that are known or after them', () =>
    withFewClients(async () => {
      const { one, third, first, second, last, finder } = await threeOfOneClient();
      const startsIn = async (sealed: readonly Bytes[]) => {
        const log = room.newLog(finder.foundBranches);
        for (const each of sealed) await log.receive(each);
        return log.foundBranches.map(({ session }) => session);
      };
      expect(await startsIn([first, second, last])).toContain(third.id);
      expect(await startsIn([last, first, second])).toContain(third.id);
      // A story of the first that nobody knows: what is known of it is asked for as before.
      const log = room.newLog(finder.foundBranches);
      await log.receive(await begin(one, 'another').segment(1, 1));
      expect(log.missingFrom(finder.frontier()).map(({ fromSeq, toSeq }) => [fromSeq, toSeq])).toEqual([
        [1, 1],
      ]);
    }));

  /** A session that forks at its second entry, where the first of the branches has a client that passes. */
  async function forkWith(isIt: (client: number) => boolean): Promise<{ segments: Bytes[]; client: number }> {
    for (;;) {
      const session = await sessionWith((client) => client > FEW);
      const me = session.clientId;
      const story = (text: string) => begin(session, 's').add(rawUpdate(me, 1, [{ origin: [me, 0], text }]));
      const segments = [await story('AAAA').segment(1, 2), await story('B').segment(2, 2)];
      const log = room.newLog();
      for (const sealed of segments) await log.receive(sealed);
      const client = branchClient(log.foundBranches[0]?.hash ?? new Uint8Array(), 0);
      const other = branchClient(log.foundBranches[1]?.hash ?? new Uint8Array(), 0);
      if (isIt(client) && other > FEW) return { segments, client };
    }
  }

  test('FORK-6 a branch that has to move on is meant by the client that it had', () =>
    withFewClients(async () => {
      const here = await forkWith((client) => client <= FEW);
      const there = await forkWith((client) => client === here.client);
      const [ann, ben] = [await Tab.of(honest), await Tab.of(honest)];
      for (const sealed of here.segments) await ann.receive(sealed);
      await ann.settle();
      await ann.edit((text) => text.insert(text.toJSON().indexOf('AAAA') + 2, 'ann'));
      for (const sealed of there.segments) await ben.receive(sealed);
      await meet([ann, ben]);
      expectAlike([ann, ben]);
      expect(ben.text).toContain('AAannAA');
    }));

  test('FORK-6 who follows the branch that has a client means that one, not the session that had it too', () =>
    withFewClients(async () => {
      const fork = await forkWith((client) => client <= FEW);
      const session = await sessionWith((client) => client === fork.client);
      const [ann, ben] = [await Tab.of(honest), await Tab.of(honest)];
      for (const sealed of [...fork.segments, await begin(session, 'ZZZZZZ').segment(1, 1)])
        await ann.receive(sealed);
      await ann.settle();
      await ann.edit((text) => text.insert(text.toJSON().indexOf('AAAA') + 2, 'ann'));
      await ann.edit((text) => text.insert(text.toJSON().indexOf('ZZZZ') + 2, 'ann'));
      await meet([ann, ben]);
      expectAlike([ann, ben]);
      for (const words of ['AAannAA', 'ZZannZZZZ']) expect(ben.text).toContain(words);
    }));

  test('[seed 6602, 30 runs] honest people, forks, and any stories among few clients: the same for all, nothing twice', async () => {
    await withFewClients(() =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(hostile, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 }),
          fc.infiniteStream(fc.nat(1_000_000)),
          async (stories, random) => {
            const pick = picks(random);
            const { tabs, ann, known } = await threeWhoWrite(pick);
            if (pick(2) === 0) {
              const twin = ann.clone();
              await ann.edit(type(pick(9), 'A'));
              await twin.edit(type(pick(9), 'B'));
              tabs.push(twin);
            }
            const sent: Bytes[] = [];
            for (const story of stories)
              sent.push(...(await cutStory(await sessionWith((one) => one <= FEW), story, known, pick)));
            await spread(tabs, sent, pick);
          },
        ),
        { seed: 6602, numRuns: Number(process.env['RUNS'] ?? 30) },
      ),
    );
  }, 300_000);
});

type Pick = (below: number) => number;

const picks =
  (random: fc.Stream<number>): Pick =>
  (below) =>
    (random.next().value as number) % below;

/** Three tabs, two of whose people have written something. */
async function threeWhoWrite(pick: Pick) {
  const tabs = [await Tab.of(honest), await Tab.of(honest), await Tab.of(honest)];
  const [ann, ben] = tabs as [Tab, Tab, Tab];
  for (const word of ['one ', 'two ']) await ann.edit(type(pick(9), word));
  await ben.edit(type(0, 'ben '));
  return { tabs, ann, known: [ann.session, ben.session] };
}

async function cutStory(
  session: OwnSession,
  story: Parameters<typeof forge>[3][],
  known: readonly OwnSession[],
  pick: Pick,
): Promise<Bytes[]> {
  const forged = new Forge(room, session);
  let clock = 0;
  for (const one of story) clock = forge(forged, clock, known, one);
  const cuts = forged.entries.map((_, at) => at + 1).filter(() => pick(2) === 0);
  return forged.cut(cuts);
}

/** Each hears some of it in some order and types meanwhile; then they hear from each other what they accepted. */
async function spread(tabs: readonly Tab[], sent: readonly Bytes[], pick: Pick): Promise<void> {
  for (const tab of tabs) {
    for (const sealed of sent.filter(() => pick(3) > 0).toSorted(() => pick(3) - 1)) {
      await tab.receive(sealed);
      if (pick(4) === 0) await tab.edit(type(pick(20), String(pick(10))));
    }
  }
  await meetHonestly(tabs);
  expectAlike(tabs);
}
