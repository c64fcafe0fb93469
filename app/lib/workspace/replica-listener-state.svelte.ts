/** What the replica tells of itself, handed to the states and alerts that show it. */
import type { DeviceId } from '../core/ids.ts';
import type { Accepted } from '../log/receipt.ts';
import type { Roster } from '../log/roster.ts';
import type { ClosedBy } from '../storage/open-database.ts';
import type { OutboxState } from '../sync/outbox.ts';
import type { ForkNotice } from '../sync/replica-events.ts';
import type { ReplicaEvents, ReplicaNotice } from '../sync/replica.ts';
import type { NewAlert } from './alerts.ts';
import type { AlertsState } from './alerts-state.svelte.ts';
import { stoppedAlert, storeAlert, storeClosedAlert } from './messages.ts';
import { effectOf } from './replica-notices.ts';
import type { ProgressView } from './room-model.ts';
import type { SavedState } from './saved-state.svelte.ts';

export interface ListenerOptions {
  readonly alerts: AlertsState;
  readonly saved: SavedState;
  readonly onMessages: (accepted: readonly Accepted[]) => void;
  readonly onPeers: () => void;
  readonly onFork: (fork: ForkNotice) => void;
  /** A fork is remembered: the room has to be opened again. */
  readonly onForked: () => void;
  /** The owner has changed who is in the room. */
  readonly onRoster: (roster: Roster) => void;
  /** What is shown is not what the log says: the room has to be opened again, by its log. */
  readonly onFalse: (signer: DeviceId | undefined) => void;
  /** Others own the room now, or somebody was let in. */
  readonly onSameKeys: (roster: Roster) => void;
  /** What was written meanwhile is all here. */
  readonly onCaughtUp: () => void;
  /** Saves what this tab has of the project. */
  readonly download: () => void;
}

export class ReplicaListener implements ReplicaEvents {
  #progress = $state.raw<ProgressView>();
  #readOnly = $state(false);
  #closedBy: ClosedBy | undefined;
  readonly #options: ListenerOptions;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** Of catching up with the others. */
  get progress(): ProgressView | undefined {
    return this.#progress;
  }

  /** This version can't write here any more. */
  get readOnly(): boolean {
    return this.#readOnly;
  }

  /** Someone wants nothing of this room on this device. */
  get forgotten(): boolean {
    return this.#closedBy === 'deleted';
  }

  onMessages(accepted: readonly Accepted[]): void {
    this.#options.onMessages(accepted);
  }

  onPeers(): void {
    this.#options.onPeers();
  }

  onSaved(state: OutboxState): void {
    const { saved, alerts, download } = this.#options;
    saved.update(state);
    switch (state.kind) {
      case 'unsaved':
        return;
      case 'saved':
        return alerts.dismiss('store');
      case 'store-failed':
        return this.#showStoreFailure(storeAlert(state.error, download));
      case 'refused':
      case 'broken':
        return alerts.show('stopped', stoppedAlert(state, download));
    }
  }

  onNotice(notice: ReplicaNotice): void {
    const { alerts, download, onPeers, onCaughtUp } = this.#options;
    if (notice.kind === 'roster') return this.#options.onRoster(notice.roster);
    if (notice.kind === 'checkpoint-false') this.#options.onFalse(notice.signer);
    if (notice.kind === 'branched') return this.#options.onForked();
    if (notice.kind === 'same-keys') return this.#options.onSameKeys(notice.roster);
    const { alert, over, progress, readOnly, peers, fork, log } = effectOf(notice, download);
    if (log !== undefined) console.warn(`CodeFace: ${log.words}`, ...('error' in log ? [log.error] : []));
    if (fork !== undefined) this.#options.onFork(fork);
    if (readOnly) this.#readOnly = true;
    if (peers) onPeers();
    if (progress !== undefined) this.#progress = progress === 'over' ? undefined : progress;
    if (progress === 'over') onCaughtUp();
    if (over !== undefined) alerts.dismiss(over);
    if (alert?.id === 'store') this.#showStoreFailure(alert.alert);
    else if (alert !== undefined) alerts.show(alert.id, alert.alert);
  }

  /** Someone else closed the room's database. */
  onStoreClosed(why: ClosedBy): void {
    const { saved, alerts, download } = this.#options;
    this.#closedBy = why;
    saved.closed(why);
    alerts.dismiss('store');
    alerts.show('store-closed', storeClosedAlert(why, download));
  }

  /** A closed store refuses everything, and trying again, as the alert promises, is of no use. */
  #showStoreFailure(alert: NewAlert): void {
    if (this.#closedBy === undefined) this.#options.alerts.show('store', alert);
  }
}
