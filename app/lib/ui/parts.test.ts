import { describe, expect, test } from 'vitest';
import { initials } from './initials.ts';
import { insideWindow, nextMenuItem } from './menu-keys.ts';
import { ariaKeys, usesCommandKey, writeKeys } from './platform-keys.ts';
import { nextTab } from './tab-keys.ts';

test.each([
  ['Quiet Otter', 2, 'QO'],
  ['Quiet Otter', 1, 'Q'],
  ['ada', 2, 'A'],
  ['  Jean  Luc Picard ', 2, 'JP'],
  ['👩‍💻 dev', 2, '👩D'],
  ['', 2, '?'],
] as const)('the letters of %j, at most %i, are %s', (name, count, letters) => {
  expect(initials(name, count)).toBe(letters);
});

test('shortcuts are written as the machine writes them', () => {
  expect(writeKeys('Mod+Enter', 'Linux x86_64')).toBe('Ctrl ↵');
  expect(writeKeys('Mod+Shift+K', 'MacIntel')).toBe('⌘⇧K');
  expect(writeKeys('F2', 'Win32')).toBe('F2');
  expect(usesCommandKey('iPad')).toBe(true);
  expect(ariaKeys('Mod+K')).toBe('Control+K Meta+K');
  expect(ariaKeys('F2')).toBe('F2');
});

test('tabs go round the ends', () => {
  expect(nextTab('ArrowRight', 2, 3)).toBe(0);
  expect(nextTab('ArrowLeft', 0, 3)).toBe(2);
  expect(nextTab('End', 0, 3)).toBe(2);
  expect(nextTab('Home', 2, 3)).toBe(0);
  expect(nextTab('a', 0, 3)).toBeUndefined();
  expect(nextTab('ArrowRight', 0, 0)).toBeUndefined();
});

describe('menus', () => {
  const labels = ['Open', 'Rename', 'Delete', 'Download'];
  test('arrows go round the ends, letters find the next that starts so', () => {
    expect(nextMenuItem('ArrowDown', 3, labels)).toBe(0);
    expect(nextMenuItem('ArrowUp', 0, labels)).toBe(3);
    expect(nextMenuItem('ArrowDown', -1, labels)).toBe(0);
    expect(nextMenuItem('ArrowUp', -1, labels)).toBe(3);
    expect(nextMenuItem('d', 0, labels)).toBe(2);
    expect(nextMenuItem('D', 2, labels)).toBe(3);
    expect(nextMenuItem('x', 0, labels)).toBeUndefined();
    expect(nextMenuItem(' ', 0, labels)).toBeUndefined();
    expect(nextMenuItem('End', 0, [])).toBeUndefined();
  });
  test('they stay inside the window, and at its start where they are larger than it', () => {
    expect(insideWindow(100, 200, 1000)).toBe(100);
    expect(insideWindow(950, 200, 1000)).toBe(792);
    expect(insideWindow(-5, 200, 1000)).toBe(8);
    expect(insideWindow(500, 2000, 1000)).toBe(8);
  });
});
