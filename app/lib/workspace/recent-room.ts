/** What the list of recent rooms keeps of a room that is open here. */
import type { RoomKeys } from '../crypto/room-keys.ts';
import type { RecentRoom } from '../storage/device.ts';

/** `openedAt` is in ms since 1970. */
export const recentRoomOf = (keys: RoomKeys, name: string, openedAt: number): RecentRoom => ({
  roomId: keys.roomId,
  name,
  role: keys.role,
  link: { kind: keys.seedKind, epoch: keys.epoch, seed: keys.seeds[keys.seedKind] ?? keys.seeds.v },
  lastOpenedAt: openedAt,
});
