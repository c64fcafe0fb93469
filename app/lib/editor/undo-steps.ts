/**
 * Undo and redo of my own edits. An edit too large for one log entry is made in parts (large-edits.ts), each a step for
 * Yjs and all of them one step for a person; a step that would not fit into an entry is refused before it is taken.
 */
import type * as Y from 'yjs';
import { MAX_EDIT_BYTES, undoBytes } from '../document/edits.ts';

/** Why something that a person did to a text was not done; nothing was changed. */
export type EditRefusal =
  /** The file would be larger than a file may be. */
  | { readonly kind: 'file-too-large'; readonly limitBytes: number }
  /** It was typed while the room was opened again, and can't be written where it was typed any more. */
  | { readonly kind: 'typed-meanwhile'; readonly text: string }
  /** Undo or redo would put back more than one entry of the log holds. */
  | { readonly kind: 'step-too-large'; readonly which: 'undo' | 'redo'; readonly limitBytes: number };

/** Where a step of Yjs says of which edit it is a part. */
const EDIT = Symbol('the edit this step is a part of');

export class UndoSteps {
  readonly #manager: Y.UndoManager;
  readonly #onRefused: (refusal: EditRefusal) => void;
  /** The edit whose parts are being made, undone or redone. */
  #edit: symbol | undefined;

  constructor(manager: Y.UndoManager, onRefused: (refusal: EditRefusal) => void) {
    this.#manager = manager;
    this.#onRefused = onRefused;
    manager.on('stack-item-added', this.#mark);
  }

  /** Makes an edit of several transactions, in order, that one undo takes back. */
  makeInParts(parts: readonly (() => void)[]): void {
    this.#edit = Symbol('an edit');
    for (const part of parts) {
      this.#manager.stopCapturing();
      part();
    }
    this.#manager.stopCapturing();
    this.#edit = undefined;
  }

  undo(): void {
    this.#step('undo');
  }

  redo(): void {
    this.#step('redo');
  }

  dispose(): void {
    this.#manager.off('stack-item-added', this.#mark);
  }

  #step(which: 'undo' | 'redo'): void {
    const edit = this.#nextEdit(which);
    this.#edit = edit;
    do {
      if (undoBytes(this.#manager, which) > MAX_EDIT_BYTES) {
        this.#onRefused({ kind: 'step-too-large', which, limitBytes: MAX_EDIT_BYTES });
        break;
      }
      this.#manager[which]();
    } while (edit !== undefined && this.#nextEdit(which) === edit);
    this.#edit = undefined;
  }

  /** The edit that the step on top belongs to; undefined where it is one of its own. */
  #nextEdit(which: 'undo' | 'redo'): symbol | undefined {
    const stack = which === 'undo' ? this.#manager.undoStack : this.#manager.redoStack;
    return stack.at(-1)?.meta.get(EDIT) as symbol | undefined;
  }

  readonly #mark = ({ stackItem }: { stackItem: { readonly meta: Map<unknown, unknown> } }): void => {
    if (this.#edit !== undefined) stackItem.meta.set(EDIT, this.#edit);
  };
}
