/** A session that signs two stories, as one does whose computer was restored from a copy: for tests of what others make of it. */
import * as Y from 'yjs';
import { randomBytes, type Bytes } from '../lib/core/bytes.ts';
import type { RoomKeys } from '../lib/crypto/room-keys.ts';
import { Project } from '../lib/document/project.ts';
import { issueSession } from '../lib/log/certificate.ts';
import type { Genesis } from '../lib/log/genesis.ts';
import type { StoredSegment } from '../lib/log/log-store.ts';
import { RoomLog } from '../lib/log/room-log.ts';
import { toStored } from '../lib/sync/fold-session.ts';

/**
 * What two people heard of the same session: `entries` that both did (a file of the name that is given, which says "start "),
 * then as many that one did ("AA " each) and the other ("B " each).
 */
export async function twoStories(
  keys: RoomKeys,
  genesis: Genesis,
  entries = 1,
  fileName = 'file.txt',
): Promise<[StoredSegment[], StoredSegment[]]> {
  const session = await issueSession(keys, randomBytes(32));
  const options = { roomId: keys.roomId, keys, genesis };
  const [doc, twin] = [new Y.Doc(), new Y.Doc()];
  const log = new RoomLog(options);
  const heard: [StoredSegment[], StoredSegment[]] = [[], []];
  const write = async (
    by: Y.Doc,
    into: RoomLog,
    hearers: readonly StoredSegment[][],
    change: (text: Y.Text | undefined) => void,
  ): Promise<void> => {
    by.clientID = session.clientId;
    let update: Uint8Array | undefined;
    by.once('update', (made: Uint8Array) => (update = made));
    by.transact(() => {
      const project = new Project(by);
      change(project.list().flatMap(({ id }) => project.text(id) ?? [])[0]);
    });
    const appended = await into.append(session, 'project', update as Bytes, 1_000);
    if (!appended.ok) throw new Error(appended.error.code);
    for (const each of hearers) each.push(toStored(appended.value));
  };
  await write(doc, log, heard, () => new Project(doc).createText(fileName, 'start '));
  for (let i = 1; i < entries; i++) await write(doc, log, heard, (text) => text?.insert(text.length, '.'));
  const copy = RoomLog.importChains(log.exportChains(), options);
  if (!copy.ok) throw new Error('chains that were just exported');
  Y.applyUpdate(twin, Y.encodeStateAsUpdate(doc));
  for (let i = 0; i < entries; i++) {
    await write(doc, log, [heard[0]], (text) => text?.insert(6, 'AA '));
    await write(twin, copy.value, [heard[1]], (text) => text?.insert(6, 'B '));
  }
  return heard;
}
