import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { concat, utf8, type Bytes } from '../app/lib/core/bytes.ts';
import { formatLink } from '../app/lib/crypto/links.ts';
import type { SeedKind } from '../app/lib/crypto/room-keys.ts';
import { encodeRoomFile } from '../app/lib/log/room-file.ts';
import { Author, Forge, rawUpdate, stateHash, testRoom, type TestRoom } from '../app/lib/log/test-room.ts';
import { noVerdictWords, verdictLines } from './verify-room-words.ts';
import { verdictOf, type RoomVerdict } from './verify-room-verdict.ts';

const folder = mkdtempSync(join(tmpdir(), 'codeface-verify-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let room: TestRoom;
let author: Author;
let talk: Bytes[];
let bytes: Bytes;
beforeAll(async () => {
  room = await testRoom();
  author = new Author(room, await room.newSession());
  await author.edit((text) => text.insert(0, 'one'), Date.UTC(2026, 0, 2));
  await author.edit((text) => text.insert(0, 'two'), Date.UTC(2026, 0, 3));
  // The second claims to be before the first, and is told after it (LOG-11).
  talk = [await post('hello', Date.UTC(2026, 0, 1)), await post('hello?', Date.UTC(2025, 5, 1))];
  bytes = await fileOf([...author.sealed, ...talk]);
});

async function post(message: string, time: number): Promise<Bytes> {
  const posted = await author.log.append(author.session, 'talk', utf8(message), time);
  if (!posted.ok) throw new Error(posted.error.code);
  return posted.value.sealed;
}

async function fileOf(segments: readonly Bytes[], genesis = room.genesis): Promise<Bytes> {
  const batches = async function* (): AsyncGenerator<readonly Bytes[]> {
    yield segments;
  };
  const parts: Bytes[] = [];
  for await (const part of encodeRoomFile({ roomId: room.genesis.roomId, genesis: genesis.bytes }, batches()))
    parts.push(part);
  return concat(...parts);
}

function linkOf(seedKind: SeedKind = 'e'): string {
  const { roomId, seeds } = room.keys;
  return formatLink({ roomId, seedKind, epoch: 0, seed: seeds[seedKind] ?? seeds.v });
}

async function verdict(file: Bytes, link = linkOf()): Promise<RoomVerdict> {
  const found = await verdictOf(new Blob([file]), link);
  if (!found.ok) throw new Error(noVerdictWords(found.error));
  return found.value;
}

async function noVerdict(file: Bytes, link = linkOf()): Promise<string> {
  const found = await verdictOf(new Blob([file]), link);
  return found.ok ? 'a verdict' : found.error.kind;
}

describe('ROOM-8 a verdict', () => {
  test('on a whole room: who wrote what and when, as they claim, and the state of the project', async () => {
    for (const link of [linkOf('e'), linkOf('c'), linkOf('v')]) {
      const found = await verdict(bytes, link);
      expect(found).toMatchObject({
        verified: true,
        damage: undefined,
        segments: 4,
        repeated: 0,
        entries: { project: 2, talk: 2, runs: 0 },
        leftOut: [],
        forks: [],
        stateHash: stateHash(author.doc),
      });
      expect(found.sessions).toEqual([
        {
          id: author.session.id,
          epoch: 0,
          role: 'editor',
          device: author.session.device,
          issuer: 'edit link',
          from: Date.UTC(2025, 5, 1),
          to: Date.UTC(2026, 0, 3),
          entries: 4,
        },
      ]);
      const words = verdictLines(found).join('\n');
      for (const said of [
        room.genesis.roomId,
        author.session.id,
        stateHash(author.doc),
        '2025-06-01',
        'every holder of the edit link',
      ])
        expect(words).toContain(said);
      expect(words).toMatch(/\nVERIFIED: [^\n]*$/);
    }
  });

  test('on what is repeated: verified all the same', async () => {
    expect(await verdict(await fileOf([...talk, ...author.sealed, ...talk, ...author.sealed]))).toMatchObject(
      {
        verified: true,
        segments: 8,
        repeated: 4,
      },
    );
  });

  test('names a flip in any byte of the file', async () => {
    for (let at = 0; at < bytes.length; at += 7) {
      const flipped = bytes.slice();
      flipped[at] = (flipped[at] ?? 0) ^ 4;
      const found = await verdictOf(new Blob([flipped]), linkOf());
      if (found.ok) {
        expect(found.value.verified, `byte ${at}`).toBe(false);
        expect(verdictLines(found.value).join('\n')).toContain('the file is damaged');
      } else expect(noVerdictWords(found.error), `byte ${at}`).toMatch(/^NOT VERIFIED: /);
    }
  });

  test('says which segment a flip is in, and folds the others', async () => {
    const flipped = bytes.slice();
    const at = bytes.length - 48 - 10;
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    const found = await verdict(flipped);
    expect(found).toMatchObject({
      verified: false,
      damage: { kind: 'damaged' },
      entries: { project: 2, talk: 1 },
    });
    expect(found.leftOut).toMatchObject([{ index: 3, code: 'not-ours' }]);
  });

  test('on a file that was damaged before it was written: whole, and not verified', async () => {
    const broken = talk[0]?.slice() ?? new Uint8Array();
    broken[50] = (broken[50] ?? 0) ^ 1;
    const found = await verdict(await fileOf([...author.sealed, broken]));
    expect(found).toMatchObject({
      verified: false,
      damage: undefined,
      leftOut: [{ index: 2, code: 'not-ours' }],
    });
  });

  test('on an entry that nobody could write, one that lacks what it follows, and a fork', async () => {
    const liar = await room.newSession();
    const foreign = new Forge(room, liar).add(rawUpdate(liar.clientId + 1, 0, [{}]));
    const late = new Forge(room, await room.newSession(), 'runs').add(utf8('1')).add(utf8('2'));
    const twice = await room.newSession();
    const branch = (word: string) => new Forge(room, twice, 'talk').add(utf8(word)).segment(1, 1);
    const found = await verdict(
      await fileOf([
        await foreign.segment(1, 1),
        await late.segment(2, 2),
        await branch('a'),
        await branch('b'),
      ]),
    );
    expect(found.verified).toBe(false);
    expect(found.leftOut.map(({ index, code }) => [index, code])).toEqual([
      [0, 'foreign-struct'],
      [1, 'missing-before'],
    ]);
    // Both are in, and told as one session's.
    expect(found.forks).toEqual([{ session: twice.id, channel: 'talk', seq: 1 }]);
    expect(found.entries.talk).toBe(2);
    expect(found.sessions.map(({ id, entries }) => [id, entries])).toEqual([[twice.id, 2]]);
    const words = verdictLines(found).join('\n');
    for (const said of [
      'segment 0',
      'foreign-struct',
      'missing-before',
      `${twice.id} signed more than one entry 1 in talk`,
      'NOT VERIFIED',
    ])
      expect(words).toContain(said);
  });

  test('is refused for another room’s link, another key, a cut link, a foreign statement', async () => {
    const other = await testRoom();
    const otherSeed = other.keys.seeds.e ?? other.keys.seeds.v;
    const roomId = other.genesis.roomId;
    expect(await noVerdict(bytes, formatLink({ roomId, seedKind: 'e', epoch: 0, seed: otherSeed }))).toBe(
      'other-room',
    );
    expect(
      await noVerdict(
        bytes,
        formatLink({ roomId: room.genesis.roomId, seedKind: 'e', epoch: 0, seed: otherSeed }),
      ),
    ).toBe('wrong-key');
    expect(await noVerdict(bytes, linkOf().slice(0, -1))).toBe('link');
    expect(await noVerdict(await fileOf([], other.genesis))).toBe('genesis');
    expect(await noVerdict(utf8('something else'))).toBe('file');
  });
});

describe('ROOM-8 the command', () => {
  const script = join(import.meta.dirname, 'verify-room.ts');
  async function run(args: readonly string[], input = ''): Promise<{ code: number | null; out: string }> {
    const child = spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    let out = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => (out += data.toString()));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    return { code, out };
  }
  const written = (name: string, content: Bytes): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };

  test('exits 0 for what is verified, with the link as an argument or on stdin, and for nothing else', async () => {
    const whole = written('whole.codeface', bytes);
    const cut = written('cut.codeface', bytes.subarray(0, -1));
    const runs = await Promise.all([
      run([whole, linkOf()]),
      run([whole], `${linkOf()}\n`),
      run([cut, linkOf()]),
      run([whole]),
      run([join(folder, 'none'), linkOf()]),
    ]);
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 1, 2, 2]);
    expect(runs[0]?.out).toContain('VERIFIED: the file is whole');
    expect(runs[2]?.out).toContain('truncated');
  }, 30_000);
});
