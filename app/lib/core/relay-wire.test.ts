import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, toHex, utf8, type Bytes } from './bytes.ts';
import {
  RELAY_EVERYONE,
  RELAY_ID_BYTES,
  RELAY_JOIN_LABEL,
  RELAY_REFUSALS,
  decodeFromRelay,
  decodeToRelay,
  encodeFromRelay,
  encodeToRelay,
  isEveryone,
  relayJoinMessage,
  type FromRelay,
  type ToRelay,
} from './relay-wire.ts';

const exactly = (length: number): fc.Arbitrary<Bytes> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => new Uint8Array(bytes));
const id = exactly(RELAY_ID_BYTES);
const payload = fc.uint8Array({ minLength: 1, maxLength: 64 }).map((bytes) => new Uint8Array(bytes));

const toRelay: fc.Arbitrary<ToRelay> = fc.oneof(
  fc.record({ kind: fc.constant('join' as const), topic: exactly(32), signature: exactly(64) }),
  fc.record({ kind: fc.constant('send' as const), to: id, payload }),
);
const fromRelay: fc.Arbitrary<FromRelay> = fc.oneof(
  fc.record({ kind: fc.constant('challenge' as const), nonce: exactly(32) }),
  fc.record({ kind: fc.constant('joined' as const), self: id, others: fc.array(id, { maxLength: 5 }) }),
  fc.record({ kind: fc.constantFrom('entered' as const, 'left' as const), id }),
  fc.record({ kind: fc.constant('message' as const), from: id, payload }),
  fc.record({
    kind: fc.constant('refused' as const),
    reason: fc.constantFrom(...RELAY_REFUSALS, 'other' as const),
  }),
);

describe('NET-21 relay wire', () => {
  it('every message reads back as what it was', () => {
    const toProperty = fc.property(toRelay, (message) => {
      expect(decodeToRelay(encodeToRelay(message))).toEqual({ ok: true, value: message });
    });
    fc.assert(toProperty, { seed: 1, numRuns: 300 });
    const fromProperty = fc.property(fromRelay, (message) => {
      expect(decodeFromRelay(encodeFromRelay(message))).toEqual({ ok: true, value: message });
    });
    fc.assert(fromProperty, { seed: 2, numRuns: 300 });
  });

  it('any bytes are a message or malformed, never a throw; a message has one encoding', () => {
    const anyBytes = fc.tuple(
      fc.constantFrom(0x00, 0x01, 0x02, 0x10, 0x11, 0x12, 0x13, 0x14, 0xff),
      fc.uint8Array({ maxLength: 110 }),
    );
    const property = fc.property(anyBytes, ([first, rest]) => {
      const bytes = concat(Uint8Array.of(first), rest);
      const to = decodeToRelay(bytes);
      const from = decodeFromRelay(bytes);
      if (to.ok) expect(toHex(encodeToRelay(to.value))).toBe(toHex(bytes));
      else expect(to.error).toEqual({ kind: 'malformed' });
      if (from.ok) expect(toHex(encodeFromRelay(from.value))).toBe(toHex(bytes));
      else expect(from.error).toEqual({ kind: 'malformed' });
    });
    fc.assert(property, { seed: 3, numRuns: 2000 });
  });

  it.each([
    ['nothing', []],
    ['a join one byte short', [0x01, ...Array<number>(95).fill(0)]],
    ['a join one byte long', [0x01, ...Array<number>(97).fill(0)]],
    ['a send of nothing', [0x02, ...Array<number>(8).fill(0)]],
    ['a message of the other direction', [0x10, ...Array<number>(32).fill(0)]],
  ])('refuses %s from a tab', (_, bytes) => {
    expect(decodeToRelay(Uint8Array.from(bytes))).toEqual({ ok: false, error: { kind: 'malformed' } });
  });

  it.each([
    ['an unknown word', 'out-of-cheese'],
    ['no word', ''],
    ['a megabyte', 'bad-proof'.repeat(100_000)],
    ['what a decoder would forgive', '\ufeffbad-proof'],
  ])('a refusal for %s is one for another reason', (_, reason) => {
    const refused = concat(Uint8Array.of(0x15), utf8(reason));
    expect(decodeFromRelay(refused)).toEqual({ ok: true, value: { kind: 'refused', reason: 'other' } });
  });

  it('each message is its number and its fields, without a separator', () => {
    const [one, two] = [new Uint8Array(8).fill(1), new Uint8Array(8).fill(2)];
    const payload = Uint8Array.of(7, 7);
    const messages: [FromRelay, string][] = [
      [{ kind: 'challenge', nonce: new Uint8Array(32).fill(9) }, '10' + '09'.repeat(32)],
      [{ kind: 'joined', self: one, others: [two] }, '11' + '01'.repeat(8) + '02'.repeat(8)],
      [{ kind: 'entered', id: one }, '12' + '01'.repeat(8)],
      [{ kind: 'left', id: one }, '13' + '01'.repeat(8)],
      [{ kind: 'message', from: two, payload }, '14' + '02'.repeat(8) + '0707'],
      [{ kind: 'refused', reason: 'rate' }, '15' + '72617465'],
    ];
    for (const [message, hex] of messages) expect(toHex(encodeFromRelay(message))).toBe(hex);
    expect(toHex(encodeToRelay({ kind: 'send', to: two, payload }))).toBe('02' + '02'.repeat(8) + '0707');
    const join = { kind: 'join', topic: new Uint8Array(32), signature: new Uint8Array(64).fill(3) } as const;
    expect(toHex(encodeToRelay(join))).toBe('01' + '00'.repeat(32) + '03'.repeat(64));
  });

  it('a proof names the purpose, the nonce and the topic', () => {
    const nonce = new Uint8Array(32).fill(1);
    const topic = new Uint8Array(32).fill(2);
    expect(toHex(relayJoinMessage(nonce, topic))).toBe(
      toHex(RELAY_JOIN_LABEL) + '01'.repeat(32) + '02'.repeat(32),
    );
  });

  it('only eight zero bytes mean everyone', () => {
    expect(isEveryone(RELAY_EVERYONE)).toBe(true);
    expect(isEveryone(new Uint8Array(RELAY_ID_BYTES).fill(1))).toBe(false);
    expect(isEveryone(new Uint8Array(RELAY_ID_BYTES - 1))).toBe(false);
  });
});
