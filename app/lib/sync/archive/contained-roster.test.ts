/** Which statements of owners can go from the archive: those that its newest record has too, and no others. */
import { beforeAll, expect, test } from 'vitest';
import { randomBytes, type Bytes } from '../../core/bytes.ts';
import { readRoster } from '../../log/roster-codec.ts';
import { encodeRoster } from '../../log/roster.ts';
import { seal } from '../../log/seal.ts';
import { nextEpoch, type EpochRoom } from '../../log/test-epoch.ts';
import { testRoom } from '../../log/test-room.ts';
import { containingRoster, statementsOf, type KeptStatements } from './contained-roster.ts';

let rooms: EpochRoom[];
beforeAll(async () => {
  rooms = [await testRoom()];
  for (let epoch = 1; epoch <= 3; epoch++)
    rooms.push(await nextEpoch([], rooms.at(-1) ?? (await testRoom())));
});
const roomOf = (epoch: number): EpochRoom => {
  const room = rooms[epoch];
  if (room === undefined) throw new Error('no such epoch');
  return room;
};
const rosterOf = ({ genesis, statements = [] }: EpochRoom): Bytes =>
  encodeRoster({ genesis: genesis.bytes, statements: statements.map(({ bytes }) => bytes) });
const recordOf = (room: EpochRoom, roster = rosterOf(room)): Promise<Bytes> =>
  seal(room.keys, 'roster', roster);

async function kept(records: readonly Bytes[], known = rosterOf(roomOf(3))): Promise<KeptStatements[]> {
  const { keys } = roomOf(3);
  // As whoever is in the third epoch has them.
  const past = rooms.slice(0, 3).map((room) => room.keys);
  const found = await Promise.all(records.map((one) => statementsOf({ ...keys, past }, known, one)));
  return found.flatMap((one) => one ?? []);
}

test('ARCH-20, ARCH-29 the newest stands for those of the epochs before', async () => {
  const records = await Promise.all([1, 2, 3].map((epoch) => recordOf(roomOf(epoch))));
  const all = await kept(records);
  expect(all.map(({ isNewest }) => isNewest)).toEqual([false, false, true]);
  const [found, ...more] = containingRoster(all, 1, 500);
  expect(more).toEqual([]);
  const [one, two, three] = all;
  expect(found).toEqual({
    by: three?.name,
    sealed: undefined,
    names: [one?.name, two?.name],
    savedBytes: (one?.cost ?? 0) + (two?.cost ?? 0),
  });
  expect(containingRoster(all, 1, 1)[0]?.names).toEqual([one?.name]);
  // Not worth a statement; nothing stands for them; nothing goes for itself.
  expect(containingRoster(all, 100_000, 500)).toEqual([]);
  expect(containingRoster(all.slice(0, 2), 1, 500)).toEqual([]);
  expect(containingRoster(all.slice(2), 1, 500)).toEqual([]);
});

test('ARCH-20, ARCH-29 what the newest does not have is left, and so is what does not open', async () => {
  const [first, third] = [roomOf(1), roomOf(3)];
  const known = rosterOf(third);
  const rival = await nextEpoch([], roomOf(1));
  const elsewhere = await nextEpoch([], await testRoom());
  const read = readRoster(known);
  if (!read.ok) throw new Error('does not read');
  const records = [
    // Another second epoch; another room; more than is known; of this epoch by other keys; junk under their kind.
    await recordOf(first, rosterOf(rival)),
    await recordOf(first, rosterOf(elsewhere)),
    await recordOf(third, rosterOf(await nextEpoch([], third))),
    await recordOf(await nextEpoch([], roomOf(2))),
    await recordOf(first, randomBytes(300)),
    (await recordOf(first)).slice(0, -1),
    await seal(first.keys, 'genesis', first.genesis.bytes),
    new Uint8Array(),
  ];
  expect(await kept(records, known)).toEqual([]);
  // Without statements of this epoch nothing is compared.
  expect(await statementsOf(third.keys, undefined, await recordOf(third))).toBeUndefined();
  // The same words in a former epoch's keys are no record that whoever comes could open.
  const [old] = await kept([await recordOf(first, known)], known);
  expect(old?.isNewest).toBe(false);
});
