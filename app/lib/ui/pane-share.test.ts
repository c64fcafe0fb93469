import { expect, it } from 'vitest';
import { moved, movement } from './pane-share.ts';

const press = (key: string, shiftKey = false) => ({ key, shiftKey });

it('moves the line by the arrows that lie along its way, and by Home and End', () => {
  expect(movement(press('ArrowRight'), 'horizontal')).toBe(10);
  expect(movement(press('ArrowLeft'), 'horizontal')).toBe(-10);
  expect(movement(press('ArrowDown'), 'vertical')).toBe(10);
  expect(movement(press('ArrowUp'), 'vertical')).toBe(-10);
  expect(movement(press('ArrowRight', true), 'horizontal'), 'with Shift as far as it goes').toBe(100);
  for (const way of ['horizontal', 'vertical'] as const) {
    expect(movement(press('Home'), way)).toBe(-100);
    expect(movement(press('End'), way)).toBe(100);
    expect(movement(press('Enter'), way)).toBeUndefined();
  }
  expect(movement(press('ArrowUp'), 'horizontal'), 'across its way nothing moves').toBeUndefined();
  expect(movement(press('ArrowLeft'), 'vertical')).toBeUndefined();
});

it('gives a pane no less and no more than it may have, on either side of the line', () => {
  const limits = { min: 12, max: 40, after: false };
  expect(moved(20, 5, limits)).toBe(25);
  expect(moved(20, -100, limits)).toBe(12);
  expect(moved(20, 100, limits)).toBe(40);
  expect(moved(20, 5, { ...limits, after: true })).toBe(15);
  expect(moved(20, -100, { ...limits, after: true })).toBe(40);
});
