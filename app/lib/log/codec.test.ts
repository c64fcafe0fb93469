/** Every codec: what is written reads back, and no bytes make it throw, hang or answer with something unbounded. */
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createEncoder, toUint8Array, writeVarInt, writeVarUint } from 'lib0/encoding';
import * as Y from 'yjs';
import { concat, utf8, type Bytes } from '../core/bytes.ts';
import type { SessionId } from '../core/ids.ts';
import { SEAL_KINDS, type SealKind } from '../crypto/room-keys.ts';
import { ByteReader, parse } from '../core/byte-reader.ts';
import { decodeChains } from './chain-export.ts';
import { decodeHeads, encodeHeads } from './entry.ts';
import { CHANNELS } from './format.ts';
import { decodeFrontier, encodeFrontier } from './frontier.ts';
import { openSealed, seal, SEAL_CAPS, withEpoch } from './seal.ts';
import { decodeSegment, encodeSegment } from './segment.ts';
import { checkUpdate } from './struct-check.ts';
import { isPending, testRoom, type TestRoom } from './test-room.ts';

vi.setConfig({ testTimeout: 30_000 });
let room: TestRoom;
beforeAll(async () => {
  room = await testRoom();
});

const bytes = (constraints: fc.IntArrayConstraints): fc.Arbitrary<Bytes> =>
  fc.uint8Array(constraints).map((values) => Uint8Array.from(values));
const exactly = (length: number) => bytes({ minLength: length, maxLength: length });

test('FORM-1 [seed 3110, 1000 runs] numbers are lib0 numbers, in one encoding each', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.maxSafeInteger(), (natural, integer) => {
      const encoder = createEncoder();
      writeVarUint(encoder, natural);
      writeVarInt(encoder, Object.is(integer, -0) ? 0 : integer);
      const read = parse(toUint8Array(encoder), (reader) => [reader.varUint(), reader.varInt()]);
      expect(read).toEqual({ ok: true, value: [natural, Object.is(integer, -0) ? 0 : integer] });
    }),
    { seed: 3110, numRuns: 1000 },
  );
  for (const bad of [[0x80, 0], [0x81, 0x80, 0], [255, 255, 255, 255, 255, 255, 255, 255, 1], [0x80]])
    expect(parse(Uint8Array.from(bad), (reader) => reader.varUint()).ok).toBe(false);
  for (const bad of [[0x40], [0x80, 0], [0x81]])
    expect(parse(Uint8Array.from(bad), (reader) => reader.varInt()).ok).toBe(false);
  expect(() => new ByteReader(new Uint8Array()).u8()).toThrow();
});

const entry = fc.record({
  time: fc.maxSafeNat(),
  heads: bytes({ maxLength: 40 }),
  payload: bytes({ maxLength: 80 }),
});
const segment = fc
  .record({
    publicKey: exactly(32),
    channel: fc.constantFrom(...CHANNELS),
    first: fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 2 ** 40 })),
    start: exactly(32),
    entries: fc.array(entry, { minLength: 1, maxLength: 6 }),
    signature: exactly(64),
  })
  .map(({ start, ...rest }) => ({
    ...rest,
    ...(rest.first === 1 ? { certificate: start } : { before: start }),
  }));

test('LOG-6 [seed 3111, 300 runs] a segment reads back as it was written', () => {
  fc.assert(
    fc.property(segment, (one) => {
      const read = decodeSegment(encodeSegment(one));
      expect(read).toMatchObject({ ok: true, value: one });
    }),
    { seed: 3111, numRuns: 300 },
  );
});

test('LOG-6 [seed 3112, 2000 runs] changed and random bytes are read or refused, and read the same again', () => {
  fc.assert(
    fc.property(
      segment,
      fc.nat(),
      fc.nat(255),
      fc.nat(),
      bytes({ maxLength: 300 }),
      (one, at, to, length, noise) => {
        const good = encodeSegment(one);
        const changed = good
          .map((byte, i) => (i === at % good.length ? to : byte))
          .slice(0, length % 3 ? undefined : length % good.length);
        for (const input of [changed, noise]) {
          const read = decodeSegment(input);
          if (read.ok) expect(encodeSegment(read.value)).toEqual(input);
        }
      },
    ),
    { seed: 3112, numRuns: 2000 },
  );
});

