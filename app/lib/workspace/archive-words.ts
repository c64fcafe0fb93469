/** The archive in words: what it is to this room now, what that means for what is written, and what can be done. Pure. */
import type { ArchiveDeleted } from '../core/archive-wire.ts';
import type { ArchiveState } from '../sync/archive/archive-state.ts';
import { bytes, count } from './amounts.ts';
import type { NewAlert } from './alerts.ts';
import type { SavedView } from './room-model.ts';

/** Whether all that was written here is there, with all that it follows. */
export const hasMine = (state: ArchiveState | undefined): boolean =>
  state?.kind === 'current' || (state?.kind === 'behind' && !state.mine);

/** Behind "Saved": one sentence, nothing while it is not known yet. */
export function archiveWords(state: ArchiveState | undefined): string {
  switch (state?.kind) {
    case undefined:
    case 'connecting':
      return '';
    case 'current':
      return 'The archive has it too, encrypted: the links open this room when nobody is here.';
    case 'behind':
      return state.mine
        ? 'The archive does not have all of it yet.'
        : 'The archive has it too, encrypted; what others wrote just now follows.';
    case 'unreachable':
      return 'The archive does not answer now; it is tried again by itself.';
    case 'off':
      return 'This server keeps no archive.';
    case 'unknown-room':
      return 'The archive does not keep this room: only the browser it was made in can have it kept.';
    case 'declined':
      return 'Deleted from the server, as you wanted: it is on the devices of those who opened it.';
    case 'full':
      return 'The archive has no more space for this room: what is new stays on the devices of those who have it.';
    case 'new-keys':
      return 'The archive has other keys since the owner changed who is in this room. What is written here stays on the devices of those who have it; it is tried again by itself, and a new link opens it.';
    case 'refused':
      return `The archive refuses this room (${state.reason}).`;
  }
}

/** The status "Saved" in a browser that keeps nothing. */
export const savedInMemory = (state: ArchiveState | undefined): SavedView =>
  hasMine(state)
    ? {
        kind: 'saved',
        where: 'Saved in the archive',
        why: 'This browser keeps nothing here. The archive has it, encrypted: open the room with its link again.',
      }
    : { kind: 'not-saved', why: 'this browser keeps nothing here' };

/** In the place of files, where nobody is here who has the room: why the archive does not bring it either. */
export function notArchivedWords(state: ArchiveState | undefined): string {
  switch (state?.kind) {
    case 'unreachable':
      return 'The server’s copy can’t be reached either; it is tried again by itself.';
    case 'current':
    case 'behind':
    case 'unknown-room':
      return 'The server has no copy of it.';
    case 'new-keys':
      return 'The server has a copy that this link does not open: ask for a new link.';
    case 'refused':
      return 'The server has no copy that this link opens.';
    default:
      return '';
  }
}

export const deletedAlert = ({ segments, bytes: size, purged }: ArchiveDeleted): NewAlert => ({
  tone: 'info',
  title: 'This room is deleted from the server',
  detail: `${count(segments, 'encrypted record')}, ${bytes(size)}, are gone${purged ? ', from its disk too' : '; their place on its disk is overwritten within minutes'}. The room goes on here and with everybody who has opened it. Links open it only while one of them is here.`,
});

export const notDeletedAlert: NewAlert = {
  tone: 'bad',
  title: 'The room could not be deleted from the server',
  detail:
    'It does not answer as it should, so the copy may still be there. While it does not answer, deleting is tried again by itself as long as this room is open. The room works as before.',
};
