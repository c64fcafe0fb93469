/** What a tree remembers while it is shown: which folders are open, where the focus is, what is being typed or renamed. */
import { SvelteMap } from 'svelte/reactivity';
import { foldersAround, rowIndex, treeRows, typeAhead, type TreeEntry, type TreeRow } from './tree-model.ts';

/** Up to here every folder starts open: more rows than that are looked for, not looked at. */
const OPEN_ALL_UP_TO = 100;
/** Letters typed closer together than this are one word, in milliseconds. */
const TYPING_MS = 700;

export class TreeState {
  /** Id of the row that has, or had, the focus. */
  focused = $state<string>();
  /** Id of the row whose name is being changed. */
  renaming = $state<string>();
  /** Id of the row that something is dragged over. */
  over = $state<string>();

  readonly #entries: () => readonly TreeEntry[];
  readonly #selected: () => string | undefined;
  /** What the person opened or closed; the rest is as the number of entries says. */
  readonly #opened = new SvelteMap<string, boolean>();
  #typed = { text: '', at: -Infinity };

  readonly rows: readonly TreeRow[] = $derived.by(() => {
    const entries = this.#entries();
    return treeRows(entries, ({ id }) => this.#opened.get(id) ?? entries.length <= OPEN_ALL_UP_TO);
  });
  readonly #index = $derived(rowIndex(this.rows));
  /** The one row that Tab leads to: where the focus was, else what is selected, else the first. */
  readonly stop = $derived.by(() =>
    [this.focused, this.#selected(), this.rows[0]?.id].find((id) => id !== undefined && this.#index.has(id)),
  );

  constructor(entries: () => readonly TreeEntry[], selected: () => string | undefined) {
    this.#entries = entries;
    this.#selected = selected;
  }

  /** Index of a row in sight; -1 for one that is not. */
  indexOf(id: string | undefined): number {
    return id === undefined ? -1 : (this.#index.get(id) ?? -1);
  }

  setOpen(row: TreeRow, open: boolean): void {
    this.#opened.set(row.id, open);
  }

  /** Opens the folders around an entry. */
  openTo(id: string): void {
    const path = this.#entries().find((entry) => entry.id === id)?.shown;
    if (path === undefined) return;
    const around = foldersAround(path);
    for (const folder of around) this.#opened.set(`folder:${folder}`, true);
    for (const entry of this.#entries()) if (around.includes(entry.shown)) this.#opened.set(entry.id, true);
  }

  /** Whether a key is part of a word being typed (a space only continues one). `atMs` is the event's time stamp. */
  isTyping(key: string, atMs: number): boolean {
    return [...key].length === 1 && (key !== ' ' || atMs - this.#typed.at < TYPING_MS);
  }

  /** The row that the letters typed so far lead to. */
  type(key: string, atMs: number, from: number): TreeRow | undefined {
    const text = atMs - this.#typed.at < TYPING_MS ? this.#typed.text + key : key;
    this.#typed = { text, at: atMs };
    return this.rows[typeAhead(this.rows, from, text)];
  }
}
