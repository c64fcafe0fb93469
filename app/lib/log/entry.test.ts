import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Bytes } from '../core/bytes.ts';
import { chainHashes, chainStart } from './entry.ts';

/** SHA-256 by another implementation than the app's. */
const sha256 = (...parts: Uint8Array[]): Uint8Array =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const u64 = (value: number): Uint8Array => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};
const bytes = (length: number, start: number): Bytes =>
  Uint8Array.from({ length }, (_, i) => (start + i) % 256);

test('LOG-2 chain hashes are as the rule says, byte for byte, for payloads of any size', async () => {
  const certificate = bytes(282, 1);
  for (const [code, channel] of (['project', 'talk', 'runs'] as const).entries()) {
    const start = sha256(Buffer.from('codeface/chain/1\0'), sha256(certificate), Uint8Array.of(code));
    expect(Buffer.from(chainStart(certificate, channel))).toEqual(start);
    const entries = [
      { time: 0, heads: bytes(0, 0), payload: bytes(0, 0) },
      { time: 1_700_000_000_123, heads: bytes(17, 5), payload: bytes(300, 9) },
      { time: Number.MAX_SAFE_INTEGER, heads: bytes(34, 7), payload: bytes(70_000, 3) },
    ];
    const first = 2 ** 33;
    let previous: Uint8Array = start;
    const expected = entries.map(
      ({ time, heads, payload }, i) =>
        (previous = sha256(previous, u64(first + i), u64(time), sha256(heads), sha256(payload))),
    );
    const hashes = await chainHashes(Uint8Array.from(start), first, entries);
    expect(hashes.map((hash) => Buffer.from(hash))).toEqual(expected);
  }
});
