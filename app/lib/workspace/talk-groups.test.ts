import { expect, it } from 'vitest';
import type { DeviceId } from '../core/ids.ts';
import type { MessageView } from './room-model.ts';
import { clockWords, dayWords, groupsOf } from './talk-groups.ts';
import { unreadWords } from './talk-words.ts';

const noon = new Date(2026, 10, 23, 12).getTime();
const MINUTE = 60_000;
let made = 0;
const by = (name: string): MessageView['by'] => ({
  name,
  colour: 'amber',
  device: name as DeviceId,
  me: false,
});
const message = (name: string, time: number): MessageView => ({
  id: `m${made++}`,
  by: by(name),
  time,
  text: 'x',
  edited: false,
  retracted: false,
  changeable: false,
  sending: false,
});

it('groups who goes on speaking, and begins anew with another person, after a while, on another day', () => {
  const groups = groupsOf(
    [
      message('ann', noon - 24 * 60 * MINUTE),
      message('ann', noon),
      message('ann', noon + 9 * MINUTE),
      message('ann', noon + 10 * MINUTE),
      message('ben', noon + 11 * MINUTE),
      message('ann', noon + 11 * MINUTE),
    ],
    noon,
  );
  expect(groups.map((group) => [group.by.name, group.messages.length, group.day])).toEqual([
    ['ann', 1, 'Yesterday'],
    ['ann', 2, 'Today'],
    ['ann', 1, undefined],
    ['ben', 1, undefined],
    ['ann', 1, undefined],
  ]);
});

it('says which day, whatever a clock claims', () => {
  expect(dayWords(noon - 3 * 24 * 60 * MINUTE, noon)).toBe('Friday');
  expect(dayWords(new Date(2026, 0, 3).getTime(), noon)).toBe('3 January');
  expect(dayWords(new Date(2025, 0, 3).getTime(), noon)).toBe('3 January 2025');
  expect(dayWords(new Date(2030, 0, 3).getTime(), noon)).toBe('3 January 2030');
  expect(dayWords(2 ** 52, noon)).toMatch(/\d/);
  expect(clockWords(noon)).toBe('12:00');
});

it('counts what is unread up to 99', () => {
  expect([0, 1, 99, 100].map(unreadWords)).toEqual([undefined, '1', '99', '99+']);
});
