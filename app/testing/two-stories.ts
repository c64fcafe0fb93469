/** Sessions that sign two stories: for tests of what others make of them. */
import * as Y from 'yjs';
import type { Bytes } from '../lib/core/bytes.ts';
import { generateDeviceKeyPair } from '../lib/crypto/device-keys.ts';
import type { RoomKeys } from '../lib/crypto/room-keys.ts';
import { Project } from '../lib/document/project.ts';
import { generateSigningKeyPair } from '../lib/crypto/signatures.ts';
import { issueSession, type OwnSession } from '../lib/log/certificate.ts';
import type { Genesis } from '../lib/log/genesis.ts';
import type { StoredSegment } from '../lib/log/log-store.ts';
import { RoomLog } from '../lib/log/room-log.ts';
import { toStored } from '../lib/sync/fold-session.ts';

/**
 * What two people heard of one key that is certified twice: a file that says "start ", by somebody else, then "AA " by the one
 * certificate and "B " by the other. `waiting`: the second names what nobody has.
 */
export async function twoCertificates(
  keys: RoomKeys,
  genesis: Genesis,
  waiting = false,
): Promise<[StoredSegment[], StoredSegment[]]> {
  const pair = await generateSigningKeyPair();
  const heard: [StoredSegment[], StoredSegment[]] = [[], []];
  const doc = new Y.Doc();
  const log = new RoomLog({ roomId: keys.roomId, keys, genesis });
  const author = await issueSession(keys, await generateDeviceKeyPair());
  doc.clientID = author.clientId;
  const started = await appendEdit(doc, log, author, () => new Project(doc).createText('file.txt', 'start '));
  for (const hearer of heard) hearer.push(started);
  for (const [i, hearer] of heard.entries()) {
    const session = await issueSession(keys, await generateDeviceKeyPair(), pair);
    const [mine, known] = [new Y.Doc(), new RoomLog({ roomId: keys.roomId, keys, genesis })];
    await known.receive(started.sealed);
    Y.applyUpdate(mine, Y.encodeStateAsUpdate(doc));
    const project = new Project(mine);
    const text = (): Y.Text | undefined => project.list().flatMap(({ id }) => project.text(id) ?? [])[0];
    if (i === 1 && waiting) {
      // Somebody's words that come to nobody else.
      const other = await issueSession(keys, await generateDeviceKeyPair());
      mine.clientID = other.clientId;
      await appendEdit(mine, known, other, () => text()?.insert(6, 'lost '));
    }
    mine.clientID = session.clientId;
    hearer.push(await appendEdit(mine, known, session, () => text()?.insert(7, i === 0 ? 'AA ' : 'B ')));
  }
  return heard;
}

async function appendEdit(
  doc: Y.Doc,
  log: RoomLog,
  session: OwnSession,
  change: () => void,
): Promise<StoredSegment> {
  let update: Uint8Array | undefined;
  doc.once('update', (made: Uint8Array) => (update = made));
  doc.transact(change);
  const appended = await log.append(session, 'project', update as Bytes, 1_000);
  if (!appended.ok) throw new Error(appended.error.code);
  return toStored(appended.value);
}

/**
 * What two people heard of the same session, as of one whose computer was restored from a copy: `entries` that both did (a file of the name that is given, which says "start "),
 * then as many that one did ("AA " each) and the other ("B " each).
 */
export async function twoStories(
  keys: RoomKeys,
  genesis: Genesis,
  entries = 1,
  fileName = 'file.txt',
): Promise<[StoredSegment[], StoredSegment[]]> {
  const session = await issueSession(keys, await generateDeviceKeyPair());
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
    const stored = await appendEdit(by, into, session, () => {
      const project = new Project(by);
      change(project.list().flatMap(({ id }) => project.text(id) ?? [])[0]);
    });
    for (const each of hearers) each.push(stored);
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
