// Keystroke → remote apply, and sends per keystroke: ours, y-webrtc and a raw data channel, with the same tabs, in turns.
import { call, openBench, type Bench, type BenchOptions } from './browser.ts';
import type { Lane } from './page/keystrokes.ts';
import { longestOnProcessor, profiled } from './profile.ts';
import { median, type Findings, type Row, type Target } from './table.ts';
import { TypingRoom, type PastRoom, type TypedRound, type Typing } from './typing-room.ts';

/** Fast typing by one person. */
export const ONE_TYPIST: Typing = { typists: 1, keys: 25, gapMs: 150 };
const { keys: KEYS, gapMs: GAP_MS } = ONE_TYPIST;
/** A key that is held down, or a paste that an editor hands over key by key. */
const BURST_GAP_MS = 10;
const BURST_KEYS = 50;

/** One person typing among so many. A round of one lane varies by half of itself: more of them where a target is close. */
const ISOLATED: readonly { peers: number; repetitions: number; target?: Target }[] = [
  { peers: 2, repetitions: 10 },
  { peers: 5, repetitions: 10, target: { kind: 'ratio', atMost: 1.5 } },
  { peers: 8, repetitions: 5 },
  { peers: 15, repetitions: 5, target: { kind: 'ratio', atMost: 1 } },
  { peers: 25, repetitions: 5, target: { kind: 'ratio', atMost: 1 } },
];
/** Where bursts and everybody typing at once are measured too. */
const BUSY_PEERS = 5;
const BUSY_REPETITIONS = 5;
/** A room in which this many type at once: no task of the main thread may be felt. */
const CROWD = 10;
/** Rounds that are traced, which slows them down: not the ones that are timed. */
const TRACED_REPETITIONS = 3;
/** The browser counts tasks from this on: none is longer when none is counted. */
const LONG_TASK_MS = 50;

const LANES = ['ours', 'y-webrtc'] as const;

export async function measureKeystrokes(options: BenchOptions): Promise<Findings> {
  const findings: Findings[] = [];
  for (const { peers, repetitions, target } of ISOLATED)
    findings.push(
      await inRoom(peers, options, async (room) => {
        const isolated = await measureIsolated(room, peers, repetitions, target);
        if (peers !== BUSY_PEERS) return isolated;
        const profile = options.profiling ? await profileTyping(room) : [];
        const busy = await measureBusy(room, peers);
        return { rows: [...isolated.rows, ...busy], notes: [...(isolated.notes ?? []), ...profile] };
      }),
    );
  findings.push(await inRoom(CROWD, options, measureCrowd));
  return {
    rows: findings.flatMap(({ rows }) => rows),
    notes: findings.flatMap(({ notes = [] }) => notes),
  };
}

/** Opens a room of so many tabs on a browser of its own, warms it up, measures, and closes it all. */
export async function inRoom(
  peers: number,
  options: BenchOptions,
  measure: (room: TypingRoom) => Promise<Findings>,
  { files, past }: { files?: ReadonlyMap<string, Uint8Array>; past?: PastRoom } = {},
): Promise<Findings> {
  const bench: Bench = await openBench(options, files);
  try {
    console.error(`  ${peers} peers …`);
    const room = await TypingRoom.open(bench, peers, past);
    const note = `${peers} peers: ${await bench.countRenderers()} renderer processes, Chromium ${bench.version}`;
    // Warm-up: what is compiled at the first keys is no part of typing.
    for (const lane of LANES) await room.round(lane, ONE_TYPIST);
    const { rows, notes = [] } = await measure(room);
    return { rows, notes: [note, ...notes] };
  } finally {
    await bench.close();
  }
}

