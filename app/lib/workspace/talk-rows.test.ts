import { expect, it } from 'vitest';
import type { DeviceId } from '../core/ids.ts';
import type { MessageView } from './room-model.ts';
import { clockWords, dayWords, rowsOf } from './talk-rows.ts';
import { noMessageReason, unreadWords } from './talk-words.ts';

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

it('names who speaks with another person, after a while, on another day', () => {
  const rows = rowsOf(
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
  expect(rows.map(({ message, head, day }) => [message.by.name, head !== undefined, day])).toEqual([
    ['ann', true, 'Yesterday'],
    ['ann', true, 'Today'],
    ['ann', false, undefined],
    ['ann', true, undefined],
    ['ben', true, undefined],
    ['ann', true, undefined],
  ]);
});

it('says which day, whatever a clock claims', () => {
  expect(dayWords(noon - 3 * 24 * 60 * MINUTE, noon)).toBe('Friday');
  expect(dayWords(new Date(2026, 0, 3).getTime(), noon)).toBe('3 January');
  expect(dayWords(new Date(2025, 0, 3).getTime(), noon)).toBe('3 January 2025');
  expect(dayWords(noon + 20 * 60 * MINUTE, noon)).toBe('24 November');
  const ahead = rowsOf(
    [message('eve', 2 ** 52), message('eve', 2 ** 52 + 1), message('ann', 2 ** 52 + 2)],
    noon,
  );
  expect(ahead.map(({ day, head }) => [day, head])).toEqual([
    ['Time unknown', { time: undefined }],
    [undefined, undefined],
    [undefined, { time: undefined }],
  ]);
  expect(clockWords(noon)).toBe('12:00');
});

it('counts what is unread up to 99', () => {
  expect([0, 1, 99, 100].map(unreadWords)).toEqual([undefined, '1', '99', '99+']);
});

it('says why there is no field to write in', () => {
  expect(noMessageReason('viewer', true, 'in')).toContain('ask for a comment link');
  expect(noMessageReason('commenter', false, 'in')).toContain('as soon as somebody');
  expect(noMessageReason('editor', true, 'in')).toContain('Reload');
});
