/** What a notice of the replica comes to for the person in the room: an alert, progress, read-only, or a line in the log. Pure. */
import type { ForkNotice } from '../sync/replica-events.ts';
import type { ReplicaNotice } from '../sync/replica.ts';
import type { NewAlert } from './alerts.ts';
import { twoRostersAlert } from './owner-words.ts';
import {
  careFaultAlert,
  meetingFaultAlert,
  newerFormatAlert,
  restDamageAlert,
  snapshotFalseAlert,
  storeAlert,
  unknownFaultAlert,
  unreadableLogAlert,
} from './messages.ts';
import type { ProgressView } from './room-model.ts';

export interface NoticeEffect {
  readonly alert?: { readonly id: string; readonly alert: NewAlert };
  /** Id of an alert that is over. */
  readonly over?: string;
  readonly progress?: ProgressView | 'over';
  /** This version can't write here any more. */
  readonly readOnly?: true;
  /** Who is here, or how they are reached, may have changed. */
  readonly peers?: true;
  /** Someone said two different things in one place. */
  readonly fork?: ForkNotice;
  /** For developers. */
  readonly log?: { readonly words: string; readonly error?: unknown };
}

/** `download` saves what this tab has of the project. */
export function effectOf(notice: ReplicaNotice, download: () => void): NoticeEffect {
  switch (notice.kind) {
    case 'newer-format':
      return { readOnly: true, alert: { id: 'newer-format', alert: newerFormatAlert } };
    case 'store-error':
      return { alert: { id: 'store', alert: storeAlert(notice.error, download) } };
    case 'snapshot-false':
      return { alert: { id: 'snapshot', alert: snapshotFalseAlert } };
    case 'at-rest':
      return notice.damage === undefined
        ? { over: 'at-rest' }
        : { alert: { id: 'at-rest', alert: restDamageAlert(notice.damage, download) } };
    case 'catching-up':
      return {
        progress: {
          label: 'Getting what was written meanwhile',
          done: notice.of > 0 ? Math.min(1, notice.done / notice.of) : 0,
        },
      };
    case 'caught-up':
      return { progress: 'over' };
    case 'internal':
      return faultEffect(notice.what, notice.error, download);
    case 'refused':
      // An honest peer never sends what is refused here; the words for a person come with the complete log.
      return { log: { words: `refused a segment (${notice.code})` } };
    case 'fork':
      return { fork: notice };
    case 'genesis':
      return { peers: true };
    case 'same-keys':
      return {};
    case 'roster-branch':
      return { alert: { id: 'roster-branch', alert: twoRostersAlert } };
    case 'checkpoint-false':
      return { readOnly: true, log: { words: 'a checkpoint is not what the log says' } };
    case 'roster':
      return { readOnly: true };
    case 'branched':
      return {};
  }
}

/** `what` is what the replica was at, as its parts name it (app/lib/sync). */
function faultEffect(what: string, error: unknown, download: () => void): NoticeEffect {
  const log = { words: what, error };
  // A store that somebody closed has an alert of its own.
  if (error instanceof DOMException && error.name === 'InvalidStateError') return { log };
  switch (what) {
    case 'a frame':
    case 'an answer':
    case 'greeting':
    case 'asking for entries':
      return { log, alert: { id: 'fault-meeting', alert: meetingFaultAlert } };
    case 'care of the store':
    case 'checking the snapshot':
      return { log, alert: { id: 'fault-care', alert: careFaultAlert } };
    case 'the log at rest':
      return { log, alert: { id: 'fault-log', alert: unreadableLogAlert(download) } };
    // The worker failed and this thread did it instead; the room comes by its history; a cursor that was not shown is shown with the next move.
    case 'folding':
    case 'a checkpoint':
    case 'presence':
      return { log };
    default:
      return { log, alert: { id: 'fault', alert: unknownFaultAlert } };
  }
}
