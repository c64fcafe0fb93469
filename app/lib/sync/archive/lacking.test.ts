/** Whose turn it is to send what the archive lacks. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Channel, DeviceId, SessionId } from '../../core/ids.ts';
import type { RoomKeys, SeedKind } from '../../crypto/room-keys.ts';
import type { FrontierRow } from '../../log/frontier.ts';
import { makeRoom } from '../../../testing/replicas.ts';
import { ArchivedChains } from './archived-chains.ts';
import { Lacking, WAITS } from './lacking.ts';

const me = 'ee'.repeat(32) as DeviceId;
const mine = 'a1'.repeat(32) as SessionId;
const theirs = 'b2'.repeat(32) as SessionId;
const keys = {} as Record<SeedKind, RoomKeys>;
beforeAll(async () => {
  const room = await makeRoom();
  for (const kind of ['e', 'c', 'v'] as const) keys[kind] = await room.keys(kind);
});

function lacking(kind: SeedKind, random = 0) {
  const rows: FrontierRow[] = [];
  const archived = new ArchivedChains();
  const one = new Lacking({
    log: {
      frontier: () => rows,
      session: (id) => ({ device: id === mine ? me : ('dd'.repeat(32) as DeviceId) }) as never,
    },
    keys: keys[kind],
    device: me,
    waits: WAITS,
    random: () => random,
  });
  return {
    write: (session: SessionId, seq: number, channel: Channel = 'project') => {
      const at = rows.findIndex((row) => row.session === session && row.channel === channel);
      if (at >= 0) rows.splice(at, 1);
      rows.push({ session, channel, seq, hash: new Uint8Array(32) });
    },
    send: (session: SessionId, last: number) => archived.add({ session, channel: 'project', first: 1, last }),
    due: (now: number, hurry = false) => {
      const { own, others, waitMs } = one.due(archived, now, hurry);
      return { own: own.map(({ seq }) => seq), others: others.map(({ seq }) => seq), waitMs };
    },
  };
}
const nothing = { own: [], others: [] };

describe('ARCH-17 who sends what, and when', () => {
  test('my device’s after 2 s, and at once in a hurry', () => {
    const { write, due, send } = lacking('e');
    expect(due(0)).toEqual({ ...nothing, waitMs: Infinity });
    write(mine, 1);
    expect(due(1_000)).toEqual({ ...nothing, waitMs: 2_000 });
    write(mine, 2);
    expect(due(2_500)).toEqual({ ...nothing, waitMs: 500 });
    expect(due(2_600, true)).toMatchObject({ own: [2] });
    expect(due(3_000)).toMatchObject({ own: [2], others: [] });
    send(mine, 2);
    expect(due(3_001)).toEqual({ ...nothing, waitMs: Infinity });
    write(mine, 3);
    expect(due(9_000)).toEqual({ ...nothing, waitMs: 2_000 });
  });

  test.each([
    [0, 30_000],
    [0.5, 37_500],
    [0.999, 44_985],
  ])('others’ after 30 s and a share of 15 s (%d)', (random, waitMs) => {
    const { write, due } = lacking('e', random);
    write(theirs, 4);
    expect(due(100, true)).toEqual({ ...nothing, waitMs });
    expect(due(99 + waitMs)).toEqual({ ...nothing, waitMs: 1 });
    expect(due(100 + waitMs)).toMatchObject({ own: [], others: [4] });
  });

  test('a chain of which the archive gets something is somebody’s: the wait begins again', () => {
    const { write, due, send } = lacking('e');
    write(theirs, 4);
    due(0);
    write(theirs, 6);
    send(theirs, 4);
    expect(due(29_000)).toEqual({ ...nothing, waitMs: 30_000 });
    write(theirs, 9);
    expect(due(59_000)).toMatchObject({ others: [9] });
  });

  test('each chain has its own wait, and the next of them is told', () => {
    const { write, due } = lacking('e');
    write(theirs, 1);
    due(0);
    write(theirs, 1, 'talk');
    write(mine, 1);
    expect(due(29_000)).toEqual({ ...nothing, waitMs: 1_000 });
    expect(due(31_000)).toEqual({ own: [1], others: [1], waitMs: 28_000 });
  });

  test('a commenter sends what their device wrote, a viewer nothing', () => {
    for (const [kind, own] of [
      ['c', [1]],
      ['v', []],
    ] as const) {
      const { write, due } = lacking(kind);
      write(mine, 1);
      write(theirs, 2);
      due(0);
      expect(due(100_000)).toEqual({ own, others: [], waitMs: Infinity });
    }
  });
});
