// The signaling server against y-webrtc's own: messages a second, what one costs the processor, delay, and memory of idle connections.
import type { BenchOptions } from './browser.ts';
import { Endings } from './endings.ts';
import type { Child } from './server/door.ts';
import type { LoadDoor } from './server/load.ts';
import { start, startLoad, type Name, type Running } from './server/processes.ts';
import type { UsageDoor } from './server/usage.ts';
import { median, type Findings, type Row } from './table.ts';

const REPETITIONS = 5;

const ROOMS = 100;
const SUBSCRIBERS = 5;
/**
 * Few enough that no limit of ours is touched (signaling/limits.ts): all bursts together are less than what one connection, and
 * one address, may publish in ten seconds.
 */
const PUBLICATIONS_A_ROOM = 400;
const IN_FLIGHT = 4;
const MESSAGES = ROOMS * PUBLICATIONS_A_ROOM * SUBSCRIBERS;

const PROBES = 100;
const PROBE_GAP_MS = 10;
/** Publications: well below what either server can do, so that what is measured is no queue. */
const STEADY_A_SECOND = 2_000;

const IDLE_CONNECTIONS = 4_000;
/** Connections before those that are counted: what a server loads and compiles at its first ones is nobody's. */
const WARM_UP_CONNECTIONS = 100;

/** Memory that has changed by no more than this for so many looks in a row is at rest. */
const REST_BYTES = 256 * 1024;
const REST_LOOKS = 8;
const LOOK_MS = 250;
const REST_LIMIT_MS = 60_000;

const NAMES = ['ours', 'y-webrtc'] as const satisfies readonly Name[];
type Values = Record<Name, number[]>;
const none = (): Values => ({ ours: [], 'y-webrtc': [] });

export async function measureServer(options: BenchOptions): Promise<Findings> {
  const messages = await measureMessages(options);
  const memory = await measureMemory();
  return { rows: [...messages.rows, ...memory], notes: messages.notes ?? [] };
}

const inTurns = (repetition: number): readonly Name[] => (repetition % 2 === 0 ? NAMES : NAMES.toReversed());
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Lane extends Running {
  readonly load: Child<LoadDoor>;
  /** Apart from the load, so that its own work is no part of the delay. */
  readonly prober: Child<LoadDoor>;
}

async function measureMessages({ profiling }: BenchOptions): Promise<Findings> {
  const endings = new Endings();
  try {
    const lanes = { ours: await openLane('ours', endings), 'y-webrtc': await openLane('y-webrtc', endings) };
    const got = { rate: none(), cost: none(), share: none(), idle: none(), loaded: none() };
    for (let repetition = 0; repetition < REPETITIONS; repetition++)
      for (const name of inTurns(repetition)) {
        const { seconds, processorSeconds } = await burst(lanes[name]);
        got.rate[name].push(MESSAGES / seconds);
        got.cost[name].push((processorSeconds * 1e6) / MESSAGES);
        got.share[name].push(processorSeconds / seconds);
        got.idle[name].push(...(await lanes[name].prober.call('probe', PROBES, PROBE_GAP_MS)));
        got.loaded[name].push(...(await probeLoaded(lanes[name])));
      }
    const [ours, theirs] = NAMES.map((name) => median(got.share[name]).toFixed(2));
    const notes = [`messages as fast as they go: our server has ${ours} cores busy, y-webrtc's ${theirs}`];
    for (const name of profiling ? NAMES : []) notes.push(...(await profileBurst(name, lanes[name])));
    for (const name of NAMES) notes.push(await tellOfMalformed(name, lanes[name]));
    return { rows: messageRows(got), notes };
  } finally {
    await endings.run();
  }
}

async function openLane(name: Name, endings: Endings): Promise<Lane> {
  const lane = { ...(await start(name, endings)), load: startLoad(endings), prober: startLoad(endings) };
  await lane.load.call('openRooms', lane.url, ROOMS, SUBSCRIBERS);
  await lane.prober.call('openRooms', lane.url, 1, 2);
  // Warm-up: what is compiled at the first messages is no part of passing one on.
  await burst(lane);
  await lane.prober.call('probe', PROBES, 0);
  return lane;
}

async function burst({ process, load }: Lane): Promise<{ seconds: number; processorSeconds: number }> {
  const before = await process.call('processorMicroseconds');
  const ms = await load.call('burst', PUBLICATIONS_A_ROOM, IN_FLIGHT);
  const after = await process.call('processorMicroseconds');
  return { seconds: ms / 1000, processorSeconds: (after - before) / 1e6 };
}

