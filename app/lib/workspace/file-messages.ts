/** Words for files: what can't be made, moved or taken out (an import's own are in import-messages.ts). */
import type { PathFault } from '../document/path.ts';
import type { TreeProblem } from '../document/project.ts';
import type { EditRefusal } from '../editor/undo-steps.ts';
import type { NewAlert } from './alerts.ts';
import { bytes, count, someOf } from './amounts.ts';
import type { FileProblem, TreeItem } from './room-model.ts';

/** Zips are read and written by a part of the app that is loaded when it is first needed. */
const PART_MISSING =
  'A part of CodeFace may not have loaded: try again when the network is back, or reload the page.';

export const exportAlert = (missing: readonly string[]): NewAlert => ({
  tone: 'warn',
  title: `${count(missing.length, 'file')} could not be put into the zip`,
  detail: `Their content has not arrived on this device yet: ${someOf(missing)}. The others are in it. Try again when someone who has them is here.`,
});

export const exportFailedAlert = (what: 'project' | 'room'): NewAlert => ({
  tone: 'bad',
  title: `The ${what} could not be downloaded`,
  detail: `The room and its files are as they were. ${PART_MISSING}`,
});

export const importFailedAlert: NewAlert = {
  tone: 'bad',
  title: 'Not all of the files could be added',
  detail: `What is in the tree is in the room. ${PART_MISSING} Then drop the files again: those that are in are not doubled.`,
};

/** Characters: nobody types more in the seconds that opening takes. */
const MAX_QUOTED = 500;

/** What the editor refused to do; nothing was changed by it. */
export function editRefusedAlert(refusal: EditRefusal): NewAlert {
  switch (refusal.kind) {
    case 'typed-meanwhile':
      return {
        tone: 'warn',
        title: 'What you typed while the room was opened again was not put in',
        detail: `You can’t write there any more. What was there before stays; to be copied, what you typed: “${refusal.text.slice(0, MAX_QUOTED)}”`,
      };
    case 'file-too-large':
      return {
        tone: 'warn',
        title: `A text file holds at most ${bytes(refusal.limitBytes)}`,
        detail: 'Nothing was changed. Put the text into several files, or add a smaller part of it.',
      };
    case 'step-too-large':
      return {
        tone: 'warn',
        title: `This ${refusal.which} would put back more than ${bytes(refusal.limitBytes)} at once`,
        detail: 'Nothing was changed, and editing goes on. The text can be pasted again in smaller parts.',
      };
  }
}

/** Why a file can't be made or moved, as the page says it. */
export function treeProblem(problem: TreeProblem): FileProblem {
  switch (problem.kind) {
    case 'path-taken':
      return { kind: 'path-taken' };
    case 'bad-path':
      return { kind: 'bad-path', why: pathWords(problem.why) };
    case 'too-many-files':
      return { kind: 'bad-path', why: `A room holds at most ${problem.limit} files.` };
    case 'too-large':
      return {
        kind: 'bad-path',
        why: `A file holds at most ${bytes(problem.limitBytes)}.`,
      };
    case 'unknown-file':
      return { kind: 'bad-path', why: 'Somebody has just deleted it.' };
  }
}

/** What a person reads below the name they typed. */
export function fileProblemWords(problem: FileProblem): string {
  switch (problem.kind) {
    case 'bad-path':
      return problem.why;
    case 'path-taken':
      return 'There is already a file or folder with this name.';
    case 'read-only':
      return 'You can only read here now.';
  }
}

/** After a file or folder was deleted here: the way back. */
export const deletedAlert = (shown: string, kind: TreeItem['kind'], undo: () => void): NewAlert => ({
  tone: 'info',
  title: `${shown}${kind === 'folder' ? ' and what was in it' : ''} was deleted`,
  detail: 'Everyone in the room sees it go. You can bring it back, with what others typed meanwhile.',
  actions: [{ label: 'Undo', act: undo }],
});

/** Why a path can't be. */
export function pathWords(why: PathFault | 'inside-itself'): string {
  switch (why) {
    case 'empty':
    case 'empty-segment':
      return 'Type a name.';
    case 'absolute':
      return 'A name begins with a letter, a digit or a sign, not with / or a drive.';
    case 'backslash':
      return 'Use / between folders, not \\.';
    case 'control-character':
    case 'not-unicode':
    case 'not-nfc':
      return 'The name has characters that can’t be seen.';
    case 'dot-segment':
      return '. and .. can’t be names.';
    case 'segment-too-long':
    case 'too-long':
      return 'The name is too long.';
    case 'inside-itself':
      return 'A folder can’t go into itself.';
  }
}
