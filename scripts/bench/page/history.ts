/** A long history on this device's disk, and how long opening it takes; the same in y-indexeddb. */
import { IndexeddbPersistence } from 'y-indexeddb';
import * as Y from 'yjs';
import { unpackHistory, unpackUpdates } from '../history-file.ts';
import { pause } from './clock.ts';
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

async function fetched(url: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await fetch(url)).arrayBuffer());
}
