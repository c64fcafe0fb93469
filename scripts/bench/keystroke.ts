// Keystroke → remote apply, and sends per keystroke: ours, y-webrtc and a raw data channel, with the same tabs, in turns.
import type { Page } from '@playwright/test';
import { call, openBench, type Bench, type BenchOptions } from './browser.ts';
import type { Lane, Mark } from './page/keystrokes.ts';
import type { Sends } from './page/sends.ts';
import { profiled } from './profile.ts';
import { median, type Findings, type Row } from './table.ts';

/** A round of one lane varies by half of itself, so many of them decide. */
const REPETITIONS = 10;
const KEYS = 25;
/** Fast typing. */
const GAP_MS = 150;
/** Echoes for the offset of two clocks: the fastest of so many is as fast as it gets. */
const OFFSET_ECHOES = 200;
/** What is still sent when the last watcher has seen the last key, y-webrtc's echoes above all. */
const SETTLE_MS = 300;

const TURNS = ['raw', 'ours', 'y-webrtc'] as const;

export async function measureKeystrokes(options: BenchOptions): Promise<Findings> {
  const findings = [await withPeers(2, options), await withPeers(5, options)];
  return {
    rows: findings.flatMap(({ rows }) => rows),
    notes: findings.flatMap(({ notes = [] }) => notes),
  };
}

interface Collected {
  readonly ms: Record<Lane | 'raw', number[]>;
  readonly edits: Record<Lane, number[]>;
  readonly allSends: Record<Lane, number[]>;
  readonly bytes: Record<Lane, number[]>;
}

async function withPeers(count: number, options: BenchOptions): Promise<Findings> {
  const bench = await openBench(options);
  try {
    const pages = await openPeers(bench, count);
    const notes = [
      `${count} peers: ${await bench.countRenderers()} renderer processes, Chromium ${bench.version}`,
    ];
    // Warm-up: what is compiled at the first keys is no part of typing.
    for (const lane of ['ours', 'y-webrtc'] as const) await typed(pages, lane, []);
    const got = empty();
    for (let repetition = 0; repetition < REPETITIONS; repetition++)
      await measureOnce(pages, got, repetition % 2 === 0 ? TURNS : TURNS.toReversed());
    if (options.profiling) notes.push(...(await profileTyping(pages)));
    notes.push(
      `${count} peers, bytes a key in all: ours ${Math.round(median(got.bytes.ours))}, y-webrtc ${Math.round(median(got.bytes['y-webrtc']))}`,
    );
    return { rows: rowsOf(count, got), notes };
  } finally {
    await bench.close();
  }
}

const empty = (): Collected => ({
  ms: { ours: [], 'y-webrtc': [], raw: [] },
  edits: { ours: [], 'y-webrtc': [] },
  allSends: { ours: [], 'y-webrtc': [] },
  bytes: { ours: [], 'y-webrtc': [] },
});

function rowsOf(count: number, { ms, edits, allSends }: Collected): Row[] {
  const yWebrtc = { name: 'y-webrtc', values: ms['y-webrtc'] };
  const atFive = count === 5 ? { target: { kind: 'ratio', atMost: 1.5 } as const } : {};
  return [
    {
      name: `keystroke → remote apply, ${count} peers`,
      unit: 'ms',
      ours: ms.ours,
      opponent: yWebrtc,
      ...atFive,
    },
    {
      name: `the same, ${count} peers`,
      unit: 'ms',
      ours: ms.ours,
      opponent: { name: 'raw channel', values: ms.raw },
    },
    {
      name: `sends that carry a key, ${count} peers`,
      unit: 'sends',
      ours: edits.ours,
      opponent: { name: 'y-webrtc', values: edits['y-webrtc'] },
      target: { kind: 'value', atMost: count - 1 },
    },
    {
      name: `all sends, presence included, a key, ${count} peers`,
      unit: 'sends',
      ours: allSends.ours,
      opponent: { name: 'y-webrtc', values: allSends['y-webrtc'] },
    },
  ];
}

