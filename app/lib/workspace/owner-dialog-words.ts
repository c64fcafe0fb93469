/** The dialogs about owning a room in words: what a recovery code is for, and why one was not taken. Pure. */
import { isQuota } from './messages.ts';
import type { OwnershipModel, OwnershipProblem } from './room-model.ts';

/** Why nothing was changed. */
export function ownershipProblemWords(problem: OwnershipProblem): string {
  switch (problem.kind) {
    case 'empty':
      return 'Type the 30 letters and digits of the code.';
    case 'no-such-letter':
      return `“${problem.letter}” (letter ${problem.position}) is in no code: look at that place again.`;
    case 'too-short':
      return `The code has 30 letters and digits; ${problem.letters} are here.`;
    case 'too-long':
      return `The code has 30 letters and digits; here are ${problem.letters}.`;
    case 'mistyped':
      return 'There is a mistake in it: compare it with your copy, group by group.';
    case 'another-code':
      return 'That is a recovery code, but not the one of this room: it is another room’s, or it was replaced by a newer one.';
    case 'too-many-owners':
      return 'Eight browsers own this room already, and more can’t. Make this one the only one instead.';
    case 'no-more-changes':
      return 'The owners of this room were changed 64 times, and more can’t be. Make a new room for what comes.';
    case 'already-an-owner':
      return 'This browser owns the room already.';
    case 'taken':
      return 'Another of the owner’s browsers has just changed who owns this room. Nothing was changed here: close this, look at what is there now, and begin again if it is still needed.';
    case 'behind':
      return 'Another of the owner’s browsers has changed who can be here, and this page has not heard of it yet. So says the server, and nothing was changed here. You can write on; the page goes along as soon as it meets somebody who knows: make your change again then. Made before that, by doing it again now, it splits the room for good from whoever went along.';
    case 'failed':
      return isQuota(problem.error)
        ? 'This device has no space left to store it, and nothing was changed. Free space in the browser or on the disk, then try again.'
        : 'That did not work, and nothing was changed. Try again; if it fails again, reload the page first. The browser’s console has the details.';
  }
}

/** The text file that a code can be kept in. */
export const codeFileText = (roomName: string, address: string, code: string, day: string): string =>
  [
    `Recovery code of the CodeFace room “${roomName}”, ${day}`,
    '',
    `    ${code}`,
    '',
    'Whoever has this code owns the room: they can make their browser its owner, remove people and replace the links.',
    'Keep it where nobody else reads it, and not in the same place as the browser it is to stand in for.',
    '',
    `To use it, open the room by one of its links (it is at ${address}),`,
    'then Share, People and links, “I have the recovery code”.',
    '',
  ].join('\r\n');

/** In "People and links": what the recovery code is for here. */
export function ownerRowWords({ standing, hasCode, owners }: OwnershipModel): string {
  if (standing === 'owner' && !hasCode)
    return 'This browser owns the room. If it is lost, nobody can change who is in it any more: a recovery code is for that day.';
  if (standing === 'owner')
    return owners === 1
      ? 'This browser owns the room; whoever has the recovery code can own it too.'
      : `${owners} browsers own the room, this one among them; whoever has the recovery code can own it too.`;
  return 'Whoever has the room’s recovery code can make this browser its owner.';
}

/** What has just been done. */
export const doneWords = {
  made: 'That is the room’s recovery code now. Keep it: it is not shown again.',
  add: 'This browser owns the room now, as the others do. You can remove people, change roles, replace the links and delete the server’s copy.',
  only: 'Only this browser owns the room now. You can remove people, change roles, replace the links and delete the server’s copy.',
  'take-over':
    'The room is yours: only this browser owns it, and only the new code makes another one its owner. You can remove people, change roles, replace the links and delete the server’s copy.',
} as const;

/** What may go wrong without the others. */
export const offlineWords =
  'You are offline. It counts in this browser at once, and for the others when they hear of it. If another of the owner’s browsers changes something meanwhile, the room ends up with two lists of owners: better go online first.';
