/** From statements that were heard to where they lead on this device, with everything that is on it (ROST-12). */
import type { RoomLink } from '../crypto/links.ts';
import type { FrontierRow } from '../log/frontier.ts';
import type { LogStore } from '../log/log-store.ts';
import type { Roster } from '../log/roster.ts';
import type { DeviceKeys, RecentRoom } from '../storage/device.ts';
import { moveOn, storedFrontier } from '../sync/move-on.ts';
import type { Replica } from '../sync/replica.ts';
import { linkOf, wayIn, type KnownRoster, type WayIn } from './way-in.ts';

/** A room as it is open on this device. */
export interface Here {
  /** The device's own, also where the room is open in memory because nothing of it can be read yet. */
  readonly store: LogStore;
  readonly device: DeviceKeys;
  /** What the device opened the room with last. */
  readonly remembered: RecentRoom['link'] | undefined;
  /** What it was asked to be opened with. */
  readonly link: RoomLink;
  /** The statements that rested here then. */
  readonly known: KnownRoster;
  readonly way: WayIn;
  readonly replica: Replica;
}

/** Where a newer roster leads. */
export interface NextEpoch {
  /** What opens the room there; where this device is out, what opens it as it was. */
  readonly link: RoomLink;
  /** How many entries that were written here can't come along with the new role. */
  readonly behind: number;
  /** Whether some of what is here is in this page only. */
  readonly unsaved: boolean;
}

/** Stores the roster with all that is to be carried. The room has to be opened again then. */
export async function nextEpoch(here: Here, newer: Roster): Promise<NextEpoch> {
  const { store, device, remembered, link, way, replica } = here;
  if (way.kind === 'newcomer') await moveOn(store, newer, await heldBefore(here));
  else await replica.epochs.moveOn(newer);
  // What others wrote until now may be on its way to the store: only what that refuses is in this page alone.
  await replica.settled();
  const unsaved = !replica.atRest;
  const next = await wayIn(link, newer, device, remembered);
  // A link of that epoch whose key the owner did not name: opening it says so.
  if (!next.ok) return { link, behind: 0, unsaved };
  const { kind, keys, link: to } = next.value;
  // Who is out keeps all of it, to be read.
  return { link: to, behind: kind === 'in' ? replica.epochs.leftBehind(newer, keys.role) : 0, unsaved };
}

/** Where the chains stand that this device has of the epoch it knew, before it was given a link of a later one. */
async function heldBefore({ store, device, remembered, link, known }: Here): Promise<FrontierRow[]> {
  if (known.genesis === undefined || remembered?.epoch !== known.statements.length) return [];
  const before = await wayIn(linkOf(link.roomId, remembered), known, device, undefined);
  return before.ok ? storedFrontier(store, before.value.keys) : [];
}
