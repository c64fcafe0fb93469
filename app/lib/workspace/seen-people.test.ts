import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { DeviceId } from '../core/ids.ts';
import { defaultName } from '../core/person.ts';
import { MAX_SEEN_PEOPLE, meet, readSeen, writeSeen, type SeenPeople } from './seen-people.ts';

const device = (n: number): DeviceId => n.toString(16).padStart(64, '0') as DeviceId;
const nobody: SeenPeople = new Map();
const ann = { device: device(1), name: 'Ann', role: 'editor' } as const;

it('remembers who was met, and reads back what it wrote', () => {
  const seen = meet(nobody, [ann], { now: 5, epoch: 0 });
  expect(seen.get(ann.device)).toEqual({
    name: 'Ann',
    role: 'editor',
    lastSeen: 5,
    firstSeen: 5,
    epoch: 0,
  });
  expect(readSeen(writeSeen(seen))).toEqual(seen);
});

it('keeps the most somebody held with the same keys, and forgets it with new ones', () => {
  const first = meet(nobody, [ann], { now: 1, epoch: 0 });
  const asViewer = { ...ann, name: 'Anna', role: 'viewer' } as const;
  expect(meet(first, [asViewer], { now: 2, epoch: 0 }).get(ann.device)).toMatchObject({
    name: 'Anna',
    role: 'editor',
    lastSeen: 2,
  });
  expect(meet(first, [asViewer], { now: 2, epoch: 1 }).get(ann.device)).toMatchObject({ role: 'viewer' });
});

it('remembers since when, also over new keys, and says nothing of it where that was not kept', () => {
  const first = meet(nobody, [ann], { now: 1, epoch: 0 });
  const again = meet(first, [ann], { now: 9, epoch: 1 });
  expect(readSeen(writeSeen(again)).get(ann.device)).toMatchObject({ firstSeen: 1, lastSeen: 9 });
  const old = readSeen(JSON.stringify({ [ann.device]: ['Ann', 'editor', 5, 0] }));
  expect(meet(old, [ann], { now: 9, epoch: 0 }).get(ann.device)).toEqual({
    name: 'Ann',
    role: 'editor',
    lastSeen: 9,
    epoch: 0,
  });
  const odd = readSeen(JSON.stringify({ [ann.device]: ['Ann', 'editor', 5, 0, 6] }));
  expect(odd.get(ann.device)).not.toHaveProperty('firstSeen');
});

it('knows somebody still by the name they gave where only their device speaks for them', () => {
  const first = meet(nobody, [ann], { now: 1, epoch: 0 });
  const unnamed = { ...ann, name: defaultName(ann.device) };
  expect(meet(first, [unnamed], { now: 2, epoch: 1 }).get(ann.device)).toMatchObject({
    name: 'Ann',
    lastSeen: 2,
  });
  expect(meet(nobody, [unnamed], { now: 2, epoch: 1 }).get(ann.device)?.name).toBe(unnamed.name);
});

it('keeps so many, and of more those who were seen last', () => {
  let seen = nobody;
  for (let n = 0; n <= MAX_SEEN_PEOPLE; n++)
    seen = meet(seen, [{ ...ann, device: device(n) }], { now: n, epoch: 0 });
  expect(seen.size).toBe(MAX_SEEN_PEOPLE);
  expect(seen.has(device(0))).toBe(false);
  const many = Array.from({ length: MAX_SEEN_PEOPLE + 1 }, (_, n) => [device(n), ['', 'viewer', n, 0]]);
  expect(readSeen(JSON.stringify(Object.fromEntries(many))).size).toBe(MAX_SEEN_PEOPLE);
});

it('reads nothing from what is damaged or foreign, and the rest beside a bad entry', () => {
  for (const text of [null, '', '{', 'null', '7', '[]', '[["a"]]', '{"a":["Ann","editor",1,0]}'])
    expect(readSeen(text).size).toBe(0);
  const rows = {
    [device(1)]: ['Ann\u202e\nB', 'editor', 1, 0],
    [device(2)]: ['Bo', 'owner', 1, 0],
    [device(3)]: ['Cy', 'viewer', '1', 0],
    [device(4)]: [4, 'viewer', 1, 0],
    [device(5)]: ['Di', 'viewer', 1, -1],
    [device(6)]: { name: 'Ed' },
  };
  expect([...readSeen(JSON.stringify(rows))]).toEqual([
    [device(1), { name: 'Ann B', role: 'editor', lastSeen: 1, epoch: 0 }],
  ]);
});

it('never throws, whatever is kept there', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.dictionary(fc.constant(device(1)), fc.anything()).map((each) => {
          try {
            return JSON.stringify(each);
          } catch {
            return '';
          }
        }),
      ),
      (text) => {
        for (const person of readSeen(text).values()) expect(person.lastSeen).toBeGreaterThanOrEqual(0);
      },
    ),
    { numRuns: 300, seed: 20_261_123 },
  );
});
