// Plays a trace into a room's log, one segment a key as live typing makes them, and squashes it as a device does.
import * as Y from 'yjs';
import { toHex, type Bytes } from '../../app/lib/core/bytes.ts';
import { generateDeviceKeyPair } from '../../app/lib/crypto/device-keys.ts';
import { createRoom, deriveRoomKeys, type RoomKeys } from '../../app/lib/crypto/room-keys.ts';
import { Project } from '../../app/lib/document/project.ts';
import { issueSession } from '../../app/lib/log/certificate.ts';
import { makeGenesis } from '../../app/lib/log/genesis.ts';
import { MAX_SEGMENT_ENTRIES, TAIL_SEGMENT_ENTRIES } from '../../app/lib/log/format.ts';
import type { StoredSegment } from '../../app/lib/log/log-store.ts';
import { RoomLog } from '../../app/lib/log/room-log.ts';
import { openSealed, seal } from '../../app/lib/log/seal.ts';
import { decodeSegment, encodeSegment } from '../../app/lib/log/segment.ts';
import { squash, type SquashWindow } from '../../app/lib/log/squash.ts';
import { toStored } from '../../app/lib/sync/fold-session.ts';
import type { RoomTicket } from './page/room.ts';
import type { Trace } from './trace.ts';

/** mergeUpdates is quadratic in the number of updates. */
const MERGE_UPDATES = 500;
/** Between keys where the trace says nothing. */
const GAP_MS = 50;

export interface History {
  readonly ticket: Required<RoomTicket>;
  readonly keys: RoomKeys;
  readonly entries: number;
  /** What one segment a key came to. */
  readonly liveBytes: number;
  readonly squashed: readonly StoredSegment[];
  /** Every update of a plain Y.Doc that was edited alike, as one. */
  readonly merged: Uint8Array;
  /** Its state alone, to which y-indexeddb trims what it stores: what was deleted is gone. */
  readonly state: Uint8Array;
}

export async function recordHistory(trace: Trace): Promise<History> {
  const { owner, roomId, editSeed } = await createRoom();
  const keys = await deriveRoomKeys('e', editSeed, 0, roomId);
  const genesis = await makeGenesis(owner, keys);
  const session = await issueSession(keys, await generateDeviceKeyPair());
  const log = new RoomLog({ roomId, keys, genesis });

  let liveBytes = 0;
  let entries = 0;
  let window: StoredSegment[] = [];
  const squashed: StoredSegment[] = [];
  const squashWindow = async (by: SquashWindow): Promise<void> => {
    const longer = await squash(keys, window, by);
    const replaced = new Set(longer.flatMap((one) => one.replaced));
    squashed.push(...longer.map(({ segment }) => segment), ...window.filter((one) => !replaced.has(one)));
    window = [];
  };
  for (const { update, time } of keystrokes(trace, session.clientId)) {
    const appended = await log.append(session, 'project', update, time);
    if (!appended.ok) throw new Error(`key ${entries} was refused: ${appended.error.code}`);
    liveBytes += appended.value.sealed.length;
    entries++;
    window.push(toStored(appended.value));
    if (entries % MAX_SEGMENT_ENTRIES === 0) await squashWindow(MAX_SEGMENT_ENTRIES);
  }
  await squashWindow(TAIL_SEGMENT_ENTRIES);
  return {
    ticket: { roomId, editSeed: toHex(editSeed), genesis: toHex(genesis.bytes) },
    keys,
    entries,
    liveBytes,
    squashed,
    ...opponent(trace),
  };
}

/**
 * What the squashed log would weigh with other times: this trace's are those of a conversion, a few milliseconds for
 * all of it. Here keys are 50 to 450 ms apart, at random, which costs a byte a key.
 */
export async function weighWithTypedTimes({ keys, squashed }: History): Promise<number> {
  let bytes = 0;
  let time = 1_700_000_000_000;
  for (const { sealed } of squashed) {
    const opened = await openSealed(keys, 'segment', sealed);
    const segment = opened.ok ? decodeSegment(opened.value) : undefined;
    if (!segment?.ok) throw new Error('a squashed segment does not open');
    const entries = segment.value.entries.map((entry) => {
      time += 50 + Math.floor(Math.random() * 400);
      return { ...entry, time };
    });
    bytes += (await seal(keys, 'segment', encodeSegment({ ...segment.value, entries }))).length;
  }
  return bytes;
}

/** The project's updates: the file's creation, then one for each transaction of the trace. */
function* keystrokes(trace: Trace, clientId: number): Generator<{ update: Bytes; time: number }> {
  const doc = new Y.Doc();
  doc.clientID = clientId;
  const made: Uint8Array[] = [];
  doc.on('update', (update) => made.push(update));
  const project = new Project(doc);
  const created = project.createText('paper.tex', trace.startContent);
  const text = created.ok ? project.text(created.value) : undefined;
  if (text === undefined) throw new Error('the file could not be made');
  let time = Date.parse(trace.txns[0]?.time ?? '2024-01-01');
  const taken = () => made.splice(0).map((update) => ({ update: update as Bytes, time }));
  yield* taken();
  for (const { time: recorded, patches } of trace.txns) {
    time = recorded === undefined ? time + GAP_MS : Date.parse(recorded);
    doc.transact(() => edit(text, patches));
    yield* taken();
  }
  if (String(text) !== trace.endContent) throw new Error('the trace does not end as it says');
}

/** The opponent's document: one Y.Text. */
function opponent(trace: Trace): Pick<History, 'merged' | 'state'> {
  const doc = new Y.Doc();
  const updates: Uint8Array[] = [];
  doc.on('update', (update) => updates.push(update));
  const text = doc.getText('paper');
  text.insert(0, trace.startContent);
  for (const { patches } of trace.txns) doc.transact(() => edit(text, patches));
  const parts: Uint8Array[] = [];
  while (updates.length > 0) parts.push(Y.mergeUpdates(updates.splice(0, MERGE_UPDATES)));
  return { merged: Y.mergeUpdates(parts), state: Y.encodeStateAsUpdate(doc) };
}

function edit(text: Y.Text, patches: Trace['txns'][number]['patches']): void {
  for (const [position, deleted, inserted] of patches) {
    if (deleted > 0) text.delete(position, deleted);
    if (inserted !== '') text.insert(position, inserted);
  }
}
