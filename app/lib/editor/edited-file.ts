/**
 * One open file: its EditorState while another tab is in front. The state keeps caret, selection, folds and scroll; edits
 * that arrive meanwhile are applied to it, so coming back shows the text of now at the place of before.
 */
import type { EditorState, StateEffect } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';
import type * as Y from 'yjs';

/** A Y.Text change as CodeMirror takes it. Anything but text (an honest peer sends nothing else) is refused upstream. */
export interface TextChange {
  readonly from: number;
  readonly to: number;
  readonly insert: string;
}

export class EditedFile {
  readonly text: Y.Text;
  #state: EditorState;
  #scroll: StateEffect<unknown> | undefined;
  #observer: ((event: Y.YTextEvent) => void) | undefined;

  constructor(text: Y.Text, state: EditorState) {
    this.text = text;
    this.#state = state;
    this.#follow();
  }

  /** Puts the file into the view: from here on the view's own binding follows the text. */
  enter(view: EditorView): void {
    this.#unfollow();
    view.setState(this.#state);
    if (this.#scroll) view.dispatch({ effects: this.#scroll });
  }

  /** Takes the file out of the view, keeping where it was. */
  leave(view: EditorView): void {
    this.#scroll = view.scrollSnapshot();
    this.#state = view.state;
    this.#follow();
  }

  dispose(): void {
    this.#unfollow();
  }

  #follow(): void {
    const observer = (event: Y.YTextEvent): void => {
      this.#state = this.#state.update({ changes: changesOf(event.delta), filter: false }).state;
    };
    this.#observer = observer;
    this.text.observe(observer);
  }

  #unfollow(): void {
    if (this.#observer) this.text.unobserve(this.#observer);
    this.#observer = undefined;
  }
}

/** A delta as changes in offsets of the text before it. */
export function changesOf(delta: Y.YTextEvent['delta']): TextChange[] {
  const changes: TextChange[] = [];
  let at = 0;
  for (const step of delta) {
    if (typeof step.insert === 'string') changes.push({ from: at, to: at, insert: step.insert });
    else if (step.delete !== undefined) {
      changes.push({ from: at, to: at + step.delete, insert: '' });
      at += step.delete;
    } else at += step.retain ?? 0;
  }
  return changes;
}
