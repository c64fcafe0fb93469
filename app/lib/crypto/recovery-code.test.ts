/** Codes that people write down and type again: what is forgiven, what is told, and what key follows (ROST-33). */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toHex } from '../core/bytes.ts';
import type { RoomId } from '../core/ids.ts';
import { formatRecoveryCode, makeRecoverySecret, parseRecoveryCode, rootKeyOf } from './recovery-code.ts';
import { sign, verifySignature } from './signatures.ts';

const secret16 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Uint8Array.from(bytes));
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

test('ROST-33 [seed 3301, 300 runs] a code reads back, in any case, grouped anyhow, with letters that look like digits', () => {
  fc.assert(
    fc.property(secret16, fc.integer({ min: 1, max: 9 }), fc.boolean(), (secret, every, small) => {
      const code = formatRecoveryCode(secret);
      expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{5}-){5}[0-9A-HJKMNP-TV-Z]{5}$/);
      const plain = code
        .replaceAll('-', '')
        .replaceAll('0', 'O')
        .replaceAll('1', small ? 'l' : 'I');
      const typed = ` ${(plain.match(new RegExp(`.{1,${every}}`, 'g')) ?? []).join(' – ')}\n`;
      for (const text of [code, typed, small ? typed.toLowerCase() : typed])
        expect(parseRecoveryCode(text)).toEqual({ ok: true, value: secret });
    }),
    { seed: 3301, numRuns: 300 },
  );
});

test('ROST-33 [seed 3302, 2,000 runs] one wrong letter, or two that are swapped, are told', () => {
  const slip = fc.record({ at: fc.nat(28), to: fc.nat(31), swap: fc.boolean() });
  fc.assert(
    fc.property(secret16, slip, (secret, { at, to, swap }) => {
      const letters = Array.from(formatRecoveryCode(secret).replaceAll('-', ''));
      const before = letters.join('');
      if (swap) [letters[at], letters[at + 1]] = [letters[at + 1] ?? '', letters[at] ?? ''];
      else letters[at] = ALPHABET[to] ?? '';
      const text = letters.join('');
      if (text !== before)
        expect(parseRecoveryCode(text)).toEqual({ ok: false, error: { kind: 'mistyped' } });
    }),
    { seed: 3302, numRuns: 2000 },
  );
});

test('ROST-33 what is no code says why', () => {
  const code = formatRecoveryCode(new Uint8Array(16));
  const why = (text: string) => {
    const read = parseRecoveryCode(text);
    return read.ok ? 'a code' : read.error;
  };
  expect(why('')).toEqual({ kind: 'empty' });
  expect(why(' - ')).toEqual({ kind: 'empty' });
  expect(why(code.slice(0, -1))).toEqual({ kind: 'too-short', letters: 29 });
  expect(why(`${code}0`)).toEqual({ kind: 'too-long', letters: 31 });
  expect(why(`U${code.slice(1)}`)).toEqual({ kind: 'no-such-letter', letter: 'U', position: 1 });
  // In capitals these two are several letters, or another one.
  for (const letter of ['ﬆ', 'ß', '😀', 'é', '!'])
    expect(why(`00${letter}`)).toEqual({ kind: 'no-such-letter', letter, position: 3 });
});

test('ROST-33 [seed 3303, 1,000 runs] any text is a code or is refused, and never throws', () => {
  const near = fc
    .array(fc.constantFrom(...ALPHABET, 'o', 'l', '-', ' ', 'u'), { maxLength: 40 })
    .map((a) => a.join(''));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), near), (text) => {
      const read = parseRecoveryCode(text);
      if (read.ok) expect(parseRecoveryCode(formatRecoveryCode(read.value))).toEqual(read);
    }),
    { seed: 3303, numRuns: 1000 },
  );
});

test('ROST-33 the key that follows signs, can’t be exported, and is another in another room', async () => {
  const secret = makeRecoverySecret();
  const [room, other] = ['a'.repeat(52), `${'b'.repeat(51)}a`] as [RoomId, RoomId];
  const root = await rootKeyOf(secret, room);
  expect(root.privateKey.extractable).toBe(false);
  const message = Uint8Array.of(1, 2, 3);
  expect(await verifySignature(root.publicKey, await sign(root.privateKey, message), message)).toBe(true);
  expect(toHex((await rootKeyOf(secret, room)).publicKey)).toBe(toHex(root.publicKey));
  expect(toHex((await rootKeyOf(secret, other)).publicKey)).not.toBe(toHex(root.publicKey));
  expect(toHex(makeRecoverySecret())).not.toBe(toHex(secret));
});
