import { expect, it } from 'vitest';
import { editRefusedAlert, fileProblemWords, treeProblem } from './file-messages.ts';
import { importRefusedAlert, nothingAddedAlert, skippedAlert } from './import-messages.ts';

it('counts bytes one way everywhere', () => {
  const limitBytes = 100_000_000;
  expect(importRefusedAlert({ kind: 'too-large', limitBytes }).title).toBe('That is more than 100 MB');
  expect(treeProblem({ kind: 'too-large', limitBytes })).toEqual({
    kind: 'bad-path',
    why: 'A file holds at most 100 MB.',
  });
});

it('says what was left out, and that nothing changed where all was', () => {
  const skipped = [{ reason: 'link', count: 2, examples: ['a', 'b'] }] as const;
  expect(skippedAlert(skipped).detail).toBe('2 links (a, b). Everything else is in the room.');
  const all = nothingAddedAlert([{ reason: 'dependencies', count: 3, examples: ['node_modules/x'] }]);
  expect(all.title).toBe('Nothing was added');
  expect(all.detail).toContain('node_modules folders (node_modules/x)');
  expect(all.detail).toContain('Nothing in the room was changed.');
  expect(importRefusedAlert({ kind: 'cancelled' }).detail).toContain('Nothing in the room was changed.');
});

it('says what was not done, and that nothing changed', () => {
  for (const refusal of [
    { kind: 'file-too-large', limitBytes: 20_000_000 },
    { kind: 'step-too-large', which: 'undo', limitBytes: 15_000_000 },
  ] as const)
    expect(editRefusedAlert(refusal).detail).toContain('Nothing was changed');
});

it('says why a name can’t be', () => {
  expect(fileProblemWords(treeProblem({ kind: 'path-taken' }))).toContain('already');
  expect(fileProblemWords({ kind: 'read-only' })).toContain('only read');
});
