import { describe, expect, it } from 'vitest';
import { codeFileText, doneWords, ownerRowWords, ownershipProblemWords } from './owner-dialog-words.ts';
import { addedAlert, lostAlert, notOwnerWords, twoRostersAlert } from './owner-words.ts';
import type { OwnershipModel, OwnershipProblem } from './room-model.ts';

const NOW = Date.UTC(2026, 0, 2);
const model = (changed: Partial<OwnershipModel>): OwnershipModel =>
  ({
    standing: 'other',
    hasCode: false,
    mayMakeCode: false,
    owners: 1,
    changedAt: undefined,
    ...changed,
  }) as OwnershipModel;

describe('owning a room in words', () => {
  it('says why the room can’t be changed from here', () => {
    expect(notOwnerWords(model({}))).toContain('Only the browser that this room was made in');
    expect(notOwnerWords(model({ hasCode: true }))).toContain('Only the owner’s browsers');
    expect(notOwnerWords(model({ standing: 'lost', hasCode: true, changedAt: NOW }))).toMatch(
      /owned the room until .+\. Others own it now/,
    );
  });

  it('says what the code is for, to who has one and to who has none', () => {
    expect(ownerRowWords(model({ standing: 'owner' }))).toContain('a recovery code is for that day');
    expect(ownerRowWords(model({ standing: 'owner', hasCode: true }))).toContain(
      'whoever has the recovery code',
    );
    expect(ownerRowWords(model({ standing: 'owner', hasCode: true, owners: 3 }))).toMatch(/^3 browsers own/);
    expect(ownerRowWords(model({ hasCode: true }))).toContain('can make this browser its owner');
  });

  it('says of each failure what to do, and that nothing was changed', () => {
    const problems: readonly OwnershipProblem[] = [
      { kind: 'empty' },
      { kind: 'no-such-letter', letter: 'U', position: 3 },
      { kind: 'too-short', letters: 29 },
      { kind: 'too-long', letters: 31 },
      { kind: 'mistyped' },
      { kind: 'another-code' },
      { kind: 'too-many-owners' },
      { kind: 'no-more-changes' },
      { kind: 'already-an-owner' },
      { kind: 'taken' },
      { kind: 'behind' },
      { kind: 'failed', error: new Error('odd') },
      { kind: 'failed', error: new DOMException('', 'QuotaExceededError') },
    ];
    const words = problems.map(ownershipProblemWords);
    expect(new Set(words).size).toBe(problems.length);
    expect(words[1]).toContain('“U” (letter 3)');
    for (const said of words.slice(-4)) expect(said).toMatch(/nothing was changed/i);
  });

  it('tells who lost the room and who sees two of it what still works and what to do', () => {
    expect(lostAlert.detail).toMatch(
      /go on writing and reading.*whoever has the code that counts now can undo it/,
    );
    expect(addedAlert(3).detail).toMatch(/3 browsers own the room.*If that was not you/);
    expect(twoRostersAlert.detail).toMatch(/keeps to the change it heard first.*Agree on one/s);
    expect(doneWords['take-over']).toContain('only the new code');
  });

  it('writes a file that says whose code it is, who it makes owner, and how it is used', () => {
    const text = codeFileText('Lab', 'https://example.org/r/abc', 'AAAAA-BBBBB', '2026-01-02');
    for (const said of [
      '“Lab”, 2026-01-02',
      'AAAAA-BBBBB',
      'https://example.org/r/abc',
      'Whoever has this code',
    ])
      expect(text).toContain(said);
  });
});
