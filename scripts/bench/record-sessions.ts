// A room in which thousands of sessions wrote a few words each and left: what years of short visits come to.
import * as Y from 'yjs';
import { toHex, type Bytes } from '../../app/lib/core/bytes.ts';
import { generateDeviceKeyPair } from '../../app/lib/crypto/device-keys.ts';
import { createRoom, deriveRoomKeys } from '../../app/lib/crypto/room-keys.ts';
import { Project } from '../../app/lib/document/project.ts';
import { issueSession } from '../../app/lib/log/certificate.ts';
import { makeGenesis } from '../../app/lib/log/genesis.ts';
import type { StoredSegment } from '../../app/lib/log/log-store.ts';
import { RoomLog } from '../../app/lib/log/room-log.ts';
import { toStored } from '../../app/lib/sync/fold-session.ts';
import type { RoomTicket } from './page/room.ts';

export interface PastSessions {
  readonly ticket: Required<RoomTicket>;
  readonly segments: readonly StoredSegment[];
  /** The same text with as many clients, for the opponent's doc. */
  readonly state: Uint8Array;
}

/** Each session writes this into the one file, after what the session before it wrote. */
const WORDS = 'a line that somebody left here\n';

export async function recordSessions(count: number): Promise<PastSessions> {
  const { owner, roomId, editSeed } = await createRoom();
  const keys = await deriveRoomKeys('e', editSeed, 0, roomId);
  const genesis = await makeGenesis(owner, keys);
  const log = new RoomLog({ roomId, keys, genesis });
  const doc = new Y.Doc();
  const opponent = new Y.Doc();
  const made: Uint8Array[] = [];
  doc.on('update', (update) => made.push(update));
  const project = new Project(doc);
  const segments: StoredSegment[] = [];
  let text: Y.Text | undefined;
  for (let i = 0; i < count; i++) {
    const session = await issueSession(keys, await generateDeviceKeyPair());
    doc.clientID = opponent.clientID = session.clientId;
    if (text === undefined) {
      const created = project.createText('visits.txt', '');
      text = created.ok ? project.text(created.value) : undefined;
    }
    text?.insert(text.length, WORDS);
    const theirs = opponent.getText('visits.txt');
    theirs.insert(theirs.length, WORDS);
    for (const update of made.splice(0)) {
      const appended = await log.append(session, 'project', update as Bytes, Date.now());
      if (!appended.ok) throw new Error(`session ${i} was refused: ${appended.error.code}`);
      segments.push(toStored(appended.value));
    }
  }
  return {
    ticket: { roomId, editSeed: toHex(editSeed), genesis: toHex(genesis.bytes) },
    segments,
    state: Y.encodeStateAsUpdate(opponent),
  };
}
