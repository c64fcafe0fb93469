import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as Y from 'yjs';
import type { Bytes } from '../core/bytes.ts';
import { joinUpdates } from './joined-update.ts';
import { checkUpdate, type CheckedUpdate } from './struct-check.ts';

const ME = 7;
const OTHER = 9;

/** One thing a person does, in the words of the project doc's types. */
type Edit =
  | { readonly kind: 'type'; readonly at: number; readonly text: string }
  | { readonly kind: 'erase'; readonly at: number; readonly length: number }
  | { readonly kind: 'set'; readonly key: string; readonly value: string }
  | { readonly kind: 'unset'; readonly key: string }
  | { readonly kind: 'new-text'; readonly key: string; readonly text: string }
  /** An editor that is still open types into a file that was removed. */
  | { readonly kind: 'remove' }
  | { readonly kind: 'type-into'; readonly key: string; readonly text: string };

const key = fc.constantFrom('a', 'b', 'c');
const at = fc.nat(40);
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constant('type' as const), at, text: fc.constantFrom('x', 'é', '👩‍💻', 'words of it') }),
  fc.record({ kind: fc.constant('erase' as const), at, length: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ kind: fc.constant('set' as const), key, value: fc.string({ maxLength: 5 }) }),
  fc.record({ kind: fc.constant('unset' as const), key }),
  fc.record({ kind: fc.constant('new-text' as const), key, text: fc.constantFrom('', 'more') }),
  fc.record({ kind: fc.constant('remove' as const) }),
  fc.record({ kind: fc.constant('type-into' as const), key, text: fc.constant('late') }),
);

/** `opened`: the texts an editor was ever opened on, the room's first among them. */
function apply(doc: Y.Doc, opened: Map<string, Y.Text>, step: Edit): void {
  const files = doc.getMap('files');
  const text = opened.get('text');
  if (text === undefined) throw new Error('the room has no text');
  switch (step.kind) {
    case 'type':
      return text.insert(Math.min(step.at, text.length), step.text);
    case 'erase': {
      const from = Math.min(step.at, text.length);
      return text.delete(from, Math.min(step.length, text.length - from));
    }
    case 'set':
      return void files.set(step.key, step.value);
    case 'unset':
      return files.delete(step.key);
    case 'new-text':
      return void opened.set(step.key, files.set(step.key, new Y.Text(step.text)));
    case 'remove':
      return files.delete('text');
    case 'type-into':
      return opened.get(step.key)?.insert(0, step.text);
  }
}

/** A room in which somebody else wrote first, as one update. */
function beginning(): Bytes {
  const doc = new Y.Doc();
  doc.clientID = OTHER;
  const text = new Y.Text('what the other wrote before, long enough to be cut');
  doc.getMap('files').set('text', text);
  doc.getMap('files').set('a', new Y.Text('theirs'));
  return Y.encodeStateAsUpdate(doc) as Bytes;
}

/** What `edits` come to, entry by entry; several in one transaction are one entry. */
function entriesOf(start: Bytes, edits: readonly (readonly Edit[])[]): Bytes[] {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, start);
  doc.clientID = ME;
  const opened = new Map([['text', doc.getMap('files').get('text') as Y.Text]]);
  const entries: Bytes[] = [];
  doc.on('update', (update) => void entries.push(update as Bytes));
  for (const together of edits) doc.transact(() => together.forEach((one) => apply(doc, opened, one)));
  return entries;
}

function checkedAll(entries: readonly Bytes[], from: number): CheckedUpdate[] {
  let clock = from;
  return entries.map((entry) => {
    const checked = checkUpdate(entry, ME, clock);
    if (!checked.ok) throw new Error(checked.error.code);
    clock = checked.value.nextClock;
    return checked.value;
  });
}

const replica = (start: Bytes): Y.Doc => {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, start);
  return doc;
};

describe('updates of one chain, joined', () => {
  test('[seed 4411, 400 runs] bring what they bring one by one', () => {
    const start = beginning();
    fc.assert(
      fc.property(fc.array(fc.array(edit, { maxLength: 4 }), { maxLength: 30 }), fc.nat(), (edits, cut) => {
        const entries = entriesOf(start, edits);
        const checked = checkedAll(entries, 0);
        // Any stretch may be what a segment brings: the beginning is there by itself.
        const from = entries.length === 0 ? 0 : cut % entries.length;
        const clock = checked[from - 1]?.nextClock ?? 0;
        const joined = joinUpdates(ME, clock, checked.slice(from));

        // As a tab has them that was there: each in a transaction of its own.
        const [oneByOne, atOnce] = [replica(start), replica(start)];
        for (const entry of entries) Y.applyUpdate(oneByOne, entry);
        for (const entry of entries.slice(0, from)) Y.applyUpdate(atOnce, entry);
        Y.applyUpdate(atOnce, joined);

        expect(atOnce.getMap('files').toJSON()).toEqual(oneByOne.getMap('files').toJSON());
        expect(Y.encodeStateAsUpdate(replicaOf(atOnce))).toEqual(Y.encodeStateAsUpdate(replicaOf(oneByOne)));
        expect(atOnce.store.pendingStructs).toBeNull();
        expect(atOnce.store.pendingDs).toBeNull();
      }),
      { seed: 4411, numRuns: 400 },
    );
  });

  test('nothing joined is an update that changes nothing', () => {
    const doc = replica(beginning());
    const before = Y.encodeStateAsUpdate(doc);
    Y.applyUpdate(doc, joinUpdates(ME, 0, []));
    expect(Y.encodeStateAsUpdate(doc)).toEqual(before);
  });
});

/** As a fresh doc holds it: how structs are cut differs with the transactions they came in. */
const replicaOf = (doc: Y.Doc): Y.Doc => replica(Y.encodeStateAsUpdate(doc) as Bytes);
