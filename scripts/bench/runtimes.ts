// First output of a program, cold and warm, in the sandbox and in a bare worker.
import { call, openBench, type BenchOptions } from './browser.ts';
import type { FirstOutputs, Language } from './page/runtimes.ts';
import type { Findings, Row, Target } from './table.ts';

const REPETITIONS = 5;

const languages: readonly { id: Language; name: string; bare: string; warmTarget?: Target }[] = [
  { id: 'python', name: 'Python', bare: 'bare Pyodide', warmTarget: { kind: 'ratio', atMost: 1.1 } },
  { id: 'javascript', name: 'JavaScript', bare: 'bare worker' },
];

const moments: readonly { of: keyof FirstOutputs; name: string; warm: boolean }[] = [
  { of: 'coldMs', name: 'cold', warm: false },
  { of: 'againMs', name: 'warm: again at once, so it boots anew', warm: true },
  { of: 'readyMs', name: 'warm: booted and waiting', warm: true },
];

export async function measureRuntimes(options: BenchOptions): Promise<Findings> {
  const rows: Row[] = [];
  const bench = await openBench(options);
  try {
    for (const { id, name, bare, warmTarget } of languages) {
      const ours: FirstOutputs[] = [];
      const theirs: FirstOutputs[] = [];
      const measures = [
        async (): Promise<unknown> => ours.push(await onFreshSite(() => bench.openSite(), 'runOurs', id)),
        async (): Promise<unknown> => theirs.push(await onFreshSite(() => bench.openSite(), 'runBare', id)),
      ];
      for (let repetition = 0; repetition < REPETITIONS; repetition++)
        for (const measure of repetition % 2 === 0 ? measures : measures.toReversed()) await measure();
      for (const moment of moments)
        rows.push({
          name: `first output of ${name}, ${moment.name}`,
          unit: 'ms',
          ours: ours.map((outputs) => outputs[moment.of]),
          opponent: { name: bare, values: theirs.map((outputs) => outputs[moment.of]) },
          ...(moment.warm && warmTarget && { target: warmTarget }),
        });
    }
    return { rows };
  } finally {
    await bench.close();
  }
}

/** On a site whose cache holds nothing: cold means fetched, too. */
async function onFreshSite(
  openSite: () => ReturnType<Awaited<ReturnType<typeof openBench>>['openSite']>,
  run: 'runOurs' | 'runBare',
  language: Language,
): Promise<FirstOutputs> {
  const page = await openSite();
  try {
    return await call(page, run, language);
  } finally {
    await page.close();
  }
}
