import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outputStep, type OutputPiece } from './output-pieces.ts';

const out = (text: string): OutputPiece => ({ stream: 'stdout', text });
const error = (text: string): OutputPiece => ({ stream: 'stderr', text });

describe('the next step of an output', () => {
  it('is only what arrived', () => {
    expect(outputStep([out('a')], [out('a'), error('b')])).toEqual({ reset: false, append: [error('b')] });
    expect(outputStep([out('a')], [out('ab')])).toEqual({ reset: false, append: [out('b')] });
    expect(outputStep([out('a')], [out('a')])).toEqual({ reset: false, append: [] });
    expect(outputStep([], [out('a')])).toEqual({ reset: false, append: [out('a')] });
  });

  it('starts over when what is drawn is not how it starts', () => {
    expect(outputStep([out('a'), out('b')], [out('x'), out('b')]).reset).toBe(true);
    expect(outputStep([out('a')], [error('a')]).reset).toBe(true);
    expect(outputStep([out('a')], []).reset).toBe(true);
  });

  it('always ends in the same text', () => {
    const piece = fc.record({
      stream: fc.constantFrom('stdout' as const, 'stderr' as const),
      text: fc.stringMatching(/^[ab]{0,3}$/),
    });
    const words = (pieces: readonly OutputPiece[]): string =>
      pieces.flatMap(({ stream, text }) => [...text].map((letter) => stream[3] + letter)).join('');
    fc.assert(
      fc.property(fc.array(piece), fc.array(piece), (drawn, now) => {
        const step = outputStep(drawn, now);
        expect(words(step.reset ? step.append : [...drawn, ...step.append])).toBe(words(now));
      }),
      { seed: 3, numRuns: 2000 },
    );
  });
});
