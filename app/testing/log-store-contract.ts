/** The acceptance suite that every LogStore passes. A store's own test calls `logStoreContract` once. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Channel, SessionId } from '../lib/core/ids.ts';
import type { LogStore, StoredSegment } from '../lib/log/log-store.ts';

export interface LogStoreUnderTest {
  /** A store of one room, empty at first. */
  readonly open: () => Promise<LogStore>;
  /** Opens the same room again as after a crash: the first store was never closed. Absent where nothing outlives a tab. */
  readonly reopen?: () => Promise<LogStore>;
  /** Makes the next write transaction fail after some of its requests succeeded. Absent where writes can't fail. */
  readonly failNextWrite?: () => void;
}

export const alice = 'a1'.repeat(32) as SessionId;
export const bob = 'b2'.repeat(32) as SessionId;

/** A segment with recognisable bytes. */
export function segment(
  first: number,
  last: number,
  {
    session = alice,
    channel = 'project',
    bytes = 8,
  }: { session?: SessionId; channel?: Channel; bytes?: number } = {},
): StoredSegment {
  return { session, channel, first, last, sealed: new Uint8Array(bytes).fill(first % 256) };
}

export function logStoreContract(name: string, setUp: () => LogStoreUnderTest): void {
  describe(`${name} as a LogStore`, () => {
    const opened: LogStore[] = [];
    const open = async (how: () => Promise<LogStore>): Promise<LogStore> => {
      const store = await how();
      opened.push(store);
      return store;
    };
    afterEach(async () => {
      for (const store of opened.splice(0)) await store.destroy();
    });

    it('is empty at first', async () => {
      const store = await open(setUp().open);
      expect(await store.loadFacts()).toEqual({});
      expect(await store.loadSnapshot()).toBeUndefined();
      expect(await all(store)).toEqual([]);
      expect(await store.readChain(alice, 'project', 1)).toEqual([]);
    });

    it('gives back facts and the newest snapshot', async () => {
      const store = await open(setUp().open);
      await store.saveFacts({ genesis: Uint8Array.of(1, 2, 3) });
      await store.saveSnapshot({ chains: Uint8Array.of(1), state: Uint8Array.of(2), entries: 3 });
      await store.saveSnapshot({ chains: Uint8Array.of(4), state: Uint8Array.of(5), entries: 6 });
      expect(await store.loadFacts()).toEqual({ genesis: Uint8Array.of(1, 2, 3) });
      expect(await store.loadSnapshot()).toEqual({
        chains: Uint8Array.of(4),
        state: Uint8Array.of(5),
        entries: 6,
      });
      await store.dropSnapshot();
      expect(await store.loadSnapshot()).toBeUndefined();
      await store.dropSnapshot();
    });

    it('ARCH-18: gives back the newest archive mark, apart from the facts, and forgets it with the room', async () => {
      const store = await open(setUp().open);
      expect(await store.loadArchiveMark()).toBeUndefined();
      const mark = {
        instance: new Uint8Array(16).fill(5),
        cursor: 2 ** 40,
        ends: [
          { session: alice, channel: 'project' as const, last: 7 },
          { session: bob, channel: 'talk' as const, last: 1 },
        ],
      };
      await store.saveArchiveMark({ ...mark, cursor: 1 });
      await store.saveArchiveMark(mark);
      await store.saveFacts({ genesis: Uint8Array.of(1), noArchive: true });
      expect(await store.loadArchiveMark()).toEqual(mark);
      expect(await store.loadFacts()).toEqual({ genesis: Uint8Array.of(1), noArchive: true });
      await store.destroy();
      const again = await open(setUp().open);
      expect(await again.loadArchiveMark()).toBeUndefined();
    });

    it('reads a chain from a seq, by first, and no other chain', async () => {
      const store = await open(setUp().open);
      await store.append([segment(11, 20), segment(1, 10), segment(100, 120)]);
      await store.append([segment(1, 5, { session: bob }), segment(1, 5, { channel: 'runs' })]);
      const found = await store.readChain(alice, 'project', 15);
      expect(found).toEqual([segment(11, 20), segment(100, 120)]);
      expect(await store.readChain(alice, 'project', 20)).toHaveLength(2);
      expect(await store.readChain(alice, 'project', 21)).toEqual([segment(100, 120)]);
      expect(await store.readChain(bob, 'project', 1)).toEqual([segment(1, 5, { session: bob })]);
    });

    it('keeps overlapping segments and one of each duplicate', async () => {
      const store = await open(setUp().open);
      await store.append([segment(1, 10), segment(5, 7), segment(5, 12)]);
      await store.append([segment(5, 7), segment(1, 10)]);
      expect(ranges(await store.readChain(alice, 'project', 6))).toEqual(['1-10', '5-7', '5-12']);
      expect(ranges(await store.readChain(alice, 'project', 8))).toEqual(['1-10', '5-12']);
    });

    it('takes many appends at once and keeps all of them', async () => {
      const store = await open(setUp().open);
      await Promise.all(Array.from({ length: 100 }, (_, i) => store.append([segment(i + 1, i + 1)])));
      expect(ranges(await store.readChain(alice, 'project', 1))).toHaveLength(100);
    });

    it('swaps short segments for the long one that holds them', async () => {
      const store = await open(setUp().open);
      await store.append([segment(1, 1), segment(2, 2), segment(3, 3), segment(4, 4)]);
      await store.replace([segment(1, 1), segment(2, 2), segment(3, 3)], [segment(1, 3)]);
      expect(ranges(await all(store))).toEqual(['1-3', '4-4']);
      // A second tab may do the same swap again.
      await store.replace([segment(1, 1), segment(2, 2), segment(3, 3)], [segment(1, 3)]);
      expect(ranges(await all(store))).toEqual(['1-3', '4-4']);
    });

    it('keeps a segment that is on both sides of a swap', async () => {
      const store = await open(setUp().open);
      await store.append([segment(1, 3)]);
      await store.replace([segment(1, 3)], [segment(1, 3)]);
      expect(ranges(await all(store))).toEqual(['1-3']);
    });

    it('refuses a swap that would lose an entry', async () => {
      const store = await open(setUp().open);
      await store.append([segment(1, 3), segment(4, 6)]);
      await expect(store.replace([segment(1, 3), segment(4, 6)], [segment(1, 5)])).rejects.toThrow(
        RangeError,
      );
      await expect(store.replace([segment(1, 3)], [segment(1, 3, { session: bob })])).rejects.toThrow(
        RangeError,
      );
      expect(ranges(await all(store))).toEqual(['1-3', '4-6']);
    });

    it('reads everything in batches of bounded size, chain by chain', async () => {
      const store = await open(setUp().open);
      const written: StoredSegment[] = [];
      for (const session of [alice, bob])
        for (const channel of ['project', 'runs'] as const)
          for (let seq = 1; seq <= 60; seq++)
            written.push(segment(seq, seq, { session, channel, bytes: 100 }));
      await store.append([...written].reverse());
      const huge = segment(61, 61, { session: bob, channel: 'runs', bytes: 5_000 });
      await store.append([huge]);
      expect(await store.chainEnds()).toHaveLength(4);
      expect(await store.chainEnds()).toContainEqual({ session: alice, channel: 'project', last: 60 });
      expect(await store.chainEnds()).toContainEqual({ session: bob, channel: 'runs', last: 61 });
      const batches: StoredSegment[][] = [];
      for await (const batch of store.readAll(1_000)) batches.push(batch);
      expect(batches.flat()).toEqual([...written, huge]);
      for (const batch of batches) expect(batch.length === 1 || sealedBytes(batch) <= 1_000).toBe(true);
    });

    it('misses no entry when segments are swapped while everything is read', async () => {
      const store = await open(setUp().open);
      const short = Array.from({ length: 200 }, (_, i) => segment(i + 1, i + 1, { bytes: 100 }));
      await store.append([...short, segment(1, 1, { session: bob })]);
      const seen = new Set<string>();
      let batches = 0;
      for await (const batch of store.readAll(1_000)) {
        if (++batches === 2) await store.replace(short, [segment(1, 200, { bytes: 1_500 })]);
        for (const one of batch)
          for (let seq = one.first; seq <= one.last; seq++) seen.add(`${one.session} ${seq}`);
      }
      for (let seq = 1; seq <= 200; seq++) expect(seen).toContain(`${alice} ${seq}`);
      expect(seen).toContain(`${bob} 1`);
    });

    it('SYNC-15: moves damaged segments aside: nothing gives them any more, and their bytes are kept', async () => {
      const store = await open(setUp().open);
      await store.append([segment(1, 1), segment(2, 2), segment(2, 2, { session: bob }), segment(3, 3)]);
      await store.quarantine([segment(2, 2), segment(9, 9)]);
      expect(await store.quarantined()).toEqual([segment(2, 2)]);
      expect(ranges(await store.readChain(alice, 'project', 1))).toEqual(['1-1', '3-3']);
      expect(ranges(await all(store))).toEqual(['1-1', '3-3', '2-2']);
      expect((await store.addresses()).map(({ first }) => first).sort()).toEqual([1, 2, 3]);
      await store.quarantine([segment(3, 3)]);
      expect(await store.chainEnds()).toContainEqual({ session: alice, channel: 'project', last: 1 });
      // What comes from a peer has its place again.
      await store.append([segment(2, 2)]);
      expect(ranges(await store.readChain(alice, 'project', 1))).toEqual(['1-1', '2-2']);
      await store.forgetQuarantined([segment(2, 2), segment(8, 8)]);
      expect(await store.quarantined()).toEqual([segment(3, 3)]);
    });

    it('SYNC-15: leaves a segment where it is that was replaced since it was found damaged', async () => {
      const store = await open(setUp().open);
      const damaged = { ...segment(1, 1), sealed: new Uint8Array([9, 9]) };
      await store.append([damaged]);
      await store.append([segment(1, 1)]);
      await store.quarantine([damaged]);
      expect(await store.quarantined()).toEqual([]);
      expect(await all(store)).toEqual([segment(1, 1)]);
    });

    it('SYNC-15: knows every address without reading a segment', async () => {
      const store = await open(setUp().open);
      expect(await store.addresses()).toEqual([]);
      await store.append([segment(1, 10), segment(5, 7), segment(1, 2, { session: bob, channel: 'runs' })]);
      const found = (await store.addresses()).map(
        ({ session, channel, first, last }) => `${session.slice(0, 2)} ${channel} ${first}-${last}`,
      );
      expect(found.sort()).toEqual(['a1 project 1-10', 'a1 project 5-7', 'b2 runs 1-2']);
    });

    it('holds nothing after it was destroyed', async () => {
      const setting = setUp();
      const store = await open(setting.open);
      await store.append([segment(1, 1)]);
      await store.saveFacts({ genesis: Uint8Array.of(1) });
      await store.append([segment(5, 5)]);
      await store.quarantine([segment(5, 5)]);
      await store.destroy();
      const again = await open(setting.reopen ?? setting.open);
      expect(await all(again)).toEqual([]);
      expect(await again.loadFacts()).toEqual({});
      expect(await again.quarantined()).toEqual([]);
    });

    it('has everything it acknowledged after a crash', async () => {
      const { open: first, reopen } = setUp();
      if (reopen === undefined) return;
      const store = await open(first);
      await store.append([segment(1, 1), segment(2, 2)]);
      await store.saveFacts({ genesis: Uint8Array.of(9) });
      void store.append([segment(3, 3)]);
      const again = await open(reopen);
      expect(ranges(await all(again)).slice(0, 2)).toEqual(['1-1', '2-2']);
      expect(await again.loadFacts()).toEqual({ genesis: Uint8Array.of(9) });
    });

    it('keeps what two tabs write at once', async () => {
      const { open: first, reopen } = setUp();
      if (reopen === undefined) return;
      const [one, two] = [await open(first), await open(reopen)];
      await Promise.all(
        Array.from({ length: 40 }, (_, i) => [
          one.append([segment(i + 1, i + 1), segment(i + 1, i + 1, { session: bob })]),
          two.append([segment(i + 1, i + 1), segment(i + 1, i + 1, { channel: 'runs' })]),
        ]).flat(),
      );
      expect(await all(one)).toHaveLength(120);
      expect(await all(two)).toEqual(await all(one));
    });

    it('keeps nothing of a batch whose write failed, and goes on', async () => {
      const { open: first, failNextWrite } = setUp();
      if (failNextWrite === undefined) return;
      const store = await open(first);
      await store.append([segment(1, 1)]);
      failNextWrite();
      await expect(store.append([segment(2, 2), segment(3, 3), segment(4, 4)])).rejects.toThrow();
      expect(ranges(await all(store))).toEqual(['1-1']);
      await store.append([segment(2, 2), segment(3, 3), segment(4, 4)]);
      expect(ranges(await all(store))).toEqual(['1-1', '2-2', '3-3', '4-4']);
    });

    it('SYNC-15: moves nothing aside when that fails: what is damaged is still there to be found', async () => {
      const { open: first, failNextWrite } = setUp();
      if (failNextWrite === undefined) return;
      const store = await open(first);
      await store.append([segment(1, 1), segment(2, 2), segment(3, 3)]);
      failNextWrite();
      await expect(store.quarantine([segment(1, 1), segment(2, 2)])).rejects.toThrow();
      expect(ranges(await all(store))).toEqual(['1-1', '2-2', '3-3']);
      expect(await store.quarantined()).toEqual([]);
    });

    it('swaps nothing when the swap failed', async () => {
      const { open: first, failNextWrite } = setUp();
      if (failNextWrite === undefined) return;
      const store = await open(first);
      await store.append([segment(1, 1), segment(2, 2), segment(3, 3)]);
      failNextWrite();
      const shorter = [segment(1, 1), segment(2, 2), segment(3, 3)];
      await expect(store.replace(shorter, [segment(1, 2), segment(2, 3)])).rejects.toThrow();
      expect(ranges(await all(store))).toEqual(['1-1', '2-2', '3-3']);
    });
  });
}

async function all(store: LogStore): Promise<StoredSegment[]> {
  const found: StoredSegment[] = [];
  for await (const batch of store.readAll(1024 * 1024)) found.push(...batch);
  return found;
}

const ranges = (segments: readonly StoredSegment[]): string[] =>
  segments.map(({ first, last }) => `${first}-${last}`);

const sealedBytes = (batch: readonly StoredSegment[]): number =>
  batch.reduce((sum, { sealed }) => sum + sealed.length, 0);
