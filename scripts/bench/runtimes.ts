// First output of a program, cold and warm, in the sandbox and in a bare worker.
import type { Page } from '@playwright/test';
import { call, openBench, type Bench, type BenchOptions } from './browser.ts';
import type { BareFirstOutputs, FirstOutputs, Language } from './page/runtimes.ts';
import type { Findings, Row, Target } from './table.ts';

const REPETITIONS = 5;

const languages: readonly { id: Language; name: string; bare: string; warmTarget?: Target }[] = [
  { id: 'python', name: 'Python', bare: 'bare Pyodide', warmTarget: { kind: 'ratio', atMost: 1.1 } },
  { id: 'javascript', name: 'JavaScript', bare: 'bare worker' },
];

const moments: readonly { of: keyof FirstOutputs; name: string; against: string; warm: boolean }[] = [
  { of: 'coldMs', name: 'cold', against: '', warm: false },
  { of: 'againMs', name: 'warm: again at once, so it boots anew', against: '', warm: true },
  { of: 'readyMs', name: 'warm: booted and waiting', against: ', unused too', warm: true },
];

export async function measureRuntimes(options: BenchOptions): Promise<Findings> {
  const rows: Row[] = [];
  const bench = await openBench(options);
  try {
    for (const { id, name, bare, warmTarget } of languages) {
      const ours: FirstOutputs[] = [];
      const theirs: BareFirstOutputs[] = [];
      const measures = [
        async (): Promise<unknown> =>
          ours.push(await onFreshSite(bench, (page) => call(page, 'runOurs', id))),
        async (): Promise<unknown> =>
          theirs.push(await onFreshSite(bench, (page) => call(page, 'runBare', id))),
      ];
      for (let repetition = 0; repetition < REPETITIONS; repetition++)
        for (const measure of repetition % 2 === 0 ? measures : measures.toReversed()) await measure();
      for (const moment of moments)
        rows.push({
          name: `first output of ${name}, ${moment.name}`,
          unit: 'ms',
          ours: ours.map((outputs) => outputs[moment.of]),
          opponent: { name: bare + moment.against, values: theirs.map((outputs) => outputs[moment.of]) },
          ...(moment.warm && warmTarget && { target: warmTarget }),
        });
      rows.push({
        name: `first output of ${name}, booted and waiting, against one used before`,
        unit: 'ms',
        ours: ours.map(({ readyMs }) => readyMs),
        opponent: { name: `${bare}, used before`, values: theirs.map(({ reusedMs }) => reusedMs) },
      });
    }
    return { rows };
  } finally {
    await bench.close();
  }
}

/** On a site whose cache holds nothing: cold means fetched, too. */
async function onFreshSite<T>(bench: Bench, measure: (page: Page) => Promise<T>): Promise<T> {
  const page = await bench.openSite();
  try {
    return await measure(page);
  } finally {
    await page.close();
  }
}
