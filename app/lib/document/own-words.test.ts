/** CHECK-7: what somebody wrote on what was not so is put where it belongs, or as near as can be. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import type { FileId } from '../core/ids.ts';
import { ownWords, putBack } from './own-words.ts';
import { Project } from './project.ts';

const ANN = 1;
const BOB = 2;
const CID = 3;

describe('own words', () => {
  it('CHECK-7: put into a doc that has all they stood beside, say what Yjs itself would have made of them', () => {
    fc.assert(
      fc.property(edits(), edits(), (anns, bobs) => {
        const before = docOf(ANN, (project) => {
          const id = project.createText('a.txt', '');
          if (!id.ok) throw new Error(id.error.kind);
          const text = textOf(project);
          for (const edit of anns) apply(text, edit);
        });
        const { project, written } = goOn(before, BOB, (bob) => {
          for (const edit of bobs) apply(textOf(bob), edit);
        });
        const words = ownWords(project, BOB, written);
        const again = goOn(before, CID, (cid) => {
          if (words) expect(putBack(cid, words)).toEqual([]);
        });
        expect(textOf(again.project).toString()).toBe(textOf(project).toString());
      }),
      { numRuns: 300 },
    );
  });

  it('CHECK-7: none is lost where nothing that they stood beside is there', () => {
    fc.assert(
      fc.property(
        edits(),
        fc.array(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 6 }),
        fc.infiniteStream(fc.nat()),
        (anns, typed, places) => {
          const id = 'aaaaaaaaaaaaaaaa' as FileId;
          const before = docOf(
            ANN,
            (project) => {
              project.createText('a.txt', '');
              for (const edit of anns) apply(textOf(project), edit);
            },
            id,
          );
          const { project, written } = goOn(before, BOB, (bob) => {
            for (const word of typed) {
              const text = textOf(bob);
              const at = Number(places.next().value) % (text.length + 1);
              text.insert(at, word);
            }
          });
          const words = ownWords(project, BOB, written);
          // Another history of the same file.
          const other = docOf(CID, (cid) => void cid.createText('a.txt', 'something else'), id);
          const again = goOn(other, 4, (cid) => expect(putBack(cid, words ?? never())).toEqual([]));
          const mine = charactersOf(textOf(project), BOB).sort();
          expect(charactersOf(textOf(again.project), 4).sort()).toEqual(mine);
          expect(textOf(again.project).length).toBe('something else'.length + mine.length);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('CHECK-7: where what they stood beside is not there, they stand after as many characters as before', () => {
    const id = 'aaaaaaaaaaaaaaaa' as FileId;
    const before = docOf(ANN, (project) => void project.createText('a.txt', 'one two'), id);
    const { project, written } = goOn(before, BOB, (bob) => textOf(bob).insert(4, 'and '));
    const words = ownWords(project, BOB, written) ?? never();
    const other = docOf(CID, (cid) => void cid.createText('a.txt', '123456'), id);
    const again = goOn(other, 4, (cid) => void putBack(cid, words));
    expect(textOf(again.project).toString()).toBe('1234and 56');
  });

  it('CHECK-7: files that were made, moved and taken out meanwhile, and the name', () => {
    const before = docOf(ANN, (project) => {
      project.createText('moved.txt', 'one');
      project.createText('out.txt', 'two');
      project.createText('stays.txt', 'three');
    });
    const change = (project: Project): void => {
      project.setName('Ours');
      project.createText('new.txt', 'mine');
      project.createBinary('new.bin', Uint8Array.of(1, 2, 3));
      project.createFolder('folder');
      project.move(idOf(project, 'moved.txt'), 'folder/here.txt');
      project.remove(idOf(project, 'out.txt'));
    };
    const { project, written } = goOn(before, BOB, change);
    const words = ownWords(project, BOB, written) ?? never();
    const again = goOn(before, CID, (cid) => expect(putBack(cid, words)).toEqual([]));
    expect(said(again.project)).toEqual(said(project));
    expect(again.project.name).toBe('Ours');
  });

  it('CHECK-7: a file whose name is taken gets another; words in a file that is not there are given back', () => {
    const before = docOf(ANN, (project) => void project.createText('a.txt', 'one'));
    const { project, written } = goOn(before, BOB, (bob) => {
      bob.createText('new.txt', 'mine');
      textOf(bob).insert(3, ' and two');
    });
    const words = ownWords(project, BOB, written) ?? never();
    const other = docOf(CID, (cid) => void cid.createText('new.txt', 'theirs'));
    const again = goOn(other, 4, (cid) =>
      expect(putBack(cid, words)).toEqual([{ path: 'a.txt', text: ' and two' }]),
    );
    expect(said(again.project)).toEqual(['new (2).txt: mine', 'new.txt: theirs']);
  });

  it('CHECK-7: megabytes go in as typing puts them in, a little in each entry', () => {
    const before = docOf(ANN, (project) => void project.createText('a.txt', 'one'));
    const long = 'long line\n'.repeat(200_000);
    const bytes = Uint8Array.from({ length: 3 * 2 ** 20 }, (_, i) => (i * i) >> 3);
    const { project, written } = goOn(before, BOB, (bob) => {
      bob.createBinary('new.bin', bytes);
      bob.createText('new.txt', long);
      textOf(bob).insert(3, long);
      textOf(bob).insert(0, 'first ');
    });
    const words = ownWords(project, BOB, written) ?? never();
    const again = goOn(before, CID, (cid) => expect(putBack(cid, words)).toEqual([]));
    expect(Math.max(...again.written.map(({ length }) => length))).toBeLessThan(600 * 1024);
    expect(said(again.project)).toEqual(said(project));
  });

  it('where nothing was written there is nothing', () => {
    const { project } = goOn(
      docOf(ANN, () => undefined),
      BOB,
      () => undefined,
    );
    expect(ownWords(project, BOB, [])).toBeUndefined();
  });
});

interface Edit {
  readonly at: number;
  readonly insert?: string;
  readonly remove?: number;
}

const edits = (): fc.Arbitrary<Edit[]> =>
  fc.array(
    fc.oneof(
      fc.record({ at: fc.nat(50), insert: fc.string({ minLength: 1, maxLength: 5 }) }),
      fc.record({ at: fc.nat(50), remove: fc.integer({ min: 1, max: 5 }) }),
    ),
    { maxLength: 12 },
  );

function apply(text: Y.Text, { at, insert, remove }: Edit): void {
  const from = Math.min(at, text.length);
  if (insert !== undefined) text.insert(from, insert);
  if (remove !== undefined) text.delete(from, Math.min(remove, text.length - from));
}

function docOf(client: number, fill: (project: Project) => void, id?: FileId): Y.Doc {
  const doc = new Y.Doc();
  doc.clientID = client;
  fill(new Project(doc, id ? { newId: () => id } : {}));
  return doc;
}

/** Somebody else goes on from a doc. */
function goOn(before: Y.Doc, client: number, change: (project: Project) => void) {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(before));
  doc.clientID = client;
  const written: Uint8Array[] = [];
  const project = new Project(doc);
  doc.on('update', (update: Uint8Array) => written.push(update));
  change(project);
  return { project, written };
}

const textOf = (project: Project): Y.Text =>
  project.list().flatMap(({ id }) => project.text(id) ?? [])[0] ?? never();

const idOf = (project: Project, path: string): FileId =>
  project.list().find((item) => item.path === path)?.id ?? never();

const said = (project: Project): string[] =>
  project.list().map(({ id, shown }) => `${shown}: ${project.text(id)?.toString() ?? ''}`);

function charactersOf(text: Y.Text, client: number): string[] {
  const characters: string[] = [];
  for (let item = text._start; item !== null; item = item.right)
    if (!item.deleted && item.id.client === client && item.content instanceof Y.ContentString)
      characters.push(...item.content.str.split(''));
  return characters;
}

function never(): never {
  throw new Error('not there');
}
