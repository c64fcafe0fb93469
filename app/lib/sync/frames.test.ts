import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../core/bytes.ts';
import type { Channel, SessionId } from '../core/ids.ts';
import {
  decodeHello,
  decodePresenceFrame,
  decodeSegments,
  decodeWant,
  encodeHello,
  encodePresenceFrame,
  encodeSegments,
  encodeWant,
  frameType,
  MAX_PRESENCE_BYTES,
  MAX_WANTED_RANGES,
  readFrame,
  writeFrame,
  type FrameKind,
  type WantedRange,
} from './frames.ts';

const bytes = (minLength: number, maxLength = minLength) =>
  fc.uint8Array({ minLength, maxLength }).map((each) => Uint8Array.from(each));
const session = bytes(32).map((each) => toHex(each) as SessionId);
const range: fc.Arbitrary<WantedRange> = fc
  .record({
    session,
    channel: fc.constantFrom<Channel>('project', 'talk', 'runs'),
    fromSeq: fc.integer({ min: 1, max: 1e9 }),
    more: fc.nat(1e6),
  })
  .map(({ more, ...rest }) => ({ ...rest, toSeq: rest.fromSeq + more }));
const runs = { seed: 20261122, numRuns: 300 };

describe('SYNC-1: frames come back as they were', () => {
  it('kind and body', () => {
    fc.assert(
      fc.property(fc.constantFrom(...(Object.keys(frameType) as FrameKind[])), bytes(0, 50), (kind, body) => {
        expect(readFrame(writeFrame(kind, body))).toEqual({ ok: true, value: { kind, body } });
      }),
      runs,
    );
  });

  it('HELLO, with what its session signs', () => {
    const hello = fc.record({
      nonce: bytes(16),
      echo: bytes(16),
      wantsReply: fc.boolean(),
      certificate: bytes(0, 300),
      genesis: bytes(0, 300),
      frontier: bytes(0, 600),
    });
    fc.assert(
      fc.property(hello, bytes(64), (value, signature) => {
        const signed = encodeHello(value);
        const read = decodeHello(Uint8Array.from([...signed, ...signature]));
        expect(read).toEqual({ ok: true, value: { ...value, signed, signature } });
      }),
      runs,
    );
  });

  it('WANT and SEGMENTS', () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 20 }), (ranges) => {
        expect(decodeWant(encodeWant(ranges))).toEqual({ ok: true, value: ranges });
      }),
      runs,
    );
    fc.assert(
      fc.property(fc.boolean(), fc.array(bytes(0, 100), { maxLength: 20 }), (more, segments) => {
        expect(decodeSegments(encodeSegments({ more, segments }))).toEqual({
          ok: true,
          value: { more, segments },
        });
      }),
      runs,
    );
  });

  it('PRESENCE', () => {
    fc.assert(
      fc.property(session, fc.nat(), bytes(0, 200), bytes(64), (who, counter, payload, signature) => {
        const signed = encodePresenceFrame({ session: who, counter, payload });
        const read = decodePresenceFrame(Uint8Array.from([...signed, ...signature]));
        expect(read).toEqual({ ok: true, value: { session: who, counter, payload, signed, signature } });
      }),
      runs,
    );
  });
});

describe('SYNC-1: whatever else a peer sends is a refusal, never a throw', () => {
  const decoders = { readFrame, decodeHello, decodeWant, decodeSegments, decodePresenceFrame };
  for (const [name, decode] of Object.entries(decoders))
    it(`${name}: random bytes`, () => {
      fc.assert(
        fc.property(bytes(0, 400), (junk) => {
          const read = decode(junk);
          if (!read.ok) expect(read.error).toEqual({ kind: 'malformed-frame' });
        }),
        { ...runs, numRuns: 3000 },
      );
    });

  it('a frame cut anywhere, or with a byte too many', () => {
    const whole = encodeWant([
      { session: 'ab'.repeat(32) as SessionId, channel: 'runs', fromSeq: 1, toSeq: 900 },
    ]);
    for (let length = 0; length < whole.length; length++)
      expect(decodeWant(whole.slice(0, length)).ok).toBe(false);
    expect(decodeWant(Uint8Array.from([...whole, 0])).ok).toBe(false);
  });

  it('a view into a larger buffer: what lies behind it is not read', () => {
    const buffer = Uint8Array.from([
      ...encodeSegments({ more: false, segments: [new Uint8Array(8)] }),
      1,
      2,
      3,
      4,
    ]);
    const cut = buffer.subarray(0, buffer.length - 8);
    expect(decodeSegments(cut).ok).toBe(false);
  });

  it('counts and lengths above their caps', () => {
    const many = Array.from({ length: MAX_WANTED_RANGES + 1 }, () => ({
      session: '00'.repeat(32) as SessionId,
      channel: 'project' as const,
      fromSeq: 1,
      toSeq: 1,
    }));
    expect(decodeWant(encodeWant(many)).ok).toBe(false);
    expect(decodeWant(encodeWant(many.slice(1))).ok).toBe(true);
    const large = encodePresenceFrame({
      session: '00'.repeat(32) as SessionId,
      counter: 1,
      payload: new Uint8Array(MAX_PRESENCE_BYTES + 1),
    });
    expect(decodePresenceFrame(Uint8Array.from([...large, ...new Uint8Array(64)])).ok).toBe(false);
  });

  it('a range that begins before 1 or ends before it begins', () => {
    const base = { session: '00'.repeat(32) as SessionId, channel: 'project' as const };
    expect(decodeWant(encodeWant([{ ...base, fromSeq: 0, toSeq: 3 }])).ok).toBe(false);
    expect(decodeWant(encodeWant([{ ...base, fromSeq: 4, toSeq: 3 }])).ok).toBe(false);
  });
});
