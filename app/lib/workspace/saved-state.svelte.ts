/** The status "Saved": leaves "saved" at the first unsaved edit, and says "Saving…" only when it takes long. */
import type { OutboxState } from '../sync/outbox.ts';
import type { SavedView } from './room-model.ts';
import { notSavedReason } from './messages.ts';

/** A commit takes a few milliseconds; words that flash at every key are noise (INTERFACE.md, status bar). */
const SAVING_WORDS_AFTER_MS = 400;

export class SavedState {
  #view = $state.raw<SavedView>({ kind: 'unsaved' });
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What "saved" comes to here: it depends on what the browser grants. */
  readonly #whenStored: () => SavedView;

  constructor(whenStored: () => SavedView) {
    this.#whenStored = whenStored;
    this.#view = whenStored();
  }

  get view(): SavedView {
    return this.#view;
  }

  update(state: OutboxState): void {
    switch (state.kind) {
      case 'saved':
        clearTimeout(this.#timer);
        this.#timer = undefined;
        this.#view = this.#whenStored();
        return;
      case 'unsaved':
        if (this.#timer !== undefined) return;
        if (this.#view.kind !== 'saving') this.#view = { kind: 'unsaved' };
        this.#timer = setTimeout(() => (this.#view = { kind: 'saving' }), SAVING_WORDS_AFTER_MS);
        return;
      case 'store-failed':
      case 'refused':
        clearTimeout(this.#timer);
        this.#timer = undefined;
        this.#view = { kind: 'not-saved', why: notSavedReason(state) };
    }
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }
}