test('LOG-7 a large entry with company, 501 entries, none, and seq 0 are refused', () => {
  const base = {
    publicKey: new Uint8Array(32),
    channel: 'talk' as const,
    first: 2,
    before: new Uint8Array(32),
    signature: new Uint8Array(64),
  };
  const small = { time: 1, heads: new Uint8Array(), payload: new Uint8Array(1) };
  const large = { ...small, payload: new Uint8Array(1024 * 1024 + 1) };
  const ok = (entries: (typeof small)[], first = 2) =>
    decodeSegment(encodeSegment({ ...base, first, entries })).ok;
  expect(ok([large])).toBe(true);
  expect(ok([large, small])).toBe(false);
  expect(ok(Array.from({ length: 500 }, () => small))).toBe(true);
  expect(ok(Array.from({ length: 501 }, () => small))).toBe(false);
  expect(ok([])).toBe(false);
  expect(ok([small], 0)).toBe(false);
  expect(ok([{ ...small, time: -1 }])).toBe(false);
});

test('LOG-10, LOG-4 [seed 3113, 500 runs] frontiers and heads', () => {
  const row = fc.record({
    session: fc.stringMatching(/^[0-9a-f]{64}$/).map((hex) => hex as SessionId),
    channel: fc.constantFrom(...CHANNELS),
    seq: fc.integer({ min: 1 }),
    hash: exactly(32),
  });
  fc.assert(
    fc.property(
      fc.array(row),
      fc.array(fc.record({ seq: fc.maxSafeNat(), hash: exactly(16) })),
      bytes({ maxLength: 200 }),
      (rows, heads, noise) => {
        expect(decodeFrontier(encodeFrontier(rows))).toEqual({ ok: true, value: rows });
        expect(decodeHeads(encodeHeads(heads))).toEqual({ ok: true, value: heads });
        decodeFrontier(noise);
        decodeHeads(noise);
        decodeChains(noise);
      },
    ),
    { seed: 3113, numRuns: 500 },
  );
  expect(decodeFrontier(Uint8Array.of(255, 255, 255, 127)).ok).toBe(false);
});

test('SEAL-1, SEAL-5 [seed 3114, 60 runs] any body of any kind opens again, and equal bodies seal to equal bytes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...SEAL_KINDS), bytes({ maxLength: 3000 }), async (kind, body) => {
      const sealed = await seal(room.keys, kind, body);
      expect(await openSealed(room.keys, kind, sealed)).toEqual({ ok: true, value: body });
      expect(await openSealed(room.viewKeys, kind, sealed)).toEqual({ ok: true, value: body });
      expect(await seal(room.viewKeys, kind, body)).toEqual(sealed);
      for (const other of SEAL_KINDS)
        if (other !== kind) expect((await openSealed(room.keys, other, sealed)).ok).toBe(false);
    }),
    { seed: 3114, numRuns: 60 },
  );
});

test('SEAL-4 small records show no exact size; large and repetitive ones shrink', async () => {
  const size = async (length: number) => (await seal(room.keys, 'segment', new Uint8Array(length))).length;
  expect(new Set(await Promise.all([1, 20, 200, 251].map(size)))).toEqual(new Set([256 + 34]));
  expect(await size(252)).toBe(512 + 34);
  expect(await size(100_000)).toBeLessThan(1000);
  await expect(seal(room.keys, 'presence', new Uint8Array(SEAL_CAPS.presence.body + 1))).rejects.toThrow(
    RangeError,
  );
});

