/**
 * The one place where what goes wrong in a room becomes words: what happened, what still works, what to do next.
 * Files have theirs in file-messages.ts, runs in run-words.ts, the connection in connection.ts.
 */
import type { Role } from '../core/ids.ts';
import { reloadApp } from '../core/reload-app.ts';
import type { ClosedBy } from '../storage/open-database.ts';
import type { StorageRoom } from '../storage/quota.ts';
import type { StorageProblem } from '../storage/storage-problem.ts';
import type { RestDamage } from '../sync/log-at-rest.ts';
import type { OutboxState } from '../sync/outbox.ts';
import type { NewAlert } from './alerts.ts';
import { bytes, count } from './amounts.ts';
import type { AlertView, SavedView, Standing } from './room-model.ts';

type Action = AlertView['actions'][number];
/** The outbox will not go on by itself. */
export type StoppedOutbox = Extract<OutboxState, { kind: 'refused' | 'broken' }>;

const reload: Action = { label: 'Reload', act: () => void reloadApp() };
const downloadBy = (act: () => void): Action => ({ label: 'Download project', act });

/** After "Not saved: " in the status bar. */
export function notSavedReason(
  state: Extract<OutboxState, { kind: 'store-failed' }> | StoppedOutbox,
): string {
  switch (state.kind) {
    case 'store-failed':
      return isQuota(state.error)
        ? 'the disk space for this site is full'
        : 'this browser refuses to store it';
    case 'refused':
      return `this version made an edit it would not accept itself (${state.refusal.code})`;
    case 'broken':
      return 'an edit could not be written down';
  }
}

/** The alert for an edit or a segment that the store refused; it goes when the store takes them. */
export function storeAlert(error: unknown, download: () => void): NewAlert {
  const actions = [downloadBy(download)];
  if (isQuota(error))
    return {
      tone: 'bad',
      title: 'This device has no space left for the room',
      detail:
        'Editing goes on: everything is here in this tab and with the people who are connected. Free space in the browser or on the disk and keep the tab open: it is tried again every few seconds, and this goes away when it is stored.',
      actions,
    };
  return {
    tone: 'bad',
    title: 'This browser could not store the last edits',
    detail:
      'They are still here in this tab and with the people who are connected. Keep the tab open, or download the project; it is tried again every few seconds.',
    actions,
  };
}

/** How much this site keeps and may keep, after what "Saved" promises. */
export const storageWords = ({ usedBytes, quotaBytes }: StorageRoom): string =>
  `CodeFace takes ${bytes(usedBytes)} of the ${bytes(quotaBytes)} that this browser lets it have.`;

/** Nothing typed from now on is sent or saved, and only starting over changes that. */
export function stoppedAlert(state: StoppedOutbox, download: () => void): NewAlert {
  const detail =
    'What was called saved before is safe. What is typed from here on stays in this tab and reaches nobody: download the project, then reload to go on, and put back what is missing.';
  const actions = [downloadBy(download), reload];
  switch (state.kind) {
    case 'refused':
      return {
        tone: 'bad',
        title: 'CodeFace refused an edit of its own and stopped saving',
        detail,
        actions,
      };
    case 'broken':
      return {
        tone: 'bad',
        title: 'An edit could not be written down, and saving has stopped',
        detail,
        actions,
      };
  }
}

/** This room's database was closed under the open room; `download` saves what this tab has. */
export function storeClosedAlert(why: ClosedBy, download: () => void): NewAlert {
  const actions = [downloadBy(download), reload];
  switch (why) {
    case 'newer-version':
      return {
        tone: 'bad',
        title: 'A newer CodeFace in another tab has taken over this room’s storage',
        detail:
          'What was called saved is safe. What you type here from now on is not kept on this device, though others who are here get it. Reload to go on with the new version.',
        actions: [reload],
      };
    case 'deleted':
      return {
        tone: 'bad',
        title: 'This room was forgotten on this device',
        detail:
          'Another tab removed its text and keys. What you see is in this tab and with the people who are here; nothing more is kept on this device. Download the project if you want to have it.',
        actions: [downloadBy(download)],
      };
    case 'terminated':
      return {
        tone: 'bad',
        title: 'The browser has closed this room’s storage',
        detail:
          'It may have cleared what this site stored. Editing works and reaches the others, but nothing more is kept on this device: download the project, then reload.',
        actions,
      };
  }
}

