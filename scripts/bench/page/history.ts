/** A long history on this device's disk, and how long opening it takes; the same in y-indexeddb. */
import { IndexeddbPersistence } from 'y-indexeddb';
import * as Y from 'yjs';
import { fromHex } from '../../../app/lib/core/bytes.ts';
import type { RoomId } from '../../../app/lib/core/ids.ts';
import { workerFolder } from '../../../app/lib/sync/folder.ts';
import { unpackHistory, unpackUpdates } from '../history-file.ts';
import { pause } from './clock.ts';
import { fetched } from './fetched.ts';
import { fileText, openRoom, type RoomTicket } from './room.ts';

export interface Opened {
  readonly ms: number;
  readonly characters: number;
}

/** Y.Text of the opponent's document. */
const TEXT = 'paper';

/** Puts the squashed log at `url` into this device's store. */
export async function storeHistory(ticket: RoomTicket, url: string): Promise<void> {
  const segments = unpackHistory(await fetched(url));
  const { store, replica } = await openRoom(ticket);
  await store.append(segments);
  await replica.close();
}

/** Opens it, as a tab does whose device has the room; until the text can be read. */
export async function openHistory(ticket: RoomTicket): Promise<Opened> {
  const start = performance.now();
  const room = await openRoom(ticket);
  const text = String(fileText(room));
  return { ms: performance.now() - start, characters: text.length };
}

/** Opens it from the whole log, types one key, and stays until the room has made its snapshot. */
export async function openWithoutSnapshot(ticket: RoomTicket): Promise<Opened> {
  const start = performance.now();
  const room = await openRoom(ticket);
  const text = fileText(room);
  const characters = String(text).length;
  const ms = performance.now() - start;
  text?.insert(text.length, 'x');
  while ((await room.store.loadSnapshot()) === undefined) await pause(100);
  await room.replica.close();
  return { ms, characters };
}

/** How long a worker takes to verify the whole log at `url` and to fold it into one state, handed over. */
export async function verifyHistory(
  { roomId, editSeed, genesis }: Required<RoomTicket>,
  url: string,
): Promise<number> {
  const segments = unpackHistory(await fetched(url)).map(({ sealed }) => sealed);
  const folder = workerFolder();
  const seed = { kind: 'e', bytes: fromHex(editSeed), epoch: 0 } as const;
  const start = performance.now();
  await folder.start({
    roomId: roomId as RoomId,
    seed,
    genesis: fromHex(genesis),
    statements: [],
    pastSeeds: [],
  });
  const { entries, refusals } = await folder.fold(segments);
  const ms = performance.now() - start;
  folder.end();
  if (entries === 0 || refusals.length > 0) throw new Error(`${refusals.length} segments were refused`);
  return ms;
}

/** Stores the same history, merged into one update, the way y-indexeddb keeps it. */
export async function storeInYIndexeddb(name: string, url: string): Promise<void> {
  const updates = unpackUpdates(await fetched(url));
  const persistence = new IndexeddbPersistence(name, new Y.Doc());
  await persistence.whenSynced;
  const { db } = persistence as unknown as { db: IDBDatabase };
  const transaction = db.transaction('updates', 'readwrite');
  for (const update of updates) transaction.objectStore('updates').add(update);
  await new Promise((resolve) => transaction.addEventListener('complete', resolve));
  await persistence.destroy();
}

export async function openYIndexeddb(name: string): Promise<Opened> {
  const start = performance.now();
  const doc = new Y.Doc();
  const persistence = new IndexeddbPersistence(name, doc);
  await persistence.whenSynced;
  const text = String(doc.getText(TEXT));
  return { ms: performance.now() - start, characters: text.length };
}
