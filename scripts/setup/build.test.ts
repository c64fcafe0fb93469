import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildIfChanged } from './build.ts';
import { sentenceFor } from './start-problem.ts';

let root: string;
const said: string[] = [];
const say = (line: string): void => void said.push(line);
/** What a read-only mount is to the build; a folder's mode would not stop root. */
const readOnly = (path: string) => ({ path, code: 'EROFS' });

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'codeface-build-'));
  mkdirSync(join(root, 'app'));
  writeFileSync(join(root, 'app', 'app.html'), 'changed');
});
afterEach(() => {
  said.length = 0;
  rmSync(root, { recursive: true, force: true });
});

test('where nothing can be written the last build is served, and called that', async () => {
  mkdirSync(join(root, 'build'));
  writeFileSync(join(root, 'build', '.built-from'), 'what it was');
  expect(await buildIfChanged(root, say, readOnly)).toEqual({ ok: true, value: false });
  expect(said).toEqual([
    `The app has changed since it was built and ${root} cannot be written to (EROFS): the last build is served.`,
  ]);
});

test('where nothing can be written and nothing was built, one sentence says what to do', async () => {
  const built = await buildIfChanged(root, say, readOnly);
  if (built.ok) throw new Error('built');
  const sentence = sentenceFor(built.error);
  expect(sentence).toContain(`${root} cannot be written to (EROFS)`);
  expect(sentence).toContain('npm run build');
  expect([sentence.includes('\n'), said]).toEqual([false, []]);
});

test('a folder that can be written to is built in, and a build that fails says why', async () => {
  const built = await buildIfChanged(root, say);
  expect(said).toEqual(['Building the app …']);
  expect(built).toMatchObject({ ok: false, error: { kind: 'build-failed' } });
  if (!built.ok) expect(sentenceFor(built.error)).toContain('vite.js');
});
