/** The way to the archive of this page's server: fetched with the archive's own code, once the room is open. */
import type { RoomKeys } from '../crypto/room-keys.ts';
import { archiveKeys } from '../crypto/room-keys.ts';
import { archiveServer } from '../sync/archive/archive-server.ts';
import type { Owner } from '../sync/archive/registration.ts';
import type { ArchiveDoor } from '../sync/replica-events.ts';

export function archiveDoor(origin: string, keys: RoomKeys, owner: Owner | undefined): ArchiveDoor {
  const { roomId, epoch } = keys;
  return {
    server: archiveServer({ origin, roomId, keys: archiveKeys(keys) }),
    owner,
    // A browser without locks lets each tab ask: it costs more and changes nothing. A tab of another epoch can't ask for this one.
    alone: async (work) => {
      if ('locks' in navigator) await navigator.locks.request(`codeface-archive-${roomId}-${epoch}`, work);
      else await work();
    },
  };
}
