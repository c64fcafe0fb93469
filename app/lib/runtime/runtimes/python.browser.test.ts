/** Python in the sandbox of a real browser. What a program finds and reads of its failure: python/run-program.test.ts. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, openBed } from '../test-bed/test-bed.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await openBed();
});
afterAll(() => bed?.close());

const python = (source: string, more: Partial<Parameters<Bed['run']>[0]> = {}): ReturnType<Bed['run']> =>
  bed.run({ entry: 'main.py', ...more, files: { 'main.py': source, ...more.files } });

test('a program of several files asks, reads lines typed ahead and the end of input, and ends with its code', async () => {
  const report = await python(
    `import asyncio, sys, tools.greet
print(tools.greet.hello(sys.argv[0]))
print([input("a? "), input("b? "), input("c? ")])
try: input("d? ")
except EOFError: print("end")
async def main():
  await asyncio.sleep(0.01)
  print("done")
asyncio.run(main())
sys.exit(3)`,
    {
      files: { 'tools/greet.py': 'def hello(name): return f"hello {name} ✓"' },
      input: ['Ada\nBob\n', 'Cy\n'],
    },
  );
  const hello = 'hello /project/main.py ✓\n';
  expect(report.prompts).toEqual([
    `${hello}a? `,
    `${hello}a? b? c? `,
    `${hello}a? b? c? ['Ada', 'Bob', 'Cy']\nd? `,
  ]);
  expect(report).toMatchObject({
    end: { kind: 'exit', code: 3 },
    stdout: `${hello}a? b? c? ['Ada', 'Bob', 'Cy']\nd? end\ndone\n`,
    stderr: '',
  });
});

test.for([
  ['an endless loop', 'print("go")\nwhile True: pass', 'KeyboardInterrupt'],
  ['a sleep', 'import time\nprint("go")\ntime.sleep(100)', 'KeyboardInterrupt'],
  ['waiting for input', 'import sys\nprint("go", flush=True)\nsys.stdin.read()', ''],
])('Stop interrupts %s', async ([, source, said]) => {
  // Never killed: that it ends at all shows that it heard.
  const report = await python(source ?? '', { stopAfter: 'go', limits: { interruptMs: 3_600_000 } });
  expect(report.end).toEqual({ kind: 'stopped' });
  expect(report.stderr).toContain(said);
});

test('Stop ends a loop that catches everything', async () => {
  const source = 'print("go")\nwhile True:\n  try:\n    while True: pass\n  except BaseException: pass';
  expect((await python(source, { stopAfter: 'go' })).end).toEqual({ kind: 'stopped' });
});

test('memory has a limit that the program can see', async () => {
  const report = await python(
    'a = []\ntry:\n  while True: a.append(bytearray(8 << 20))\nexcept MemoryError: print(len(a) * 8)',
  );
  expect(Number(report.stdout)).toBeGreaterThan(256);
  expect(Number(report.stdout)).toBeLessThanOrEqual(512);
});