describe('SEAL-3 what inflates past its cap is refused, and inflating stops there', () => {
  /** As many bytes as were inflated, of whatever was opened since. */
  let inflated = 0;
  const Inflating = globalThis.DecompressionStream;
  beforeEach(() => {
    inflated = 0;
    globalThis.DecompressionStream = class extends Inflating {
      constructor(format: CompressionFormat) {
        super(format);
        const reader = this.readable.getReader();
        const counted = new ReadableStream<Uint8Array<ArrayBuffer>>(
          {
            async pull(controller) {
              const { done, value } = await reader.read();
              if (done) return controller.close();
              inflated += value.length;
              controller.enqueue(value);
            },
            cancel: () => reader.cancel(),
          },
          { highWaterMark: 0 },
        );
        Object.defineProperty(this, 'readable', { value: counted });
      }
    };
  });
  afterEach(() => {
    globalThis.DecompressionStream = Inflating;
  });

  /** As no app does it: what seals refuses a body that is too large. */
  async function sealedByHand(kind: SealKind, deflated: 0 | 1, content: Bytes): Promise<Bytes> {
    const length = 5 + content.length;
    const inner = new Uint8Array(length < 1024 ? Math.ceil(length / 256) * 256 : length);
    inner[0] = deflated;
    new DataView(inner.buffer).setUint32(1, content.length);
    inner.set(content, 5);
    const header = Uint8Array.of(1, SEAL_KINDS.indexOf(kind), 0, 0, 0, 0);
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const additionalData = concat(utf8('codeface/seal/1\0'), utf8(room.keys.roomId), header);
    const { encryption } = room.keys.sealing[kind];
    const encrypted = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData }, encryption, inner);
    return concat(header, iv, new Uint8Array(encrypted));
  }
  /** A record of that kind whose body inflates to so many zeros. */
  const bomb = (kind: SealKind, length: number): Promise<Bytes> =>
    sealedByHand(kind, 1, new Uint8Array(deflateRawSync(new Uint8Array(length), { level: 9 })));
  const told = async (kind: SealKind, sealed: Bytes): Promise<string> => {
    const opened = await openSealed(room.keys, kind, sealed);
    return opened.ok ? 'opened' : opened.error.kind;
  };

  test.each(SEAL_KINDS.map((kind) => [kind, SEAL_CAPS[kind]] as const))('%s', async (kind, cap) => {
    const most = await bomb(kind, cap.body);
    expect(await told(kind, most)).toBe('opened');
    expect(inflated).toBe(cap.body);
    expect(await told(kind, await sealedByHand(kind, 0, new Uint8Array(cap.body)))).toBe('opened');
    expect(await told(kind, await sealedByHand(kind, 0, new Uint8Array(cap.body + 1)))).toBe('too-large');
    // A thousand for one: eight megabytes in a presence, a hundred in a segment of as many kilobytes.
    for (const length of [cap.body + 1, 6 * cap.body, ...(kind === 'segment' ? [100 * 2 ** 20] : [])]) {
      const over = await bomb(kind, length);
      expect(over.length).toBeLessThan(cap.sealed);
      inflated = 0;
      expect(await told(kind, over)).toBe('too-large');
      expect(inflated).toBeLessThan(cap.body + 256 * 1024);
    }
  });
});

test('SEAL-2 a record of another epoch, or of another kind, is told by its header, of every kind', async () => {
  for (const kind of SEAL_KINDS) {
    const sealed = await seal(room.keys, kind, new Uint8Array(40));
    const told = async (bytes: Bytes) => openSealed(room.keys, kind, bytes);
    expect(await told(withEpoch(sealed, 1))).toEqual({ ok: false, error: { kind: 'wrong-epoch', epoch: 1 } });
    const other = SEAL_KINDS.find((one) => one !== kind) ?? kind;
    expect(await openSealed(room.keys, other, sealed)).toEqual({ ok: false, error: { kind: 'wrong-kind' } });
    expect((await told(sealed)).ok).toBe(true);
  }
});

