import {
  deflateSync,
  Inflate,
  strToU8,
  Zip,
  ZipDeflate,
  ZipPassThrough,
  zipSync,
  type Zippable,
} from 'fflate';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { concat, type Bytes } from '../core/bytes.ts';
import { MAX_IMPORT_BYTES, type Imported, type ImportRefusal } from './collected.ts';
import { crc32 } from './crc32.ts';
import { importEntries, importPicked, importZip } from './import.ts';

const zipOf = (content: Zippable): Blob => new Blob([zipSync(content)]);

async function imported(zip: Blob): Promise<Imported> {
  const result = await importZip(zip, { keepTopFolder: true });
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

async function refused(zip: Blob): Promise<ImportRefusal> {
  const result = await importZip(zip);
  if (result.ok) throw new Error('was not refused');
  return result.error;
}

const paths = ({ files }: Imported): string[] => files.map(({ path }) => path);

/** Changes the little-endian number at `offset` of the first header with this signature. */
function patched(zip: Bytes, signature: number, offset: number, value: number, bytes: 2 | 4): Bytes {
  const copy = zip.slice();
  const view = new DataView(copy.buffer);
  for (let at = 0; at + 4 <= copy.length; at++)
    if (view.getUint32(at, true) === signature) {
      if (bytes === 2) view.setUint16(at + offset, value, true);
      else view.setUint32(at + offset, value, true);
      return copy;
    }
  throw new Error('no such header');
}

const CENTRAL = 0x02014b50;

describe('a zip', () => {
  it('gives its files, empty folders, and the name of the folder all was in', async () => {
    const result = await importZip(
      zipOf({ 'pkg/': new Uint8Array(), 'pkg/a b.txt': strToU8('é'), 'pkg/empty/': new Uint8Array() }),
    );
    expect(result).toEqual({
      ok: true,
      value: {
        files: [{ path: 'a b.txt', bytes: strToU8('é') }],
        folders: ['empty'],
        skipped: [],
        top: 'pkg',
      },
    });
  });

  it('leaves out version control, dependencies, system files and links, and says so', async () => {
    const result = await imported(
      zipOf({
        'a.txt': strToU8('a'),
        '.git/config': strToU8('x'),
        'x/node_modules/y/z.js': strToU8('x'),
        '__MACOSX/._a.txt': strToU8('x'),
        link: [strToU8('/etc/passwd'), { os: 3, attrs: 0o120777 << 16 }],
      }),
    );
    expect(paths(result)).toEqual(['a.txt']);
    expect(result.skipped.map(({ reason, count }) => [reason, count])).toEqual([
      ['version-control', 1],
      ['dependencies', 1],
      ['system-file', 1],
      ['link', 1],
    ]);
  });

  it('written as a stream, with data descriptors, reads the same', async () => {
    const parts: Uint8Array[] = [];
    const zip = new Zip((_, part) => parts.push(part));
    const file = new ZipDeflate('a.txt');
    const raw = new ZipPassThrough('b.bin');
    zip.add(file);
    file.push(strToU8('hello '.repeat(100)));
    file.push(strToU8('end'), true);
    zip.add(raw);
    raw.push(Uint8Array.of(0x50, 0x4b, 7, 8, 0x50, 0x4b, 3, 4), true);
    zip.end();
    const result = await imported(new Blob([concat(...parts)]));
    expect(result.files[1]?.bytes).toEqual(Uint8Array.of(0x50, 0x4b, 7, 8, 0x50, 0x4b, 3, 4));
    expect(result.files[0]?.bytes).toEqual(strToU8('hello '.repeat(100) + 'end'));
  });

  it('of the 64-bit kind, and behind a self-extractor, reads the same', async () => {
    expect(await imported(new Blob([zip64('a.txt', strToU8('wide'))]))).toMatchObject({
      files: [{ path: 'a.txt', bytes: strToU8('wide') }],
    });
    const behind = concat(strToU8('#!/bin/sh\n'), zipSync({ 'a.txt': strToU8('a') }));
    expect(paths(await imported(new Blob([behind])))).toEqual(['a.txt']);
  });

  it.each(['../a', 'a/../../b', '/etc/passwd', 'C:/a', 'a\\b', 'a\u0000b', 'a//b', 'node_modules/../../x'])(
    'with the path %j is refused',
    async (path) => {
      expect(await refused(zipOf({ [path]: strToU8('x') }))).toMatchObject({ kind: 'bad-path' });
    },
  );

  it('keeps the first of two files with one name, or of a file and a folder', async () => {
    const zip = zipSync({ 'a.txt': strToU8('1'), 'b.txt': strToU8('2') }, { level: 0 });
    const twice = Buffer.from(Buffer.from(zip).toString('latin1').replaceAll('b.txt', 'a.txt'), 'latin1');
    const result = await imported(new Blob([twice]));
    expect(result.files[0]).toEqual({ path: 'a.txt', bytes: strToU8('1') });
    expect(result.skipped).toEqual([{ reason: 'duplicate', count: 1, examples: ['a.txt'] }]);
    const nested = await imported(zipOf({ 'a/b': strToU8('1'), a: strToU8('2'), 'a/b/c': strToU8('3') }));
    expect(paths(nested)).toEqual(['a/b']);
    expect(nested.skipped[0]?.examples).toEqual(['a', 'a/b/c']);
  });

  it('that is a bomb is stopped, whether it says its size or lies', async () => {
    const zeros = zipSync({ 'a.bin': new Uint8Array(MAX_IMPORT_BYTES + 1) }, { level: 1 });
    expect((await refused(new Blob([zeros]))).kind).toBe('zip-bomb');
    const lying = patched(zeros, CENTRAL, 24, 1_000, 4);
    expect(await refused(new Blob([lying]))).toMatchObject({ kind: 'bad-zip', why: 'damaged' });
  });

  it('that says little and inflates without end is left at the first step, not at the end of memory', async () => {
    const steps = vi.spyOn(Inflate.prototype, 'push');
    const zeros = zipSync({ 'a.bin': new Uint8Array(100 * 1024 * 1024) }, { level: 1 });
    const lying = patched(zeros, CENTRAL, 24, 1_000, 4);
    steps.mockClear();
    expect(await refused(new Blob([lying]))).toMatchObject({ kind: 'bad-zip', why: 'damaged' });
    expect(steps).toHaveBeenCalledTimes(1);
    steps.mockRestore();
  });

  it('that is too large is refused, and one of exactly the limit is not', async () => {
    const noise = new Uint8Array(MAX_IMPORT_BYTES + 1).map((_, i) => (i * 2654435761) >>> 13);
    expect((await refused(zipOf({ a: [noise, { level: 0 }] }))).kind).toBe('too-large');
    expect(paths(await imported(zipOf({ a: [noise.subarray(1), { level: 0 }] })))).toEqual(['a']);
  });

  it('of too many files is refused', async () => {
    const many = Object.fromEntries(Array.from({ length: 2_001 }, (_, i) => [`f${i}`, new Uint8Array()]));
    expect(await refused(zipOf(many))).toEqual({ kind: 'too-many-files', limit: 2_000 });
  });

  it('that is encrypted, or uses another method, or is damaged, or no zip, is refused for that', async () => {
    const zip = zipSync({ 'a.txt': strToU8('hello hello hello hello') });
    const why = async (bytes: Bytes): Promise<unknown> => {
      const refusal = await refused(new Blob([bytes]));
      return refusal.kind === 'bad-zip' ? refusal.why : refusal;
    };
    expect(await why(patched(zip, CENTRAL, 8, 1, 2))).toBe('encrypted');
    expect(await why(patched(zip, CENTRAL, 10, 14, 2))).toBe('unsupported-method');
    expect(await why(patched(zip, CENTRAL, 16, 0, 4))).toBe('damaged');
    expect(await why(zip.slice(0, -10))).toBe('truncated');
    expect(await why(zip.slice(20))).toBe('truncated');
    expect(await why(strToU8('not a zip at all, only some text'))).toBe('not-a-zip');
    expect(await why(new Uint8Array())).toBe('not-a-zip');
  });

  it('never throws, whatever the bytes are', async () => {
    const valid = zipSync({ 'a.txt': strToU8('hello'), 'b/c.bin': new Uint8Array(3_000) });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }),
          // A valid archive with some bytes changed and an end cut off.
          fc
            .tuple(
              fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 6 }),
              fc.nat(valid.length),
            )
            .map(([changes, length]) => {
              const bytes = valid.slice();
              for (const [at, value] of changes) bytes[at] = value;
              return bytes.subarray(0, Math.max(length, valid.length - 3 + (length % 4)));
            }),
        ),
        async (bytes) => {
          const result = await importZip(new Blob([bytes]));
          expect(typeof result.ok).toBe('boolean');
        },
      ),
      { numRuns: 400, seed: 3 },
    );
  });

  it('can be cancelled', async () => {
    const controller = new AbortController();
    const zip = zipOf(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`f${i}`, strToU8('x')])));
    const seen: number[] = [];
    const result = await importZip(zip, {
      signal: controller.signal,
      onProgress: (done) => {
        seen.push(done);
        if (done >= 0.5) controller.abort();
      },
    });
    expect(result).toEqual({ ok: false, error: { kind: 'cancelled' } });
    expect(Math.max(...seen)).toBe(0.5);
  });
});

