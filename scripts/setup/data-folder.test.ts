import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDataFolder, type DataFolder } from './data-folder.ts';

let parent: string;
let path: string;
const open: DataFolder[] = [];

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'codeface-data-'));
  path = join(parent, 'data');
});
afterEach(() => {
  for (const folder of open.splice(0)) folder.release();
  rmSync(parent, { recursive: true, force: true });
});

function opened(...rest: [format?: number, upgrades?: Record<number, (folder: string) => void>]): DataFolder {
  const result = openDataFolder(path, ...rest);
  if (!result.ok) throw new Error(result.error.kind);
  open.push(result.value);
  return result.value;
}
function problem(...rest: [format?: number, upgrades?: Record<number, (folder: string) => void>]): unknown {
  const result = openDataFolder(path, ...rest);
  if (result.ok) open.push(result.value);
  return result.ok ? 'opened' : result.error;
}
const mode = (file: string): string => (statSync(file).mode & 0o777).toString(8);

test('a new folder is private, and so is the superuser’s password', () => {
  const folder = opened();
  expect(mode(path)).toBe('700');
  expect(mode(join(path, 'superuser.password'))).toBe('600');
  expect(mode(join(path, 'pocketbase.key'))).toBe('600');
  expect(folder.encryptionKey).toHaveLength(32);
  expect(folder.superuser.password).not.toBe(folder.encryptionKey);
});

test('opened again it has the same secrets', () => {
  const first = opened();
  first.release();
  const second = opened();
  expect([second.superuser, second.encryptionKey]).toEqual([first.superuser, first.encryptionKey]);
});

test('a second server is refused until the first lets go', () => {
  const first = opened();
  expect(problem()).toEqual({ kind: 'locked', path });
  first.release();
  expect(problem()).toBe('opened');
});

test('a server killed with -9 leaves no lock behind', async () => {
  const script = `
    const { openDataFolder } = await import(${JSON.stringify(join(import.meta.dirname, 'data-folder.ts'))});
    console.log(openDataFolder(${JSON.stringify(path)}).ok);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    expect(said.toString().trim()).toBe('true');
    expect(problem()).toEqual({ kind: 'locked', path });
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  expect(problem()).toBe('opened');
});

test('a folder of an older format is upgraded step by step, each noted when done', () => {
  opened(1).release();
  const steps: number[] = [];
  opened(3, { 1: () => steps.push(1), 2: () => steps.push(2) }).release();
  expect(steps).toEqual([1, 2]);
  expect(readFileSync(join(path, 'version'), 'utf8')).toBe('3\n');
  opened(3, { 1: () => steps.push(1), 2: () => steps.push(2) });
  expect(steps).toEqual([1, 2]);
});

test('a folder whose upgrade failed is not called upgraded, and is not left locked', () => {
  opened(1).release();
  const broken = {
    1: () => {
      throw Object.assign(new Error('disk full'), { code: 'ENOSPC' });
    },
  };
  expect(problem(2, broken)).toEqual({ kind: 'not-writable', path, code: 'ENOSPC' });
  expect(readFileSync(join(path, 'version'), 'utf8')).toBe('1\n');
  expect(problem(1)).toBe('opened');
});

test('a folder that no step leads on from is refused', () => {
  opened(1).release();
  expect(problem(3, { 2: () => {} })).toEqual({ kind: 'no-upgrade', path, found: 1 });
});

test('a folder made by a newer CodeFace is refused', () => {
  opened(2).release();
  expect(problem(1)).toEqual({ kind: 'newer-format', path, found: 2, known: 1 });
});

test('a version that is no number is refused', () => {
  opened().release();
  writeFileSync(join(path, 'version'), 'latest');
  expect(problem()).toEqual({ kind: 'unreadable-version', path: join(path, 'version') });
});

test('a folder with other things in it is refused and left alone', () => {
  mkdirSync(path);
  writeFileSync(join(path, 'thesis.tex'), 'mine');
  const before = mode(path);
  expect(problem()).toEqual({ kind: 'not-ours', path });
  expect(mode(path)).toBe(before);
});

test('a file in the place of the folder is refused', () => {
  writeFileSync(path, '');
  expect(problem()).toEqual({ kind: 'not-a-folder', path });
});

test('a place where nothing can be made is refused with the system’s reason', () => {
  const result = openDataFolder('/proc/codeface');
  expect(result).toMatchObject({ ok: false, error: { kind: 'not-writable', code: 'ENOENT' } });
});
