import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { concat, utf8, type Bytes } from '../core/bytes.ts';
import type { RoomId } from '../core/ids.ts';
import {
  checkRoomFile,
  encodeRoomFile,
  readRoomFileHead,
  roomFileSegments,
  ROOM_FILE_VERSION,
} from './room-file.ts';
import { MAX_SEALED_SEGMENT_BYTES } from './format.ts';
import { testRoom, type TestRoom } from './test-room.ts';

const SEED = 3201;
/** magic ‖ version ‖ room id ‖ length ‖ genesis statement */
const HEAD_BYTES = 14 + 1 + 52 + 4 + 197;
/** zero ‖ count ‖ hash ‖ end mark */
const END_BYTES = 4 + 4 + 32 + 8;

let room: TestRoom;
beforeAll(async () => {
  room = await testRoom();
});

async function write(batches: readonly (readonly Bytes[])[], head?: { genesis: Bytes }): Promise<Bytes> {
  const { genesis } = room;
  const given = async function* (): AsyncGenerator<readonly Bytes[]> {
    yield* batches;
  };
  const parts: Bytes[] = [];
  const start = { roomId: genesis.roomId, genesis: genesis.bytes, ...head };
  for await (const part of encodeRoomFile(start, given())) parts.push(part);
  return concat(...parts);
}

async function read(bytes: Bytes): Promise<Bytes[]> {
  const found: Bytes[] = [];
  for await (const { sealed, offset } of roomFileSegments(new Blob([bytes]))) {
    expect(bytes.subarray(offset, offset + sealed.length)).toEqual(sealed);
    // A view would take its whole window along into IndexedDB.
    expect(sealed.buffer.byteLength).toBe(sealed.length);
    found.push(sealed);
  }
  return found;
}

const check = (bytes: Bytes) => checkRoomFile(new Blob([bytes]));
const problemOf = async (bytes: Bytes): Promise<string> => {
  const checked = await check(bytes);
  return checked.ok ? 'none' : checked.error.kind;
};
const anySegment = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Uint8Array.from(bytes));

test(`ROOM-1 [seed ${SEED}, 200 runs] what is written is read again, in its order, however it came in batches`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(anySegment, { maxLength: 6 }), { maxLength: 6 }), async (batches) => {
      const bytes = await write(batches);
      expect(bytes.length).toBe(
        HEAD_BYTES + END_BYTES + batches.flat().reduce((sum, { length }) => sum + 4 + length, 0),
      );
      expect(await check(bytes)).toMatchObject({
        ok: true,
        value: { segments: batches.flat().length, genesis: { roomId: room.genesis.roomId } },
      });
      expect(await read(bytes)).toEqual(batches.flat());
    }),
    { seed: SEED, numRuns: 200 },
  );
});

test('ROOM-1 the bytes are those of the page', async () => {
  const { genesis } = room;
  const bytes = await write([[Uint8Array.of(7, 8)]]);
  const head = concat(
    utf8('codeface/room\0'),
    Uint8Array.of(ROOM_FILE_VERSION),
    utf8(genesis.roomId),
    Uint8Array.of(0, 0, 0, genesis.bytes.length),
    genesis.bytes,
  );
  const body = concat(head, Uint8Array.of(0, 0, 0, 2, 7, 8), Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1));
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', body));
  expect(bytes).toEqual(concat(body, hash, utf8('room-end')));
});

/** A file whose hash is right, whatever stands in it. */
function forge(body: Bytes): Bytes {
  return concat(body, sha256(body), utf8('room-end'));
}

describe('ROOM-4 what is not whole is named', () => {
  const whole = (): Promise<Bytes> =>
    write([[new Uint8Array(300).fill(1), new Uint8Array(3)], [new Uint8Array(9)]]);

  it('with any bit flipped: damaged, but for the magic and the version', async () => {
    const bytes = await whole();
    for (let at = 0; at < bytes.length; at++)
      for (const bit of [1, 128]) {
        const flipped = bytes.slice();
        flipped[at] = (flipped[at] ?? 0) ^ bit;
        const expected = at < 14 ? 'not-a-room-file' : at === 14 ? 'other-version' : 'damaged';
        expect(await problemOf(flipped), `byte ${at}, bit ${bit}`).toBe(expected);
      }
  });

  it('cut anywhere: truncated', async () => {
    const bytes = await whole();
    for (let end = 0; end < bytes.length; end++)
      expect(await problemOf(bytes.subarray(0, end)), `${end} of ${bytes.length} bytes`).toBe('truncated');
  });

  it('with bytes behind its end, or a piece missing inside: damaged', async () => {
    const bytes = await whole();
    expect(await problemOf(concat(bytes, Uint8Array.of(0)))).toBe('damaged');
    expect(await problemOf(concat(bytes, bytes))).toBe('damaged');
    expect(await problemOf(concat(bytes.subarray(0, HEAD_BYTES), bytes.subarray(HEAD_BYTES + 50)))).toBe(
      'damaged',
    );
  });

  it('with a count that is not theirs, and a hash that is: damaged', async () => {
    const bytes = await whole();
    const body = bytes.slice(0, -40);
    expect(await problemOf(forge(body))).toBe('none');
    for (const count of [0, 2, 4, 0xffffffff]) {
      new DataView(body.buffer).setUint32(body.length - 4, count);
      expect(await problemOf(forge(body))).toBe('damaged');
    }
  });

  it('of another version, or something else entirely', async () => {
    const bytes = await whole();
    bytes[14] = ROOM_FILE_VERSION + 1;
    expect(await check(bytes)).toEqual({ ok: false, error: { kind: 'other-version', version: 2 } });
    expect(await problemOf(utf8('PK\u0003\u0004 a zip, perhaps'))).toBe('not-a-room-file');
  });

  it('that the browser can’t read: unreadable', async () => {
    const gone = new Blob([await whole()]);
    gone.slice = () => {
      throw new DOMException('', 'NotReadableError');
    };
    expect(await checkRoomFile(gone)).toEqual({ ok: false, error: { kind: 'unreadable' } });
    expect((await readRoomFileHead(gone)).ok).toBe(false);
  });
});

