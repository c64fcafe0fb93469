/** Where somebody is in a text: kept while its editor is gone, and found again in another editor of the same text. */
import { deleteCharBackward, insertNewlineAndIndent } from '@codemirror/commands';
import { EditorView } from '@codemirror/view';
import * as Y from 'yjs';
import { placeOf } from './remote-position.ts';

/** Encoded relative positions: others may have written meanwhile. */
export interface TextPlace {
  readonly anchor: Uint8Array;
  readonly head: Uint8Array;
  /** The uppermost line that can be seen, and how far it stands below the edge. */
  readonly top: Uint8Array;
  readonly belowEdgePx: number;
}

/** What was typed while there was no editor. */
export interface Typed {
  readonly text: string;
  /** How often Backspace was pressed before it. */
  readonly erased: number;
}

export function placeIn(view: EditorView, text: Y.Text): TextPlace {
  // Beside what is before it: what somebody else writes at my caret comes after what I write.
  const at = (offset: number): Uint8Array =>
    Y.encodeRelativePosition(Y.createRelativePositionFromTypeIndex(text, offset, -1));
  const { anchor, head } = view.state.selection.main;
  const line = view.lineBlockAtHeight(view.scrollDOM.scrollTop).from;
  const edge = view.scrollDOM.getBoundingClientRect().top;
  const belowEdgePx = (view.coordsAtPos(line)?.top ?? edge) - edge;
  return { anchor: at(anchor), head: at(head), top: at(line), belowEdgePx };
}

/** Goes to the place and types there. */
export function goOnAt(view: EditorView, text: Y.Text, place: TextPlace, typed: Typed): void {
  const selection = placeOf(text, place);
  if (selection) view.dispatch({ selection });
  for (let i = 0; i < typed.erased; i++) deleteCharBackward(view);
  for (const [i, line] of typed.text.split('\n').entries()) {
    if (i > 0) insertNewlineAndIndent(view);
    if (line) view.dispatch(view.state.replaceSelection(line), { userEvent: 'input.type' });
  }
  const top = placeOf(text, { anchor: place.top, head: place.top });
  if (!top) return;
  view.dispatch({
    effects: EditorView.scrollIntoView(top.head, { y: 'start', yMargin: place.belowEdgePx }),
  });
  // Asking for a height scrolls at once: the next key would begin from the top.
  view.lineBlockAtHeight(0);
}
