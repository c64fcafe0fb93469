import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';
import type { FileId } from '../core/ids.ts';
import { MAX_FILES, Project } from './project.ts';
import { pathProblem } from './path.ts';

function made(): Project {
  return new Project(new Y.Doc(), { clock: { now: () => 1 } });
}

function value<T>(result: { ok: true; value: T } | { ok: false; error: unknown }): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

const shown = (project: Project): string[] => project.list().map((item) => item.shown);
const textIn = (project: Project, id: FileId): Y.Text => {
  const text = project.text(id);
  if (text === undefined) throw new Error('no text');
  return text;
};
const folder = (project: Project, path: string): FileId =>
  project.list().find((item) => item.kind === 'folder' && item.path === path)?.id ?? ('' as FileId);

/** Both have what either had. */
function sync(...projects: Project[]): void {
  for (const to of projects)
    for (const from of projects)
      if (from !== to)
        Y.applyUpdate(to.doc, Y.encodeStateAsUpdate(from.doc, Y.encodeStateVector(to.doc)), 'remote');
}

describe('pathProblem (TREE-1)', () => {
  it.each([
    ['a/b c/é.txt', undefined],
    ['', 'empty'],
    ['/a', 'absolute'],
    ['C:/a', 'absolute'],
    ['a\\b', 'backslash'],
    ['a/\u0007', 'control-character'],
    ['a\u202etxt.exe', 'control-character'],
    ['a//b', 'empty-segment'],
    ['a/', 'empty-segment'],
    ['./a', 'dot-segment'],
    ['a/../b', 'dot-segment'],
    ['e\u0301', 'not-nfc'],
    ['a\ud800', 'not-unicode'],
    ['x'.repeat(255), undefined],
    ['x'.repeat(256), 'segment-too-long'],
    ['é'.repeat(128), 'segment-too-long'],
    [`${'x'.repeat(255)}/`.repeat(4) + 'y', 'too-long'],
    ['x'.repeat(1_000_000), 'too-long'],
  ])('%j: %s', (path, problem) => {
    expect(pathProblem(path)).toBe(problem);
  });
});

describe('files and folders', () => {
  it('TREE-2: a folder is there because it was made, or because something is in it', () => {
    const project = made();
    value(project.createText('src/lib/a.py', 'a'));
    value(project.createFolder('docs'));
    expect(shown(project)).toEqual(['docs', 'src', 'src/lib', 'src/lib/a.py']);
  });

  it('refuses what is taken, cannot be named, or is one too many', () => {
    const project = made();
    value(project.createText('a', ''));
    expect(project.createText('a', '')).toMatchObject({ error: { kind: 'path-taken' } });
    expect(project.createFolder('a')).toMatchObject({ error: { kind: 'path-taken' } });
    expect(project.createText('a/b', '')).toMatchObject({ error: { kind: 'path-taken' } });
    expect(project.createText('../a', '')).toMatchObject({ error: { kind: 'bad-path', why: 'dot-segment' } });
    project.doc.transact(() => {
      for (let i = 1; i < MAX_FILES; i++) value(project.createFolder(`f${i}`));
    });
    expect(project.createText('b', '')).toEqual({
      ok: false,
      error: { kind: 'too-many-files', limit: MAX_FILES },
    });
  });

  it('TREE-3: moving a folder takes what is in it along, and the folder it left stays', () => {
    const project = made();
    const id = value(project.createText('a/b/c.txt', 'text'));
    value(project.move(folder(project, 'a/b'), 'x/y'));
    expect(shown(project)).toEqual(['a', 'x', 'x/y', 'x/y/c.txt']);
    expect(textIn(project, id).toString()).toBe('text');
    expect(project.move(folder(project, 'x'), 'x/y/z')).toMatchObject({ error: { why: 'inside-itself' } });
    expect(project.move(id, 'a')).toMatchObject({ error: { kind: 'path-taken' } });
    expect(project.move(folder(project, 'x'), 'n'.repeat(256))).toMatchObject({
      error: { kind: 'bad-path' },
    });
    expect(project.move('nothing' as FileId, 'b')).toMatchObject({ error: { kind: 'unknown-file' } });
  });

  it('TREE-3: removing and restoring a folder gives back everything, the same texts', () => {
    const project = made();
    const id = value(project.createText('a/b.txt', 'text'));
    value(project.createBinary('a/c.bin', Uint8Array.of(0)));
    const text = textIn(project, id);
    const before = shown(project);
    const removed = project.remove(folder(project, 'a'));
    expect(shown(project)).toEqual([]);
    expect(project.remove(id)).toEqual([]);
    project.restore(removed);
    expect(shown(project)).toEqual(before);
    expect(project.text(id)).toBe(text);
  });

  it('tells observers of the tree, the name and content, not of typing', () => {
    const project = made();
    const id = value(project.createText('a', ''));
    const told = vi.fn();
    const stop = project.observe(told);
    textIn(project, id).insert(0, 'typing');
    expect(told).not.toHaveBeenCalled();
    project.setName('  My\u202e room ');
    expect(project.name).toBe('My room');
    project.remove(id);
    expect(told).toHaveBeenCalledTimes(2);
    textIn(project, id).insert(0, 'more');
    expect(told).toHaveBeenCalledTimes(3);
    stop();
    project.restore([id]);
    expect(told).toHaveBeenCalledTimes(3);
  });

  it('puts long text and binary content in by small transactions, whole at the other end', () => {
    const project = made();
    const sizes: number[] = [];
    project.doc.on('update', (update: Uint8Array) => sizes.push(update.length));
    const long = 'ab😀\r\n'.repeat(200_000);
    const bytes = new Uint8Array(1_500_000).map((_, i) => i * 7);
    const [a, b] = [value(project.createText('a', long)), value(project.createBinary('b', bytes))];
    expect(Math.max(...sizes)).toBeLessThan(512 * 1024 + 200);
    const other = made();
    sync(project, other);
    expect(textIn(other, a).toString() === long).toBe(true);
    expect(value(other.bytes(b))).toEqual(bytes);
  });

  it('TREE-7: says damaged rather than give other bytes, and missing while they are on their way', () => {
    const project = made();
    const id = value(project.createBinary('a', new Uint8Array(600_000).fill(1)));
    const blobs = project.doc.getMap('blobs');
    const [first = '', second = ''] = [...blobs.keys()].sort();
    const chunk = blobs.get(second);
    blobs.delete(second);
    expect(project.bytes(id)).toEqual({ ok: false, error: { kind: 'missing' } });
    blobs.set(second, new Uint8Array(600_000 - 512 * 1024).fill(2));
    expect(project.bytes(id)).toEqual({ ok: false, error: { kind: 'damaged' } });
    blobs.set(first, 'x');
    expect(project.bytes(id)).toEqual({ ok: false, error: { kind: 'damaged' } });
    // Who has the bytes mends it by adding the same content again.
    blobs.set(second, chunk);
    value(project.createBinary('b', new Uint8Array(600_000).fill(1)));
    expect(project.bytes(id).ok).toBe(true);
  });
});

