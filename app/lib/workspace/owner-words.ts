/** Owning a room in words, for whoever has it open: who can change it, and what happened to that. Pure. */
import { whenInWords } from '../ui/when.ts';
import type { NewAlert } from './alerts.ts';
import type { OwnershipModel } from './room-model.ts';

/** Why this browser can't change who is in the room. */
export function notOwnerWords({
  standing,
  hasCode,
  changedAt,
}: Pick<OwnershipModel, 'standing' | 'hasCode' | 'changedAt'>): string {
  if (standing === 'lost' && changedAt !== undefined)
    return `This browser owned the room until ${whenInWords(changedAt, Date.now())}. Others own it now, and only they can change who is in it.`;
  return hasCode
    ? 'Only the owner’s browsers can change who is in this room.'
    : 'Only the browser that this room was made in can change who is in it.';
}

/** Others own the room now. */
export const lostAlert: NewAlert = {
  tone: 'warn',
  title: 'This browser doesn’t own the room any more',
  detail:
    'Somebody with the recovery code took the room over, or left this browser out. You can go on writing and reading as your link allows; who is in the room is theirs to change now. If that was not meant to be, whoever has the code that counts now can undo it, by “I have the recovery code” in People and links.',
};

/** Others own the room beside this browser now: so many in all. */
export const addedAlert = (owners: number): NewAlert => ({
  tone: 'warn',
  title: 'Another browser owns this room now, beside this one',
  detail: `Somebody with the recovery code made it an owner: ${owners} browsers own the room, and each can change who is in it. If that was not you, and nobody you gave the code to, take the room over with a new code: “I have the recovery code” in People and links.`,
});

/** Two owners, or a browser that lost its rights, signed different things, and this one can't follow both. */
export const twoRostersAlert: NewAlert = {
  tone: 'bad',
  title: 'This room has two lists of owners and keys',
  detail:
    'Two of the owner’s browsers changed the room without hearing of each other, or one that is no owner any more went on. This browser keeps to the change it heard first; who heard the other one first is in another room from now on, and nothing passes between the two. Agree on one with the people you know. Who is in the wrong one downloads the project, forgets the room on the first page, and opens a new link from the right one.',
};
