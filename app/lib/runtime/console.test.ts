import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConsoleText, MAX_LINE_CHARS, MAX_LINES, PLAIN, stripAnsi } from './console.ts';

const printed = (...pieces: string[]): ConsoleText => {
  const text = new ConsoleText();
  for (const piece of pieces) text.write(piece);
  return text;
};

test('colours and weights become spans, resets end them', () => {
  expect(printed('a\x1b[1;31mred\x1b[0m b').lines).toEqual([
    [
      { text: 'a', style: PLAIN },
      { text: 'red', style: { ...PLAIN, bold: true, color: 1 } },
      { text: ' b', style: PLAIN },
    ],
  ]);
  expect(printed('\x1b[38;5;196mx\x1b[48;2;0;0;255my').lines[0]).toEqual([
    { text: 'x', style: { ...PLAIN, color: 9 } },
    { text: 'y', style: { ...PLAIN, color: 9, background: 12 } },
  ]);
});

test('a carriage return goes back to the start of the line and overwrites it', () => {
  expect(String(printed(' 10 %\r 20 %\r100 %\ndone\r\n'))).toBe('100 %\ndone\n');
  expect(String(printed('long line\r\x1b[Kshort'))).toBe('short');
  expect(String(printed('ab\b\bX'))).toBe('Xb');
});

test('titles, links, cursor moves and control characters are left out', () => {
  expect(String(printed('\x1b]0;title\x07a\x1b]8;;http://x\x1b\\b\x1b[2J\x1b[3;4Hc\x00\x07d'))).toBe('abcd');
});

const noise = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc
    .array(
      fc.constantFrom(
        '\x1b',
        '[',
        ']',
        '3',
        '8',
        ';',
        '5',
        'm',
        'K',
        '\r',
        '\n',
        '\t',
        '\b',
        'é',
        '😀',
        '\x9b',
        'P',
      ),
      { maxLength: 80 },
    )
    .map((parts) => parts.join('')),
);

test('any text, cut anywhere, gives the same as in one piece, and never throws', () => {
  fc.assert(
    fc.property(fc.array(noise, { maxLength: 6 }), (pieces) => {
      // Surrogate pairs arrive whole: the sandbox decodes UTF-8 as a stream.
      expect(printed(...pieces).lines).toEqual(printed(pieces.join('')).lines);
      expect(stripAnsi(pieces.join(''))).not.toContain('\x1b');
    }),
    { seed: 8, numRuns: 2000 },
  );
});

test('what is kept is bounded', () => {
  const many = printed('x\n'.repeat(MAX_LINES * 2));
  expect(many.lines.length).toBeLessThanOrEqual(MAX_LINES);
  expect(many.lines.length + many.droppedLines).toBe(MAX_LINES * 2 + 1);
  expect(String(printed('x'.repeat(MAX_LINE_CHARS * 3))).length).toBe(MAX_LINE_CHARS);
  expect(String(printed(`\x1b]${'x'.repeat(1e6)}`)).length).toBeLessThanOrEqual(MAX_LINE_CHARS);
});
