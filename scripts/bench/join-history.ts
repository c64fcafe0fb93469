// A newcomer of a room with a long history, over WebRTC: until the text can be typed in, and until the history behind it is here.
import type { Page } from '@playwright/test';
import { call, type Bench } from './browser.ts';
import type { JoinedHistory } from './page/joining.ts';
import type { History } from './record-history.ts';
import { linkRaw } from './typing-room.ts';
import { median, type Findings } from './table.ts';

const REPETITIONS = 5;
/** Of the transfer of as many bytes as crossed. */
const TARGET = { kind: 'ratio', atMost: 1.5 } as const;

/** `path`: where the bench serves the history. `characters`: what it ends in. */
export async function measureHistoryJoin(
  bench: Bench,
  { ticket, entries }: History,
  path: string,
  characters: number,
): Promise<Findings> {
  const joinOnce = () => withSite(bench, (page) => call(page, 'joinHistory', ticket, characters, entries));
  const host = (shows: boolean) => async (page: Page) => {
    await call(page, 'storeHistory', ticket, path);
    await call(page, 'hostHistory', ticket, shows);
    const first = await joinOnce();
    const joins: JoinedHistory[] = [];
    const rawMs: number[] = [];
    for (let repetition = 0; repetition < REPETITIONS; repetition++) {
      const bytes = first.segmentBytes + first.checkpointBytes;
      const raw = async (): Promise<void> =>
        void rawMs.push(
          await withSite(bench, async (joiner) => {
            await linkRaw(page, repetition + 1, joiner);
            return call(joiner, 'transfer', 0, bytes);
          }),
        );
      if (repetition % 2 === 0) await raw();
      joins.push(await joinOnce());
      if (repetition % 2 === 1) await raw();
    }
    return { joins, rawMs };
  };
  const [shown, plain] = [await withSite(bench, host(true)), await withSite(bench, host(false))];
  const kilobytes = (of: (joined: JoinedHistory) => number): string =>
    `${Math.round(median(shown.joins.map(of)) / 1000)} KB`;
  return {
    rows: [
      {
        name: 'automerge-paper, a newcomer: text to type in',
        unit: 'ms',
        ours: shown.joins.map(({ textMs }) => textMs),
        opponent: { name: 'raw transfer of all that crosses', values: shown.rawMs },
        target: TARGET,
      },
      {
        name: 'the same',
        unit: 'ms',
        ours: shown.joins.map(({ textMs }) => textMs),
        opponent: { name: 'without a checkpoint', values: plain.joins.map(({ textMs }) => textMs) },
      },
      {
        name: 'automerge-paper, a newcomer: history verified behind it',
        unit: 'ms',
        ours: shown.joins.map(({ historyMs }) => historyMs),
        opponent: { name: 'without a checkpoint', values: plain.joins.map(({ historyMs }) => historyMs) },
      },
    ],
    notes: [
      `automerge-paper, a newcomer: a checkpoint of ${kilobytes((one) => one.checkpointBytes)} before a history of ${kilobytes((one) => one.segmentBytes)}`,
    ],
  };
}

async function withSite<T>(bench: Bench, work: (page: Page) => Promise<T>): Promise<T> {
  const page = await bench.openSite();
  try {
    return await work(page);
  } finally {
    await page.close();
  }
}
