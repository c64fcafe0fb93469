import { expect, it } from 'vitest';
import type { ArchiveState } from '../sync/archive/archive-state.ts';
import {
  archiveWords,
  deletedAlert,
  hasMine,
  notArchivedWords,
  notDeletedAlert,
  savedInMemory,
} from './archive-words.ts';

const states: ArchiveState[] = [
  { kind: 'connecting' },
  { kind: 'current' },
  { kind: 'behind', mine: true },
  { kind: 'behind', mine: false },
  { kind: 'unreachable' },
  { kind: 'off' },
  { kind: 'unknown-room' },
  { kind: 'declined' },
  { kind: 'full' },
  { kind: 'new-keys' },
  { kind: 'refused', reason: 'bad-proof' },
];

it('says of each state something of its own, and nothing while it is not known', () => {
  const words = states.map((state) => archiveWords(state));
  expect(new Set(words).size).toBe(states.length);
  expect(words[0]).toBe('');
  for (const sentence of words.slice(1)) expect(sentence).toMatch(/^[A-Z].*\.$/);
});

it('says "in the archive" when my words are there with what they follow, whatever others write meanwhile', () => {
  const kept = states.filter(hasMine);
  expect(kept).toEqual([{ kind: 'current' }, { kind: 'behind', mine: false }]);
});

it('calls nothing saved that neither this browser nor the archive keeps', () => {
  for (const state of [undefined, ...states])
    expect(savedInMemory(state).kind).toBe(hasMine(state) ? 'saved' : 'not-saved');
  expect(savedInMemory({ kind: 'current' })).toMatchObject({ where: 'Saved in the archive' });
});

it('never says that there is no copy while nobody could be asked', () => {
  for (const state of states)
    if (['connecting', 'unreachable'].includes(state.kind))
      expect(notArchivedWords(state)).not.toContain('no copy');
  expect(notArchivedWords({ kind: 'unreachable' })).toContain('tried again');
});

it('says what was deleted, whether the disk is clean, and what that does not touch', () => {
  const { detail } = deletedAlert({ segments: 1, bytes: 2048, purged: true });
  expect(detail).toContain('1 encrypted record, 2.0 kB');
  expect(detail).toContain('everybody who has opened it');
  expect(deletedAlert({ segments: 2, bytes: 1, purged: false }).detail).toContain('within minutes');
  expect(notDeletedAlert.detail).toContain('tried again by itself');
});
