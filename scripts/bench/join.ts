// Joining a room with the link alone, over WebRTC, against the raw transfer of the bytes that crossed.
import type { Page } from '@playwright/test';
import { call, openBench, type Bench, type BenchOptions } from './browser.ts';
import { linkRaw } from './typing-room.ts';
import type { BenchDoor } from './page/door.ts';
import type { Joined } from './page/joining.ts';
import { profiled } from './profile.ts';
import { median, type Findings } from './table.ts';

const REPETITIONS = 5;
/** Of the transfer of as many bytes. */
const LARGE = { kind: 'ratio', atMost: 1.5 } as const;
const SIZES = [
  { name: '50 KB', bytes: 50_000 },
  { name: '300 KB', bytes: 300_000 },
  { name: '1 MB', bytes: 1_000_000, target: LARGE },
  { name: '5 MB', bytes: 5_000_000, target: LARGE },
  { name: '50 MB', bytes: 50_000_000, target: LARGE },
];

export async function measureJoining(options: BenchOptions): Promise<Findings> {
  const rows = [];
  const notes = [];
  const bench = await openBench(options);
  try {
    for (const { name, bytes, target } of SIZES) {
      const joins: Joined[] = [];
      const rawMs: number[] = [];
      const host = await bench.openSite();
      const hosted = await call(host, 'hostRoom', bytes);
      // Bytes on the wire are known after the first join, which is thrown away: it warms the host.
      const { segmentBytes } = await joinOnce(bench, hosted, bytes);
      for (let repetition = 0; repetition < REPETITIONS; repetition++) {
        const raw = async (): Promise<void> =>
          void rawMs.push(await transferOnce(bench, host, segmentBytes, repetition + 1));
        if (repetition % 2 === 0) await raw();
        joins.push(await joinOnce(bench, hosted, bytes));
        if (repetition % 2 === 1) await raw();
      }
      rows.push({
        name: `joining a room of ${name}`,
        unit: 'ms' as const,
        ours: joins.map(({ wholeMs }) => wholeMs),
        opponent: { name: 'raw transfer', values: rawMs },
        ...(target && { target }),
      });
      notes.push(`joining ${name}: ${stages(joins)}; ${(segmentBytes / 1e6).toFixed(2)} MB crossed`);
      if (options.profiling) notes.push(...(await profileJoin(bench, host, hosted, bytes)));
      await host.close();
    }
    return { rows, notes };
  } finally {
    await bench.close();
  }
}

type Hosted = Awaited<ReturnType<BenchDoor['hostRoom']>>;

/** A fresh joiner, who is gone afterwards. */
async function joinOnce(bench: Bench, { ticket, textHash }: Hosted, bytes: number): Promise<Joined> {
  const joiner = await bench.openSite();
  try {
    const joined = await call(joiner, 'joinRoom', ticket, bytes);
    if (joined.textHash !== textHash) throw new Error('the joined text is not the text');
    return joined;
  } finally {
    await joiner.close();
  }
}

/** The same bytes over a channel as fresh as a joiner's. */
async function transferOnce(bench: Bench, host: Page, bytes: number, index: number): Promise<number> {
  const joiner = await bench.openSite();
  try {
    await linkRaw(host, index, joiner);
    return await call(joiner, 'transfer', 0, bytes);
  } finally {
    await joiner.close();
  }
}

function stages(joins: readonly Joined[]): string {
  const middle = (of: (joined: Joined) => number): string => `${Math.round(median(joins.map(of)))} ms`;
  return [
    `signaling and ICE ${middle((joined) => joined.sinceCallMs - joined.wholeMs)} before`,
    `first part of the answer ${middle((joined) => joined.firstPartMs)} after the link was up`,
    `last part ${middle((joined) => joined.lastPartMs)}`,
    `text whole ${middle((joined) => joined.wholeMs)}`,
  ].join(', ');
}

async function profileJoin(bench: Bench, host: Page, { ticket }: Hosted, bytes: number): Promise<string[]> {
  const [first, second] = [await bench.openSite(), await bench.openSite()];
  try {
    return [
      'joiner, self time (the fold is in its worker and not in here):',
      ...(await profiled(first, () => call(first, 'joinRoom', ticket, bytes))),
      'host, self time:',
      ...(await profiled(host, () => call(second, 'joinRoom', ticket, bytes))),
    ];
  } finally {
    await first.close();
    await second.close();
  }
}
