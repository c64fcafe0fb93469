/**
 * The field that stands where Find or Go to line will be, while their part of the app is being fetched: what is typed
 * goes into it and not into the file, and is handed on.
 */
import { StateEffect, StateField, type Extension } from '@codemirror/state';
import { getPanel, showPanel, type EditorView, type Panel, type PanelConstructor } from '@codemirror/view';

export type Sought = 'text' | 'line';

/** What the field held when the panel came. */
export interface Typed {
  readonly what: Sought;
  readonly text: string;
  /** The selection in it, in UTF-16 units. */
  readonly from: number;
  readonly to: number;
  /** Enter was pressed: the next match, with Shift the one before. */
  readonly enter: 'next' | 'previous' | undefined;
}

/** As much of a selection as Find takes for its query. */
const MAX_QUERY_UNITS = 100;
/** A busy line that comes and goes at once would only flicker. */
const BUSY_AFTER_MS = 300;
const WORDS = {
  text: { label: 'Find', failed: 'Find could not be loaded.' },
  line: { label: 'Go to line', failed: 'Go to line could not be loaded.' },
};

class SearchField implements Panel {
  readonly dom = document.createElement('div');
  readonly top = true;
  readonly what: Sought;
  readonly #view: EditorView;
  readonly #input = document.createElement('input');
  readonly #words = document.createElement('span');
  readonly #again: () => void;
  #busy: ReturnType<typeof setTimeout> | undefined;
  #enter: Typed['enter'];

  constructor(view: EditorView, what: Sought, again: () => void) {
    this.#view = view;
    this.what = what;
    this.#again = again;
    const { label } = WORDS[what];
    this.dom.className = 'cm-search';
    this.dom.addEventListener('keydown', (event) => this.#keydown(event));
    Object.assign(this.#input, {
      className: 'cm-textfield',
      placeholder: label,
      value: what === 'text' ? selected(view) : '',
    });
    this.#input.setAttribute('aria-label', label);
    this.#words.setAttribute('role', 'status');
    const close = Object.assign(document.createElement('button'), {
      name: 'close',
      type: 'button',
      textContent: '×',
    });
    close.setAttribute('aria-label', 'close');
    close.addEventListener('click', () => closeField(view));
    this.dom.append(this.#input, this.#words, close);
    this.waiting();
  }

  get typed(): Typed {
    const { value: text, selectionStart, selectionEnd } = this.#input;
    return {
      what: this.what,
      text,
      from: selectionStart ?? 0,
      to: selectionEnd ?? text.length,
      enter: this.#enter,
    };
  }

  mount(): void {
    this.#input.select();
  }

  destroy(): void {
    clearTimeout(this.#busy);
  }

  waiting(): void {
    clearTimeout(this.#busy);
    this.#words.textContent = '';
    this.#busy = setTimeout(() => (this.#words.textContent = 'Loading…'), BUSY_AFTER_MS);
  }

  failed(): void {
    clearTimeout(this.#busy);
    this.#enter = undefined;
    const { failed } = WORDS[this.what];
    this.#words.textContent = `${failed} Editing works. Press Enter to try again when there is a network.`;
  }

  #keydown(event: KeyboardEvent): void {
    const again = /^(f3|f|g)$/i.test(event.key) && (event.key === 'F3' || event.ctrlKey || event.metaKey);
    if (event.key === 'Escape') closeField(this.#view);
    else if (event.key === 'Enter' && !event.isComposing) {
      this.#enter = event.shiftKey ? 'previous' : 'next';
      this.#again();
    } else if (again) this.#input.select();
    else return;
    event.preventDefault();
  }
}

const openEffect = StateEffect.define<PanelConstructor | undefined>();
const fieldState = StateField.define<PanelConstructor | undefined>({
  create: () => undefined,
  update: (open, { effects }) =>
    effects.reduce((last, effect) => (effect.is(openEffect) ? effect.value : last), open),
  provide: (field) => showPanel.from(field, (open) => open ?? null),
});

/** What a state has to have for a field to be opened in it. */
export const searchField: Extension = fieldState;

/** Opens the field and puts the caret into it; `again` is called at Enter. */
export function openField(view: EditorView, what: Sought, again: () => void): void {
  view.dispatch({ effects: openEffect.of(() => new SearchField(view, what, again)) });
}

export function fieldOf(view: EditorView): SearchField | undefined {
  const open = view.state.field(fieldState, false);
  const panel = open && getPanel(view, open);
  return panel instanceof SearchField ? panel : undefined;
}

function closeField(view: EditorView): void {
  view.focus();
  view.dispatch({ effects: openEffect.of(undefined) });
}

function selected({ state }: EditorView): string {
  const { empty, from, to } = state.selection.main;
  return empty || to - from > MAX_QUERY_UNITS ? '' : state.sliceDoc(from, to).replaceAll('\n', '\\n');
}
