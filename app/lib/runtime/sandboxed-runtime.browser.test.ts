/** What a Runtime promises before and between programs: everything fetched ahead, something ready, or a word on why not. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SANDBOX_FRAME_PATH } from '../core/security-headers.ts';
import { type Bed, openBed } from './test-bed/test-bed.ts';
import type { TestBed } from './test-bed/page.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await openBed();
});
afterAll(() => bed?.close());

/** Tells when its own worker was made. */
const BORN = { entry: 'main.js', files: { 'main.js': 'console.log(performance.timeOrigin)' } };

/** Every page of the bed has a cache of its own, so the server hears of all that it lacks. */
const askedDuring = async (action: () => Promise<unknown>): Promise<Set<string>> => {
  const before = bed.asked.length;
  await action();
  return new Set(bed.asked.slice(before));
};

test.for([
  ['main.js', 'console.log(6 * 7)'],
  ['main.py', 'print(6 * 7)'],
] as const)('%s needs nothing that was not fetched ahead, but the frame', async ([entry, source]) => {
  const [one, other] = [await bed.open(), await bed.open()];
  const ahead = await askedDuring(() =>
    one.evaluate((name) => (globalThis as unknown as { bed: TestBed }).bed.prefetch(name), entry),
  );
  const needed = await askedDuring(async () => {
    const report = await bed.run({ entry, files: { [entry]: source } }, other);
    expect(report.stdout).toBe('42\n');
  });
  expect(ahead.size).toBeGreaterThan(2);
  expect(needed).toEqual(new Set([...ahead, SANDBOX_FRAME_PATH]));
  await Promise.all([one.close(), other.close()]);
});

test('who looked at a file, or ran one, finds the next worker made and fetches nothing', async () => {
  const page = await bed.open();
  const nextWorker = page.waitForEvent('worker');
  await page.evaluate((name) => (globalThis as unknown as { bed: TestBed }).bed.warm(name), BORN.entry);
  await nextWorker;
  const asked = await askedDuring(async () => {
    for (let round = 0; round < 2; round++) {
      const spare = page.waitForEvent('worker');
      const report = await bed.run(BORN, page);
      expect(Number(report.stdout)).toBeLessThan(report.startedAt);
      await spare;
    }
  });
  expect([...asked]).toEqual([]);
  await page.close();
});

test('a runtime that came damaged ends one run, and the next one fetches it anew', async () => {
  const page = await bed.open();
  await page.route('**/esbuild*.wasm', (route) => route.fulfill({ body: 'not WebAssembly' }), { times: 1 });
  const first = await bed.run(BORN, page);
  expect(first.end).toEqual({ kind: 'failed', message: expect.stringContaining('Run it again') as string });
  const second = await bed.run(BORN, page);
  expect(second.end).toEqual({ kind: 'exit', code: 0 });
  await page.close();
});

test.for(['opening', 'ready', 'running'] as const)(
  'who leaves while a sandbox is %s leaves none behind, and can come back',
  async (state) => {
    const page = await bed.open();
    await page.evaluate((when) => (globalThis as unknown as { bed: TestBed }).bed.releaseWhen(when), state);
    const requested: string[] = [];
    page.on('request', (request) => requested.push(new URL(request.url()).pathname));
    await page.waitForFunction(() => !document.querySelector('iframe'));
    await page.evaluate(() => fetch('/page.js'));
    expect(requested).toEqual(['/page.js']);
    expect((await bed.run(BORN, page)).end).toEqual({ kind: 'exit', code: 0 });
    await page.close();
  },
);

test('without shared memory the page says that programs cannot run, and does not try for long', async () => {
  const page = await bed.open({ isolated: false });
  const reasons = await page.evaluate(() =>
    (globalThis as unknown as { bed: TestBed }).bed.runtimes.map((runtime) => runtime.unsupported()),
  );
  for (const reason of reasons) expect(reason).toContain('served without the headers');
  const { end } = await bed.run(BORN, page);
  expect(end).toEqual({ kind: 'failed', message: expect.stringContaining('share memory') as string });
  await page.close();
});