/** After "Not saved: " when the database is closed. */
export function storeClosedReason(why: ClosedBy): string {
  switch (why) {
    case 'newer-version':
      return 'a newer CodeFace has the storage; reload';
    case 'deleted':
      return 'this room was forgotten on this device';
    case 'terminated':
      return 'the browser closed its storage; reload';
  }
}

/** The room works from memory, because of this. */
export function memoryOnlyAlert(problem: StorageProblem): NewAlert {
  const works = 'Editing, sharing and running work; download the project before you close the tab';
  const kept = 'What this device had of the room before is untouched, but not shown here';
  const title = 'Nothing is kept on this device';
  switch (problem.kind) {
    case 'refused':
      return {
        tone: 'warn',
        title,
        detail: `The browser refuses storage here, as private windows do. ${works}, or open the link in a normal window.`,
      };
    case 'quota':
      return {
        tone: 'warn',
        title,
        detail: `The disk, or this site’s share of it, is full. ${works}. Free some space, then reload.`,
        actions: [reload],
      };
    case 'blocked':
      return {
        tone: 'warn',
        title,
        detail: `Another tab holds the room with an older CodeFace. ${kept}. Close the other CodeFace tabs, then reload. ${works}.`,
        actions: [reload],
      };
    case 'newer-version':
      return {
        tone: 'warn',
        title,
        detail: `A newer CodeFace has stored this room. ${kept}. Reload to get the new version. ${works}.`,
        actions: [reload],
      };
    case 'no-answer':
      return {
        tone: 'warn',
        title,
        detail: `The browser’s storage does not answer. ${kept}. Reload; if that does not help, start the browser again. ${works}.`,
        actions: [reload],
      };
    case 'failed':
      return {
        tone: 'warn',
        title,
        detail: `The browser’s storage failed (${problem.name}). ${kept}. Reload; if that does not help, start the browser again. ${works}.`,
        actions: [reload],
      };
  }
}

export const newerFormatAlert: NewAlert = {
  tone: 'warn',
  title: 'Someone here uses a newer CodeFace',
  detail:
    'Their edits are kept but can’t be shown by this version, so editing is paused here. Reload to get the new version; nothing is lost.',
  actions: [reload],
};

/** Above the editor and when someone types into it all the same; undefined where one can write. */
/** Where "Saved on this device" stands, in a room that nobody has brought yet. */
/** It is in this tab alone. */
export const savedWhenHere = {
  kind: 'saving',
  words: 'Not saved yet: the room’s history is still coming',
} as const;

export const nothingToSave: SavedView = {
  kind: 'saved',
  where: 'Nothing to save yet',
  why: 'This device never had this room, and nobody who has it is here.',
};

/**
 * In the place of files, in a room that has not come yet. `long`: meeting somebody should have worked by now.
 * `notArchived`: why the archive did not bring it, if that is clear.
 */
export function unknownRoomWords(here: number, long: boolean, notArchived = ''): string {
  if (here > 1) return 'Getting the room from the people who are here…';
  return long
    ? `Nobody who has this room is here. ${notArchived && `${notArchived} `}It appears as soon as one of them opens it: keep this tab open. If others have it open now, a character of this link is missing or wrong: ask for the link again, and copy it whole.`
    : 'Looking for the people who have this room…';
}

export function readOnlyReason(role: Role, editable: boolean, standing: Standing): string | undefined {
  if (editable) return undefined;
  if (standing !== 'in') return standingWords[standing];
  switch (role) {
    case 'viewer':
      return 'View only: this link lets you read and run, not write.';
    case 'commenter':
      return 'Read and talk: this link lets you write in Chat and run for yourself, not edit files. For that, ask for the edit link.';
    case 'editor':
      return 'Read only: someone here uses a newer CodeFace. Reload to get the new version.';
  }
}

/** Why nothing can be written while the owner's newest keys don't let one. */
export const standingWords = {
  moving: 'The room gets new keys: one moment.',
  held: 'Read only: the room has new keys, and not all that is here can come along. Download what you need, then reload the page to go on.',
  out: 'Read only: you are no longer let into this room. To come back, ask its owner for a new link.',
} as const satisfies Record<Exclude<Standing, 'in'>, string>;

