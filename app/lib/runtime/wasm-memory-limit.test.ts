import fc from 'fast-check';
import { expect, test } from 'vitest';
import { limitWasmMemory } from './wasm-memory-limit.ts';

/** A module that defines and exports one memory of `initial` pages, with a custom section behind it. */
const moduleWith = (initial: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from([
    0,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    5,
    3,
    1,
    0,
    initial,
    7,
    5,
    1,
    1,
    0x6d,
    2,
    0,
    0,
    2,
    1,
    0x78,
  ]);

test('a memory grows to the limit and no further', () => {
  const limited = limitWasmMemory(moduleWith(1), 3 * 65_536);
  const memory = new WebAssembly.Instance(new WebAssembly.Module(limited)).exports['m'] as WebAssembly.Memory;
  expect(memory.grow(2)).toBe(1);
  expect(() => memory.grow(1)).toThrow(RangeError);
});

test('the limit is never below what the module starts with', () => {
  const limited = limitWasmMemory(moduleWith(5), 65_536);
  expect(() => new WebAssembly.Module(limited)).not.toThrow();
});

test('bytes that are no module are refused with a RangeError or left alone', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        limitWasmMemory(Uint8Array.from(bytes), 65_536);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
    { seed: 8, numRuns: 2000 },
  );
});
