import { expect, test } from 'vitest';
import { Opening } from './room-opening.ts';

/** Opens named things, one step at a time. */
function page(): { opening: Opening<string, string>; told: string[]; go: () => Promise<void> } {
  const told: string[] = [];
  const open: (() => void)[] = [];
  const opening = new Opening<string, string>({
    open: (move = 'first') =>
      new Promise((resolve) => {
        told.push(`open ${move}`);
        open.push(() => resolve(move));
      }),
    close: async (opened) => void told.push(`close ${opened}`),
    show: async (opened) => void told.push(`show ${opened ?? 'nothing'}`),
  });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  /** Lets what is opening come to its end, and what follows from that begin. */
  const go = async (): Promise<void> => {
    await turn();
    for (const one of open.splice(0)) one();
    await turn();
  };
  return { opening, told, go };
}

test('shows what is open, and closes it before it opens the next', async () => {
  const { opening, told, go } = page();
  void opening.start();
  await go();
  void opening.move('second');
  await go();
  await go();
  expect(told).toEqual([
    'open first',
    'show first',
    'show nothing',
    'close first',
    'open second',
    'show second',
  ]);
});

test('what is told while it opens is done then, the newest of it, and never two at once', async () => {
  const { opening, told, go } = page();
  void opening.start();
  void opening.move('second');
  void opening.move('third');
  await go();
  expect(told).toEqual(['open first', 'show nothing', 'close first', 'open third']);
  await go();
  expect(told.slice(4)).toEqual(['show third']);
});

test('who leaves while it opens leaves nothing open', async () => {
  const { opening, told, go } = page();
  void opening.start();
  void opening.move('second');
  await opening.leave();
  await go();
  expect(told).toEqual(['open first', 'close first']);
  await opening.move('third');
  expect(told).toHaveLength(2);
});

test('who leaves what is open closes it', async () => {
  const { opening, told, go } = page();
  void opening.start();
  await go();
  await opening.leave();
  expect(told).toEqual(['open first', 'show first', 'close first']);
});
