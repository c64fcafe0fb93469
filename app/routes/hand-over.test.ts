import { expect, test } from 'vitest';
import type { RoomId } from '../lib/core/ids.ts';
import { handOver, takeHandOver, type HandOver } from './hand-over.ts';
import { roomNameFor, UNTITLED } from './room-name.ts';

const leave = (roomId: string): HandOver => {
  const bytes = new Uint8Array(32);
  const what = {
    roomId: roomId as RoomId,
    name: 'a room',
    owner: { publicKey: bytes, privateKey: {} as CryptoKey },
    genesis: bytes,
  };
  handOver(what);
  return what;
};

test('what is left is taken once, by its own room only', () => {
  const what = leave('one');
  expect(takeHandOver('other' as RoomId)).toBeUndefined();
  expect(takeHandOver('one' as RoomId)).toBe(what);
  expect(takeHandOver('one' as RoomId)).toBeUndefined();
});

test('the newest replaces what nobody took', () => {
  leave('one');
  leave('two');
  expect(takeHandOver('one' as RoomId)).toBeUndefined();
  expect(takeHandOver('two' as RoomId)?.roomId).toBe('two');
});

const file = (name: string, webkitRelativePath = '') =>
  Object.defineProperty(new File([], name), 'webkitRelativePath', { value: webkitRelativePath });
const files = (...all: File[]) => ({ kind: 'files', files: all }) as const;
const entry = (name: string, isDirectory: boolean) => ({ name, isDirectory }) as FileSystemEntry;

test.each([
  ['nothing picked', undefined, UNTITLED],
  ['a folder', files(file('a.py', 'tides/a.py'), file('b.py', 'tides/src/b.py')), 'tides'],
  ['a zip', files(file('tide-table.ZIP')), 'tide-table'],
  ['a source file', files(file('main.py')), UNTITLED],
  ['two zips', files(file('a.zip'), file('b.zip')), UNTITLED],
  ['a zip without a name', files(file('.zip')), UNTITLED],
  ['a very long name', files(file(`${'x'.repeat(99)}.zip`)), 'x'.repeat(60)],
  ['a dropped folder', { kind: 'entries', entries: [entry('tides', true)] } as const, 'tides'],
  ['a dropped file', { kind: 'entries', entries: [entry('main.py', false)] } as const, UNTITLED],
])('a room begun with %s', (_, picked, name) => {
  expect(roomNameFor(picked)).toBe(name);
});
