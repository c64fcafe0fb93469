import { expect, it } from 'vitest';
import type { DeviceId, Role } from '../core/ids.ts';
import {
  andWords,
  answerWords,
  changesOf,
  chosenOf,
  countWords,
  knownWords,
  LEFT_OUT,
  membersAfter,
  namesOf,
  neverSeen,
  outcomeWords,
  planWords,
  questionWords,
  raisesOf,
  raiseWords,
  seenWords,
  STAYS,
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

it('says what was chosen, and that who stays is asked next where there is somebody', () => {
  const links = 'All links made so far stop working; the new ones are in Share.';
  const next = 'Next you see who stays.';
  expect(plan(chosen([list[1], 'removed']))).toBe(`Max is removed. ${links} ${next}`);
  expect(plan(chosen([list[1], 'removed'], [list[2], 'removed']))).toBe(`Max and Ada are removed. ${links}`);
  expect(plan(chosen([list[1], 'commenter'], [list[2], 'editor']))).toBe(
    `Ada becomes an editor. Max becomes a commenter. ${links} ${next}`,
  );
});

it('counts who stays, and who of them was never seen', () => {
  const others = [
    { ...member('b', 'Max'), here: true },
    { ...member('c', 'Ada'), lastSeen: 1 },
    member('d', 'Bo'),
  ];
  expect(countWords(others, chosen())).toBe('3 of 3 stay, 1 never seen here');
  expect(countWords(others, chosen([others[2], 'removed']))).toBe('2 of 3 stay');
});

it('asks what the button then says, and says what it comes to', () => {
  const links = 'All links made so far stop working; the new ones are in Share.';
  const words = (choices: ReadonlyMap<DeviceId, Choice>): readonly string[] => {
    const changes = changesOf(list, choices);
    return [questionWords(changes), outcomeWords(changes), answerWords(changes)];
  };
  expect(words(chosen([list[1], 'removed'], [list[2], 'commenter']))).toEqual([
    'Remove Max?',
    `Max is removed. Ada becomes a commenter. ${links}`,
    'Remove and replace all links',
  ]);
  expect(words(chosen([list[2], 'commenter']))).toEqual([
    'Change roles?',
    `Nobody listed is removed. Ada becomes a commenter. ${links}`,
    'Change and replace all links',
  ]);
  expect(words(chosen())).toEqual([
    'Replace all links?',
    `Nobody listed is removed. ${links}`,
    'Replace all links',
  ]);
});

it('is honest about what a name proves, and what a removal is not', () => {
  expect(STAYS).toMatch(/Anybody can take any name, and be listed twice/);
  expect(LEFT_OUT).toMatch(/keeps what they have read/);
});

it('tells people of one name apart, also where only the letters’ form differs', () => {
  const names = namesOf([member('a', 'Max'), member('b', 'ｍax'), member('c', 'Ada')]);
  expect([...names.values()]).toEqual(['Max (aaaa)', 'ｍax (bbbb)', 'Ada']);
});

it('says when somebody was seen', () => {
  const now = new Date(2026, 10, 23, 12).getTime();
  expect(seenWords({ ...member('b', 'Max'), here: true }, now)).toBe('here now');
  expect(seenWords({ ...member('b', 'Max'), lastSeen: now }, now)).toBe('last seen today, 12:00');
  expect(seenWords(member('b', 'Max'), now)).toBe('never seen here by this browser');
});

it('says since when somebody is known: who has just come is told from who was there before', () => {
  const now = new Date(2026, 10, 23, 12).getTime();
  const hour = 3_600_000;
  const known = (more: Partial<MemberView>): string => knownWords({ ...member('b', 'Ben 2'), ...more }, now);
  expect(known({ lastSeen: now, firstSeen: now - hour })).toBe(
    'last seen today, 12:00 · first seen today, 11:00',
  );
  expect(known({ lastSeen: now - hour, firstSeen: now - hour })).toBe('seen only today, 11:00');
  expect(known({ here: true, firstSeen: now - 30 * hour })).toBe('here now · first seen yesterday');
  expect(known({ lastSeen: now })).toBe('last seen today, 12:00');
  expect(known({})).toBe('never seen here by this browser');
});

it('marks who was never seen; I and who is here are not among them', () => {
  const rows = [{}, { here: true }, { lastSeen: 0 }, { me: true }].map((more) =>
    neverSeen({ ...member('b', 'Max'), ...more }),
  );
  expect(rows).toEqual([true, false, false, false]);
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

it('asks for new keys only where somebody gets less', () => {
  const bo: MemberView = { ...member('d', 'Bo'), out: true };
  const all = { list, leftOut: [bo] };
  const raised = (choices: ReadonlyMap<DeviceId, Choice>) => raisesOf(chosenOf(all, choices), choices);
  expect(raised(chosen())).toBeUndefined();
  expect(raised(chosen([list[2], 'commenter']))).toEqual([{ device: list[2]?.device, role: 'commenter' }]);
  // Let in again as what they were, or as less: it is more than nothing.
  for (const role of ['editor', 'viewer'] as const)
    expect(raised(chosen([bo, role]))).toEqual([{ device: bo.device, role }]);
  expect(raised(chosen([bo, 'removed']))).toBeUndefined();
  for (const less of ['removed', 'viewer', 'commenter'] as const)
    expect(raised(chosen([list[1], less], [list[2], 'editor']))).toBeUndefined();
});

it('says who comes back, and that the links stay', () => {
  const bo: MemberView = { ...member('d', 'Bo', 'viewer'), out: true };
  const choices = chosen([bo, 'viewer'], [list[2], 'editor']);
  const everybody = chosenOf({ list, leftOut: [bo] }, choices);
  expect(raiseWords(changesOf(everybody, choices))).toBe(
    'Bo is let in again. Ada becomes an editor. Bo becomes a viewer. Links, and what everybody else can do, stay as they are.',
  );
  // Together with a removal they come along with the new keys.
  const more = chosen([bo, 'viewer'], [list[1], 'removed']);
  expect(membersAfter(chosenOf({ list, leftOut: [bo] }, more), more).map(({ role }) => role)).toEqual([
    'editor',
    'viewer',
    'viewer',
  ]);
  expect(chosenOf({ list, leftOut: [bo] }, chosen())).toEqual(list);
});
