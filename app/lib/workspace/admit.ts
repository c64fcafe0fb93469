/** What an owner's device does to let somebody in, or to give them a higher role, under the keys that the room has (ROST-40). */
import { higherRole } from '../core/ids.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { withAdmission } from '../log/admissions.ts';
import { makeAdmission } from '../log/new-admission.ts';
import type { Member } from '../log/roster-codec.ts';
import type { Roster } from '../log/roster.ts';
import type { Owner } from '../sync/archive/registration.ts';
import type { Replica } from '../sync/replica.ts';
import { ChangeRefused } from './epoch-messages.ts';

export interface Admitting {
  readonly replica: Replica;
  readonly owner: Owner;
  readonly keys: RoomKeys;
  /** All that is known so far. */
  readonly roster: Roster;
  readonly members: readonly Member[];
  /** ms since 1970 */
  readonly now: number;
}

/** As many were let in one by one since the last new keys as a room remembers: nobody was now. */
export class TooManyAdmissions extends ChangeRefused {
  constructor() {
    super('TooManyAdmissions', {
      tone: 'warn',
      title: 'Nobody was let in: too many were, one by one, since the links were replaced',
      detail:
        'Everybody and every link is as before. Replace all links: whoever is listed then stays in, and 256 more can be let in.',
    });
  }
}

const gives = (one: Member, { device, role }: Member): boolean =>
  one.device === device && higherRole(one.role, role) === one.role;

/** Durable on this device when it resolves, and told to everybody who is here. Either all of them are let in, or nobody is. */
export async function admit({ replica, owner, keys, roster, members, now }: Admitting): Promise<void> {
  let { admissions = [] } = roster;
  for (const member of members) {
    // Another owner was quicker.
    if (admissions.some((one) => gives(one, member))) continue;
    const made = await makeAdmission({ owner, ground: roster, keys, member, time: now });
    // A weak key is nobody's: there is nobody to let in.
    if (made === undefined) continue;
    const more = withAdmission(admissions, made);
    if (more === admissions) throw new TooManyAdmissions();
    admissions = more;
  }
  await replica.epochs.add({ ...roster, admissions });
}
