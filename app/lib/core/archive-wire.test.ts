import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_SEALED_SEGMENT_BYTES } from '../log/format.ts';
import {
  ARCHIVE_STATEMENT_BYTES,
  decodeDeletion,
  decodeOwnersClaim,
  decodeOwnersKept,
  decodeRegistration,
  deletionMessage,
  encodeDeletion,
  encodeOwnersClaim,
  encodeRegistration,
  registrationMessage,
} from './archive-statement.ts';
import {
  ARCHIVE_BATCH_BODY_BYTES,
  ARCHIVE_BATCH_BYTES,
  ARCHIVE_BATCH_SEGMENTS,
  ARCHIVE_BLOB_BYTES,
  ARCHIVE_PAGE_SEGMENTS,
  ARCHIVE_REFUSALS,
  ARCHIVE_SEGMENT_BYTES,
  archiveSegmentsPath,
  decodeAppended,
  decodeBatch,
  decodeDeleted,
  decodePage,
  decodeRefusal,
  decodeStatus,
  encodeAppended,
  encodeBatch,
  encodeDeleted,
  encodePageHead,
  encodeRefusal,
  encodeStatus,
  segmentLength,
  type ArchivePage,
  type ArchiveRefusalReason,
} from './archive-wire.ts';
import { concat, toHex, utf8, type Bytes } from './bytes.ts';

const bytesOf = (minLength: number, maxLength: number): fc.Arbitrary<Bytes> =>
  fc.uint8Array({ minLength, maxLength }).map((bytes) => Uint8Array.from(bytes));
const u32 = fc.nat(2 ** 32 - 1);
const count = fc.maxSafeNat();
const registration = fc.record({
  ownerPublicKey: bytesOf(32, 32),
  counter: u32,
  epoch: u32,
  readKeyHash: bytesOf(32, 32),
  editKeyHash: bytesOf(32, 32),
  commentKeyHash: bytesOf(32, 32),
  blob: bytesOf(0, 300),
});
const deletion = fc.record({ ownerPublicKey: bytesOf(32, 32), counter: u32, instance: bytesOf(16, 16) });
const segments = fc.array(bytesOf(1, 40), { minLength: 1, maxLength: ARCHIVE_BATCH_SEGMENTS });
const status = fc.record({
  instance: bytesOf(16, 16),
  counter: u32,
  epoch: u32,
  segments: count,
  bytes: count,
  quota: count,
  cursor: count,
  blob: bytesOf(0, 300),
});
const appended = fc.record({ stored: u32, known: u32, cursor: count, bytes: count, quota: count });
const page = fc.record({
  instance: bytesOf(16, 16),
  next: count,
  more: fc.boolean(),
  segments: fc.array(bytesOf(1, 40), { minLength: 1, maxLength: 20 }),
});
const deleted = fc.record({ segments: count, bytes: count, purged: fc.boolean() });

const encodePage = (one: ArchivePage): Bytes =>
  concat(
    encodePageHead(one, one.segments.length),
    ...one.segments.flatMap((segment) => [segmentLength(segment.length), segment]),
  );
const DECODERS: Record<string, (bytes: Bytes) => { ok: boolean }> = {
  decodeRegistration,
  decodeDeletion,
  decodeBatch,
  decodePage,
  decodeStatus,
  decodeAppended,
  decodeDeleted,
};

test('ARCH-4, ARCH-12 [seed 4101, 300 runs] statements read back, with what was signed', () => {
  fc.assert(
    fc.property(registration, deletion, bytesOf(64, 64), (made, ending, signature) => {
      const read = decodeRegistration(encodeRegistration(made, signature));
      expect(read).toEqual({
        ok: true,
        value: { statement: made, message: registrationMessage(made), signature },
      });
      const end = decodeDeletion(encodeDeletion(ending, signature));
      expect(end).toEqual({
        ok: true,
        value: { statement: ending, message: deletionMessage(ending), signature },
      });
    }),
    { seed: 4101, numRuns: 300 },
  );
});

