/** CHECK-7: nobody who signed what is so may be told of, whatever was undone, moved, deleted or revived since. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import type { FileId } from '../core/ids.ts';
import { Project } from '../document/project.ts';
import { stateContains } from './fold-session.ts';

const RUNS = Number(process.env['RUNS'] ?? 150);
const PEOPLE = 3;

interface Step {
  readonly who: number;
  readonly do: 'type' | 'erase' | 'make' | 'move' | 'remove' | 'restore' | 'undo' | 'tear' | 'meet' | 'look';
  readonly at: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  who: fc.nat(PEOPLE - 1),
  do: fc.constantFrom<Step['do']>(
    'type',
    'type',
    'type',
    'erase',
    'erase',
    'make',
    'move',
    'remove',
    'restore',
    'undo',
    'tear',
    'meet',
    'look',
  ),
  at: fc.nat(1000),
});

describe('a state and what it led to', () => {
  it('CHECK-7: every state of a history is contained in where it led, in whatever order that was put together', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 5, maxLength: 60 }),
        fc.infiniteStream(fc.nat()),
        (steps, chance) => {
          const { looks, updates } = play(steps);
          const whole = new Y.Doc();
          const left = [...updates];
          // Yjs waits for what an update follows, as the accept order does.
          while (left.length > 0) {
            const [next] = left.splice(Number(chance.next().value) % left.length, 1);
            if (next) Y.applyUpdate(whole, next);
          }
          for (const look of looks) expect(stateContains(Y.encodeStateAsUpdate(whole), look)).toBe(true);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('CHECK-7: a state with a word, a deletion or a file that never was is not', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 5, maxLength: 40 }),
        fc.constantFrom('word', 'deletion', 'file'),
        fc.nat(1000),
        (steps, lie, at) => {
          const { people } = play(steps);
          const [ann] = people;
          const whole = Y.encodeStateAsUpdate(ann.doc);
          const liar = new Y.Doc();
          Y.applyUpdate(liar, whole);
          const project = new Project(liar);
          const text = someText(project, at);
          fc.pre(lie === 'file' || (text !== undefined && text.length > 0));
          if (lie === 'file') project.createFolder('never');
          else if (lie === 'word') text?.insert(at % text.length, 'x');
          else text?.delete(at % text.length, 1);
          expect(stateContains(whole, Y.encodeStateAsUpdate(liar))).toBe(false);
        },
      ),
      { numRuns: RUNS },
    );
  });
});

interface Person {
  readonly doc: Y.Doc;
  readonly project: Project;
  readonly undo: Y.UndoManager;
}

/** Plays it: the states that somebody looked at, and all that was written. */
function play(steps: readonly Step[]) {
  const updates: Uint8Array[] = [];
  const looks: Uint8Array[] = [];
  const people = Array.from({ length: PEOPLE }, (_, nth): Person => {
    const doc = new Y.Doc();
    doc.clientID = nth + 1;
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'met') updates.push(update);
    });
    const project = new Project(doc);
    return { doc, project, undo: new Y.UndoManager(doc.getMap('files'), { captureTimeout: 0 }) };
  }) as [Person, ...Person[]];
  const meet = (one: Person, other: Person): void =>
    Y.applyUpdate(one.doc, Y.encodeStateAsUpdate(other.doc, Y.encodeStateVector(one.doc)), 'met');
  people[0].project.createText('first.txt', 'to begin with');
  for (const other of people.slice(1)) meet(other, people[0]);

  for (const { who, do: what, at } of steps) {
    const me = people[who] ?? people[0];
    const { project, doc, undo } = me;
    const items = project.list();
    const id = items[at % Math.max(1, items.length)]?.id;
    const text = someText(project, at);
    if (what === 'type') text?.insert(at % (text.length + 1), `w${at} `);
    else if (what === 'erase' && text && text.length > 0)
      text.delete(at % text.length, Math.min(1 + (at % 7), text.length - (at % text.length)));
    else if (what === 'make') project.createText(`file-${who}-${at}.txt`, 'new');
    else if (what === 'move' && id) project.move(id, `moved-${at}.txt`);
    else if (what === 'remove' && id) project.remove(id);
    else if (what === 'restore') project.restore([...doc.getMap('files').keys()] as FileId[]);
    else if (what === 'undo') undo.undo();
    // What no honest tab does: the record goes with all that is in it, while others write there.
    else if (what === 'tear' && id) doc.getMap('files').delete(id);
    else if (what === 'meet') meet(me, people[at % PEOPLE] ?? people[0]);
    else if (what === 'look') looks.push(Y.encodeStateAsUpdate(doc));
  }
  return { people, updates, looks };
}

function someText(project: Project, at: number): Y.Text | undefined {
  const texts = project.list().flatMap(({ id }) => project.text(id) ?? []);
  return texts[at % Math.max(1, texts.length)];
}
