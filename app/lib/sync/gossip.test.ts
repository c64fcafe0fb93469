import { expect, test } from 'vitest';
import { Gossip } from './gossip.ts';

/** A tab with so many peers that were told all, looking every second; `tells` greets whoever is due. */
function tabWith(count: number) {
  const peers = Array.from({ length: count }, (_, name) => ({ name }));
  const gossip = new Gossip<{ name: number }>(() => 0.5);
  const tab = {
    gossip,
    peers,
    second: 0,
    reached: 0,
    /** Who is told in so many seconds, each of which may bring entries. */
    tells(seconds: number, entries = 0): number[] {
      const told: number[] = [];
      for (let i = 0; i < seconds; i++) {
        tab.reached += entries;
        const { tell } = gossip.due(++tab.second * 1000, peers, tab.reached);
        for (const peer of tell) gossip.told(peer, tab.reached);
        told.push(...tell.map(({ name }) => name));
      }
      return told;
    },
  };
  for (const peer of peers) gossip.told(peer, 0);
  return tab;
}

test('SYNC-8: heads are told when nothing moved for 2 s, once, and to all where there are few', () => {
  const tab = tabWith(4);
  expect(tab.tells(10)).toEqual([]);
  expect(tab.tells(2, 1)).toEqual([]);
  expect(tab.tells(1)).toEqual([]);
  expect(tab.tells(1)).toEqual([0, 1, 2, 3]);
  expect(tab.tells(20)).toEqual([]);
});

test('SYNC-8: few peers are not asked to answer, many are', () => {
  for (const [count, ask] of [
    [4, false],
    [5, true],
  ] as const) {
    const { gossip, peers } = tabWith(count);
    gossip.due(0, peers, 1);
    expect(gossip.due(2000, peers, 1)).toMatchObject({ ask, tell: { length: 4 } });
  }
});

test('SYNC-8: where somebody types without a pause they are told after 5 s', () => {
  const tab = tabWith(2);
  expect(tab.tells(4, 3)).toEqual([]);
  expect(tab.tells(1, 3)).toEqual([0, 1]);
});

test('SYNC-8: of many a few are told at a time, those that know least first, until all know', () => {
  const tab = tabWith(10);
  const told = tab.tells(14, 5);
  expect(told).toHaveLength(12);
  expect(new Set(told).size, 'nobody twice before all were told').toBe(10);
  // Who asked us was told in our answer.
  for (const peer of tab.peers.slice(0, 3)) tab.gossip.told(peer, tab.reached);
  const rest = tab.tells(20);
  expect(new Set(rest).size).toBe(rest.length);
  expect(rest).not.toContain(1);
});

test('SYNC-8: two rounds are two seconds apart at the least', () => {
  const tab = tabWith(25);
  tab.tells(1, 1);
  const rounds = Array.from({ length: 6 }, () => tab.tells(1).length);
  expect(rounds).toEqual([0, 4, 0, 4, 0, 4]);
});