describe('picked files', () => {
  const file = (path: string, content: string): File =>
    Object.defineProperty(new File([content], path.split('/').at(-1) ?? ''), 'webkitRelativePath', {
      value: path,
    });

  it('of a folder come in without it, in NFC', async () => {
    const result = await importPicked([
      file('proj/cafe\u0301.txt', 'a'),
      file('proj/node_modules/x.js', 'b'),
    ]);
    expect(result).toMatchObject({
      ok: true,
      value: {
        top: 'proj',
        files: [{ path: 'caf\u00e9.txt', bytes: strToU8('a') }],
        skipped: [{ reason: 'dependencies', count: 1 }],
      },
    });
  });

  it('that are one zip are unpacked', async () => {
    const zip = new File([zipSync({ 'a.txt': strToU8('a') })], 'x.ZIP');
    expect(await importPicked([zip])).toMatchObject({ ok: true, value: { files: [{ path: 'a.txt' }] } });
  });

  it('that can no longer be read are refused by name', async () => {
    const gone = Object.assign(file('proj/a', 'x'), { arrayBuffer: () => Promise.reject(new Error('gone')) });
    expect(await importPicked([gone])).toEqual({ ok: false, error: { kind: 'unreadable', path: 'proj/a' } });
  });
});

describe('a drop', () => {
  type Tree = { readonly [name: string]: string | Tree };

  function entry(name: string, content: string | Tree): FileSystemEntry {
    if (typeof content === 'string')
      return {
        isFile: true,
        isDirectory: false,
        name,
        file: (done: (file: File) => void) => done(new File([content], name)),
      } as unknown as FileSystemEntry;
    const children = Object.entries(content).map(([child, of]) => entry(child, of));
    return {
      isFile: false,
      isDirectory: true,
      name,
      createReader: () => ({
        // As Chromium: a hundred at a time, then an empty list.
        readEntries: (done: (some: FileSystemEntry[]) => void) => done(children.splice(0, 100)),
      }),
    } as unknown as FileSystemEntry;
  }

  it('of folders is walked to the end, dependencies left out', async () => {
    const many = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`f${i}`, 'x']));
    const proj = { src: many, '.git': { config: 'x' }, empty: {}, 'a.txt': 'a' };
    const result = await importEntries([entry('proj', proj)]);
    expect(result.ok && result.value.files).toHaveLength(251);
    expect(result).toMatchObject({
      value: { top: 'proj', folders: ['empty'], skipped: [{ reason: 'version-control', count: 1 }] },
    });
  });

  it('of one zip is unpacked, of something unreadable refused by name', async () => {
    expect(await importEntries([entry('x.zip', 'no zip')])).toMatchObject({ error: { kind: 'bad-zip' } });
    const gone = { ...entry('a', ''), file: (_: unknown, failed: () => void) => failed() };
    expect(await importEntries([gone as unknown as FileSystemEntry])).toEqual({
      ok: false,
      error: { kind: 'unreadable', path: 'a' },
    });
  });

  it('of files keeps their names', async () => {
    const result = await importEntries([entry('a.txt', 'a'), entry('b.txt', 'b')]);
    expect(result.ok && paths(result.value)).toEqual(['a.txt', 'b.txt']);
  });
});