test('ARCH-6, ARCH-9, ARCH-11 [seed 4102, 300 runs] bodies and answers read back', () => {
  fc.assert(
    fc.property(segments, status, appended, page, deleted, (a, b, c, d, e) => {
      expect(decodeBatch(encodeBatch(a))).toEqual({ ok: true, value: a });
      expect(decodeStatus(encodeStatus(b))).toEqual({ ok: true, value: b });
      expect(decodeAppended(encodeAppended(c))).toEqual({ ok: true, value: c });
      expect(decodePage(encodePage(d))).toEqual({ ok: true, value: d });
      expect(decodeDeleted(encodeDeleted(e))).toEqual({ ok: true, value: e });
    }),
    { seed: 4102, numRuns: 300 },
  );
});

test('FORM-3 [seed 4103, 600 runs] cut, lengthened or any bytes are refused or read whole, never thrown over', () => {
  const valid = fc.oneof(
    fc.tuple(registration, bytesOf(64, 64)).map(([one, signature]) => encodeRegistration(one, signature)),
    fc.tuple(deletion, bytesOf(64, 64)).map(([one, signature]) => encodeDeletion(one, signature)),
    segments.map(encodeBatch),
    status.map(encodeStatus),
    appended.map(encodeAppended),
    page.map(encodePage),
    deleted.map(encodeDeleted),
  );
  fc.assert(
    fc.property(valid, fc.nat(), fc.nat(255), bytesOf(0, 400), (bytes, at, value, noise) => {
      const [batchLike, i] = [decodeBatch(bytes).ok, at % bytes.length];
      const changed = bytes.slice();
      changed[i] = value;
      for (const decode of Object.values(DECODERS))
        for (const input of [noise, changed, bytes.subarray(0, i), concat(bytes, noise)]) decode(input);
      if (batchLike) {
        expect(decodeBatch(bytes.subarray(0, i)).ok).toBe(false);
        expect(decodeBatch(concat(bytes, Uint8Array.of(0))).ok).toBe(false);
      }
    }),
    { seed: 4103, numRuns: 600 },
  );
});

test('ARCH-6 caps of a batch: 200 segments, 20 MiB for one, 4 MiB for several, none empty', () => {
  const body = (lengths: readonly number[]): Bytes =>
    concat(segmentLength(lengths.length), ...lengths.flatMap((n) => [segmentLength(n), new Uint8Array(n)]));
  const outcome = (bytes: Bytes) => {
    const read = decodeBatch(bytes);
    return read.ok ? read.value.length : read.error.kind;
  };
  const many = (n: number) => Array<number>(n).fill(1);
  expect(outcome(body(many(200)))).toBe(200);
  expect(outcome(body(many(201)))).toBe('too-large');
  expect(outcome(body([]))).toBe('malformed');
  expect(outcome(body([5, 0]))).toBe('malformed');
  expect(outcome(body([ARCHIVE_SEGMENT_BYTES]))).toBe(1);
  expect(body([ARCHIVE_SEGMENT_BYTES]).length).toBe(ARCHIVE_BATCH_BODY_BYTES);
  expect(outcome(body([ARCHIVE_SEGMENT_BYTES + 1]))).toBe('too-large');
  expect(outcome(body([ARCHIVE_BATCH_BYTES - 1, 1]))).toBe(2);
  expect(outcome(body([ARCHIVE_BATCH_BYTES, 1]))).toBe('too-large');
  expect(() => encodeBatch(many(201).map((n) => new Uint8Array(n)))).toThrow(RangeError);
  expect(() => encodeBatch([])).toThrow(RangeError);
});

test('a count or a length that promises more than there is allocates nothing', () => {
  for (const bomb of ['ffffffff', '000000c8ffffffff', '000000c801400000', '00000001'])
    expect(decodeBatch(Uint8Array.from(Buffer.from(bomb, 'hex'))).ok, bomb).toBe(false);
  const head = encodePageHead(
    { instance: new Uint8Array(16), next: 1, more: false },
    ARCHIVE_PAGE_SEGMENTS + 1,
  );
  expect(decodePage(head)).toEqual({ ok: false, error: { kind: 'too-large' } });
});

