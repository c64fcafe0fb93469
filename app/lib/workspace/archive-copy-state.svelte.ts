/** The room's encrypted copy on the server, as this tab knows it, and what its owner can do about it. */
import type { LateArchive } from '../sync/archive/late-archive.ts';
import type { ArchiveState } from '../sync/archive/archive-state.ts';
import type { AlertsState } from './alerts-state.svelte.ts';
import { deletedAlert, notDeletedAlert } from './archive-words.ts';
import type { ServerCopyView, ServerSpaceModel } from './room-model.ts';

export class ArchiveCopyState {
  readonly #archive: LateArchive | undefined;
  readonly #alerts: AlertsState;
  readonly #stop = new AbortController();
  #state = $state.raw<ArchiveState>();
  #deleting = $state(false);

  constructor(archive: LateArchive | undefined, alerts: AlertsState) {
    this.#archive = archive;
    this.#alerts = alerts;
    this.refresh();
    const { signal } = this.#stop;
    addEventListener('online', () => archive?.refresh(), { signal });
    document.addEventListener('visibilitychange', () => document.hidden && archive?.hurry(), { signal });
  }

  get state(): ArchiveState | undefined {
    return this.#state;
  }

  get view(): ServerCopyView {
    const kind = this.#state?.kind;
    const there = kind === 'current' || kind === 'behind' || kind === 'full';
    const owned = this.#archive?.owned === true;
    return {
      kept: there,
      maySay: there || kind === 'unreachable',
      owned,
      mayDelete: owned && there && !this.#deleting,
      mayKeep: owned && kind === 'declined',
    };
  }

  get space(): ServerSpaceModel | undefined {
    return this.#archive;
  }

  refresh(): void {
    this.#state = this.#archive?.state;
  }

  async delete(): Promise<void> {
    if (!this.view.mayDelete || this.#archive === undefined) return;
    this.#deleting = true;
    try {
      const deleted = await this.#archive.delete();
      this.#alerts.show('server-copy', deleted.ok ? deletedAlert(deleted.value) : notDeletedAlert);
    } finally {
      this.#deleting = false;
    }
  }

  async keep(): Promise<void> {
    await this.#archive?.keep();
  }

  dispose(): void {
    this.#stop.abort();
  }
}
