/** Words for opening a room file: why it can't be, and what came of it. One sentence that says what is wrong, then what to do. */
import type { RoomFileProblem } from '../lib/log/room-file.ts';
import type { StorageProblem } from '../lib/storage/storage-problem.ts';
import type { ImportedRoom, ImportProblem } from './import-room.ts';

export interface Words {
  readonly title: string;
  readonly detail: string;
}

const NOTHING_CHANGED = 'Nothing on this device was changed.';
const FETCH_AGAIN = 'Copy or download it again, or have the room downloaded anew where it is still open.';

/** Why a file is not opened. */
export function roomFileWords(problem: RoomFileProblem): Words {
  switch (problem.kind) {
    case 'not-a-room-file':
      return {
        title: 'This is not a room file',
        detail: `Room files are what “Download the room with its history” saves. ${NOTHING_CHANGED}`,
      };
    case 'other-version':
      return {
        title: 'Another version of CodeFace made this file',
        detail: `It is of version ${problem.version}, which this page does not read. Reload to get the newest version, or open it where it was made. ${NOTHING_CHANGED}`,
      };
    case 'too-large':
      return {
        title: 'This file is too large',
        detail: `A room file has at most ${Math.floor(problem.limitBytes / 1e9)} GB. ${NOTHING_CHANGED}`,
      };
    case 'truncated':
      return {
        title: 'The end of this file is missing',
        detail: `It was cut short on the way. ${FETCH_AGAIN} ${NOTHING_CHANGED}`,
      };
    case 'damaged':
      return {
        title: 'This file is damaged',
        detail: `It is not what was saved: something changed in it on the way. ${FETCH_AGAIN} ${NOTHING_CHANGED}`,
      };
    case 'unreadable':
      return {
        title: 'The browser could not read this file',
        detail: `It may have been moved, deleted or changed since you picked it: pick it again. ${NOTHING_CHANGED}`,
      };
  }
}

/** Why a room is not taken from its file. */
export function importWords(problem: ImportProblem): Words {
  switch (problem.kind) {
    case 'link':
      return { title: 'This is not a whole room link', detail: linkWords(problem.problem.kind) };
    case 'other-room':
      return {
        title: 'This is the link of another room',
        detail: `The file holds another room than this link opens. Put in the link of the room it was downloaded from. ${NOTHING_CHANGED}`,
      };
    case 'wrong-key':
      return {
        title: 'This key is not the room’s',
        detail: `The link names the right room, and the part after the # is another key: a character changed on the way. Copy the link again, whole. ${NOTHING_CHANGED}`,
      };
    case 'newer-keys':
      return {
        title: 'This file was made with newer keys',
        detail: `The room’s owner has changed who is in the room since this link was made. Put in a link that the room had when the file was downloaded; whoever downloaded it has one. ${NOTHING_CHANGED}`,
      };
    case 'older-keys':
      return {
        title: 'This link is newer than the file',
        detail: `The room’s owner has changed who is in the room since the file was downloaded. Put in a link from that time, or download the room anew where it is open. ${NOTHING_CHANGED}`,
      };
    case 'bad-roster':
      return {
        title: 'The owner’s statements in this file are not the room’s',
        detail: `What says who may write was damaged before the file was made, or somebody else wrote it (${problem.why}). Have the room downloaded anew where it is still open. ${NOTHING_CHANGED}`,
      };
    case 'storage':
      return storageWords(problem.problem, problem.kept);
  }
}

function linkWords(kind: Extract<ImportProblem, { kind: 'link' }>['problem']['kind']): string {
  switch (kind) {
    case 'wrong-room-id':
      return `It names no room. A room’s link has /r/ and a long name in it, then # and a key. ${NOTHING_CHANGED}`;
    case 'missing-key':
      return `The part after the # is missing: some apps drop it. Copy the link again, whole. ${NOTHING_CHANGED}`;
    case 'wrong-key':
      return `The part after the # is cut, or a character changed. Copy the link again, up to its last character. ${NOTHING_CHANGED}`;
    case 'unknown-kind':
      return `A newer version of CodeFace made this link. Reload to get the newest version. ${NOTHING_CHANGED}`;
  }
}

function storageWords(problem: StorageProblem, kept: 'nothing' | 'a-part'): Words {
  const stays =
    kept === 'nothing'
      ? 'Nothing of the file was kept.'
      : 'The room is as it was, with what of the file was stored before; opening the file again goes on from there.';
  switch (problem.kind) {
    case 'quota':
      return {
        title: 'This device has no space left for the room',
        detail: `Free some space, then try again. ${stays}`,
      };
    case 'refused':
      return {
        title: 'This browser keeps nothing here',
        detail: `It refuses storage, as private windows do. Open the file in a normal window. ${stays}`,
      };
    case 'blocked':
      return {
        title: 'Another tab holds this room with an older CodeFace',
        detail: `Close the other CodeFace tabs, then try again. ${stays}`,
      };
    case 'newer-version':
      return {
        title: 'A newer CodeFace has stored this room',
        detail: `Reload to get the new version, then try again. ${stays}`,
      };
    case 'no-answer':
    case 'failed':
      return {
        title: 'The browser’s storage failed',
        detail: `Try again; if that does not help, start the browser again. ${stays}`,
      };
  }
}

/** What did not get in of a file that did. */
export function leftOutWords({ leftOut, codes }: Pick<ImportedRoom, 'leftOut' | 'codes'>): Words {
  const why = `(${codes.join(', ')}). All the rest is in the room.`;
  return leftOut === 1
    ? {
        title: 'One part of the history did not get in',
        detail: `It was damaged before the file was made, was refused, or comes from a newer version ${why}`,
      }
    : {
        title: `${leftOut} parts of the history did not get in`,
        detail: `They were damaged before the file was made, were refused, or come from a newer version ${why}`,
      };
}
