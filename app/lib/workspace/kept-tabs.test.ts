import { expect, it } from 'vitest';
import { readTabs } from './kept-tabs.ts';

it('reads the tabs of last time, and nothing from anything else', () => {
  expect(readTabs('{"ids":["a","b"],"active":"b"}')).toEqual({ ids: ['a', 'b'], active: 'b' });
  expect(readTabs('{"ids":["a","a",1],"active":"z"}')).toEqual({ ids: ['a'], active: 'a' });
  for (const kept of [null, '', '[', 'null', '{"ids":"a"}', '7'])
    expect(readTabs(kept)).toEqual({ ids: [], active: undefined });
});
