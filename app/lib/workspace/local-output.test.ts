import { describe, expect, it } from 'vitest';
import { LocalOutput } from './local-output.ts';

const textOf = (output: LocalOutput): string =>
  output
    .pieces()
    .map(({ text }) => text)
    .join('');

describe('output in the runner’s tab', () => {
  it('is whole and in order while it is short, each stream apart', () => {
    const output = new LocalOutput();
    output.add('stdout', 'a');
    output.add('stdout', 'b');
    output.add('stderr', 'no');
    output.add('stdout', 'c');
    expect(output.pieces()).toEqual([
      { stream: 'stdout', text: 'ab' },
      { stream: 'stderr', text: 'no' },
      { stream: 'stdout', text: 'c' },
    ]);
    expect(output.notKept).toBe(0);
  });

  it('keeps the beginning and the end of a flood, says how much is missing, and stays bounded', () => {
    const output = new LocalOutput();
    let written = 0;
    for (let i = 0; i < 60_000; i++) {
      const line = `${i} ${'x'.repeat(90)}\n`;
      output.add('stdout', line);
      written += line.length;
    }
    const text = textOf(output);
    expect(text.startsWith('0 xxx')).toBe(true);
    expect(text.endsWith('x\n')).toBe(true);
    expect(text).toContain('\n59999 ');
    expect(text.length).toBeLessThan(1.5 * 1024 * 1024);
    expect(text.length + output.notKept).toBe(written);
  });
});