describe('ROOM-3 caps', () => {
  it('a genesis statement of another room, or of a wrong length, is damage', async () => {
    const other = await testRoom();
    expect(await problemOf(await write([], { genesis: other.genesis.bytes }))).toBe('damaged');
    expect(await problemOf(await write([], { genesis: new Uint8Array(513) }))).toBe('damaged');
    expect(await problemOf(await write([], { genesis: new Uint8Array(0) }))).toBe('damaged');
  });

  it('a room id that is none is damage', async () => {
    const given = async function* (): AsyncGenerator<readonly Bytes[]> {
      yield [];
    };
    const parts: Bytes[] = [];
    const head = { roomId: 'A'.repeat(52) as RoomId, genesis: room.genesis.bytes };
    for await (const part of encodeRoomFile(head, given())) parts.push(part);
    const bytes = concat(...parts);
    expect(await problemOf(bytes)).toBe('damaged');
    expect(await readRoomFileHead(new Blob([bytes]))).toMatchObject({
      ok: false,
      error: { kind: 'damaged' },
    });
  });

  it('no segment is written, or read, that is larger than any is', async () => {
    await expect(write([[new Uint8Array()]])).rejects.toThrow(RangeError);
    await expect(write([[new Uint8Array(MAX_SEALED_SEGMENT_BYTES + 1)]])).rejects.toThrow(RangeError);
    const largest = await write([[new Uint8Array(MAX_SEALED_SEGMENT_BYTES)]]);
    expect(await problemOf(largest)).toBe('none');
    const body = concat(
      largest.subarray(0, HEAD_BYTES + 4),
      Uint8Array.of(0),
      largest.subarray(HEAD_BYTES + 4, -40),
    );
    new DataView(body.buffer).setUint32(HEAD_BYTES, MAX_SEALED_SEGMENT_BYTES + 1);
    expect(await problemOf(forge(body))).toBe('damaged');
  });

  it('too-large: a file above 2 GiB is not read', async () => {
    const large = new Blob([]);
    Object.defineProperty(large, 'size', { value: 2 ** 31 + 1 });
    expect(await checkRoomFile(large)).toEqual({
      ok: false,
      error: { kind: 'too-large', limitBytes: 2 ** 31 },
    });
  });
});

test('ROOM-5 a huge length or count costs nothing: reading goes in windows of 1 MiB', async () => {
  const bytes = await write([[new Uint8Array(5)]]);
  const asked: number[] = [];
  for (const [at, value] of [
    [HEAD_BYTES, 0xffffffff],
    [HEAD_BYTES, MAX_SEALED_SEGMENT_BYTES],
    [bytes.length - END_BYTES + 4, 0xffffffff],
  ] as const) {
    const forged = bytes.slice();
    new DataView(forged.buffer).setUint32(at, value);
    const file = new Blob([forged]);
    const slice = file.slice.bind(file);
    file.slice = (from = 0, to = 0) => {
      asked.push(to - from);
      return slice(from, to);
    };
    expect((await checkRoomFile(file)).ok).toBe(false);
  }
  expect(Math.max(...asked)).toBe(1024 * 1024);
});

test(`ROOM-4 [seed ${SEED}, 1,000 runs] noise, in place of a file or inside one, is refused and never thrown`, async () => {
  const bytes = await write([[new Uint8Array(100)], [new Uint8Array(40)]]);
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 500 }).map((noise) => Uint8Array.from(noise)),
    fc.uint8Array({ maxLength: 300 }).map((noise) => concat(bytes.subarray(0, 15), noise)),
    fc
      .tuple(fc.nat(bytes.length), fc.nat(60), fc.uint8Array({ maxLength: 60 }))
      .map(([at, less, noise]) => concat(bytes.subarray(0, at), noise, bytes.subarray(at + less))),
  );
  await fc.assert(
    fc.asyncProperty(noise, async (given) => {
      const same = given.length === bytes.length && given.every((byte, i) => byte === bytes[i]);
      expect((await check(given)).ok).toBe(same);
      await readRoomFileHead(new Blob([given]));
      for (const segment of await read(given)) expect(segment.length).toBeGreaterThan(0);
    }),
    { seed: SEED, numRuns: 1000 },
  );
});