it('computes the check value of CRC-32', () => {
  expect(crc32(strToU8('123456789'))).toBe(0xcbf43926);
});

/** One entry the way archivers write what may pass 4 GiB: sizes and offsets in extra fields, and a second end record. */
function zip64(name: string, content: Uint8Array): Bytes {
  const data = deflateSync(content);
  const local = new DataView(new ArrayBuffer(30));
  local.setUint32(0, 0x04034b50, true);
  local.setUint16(8, 8, true);
  local.setUint16(26, name.length, true);
  const central = new DataView(new ArrayBuffer(46));
  central.setUint32(0, CENTRAL, true);
  central.setUint16(10, 8, true);
  central.setUint32(16, crc32(content), true);
  for (const at of [20, 24, 42]) central.setUint32(at, 0xffffffff, true);
  central.setUint16(28, name.length, true);
  central.setUint16(30, 28, true);
  const extra = new DataView(new ArrayBuffer(28));
  extra.setUint16(0, 1, true);
  extra.setUint16(2, 24, true);
  extra.setBigUint64(4, BigInt(content.length), true);
  extra.setBigUint64(12, BigInt(data.length), true);
  const offset = 30 + name.length + data.length;
  const size = 46 + name.length + 28;
  const end64 = new DataView(new ArrayBuffer(56));
  end64.setUint32(0, 0x06064b50, true);
  end64.setBigUint64(32, 1n, true);
  end64.setBigUint64(40, BigInt(size), true);
  end64.setBigUint64(48, BigInt(offset), true);
  const locator = new DataView(new ArrayBuffer(20));
  locator.setUint32(0, 0x07064b50, true);
  locator.setBigUint64(8, BigInt(offset + size), true);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  for (const at of [12, 16]) end.setUint32(at, 0xffffffff, true);
  const raw = (view: DataView): Uint8Array => new Uint8Array(view.buffer as ArrayBuffer);
  const headers = [raw(central), strToU8(name), raw(extra), raw(end64), raw(locator), raw(end)];
  return concat(raw(local), strToU8(name), data, ...headers);
}
