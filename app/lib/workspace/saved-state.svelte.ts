/** The status "Saved": leaves "saved" at the first unsaved edit, and says "Saving…" only when it takes long. */
import type { ClosedBy } from '../storage/open-database.ts';
import type { Persistence, StorageRoom } from '../storage/quota.ts';
import type { ArchiveState } from '../sync/archive/archive-state.ts';
import type { OutboxState } from '../sync/outbox.ts';
import { archiveWords, hasMine, savedInMemory } from './archive-words.ts';
import { notSavedReason, savedWhenHere, storageWords, storeClosedReason } from './messages.ts';
import type { SavedView } from './room-model.ts';

/** A commit takes a few milliseconds; words that flash at every key are noise (INTERFACE.md, status bar). */
const SAVING_WORDS_AFTER_MS = 400;
/** How much is stored changes slowly, and asking for it takes the browser a few milliseconds. */
const ROOM_AGAIN_MS = 30_000;

export interface SavedOptions {
  readonly storeKind: 'device' | 'memory';
  /** How the room stands with the archive; reactive. */
  readonly archive: () => ArchiveState | undefined;
  /** Asks the browser not to clear what is stored; it may ask the person. */
  readonly askToKeep: () => Promise<Persistence>;
  /** How much is stored and may be. */
  readonly storageRoom: () => Promise<StorageRoom | undefined>;
}

export class SavedState {
  /** 'stored': the store has everything; what that promises depends on where it is. */
  #phase = $state.raw<Exclude<SavedView, { kind: 'saved' }> | 'stored'>('stored');
  #persistence = $state<Persistence>('unknown');
  #closedBy = $state.raw<ClosedBy>();
  #asked = false;
  #room = $state.raw<StorageRoom>();
  #roomAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #options: SavedOptions;

  constructor(options: SavedOptions) {
    this.#options = options;
  }

  get view(): SavedView {
    if (this.#closedBy === 'deleted') return { kind: 'not-saved', why: storeClosedReason('deleted') };
    return this.#phase === 'stored' ? this.#whenStored() : this.#phase;
  }

  update(state: OutboxState): void {
    if (state.kind === 'unsaved') {
      if (state.waits) {
        clearTimeout(this.#timer);
        this.#timer = undefined;
        return void (this.#phase = savedWhenHere);
      }
      if (this.#timer !== undefined) return;
      if (this.#phase === 'stored' || this.#phase.kind !== 'saving') this.#phase = { kind: 'unsaved' };
      this.#timer = setTimeout(() => (this.#phase = { kind: 'saving' }), SAVING_WORDS_AFTER_MS);
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (state.kind === 'saved') {
      this.#phase = 'stored';
      void this.#askOnce();
    } else this.#phase = { kind: 'not-saved', why: this.#reason(state) };
    void this.#lookAtRoom();
  }

  /** The store is closed for good: what it has stays, unless it was deleted, and nothing is added. */
  closed(why: ClosedBy): void {
    this.#closedBy = why;
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }

  #reason(state: Parameters<typeof notSavedReason>[0]): string {
    return state.kind === 'store-failed' && this.#closedBy !== undefined
      ? storeClosedReason(this.#closedBy)
      : notSavedReason(state);
  }

  #whenStored(): SavedView {
    const archive = this.#options.archive();
    if (this.#options.storeKind === 'memory') return savedInMemory(archive);
    const until = this.#persistence === 'kept' ? 'you delete it' : 'the browser clears it';
    const room = this.#room ? storageWords(this.#room) : '';
    return {
      kind: 'saved',
      where: hasMine(archive) ? 'Saved here and in the archive' : 'Saved on this device',
      why: [`Kept in this browser until ${until}.`, room, archiveWords(archive)].filter(Boolean).join(' '),
    };
  }

  async #lookAtRoom(): Promise<void> {
    if (this.#options.storeKind === 'memory' || performance.now() - this.#roomAt < ROOM_AGAIN_MS) return;
    this.#roomAt = performance.now();
    this.#room = await this.#options.storageRoom();
  }

  /** Something worth keeping is stored for the first time. */
  async #askOnce(): Promise<void> {
    if (this.#asked || this.#options.storeKind === 'memory') return;
    this.#asked = true;
    this.#persistence = await this.#options.askToKeep();
  }
}
