import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConsoleText, MAX_LINE_CHARS, MAX_LINES } from './console.ts';
import { PLAIN } from './text-style.ts';

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
    }),
    { seed: 8, numRuns: 2000 },
  );
});

test('lines that only grow and lines that are overwritten read as on a terminal that knows cells only', () => {
  const part = fc.constantFrom(
    'a',
    'bc def',
    '😀',
    'é',
    '\r',
    '\b',
    '\t',
    '\n',
    '\x1b[K',
    '\x1b[2K',
    '\x1b[31m',
    '\x01',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
      const rows: string[][] = [[]];
      let column = 0;
      const put = (char: string): void => void ((rows.at(-1) ?? [])[column++] = char);
      for (const char of parts.flatMap((text) => (text.startsWith('\x1b') ? [text] : Array.from(text)))) {
        const row = rows.at(-1) ?? [];
        if (char === '\r') column = 0;
        else if (char === '\b') column = Math.max(0, column - 1);
        else if (char === '\n') column = rows.push([]) * 0;
        else if (char === '\t') {
          do put(' ');
          while (column % 8 !== 0);
        } else if (char.endsWith('K')) {
          row.length = char.includes('2') ? 0 : Math.min(row.length, column);
          while (row.length < column) row.push(' ');
        } else if (!char.startsWith('\x1b') && char >= ' ') put(char);
      }
      expect(String(printed(...parts))).toBe(rows.map((row) => row.join('')).join('\n'));
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
