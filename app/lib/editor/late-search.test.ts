/** What a person sees of it: journeys/a-slow-line.e2e.ts. */
import { searchKeymap } from '@codemirror/search';
import { expect, test } from 'vitest';
import { SEARCH_KEYS } from './late-search.ts';

test('every key of the search is waited for, but for Escape, which closes what is not open yet', () => {
  const keys = searchKeymap.map(({ key }) => key).filter((key) => key !== 'Escape');
  expect(Object.keys(SEARCH_KEYS).sort()).toEqual(keys.sort());
});
