/** Who stays by a change of who can be in the room, while its owner is asked about it: row by row, not in one lump. Pure. */
import type { DeviceId, Role } from '../core/ids.ts';
import type { Choice, Choices } from './people-words.ts';
import type { MemberView } from './room-model.ts';

/** What the owner is asked. */
export interface Review {
  /** Who was listed then, with the role they held: who comes while it is read is out unless ticked, and nobody gets more by coming again. */
  readonly listed: ReadonlyMap<DeviceId, Role>;
  /** Where the owner has put a tick, or taken one away. */
  readonly ticks: ReadonlyMap<DeviceId, boolean>;
}

/** A question that begins now. */
export const reviewOf = (list: readonly MemberView[]): Review['listed'] =>
  new Map(list.map(({ device, role }) => [device, role]));

/** Whether the answer "yes" keeps somebody in. */
export const stays = ({ me, device }: MemberView, choices: Choices, { listed, ticks }: Review): boolean =>
  me || (ticks.get(device) ?? (listed.has(device) && choices.get(device) !== 'removed'));

/** What everybody but me gets by the answer "yes". */
export const reviewed = (list: readonly MemberView[], choices: Choices, review: Review): Choices =>
  new Map(list.filter(({ me }) => !me).map((member) => [member.device, given(member, choices, review)]));

function given(member: MemberView, choices: Choices, review: Review): Choice {
  if (!stays(member, choices, review)) return 'removed';
  const chosen = choices.get(member.device);
  // Who was to be removed and is ticked again stays what they were.
  return chosen === undefined || chosen === 'removed'
    ? (review.listed.get(member.device) ?? member.role)
    : chosen;
}
