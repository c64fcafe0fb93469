/** A change of who can be in the room in words: to who was shut out, to who goes on, and to the owner where it failed. Pure. */
import type { Role } from '../core/ids.ts';
import type { NewAlert } from './alerts.ts';
import { count } from './amounts.ts';
import { isQuota } from './messages.ts';

/** This device has the room, and neither its name nor its link is let in any more. */
export const removedAlert = (download: () => void): NewAlert => ({
  tone: 'bad',
  title: 'You are no longer let into this room',
  detail:
    'Its owner removed you, or replaced the link you came by. All you have read and written stays on this device, read-only: what others write from now on does not come. Download the project to go on with it; to come back, ask the owner to let you in again, which this page waits for while it is open, or for a new link.',
  actions: [{ label: 'Download project', act: download }],
});

/** This device goes on with the new keys. `mine`: it made them. */
export function movedAlert(mine: boolean, { from, by }: Moved, to: Role): NewAlert {
  const [changed, detail] = movedWords[by];
  const title = mine
    ? 'You changed who can be here'
    : from === to || by === 'return'
      ? changed
      : `The owner changed your role: ${mayNow[to]}`;
  return { tone: 'info', title, detail };
}

/** How a page came to be opened again by what an owner signed. `from`: my role before. */
export interface Moved {
  readonly from: Role;
  /** 'new-keys' for everybody; an 'admission' of this device alone; its 'return', when it had been out. */
  readonly by: 'new-keys' | 'admission' | 'return';
  /** Whether this page made the keys: of two who own the room it may have been the other. */
  readonly mine?: boolean;
}

const movedWords: Readonly<Record<Moved['by'], readonly [title: string, detail: string]>> = {
  'new-keys': [
    'The owner changed who can be here',
    'The room goes on with new keys, and with everything that reached it. Links made before have stopped working: take new ones from Share.',
  ],
  admission: ['The owner let you in', 'The room, its links and what everybody else can do are as before.'],
  return: [
    'You are let into this room again',
    'What was written here meanwhile comes along as far as your role allows, and what others wrote comes now. Links made before have stopped working: take new ones from Share.',
  ],
};

const mayNow: Readonly<Record<Role, string>> = {
  editor: 'you can edit',
  commenter: 'you can read and talk, not edit',
  viewer: 'you can read, not write',
};

/** What was written here and has not reached the room can't be sent with the role I have now. `changes`: how many. */
export const keptBehindAlert = (changes: number, download: () => void, goOn: () => void): NewAlert => ({
  tone: 'bad',
  title: `${count(changes, 'change')} written here did not reach the room`,
  detail: `The owner changed your role before ${changes === 1 ? 'it was' : 'they were'} sent, and with the new one ${changes === 1 ? 'it' : 'they'} can’t be. What you see still has ${changes === 1 ? 'it' : 'them'}: download the project, then go on without.`,
  actions: [
    { label: 'Download project', act: download },
    { label: 'Go on', act: goOn },
  ],
});

/** Why a change failed, where what makes it knows more than that it did. */
export class ChangeRefused extends Error {
  readonly alert: NewAlert;

  constructor(name: string, alert: NewAlert) {
    super(alert.title);
    this.name = name;
    this.alert = alert;
  }
}

/** The owner's change did not come to be. */
export const changeAlert = (error: unknown): NewAlert =>
  error instanceof ChangeRefused ? error.alert : changeFailedAlert(error);

const changeFailedAlert = (error: unknown): NewAlert => ({
  tone: 'bad',
  title: 'Who can be here could not be changed',
  detail: isQuota(error)
    ? 'This device has no space left to store it. Everybody and every link is as before. Free space in the browser or on the disk, then try again.'
    : 'Everybody and every link is as before, and the room works. Try again; if it fails again, reload first. The browser’s console has the details.',
});

/** The owner changed who can be here, and this page could not go there. */
export const moveFailedAlert = (download: () => void): NewAlert => ({
  tone: 'bad',
  title: 'The room has new keys, and this page could not take them',
  detail:
    'All that was written here is in this page, and stored as far as it said so. Download the project, then reload the page.',
  actions: [{ label: 'Download project', act: download }],
});

/** The owner changed who can be here, and going there would close the only copy of something. */
export const notStoredAlert = (download: () => void, goOn: () => void): NewAlert => ({
  tone: 'bad',
  title: 'Not everything in this page is stored',
  detail:
    'The room has new keys, and to take them it has to be opened again. What this browser could not store would be gone then: download the project, or free space, before you go on.',
  actions: [
    { label: 'Download project', act: download },
    { label: 'Go on', act: goOn },
  ],
});
