import { expect, it } from 'vitest';
import type { DeviceId, Role } from '../core/ids.ts';
import {
  andWords,
  changesOf,
  membersAfter,
  namesOf,
  planWords,
  seenWords,
  type Choice,
} from './people-words.ts';
import type { MemberView } from './room-model.ts';

const member = (letter: string, name: string, role: Role = 'editor', me = false): MemberView => ({
  device: letter.repeat(64) as DeviceId,
  name,
  colour: 'rose',
  role,
  me,
  here: me,
});
const list = [member('a', 'Me', 'editor', true), member('b', 'Max'), member('c', 'Ada', 'viewer')];
const chosen = (...rows: [MemberView | undefined, Choice][]): ReadonlyMap<DeviceId, Choice> =>
  new Map(rows.flatMap(([of, choice]) => (of ? [[of.device, choice] as const] : [])));
const plan = (choices: ReadonlyMap<DeviceId, Choice>): string =>
  planWords(changesOf(list, choices), membersAfter(list, choices).length - 1);

it('collects what was chosen otherwise than it is, and names everybody who stays', () => {
  const choices = chosen([list[1], 'removed'], [list[2], 'viewer']);
  expect(changesOf(list, choices)).toEqual([{ name: 'Max', to: 'removed' }]);
  expect(membersAfter(list, choices)).toEqual([
    { device: list[0]?.device, role: 'editor' },
    { device: list[2]?.device, role: 'viewer' },
  ]);
});

it('keeps me, whatever is chosen, and with all that the new keys give', () => {
  const asViewer = [member('a', 'Me', 'viewer', true)];
  const choices = chosen([asViewer[0], 'removed']);
  expect(changesOf(asViewer, choices)).toEqual([]);
  expect(membersAfter(asViewer, choices)).toEqual([{ device: asViewer[0]?.device, role: 'editor' }]);
});

it('says exactly what will happen', () => {
  const links = 'All links made so far stop working; the new ones are in Share.';
  expect(plan(chosen([list[1], 'removed']))).toBe(
    `Max is removed. Everybody else goes on by themselves, also who is away now. ${links}`,
  );
  expect(plan(chosen([list[1], 'removed'], [list[2], 'removed']))).toBe(`Max and Ada are removed. ${links}`);
  expect(plan(chosen([list[1], 'commenter'], [list[2], 'editor']))).toBe(
    `Ada becomes an editor. Max becomes a commenter. Everybody listed goes on by themselves, also who is away now. ${links}`,
  );
  expect(plan(chosen())).toBe(`Everybody listed goes on by themselves, also who is away now. ${links}`);
});

it('is honest about what a removal is not', () => {
  const asked = planWords([{ name: 'Max', to: 'removed' }], 1, true);
  expect(asked).toMatch(
    /^Remove Max\? What they have read they keep\..*another name or device.*Everybody else goes on/,
  );
  expect(planWords([], 0, true)).toBe(
    'Replace all links? All links made so far stop working; the new ones are in Share.',
  );
});

it('tells people of one name apart, also where only the letters’ form differs', () => {
  const names = namesOf([member('a', 'Max'), member('b', 'ｍax'), member('c', 'Ada')]);
  expect([...names.values()]).toEqual(['Max (aaaa)', 'ｍax (bbbb)', 'Ada']);
});

it('says when somebody was seen', () => {
  const now = new Date(2026, 10, 23, 12).getTime();
  expect(seenWords({ ...member('b', 'Max'), here: true }, now)).toBe('here now');
  expect(seenWords({ ...member('b', 'Max'), lastSeen: now }, now)).toBe('last seen today, 12:00');
  expect(seenWords(member('b', 'Max'), now)).toBe('wrote here, not met by this device');
});

it('names three, and counts the rest', () => {
  expect(['A', 'B', 'C', 'D', 'E'].map((_, n, all) => andWords(all.slice(0, n + 1)))).toEqual([
    'A',
    'A and B',
    'A, B and C',
    'A, B and 2 more',
    'A, B and 3 more',
  ]);
});
