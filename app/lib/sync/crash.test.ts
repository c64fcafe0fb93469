/** LOG.md, property test 5: a crash at every step. What was called saved comes back exactly once. */
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryNetwork } from '../../testing/memory-network.ts';
import { mortalStore, type Moment } from '../../testing/mortal-store.ts';
import { makeRoom, replicasOfATest, type TestReplica, until } from '../../testing/replicas.ts';
import { randomBytes, toHex } from '../core/bytes.ts';
import { memoryStore } from '../storage/stores/memory.ts';

const { join, leave } = replicasOfATest();
afterEach(leave);

/** Types letter by letter until the tab dies; gives what the status line had called saved by then. */
async function typeUntilDead(writer: TestReplica, isDead: () => boolean): Promise<string> {
  for (let i = 0; i < 12 && !isDead(); i++) {
    writer.text.insert(writer.text.length, String.fromCharCode(97 + i));
    // Some edits meet the ones before them on the way, some come after a pause.
    if (i % 3 !== 0) await Promise.race([writer.replica.settled(), until('the tab died', isDead)]);
  }
  writer.dead = isDead();
  return writer.savedText();
}

describe.each<Moment>(['before', 'after'])('a tab that dies %s a write reaches the disk', (moment) => {
  it.each(Array.from({ length: 9 }, (_, nth) => nth))('LOG.md 5: at write %i, alone', async (nth) => {
    const room = await makeRoom();
    const disk = memoryStore();
    const mortal = mortalStore(disk, nth, moment);
    const writer = await join(room, { store: mortal.store, transports: [], makesFile: true });
    const saved = await typeUntilDead(writer, () => mortal.dead);

    const again = await join(room, { store: disk, transports: [] });
    expect(again.read().startsWith(saved)).toBe(true);
    expect(new Set(again.read()).size).toBe(again.read().length);
  });

  it.each([1, 4, 7])(
    'LOG.md 5: at write %i, with a witness: nobody forks, and all agree again',
    async (nth) => {
      const room = await makeRoom();
      const network = new MemoryNetwork(() => 0.99);
      const witness = await join(room, { transports: [network.transport()] });
      const disk = memoryStore();
      const mortal = mortalStore(disk, nth, moment);
      const writer = await join(room, {
        store: mortal.store,
        transports: [network.transport()],
        makesFile: true,
      });
      const saved = await typeUntilDead(writer, () => mortal.dead);
      network.kill(writer.replica.self);

      const again = await join(room, { store: disk, transports: [network.transport()] });
      await until('they met', () => again.replica.others.length === 1);
      await until('both agree', () => toHex(again.hash()) === toHex(witness.hash()));
      expect(again.read().startsWith(saved)).toBe(true);
      expect(witness.notices.filter(({ kind }) => kind === 'refused')).toEqual([]);
    },
  );

  it.each([0, 2, 3, 5, 8])(
    'LOG.md 5: at write %i, beside another tab of the device: who opens the room next has all that was saved, and both go on',
    async (nth) => {
      const room = await makeRoom();
      const network = new MemoryNetwork(() => 0.99);
      const [disk, device] = [memoryStore(), randomBytes(32)];
      const beside = await join(room, { device, store: disk, transports: [network.transport()] });
      const mortal = mortalStore(disk, nth, moment);
      const writer = await join(room, {
        device,
        store: mortal.store,
        transports: [network.transport()],
        makesFile: true,
      });
      await until('they met', () => beside.replica.others.length === 1);
      const saved = await typeUntilDead(writer, () => mortal.dead);
      network.kill(writer.replica.self);

      const again = await join(room, { device, store: disk, transports: [network.transport()] });
      await until('who comes has met who is left', () => again.replica.others.length === 1);
      if (again.project.list().length === 0) again.project.createText('file.txt', '');
      await until('both agree', () => toHex(again.hash()) === toHex(beside.hash()));
      expect(beside.read().startsWith(saved)).toBe(true);
      for (const [tab, letter] of [
        [beside, 'Y'],
        [again, 'Z'],
      ] as const) {
        tab.text.insert(tab.text.length, letter);
        await until('both go on', () => [beside, again].every((each) => each.savedText().endsWith(letter)));
      }
      expect(new Set(again.read()).size).toBe(again.read().length);
      for (const { notices } of [beside, again])
        expect(notices.filter(({ kind }) => kind === 'refused' || kind === 'branched')).toEqual([]);
      const alone = await join(room, { device, store: disk, transports: [] });
      expect(toHex(alone.hash())).toBe(toHex(beside.hash()));
    },
  );
});