test('ARCH-4 a blob has at most 4 KiB, another format is not read', () => {
  const statement = {
    ownerPublicKey: new Uint8Array(32),
    counter: 1,
    epoch: 0,
    readKeyHash: new Uint8Array(32),
    editKeyHash: new Uint8Array(32),
    commentKeyHash: new Uint8Array(32),
    blob: new Uint8Array(ARCHIVE_BLOB_BYTES),
  };
  const longest = encodeRegistration(statement, new Uint8Array(64));
  expect(longest.length).toBe(ARCHIVE_STATEMENT_BYTES);
  expect(decodeRegistration(longest).ok).toBe(true);
  const longer = encodeRegistration(
    { ...statement, blob: new Uint8Array(ARCHIVE_BLOB_BYTES + 1) },
    new Uint8Array(64),
  );
  expect(decodeRegistration(longer)).toEqual({ ok: false, error: { kind: 'too-large' } });
  longest[0] = 2;
  expect(decodeRegistration(longest).ok).toBe(false);
  expect(toHex(registrationMessage(statement)).startsWith(toHex(utf8('codeface/archive-register/1\0')))).toBe(
    true,
  );
});

test('ARCH-2, ARCH-6 a segment may be as long as one can be sealed; paths carry no key', () => {
  expect(ARCHIVE_SEGMENT_BYTES).toBe(MAX_SEALED_SEGMENT_BYTES);
  expect(archiveSegmentsPath('room', 12)).toBe('/archive/room/segments?since=12');
});

test('ARCH-3 refusals read back with their own status; what is none of our words means later', () => {
  for (const [reason, code] of Object.entries(ARCHIVE_REFUSALS) as [ArchiveRefusalReason, number][]) {
    expect(decodeRefusal(code, encodeRefusal({ reason }))).toEqual({ reason });
    expect(decodeRefusal(code + 1, encodeRefusal({ reason }))).toEqual({ reason: 'later' });
  }
  expect(decodeRefusal(409, encodeRefusal({ reason: 'old-counter', counter: 7 }))).toEqual({
    reason: 'old-counter',
    counter: 7,
  });
  for (const body of ['', '<html>', 'null', '[]', '{}', '{"reason":1}', '{"reason":"toString"}', '"rate"'])
    for (const code of [200, 400, 403, 413, 502])
      expect(decodeRefusal(code, body)).toEqual({ reason: 'later' });
});

test('ARCH-22 [seed 2201, 500 runs] a claim reads back, and any bytes are one or are refused', () => {
  const claim = fc.record({
    founder: bytesOf(32, 32),
    statements: fc.array(bytesOf(0, 434), { maxLength: 6 }),
  });
  fc.assert(
    fc.property(claim, bytesOf(0, 200), fc.nat(), (made, noise, at) => {
      const bytes = encodeOwnersClaim(made);
      expect(decodeOwnersClaim(bytes)).toEqual({ ok: true, value: made });
      expect(decodeOwnersKept(bytes.slice(32))).toEqual({ ok: true, value: made.statements });
      for (const other of [
        noise,
        bytes.slice(0, at % bytes.length),
        bytes.with(at % bytes.length, at % 256),
      ]) {
        const read = decodeOwnersClaim(other);
        if (read.ok) expect(encodeOwnersClaim(read.value)).toEqual(other);
      }
    }),
    { seed: 2201, numRuns: 500 },
  );
  const of = (count: number, length: number) =>
    decodeOwnersClaim(
      encodeOwnersClaim({
        founder: new Uint8Array(32),
        statements: Array.from({ length: count }, () => new Uint8Array(length)),
      }),
    );
  expect([of(64, 434).ok, of(65, 434), of(1, 435)]).toEqual([
    true,
    { ok: false, error: { kind: 'malformed' } },
    { ok: false, error: { kind: 'too-large' } },
  ]);
});
