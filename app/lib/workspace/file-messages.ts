/** Words for files: what came in, what stayed out, what can't be made, moved or read. Exhaustive over their kinds. */
import type { PathFault } from '../document/path.ts';
import type { TreeProblem } from '../document/project.ts';
import type { ImportRefusal, SkipReason, Skipped, ZipFault } from '../files/collected.ts';
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

export const exportFailedAlert: NewAlert = {
  tone: 'bad',
  title: 'The project could not be downloaded',
  detail: `The room and its files are as they were. ${PART_MISSING}`,
};

export const importFailedAlert: NewAlert = {
  tone: 'bad',
  title: 'Not all of the files could be added',
  detail: `What is in the tree is in the room. ${PART_MISSING} Then drop the files again: those that are in are not doubled.`,
};

/** What was left out of an import on purpose. */
export function skippedAlert(skipped: readonly Skipped[]): NewAlert {
  const lines = skipped.map(
    ({ reason, count: n, examples }) => `${skipWords(reason, n)} (${someOf(examples)})`,
  );
  return {
    tone: 'info',
    title: 'Some of it was left out',
    detail: `${lines.join('; ')}. Everything else is in the room.`,
  };
}

export const notAddedAlert = (paths: readonly string[]): NewAlert => ({
  tone: 'warn',
  title: `${count(paths.length, 'file')} ${paths.length === 1 ? 'was' : 'were'} not added`,
  detail: `The room has something else under that name: ${someOf(paths)}. Rename one of the two and drop it again; everything else is in.`,
});

/** Why nothing was imported. */
export function importRefusedAlert(refusal: ImportRefusal): NewAlert {
  const [title, detail] = importRefusedWords(refusal);
  return { tone: 'bad', title, detail: `${detail} Nothing in the room was changed.` };
}

function importRefusedWords(refusal: ImportRefusal): [title: string, detail: string] {
  switch (refusal.kind) {
    case 'too-many-files':
      return [
        `That is more than ${refusal.limit} files`,
        'Pick the part of the project you want to work on.',
      ];
    case 'too-large':
      return [
        `That is more than ${bytes(refusal.limitBytes)}`,
        'Everyone in the room would have to receive it. Leave large data out.',
      ];
    case 'zip-bomb':
      return [`This zip unpacks to more than ${bytes(refusal.limitBytes)}`, 'It was not unpacked further.'];
    case 'bad-zip':
      return [
        `This zip can’t be read: ${zipWords(refusal.why)}`,
        'Unpack it on your computer and drop the folder instead.',
      ];
    case 'bad-path':
      return [`“${refusal.path}” can’t be a file name here`, pathWords(refusal.why)];
    case 'unreadable':
      return [
        `The browser could not read “${refusal.path}”`,
        'It may have been moved or deleted since you picked it.',
      ];
    case 'cancelled':
      return ['The import was cancelled', 'You can start it again at any time.'];
  }
}

function zipWords(why: ZipFault): string {
  switch (why) {
    case 'not-a-zip':
      return 'it is not a zip file';
    case 'truncated':
      return 'its end is missing';
    case 'damaged':
      return 'it is damaged';
    case 'encrypted':
      return 'it is protected by a password';
    case 'unsupported-method':
      return 'it is compressed in a way browsers don’t know';
    case 'split':
      return 'it is one part of several';
    case 'too-many-entries':
      return 'it lists too many files';
  }
}

function skipWords(reason: SkipReason, n: number): string {
  switch (reason) {
    case 'version-control':
      return '.git folders';
    case 'dependencies':
      return 'node_modules folders';
    case 'system-file':
      return count(n, 'system file');
    case 'link':
      return count(n, 'link');
    case 'duplicate':
      return `${count(n, 'file')} with a name that was taken`;
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

function pathWords(why: PathFault | 'inside-itself'): string {
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
