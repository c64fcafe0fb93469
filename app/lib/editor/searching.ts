/** Find, replace, go to line, and the marks of what is selected: a part of its own that late-search.ts fetches. */
import {
  findNext,
  findPrevious,
  gotoLine,
  highlightSelectionMatches,
  openSearchPanel,
  search,
  searchKeymap,
  SearchQuery,
  setSearchQuery,
} from '@codemirror/search';
import type { Extension } from '@codemirror/state';
import { getPanel, keymap, showPanel, type EditorView } from '@codemirror/view';
import type { Typed } from './search-field.ts';

export const searching: Extension = [
  highlightSelectionMatches({ minSelectionLength: 2 }),
  search({ top: true }),
  keymap.of(searchKeymap),
];

/** Does what one of the keys stands for, in a state that has `searching`. */
export function press(view: EditorView, key: string): void {
  searchKeymap.find((binding) => binding.key === key)?.run?.(view);
}

/** Opens the panel for what was typed before it could be opened. */
export function goOn(view: EditorView, { what, text, from, to, enter }: Typed): void {
  if (what === 'line') gotoLine(view);
  else {
    openSearchPanel(view);
    view.dispatch({ effects: setSearchQuery.of(new SearchQuery({ search: text })) });
  }
  const field = fieldIn(view);
  if (field === null) return;
  if (what === 'line' && text !== '') field.value = text;
  if (text !== '') field.setSelectionRange(from, to);
  if (enter === undefined) return;
  if (what === 'line') field.form?.requestSubmit();
  else (enter === 'next' ? findNext : findPrevious)(view);
}

/** The field of the panel that was just opened: the newest, which has the focus. */
function fieldIn(view: EditorView): HTMLInputElement | null {
  for (const made of view.state.facet(showPanel)) {
    const field = made && getPanel(view, made)?.dom.querySelector('input');
    if (field && field === view.root.activeElement) return field;
  }
  return null;
}
