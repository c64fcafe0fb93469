import { expect, test } from 'vitest';
import { missingSupport } from './browser-support.ts';

test('a platform with both algorithms lacks nothing', async () => {
  expect(await missingSupport({ subtle: crypto.subtle, secure: true })).toBeUndefined();
});

test.each(['Ed25519', 'X25519'])('a browser without %s is too old', async (missing) => {
  const generateKey = ((algorithm: string, ...rest: [boolean, KeyUsage[]]) =>
    algorithm === missing
      ? Promise.reject(new DOMException('Unrecognized name.', 'NotSupportedError'))
      : crypto.subtle.generateKey(algorithm, ...rest)) as SubtleCrypto['generateKey'];
  expect(await missingSupport({ subtle: { generateKey }, secure: true })).toBe('old');
});

test('no cryptography at all is the fault of an address that is neither https nor localhost', async () => {
  expect(await missingSupport({ subtle: undefined, secure: false })).toBe('insecure');
  expect(await missingSupport({ subtle: undefined, secure: true })).toBe('old');
});