async function probeLoaded({ load, prober }: Lane): Promise<number[]> {
  await load.call('publishSteadily', STEADY_A_SECOND);
  const delays = await prober.call('probe', PROBES, PROBE_GAP_MS);
  await load.call('rest');
  return delays;
}

async function profileBurst(name: Name, lane: Lane): Promise<string[]> {
  await lane.process.call('startProfile');
  await burst(lane);
  return [`server, ${name}, self time a message:`, ...(await lane.process.call('takeProfile', MESSAGES))];
}

/** What one frame that is no JSON does to everybody else's connections. */
async function tellOfMalformed(name: Name, { process, load, prober }: Lane): Promise<string> {
  const answer = await prober.call('sendMalformed');
  const goesOn = process.call('residentBytes').then(
    () => 'goes on',
    () => undefined,
  );
  const outcome = (await goesOn) ?? `ends with exit code ${await process.ended}`;
  const left = await load.call('connections');
  return `one malformed frame, ${name}: answers ${answer}, ${outcome}; ${left} of ${ROOMS * SUBSCRIBERS} other connections are left`;
}

function messageRows(got: Record<'rate' | 'cost' | 'idle' | 'loaded', Values>): Row[] {
  const load = `${ROOMS} rooms of ${SUBSCRIBERS}`;
  return [
    {
      name: `signaling: messages delivered, ${load}`,
      unit: 'a second',
      ...against(got.rate),
      target: { kind: 'ratio', atLeast: 1 },
    },
    { name: 'signaling: processor time a message', unit: 'µs', ...against(got.cost) },
    { name: 'signaling: publish → subscriber, idle server', unit: 'ms', ...against(got.idle) },
    {
      name: `signaling: the same at ${STEADY_A_SECOND * SUBSCRIBERS} messages a second`,
      unit: 'ms',
      ...against(got.loaded),
    },
  ];
}

const against = (values: Values): Pick<Row, 'ours' | 'opponent'> => ({
  ours: values.ours,
  opponent: { name: "y-webrtc's server", values: values['y-webrtc'] },
});

/** A server of its own for every repetition: memory once taken is seldom given back. */
async function measureMemory(): Promise<Row[]> {
  const got = { resident: none(), held: none() };
  for (let repetition = 0; repetition < REPETITIONS; repetition++)
    for (const name of inTurns(repetition)) {
      const { resident, held } = await memoryOfConnections(name);
      got.resident[name].push(resident);
      got.held[name].push(held);
    }
  const name = `signaling: memory a connection, ${IDLE_CONNECTIONS} idle`;
  return [
    { name, unit: 'bytes', ...against(got.resident), target: { kind: 'ratio', atMost: 1 } },
    { name: 'signaling: the same after a collection', unit: 'bytes', ...against(got.held) },
  ];
}

/** Resident bytes a connection: as they are, and when garbage has been collected before and after. */
async function memoryOfConnections(name: Name): Promise<{ resident: number; held: number }> {
  const endings = new Endings();
  try {
    const { url, process } = await start(name, endings);
    const load = startLoad(endings);
    await load.call('openRooms', url, WARM_UP_CONNECTIONS, 1);
    const before = await atRest(process);
    await process.call('collectGarbage');
    const emptied = await atRest(process);
    await load.call('openRooms', url, IDLE_CONNECTIONS, 1);
    const full = await atRest(process);
    await process.call('collectGarbage');
    const held = await atRest(process);
    return { resident: (full - before) / IDLE_CONNECTIONS, held: (held - emptied) / IDLE_CONNECTIONS };
  } finally {
    await endings.run();
  }
}

/** Resident bytes, once they no longer change. */
async function atRest(process: Child<UsageDoor>): Promise<number> {
  const looks: number[] = [];
  for (
    const startedAt = performance.now();
    performance.now() - startedAt < REST_LIMIT_MS;
    await pause(LOOK_MS)
  ) {
    looks.push(await process.call('residentBytes'));
    const last = looks.slice(-REST_LOOKS);
    if (last.length === REST_LOOKS && Math.max(...last) - Math.min(...last) <= REST_BYTES)
      return median(last);
  }
  throw new Error('the memory of a server does not come to rest');
}
