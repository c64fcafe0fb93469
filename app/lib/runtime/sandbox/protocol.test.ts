import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BATCH_MAX_CHARS, BATCH_MAX_PIECES, parseFrameMessage } from './protocol.ts';

const batch = {
  kind: 'batch',
  run: 1,
  ticket: 7,
  output: [[1, 'x']],
  inputWanted: false,
  end: undefined,
};

test('what the frame sends passes, stripped of everything else', () => {
  expect(parseFrameMessage({ ...batch, extra: 1, end: { kind: 'exit', code: 3, extra: 1 } })).toEqual({
    ...batch,
    end: { kind: 'exit', code: 3 },
  });
  expect(parseFrameMessage({ kind: 'started', run: 1, extra: 1 })).toEqual({ kind: 'started', run: 1 });
  expect(parseFrameMessage({ kind: 'load-failed', message: 'x'.repeat(9999) })).toMatchObject({
    message: 'x'.repeat(2000),
  });
});

test.for([
  { ...batch, run: '1' },
  { ...batch, ticket: undefined },
  { ...batch, output: [[3, 'x']] },
  { ...batch, output: [[1, 5]] },
  { ...batch, output: [[1, 'x'.repeat(BATCH_MAX_CHARS + 1)]] },
  { ...batch, output: Array.from({ length: BATCH_MAX_PIECES + 1 }, () => [1, '']) },
  { ...batch, end: { kind: 'exit', code: 0.5 } },
  { ...batch, end: { kind: 'stopped' } },
  { kind: 'started' },
  { kind: 'ack' },
  null,
])('what it would not send is refused (%#)', (message) => {
  expect(parseFrameMessage(message)).toBeUndefined();
});

test('no value makes it throw', () => {
  fc.assert(
    fc.property(fc.anything(), fc.anything(), (whole, part) => {
      parseFrameMessage(whole);
      for (const key of Object.keys(batch)) parseFrameMessage({ ...batch, [key]: part });
    }),
    { seed: 8, numRuns: 500 },
  );
});
