// What an hour of typing costs in the archive, as it is sent and as a device would keep it (LOG-9):
// `CODEFACE_TRACES=<folder> node scripts/bench-archive-typing.ts`. The real client types a recorded session at the pace it was typed at
// (pauses above a minute are a minute) into an archive in memory; the clock goes from timer to timer.
import { MemoryArchive } from '../app/testing/memory-archive.ts';
import { makeRoom, openReplica, wayTo } from '../app/testing/replicas.ts';
import { ARCHIVE_SEGMENT_OVERHEAD_BYTES } from '../app/lib/core/archive-wire.ts';
import { archiveKeys } from '../app/lib/crypto/room-keys.ts';
import { sign } from '../app/lib/crypto/signatures.ts';
import { kindOf } from '../app/lib/log/seal.ts';
import type { StoredSegment } from '../app/lib/log/log-store.ts';
import { squash } from '../app/lib/log/squash.ts';
import { memoryStore } from '../app/lib/storage/stores/memory.ts';
import type { RoomWaits } from '../app/lib/sync/archive/room-at-rest.ts';
import { readLone } from '../app/lib/sync/lone-segment.ts';
import { readTrace } from './bench/trace.ts';

const HOURS = Number(process.env['HOURS'] ?? 1);
const LONGEST_PAUSE_MS = 60_000;
const folder = process.env['CODEFACE_TRACES'];
if (!folder) throw new Error('CODEFACE_TRACES names no folder of recorded sessions.');

const clock = virtualClock();
const archive = new MemoryArchive();
const room = await makeRoom();
const keys = await room.keys('e');
const store = memoryStore();
const server = archive.open(keys.roomId, archiveKeys(keys));
const open = (waits?: RoomWaits) =>
  openReplica(room, {
    transports: [],
    store,
    makesFile: waits === undefined,
    archive: wayTo({
      server: archive.open(keys.roomId, archiveKeys(keys)),
      owner: { sign: (message) => sign(room.owner.privateKey, message) },
      alone: (work) => work(),
      ...(waits && { room: waits }),
    }),
  });
const ann = await open();
await clock.pass(10_000);

const { txns } = readTrace(folder, 'json-crdt-patch');
const end = clock.now() + HOURS * 3_600_000;
let edits = 0;
let typed = 0;
let before = Date.parse(txns[0]?.time ?? '');
for (const { time, patches } of txns) {
  const at = Date.parse(time ?? '');
  await clock.pass(Math.min(at - before, LONGEST_PAUSE_MS));
  before = at;
  if (clock.now() >= end) break;
  ann.replica.doc.transact(() => {
    for (const [position, deleted, inserted] of patches) {
      if (deleted > 0) ann.text.delete(position, deleted);
      if (inserted) ann.text.insert(position, inserted);
      typed += inserted.length;
    }
  });
  edits++;
}
await clock.pass(60_000);

const stored: StoredSegment[] = [];
for (const sealed of archive.segments(keys.roomId)) {
  const one = kindOf(sealed) === 'segment' ? await readLone(keys, sealed) : undefined;
  if (one) stored.push({ ...one, sealed });
}
const entries = Math.max(...stored.map(({ last }) => last));
console.log(`${edits} edits in ${HOURS} h, ${typed} characters typed, ${entries} entries`);
show('as sent', stored);
show('by 500', await kept(stored, 500));
await ann.replica.close();

const later = await open({ restMs: 0, everyMs: 0, grownBytes: 1, worthBytes: 4 * 1024 });
// Its code is fetched first, which is no timer's business.
for (let i = 0; i < 400; i++) await clock.pass(500);
const live = await server.livePage(0);
if (!live.ok) throw new Error(live.error.reason);
const left: StoredSegment[] = [];
for (const sealed of live.value.segments) {
  const one = await readLone(keys, sealed);
  if (one) left.push({ ...one, sealed });
}
show('what an owner’s tab leaves', left);
const closed = later.replica.close();
await clock.pass(60_000);
await closed;

async function kept(all: readonly StoredSegment[], by: 500): Promise<StoredSegment[]> {
  const squashed = await squash(keys, all, by);
  const gone = new Set(squashed.flatMap(({ replaced }) => replaced));
  return [...all.filter((one) => !gone.has(one)), ...squashed.map(({ segment }) => segment)];
}

function show(name: string, segments: readonly StoredSegment[]): void {
  const bytes = segments.reduce((sum, { sealed }) => sum + sealed.length, 0);
  const counted = bytes + segments.length * ARCHIVE_SEGMENT_OVERHEAD_BYTES;
  console.log(
    `${name}: ${segments.length} segments, ${bytes} B, ${counted} B counted, ${(counted / entries).toFixed(1)} B an entry`,
  );
}

/** Replaces the clock and the timers of this process: time goes on when all that was due is done, and only in `pass`. */
function virtualClock() {
  const real = globalThis.setTimeout;
  const begun = Date.now();
  let now = 0;
  let next = 1;
  const timers = new Map<number, { at: number; run: () => void }>();
  const add = (run: (...of: unknown[]) => void, ms = 0, ...of: unknown[]): number => {
    timers.set(next, { at: now + Math.max(1, ms), run: () => run(...of) });
    return next++;
  };
  const every = (run: () => void, ms: number): number => {
    const id = next;
    const again = (): void => {
      timers.set(id, { at: now + ms, run: () => (again(), run()) });
    };
    again();
    next++;
    return id;
  };
  const drop = (id: number): void => void timers.delete(id);
  Object.assign(globalThis, { setTimeout: add, clearTimeout: drop, setInterval: every, clearInterval: drop });
  Date.now = () => begun + now;
  performance.now = () => now;
  // What goes through WebCrypto takes several turns of the loop.
  const calm = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) await new Promise<void>((done) => real(done, i));
  };
  return {
    now: () => now,
    pass: async (ms: number): Promise<void> => {
      const until = now + ms;
      await calm();
      for (;;) {
        const [due] = [...timers].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at);
        if (!due) break;
        timers.delete(due[0]);
        now = Math.max(now, due[1].at);
        due[1].run();
        await calm();
      }
      now = until;
    },
  };
}