async function measureIsolated(
  room: TypingRoom,
  peers: number,
  repetitions: number,
  target: Target | undefined,
): Promise<Findings> {
  const raw: number[] = [];
  const rounds = await inTurns(
    room,
    repetitions,
    ONE_TYPIST,
    async () => void raw.push(...(await room.echo(KEYS, GAP_MS))),
  );
  const perKey = (lane: Lane, of: (round: TypedRound) => number): number[] =>
    rounds[lane].map((round) => of(round) / KEYS);
  const bytes = (lane: Lane): number => Math.round(median(perKey(lane, ({ sends }) => sends.bytes)));
  const ours = latencies(rounds.ours);
  return {
    rows: [
      {
        name: `keystroke → remote apply, ${peers} peers`,
        unit: 'ms',
        ours,
        opponent: { name: 'y-webrtc', values: latencies(rounds['y-webrtc']) },
        ...(target && { target }),
      },
      {
        name: `the same, ${peers} peers`,
        unit: 'ms',
        ours,
        opponent: { name: 'raw channel', values: raw },
      },
      {
        name: `sends that carry a key, ${peers} peers`,
        unit: 'sends',
        ours: perKey('ours', ({ sends }) => sends.edits),
        opponent: { name: 'y-webrtc', values: perKey('y-webrtc', ({ sends }) => sends.edits) },
        target: { kind: 'value', atMost: peers - 1 },
      },
      {
        name: `all sends, presence included, a key, ${peers} peers`,
        unit: 'sends',
        ours: perKey('ours', ({ sends }) => sends.all),
        opponent: { name: 'y-webrtc', values: perKey('y-webrtc', ({ sends }) => sends.all) },
      },
    ],
    notes: [`${peers} peers, bytes a key in all: ours ${bytes('ours')}, y-webrtc ${bytes('y-webrtc')}`],
  };
}

async function measureBusy(room: TypingRoom, peers: number): Promise<Row[]> {
  const bursts = await inTurns(room, BUSY_REPETITIONS, { typists: 1, keys: BURST_KEYS, gapMs: BURST_GAP_MS });
  const all = await inTurns(room, BUSY_REPETITIONS, { typists: peers, keys: KEYS, gapMs: GAP_MS });
  return [
    latencyRow(`a burst, a key each ${BURST_GAP_MS} ms, ${peers} peers`, bursts),
    latencyRow(`all ${peers} typing at once`, all),
  ];
}

async function measureCrowd(room: TypingRoom): Promise<Findings> {
  const typing = { typists: CROWD, keys: KEYS, gapMs: GAP_MS };
  const rounds = await inTurns(room, BUSY_REPETITIONS, typing);
  const longest = (lane: Lane): number[] => rounds[lane].map(({ longTasks }) => Math.max(0, ...longTasks));
  const onProcessor: Record<Lane, number[]> = { ours: [], 'y-webrtc': [] };
  for (let repetition = 0; repetition < TRACED_REPETITIONS; repetition++)
    for (const lane of repetition % 2 === 0 ? LANES : LANES.toReversed())
      onProcessor[lane].push(await longestOnProcessor(room.page(0), () => room.round(lane, typing)));
  return {
    rows: [
      latencyRow(`all ${CROWD} typing at once`, rounds),
      {
        name: `longest task above ${LONG_TASK_MS} ms in any of ${CROWD} tabs meanwhile (0: none)`,
        unit: 'ms',
        ours: longest('ours'),
        opponent: { name: 'y-webrtc', values: longest('y-webrtc') },
        target: { kind: 'value', atMost: LONG_TASK_MS },
      },
      {
        name: `the most of a processor that one task took, all ${CROWD} typing`,
        unit: 'ms',
        ours: onProcessor.ours,
        opponent: { name: 'y-webrtc', values: onProcessor['y-webrtc'] },
      },
    ],
  };
}

type Rounds = Record<Lane, TypedRound[]>;

/** Both lanes in turns whose order alternates, with the clocks compared before each pair. */
export async function inTurns(
  room: TypingRoom,
  repetitions: number,
  typing: Typing,
  besides: () => Promise<void> = async () => undefined,
): Promise<Rounds> {
  const rounds: Rounds = { ours: [], 'y-webrtc': [] };
  for (let repetition = 0; repetition < repetitions; repetition++) {
    await room.compareClocks();
    const forwards = repetition % 2 === 0;
    if (forwards) await besides();
    for (const lane of forwards ? LANES : LANES.toReversed())
      rounds[lane].push(await room.round(lane, typing));
    if (!forwards) await besides();
  }
  return rounds;
}

const latencies = (rounds: readonly TypedRound[]): number[] => rounds.flatMap((round) => round.latencies);

export const latencyRow = (name: string, rounds: Rounds): Row => ({
  name,
  unit: 'ms',
  ours: latencies(rounds.ours),
  opponent: { name: 'y-webrtc', values: latencies(rounds['y-webrtc']) },
});

/** Where the time of a key goes, at the typist and at a watcher. */
export async function profileTyping(room: TypingRoom): Promise<string[]> {
  const [typist, watcher] = [room.page(0), room.page(1)];
  const type = (): Promise<unknown> => call(typist, 'type', 'ours', 0, 200, 30);
  return [
    'typist of ours, self time a key:',
    ...(await profiled(typist, type, 200)),
    'watcher of ours, self time a key:',
    ...(await profiled(watcher, type, 200)),
  ];
}
