/** What every open file has: the keys, gutters and marks of a code editor, the look, and what changes while it is open. */
import { closeBrackets, closeBracketsKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, indentWithTab } from '@codemirror/commands';
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit } from '@codemirror/language';
import { EditorState, Prec, type Extension } from '@codemirror/state';
import {
  EditorView,
  crosshairCursor,
  drawSelection,
  dropCursor,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  rectangularSelection,
} from '@codemirror/view';
import { pasteWithLf, plainLineSeparator } from './line-endings.ts';
import { editorTheme } from './theme.ts';
import type { UndoSteps } from './undo-steps.ts';

/** Mod-Enter runs the file, so the editor's own meaning of it gives way. */
const keys = defaultKeymap.filter((binding) => binding.key !== 'Mod-Enter');

/** All but the CR of a CRLF line end, which `line-endings.ts` hides. */
const SPECIAL_CHARACTERS =
  // eslint-disable-next-line no-control-regex -- finding control characters is what this is for
  /[\u0000-\u0008\u000a-\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028\u2029\u202d\u202e\u2066\u2067\u2069\ufeff\ufff9-\ufffc]/gu;

export const basics: Extension = [
  plainLineSeparator,
  pasteWithLf,
  EditorState.allowMultipleSelections.of(true),
  EditorState.tabSize.of(4),
  lineNumbers(),
  foldGutter({ markerDOM: foldMarker }),
  highlightActiveLineGutter(),
  highlightActiveLine(),
  highlightSpecialChars({ specialChars: SPECIAL_CHARACTERS }),
  drawSelection(),
  dropCursor(),
  rectangularSelection(),
  crosshairCursor(),
  indentOnInput(),
  bracketMatching(),
  closeBrackets(),
  keymap.of([...closeBracketsKeymap, ...keys, ...foldKeymap, indentWithTab]),
  editorTheme,
];

/** Undo and redo of my own edits, by key and by the browser's menu; a read-only file has neither. */
export function undoKeys(steps: UndoSteps): Extension {
  const act = (step: () => void) => (view: { readonly state: EditorState }) => {
    if (!view.state.readOnly) step();
    return true;
  };
  const back = act(() => steps.undo());
  const forth = act(() => steps.redo());
  return Prec.high([
    keymap.of([
      { key: 'Mod-z', run: back, preventDefault: true },
      { key: 'Mod-y', mac: 'Mod-Shift-z', run: forth, preventDefault: true },
      { key: 'Mod-Shift-z', run: forth, preventDefault: true },
    ]),
    EditorView.domEventHandlers({
      beforeinput({ inputType }, view) {
        if (inputType === 'historyUndo') return back(view);
        return inputType === 'historyRedo' && forth(view);
      },
    }),
  ]);
}

/** Four spaces in Python, where that is the custom; two elsewhere, unless the text shows tabs. */
export function indentation(path: string, start: string): Extension {
  if (/^\t/m.test(start)) return indentUnit.of('\t');
  return indentUnit.of(/\.pyi?$/.test(path) || /^ {4}\S/m.test(start) ? '    ' : '  ');
}

export const wrapping = (wraps: boolean): Extension => (wraps ? EditorView.lineWrapping : []);

/** What a screen reader calls the text. */
export const named = (path: string): Extension =>
  EditorView.contentAttributes.of({ 'aria-label': `Editor: ${path}` });

/** Whether the text can be typed into, and why not in words. */
export const access = (because: string | undefined): Extension => [
  EditorState.readOnly.of(because !== undefined),
  EditorView.contentAttributes.of({
    'aria-readonly': String(because !== undefined),
    'aria-description': `${because ? `${because} ` : ''}Escape, then Tab leaves the editor.`,
  }),
];

function foldMarker(open: boolean): HTMLElement {
  const marker = document.createElement('span');
  marker.className = open ? 'cm-fold-marker' : 'cm-fold-marker closed';
  marker.title = open ? 'Fold' : 'Unfold';
  return marker;
}
