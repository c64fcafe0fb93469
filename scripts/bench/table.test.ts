import { expect, test } from 'vitest';
import { formatTable, median, quantile } from './table.ts';

test('a median lies in the middle, also between two values', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(quantile([...Array(100).keys()], 0.95)).toBe(94);
});

test('a target is held against the medians: met, missed, or not measured', () => {
  const row = (name: string, ours: number[], theirs: number[]) =>
    ({
      name,
      unit: 'ms',
      ours,
      opponent: { name: 'other', values: theirs },
      target: { kind: 'ratio', atMost: 1.5 },
    }) as const;
  const table = formatTable([
    row('at the limit', [15, 1, 90], [10]),
    row('over', [15.1], [10]),
    row('nothing', [], [10]),
  ]);
  const [, , ...lines] = table.split('\n');
  expect(lines.map((line) => line.split('|').at(-2)?.trim())).toEqual(['met', 'missed', 'not measured']);
});

test('a target of at least so much is met from there on upwards', () => {
  const row = (name: string, ours: number) =>
    ({
      name,
      unit: 'a second',
      ours: [ours],
      opponent: { name: 'other', values: [1000] },
      target: { kind: 'ratio', atLeast: 1 },
    }) as const;
  const [, , ...lines] = formatTable([row('more', 1001), row('as much', 1000), row('less', 999)]).split('\n');
  expect(lines.map((line) => line.split('|').at(-2)?.trim())).toEqual(['met', 'met', 'missed']);
  expect(lines[0]).toContain('| 1001/s | other: 1000/s | 1.00  | ≥ 1 ×  |');
});

test('a spread is of percentiles where there are enough values, else of the extremes', () => {
  const many = { name: 'many', unit: 'ms', ours: [...Array(100).keys()] } as const;
  const few = { name: 'few', unit: 'bytes', ours: [1000, 2000, 3_000_000] } as const;
  const table = formatTable([many, few]);
  expect(table).toContain('50 ms (4.00 ms to 94 ms, n 100)');
  expect(table).toContain('2.0 KB (1.0 KB to 3.000 MB, n 3)');
});