describe('two people', () => {
  it('TREE-4: two files of one path are shown apart, the same for both', () => {
    const [one, two] = [made(), made()];
    value(one.createText('main.py', '1'));
    value(two.createText('main.py', '2'));
    value(two.createText('main (2).py', '3'));
    value(one.createText('dir', 'a file'));
    value(two.createText('dir/x', 'in a folder'));
    sync(one, two);
    expect(shown(one)).toEqual(['dir', 'dir (2)', 'dir/x', 'main (2).py', 'main (3).py', 'main.py']);
    expect(two.list()).toEqual(one.list());
    expect(one.list().find(({ shown: name }) => name === 'main (2).py')?.path).toBe('main (2).py');
  });

  it.each([
    ['src.d/main.py', 'src.d/main (2).py'],
    ['src.d/Makefile', 'src.d/Makefile (2)'],
    ['.gitignore', '.gitignore (2)'],
    ['d/.env.local', 'd/.env (2).local'],
    ['archive.tar.gz', 'archive (2).tar.gz'],
    ['.tar.gz', '.tar (2).gz'],
    ['main.test.ts', 'main.test (2).ts'],
    ['Chapter 1. The end', 'Chapter 1. The end (2)'],
    ['odd.', 'odd. (2)'],
  ])('TREE-4: the ending of %s stays the ending', (path, second) => {
    const [one, two] = [made(), made()];
    value(one.createText(path, '1'));
    value(two.createText(path, '2'));
    sync(one, two);
    const files = one.list().filter((item) => item.kind === 'text');
    expect(new Set(files.map((item) => item.shown))).toEqual(new Set([path, second]));
  });

  it('TREE-5: an edit that the remover had not seen revives the file, one that they had does not', () => {
    const [one, two] = [made(), made()];
    const id = value(one.createText('a', 'hello'));
    sync(one, two);
    textIn(two, id).insert(5, ' world');
    sync(one, two);
    one.remove(id);
    sync(one, two);
    expect(two.list()).toEqual([]);
    const [three, four] = [made(), made()];
    const other = value(three.createText('a', 'hello'));
    sync(three, four);
    three.remove(other);
    textIn(four, other).insert(5, ' world');
    sync(three, four);
    expect(shown(three)).toEqual(['a']);
    expect(four.list()).toEqual(three.list());
    // Having seen it, they may remove it again.
    three.remove(other);
    sync(three, four);
    expect(four.list()).toEqual([]);
  });

  it('TREE-6: two moves of one file end with one of the two paths', () => {
    const [one, two] = [made(), made()];
    const id = value(one.createText('a', ''));
    sync(one, two);
    value(one.move(id, 'b'));
    value(two.move(id, 'c'));
    sync(one, two);
    expect(one.list()).toEqual(two.list());
    expect(one.list()).toHaveLength(1);
  });
});

