import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { packTar } from 'modern-tar';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bringSamples, sampleFiles, type Sample } from './sample-projects.ts';

let cache: string;
beforeEach(() => (cache = mkdtempSync(join(tmpdir(), 'codeface-samples-'))));
afterEach(() => rmSync(cache, { recursive: true, force: true }));

async function archiveOf(files: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const entries = Object.entries(files).map(([name, body]) => ({
    header: { name, size: Buffer.byteLength(body), type: 'file' as const },
    body,
  }));
  return gzipSync(await packTar(entries));
}

function sampleOf(archive: Uint8Array, fetch: Sample['fetch'] = () => Promise.resolve(archive)): Sample {
  const sha256 = createHash('sha256').update(archive).digest('hex');
  return { name: 'pkg', version: '1.0', sha256, fetch };
}

const nobody = (): Promise<never> => Promise.reject(new Error('no network'));
const quiet = (): void => undefined;

test('a fetched archive gives its files, empty ones and long names too, without its top folder', async () => {
  const deep = `${'a'.repeat(90)}/${'b'.repeat(90)}.py`;
  const archive = await archiveOf({
    'pkg-1.0/README': 'é\r\n',
    'pkg-1.0/py.typed': '',
    [`pkg-1.0/${deep}`]: 'x',
  });
  await bringSamples(quiet, [sampleOf(archive)], cache);
  const files = await sampleFiles(sampleOf(archive), cache);
  expect(files.ok && [...files.value].map(([path, bytes]) => [path, Buffer.from(bytes).toString()])).toEqual([
    ['README', 'é\r\n'],
    ['py.typed', ''],
    [deep, 'x'],
  ]);
});

test('what is in the cache is not fetched again, and is enough without a network', async () => {
  const archive = await archiveOf({ 'pkg/a': 'a' });
  await bringSamples(quiet, [sampleOf(archive)], cache);
  const said: string[] = [];
  await bringSamples((line) => said.push(line), [sampleOf(archive, nobody)], cache);
  expect(said).toEqual([]);
  expect((await sampleFiles(sampleOf(archive, nobody), cache)).ok).toBe(true);
});

test('without a network the reason is said, and asking for the files gives a reason to skip', async () => {
  const sample = sampleOf(await archiveOf({ 'pkg/a': 'a' }), nobody);
  const said: string[] = [];
  await bringSamples((line) => said.push(line), [sample], cache);
  expect(said).toEqual(['Sample project pkg 1.0: none (no network)']);
  expect(await sampleFiles(sample, cache)).toMatchObject({
    error: { why: 'pkg 1.0 is not in the cache; npm test fetches it' },
  });
});

test('an archive that is not the checked one is not kept', async () => {
  const archive = await archiveOf({ 'pkg/a': 'a' });
  const other = await archiveOf({ 'pkg/a': 'b' });
  const said: string[] = [];
  await bringSamples((line) => said.push(line), [sampleOf(archive, () => Promise.resolve(other))], cache);
  expect(said[0]).toContain('not the checked archive');
  expect(readdirSync(cache)).toEqual([]);
});

test('an archive that was damaged in the cache is fetched again', async () => {
  const sample = sampleOf(await archiveOf({ 'pkg/a': 'a' }));
  writeFileSync(join(cache, 'pkg-1.0.tar.gz'), 'half of it');
  expect((await sampleFiles(sample, cache)).ok).toBe(false);
  await bringSamples(quiet, [sample], cache);
  expect((await sampleFiles(sample, cache)).ok).toBe(true);
});

test.each(['pkg/../../a', '/a', 'pkg//a'])(
  'a file that would leave its folder, %s, is refused',
  async (name) => {
    const sample = sampleOf(await archiveOf({ [name]: 'a' }));
    await bringSamples(quiet, [sample], cache);
    await expect(sampleFiles(sample, cache)).rejects.toThrow();
  },
);
