import { describe, expect, it } from 'vitest';
import type { Bytes } from '../../core/bytes.ts';
import { FrameAssembler } from './chunks.ts';
import { HIGH_WATER_BYTES, LOW_WATER_BYTES, SendQueue } from './send-queue.ts';

const CHUNK_BYTES = 16 * 1024;

describe('send queue', () => {
  it('NET-5 lets out no more than the high water, and keeps a part of it for live frames', () => {
    const { sink, queue } = makeQueue();
    queue.push(new Uint8Array(1024 * 1024), 'bulk');
    const bulk = sink.inFlight;
    expect(bulk).toBeGreaterThan(HIGH_WATER_BYTES / 2);
    expect(bulk).toBeLessThanOrEqual(HIGH_WATER_BYTES - LOW_WATER_BYTES);
    queue.push(new Uint8Array(100), 'live');
    expect(sink.inFlight).toBe(bulk + 105);
    queue.push(new Uint8Array(1024 * 1024), 'live');
    expect(sink.inFlight).toBeLessThanOrEqual(HIGH_WATER_BYTES);
  });

  it('NET-5 a live frame comes out whole before the rest of a bulk frame', () => {
    const { sink, queue } = makeQueue();
    queue.push(new Uint8Array(500_000), 'bulk');
    queue.push(new Uint8Array(100_000), 'live');
    const assembler = new FrameAssembler();
    const order: string[] = [];
    while (sink.written.length > 0) {
      for (const chunk of sink.written.splice(0)) {
        const result = assembler.accept(chunk);
        if (result.ok && result.value) order.push(result.value.lane);
      }
      sink.inFlight = 0;
      queue.pump();
    }
    expect(order).toEqual(['live', 'bulk']);
  });

  it('NET-6 drained waits for the low water, and close ends the wait', async () => {
    const { sink, queue } = makeQueue();
    queue.push(new Uint8Array(200_000), 'bulk');
    let drained = false;
    const waiting = queue.drained().then(() => (drained = true));
    sink.inFlight = LOW_WATER_BYTES + 1;
    queue.pump();
    await Promise.resolve();
    expect(drained).toBe(false);
    sink.inFlight = LOW_WATER_BYTES;
    queue.pump();
    await waiting;

    queue.push(new Uint8Array(900_000), 'bulk');
    const closing = queue.drained();
    queue.close();
    await closing;
    expect(queue.queuedBytes()).toBe(0);
  });

  it('a sink that reports progress from inside write gets every chunk once', () => {
    const written: Bytes[] = [];
    const queue: SendQueue = new SendQueue(
      {
        inFlightBytes: () => 0,
        unsentBytes: () => 0,
        write: (chunk) => {
          written.push(chunk);
          queue.pump();
        },
      },
      CHUNK_BYTES,
    );
    queue.push(new Uint8Array(100_000), 'bulk');
    expect(written.reduce((sum, chunk) => sum + chunk.length, 0)).toBe(100_000 + 5 + 6);
    expect(queue.queuedBytes()).toBe(0);
  });
});

function makeQueue() {
  const sink = { inFlight: 0, written: [] as Bytes[] };
  const queue = new SendQueue(
    {
      inFlightBytes: () => sink.inFlight,
      unsentBytes: () => sink.inFlight,
      write: (chunk) => {
        sink.inFlight += chunk.length;
        sink.written.push(chunk);
      },
    },
    CHUNK_BYTES,
  );
  return { sink, queue };
}
