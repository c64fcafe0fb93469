import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as Y from 'yjs';
import { updateOf } from './transaction-update.ts';

/** What happens in one of three docs that hear of each other now and then. Random places are taken modulo what is there. */
type Step =
  | { readonly kind: 'type'; readonly at: number; readonly text: string }
  | { readonly kind: 'erase'; readonly at: number; readonly length: number }
  | { readonly kind: 'set'; readonly key: string; readonly value: string | readonly number[] }
  | { readonly kind: 'new-text'; readonly key: string }
  | { readonly kind: 'type-into'; readonly key: string; readonly text: string }
  | { readonly kind: 'unset'; readonly key: string }
  | { readonly kind: 'undo' }
  | { readonly kind: 'redo' }
  | { readonly kind: 'nothing' };

const key = fc.constantFrom('a', 'b');
const words = fc.constantFrom('x', 'é', '👩‍💻', 'some words');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('type' as const), at: fc.nat(60), text: words }),
  fc.record({ kind: fc.constant('erase' as const), at: fc.nat(60), length: fc.integer({ min: 1, max: 12 }) }),
  fc.record({
    kind: fc.constant('set' as const),
    key,
    value: fc.oneof(fc.string({ maxLength: 4 }), fc.array(fc.nat(300), { maxLength: 3 })),
  }),
  fc.record({ kind: fc.constant('new-text' as const), key }),
  fc.record({ kind: fc.constant('type-into' as const), key, text: words }),
  fc.record({ kind: fc.constant('unset' as const), key }),
  fc.record({ kind: fc.constantFrom('undo' as const, 'redo' as const, 'nothing' as const) }),
);
/** Who does it, all of it in one transaction, and who then hears of all that they know. */
const turn = fc.record({
  who: fc.nat(2),
  steps: fc.array(step, { minLength: 1, maxLength: 4 }),
  tell: fc.option(fc.nat(2), { nil: undefined }),
});

class Writer {
  readonly doc = new Y.Doc();
  readonly #text = this.doc.getText('text');
  readonly #files = this.doc.getMap('files');
  readonly #undo = new Y.UndoManager([this.#text, this.#files], { doc: this.doc, captureTimeout: 0 });
  /** As Yjs gives them to a listener of 'update', and as they are made here. */
  readonly yjs: Uint8Array[] = [];
  readonly ours: Uint8Array[] = [];

  constructor(clientId: number) {
    this.doc.clientID = clientId;
    this.doc.on('update', (update) => void this.yjs.push(update));
    this.doc.on('afterTransactionCleanup', (transaction) => {
      const update = updateOf(transaction);
      if (update !== undefined) this.ours.push(update);
    });
  }

  take(steps: readonly Step[]): void {
    if (steps.some(({ kind }) => kind === 'undo')) this.#undo.undo();
    else if (steps.some(({ kind }) => kind === 'redo')) this.#undo.redo();
    else this.doc.transact(() => steps.forEach((one) => this.#do(one)));
  }

  #do(one: Step): void {
    const [text, files] = [this.#text, this.#files];
    switch (one.kind) {
      case 'type':
        return text.insert(one.at % (text.length + 1), one.text);
      case 'erase': {
        const from = one.at % (text.length + 1);
        return text.delete(from, Math.min(one.length, text.length - from));
      }
      case 'set':
        return void files.set(one.key, one.value);
      case 'new-text':
        return void files.set(one.key, new Y.Text('new'));
      case 'type-into': {
        const file = files.get(one.key);
        return file instanceof Y.Text ? file.insert(0, one.text) : undefined;
      }
      case 'unset':
        return files.delete(one.key);
      case 'undo':
      case 'redo':
      case 'nothing':
    }
  }
}

describe('the update of a transaction', () => {
  test('[seed 5150, 600 runs] is byte for byte the one that Yjs makes', () => {
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 30 }), (turns) => {
        const writers = [2 ** 52 + 7, 9, 2 ** 31].map((clientId) => new Writer(clientId));
        for (const { who, steps, tell } of turns) {
          const [me, other] = [writers[who], tell === undefined ? undefined : writers[tell]];
          me?.take(steps);
          if (me && other) Y.applyUpdate(other.doc, Y.encodeStateAsUpdate(me.doc), 'from another');
        }
        for (const { yjs, ours } of writers) expect(ours).toEqual(yjs);
      }),
      { seed: 5150, numRuns: 600 },
    );
  });

  test('is none where nothing changed', () => {
    const { doc, ours } = new Writer(7);
    doc.transact(() => undefined);
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(new Y.Doc()));
    expect(ours).toEqual([]);
  });
});
