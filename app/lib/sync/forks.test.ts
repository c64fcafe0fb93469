/** Somebody's tab told two stories: who heard one of them and who heard the other come together again, and stay so. */
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryNetwork } from '../../testing/memory-network.ts';
import { twoCertificates, twoStories } from '../../testing/two-stories.ts';
import { makeRoom, replicasOfATest, type TestReplica, type TestRoom, until } from '../../testing/replicas.ts';
import { toHex } from '../core/bytes.ts';
import type { LogStore } from '../log/log-store.ts';
import { TAIL_SEGMENT_ENTRIES } from '../log/format.ts';
import { squash } from '../log/squash.ts';
import { memoryStore } from '../storage/stores/memory.ts';
import { branchName } from '../log/branches.ts';
import { RoomLog } from '../log/room-log.ts';
import { rememberBranches, startsIn } from './forks.ts';

const { join, leave } = replicasOfATest();
afterEach(leave);

const same = (...replicas: TestReplica[]) => new Set(replicas.map((each) => toHex(each.hash()))).size === 1;
const branched = ({ notices }: TestReplica) => notices.some(({ kind }) => kind === 'branched');
/** What went wrong, and what is said to be damaged at the end. */
const damaged = ({ notices }: TestReplica) => [
  ...notices.filter(({ kind }) => kind === 'internal'),
  ...notices
    .filter((notice) => notice.kind === 'at-rest')
    .slice(-1)
    .filter(({ damage }) => damage !== undefined),
];

/** As the app does: where a replica found a fork it is opened again with what its device has. */
async function again(room: TestRoom, network: MemoryNetwork, store: LogStore): Promise<TestReplica> {
  return join(room, { store, transports: [network.transport()] });
}

describe('FORK-4: two stories of one session', () => {
  it.each([1, 130])(
    'come together where their hearers meet, with all that was built on either [%i entries]',
    async (entries) => {
      const room = await makeRoom();
      const disks = [memoryStore(), memoryStore()] as const;
      const heard = await twoStories(await room.keys('e'), room.genesis, entries);
      for (const [i, disk] of disks.entries()) await disk.append(heard[i] ?? []);
      // One of them has had time to tidy up: a segment reaches over where the stories part.
      const longer = await squash(await room.keys('e'), heard[0], TAIL_SEGMENT_ENTRIES);
      for (const { replaced, segment } of longer) await disks[0].replace(replaced, [segment]);
      const apart = await Promise.all(disks.map((store) => join(room, { store, transports: [] })));
      for (const [i, { text }] of apart.entries()) text.insert(7, i === 0 ? 'ann' : 'bob');
      const [hers, his] = apart.map((one) => one.read());
      await Promise.all(apart.map(({ replica }) => replica.settled()));
      await leave();

      const network = new MemoryNetwork(() => 0.99);
      const met = [await again(room, network, disks[0]), await again(room, network, disks[1])];
      await until('both found out', () => met.every(branched));
      await leave();
      // Each has what showed it, though nobody else is here any more.
      if (entries === 1)
        for (const store of disks) {
          const alone = await join(room, { store, transports: [] });
          expect([alone.read().includes('A'), alone.read().includes('B')]).toEqual([true, true]);
        }
      await leave();

      const [ann, bob] = [await again(room, network, disks[0]), await again(room, network, disks[1])];
      await until('they have the same', () => same(ann, bob) && ann.read().includes('bob'));
      expect(hers).toContain('Aann');
      expect(his).toContain('Bbob');
      for (const one of [ann, bob]) expect(one.read()).toMatch(/Aann/u);
      for (const one of [ann, bob]) expect(one.read()).toMatch(/Bbob/u);
      // They go on, and nothing has to be opened again.
      ann.text.insert(0, 'on ');
      await until('it goes on', () => bob.read().startsWith('on '));
      expect([ann, bob].some(branched)).toBe(false);

      // Somebody new hears of both at once, or opens again as they did.
      const disk = memoryStore();
      const first = await again(room, network, disk);
      await until('the newcomer has it, or knows', () => branched(first) || same(first, ann));
      if (branched(first)) await first.replica.close();
      const carol = branched(first) ? await again(room, network, disk) : first;
      await until('the newcomer has it', () => same(carol, ann));
      await Promise.all([ann, bob, carol].map(({ replica }) => replica.settled()));
      expect([ann, bob, carol].flatMap(damaged)).toEqual([]);
      const all = { text: ann.read(), hash: toHex(ann.hash()) };
      await leave();

      // What rests is found where the log looks for it, by each alone.
      for (const store of [...disks, disk]) {
        const alone = await join(room, { store, transports: [] });
        expect({ text: alone.read(), hash: toHex(alone.hash()) }).toEqual(all);
        expect(damaged(alone)).toEqual([]);
        expect(startsIn((await store.loadFacts()).branches)).toHaveLength(2);
      }
    },
  );
});

