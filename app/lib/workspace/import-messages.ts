/** Words for an import: what stayed out and why nothing came in. Loaded with the import itself. Exhaustive over their kinds. */
import type { ImportRefusal, SkipReason, Skipped, ZipFault } from '../files/collected.ts';
import type { NewAlert } from './alerts.ts';
import { bytes, count, someOf } from './amounts.ts';
import { pathWords } from './file-messages.ts';

/** What was left out of an import on purpose. */
export function skippedAlert(skipped: readonly Skipped[]): NewAlert {
  return {
    tone: 'info',
    title: 'Some of it was left out',
    detail: `${skippedWords(skipped)}. Everything else is in the room.`,
  };
}

/** An import of which everything was left out on purpose. */
export function nothingAddedAlert(skipped: readonly Skipped[]): NewAlert {
  const byItself = skipped.some(({ reason }) => reason === 'dependencies')
    ? ' A package out of node_modules can be dropped by itself.'
    : '';
  return {
    tone: 'warn',
    title: 'Nothing was added',
    detail: `Rooms leave this out, and there was nothing else: ${skippedWords(skipped)}. Nothing in the room was changed.${byItself}`,
  };
}

const skippedWords = (skipped: readonly Skipped[]): string =>
  skipped.map(({ reason, count: n, examples }) => `${skipWords(reason, n)} (${someOf(examples)})`).join('; ');

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
