/** Keeps two tabs of a browser from signing for a room at one time. */
import type { RoomId } from '../core/ids.ts';

/** Two tabs of the owner must not begin two epochs. A browser without locks has no way to know. */
export const oneAtATime = async (roomId: RoomId, work: () => Promise<void>): Promise<void> => {
  if ('locks' in navigator) await navigator.locks.request(`codeface-roster-${roomId}`, work);
  else await work();
};