describe('FORK-5: one key that is certified twice', () => {
  it('both stories come together where their hearers meet, and rest where they are looked for', async () => {
    const room = await makeRoom();
    const disks = [memoryStore(), memoryStore()] as const;
    const heard = await twoCertificates(await room.keys('e'), room.genesis);
    for (const [i, disk] of disks.entries()) await disk.append(heard[i] ?? []);
    const apart = await Promise.all(disks.map((store) => join(room, { store, transports: [] })));
    for (const [i, { text }] of apart.entries()) text.insert(i === 0 ? 8 : 7, i === 0 ? 'ann' : 'bob');
    const [hers, his] = apart.map((one) => one.read());
    await Promise.all(apart.map(({ replica }) => replica.settled()));
    await leave();
    const network = new MemoryNetwork(() => 0.99);
    const met = [await again(room, network, disks[0]), await again(room, network, disks[1])];
    await until('both found out', () => met.every(branched));
    await leave();

    const [ann, bob] = [await again(room, network, disks[0]), await again(room, network, disks[1])];
    await until('they have the same', () => same(ann, bob) && ann.read().includes('bob'));
    expect([hers, his]).toEqual(['start AAann ', 'start Bbob ']);
    for (const words of ['AAann', 'Bbob']) expect(ann.read()).toContain(words);
    expect([ann, bob].some(branched)).toBe(false);
    await Promise.all([ann, bob].map(({ replica }) => replica.settled()));
    expect([ann, bob].flatMap(damaged)).toEqual([]);
    const all = toHex(ann.hash());
    await leave();
    for (const store of disks) {
      const alone = await join(room, { store, transports: [] });
      expect([toHex(alone.hash()), damaged(alone)]).toEqual([all, []]);
    }
  });

  it('FORK-4 a story that waits is told as one: nobody knows its author by another name', async () => {
    const room = await makeRoom();
    const disks = [memoryStore(), memoryStore()] as const;
    const keys = await room.keys('e');
    const [whole, waits] = await twoCertificates(keys, room.genesis, true);
    for (const disk of disks) await disk.append(whole);
    // One has heard the other story too, which it can't place.
    const log = new RoomLog({ roomId: keys.roomId, keys, genesis: room.genesis });
    for (const { sealed } of [...whole, ...waits]) await log.receive(sealed);
    const [shown] = log.forkProofs;
    const other = shown?.starts?.at(-1);
    if (shown === undefined || other === undefined) throw new Error('two certificates, and no fork');
    await disks[0].append([
      { session: branchName(other.hash), channel: 'project', first: 1, last: 1, sealed: shown.sealed },
    ]);
    await rememberBranches(disks[0], log.foundBranches);
    const network = new MemoryNetwork(() => 0.99);
    const ann = await again(room, network, disks[0]);
    const bob = await again(room, network, disks[1]);
    await until('the other found out', () => branched(bob));
    await bob.replica.close();
    const later = await again(room, network, disks[1]);
    await until('they have the same', () => same(ann, later));
    expect(later.read()).toBe('start AA ');
    // Nothing is asked for for ever.
    expect(ann.replica.frontier.length).toBe(later.replica.frontier.length);
  });
});