test('SEAL-7 [seed 3115, 300 runs] damage anywhere is refused', async () => {
  const sealed = await seal(
    room.keys,
    'segment',
    new Uint8Array(700).map((_, i) => i),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.nat(sealed.length - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.nat(sealed.length - 1),
      async (at, mask, length) => {
        const changed = sealed.map((byte, i) => (i === at ? byte ^ mask : byte));
        expect((await openSealed(room.keys, 'segment', changed)).ok).toBe(false);
        expect((await openSealed(room.keys, 'segment', sealed.slice(0, length))).ok).toBe(false);
      },
    ),
    { seed: 3115, numRuns: 300 },
  );
});

test('ACC-6 [seed 3116, 400 runs] what the check lets through, Yjs applies without a word and without a rest', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ kind: fc.nat(4), at: fc.nat(20), text: fc.string({ unit: 'grapheme', maxLength: 5 }) }),
        { minLength: 1, maxLength: 8 },
      ),
      fc.array(fc.record({ at: fc.nat(), to: fc.nat(255) }), { maxLength: 3 }),
      (edits, changes) => {
        const client = 4_000_000_007;
        const author = new Y.Doc();
        author.clientID = client;
        const updates: Bytes[] = [];
        author.on('update', (update: Uint8Array) => updates.push(update.slice()));
        for (const { kind, at, text } of edits) {
          const [shared, files] = [author.getText('blobs'), author.getMap('files')];
          if (kind === 0) shared.insert(Math.min(at, shared.length), text);
          else if (kind === 1 && shared.length > at) shared.delete(at, 1);
          else if (kind === 2)
            files.set(
              text,
              new Y.Map([
                ['path', text],
                ['text', new Y.Text(text)],
              ]),
            );
          else if (kind === 3) files.set(text, { nested: [at, null, true, 1.5, new Uint8Array(3), text] });
          else files.set(text, new Uint8Array(at));
        }
        const reader = new Y.Doc();
        let clock = 0;
        for (const update of updates) {
          const honest = checkUpdate(update, client, clock);
          if (!honest.ok) throw new Error(`${honest.error.code}: ${honest.error.detail}`);
          const changed = update.slice();
          for (const { at, to } of changes) changed[at % changed.length] = to;
          const checked = checkUpdate(changed, client, clock);
          if (checked.ok && checked.value.needs.size === 0) {
            const doc = new Y.Doc();
            Y.applyUpdate(doc, Y.encodeStateAsUpdate(reader));
            Y.applyUpdate(doc, changed);
            expect(isPending(doc)).toBe(false);
            expect(Y.getState(doc.store, client)).toBe(checked.value.nextClock);
          }
          Y.applyUpdate(reader, update);
          clock = honest.value.nextClock;
        }
        expect(isPending(reader)).toBe(false);
      },
    ),
    { seed: 3116, numRuns: 400 },
  );
});

test('ACC-6 [seed 3118, 300 runs] an update in the second form of Yjs is refused as malformed, whatever it says', () => {
  const change = fc.record({ at: fc.nat(40), text: fc.string({ maxLength: 5 }), deletes: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
      const doc = new Y.Doc();
      const updates: Uint8Array[] = [];
      doc.on('updateV2', (update: Uint8Array) => updates.push(update));
      const text = doc.getText('files');
      for (const { at, text: words, deletes } of changes) {
        text.insert(Math.min(at, text.length), words);
        text.delete(0, Math.min(deletes, text.length));
      }
      for (const update of [...updates, Y.encodeStateAsUpdateV2(doc)]) {
        const checked = checkUpdate(Uint8Array.from(update), doc.clientID, 0);
        expect(checked).toMatchObject({ ok: false, error: { code: 'malformed-update' } });
      }
    }),
    { seed: 3118, numRuns: 300 },
  );
});

test('ACC-6 [seed 3117, 3000 runs] random bytes are checked without a throw', () => {
  fc.assert(
    fc.property(bytes({ maxLength: 60 }), (noise) => {
      checkUpdate(noise, 5, 0);
    }),
    { seed: 3117, numRuns: 3000 },
  );
});
