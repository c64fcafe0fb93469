import { expect, it } from 'vitest';
import type { DeviceId, Role } from '../core/ids.ts';
import { defaultName } from '../core/person.ts';
import { leftOutList, memberList, type KnownPeople } from './member-list.ts';
import type { PersonHere } from './room-model.ts';
import type { SeenPerson } from './seen-people.ts';

const id = (letter: string): DeviceId => letter.repeat(64) as DeviceId;
const here = (letter: string, name: string, role: Role = 'editor', me = false): PersonHere => ({
  device: id(letter),
  name,
  colour: 'rose',
  role,
  me,
});
const seen = (name: string, lastSeen: number, role: Role = 'editor', epoch = 0): SeenPerson => ({
  name,
  role,
  lastSeen,
  epoch,
});
const known = (more: Partial<KnownPeople>): KnownPeople => ({
  epoch: 0,
  here: [here('a', 'Me', 'editor', true)],
  seen: new Map(),
  writers: [],
  granted: [],
  gave: () => '',
  ...more,
});
const names = (more: Partial<KnownPeople>): readonly string[] =>
  memberList(known(more)).map(({ name }) => name);

it('TALK-5: calls who was never met by the name they gave in the chat, and who was met as they were called then', () => {
  const list = names({
    seen: new Map([
      [id('b'), seen('Ben', 10)],
      [id('c'), seen('', 5)],
    ]),
    writers: [{ device: id('d'), role: 'editor', epoch: 0, proved: true }],
    gave: (device) => `gave ${device.slice(0, 1)}`,
  });
  expect(list).toEqual(['Me', 'Ben', 'gave c', 'gave d']);
});

it('lists me first, then who is here, then who was seen last, and at the end who was never met; and no device that a session only names', () => {
  const list = memberList(
    known({
      here: [here('f', 'Max'), here('a', 'Me', 'editor', true), here('e', 'Ada', 'viewer')],
      seen: new Map([
        [id('b'), seen('Long ago', 10)],
        [id('c'), seen('Lately', 20)],
        [id('f'), seen('Max of old', 30)],
      ]),
      writers: [
        { device: id('d'), role: 'commenter', epoch: 0, proved: true },
        { device: id('9'), role: 'editor', epoch: 0, proved: false },
      ],
    }),
  );
  expect(list.map(({ name }) => name)).toEqual([
    'Me',
    'Ada',
    'Max',
    'Lately',
    'Long ago',
    defaultName(id('d')),
  ]);
  expect(list.map(({ here, lastSeen }) => [here, lastSeen])).toEqual([
    [true, undefined],
    [true, undefined],
    [true, undefined],
    [false, 20],
    [false, 10],
    [false, undefined],
  ]);
});

it('gives everybody the most they hold', () => {
  const [, max, bo] = memberList(
    known({
      here: [here('a', 'Me', 'editor', true), here('f', 'Max', 'viewer')],
      seen: new Map([[id('b'), seen('Bo', 1, 'viewer')]]),
      writers: [
        { device: id('f'), role: 'editor', epoch: 0, proved: true },
        { device: id('b'), role: 'commenter', epoch: 0, proved: true },
      ],
    }),
  );
  expect([max?.role, bo?.role]).toEqual(['editor', 'commenter']);
});

it('leaves out who was there only before the last change, unless the owner let them in', () => {
  const before = {
    epoch: 2,
    seen: new Map([
      [id('b'), seen('Removed', 1, 'editor', 1)],
      [id('c'), seen('Kept', 2, 'editor', 1)],
    ]),
    writers: [{ device: id('d'), role: 'editor', epoch: 1, proved: true }],
    granted: [{ device: id('c'), role: 'viewer' }],
  } as const;
  expect(names(before)).toEqual(['Me', 'Kept']);
  expect(memberList(known(before))[1]).toMatchObject({ role: 'viewer', lastSeen: 2 });
});

it('says since when somebody is known, also of who is here', () => {
  const list = memberList(
    known({
      here: [here('a', 'Me', 'editor', true), here('e', 'Ada')],
      seen: new Map([
        [id('e'), { ...seen('Ada', 30), firstSeen: 3 }],
        [id('b'), { ...seen('Bo', 20), firstSeen: 2 }],
        [id('c'), seen('Cy', 10)],
      ]),
    }),
  );
  expect(list.map(({ name, firstSeen }) => [name, firstSeen])).toEqual([
    ['Me', undefined],
    ['Ada', 3],
    ['Bo', 2],
    ['Cy', undefined],
  ]);
});

it('knows whom earlier keys let in and these do not, last seen first', () => {
  const people = known({
    epoch: 2,
    here: [here('a', 'Me', 'editor', true)],
    seen: new Map([
      [id('b'), seen('Removed', 1, 'commenter', 1)],
      [id('c'), seen('Kept', 2, 'editor', 1)],
      [id('d'), seen('Later', 3, 'viewer', 0)],
      [id('e'), seen('Met since', 4, 'viewer', 2)],
    ]),
    granted: [{ device: id('c'), role: 'viewer' }],
  });
  expect(leftOutList(people).map(({ name, role, out }) => [name, role, out])).toEqual([
    ['Later', 'viewer', true],
    ['Removed', 'commenter', true],
  ]);
  expect(leftOutList({ ...people, epoch: 0 })).toEqual([]);
});
