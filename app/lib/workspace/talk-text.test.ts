import fc from 'fast-check';
import { expect, it } from 'vitest';
import { draftProblem, linkPieces, tidyDraft } from './talk-text.ts';

const links = (text: string): (string | undefined)[] =>
  linkPieces(text).flatMap(({ href }) => (href === undefined ? [] : [href]));

it('leads to what is written, http and https only', () => {
  expect(linkPieces('see https://a.example/x?y=1#z.')).toEqual([
    { text: 'see ' },
    { text: 'https://a.example/x?y=1#z', href: 'https://a.example/x?y=1#z' },
    { text: '.' },
  ]);
  expect(links('(http://a.example), "https://b.example"')).toEqual(['http://a.example', 'https://b.example']);
  for (const text of [
    'javascript:alert(1)',
    'data:text/html,x',
    'ftp://a.example',
    'https://',
    'https://bank.example@evil.example/',
    'https://user:word@evil.example/',
  ])
    expect(links(text), text).toEqual([]);
  expect(links('https://a.example/\u202egpj.exe')).toEqual(['https://a.example/']);
});

it('keeps every character, whatever the text [seed 51, 300 runs]', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc
      .array(fc.constantFrom('https://', 'http:', 'a.b', '/', '"', '<', ' ', '@', '.', ')', '\n', '\u202e'))
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (one) => {
      const pieces = linkPieces(one);
      expect(pieces.map((piece) => piece.text).join('')).toBe(one);
      for (const { text: shown, href } of pieces)
        if (href !== undefined)
          expect([href, new URL(href).protocol.startsWith('http')]).toEqual([shown, true]);
    }),
    { seed: 51, numRuns: 300 },
  );
});

it('is quick with whatever somebody sends to make it slow', () => {
  const hostile = [`https://a${')'.repeat(4086)}x`, `${'https://a)'.repeat(409)}x`, 'http://'.repeat(585)];
  const before = performance.now();
  for (const text of hostile) for (let i = 0; i < 100; i++) linkPieces(text);
  expect(performance.now() - before).toBeLessThan(1000);
});

it('makes a long list of addresses no wall of links', () => {
  expect(links('https://a.example '.repeat(100))).toHaveLength(20);
});

it('takes blank lines around a draft away, and what is in it as it is', () => {
  expect(tidyDraft('\n \n  indented\r\n\ttab  \n\n')).toBe('  indented\n\ttab');
  expect(tidyDraft('  \n ')).toBe('');
  expect(tidyDraft('half \ud83e')).toBe('half \ufffd');
});

it('takes no time over a long run of white space, such as a pasted table has', () => {
  const table = `a${' '.repeat(300_000)}b\n`;
  const before = performance.now();
  expect(tidyDraft(table)).toBe(table.trimEnd());
  expect(performance.now() - before).toBeLessThan(1000);
});

it('says by how much a draft is too long', () => {
  expect(draftProblem('x'.repeat(4096))).toBeUndefined();
  expect(draftProblem(`${'x'.repeat(4096)}  \n`)).toBeUndefined();
  expect(draftProblem('x'.repeat(4097))).toContain('Too long by 1 byte:');
  expect(draftProblem('é'.repeat(4096))).toContain('4,096 bytes');
});
