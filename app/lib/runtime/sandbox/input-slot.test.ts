import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { giveInput, makeInputSlot } from './input-slot.ts';

/** A program that reads three pieces, and says each time that it is about to. */
const READER = `
import { parentPort, workerData } from 'node:worker_threads';
const { takeInput } = await import(workerData.module);
for (let i = 0; i < 3; i++) {
  parentPort.postMessage('asks');
  const taken = takeInput(workerData.slot);
  parentPort.postMessage(typeof taken === 'string' ? taken : new TextDecoder().decode(taken));
}`;

it('a late notice of the answer before is no answer', async () => {
  const slot = makeInputSlot();
  const control = new Int32Array(slot, 0, 2);
  const module = new URL('./input-slot.ts', import.meta.url).href;
  const worker = new Worker(READER, { eval: true, workerData: { slot, module } });
  const answers = [new TextEncoder().encode('one'), new TextEncoder().encode('two'), 'ended'] as const;
  const heard: string[] = [];
  await new Promise<void>((resolve, reject) => {
    worker.on('error', reject);
    worker.on('exit', () => resolve());
    worker.on('message', (said: string) => {
      if (said !== 'asks') return void heard.push(said);
      const answer = answers[heard.length] ?? 'ended';
      // It takes a moment until it sleeps: as soon as a notice reaches it, it has.
      const wake = (): void => {
        if (Atomics.notify(control, 0) === 0) setImmediate(wake);
        else giveInput(slot, answer);
      };
      wake();
    });
  });
  expect(heard).toEqual(['one', 'two', 'ended']);
});
