import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeRing, RING_BYTES, RingReader, RingWriter } from './output-ring.ts';

test('what is written is read, in order and by stream, however the ring turns', () => {
  const chunk = fc.record({
    stream: fc.constantFrom(1 as const, 2 as const),
    length: fc.integer({ min: 1, max: 90_000 }),
    drain: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 30 }), (chunks) => {
      const memory = makeRing();
      const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
      const read: Uint8Array[][] = [[], [], []];
      const written: Uint8Array[][] = [[], [], []];
      let inside = 0;
      const drain = (): void => {
        for (let record = reader.next(); typeof record !== 'string'; record = reader.next()) {
          read[record.stream]?.push(record.bytes);
        }
        inside = 0;
      };
      let value = 0;
      for (const { stream, length, drain: now } of chunks) {
        if (now || inside + length + 64 > RING_BYTES) drain();
        const bytes = new Uint8Array(length).fill(value++ & 255);
        writer.write(stream, bytes);
        written[stream]?.push(bytes);
        inside += length + 16;
      }
      drain();
      for (const stream of [1, 2]) {
        expect(Buffer.concat(read[stream] ?? []).equals(Buffer.concat(written[stream] ?? []))).toBe(true);
      }
    }),
    { seed: 8, numRuns: 40 },
  );
});

test('no contents of the memory make the reader throw, hang or read past the ring', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer(),
      fc.uint8Array({ minLength: 64, maxLength: 64 }),
      (written, read, noise) => {
        const memory = makeRing();
        const positions = new Int32Array(memory, 0, 32);
        positions[0] = written;
        positions[16] = read;
        const all = new Uint8Array(memory, 128);
        for (let at = 0; at < all.length; at += noise.length)
          all.set(noise.subarray(0, Math.min(64, all.length - at)), at);
        const reader = new RingReader(memory);
        for (let records = 0; ; records++) {
          const record = reader.next();
          if (typeof record === 'string') return;
          expect(record.bytes.length).toBeLessThanOrEqual(RING_BYTES);
          expect(records).toBeLessThanOrEqual(RING_BYTES / 4);
        }
      },
    ),
    { seed: 8, numRuns: 300 },
  );
});
