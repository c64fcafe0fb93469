// A real history of keystrokes: what its log weighs, and how long a device that has it takes to show the text.
// CODEFACE_TRACES names a folder with automerge-paper.json.gz; the trace is not part of this project.
import type { Page } from '@playwright/test';
import { call, openBench, waitForDoor, type BenchOptions } from './browser.ts';
import { packHistory, packUpdates } from './history-file.ts';
import { measureHistoryJoin } from './join-history.ts';
import { recordHistory, weighWithTypedTimes } from './record-history.ts';
import type { Opened } from './page/history.ts';
import { profiled } from './profile.ts';
import type { Findings } from './table.ts';
import { readTrace } from './trace.ts';

const REPETITIONS = 5;
const MAX_SQUASHED_BYTES = 1.5e6;
const MAX_OPEN_MS = 150;
const MAX_VERIFY_MS = 2500;

export async function measureHistory(options: BenchOptions): Promise<Findings> {
  const folder = process.env['CODEFACE_TRACES'];
  if (!folder) return { rows: [], notes: ['history skipped: set CODEFACE_TRACES'] };
  const trace = readTrace(folder, 'automerge-paper');
  const history = await recordHistory(trace);
  const squashedBytes = sumOf(history.squashed.map(({ sealed }) => sealed.length));
  const typedBytes = await weighWithTypedTimes(history);

  const bench = await openBench(
    options,
    new Map([
      ['history.bin', packHistory(history.squashed)],
      ['merged.bin', packUpdates([history.merged])],
      ['state.bin', packUpdates([history.state])],
    ]),
  );
  try {
    const page = await bench.openSite();
    const { ticket } = history;
    await call(page, 'storeHistory', ticket, '/history.bin');
    await call(page, 'storeInYIndexeddb', 'merged', '/merged.bin');
    await call(page, 'storeInYIndexeddb', 'state', '/state.bin');
    const verified: number[] = [];
    for (let repetition = 0; repetition < REPETITIONS; repetition++)
      verified.push(await freshly(page, () => call(page, 'verifyHistory', ticket, '/history.bin')));
    const fold = await freshly(page, () => call(page, 'openWithoutSnapshot', ticket));
    expectWhole(fold, trace.endContent.length);

    const ours: number[] = [];
    const theirs = { merged: [] as number[], state: [] as number[] };
    const measureTheirs = async (name: 'merged' | 'state'): Promise<void> => {
      const opened = await freshly(page, () => call(page, 'openYIndexeddb', name));
      expectWhole(opened, trace.endContent.length);
      theirs[name].push(opened.ms);
    };
    const measures = [
      async (): Promise<void> => {
        const opened = await freshly(page, () => call(page, 'openHistory', ticket));
        // One more than the trace has: the key that was typed to make a snapshot.
        expectWhole(opened, trace.endContent.length + 1);
        ours.push(opened.ms);
      },
      () => measureTheirs('merged'),
      () => measureTheirs('state'),
    ];
    for (let repetition = 0; repetition < REPETITIONS; repetition++)
      for (const measure of repetition % 2 === 0 ? measures : measures.toReversed()) await measure();

    const tail = history.squashed.filter(({ first, last }) => first === last);
    const notes = [
      `history: ${history.entries} keys; squashed, the last ${tail.length} are still a segment each (${(sumOf(tail.map(({ sealed }) => sealed.length)) / 1e6).toFixed(3)} MB of it)`,
      `history with keys 50 to 450 ms apart: ${(typedBytes / 1e6).toFixed(2)} MB squashed (the trace's own times are a few milliseconds for all of it)`,
    ];
    const joined = await measureHistoryJoin(bench, history, '/history.bin', trace.endContent.length);
    notes.push(...(joined.notes ?? []));
    if (options.profiling)
      notes.push(
        'opening from the snapshot, self time:',
        ...(await freshly(page, () => profiled(page, () => call(page, 'openHistory', ticket)))),
      );
    return {
      rows: [
        { name: 'automerge-paper, log live', unit: 'bytes', ours: [history.liveBytes] },
        {
          name: 'automerge-paper, log squashed',
          unit: 'bytes',
          ours: [squashedBytes],
          opponent: { name: 'one merged Yjs update', values: [history.merged.length] },
          target: { kind: 'value', atMost: MAX_SQUASHED_BYTES },
        },
        {
          name: 'automerge-paper, open from disk',
          unit: 'ms',
          ours,
          opponent: { name: 'y-indexeddb, one merged update', values: theirs.merged },
          target: { kind: 'value', atMost: MAX_OPEN_MS },
        },
        {
          name: 'the same',
          unit: 'ms',
          ours,
          opponent: { name: 'y-indexeddb, trimmed to the state', values: theirs.state },
        },
        {
          name: 'automerge-paper, whole history verified in a worker',
          unit: 'ms',
          ours: verified,
          target: { kind: 'value', atMost: MAX_VERIFY_MS },
        },
        { name: 'automerge-paper, open without a snapshot', unit: 'ms', ours: [fold.ms] },
        ...joined.rows,
      ],
      notes,
    };
  } finally {
    await bench.close();
  }
}

/** On a page that was just loaded, so that nothing is in memory. */
async function freshly<T>(page: Page, work: () => Promise<T>): Promise<T> {
  await page.reload();
  await waitForDoor(page);
  return work();
}

function expectWhole({ characters }: Opened, expected: number): void {
  if (characters !== expected) throw new Error(`the text has ${characters} characters, not ${expected}`);
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
