/**
 * Whom this browser has met in a room: so that its owner can say who stays, also of those who are away. Kept per room
 * in local storage, and only a convenience: what is lost there is met again.
 */
import { cleanName, defaultName } from '../core/person.ts';
import { ROLES, higherRole, type DeviceId, type RoomId, type Role } from '../core/ids.ts';
import { keep, kept, letGo } from './kept-locally.ts';

export interface SeenPerson {
  readonly name: string;
  /** The most they held in that epoch. */
  readonly role: Role;
  /** ms since 1970, by this device's clock. */
  readonly lastSeen: number;
  /** Likewise, whatever the keys were then; undefined of who was met before this was kept. */
  readonly firstSeen?: number;
  /** Of the keys they were met with: later ones may have been made to shut them out. */
  readonly epoch: number;
}
export type SeenPeople = ReadonlyMap<DeviceId, SeenPerson>;
type Met = Pick<SeenPerson, 'name' | 'role'> & { readonly device: DeviceId };

/** A class and its guests; a room full of strangers pushes out those not seen for longest. */
export const MAX_SEEN_PEOPLE = 200;
const DEVICE_ID = /^[0-9a-f]{64}$/;
const keyOf = (roomId: RoomId): string => `codeface.people.${roomId}`;

export const loadSeen = (roomId: RoomId): SeenPeople => readSeen(kept(keyOf(roomId)));

export const keepSeen = (roomId: RoomId, seen: SeenPeople): void => keep(keyOf(roomId), writeSeen(seen));

/** The room is forgotten on this device: so are those who were in it. */
export const forgetSeen = (roomId: RoomId): void => letGo(keyOf(roomId));

/** Takes in who is here or has just gone. */
export function meet(
  seen: SeenPeople,
  people: readonly Met[],
  at: { now: number; epoch: number },
): SeenPeople {
  const all = new Map(seen);
  for (const { device, name, role } of people) {
    const before = all.get(device);
    const firstSeen = before === undefined ? at.now : before.firstSeen;
    all.set(device, {
      // Who comes, and who has just gone, goes by their device's own for a moment: it is no reason to forget a name.
      name: name === defaultName(device) ? (before?.name ?? name) : name,
      // Whoever opens the view link after the edit link still has the edit link.
      role: before?.epoch === at.epoch ? higherRole(before.role, role) : role,
      lastSeen: at.now,
      epoch: at.epoch,
      ...(firstSeen !== undefined && { firstSeen }),
    });
  }
  return newest(all);
}

/** What was kept, whatever is found there: an entry that is damaged or foreign is none. */
export function readSeen(text: string | null): SeenPeople {
  let value: unknown;
  try {
    value = JSON.parse(text ?? '');
  } catch {
    return new Map();
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return new Map();
  const all = new Map<DeviceId, SeenPerson>();
  for (const [device, row] of Object.entries(value)) {
    const person = DEVICE_ID.test(device) ? readPerson(row) : undefined;
    if (person !== undefined) all.set(device as DeviceId, person);
  }
  return newest(all);
}

export const writeSeen = (seen: SeenPeople): string =>
  JSON.stringify(
    Object.fromEntries(
      [...seen].map(([device, { name, role, lastSeen, epoch, firstSeen }]) => [
        device,
        [name, role, lastSeen, epoch, firstSeen],
      ]),
    ),
  );

function readPerson(row: unknown): SeenPerson | undefined {
  if (!Array.isArray(row)) return undefined;
  const [name, given, lastSeen, epoch, first] = row as unknown[];
  const role = ROLES.find((each) => each === given);
  if (typeof name !== 'string' || role === undefined || !isCount(lastSeen) || !isCount(epoch))
    return undefined;
  return {
    name: cleanName(name),
    role,
    lastSeen,
    epoch,
    ...(isCount(first) && first <= lastSeen && { firstSeen: first }),
  };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function newest(all: SeenPeople): SeenPeople {
  if (all.size <= MAX_SEEN_PEOPLE) return all;
  return new Map([...all].sort(([, a], [, b]) => b.lastSeen - a.lastSeen).slice(0, MAX_SEEN_PEOPLE));
}
