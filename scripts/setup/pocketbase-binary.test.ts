import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pocketbaseBinary, pocketbaseVersion } from './pocketbase-binary.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'codeface-bin-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const nothingSaid = (line: string): void => expect.unreachable(`nothing is to be fetched: ${line}`);

test('the PocketBase that an image brought is used where the data folder has none', async () => {
  const brought = place('image/bin');
  const found = await pocketbaseBinary(join(folder, 'data/bin'), folder, nothingSaid, [
    join(folder, 'image/bin'),
  ]);
  expect(found).toEqual({ ok: true, value: brought });
});

test('a spoilt PocketBase in the data folder is passed over for the one beside it', async () => {
  writeFileSync(`${place('data/bin')}.sha256`, '0'.repeat(64));
  const brought = place('image/bin');
  const found = await pocketbaseBinary(join(folder, 'data/bin'), folder, nothingSaid, [
    join(folder, 'image/bin'),
  ]);
  expect(found).toEqual({ ok: true, value: brought });
});

/** A program as an earlier fetch leaves it. */
function place(where: string): string {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const program = join(folder, where, `pocketbase-${pocketbaseVersion}${suffix}`);
  mkdirSync(join(program, '..'), { recursive: true });
  writeFileSync(program, 'a program');
  writeFileSync(`${program}.sha256`, createHash('sha256').update('a program').digest('hex'));
  return program;
}
