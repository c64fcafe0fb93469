/** A room with a history, and checkpoints of it that are not what honest tabs make. */
import * as Y from 'yjs';
import { randomBytes, type Bytes } from '../lib/core/bytes.ts';
import { deviceKeyPairFromSeed } from '../lib/crypto/device-keys.ts';
import type { SeedKind } from '../lib/crypto/room-keys.ts';
import { ownWords, putBack } from '../lib/document/own-words.ts';
import { issueSession } from '../lib/log/certificate.ts';
import { makeCheckpoint, type Checkpoint } from '../lib/log/checkpoint.ts';
import { seal } from '../lib/log/seal.ts';
import { inPlaceFolder, type Folder } from '../lib/sync/folder.ts';
import { frameType, writeFrame } from '../lib/sync/frames.ts';
import type { MemoryNetwork } from './memory-network.ts';
import type { ReplicaSetup, TestReplica, TestRoom } from './replicas.ts';

/** Every history is worth a checkpoint. */
export const ALWAYS = { entries: 1, bytesAnEntry: Infinity };

/** Writes an entry for each of so many letters, taking some back. */
export async function writeHistory(who: TestReplica, letters: number): Promise<void> {
  for (let i = 0; i < letters; i++) {
    who.text.insert(who.text.length, String(i % 10));
    if (i % 5 === 4) who.text.delete(who.text.length - 3, 1);
    await who.replica.settled();
  }
}

/** What an honest checkpoint of now says. */
export const momentOf = ({ replica }: TestReplica): Pick<Checkpoint, 'frontier' | 'state'> => ({
  frontier: replica.frontier.filter(({ channel }) => channel === 'project'),
  state: Y.encodeStateAsUpdate(replica.doc) as Bytes,
});

/** The state with something done to it by that client. */
export function changed(state: Bytes, client: number, change: (doc: Y.Doc) => void): Bytes {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, state);
  doc.clientID = client;
  change(doc);
  return Y.encodeStateAsUpdate(doc) as Bytes;
}

/** The text of the room's one file, in any doc of it. */
export function textIn(doc: Y.Doc): Y.Text {
  const [record]: unknown[] = [...doc.getMap<unknown>('files').values()];
  const text: unknown = record instanceof Y.Map ? record.get('text') : undefined;
  if (!(text instanceof Y.Text)) throw new Error('the file is not there');
  return text;
}

/** A sealed checkpoint, signed by a new session of who holds that link. */
export async function checkpointBy(
  room: TestRoom,
  kind: SeedKind,
  moment: Pick<Checkpoint, 'frontier' | 'state'>,
): Promise<Bytes> {
  const keys = await room.keys(kind);
  const session = await issueSession(keys, await deviceKeyPairFromSeed(randomBytes(32)));
  const made = await makeCheckpoint(session, { time: 0, ...moment });
  if (made === undefined) throw new Error('too large');
  return seal(keys, 'checkpoint', made);
}

/** Whatever checkpoint is sent on that network becomes this one. */
export function swapCheckpoints(network: MemoryNetwork, sealed: Bytes): void {
  network.changes = (frame) => (frame[0] === frameType.checkpoint ? writeFrame('checkpoint', sealed) : frame);
}

/** A folder that folds nothing before it is opened. */
export function gated(): { readonly folder: Folder; readonly open: () => void } {
  const inner = inPlaceFolder();
  const { promise, resolve } = Promise.withResolvers<void>();
  return { folder: { ...inner, fold: (sealed) => promise.then(() => inner.fold(sealed)) }, open: resolve };
}

/** Opens the room again by its log, as the page does when a checkpoint was not true; resolves when the words are in. */
export async function openAgain(
  who: TestReplica,
  join: (setup: ReplicaSetup) => Promise<TestReplica>,
  setup: ReplicaSetup,
  caughtUp: (again: TestReplica) => Promise<void>,
): Promise<TestReplica> {
  const words = ownWords(who.project, who.replica.doc.clientID, who.replica.takeUnsigned());
  await who.replica.close();
  const again = await join({ ...setup, store: who.store });
  await caughtUp(again);
  const left = words ? putBack(again.project, words) : [];
  if (left.length > 0) throw new Error('words that found no place');
  return again;
}
