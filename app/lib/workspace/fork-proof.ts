/** The proof of a fork as a file: two sealed segments that verify alone, to whoever has the room's link (SPEC, ACC-4). */
import { toHex } from '../core/bytes.ts';
import type { RoomId } from '../core/ids.ts';
import type { ForkNotice } from '../sync/replica-events.ts';

export const forkProofFile = (room: RoomId, { session, channel, seq, here, other }: ForkNotice): Blob =>
  new Blob(
    [JSON.stringify({ room, session, channel, seq, here: toHex(here), other: toHex(other) }, undefined, 2)],
    { type: 'application/json' },
  );