async function measureOnce(
  pages: readonly Page[],
  got: Collected,
  turns: readonly (Lane | 'raw')[],
): Promise<void> {
  const [typist, ...watchers] = pages;
  if (typist === undefined) return;
  const offsets: number[] = [];
  for (const index of watchers.keys())
    offsets.push((await call(typist, 'echo', index + 1, OFFSET_ECHOES, 2)).offsetMs);
  for (const turn of turns) {
    if (turn === 'raw') {
      got.ms.raw.push(...(await call(typist, 'echo', 1, KEYS, GAP_MS)).halvesMs);
      continue;
    }
    const { latencies, sends } = await typed(pages, turn, offsets);
    got.ms[turn].push(...latencies);
    got.edits[turn].push((turn === 'ours' ? sends.ourEdits : sends.yWebrtcEdits) / KEYS);
    got.allSends[turn].push(sends.all / KEYS);
    got.bytes[turn].push(sends.bytes / KEYS);
  }
}

/** One round of typing. `offsets`: each watcher's clock minus the typist's. */
async function typed(
  [typist, ...watchers]: readonly Page[],
  lane: Lane,
  offsets: readonly number[],
): Promise<{ latencies: number[]; sends: Sends }> {
  if (typist === undefined) throw new Error('nobody types');
  const pages = [typist, ...watchers];
  for (const page of pages) {
    await call(page, 'watch', lane);
    await call(page, 'takeSends');
  }
  const pressed = await call(typist, 'type', lane, KEYS, GAP_MS);
  const length = pressed.at(-1)?.[0] ?? 0;
  const latencies: number[] = [];
  for (const [index, watcher] of watchers.entries()) {
    const marks = await call(watcher, 'watched', lane, length);
    latencies.push(...delays(pressed, marks, offsets[index] ?? 0));
  }
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const all = await Promise.all(pages.map((page) => call(page, 'takeSends')));
  const sum = (of: keyof Sends): number => all.reduce((total, sends) => total + sends[of], 0);
  const sends = {
    ourEdits: sum('ourEdits'),
    yWebrtcEdits: sum('yWebrtcEdits'),
    all: sum('all'),
    bytes: sum('bytes'),
  };
  return { latencies, sends };
}

/** How long after each key the far text had grown to hold it. */
const delays = (pressed: readonly Mark[], marks: readonly Mark[], offsetMs: number): number[] =>
  pressed.map(([length, at]) => {
    const seen = marks.find(([reached]) => reached >= length);
    if (seen === undefined) throw new Error(`a key was lost at ${length}`);
    return seen[1] - offsetMs - at;
  });

/** Tabs that are in one room of ours, in one of y-webrtc's, and have raw channels to the first of them. */
async function openPeers(bench: Bench, count: number): Promise<Page[]> {
  const pages: Page[] = [];
  for (let i = 0; i < count; i++) pages.push(await bench.openSite());
  const [first] = pages;
  if (first === undefined) throw new Error('a room needs somebody');
  const ticket = await call(first, 'makeRoom');
  for (const [index, page] of pages.entries()) {
    await call(page, 'join', ticket, index === 0);
    await call(page, 'joinYWebrtc', 'bench');
    if (index > 0) await linkRaw(first, index, page);
  }
  await Promise.all(pages.map((page) => call(page, 'linked', count - 1)));
  return pages;
}

/** A raw channel between the first page and another; each knows the other by a number. */
export async function linkRaw(first: Page, index: number, other: Page): Promise<void> {
  const offer = await call(first, 'offer', index);
  await call(first, 'answered', index, await call(other, 'answer', 0, offer));
  await call(other, 'opened', 0);
}

async function profileTyping(pages: readonly Page[]): Promise<string[]> {
  const [typist, watcher] = pages;
  if (typist === undefined || watcher === undefined) return [];
  const type = (): Promise<unknown> => call(typist, 'type', 'ours', 200, 30);
  return [
    'typist of ours, self time a key:',
    ...(await profiled(typist, type, 200)),
    'watcher of ours, self time a key:',
    ...(await profiled(watcher, type, 200)),
  ];
}
