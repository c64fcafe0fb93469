import { expect, test } from 'vitest';
import { Gossip } from './gossip.ts';

test('SYNC-8: heads are told when nothing moved for 2 s, once', () => {
  const gossip = new Gossip();
  expect(gossip.due(1e6)).toBe(false);
  gossip.touched(1000);
  gossip.touched(2000);
  expect(gossip.due(3999)).toBe(false);
  expect(gossip.due(4001)).toBe(true);
  gossip.told();
  expect(gossip.due(9000)).toBe(false);
});

test('SYNC-8: where somebody types without a pause they are told 5 s after the first', () => {
  const gossip = new Gossip();
  for (let now = 0; now <= 4900; now += 100) {
    gossip.touched(now);
    expect(gossip.due(now)).toBe(false);
  }
  gossip.touched(5100);
  expect(gossip.due(5100)).toBe(true);
});
