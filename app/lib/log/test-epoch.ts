/** For tests only: a room of test-room.ts that goes on into epochs. */
import { randomBytes, type Bytes } from '../core/bytes.ts';
import { deviceKeyPairFromSeed } from '../crypto/device-keys.ts';
import { deriveRoomKeys, type RoomKeys } from '../crypto/room-keys.ts';
import { sign } from '../crypto/signatures.ts';
import { issueSession } from './certificate.ts';
import type { FrontierRow } from './frontier.ts';
import { makeStatement } from './new-statement.ts';
import type { RosterStatement } from './roster.ts';
import { RoomLog } from './room-log.ts';
import type { TestRoom } from './test-room.ts';

export interface EpochRoom extends TestRoom {
  readonly statements?: readonly RosterStatement[];
}

/** The room in its next epoch, the one before closed at `closed`. */
export async function nextEpoch(closed: readonly FrontierRow[], before: EpochRoom): Promise<EpochRoom> {
  const { owner, genesis, keys: former, viewKeys, statements: earlier = [] } = before;
  const { roomId, past: longPast = [] } = former;
  const epoch = earlier.length + 1;
  const own = await deriveRoomKeys('e', randomBytes(32), epoch, roomId);
  const ownerKey = { sign: (message: Bytes) => sign(owner.privateKey, message) };
  const parts = {
    owner: ownerKey,
    genesis,
    before: earlier,
    keys: own,
    former,
    closed,
    members: [],
    time: 1,
  };
  const statements = [...earlier, await makeStatement(parts)];
  const past = [...longPast, viewKeys];
  const keys: RoomKeys = { ...own, past };
  return {
    owner,
    keys,
    viewKeys: { ...(await deriveRoomKeys('v', own.seeds.v, epoch, roomId)), past },
    genesis,
    statements,
    newLog: (branches = []) => new RoomLog({ roomId, keys, genesis, statements, branches }),
    newSession: async () => issueSession(keys, await deviceKeyPairFromSeed(new Uint8Array(32).fill(7))),
  };
}
