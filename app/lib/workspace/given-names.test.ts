import { expect, it } from 'vitest';
import type { DeviceId } from '../core/ids.ts';
import { encodeTalkMessage } from '../document/talk.ts';
import type { Accepted } from '../log/receipt.ts';
import { GivenNames } from './given-names.ts';

const ann = 'aa'.repeat(32) as DeviceId;

function said(name: string, time: number, { proved = true, channel = 'talk' } = {}): readonly Accepted[] {
  const payload = encodeTalkMessage({ kind: 'message', name, text: 'hello' });
  const session = { device: ann, proved };
  return [{ session, channel, entries: [{ seq: 1, time, payload }] } as unknown as Accepted];
}

it('TALK-5: knows the name that somebody gave last, in whatever order it comes', () => {
  const names = new GivenNames();
  expect(names.of(ann)).toBe('');
  expect(names.receive(said('Anna', 20))).toBe(true);
  expect(names.receive(said('Ann of old', 10))).toBe(false);
  expect(names.of(ann)).toBe('Anna');
  expect(names.receive(said('Anna', 30))).toBe(false);
  expect(names.receive(said('Queen Anne', 40))).toBe(true);
  expect(names.of(ann)).toBe('Queen Anne');
});

it('CERT-8: takes no name for a device from a session that does not prove it, nor from elsewhere than the chat', () => {
  const names = new GivenNames();
  expect(names.receive(said('Mallory', 1, { proved: false }))).toBe(false);
  expect(names.receive(said('Mallory', 1, { channel: 'runs' }))).toBe(false);
  expect(names.of(ann)).toBe('');
});
