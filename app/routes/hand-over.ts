/**
 * What the landing page hands to the room page over one navigation in the same document: keys and files that no URL
 * can carry. One-shot: whoever takes it has it, and a reload has lost it (what must survive is in storage by then).
 */
import type { Bytes } from '../lib/core/bytes.ts';
import type { RoomId } from '../lib/core/ids.ts';
import type { SigningKeyPair } from '../lib/crypto/signatures.ts';
import type { PickedFiles } from '../lib/files/picked.ts';

export interface HandOver {
  readonly roomId: RoomId;
  /** The room's name to begin with. */
  readonly name: string;
  readonly owner: SigningKeyPair;
  /** The owner-signed genesis statement; also in the room's store, unless storage is refused. */
  readonly genesis: Bytes;
  /** What the room begins with; without it, the starter project. */
  readonly picked?: PickedFiles;
}

let waiting: HandOver | undefined;

/** Leaves it for the room page; whatever waited before is dropped. */
export function handOver(what: HandOver): void {
  waiting = what;
}

/** Takes what was left for this room, once; undefined for any other room and the second time. */
export function takeHandOver(roomId: RoomId): HandOver | undefined {
  if (waiting?.roomId !== roomId) return undefined;
  const taken = waiting;
  waiting = undefined;
  return taken;
}
