import { expect, it } from 'vitest';
import type { DeviceId, Role } from '../core/ids.ts';
import { changesOf, membersAfter, type Choices } from './people-words.ts';
import type { MemberView } from './room-model.ts';
import { reviewed, reviewOf, stays, type Review } from './who-stays.ts';

const id = (letter: string): DeviceId => letter.repeat(64) as DeviceId;
const member = (letter: string, name: string, role: Role = 'editor', me = false): MemberView => ({
  device: id(letter),
  name,
  colour: 'rose',
  role,
  me,
  here: me,
});
const me = member('a', 'Ann', 'editor', true);
const [rob, ben, cleo] = [member('b', 'Rob'), member('c', 'Ben'), member('d', 'Cleo', 'viewer')];
const list = [me, rob, ben, cleo];
const noRob: Choices = new Map([[rob.device, 'removed']]);
const review = (ticks: Review['ticks'] = new Map()): Review => ({ listed: reviewOf(list), ticks });
const after = (all: readonly MemberView[], choices: Choices, asked: Review): readonly (readonly string[])[] =>
  membersAfter(all, reviewed(all, choices, asked)).map(({ device, role }) => [device.slice(0, 1), role]);

it('keeps in whoever was listed and is not removed, until a tick is taken away', () => {
  expect(list.map((each) => stays(each, noRob, review()))).toEqual([true, false, true, true]);
  const withoutBen = review(new Map([[ben.device, false]]));
  expect(list.map((each) => stays(each, noRob, withoutBen))).toEqual([true, false, false, true]);
  expect(changesOf(list, reviewed(list, noRob, withoutBen))).toEqual([
    { name: 'Rob', to: 'removed' },
    { name: 'Ben', to: 'removed' },
  ]);
  expect(after(list, noRob, withoutBen)).toEqual([
    ['a', 'editor'],
    ['d', 'viewer'],
  ]);
});

it('lets in nobody who comes while the question is read, unless they are ticked', () => {
  const late = member('e', 'Ben 2');
  const now = [...list, late];
  expect(after(now, noRob, review())).not.toContainEqual(['e', 'editor']);
  expect(after(now, noRob, review(new Map([[late.device, true]])))).toContainEqual(['e', 'editor']);
});

it('gives nobody more for coming again with another link while it is read', () => {
  const now = [me, rob, ben, { ...cleo, role: 'editor' as const }];
  expect(after(now, noRob, review())).toContainEqual(['d', 'viewer']);
});

it('gives back what they had to who was to be removed and is ticked again, and what was chosen to the others', () => {
  const choices: Choices = new Map([...noRob, [cleo.device, 'commenter']]);
  expect(after(list, choices, review(new Map([[rob.device, true]])))).toEqual([
    ['a', 'editor'],
    ['b', 'editor'],
    ['c', 'editor'],
    ['d', 'commenter'],
  ]);
});

it('never leaves me out', () => {
  const without = review(new Map([[me.device, false]]));
  expect(stays(me, new Map([[me.device, 'removed']]), without)).toBe(true);
  expect(after(list, new Map(), without)).toContainEqual(['a', 'editor']);
});
