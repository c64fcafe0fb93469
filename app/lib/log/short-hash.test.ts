import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { MAX_SHORT_BYTES, ShortHasher } from './short-hash.ts';

test('LOG-2 short messages of every length hash as by another implementation, one after the other', () => {
  const hasher = new ShortHasher();
  const out = new Uint8Array(32);
  // Down again too: what is left of a longer message must not count.
  const lengths = Array.from({ length: MAX_SHORT_BYTES + 1 }, (_, length) => length);
  for (const length of [...lengths, ...lengths.toReversed()]) {
    const message = Uint8Array.from({ length }, (_, i) => (length * 7 + i * 31) % 256);
    hasher.message.set(message);
    hasher.hashInto(length, new DataView(out.buffer), 0);
    expect(Buffer.from(out)).toEqual(createHash('sha256').update(message).digest());
  }
});
