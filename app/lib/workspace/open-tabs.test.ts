import { describe, expect, it } from 'vitest';
import { NO_TABS, closeTab, firstTabs, keepTabs, openTab } from './open-tabs.ts';

const tabs = (active: string | undefined, ...ids: string[]) => ({ ids, active });
const text = (path: string) => ({ id: path, kind: 'text', path });

describe('open files', () => {
  it('opens right of the one in front, and once', () => {
    const two = openTab(openTab(NO_TABS, 'a'), 'b');
    expect(openTab(openTab(two, 'a'), 'c')).toEqual(tabs('c', 'a', 'c', 'b'));
    expect(openTab(two, 'b')).toBe(two);
  });

  it('brings the right neighbour forward when the front one closes, else the left', () => {
    expect(closeTab(tabs('b', 'a', 'b', 'c'), 'b')).toEqual(tabs('c', 'a', 'c'));
    expect(closeTab(tabs('c', 'a', 'c'), 'c')).toEqual(tabs('a', 'a'));
    expect(closeTab(tabs('a', 'a'), 'a')).toEqual(NO_TABS);
    expect(closeTab(tabs('a', 'a', 'b'), 'b')).toEqual(tabs('a', 'a'));
  });

  it('drops what is gone, and is the same object when nothing is', () => {
    const all = tabs('b', 'a', 'b', 'c');
    expect(keepTabs(all, (id) => id === 'a')).toEqual(tabs('a', 'a'));
    expect(keepTabs(all, () => true)).toBe(all);
  });

  it('starts with what was open, else with the likeliest file of the outermost folder', () => {
    const files = [text('src/main.py'), text('README.md'), text('a.py'), text('main.py')];
    expect(firstTabs(tabs('a.py', 'gone', 'a.py'), files)).toEqual(tabs('a.py', 'a.py'));
    expect(firstTabs(NO_TABS, files).active).toBe('main.py');
    expect(firstTabs(NO_TABS, files.slice(0, 3)).active).toBe('README.md');
    expect(firstTabs(NO_TABS, [{ id: 'x', kind: 'binary', path: 'x.png' }])).toEqual(NO_TABS);
  });
});
