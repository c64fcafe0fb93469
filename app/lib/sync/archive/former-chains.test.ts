/** How far the segments of a chain of a former epoch may go from the archive, with real logs. */
import { describe, expect, test } from 'vitest';
import { utf8, type Bytes } from '../../core/bytes.ts';
import { encodeFrontier, type FrontierRow } from '../../log/frontier.ts';
import type { RoomLog } from '../../log/room-log.ts';
import { nextEpoch } from '../../log/test-epoch.ts';
import { Forge, testRoom, type TestRoom } from '../../log/test-room.ts';
import { readLone } from '../lone-segment.ts';
import { reachIn } from './former-chains.ts';

function chainOf(room: TestRoom, session: Forge['session'], length: number, story = 'a', common = 0): Forge {
  const forge = new Forge(room, session, 'talk');
  for (let i = 1; i <= length; i++) forge.add(utf8(`${i <= common ? 'both' : story} ${i}`));
  return forge;
}
async function endOf({ keys }: TestRoom, sealed: Bytes): Promise<FrontierRow> {
  const one = await readLone(keys, sealed);
  if (one === undefined) throw new Error('no segment');
  return one.row;
}
async function take(log: RoomLog, ...sealed: Bytes[]): Promise<void> {
  for (const one of sealed) await log.receive(one);
}

describe('ARCH-29 the chains of former epochs', () => {
  test('go up to the closed frontier, and what was carried beyond it does not; this epoch’s have no end', async () => {
    const first = await testRoom();
    const forge = chainOf(first, await first.newSession(), 40);
    const pieces = await forge.cut([10, 20, 30]);
    const ends = await Promise.all(pieces.map((one) => endOf(first, one)));
    const [, , closed, last] = ends;
    if (!closed || !last) throw new Error('no rows');
    const room = await nextEpoch([closed], first);
    const log = room.newLog();
    const session = await room.newSession();
    const own = chainOf(room, session, 5);
    await take(log, ...pieces, await own.segment(1, 5));
    const reach = reachIn(log, 1);
    expect(reach([await endOf(room, await own.segment(1, 5))])).toBe(Infinity);
    expect(reach(ends.slice(0, 3))).toBe(30);
    // Nobody carried it: it is no part of the room, and what else is there is not sure to be its only story.
    expect(log.has(last)).toBe(false);
    expect(reach(ends)).toBe(0);
    const carry = new Forge(room, session, 'carry').add(encodeFrontier([last]));
    await take(log, await carry.segment(1, 1));
    expect(log.has(last)).toBe(true);
    expect(reach(ends)).toBe(30);
    const later = await nextEpoch([last], room);
    const log2 = later.newLog();
    await take(log2, ...pieces);
    expect(reachIn(log2, 2)(ends)).toBe(40);
    expect(reachIn(log2, 2)([])).toBe(0);
    const stranger = chainOf(first, await first.newSession(), 5);
    expect(reachIn(log2, 2)([await endOf(first, await stranger.segment(1, 5))])).toBe(0);
  });

  test('stay where another story of theirs stands in the archive: who read that first would take it', async () => {
    const first = await testRoom();
    const session = await first.newSession();
    const whole = await chainOf(first, session, 20, 'a', 10).segment(1, 20);
    const other = await chainOf(first, session, 15, 'b', 10).segment(1, 15);
    const [end, otherEnd] = [await endOf(first, whole), await endOf(first, other)];
    const room = await nextEpoch([end], first);
    const [early, late] = [room.newLog(), room.newLog()];
    await take(early, whole, other);
    await take(late, other, whole);
    expect([early, late].map((log) => [log.has(end), log.has(otherEnd)])).toEqual([
      [true, false],
      [false, true],
    ]);
    expect(reachIn(early, 1)([end])).toBe(20);
    expect(reachIn(early, 1)([end, otherEnd])).toBe(0);
  });

  test('stay where their author forked, also where both stories are part of the room', async () => {
    const first = await testRoom();
    const session = await first.newSession();
    const stories = [
      await chainOf(first, session, 20, 'a', 10).segment(1, 20),
      await chainOf(first, session, 15, 'b', 10).segment(1, 15),
    ];
    const before = first.newLog();
    await take(before, ...stories);
    const ends = await Promise.all(stories.map((one) => endOf(first, one)));
    const again = first.newLog(before.foundBranches);
    await take(again, ...stories);
    const room = await nextEpoch(again.frontier(), first);
    const log = room.newLog(before.foundBranches);
    await take(log, ...stories);
    expect(ends.map((end) => log.has(end))).toEqual([true, true]);
    expect(reachIn(log, 1)(ends)).toBe(0);
  });
});
