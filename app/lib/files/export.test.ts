import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { equalBytes, utf8, type Bytes } from '../core/bytes.ts';
import { pathProblem } from '../document/path.ts';
import { Project } from '../document/project.ts';
import { exportZip } from './export.ts';
import { importZip } from './import.ts';
import { textOf } from './text.ts';

const project = (): Project => new Project(new Y.Doc());

function put(into: Project, path: string, bytes: Uint8Array): boolean {
  const text = textOf(bytes);
  return (text === undefined ? into.createBinary(path, bytes) : into.createText(path, text)).ok;
}

describe('TREE-10 textOf', () => {
  it.each([
    ['\ufeffwith a mark', true],
    ['windows\r\nlines\r', true],
    ['', true],
    ['emoji 😀', true],
    ['a\u0000b', false],
  ])('reads %j as text: %s', (text, isText) => {
    expect(textOf(utf8(text))).toBe(isText ? text : undefined);
  });

  it('is byte-identical for everything it calls text, through a document of another person', () => {
    const anyBytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.string({ unit: 'binary', maxLength: 40 }).map(utf8),
    );
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const text = textOf(bytes);
        if (text === undefined) return;
        const mine = project();
        const created = mine.createText('a', text);
        const theirs = project();
        Y.applyUpdate(theirs.doc, Y.encodeStateAsUpdate(mine.doc));
        const read = created.ok && theirs.bytes(created.value);
        expect(read && read.ok && equalBytes(read.value, bytes)).toBe(true);
      }),
      { numRuns: 500, seed: 1 },
    );
  });
});

const segment = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .map((name) => name.normalize('NFC').replaceAll('/', '_'))
  .filter((name) => pathProblem(name) === undefined && !['.git', 'node_modules', '__MACOSX'].includes(name));
const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'));
const content = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.string({ unit: 'binary', maxLength: 100 }).map(utf8),
);

describe('exportZip', () => {
  it('gives back what was put in: import after export is the same tree', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(path, content), { maxLength: 10 }), path, async (files, folder) => {
        const from = project();
        const kept = new Map<string, Uint8Array>();
        for (const [name, bytes] of files) if (put(from, name, bytes)) kept.set(name, bytes);
        from.createFolder(folder);
        const { zip, missing } = await exportZip(from);
        expect(missing).toEqual([]);
        const back = await importZip(zip, { keepTopFolder: true });
        if (!back.ok) throw new Error(JSON.stringify(back.error));
        expect(new Map(back.value.files.map((file) => [file.path, [...file.bytes]]))).toEqual(
          new Map([...kept].map(([name, bytes]) => [name, [...bytes]])),
        );
        const again = project();
        for (const file of back.value.files) put(again, file.path, file.bytes);
        for (const name of back.value.folders) again.createFolder(name);
        const shown = (one: Project): string[] =>
          one.list().map(({ kind, shown: name }) => `${kind} ${name}`);
        expect(shown(again)).toEqual(shown(from));
      }),
      { numRuns: 60, seed: 2 },
    );
  });

  it('is the same archive for the same content, and names two files of one path apart', async () => {
    const ids = ['a', 'b'].map((id) => id.repeat(16));
    const make = (): Project => {
      const docs = ids.map((id) => {
        const doc = new Y.Doc();
        new Project(doc, { newId: () => id as never }).createText('main.py', `# ${id}`);
        return doc;
      });
      const both = project();
      for (const doc of docs) Y.applyUpdate(both.doc, Y.encodeStateAsUpdate(doc));
      return both;
    };
    const bytes = async (one: Project): Promise<Bytes> =>
      new Uint8Array(await (await exportZip(one)).zip.arrayBuffer());
    expect(await bytes(make())).toEqual(await bytes(make()));
    const back = await importZip((await exportZip(make())).zip);
    expect(back.ok && back.value.files.map((file) => file.path)).toEqual(['main (2).py', 'main.py']);
  });

  it('leaves out and names a binary file that is damaged', async () => {
    const one = project();
    one.createBinary('a.bin', new Uint8Array([0, 1, 2]));
    one.createText('b.txt', 'b');
    const blobs = one.doc.getMap('blobs');
    for (const key of blobs.keys()) blobs.set(key, new Uint8Array([0, 1, 3]));
    const { zip, missing } = await exportZip(one);
    expect(missing).toEqual(['a.bin']);
    const back = await importZip(zip);
    expect(back.ok && back.value.files.map((file) => file.path)).toEqual(['b.txt']);
  });
});
