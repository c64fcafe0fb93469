/** The open room as a room file (docs/spec-room-file.md): loaded when someone asks for it. */
import type { RoomId } from '../core/ids.ts';
import { encodeRoomFile } from '../log/room-file.ts';
import type { Replica } from '../sync/replica.ts';
import type { NewAlert } from './alerts.ts';
import { bytes } from './amounts.ts';

/** Read from the store at once. */
const BATCH_BYTES = 1024 * 1024;
/** Handed to the browser at once: it may keep blobs outside of this page's memory. */
const PART_BYTES = 8 * 1024 * 1024;

/**
 * Everything this tab has of the room, nothing squashed and nothing left out. `onProgress` is told 0 to 1. Rejects where
 * the store does, and for a room that is not known yet (its command is not offered then).
 */
export async function exportRoom(
  roomId: RoomId,
  replica: Pick<Replica, 'genesis' | 'segments' | 'frontier' | 'epochs'>,
  onProgress: (done: number) => void = () => undefined,
): Promise<Blob> {
  const { genesis } = replica;
  if (genesis === undefined) throw new Error('a room that nobody brought yet');
  const chains = Math.max(1, replica.frontier.length);
  const seen = new Set<string>();
  async function* sealed(): AsyncGenerator<readonly Uint8Array<ArrayBuffer>[]> {
    const roster = await replica.epochs.sealed();
    if (roster !== undefined) yield [roster];
    for await (const batch of replica.segments(BATCH_BYTES)) {
      for (const { session, channel } of batch) seen.add(`${session}/${channel}`);
      onProgress(Math.min(1, seen.size / chains));
      yield batch.map((segment) => segment.sealed);
    }
  }
  let file = new Blob([]);
  let parts: BlobPart[] = [];
  let size = 0;
  for await (const part of encodeRoomFile({ roomId, genesis }, sealed())) {
    parts.push(part);
    size += part.length;
    if (size < PART_BYTES) continue;
    file = new Blob([file, ...parts]);
    parts = [];
    size = 0;
  }
  return new Blob([file, ...parts], { type: 'application/octet-stream' });
}

/** What the file is good for, and what it is nothing without. */
export const savedRoomAlert = (name: string, size: number): NewAlert => ({
  tone: 'info',
  title: `${name} holds the room (${bytes(size)})`,
  detail:
    'Everything that was written here is in it, encrypted: it opens only together with a link of this room. Keep the link, and keep it somewhere else than the file. To open it, drop it on the first page of any CodeFace.',
});
