import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concat, utf8, type Bytes } from './bytes.ts';
import { parse } from './byte-reader.ts';

const SEED = 3130;

test(`FORM-2 [seed ${SEED}, 500 runs] text is its length and well-formed UTF-8, and nothing else is text`, () => {
  const read = (bytes: Bytes) =>
    parse(concat(Uint8Array.of(bytes.length), bytes), (reader) => reader.text(127));
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
      expect(read(utf8(text))).toEqual({ ok: true, value: text });
    }),
    { seed: SEED, numRuns: 500 },
  );
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const decoded = (bytes: Uint8Array) => {
    try {
      return { ok: true, value: decoder.decode(bytes) };
    } catch {
      return { ok: false, error: 'ill-formed UTF-8' };
    }
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 10 }), (bytes) => {
      expect(read(bytes)).toEqual(decoded(bytes));
    }),
    { seed: SEED, numRuns: 500 },
  );
  // A continuation alone, an over-long slash, half of a surrogate pair, a character cut short, past U+10FFFF.
  for (const bytes of [[0x80], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf4, 0x90, 0x80, 0x80]])
    expect(read(Uint8Array.from(bytes)), bytes.join(' ')).toEqual({ ok: false, error: 'ill-formed UTF-8' });
  expect(read(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)), 'a byte order mark is text').toEqual({
    ok: true,
    value: '\ufeffa',
  });
});

test('FORM-3 a byte too many, a byte too few, and more than the cap are refused before anything is made', () => {
  const number = (bytes: number[]) => parse(Uint8Array.from(bytes), (reader) => reader.varUint(100));
  expect(number([100])).toEqual({ ok: true, value: 100 });
  expect(number([100, 0])).toEqual({ ok: false, error: 'trailing bytes' });
  expect(number([0x80])).toEqual({ ok: false, error: 'ends early' });
  expect(number([101])).toEqual({ ok: false, error: 'number too large' });
  // A length that memory could not hold, in seven bytes.
  const huge = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f);
  expect(parse(huge, (reader) => reader.varBytes(2 ** 30))).toEqual({ ok: false, error: 'number too large' });
  expect(parse(huge, (reader) => reader.varBytes(Number.MAX_SAFE_INTEGER))).toEqual({
    ok: false,
    error: 'ends early',
  });
});
