import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, openBed } from '../test-bed/test-bed.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await openBed();
}, 60_000);
afterAll(() => bed?.close());

const python = (source: string, more: Partial<Parameters<Bed['run']>[0]> = {}): ReturnType<Bed['run']> =>
  bed.run({ entry: 'main.py', ...more, files: { 'main.py': source, ...more.files } });

/** A boot on a machine that does other things too. */
const SLOW = 30_000;

test(
  'a program of several files prints and ends with its exit code',
  async () => {
    const report = await python(
      'import sys, tools.greet\nprint(tools.greet.hello(sys.argv[0]))\nsys.exit(3)',
      {
        files: { 'tools/greet.py': 'def hello(name): return f"hello {name} ✓"' },
      },
    );
    expect(report).toMatchObject({
      end: { kind: 'exit', code: 3 },
      stdout: 'hello /project/main.py ✓\n',
      stderr: '',
    });
  },
  SLOW,
);

test(
  'a prompt is on the screen before the program waits, and the end of input is an EOFError',
  async () => {
    const report = await python(
      'print([input("a? "), input("b? ")])\ntry: input("c? ")\nexcept EOFError: print("end")',
      {
        input: ['Ada\n', 'Bob\n'],
      },
    );
    expect(report.prompts).toEqual(['a? ', 'a? b? ', "a? b? ['Ada', 'Bob']\nc? "]);
    expect(report.stdout).toBe("a? b? ['Ada', 'Bob']\nc? end\n");
  },
  SLOW,
);

test(
  'a file inside a package runs as its module, with relative imports and the src folder',
  async () => {
    const report = await python('', {
      entry: 'demo-1.0/src/demo/cli.py',
      files: {
        'demo-1.0/src/demo/__init__.py': 'VERSION = "1.0"',
        'demo-1.0/src/demo/core.py': 'def work(): return 42',
        'demo-1.0/src/demo/cli.py':
          'from . import VERSION\nfrom .core import work\nprint(__name__, __package__, VERSION, work())',
      },
    });
    expect(report.stdout).toBe('__main__ demo 1.0 42\n');
  },
  SLOW,
);

test(
  'a traceback shows the frames people wrote and nothing of the runtime',
  async () => {
    const report = await python('import json\ndef load():\n    return json.loads("{")\nload()');
    expect(report.end).toEqual({ kind: 'exit', code: 1 });
    expect(report.stderr.match(/File "[^"]*", line \d+/g)).toEqual([
      'File "/project/main.py", line 4',
      'File "/project/main.py", line 3',
    ]);
    expect(report.stderr).toContain('JSONDecodeError');
  },
  SLOW,
);

test(
  'a package that is not here is named, with what to do',
  async () => {
    const report = await python('import numpy');
    expect(report.stderr).toContain("'numpy' is not here");
  },
  SLOW,
);

test.for([
  ['an endless loop', 'print("go")\nwhile True: pass', 'KeyboardInterrupt'],
  ['a sleep', 'import time\nprint("go")\ntime.sleep(100)', 'KeyboardInterrupt'],
  ['waiting for input', 'import sys\nprint("go", flush=True)\nsys.stdin.read()', ''],
  [
    'a loop that catches everything',
    'print("go")\nwhile True:\n  try:\n    while True: pass\n  except BaseException: pass',
    '',
  ],
])('Stop ends %s within a second', { timeout: SLOW }, async ([, source, said]) => {
  const report = await python(source ?? '', { stopAfter: 'go' });
  expect(report.end).toEqual({ kind: 'stopped' });
  expect(report.stopMs).toBeLessThan(1000);
  expect(report.stderr).toContain(said);
});

test(
  'memory has a limit that the program can see',
  async () => {
    const report = await python(
      'a = []\ntry:\n  while True: a.append(bytearray(8 << 20))\nexcept MemoryError: print(len(a) * 8)',
    );
    expect(Number(report.stdout)).toBeGreaterThan(256);
    expect(Number(report.stdout)).toBeLessThanOrEqual(512);
  },
  SLOW,
);

test(
  'asyncio runs to its end',
  async () => {
    const report = await python(
      'import asyncio\nasync def main():\n  await asyncio.sleep(0.01)\n  print("done")\nasyncio.run(main())',
    );
    expect(report).toMatchObject({ end: { kind: 'exit', code: 0 }, stdout: 'done\n' });
  },
  SLOW,
);

test(
  'a line typed ahead is taken, and the next wish for one is heard',
  async () => {
    const report = await python('print([input(), input(), input()])', { input: ['1\n2\n', '3\n'] });
    expect(report).toMatchObject({ stdout: "['1', '2', '3']\n", end: { kind: 'exit', code: 0 } });
  },
  SLOW,
);
