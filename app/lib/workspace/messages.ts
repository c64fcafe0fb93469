/** The one place where error kinds become words: what happened, what still works, what to do next. */
import { reloadApp } from '../core/reload-app.ts';
import type { PathFault } from '../document/path.ts';
import type { TreeProblem } from '../document/project.ts';
import type { ImportRefusal, SkipReason, Skipped, ZipFault } from '../files/collected.ts';
import type { OutboxState } from '../sync/outbox.ts';
import type { RunEnd } from '../runtime/runtime.ts';
import type { NewAlert } from './alerts-state.svelte.ts';
import type { FileProblem } from './room-model.ts';

const reload = { label: 'Reload', act: () => void reloadApp() };

/** After "Not saved: " in the status bar. */
export function notSavedReason(state: Extract<OutboxState, { kind: 'store-failed' | 'refused' }>): string {
  switch (state.kind) {
    case 'store-failed':
      return isQuota(state.error)
        ? 'the disk space for this site is full'
        : 'this browser refuses to store it';
    case 'refused':
      return `this version made an edit it would not accept itself (${state.refusal.code})`;
  }
}

/** The alert for an edit or a segment that the store refused. */
export function storeAlert(error: unknown): NewAlert {
  if (isQuota(error))
    return {
      tone: 'bad',
      title: 'This device has no space left for the room',
      detail:
        'Everything is still here in this tab and with the people who are connected. Download the project, or free space in the browser: it is tried again every few seconds.',
    };
  return {
    tone: 'bad',
    title: 'This browser could not store the last edits',
    detail:
      'They are still here in this tab and with the people who are connected. Keep the tab open, or download the project; it is tried again every few seconds.',
  };
}

export const memoryOnlyAlert: NewAlert = {
  tone: 'warn',
  title: 'Nothing is kept on this device',
  detail:
    'The browser refuses storage here, as private windows do. Editing, sharing and running work; download the project before you close the tab, or open the link in a normal window.',
};

export const newerFormatAlert: NewAlert = {
  tone: 'warn',
  title: 'Someone here uses a newer CodeFace',
  detail:
    'Their edits are kept but can’t be shown by this version, so editing is paused here. Reload to get the new version; nothing is lost.',
  actions: [reload],
};

export const snapshotFalseAlert: NewAlert = {
  tone: 'warn',
  title: 'This device’s shortcut to the room was wrong',
  detail: 'It has been thrown away. The log behind it is whole: reload to open the room from it.',
  actions: [reload],
};

export const internalAlert = (what: string): NewAlert => ({
  tone: 'bad',
  title: `Something went wrong: ${what}`,
  detail:
    'The room goes on, and what is called saved is safe. If it looks odd, reload; the browser’s console has the details.',
});

export const exportAlert = (missing: readonly string[]): NewAlert => ({
  tone: 'warn',
  title: `${count(missing.length, 'file')} could not be put into the zip`,
  detail: `Their content has not arrived on this device yet: ${someOf(missing)}. The others are in it. Try again when someone who has them is here.`,
});

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
        `That is more than ${megabytes(refusal.limitBytes)}`,
        'Everyone in the room would have to receive it. Leave large data out.',
      ];
    case 'zip-bomb':
      return [
        `This zip unpacks to more than ${megabytes(refusal.limitBytes)}`,
        'It was not unpacked further.',
      ];
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

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MB`;
const someOf = (names: readonly string[]): string =>
  names.slice(0, 3).join(', ') + (names.length > 3 ? ', …' : '');

/** The last words of a run: `exit 0`, `stopped`, `time limit`, `out of memory`. */
export function runEndWords(end: RunEnd): string {
  switch (end.kind) {
    case 'exit':
      return `exit ${end.code}`;
    case 'stopped':
      return 'stopped';
    case 'time-limit':
      return `time limit (${Math.round(end.limitMs / 1000)} s)`;
    case 'output-limit':
      return `output limit (${Math.round(end.limitBytes / 1e6)} MB)`;
    case 'out-of-memory':
      return 'out of memory';
    case 'failed':
      return end.message;
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
        why: `A file holds at most ${Math.round(problem.limitBytes / 1024 / 1024)} MB.`,
      };
    case 'unknown-file':
      return { kind: 'bad-path', why: 'Somebody has just deleted it.' };
  }
}

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

const isQuota = (error: unknown): boolean =>
  error instanceof DOMException
    ? error.name === 'QuotaExceededError'
    : typeof error === 'object' && error !== null && 'kind' in error && error.kind === 'quota';
