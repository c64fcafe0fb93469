import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { folderFor, foldersAround, treeKey, treeRows, typeAhead, type TreeEntry } from './tree-model.ts';

const file = (shown: string): TreeEntry => ({ id: shown, kind: 'text', shown });
const folder = (shown: string): TreeEntry => ({ id: shown, kind: 'folder', shown });
const project = [
  file('main.py'),
  folder('tides'),
  file('tides/table.py'),
  file('tides/ports.py'),
  file('data/2026/runs.csv'),
  file('file10.txt'),
  file('file9.txt'),
];
const all = () => true;
const none = () => false;
const rows = treeRows(project, all);
const names = rows.map((row) => row.name);
const press = (name: string, key: string, shiftKey = false, from = rows) =>
  treeKey(
    from,
    from.findIndex((row) => row.name === name),
    { key, shiftKey },
  );
const at = (name: string) => ({ kind: 'focus', index: names.indexOf(name) });

describe('rows', () => {
  test('folders first, then by name with numbers in their order; folders that only a path implies are there', () => {
    expect(names).toEqual([
      'data',
      '2026',
      'runs.csv',
      'tides',
      'ports.py',
      'table.py',
      'file9.txt',
      'file10.txt',
      'main.py',
    ]);
    expect(rows[1]).toEqual({
      id: 'folder:data/2026',
      kind: 'folder',
      path: 'data/2026',
      name: '2026',
      level: 2,
      expanded: true,
      posInSet: 1,
      setSize: 1,
    });
  });

  test('a closed folder hides what is in it and counts as one', () => {
    expect(treeRows(project, none).map((row) => row.name)).toEqual([
      'data',
      'tides',
      'file9.txt',
      'file10.txt',
      'main.py',
    ]);
  });

  test('a folder keeps its own id whether it is named before or after what is in it', () => {
    const late = treeRows([file('a/b'), { ...folder('a'), id: 'own' }], all);
    expect(late.map((row) => row.id)).toEqual(['own', 'a/b']);
  });

  test('any set of paths: every entry has one row, positions count up, levels step by one', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd');
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(fc.uniqueArray(path, { maxLength: 30 }), (paths) => {
        const found = treeRows(paths.map(file), all);
        expect(found.map((row) => row.path)).toEqual(expect.arrayContaining(paths));
        expect(new Set(found.map((row) => row.path)).size).toBe(found.length);
        found.forEach((row, index) => {
          expect(row.level).toBe(row.path.split('/').length);
          expect(row.level).toBeLessThanOrEqual((found[index - 1]?.level ?? 0) + 1);
          expect(row.posInSet).toBeLessThanOrEqual(row.setSize);
        });
      }),
      { numRuns: 200, seed: 7 },
    );
  });
});

describe('keys', () => {
  test('up, down, Home and End stop at the ends', () => {
    expect(press('data', 'ArrowDown')).toEqual(at('2026'));
    expect(press('data', 'ArrowUp')).toEqual(at('data'));
    expect(press('main.py', 'ArrowDown')).toEqual(at('main.py'));
    expect(press('tides', 'End')).toEqual(at('main.py'));
    expect(press('tides', 'Home')).toEqual(at('data'));
    expect(press('main.py', 'PageUp')).toEqual(at('data'));
  });

  test('right opens, then goes in; left closes, then goes out', () => {
    expect(press('tides', 'ArrowRight')).toEqual(at('ports.py'));
    expect(press('table.py', 'ArrowRight')).toBeUndefined();
    expect(press('table.py', 'ArrowLeft')).toEqual(at('tides'));
    expect(press('tides', 'ArrowLeft')).toEqual({ kind: 'collapse' });
    expect(press('main.py', 'ArrowLeft')).toBeUndefined();
    const closed = treeRows(project, none);
    expect(press('tides', 'ArrowRight', false, closed)).toEqual({ kind: 'expand' });
    expect(press('tides', 'Enter', false, closed)).toEqual({ kind: 'expand' });
  });

  test('right on an open but empty folder stays', () => {
    const empty = treeRows([folder('empty'), file('z')], all);
    expect(press('empty', 'ArrowRight', false, empty)).toBeUndefined();
  });

  test('Enter opens, F2 renames, Delete deletes, the menu has two keys', () => {
    expect(press('main.py', 'Enter')).toEqual({ kind: 'open' });
    expect(press('main.py', 'F2')).toEqual({ kind: 'rename' });
    expect(press('main.py', 'Delete')).toEqual({ kind: 'delete' });
    expect(press('main.py', 'ContextMenu')).toEqual({ kind: 'menu' });
    expect(press('main.py', 'F10', true)).toEqual({ kind: 'menu' });
    expect(press('main.py', 'F10')).toBeUndefined();
    expect(treeKey([], 0, { key: 'Enter', shiftKey: false })).toBeUndefined();
  });
});

test('typing finds the next name that starts so, round the end, whatever the case', () => {
  const from = (name: string, typed: string) => names[typeAhead(rows, names.indexOf(name), typed)];
  expect(from('data', 'T')).toBe('tides');
  expect(from('tides', 't')).toBe('table.py');
  expect(from('table.py', 't')).toBe('tides');
  expect(from('tides', 'ti')).toBe('tides');
  expect(from('file9.txt', 'file1')).toBe('file10.txt');
  expect(from('data', 'x')).toBeUndefined();
  expect(typeAhead([], 0, 'a')).toBe(-1);
});

test('where a new file goes, and which folders to open for a path', () => {
  expect(folderFor({ kind: 'folder', path: 'a/b' })).toBe('a/b');
  expect(folderFor({ kind: 'text', path: 'a/b/c.py' })).toBe('a/b');
  expect(folderFor({ kind: 'text', path: 'c.py' })).toBe('');
  expect(foldersAround('a/b/c')).toEqual(['a', 'a/b']);
  expect(foldersAround('c')).toEqual([]);
});
