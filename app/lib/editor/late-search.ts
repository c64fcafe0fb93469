/**
 * Find and Go to line, whose code is no part of opening a room: fetched when the editor has been at rest for a while, or at
 * the first press of one of their keys. That press is not lost, nor is what is typed after it (search-field.ts).
 */
import { Compartment, type Extension } from '@codemirror/state';
import { keymap, type EditorView } from '@codemirror/view';
import { fieldOf, openField, searchField, type Sought } from './search-field.ts';

/** Does what a key stands for. */
type Press = (view: EditorView, key: string) => void;

/** Where a browser can't say when it is idle: opening, reading and the first keys are over. */
const AT_REST_AFTER_MS = 2000;

/** The keys of `searchKeymap`, and what a person types next. */
export const SEARCH_KEYS: Readonly<Record<string, Sought | undefined>> = {
  'Mod-f': 'text',
  F3: 'text',
  'Mod-g': 'text',
  'Mod-Alt-g': 'line',
  'Mod-Shift-l': undefined,
  'Mod-d': undefined,
};

export class LateSearch {
  readonly #part = new Compartment();
  readonly #view: EditorView;
  readonly #keys: Extension;
  /** Set when it is here. */
  #searching: Extension | undefined;
  #disposed = false;

  constructor(view: EditorView) {
    this.#view = view;
    const bindings = Object.entries(SEARCH_KEYS).map(([key, what]) => {
      const run = (): boolean => this.#press(key, what);
      return { key, run, ...(what === 'text' && key !== 'Mod-f' && { shift: run }), preventDefault: true };
    });
    this.#keys = [searchField, keymap.of(bindings)];
    const whenIdle =
      globalThis.requestIdleCallback ?? ((act: () => void) => setTimeout(act, AT_REST_AFTER_MS));
    // Without it here the first press fetches it; a failure shows then.
    whenIdle(() => void this.#fetch().catch(() => undefined));
  }

  /** For the state of a file that is opened. */
  get extension(): Extension {
    return this.#part.of(this.#searching ?? this.#keys);
  }

  /** Brings the state that was put into the view up to date. */
  enter(): void {
    const part = this.#searching;
    const now = this.#part.get(this.#view.state);
    if (part !== undefined && now !== undefined && now !== part)
      this.#view.dispatch({ effects: this.#part.reconfigure(part) });
  }

  dispose(): void {
    this.#disposed = true;
  }

  #press(key: string, what: Sought | undefined): boolean {
    if (what !== undefined) {
      openField(this.#view, what, () => this.#fetchForField());
      this.#fetchForField();
      return true;
    }
    const { doc, selection } = this.#view.state;
    void this.#fetch().then(
      (press) => {
        // Whoever has gone on typing or selecting would be surprised by it now.
        const { state } = this.#view;
        if (!this.#disposed && state.doc === doc && state.selection === selection) press(this.#view, key);
      },
      () => undefined,
    );
    return true;
  }

  #fetchForField(): void {
    fieldOf(this.#view)?.waiting();
    this.#fetch().catch(() => fieldOf(this.#view)?.failed());
  }

  async #fetch(): Promise<Press> {
    const { searching, press, goOn } = await import('./searching.ts');
    if (this.#disposed || this.#searching !== undefined) return press;
    this.#searching = searching;
    const typed = fieldOf(this.#view)?.typed;
    this.enter();
    if (typed !== undefined) goOn(this.#view, typed);
    return press;
  }
}
