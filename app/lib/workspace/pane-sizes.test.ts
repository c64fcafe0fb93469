import { expect, it } from 'vitest';
import { DEFAULT_SIZES, MIN_FILES_PX, edgePercent, readSizes, toPercent } from './pane-sizes.ts';

it('reads what was kept, and takes the defaults for anything else', () => {
  expect(readSizes('{"filesPx":300,"outputPx":200,"sidePx":280}')).toEqual({
    filesPx: 300,
    outputPx: 200,
    sidePx: 280,
  });
  expect(readSizes('{"filesPx":300,"outputPx":200}'), 'kept before there was a side pane').toEqual({
    filesPx: 300,
    outputPx: 200,
    sidePx: DEFAULT_SIZES.sidePx,
  });
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

it('keeps the px of Files in a narrower window, and its least', () => {
  for (const width of [1440, 1000, 720]) expect((edgePercent(232, width) * width) / 100).toBeCloseTo(232, 6);
  expect((edgePercent(MIN_FILES_PX, 720) * 720) / 100).toBeCloseTo(MIN_FILES_PX, 6);
  expect(edgePercent(900, 720)).toBe(60);
});
