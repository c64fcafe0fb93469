import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, openBed } from '../test-bed/test-bed.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await openBed();
});
afterAll(() => bed?.close());

const program = (entry: string, files: Record<string, string>, more: object = {}): ReturnType<Bed['run']> =>
  bed.run({ entry, files, ...more });

test('TypeScript, CommonJS, JSON and a package run together, and an error names the line that was written', async () => {
  const report = await program('src/main.ts', {
    'src/main.ts': `import { double } from './double.js';
import { readFileSync } from 'node:fs';
import old from './old.cjs';
import kind, { sub } from 'pkg';
import data from '../data.json';
const n: number = await double(data.n);
console.log(n, old.dir, kind, sub, readFileSync('data.json', 'utf8'), import.meta.url);
class Box { open(): never { throw new TypeError('boom'); } }
setTimeout(() => new Box().open(), 1);`,
    'src/double.ts': 'export const double = async (n: number): Promise<number> => n * 2;',
    'src/old.cjs': 'const name = "./late"; module.exports = { dir: __dirname + require(name).mark };',
    'src/late.js': 'exports.mark = "!";',
    'data.json': '{"n":21}',
    'node_modules/pkg/package.json':
      '{"name":"pkg","exports":{".":{"import":"./esm.mjs","require":"./cjs.js"}}}',
    'node_modules/pkg/esm.mjs': 'import sub from "./lib/sub.js"; export { sub }; export default "esm";',
    'node_modules/pkg/lib/sub.js': 'module.exports = "sub";',
  });
  expect(report.stdout).toBe('42 /project/src! esm sub {"n":21} file:///project/src/main.ts\n');
  expect(report.end).toEqual({ kind: 'exit', code: 1 });
  expect(report.stderr).toMatch(
    /^\/project\/src\/main\.ts:8\n.*\n +\^\n\nTypeError: boom\n {4}at Box\.open \(\/project\/src\/main\.ts:8:\d+\)/,
  );
});

test('input comes by question, by line and by descriptor', async () => {
  const asked = await program(
    'main.mjs',
    {
      'main.mjs': `import * as readline from 'node:readline/promises';
const ask = readline.createInterface({ input: process.stdin, output: process.stdout });
console.log([await ask.question('a? '), await ask.question('b? ')]);
ask.close();`,
    },
    { input: ['1\n', '2\n'] },
  );
  expect(asked).toMatchObject({
    prompts: ['a? ', 'a? b? '],
    stdout: "a? b? [ '1', '2' ]\n",
    end: { kind: 'exit', code: 0 },
  });
  const read = await program(
    'main.js',
    { 'main.js': "console.log(require('fs').readFileSync(0, 'utf8').length)" },
    { input: ['ab\n', 'c\n'] },
  );
  expect(read.stdout).toBe('5\n');
});

test('a program ends when nothing is left to wait for, with the code it set', async () => {
  const report = await program('main.js', {
    'main.js': `process.on('exit', (code) => console.log('bye', code));
crypto.subtle.digest('SHA-256', new Uint8Array(3)).then(() => require('fs').promises.readFile('main.js')).then((bytes) => {
  console.log(bytes.length > 0, require('crypto').createHash('sha256').update('a').digest('hex').slice(0, 8));
  process.exitCode = 4;
});
setInterval(() => {}, 1000).unref();`,
  });
  expect(report).toMatchObject({ end: { kind: 'exit', code: 4 }, stdout: 'true ca978112\nbye 4\n' });
});

test("every module that Node's list names can be required, and all of them mean the same by a buffer", async () => {
  const report = await program('main.cjs', {
    'main.cjs': `const { builtinModules } = require('module');
for (const name of builtinModules) if (!require(name) || require('node:' + name) !== require(name)) console.log('not', name);

const hash = require('crypto').createHash('sha256');
console.log(builtinModules.length > 30, hash.update('a').digest() instanceof Buffer);
console.log(require('zlib').gunzipSync(require('zlib').gzipSync('packed')).toString(), require('util').inspect({ a: 1 }));
console.log(require('assert').strict === require('assert/strict'), require('util/types').isDate(new Date()));`,
  });
  expect(report.stderr).toBe('');
  expect(report.stdout).toBe('true true\npacked { a: 1 }\ntrue true\n');
});

test('process.exit ends at once, an unhandled rejection ends with 1', async () => {
  const exit = await program('main.js', {
    'main.js': "try { process.exit(5) } catch {} console.log('never')",
  });
  expect(exit).toMatchObject({ end: { kind: 'exit', code: 5 }, stdout: '' });
  const rejected = await program('main.js', {
    'main.js': "Promise.reject(new Error('lost')); setTimeout(() => console.log('never'), 5000)",
  });
  expect(rejected).toMatchObject({ end: { kind: 'exit', code: 1 }, stdout: '' });
  expect(rejected.stderr).toContain('Error: lost\n    at /project/main.js:1:');
});

test('what cannot be bundled is said with its place', async () => {
  const report = await program('main.js', { 'main.js': "import x from 'left-pad';\nx()" });
  expect(report.stderr).toContain("Cannot find package 'left-pad'");
  expect(report.stderr).toContain('project/main.js:1:14');
});

test('a loop is stopped', async () => {
  const loop = await program('main.js', { 'main.js': "console.log('go'); for (;;);" }, { stopAfter: 'go' });
  expect(loop.end).toEqual({ kind: 'stopped' });
});

test('a flood is cut off at the limit', async () => {
  const outputBytes = 500_000;
  const flood = await program(
    'main.js',
    { 'main.js': "for (;;) console.log('x'.repeat(100))" },
    { limits: { outputBytes } },
  );
  expect(flood.end).toEqual({ kind: 'output-limit', limitBytes: outputBytes });
});

test('a program that runs or waits for too long is ended', async () => {
  const loop = await program('main.js', { 'main.js': 'for (;;);' }, { limits: { wallMs: 200 } });
  expect(loop.end).toEqual({ kind: 'time-limit', limitMs: 200 });
  const waiting = await bed.run({
    entry: 'main.js',
    files: { 'main.js': "console.log('go'); process.stdin.read(); process.stdin.on('data', () => {})" },
    waits: true,
    limits: { wallMs: 60_000, inputWaitMs: 200 },
  });
  expect(waiting.end).toEqual({ kind: 'time-limit', limitMs: 200 });
});

test('a program that eats memory ends as out of memory and the next one runs on the same page', async () => {
  const [report, next] = await bed.runToDeath(
    {
      entry: 'main.js',
      files: { 'main.js': 'const kept = []; for (;;) kept.push(new Array(1e6).fill(kept.length + 0.5));' },
      // Some ends of a process close its port at once, others only fall silent.
      limits: { silenceMs: 3000 },
    },
    { entry: 'main.js', files: { 'main.js': 'console.log("alive")' } },
  );
  expect(report?.end).toEqual({ kind: 'out-of-memory' });
  expect(next).toMatchObject({ end: { kind: 'exit', code: 0 }, stdout: 'alive\n' });
});