/** Someone's tab signed two different things in one place: `saveProof` saves both, where they are at hand. */
export const forkAlert = (name: string | undefined, saveProof: (() => void) | undefined): NewAlert => ({
  tone: 'warn',
  title: `${name ?? 'Someone'} told different people different things`,
  detail:
    'Nothing is lost: both versions are part of the room now, with what everybody wrote after either. Look through the files for what is there twice; Undo goes back no further than this. A computer that was restored from a copy does this by accident. If it was done on purpose, the owner can remove that person in People and links.',
  actions: saveProof ? [{ label: 'Save the proof', act: saveProof }] : [],
});

export const checkpointFalseAlert = (name: string | undefined): NewAlert => ({
  tone: 'warn',
  title: `${name ?? 'Someone'} showed you another text than the room has`,
  detail:
    'It was shown for a moment, while the room’s history was on its way; the files are what the history says now. What you typed on it was put in where it belongs.',
  actions: [],
});

export const snapshotFalseAlert: NewAlert = {
  tone: 'warn',
  title: 'This device’s shortcut to the room was wrong',
  detail: 'It has been thrown away. The log behind it is whole: reload to open the room from it.',
  actions: [reload],
};

/** Something met others' tabs badly: a frame, a greeting, an answer. */
export const meetingFaultAlert: NewAlert = {
  tone: 'warn',
  title: 'Exchanging edits with someone here failed once',
  detail:
    'It is tried again by itself, and what you write is saved here as before. If edits of others are missing after a minute, reload.',
  actions: [reload],
};

/** Tidying or checking what is stored failed: reading and writing it did not. */
export const careFaultAlert: NewAlert = {
  tone: 'warn',
  title: 'Tidying what this device keeps of the room failed',
  detail:
    'Nothing is lost: edits go on being saved as they are, and the next opening may take a little longer. It is tried again by itself.',
};

/** Segments at rest are damaged, and nobody who is here has brought them so far. */
export function restDamageAlert({ shown, hidden, own }: RestDamage, download: () => void): NewAlert {
  const kept = 'What is left of them is kept, and they are put back as soon as somebody comes who has them';
  const lost = own ? '; nobody may: some were written on this device' : '';
  const what =
    hidden > 0
      ? `${count(hidden, 'edit')} can’t be read, so they are missing here, as is what builds on them. The rest of the room is here and works.`
      : `The text is all here, but ${count(shown, 'edit')} behind it can’t be read: who opens the room for the first time can’t get them from you.`;
  return {
    tone: hidden > 0 ? 'bad' : 'warn',
    title: 'A part of what this device keeps of the room is damaged',
    detail: `${what} ${kept}${lost}. Download the project to be sure of what you see.`,
    actions: [downloadBy(download)],
  };
}

export const unreadableLogAlert = (download: () => void): NewAlert => ({
  tone: 'bad',
  title: 'Not all that this device keeps of the room could be read',
  detail:
    'What you see may lack edits; they come when somebody is here who has them. What you write is saved as before. Reload to try again.',
  actions: [downloadBy(download), reload],
});

/** A mistake of the app that has no better words; the console has the details. */
export const unknownFaultAlert: NewAlert = {
  tone: 'warn',
  title: 'CodeFace ran into a mistake of its own',
  detail:
    'The room goes on, and what is called saved is safe. If something looks odd, reload; the browser’s console has the details.',
  actions: [reload],
};

/** Why a room would not open, edit and run without a network. */
export type OfflineProblem = 'no-service-worker' | 'saves-data' | 'not-kept' | 'not-fetched';

export function offlineWords(problem: OfflineProblem): string {
  const works = 'While this tab is open, editing works without a network all the same.';
  switch (problem) {
    case 'no-service-worker':
      return `This browser offers no service workers here, as some private windows do, so opening the room again needs the network. ${works}`;
    case 'saves-data':
      return `This browser is set to save data, so what runs programs is fetched at the first Run and not before. ${works} With saving switched off it is fetched ahead.`;
    case 'not-kept':
      return `The browser did not keep what was fetched for it: its space for this site may be full. ${works} Free some space, then reload.`;
    case 'not-fetched':
      return `Not all that is needed to run programs could be fetched. ${works} Reload when the network is good to try again.`;
  }
}

export const nameNotKeptAlert: NewAlert = {
  tone: 'warn',
  title: 'Your name could not be kept on this device',
  detail: 'Everyone here sees it. After a reload it is the old one: type it again then.',
};

/** The disk, or this site's share of it, is full. */
export const isQuota = (error: unknown): boolean =>
  error instanceof DOMException
    ? error.name === 'QuotaExceededError'
    : typeof error === 'object' && error !== null && 'kind' in error && error.kind === 'quota';
