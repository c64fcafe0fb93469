/** Who can be in a room, as far as this device knows: from who is here, who was met, who wrote, and who was let in. Pure. */
import { assignColours, defaultName } from '../core/person.ts';
import { higherRole, type DeviceId, type Role } from '../core/ids.ts';
import type { Holder, MemberView, PersonHere } from './room-model.ts';
import type { SeenPeople } from './seen-people.ts';

/** Someone whose session is in the log. */
export interface Writer extends Holder {
  readonly epoch: number;
  /** Whether their device is known to be theirs (CERT-8). */
  readonly proved: boolean;
}

export interface KnownPeople {
  /** Of the room's present keys: who was met or wrote only before is in only if `granted` says so. */
  readonly epoch: number;
  /** Me among them. */
  readonly here: readonly PersonHere[];
  readonly seen: SeenPeople;
  readonly writers: readonly Writer[];
  /** Whom the owner let into this epoch by name. */
  readonly granted: readonly Holder[];
  /** What somebody called themselves in the chat, '' where nothing is known. */
  readonly gave: (device: DeviceId) => string;
}

/** Me first, then who is here by name, then those who were seen last; who was never met comes at the end. */
export function memberList({
  epoch,
  here,
  seen,
  writers,
  granted,
  gave,
}: KnownPeople): readonly MemberView[] {
  const roles = new Map<DeviceId, Role>();
  const add = ({ device, role }: Holder): void => {
    roles.set(device, higherRole(roles.get(device) ?? 'viewer', role));
  };
  for (const person of here) add(person);
  for (const holder of granted) add(holder);
  for (const writer of writers) if (writer.epoch === epoch && writer.proved) add(writer);
  for (const [device, { role, epoch: met }] of seen) if (met === epoch) add({ device, role });
  const present = new Map(here.map((person) => [person.device, person]));
  const members = [...roles].map(([device, role]): MemberView => {
    const person = present.get(device);
    const met = seen.get(device);
    const first = met?.firstSeen !== undefined && { firstSeen: met.firstSeen };
    if (person !== undefined)
      return { device, role, name: person.name, colour: person.colour, me: person.me, here: true, ...first };
    return {
      device,
      role,
      name: met?.name || gave(device) || defaultName(device),
      colour: assignColours([device]).get(device) ?? 'amber',
      me: false,
      here: false,
      ...(met && { lastSeen: met.lastSeen }),
      ...first,
    };
  });
  return members.sort(inOrder);
}

/** Whom this browser met with earlier keys of the room, and who is not in by those it has now: they can be let in again. */
export function leftOutList(known: KnownPeople): readonly MemberView[] {
  const inside = new Set(memberList(known).map(({ device }) => device));
  return [...known.seen]
    .filter(([device, { epoch }]) => epoch < known.epoch && !inside.has(device))
    .map(([device, { name, role, lastSeen, firstSeen }]): MemberView => ({
      device,
      role,
      name: name || known.gave(device) || defaultName(device),
      colour: assignColours([device]).get(device) ?? 'amber',
      me: false,
      here: false,
      out: true,
      lastSeen,
      ...(firstSeen !== undefined && { firstSeen }),
    }))
    .sort(inOrder);
}

const inOrder = (a: MemberView, b: MemberView): number =>
  Number(b.me) - Number(a.me) ||
  Number(b.here) - Number(a.here) ||
  (b.lastSeen ?? 0) - (a.lastSeen ?? 0) ||
  a.name.localeCompare(b.name) ||
  (a.device < b.device ? -1 : 1);