describe('replicas at random', () => {
  const NAMES = ['a.py', 'a (2).py', 'd/a', 'd/b', 'd/e/a', 'f'];
  const step = fc.record({
    who: fc.nat(2),
    what: fc.constantFrom('create', 'folder', 'type', 'erase', 'move', 'remove', 'undo', 'sync'),
    which: fc.nat(50),
    path: fc.constantFrom(...NAMES),
  });

  it('TREE-6: come to the same tree and texts, whatever each of them does', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let ids = 0;
        const newId = (): FileId =>
          [...(ids++).toString(2).padStart(16, 'a')]
            .map((c) => (c === '0' ? 'x' : c === '1' ? 'y' : c))
            .join('') as FileId;
        const projects = [0, 1, 2].map(() => new Project(new Y.Doc(), { newId }));
        const removed: (readonly FileId[])[] = [[], [], []];
        for (const { who, what, which, path } of steps) {
          const project = projects[who];
          if (project === undefined) continue;
          const item = project.list()[which % Math.max(1, project.list().length)];
          const text = item && project.text(item.id);
          if (what === 'create') project.createText(path, `by ${who}\n`);
          if (what === 'folder') project.createFolder(path);
          if (what === 'type') text?.insert(which % (text.length + 1), `${who}`);
          if (what === 'erase' && text !== undefined && text.length > 0) text.delete(which % text.length, 1);
          if (what === 'move' && item !== undefined) project.move(item.id, path);
          if (what === 'remove' && item !== undefined) removed[who] = project.remove(item.id);
          if (what === 'undo') project.restore(removed[who] ?? []);
          if (what === 'sync') sync(project, projects[which % 3] ?? project);
          // What is kept record by record is what reading everything anew gives.
          expect(new Project(project.doc).list()).toEqual(project.list());
        }
        sync(...projects);
        const [first, ...others] = projects.map((project) => ({
          list: project.list(),
          texts: project.list().map(({ id }) => String(project.text(id)?.toJSON())),
        }));
        for (const other of others) expect(other).toEqual(first);
        const names = first?.list.map((item) => item.shown) ?? [];
        expect(new Set(names).size).toBe(names.length);
      }),
      { numRuns: 150, seed: 7 },
    );
  });
});

describe('hostile records', () => {
  const anything = fc.oneof(
    fc.anything({ withNullPrototype: false, maxDepth: 2 }).filter((v) => {
      try {
        new Y.Doc().getMap('x').set('y', v);
        return true;
      } catch {
        return false;
      }
    }),
    fc.constantFrom(
      '__proto__',
      'constructor',
      '../x',
      'x'.repeat(1_000_000),
      NaN,
      -1,
      2 ** 60,
      new Uint8Array(9),
    ),
  );
  const id = fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    'a'.repeat(16),
    'b'.repeat(16),
    'short',
    '',
  );
  const kind = fc.oneof(fc.constantFrom('text', 'binary', 'folder'), anything);

  it('TREE-8: never throw, and never hide the files of others', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(id, kind, anything, anything, anything), { maxLength: 6 }), (records) => {
        const project = made();
        const honest = value(project.createText('honest.txt', 'kept'));
        const files = project.doc.getMap<unknown>('files');
        for (const [key, kindOf, path, mark, content] of records) {
          if (key === 'short') files.set(key, content);
          else {
            const record = new Y.Map<unknown>(Object.entries({ kind: kindOf, path, deletedAt: mark }));
            record.set(kindOf === 'binary' ? 'blob' : 'text', kindOf === 'text' ? new Y.Text('x') : content);
            files.set(key, record);
          }
          project.doc.getMap('meta').set('name', path);
          for (const item of project.list()) {
            expect(pathProblem(item.path)).toBeUndefined();
            project.bytes(item.id);
          }
          expect(project.name.length).toBeLessThanOrEqual(240);
          expect(shown(project)).toContain('honest.txt');
          expect(new Project(project.doc).list()).toEqual(project.list());
        }
        for (const item of project.list()) if (item.id !== honest) project.remove(item.id);
      }),
      { numRuns: 200, seed: 5 },
    );
  });

  it('TREE-8: a flood of records is cut, a bad name is replaced, a subclass of text is not text', () => {
    const project = made();
    const files = project.doc.getMap('files');
    const record = (kindOf: string, path: unknown, text?: unknown): Y.Map<unknown> =>
      new Y.Map<unknown>([
        ['kind', kindOf],
        ['path', path],
        ...(text === undefined ? [] : [['text', text] as const]),
      ]);
    files.set('c'.repeat(16), record('text', '../../etc', new Y.Text('x')));
    files.set('d'.repeat(16), record('text', 'xml', new Y.XmlText('x')));
    expect(shown(project)).toEqual([`unnamed-${'c'.repeat(16)}`]);
    project.doc.transact(() => {
      for (let i = 0; i < 9_000; i++) {
        const key = [...i.toString(32).padStart(16, '0')]
          .map((c) => 'abcdefghijklmnopqrstuvwxyz234567'[parseInt(c, 32)])
          .join('');
        files.set(key, record('folder', 'same'));
      }
    });
    expect(project.list().length).toBeLessThanOrEqual(8_000);
  });
});
