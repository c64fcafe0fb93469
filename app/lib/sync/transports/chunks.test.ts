import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Bytes } from '../../core/bytes.ts';
import { MAX_FRAME_BYTES, type Lane } from '../transport.ts';
import { FrameAssembler, FrameCutter } from './chunks.ts';

const bytesOf = (size: number): Bytes => new Uint8Array(size).map((_, i) => (i * 7 + size) & 0xff);
const frames = fc.array(fc.integer({ min: 0, max: 300 }).map(bytesOf), { maxLength: 12 });

describe('chunks', () => {
  it('NET-1 a chunk is flags, in the first one the length of its frame, then the body', () => {
    expect(cutAll([Uint8Array.of(1, 2, 3, 4)], 'live', 7)).toEqual([
      Uint8Array.of(0x02, 0, 0, 0, 4, 1, 2),
      Uint8Array.of(0x00, 3, 4),
    ]);
    expect(cutAll([bytesOf(0), bytesOf(300)], 'bulk', 400).map((chunk) => chunk.slice(0, 5))).toEqual([
      Uint8Array.of(0x03, 0, 0, 0, 0),
      Uint8Array.of(0x03, 0, 0, 1, 44),
    ]);
  });

  it('NET-2 any frames, any chunk size, any interleaving of the two lanes: all arrive whole, in order per lane', () => {
    const property = fc.property(
      frames,
      frames,
      fc.integer({ min: 6, max: 80 }),
      fc.infiniteStream(fc.boolean()),
      (live, bulk, chunkBytes, turns) => {
        const sent = { live: cutAll(live, 'live', chunkBytes), bulk: cutAll(bulk, 'bulk', chunkBytes) };
        const arrived: Record<Lane, Bytes[]> = { live: [], bulk: [] };
        const assembler = new FrameAssembler();
        while (sent.live.length + sent.bulk.length > 0) {
          const preferred: Lane = turns.next().value ? 'live' : 'bulk';
          const chunk = sent[preferred].shift() ?? sent.live.shift() ?? sent.bulk.shift();
          if (!chunk) throw new Error('nothing to send');
          expect(chunk.length).toBeLessThanOrEqual(chunkBytes);
          const result = assembler.accept(chunk);
          if (!result.ok) throw new Error(result.error.kind);
          if (result.value) arrived[result.value.lane].push(result.value.frame);
        }
        expect(arrived).toEqual({ live, bulk });
      },
    );
    fc.assert(property, { seed: 31, numRuns: 300 });
  });

  it('NET-3 hostile chunks are refused or are a frame: never a throw, never more memory than arrived', () => {
    const hostile = fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 30 });
    const property = fc.property(hostile, (chunks) => {
      const assembler = new FrameAssembler(1000);
      for (const chunk of chunks) {
        const result = assembler.accept(new Uint8Array(chunk));
        if (!result.ok) return;
        if (result.value) expect(result.value.frame.length).toBeLessThanOrEqual(1000);
      }
    });
    fc.assert(property, { seed: 32, numRuns: 2000 });
  });

  it.each([
    ['truncated', [[]]],
    ['unknown-flags', [[0x04, 1]]],
    ['unknown-flags', [[0xff]]],
    ['truncated', [[0x02, 0, 0, 0]]],
    ['frame-too-large', [[0x02, 0x01, 0x80, 0x00, 0x01, 9]]],
    ['overlong', [[0x02, 0, 0, 0, 1, 9, 9]]],
    [
      'overlong',
      [
        [0x03, 0, 0, 0, 2, 9],
        [0x01, 9, 9],
      ],
    ],
    ['no-progress', [[0x02, 0, 0, 0, 2]]],
    ['no-progress', [[0x02, 0, 0, 0, 2, 9], [0x00]]],
    ['out-of-turn', [[0x00, 9]]],
    [
      'out-of-turn',
      [
        [0x03, 0, 0, 0, 2, 9],
        [0x00, 9],
      ],
    ],
    [
      'out-of-turn',
      [
        [0x02, 0, 0, 0, 2, 9],
        [0x02, 0, 0, 0, 1, 9],
      ],
    ],
  ])('NET-3 refuses as %s: %j', (kind, chunks) => {
    const assembler = new FrameAssembler();
    const results = chunks.map((chunk) => assembler.accept(Uint8Array.from(chunk)));
    expect(results.at(-1)).toEqual({ ok: false, error: { kind } });
  });

  it('NET-3 takes the largest frame and refuses one byte more', () => {
    const first = (total: number): Bytes => {
      const chunk = new Uint8Array(6);
      chunk[0] = 0x03;
      new DataView(chunk.buffer).setUint32(1, total);
      return chunk;
    };
    expect(new FrameAssembler().accept(first(MAX_FRAME_BYTES)).ok).toBe(true);
    expect(new FrameAssembler().accept(first(MAX_FRAME_BYTES + 1)).ok).toBe(false);
  });

  it('NET-4 a promise of a large frame takes little memory until its bytes come', () => {
    const before = process.memoryUsage().arrayBuffers;
    const promise = Uint8Array.of(0x03, 0x01, 0x80, 0x00, 0x00, 9);
    const assemblers = Array.from({ length: 20 }, () => new FrameAssembler());
    for (const assembler of assemblers) expect(assembler.accept(promise).ok).toBe(true);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MAX_FRAME_BYTES);
    expect(assemblers).toHaveLength(20);
  });
});

function cutAll(list: readonly Bytes[], lane: Lane, chunkBytes: number): Bytes[] {
  return list.flatMap((frame) => {
    const cutter = new FrameCutter(frame, lane, chunkBytes);
    const chunks: Bytes[] = [];
    while (!cutter.done) chunks.push(cutter.next());
    return chunks;
  });
}
