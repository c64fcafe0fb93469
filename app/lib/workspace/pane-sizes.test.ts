import { expect, it } from 'vitest';
import { DEFAULT_SIZES, MIN_FILES_PX, readSizes, toPercent } from './pane-sizes.ts';

it('reads what was kept, and takes the defaults for anything else', () => {
  expect(readSizes('{"filesPx":300,"outputPx":200}')).toEqual({ filesPx: 300, outputPx: 200 });
  expect(readSizes('{"filesPx":1,"outputPx":"big"}')).toEqual({ ...DEFAULT_SIZES, filesPx: MIN_FILES_PX });
  for (const kept of [null, '', '{', 'null', '[]', '{"filesPx":null}'])
    expect(readSizes(kept)).toEqual(DEFAULT_SIZES);
});

it('turns px into percent without crowding the neighbour out', () => {
  expect(toPercent(232, 1440, 240)).toBeCloseTo(16.11, 2);
  expect(toPercent(900, 1000, 240)).toBe(76);
  expect(toPercent(900, 300, 240)).toBe(50);
  expect(toPercent(232, 0, 240)).toBe(0);
});
