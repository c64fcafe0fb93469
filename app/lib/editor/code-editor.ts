/**
 * The editor: one CodeMirror view and a state per open file, each bound to its Y.Text. Keystrokes go CodeMirror → Y.Text
 * and touch nothing else; what the page shows about them (line, language) is told once a frame.
 */
import { Compartment, EditorState, type Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { forceParsing } from '@codemirror/language';
import { yCollab } from 'y-codemirror.next';
import type * as Y from 'yjs';
import { access, basics, indentation, named, undoKeys, wrapping } from './basics.ts';
import { EditedFile } from './edited-file.ts';
import { PLAIN_TEXT, fetchLanguage, isProse, nearbyLanguage, type FileLanguage } from './languages.ts';
import { applyEdits } from './large-edits.ts';
import { LateSearch } from './late-search.ts';
import { crlf, usesCrlf } from './line-endings.ts';
import { remoteCursors, type CursorSource } from './remote-cursors.ts';
import { selectionReport, type ReportSelection } from './selection-report.ts';
import { goOnAt, placeIn, type TextPlace, type Typed } from './text-place.ts';
import { UndoSteps, type EditRefusal } from './undo-steps.ts';

/** What the editor needs to know of a file. */
export interface EditorFile {
  readonly id: string;
  readonly path: string;
  readonly text: Y.Text;
  /** Undo of my own edits; absent where nothing can be edited. */
  readonly undo: Y.UndoManager | undefined;
  readonly cursors: CursorSource;
  readonly report: ReportSelection;
}

/** Where the caret is and what the file is, for a status line. Lines and columns count from 1. */
export interface EditorStatus {
  readonly line: number;
  readonly column: number;
  /** Characters selected, over all ranges. */
  readonly selected: number;
  readonly language: string;
  readonly wraps: boolean;
}

/** Characters at the start of a file that show how it is indented. */
const INDENTATION_SAMPLE = 20_000;
const NO_GRAMMAR: Extension = [];

/** What the editor tells its owner. */
export interface EditorEvents {
  /** At most once a frame; undefined when no file is in front. */
  readonly onStatus: (status: EditorStatus | undefined) => void;
  /** Something a person did was not done, and the text is as it was. */
  readonly onRefused: (refusal: EditRefusal) => void;
}

interface OpenFile {
  readonly edited: EditedFile;
  readonly steps: UndoSteps | undefined;
  path: string;
  language: FileLanguage;
  wraps: boolean;
}

export class CodeEditor {
  readonly #view: EditorView;
  readonly #events: EditorEvents;
  readonly #files = new Map<string, OpenFile>();
  readonly #naming = new Compartment();
  readonly #language = new Compartment();
  readonly #wrapping = new Compartment();
  readonly #access = new Compartment();
  readonly #search: LateSearch;
  #shown: string | undefined;
  #readOnlyBecause: string | undefined;
  #frame: number | undefined;
  #disposed = false;

  constructor(parent: HTMLElement, events: EditorEvents) {
    this.#events = events;
    this.#view = new EditorView({
      parent,
      dispatchTransactions: (transactions, view) => {
        applyEdits(view, transactions, this.#current()?.steps, events.onRefused);
      },
    });
    this.#search = new LateSearch(this.#view);
  }

  /** Brings a file to the front, opening it the first time; the same file again takes up a new path. */
  show(file: EditorFile): void {
    let open = this.#files.get(file.id);
    if (open && open.edited.text !== file.text) {
      this.close(file.id);
      open = undefined;
    }
    open ??= this.#open(file);
    if (this.#shown !== file.id) {
      this.#leave();
      this.#shown = file.id;
      open.edited.enter(this.#view);
      this.#search.enter();
      this.#allow();
    }
    if (open.path !== file.path) this.#rename(open, file.path);
    this.#tell();
  }

  /** Forgets an open file. Its text stays in the room. */
  close(id: string): void {
    if (this.#shown === id) {
      this.#shown = undefined;
      this.#view.setState(EditorState.create());
      this.#events.onStatus(undefined);
    }
    const open = this.#files.get(id);
    if (open) dispose(open);
    this.#files.delete(id);
  }

  /** Closes every file but these. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of [...this.#files.keys()]) if (!ids.has(id)) this.close(id);
  }

  /** Why nothing can be typed, in words; undefined when it can. */
  setReadOnly(because: string | undefined): void {
    this.#readOnlyBecause = because;
    this.#allow();
  }

  toggleWrap(): void {
    const open = this.#current();
    if (!open) return;
    open.wraps = !open.wraps;
    this.#view.dispatch({ effects: this.#wrapping.reconfigure(wrapping(open.wraps)) });
    this.#tell();
  }

  /** Types text at the caret as if from a keyboard: for keys a phone hides. */
  insert(text: string): void {
    if (this.#view.state.readOnly) return;
    this.#view.dispatch(this.#view.state.replaceSelection(text), {
      userEvent: 'input.type',
      scrollIntoView: true,
    });
    this.#view.focus();
  }

  focus(): void {
    this.#view.focus();
  }

  /** Where somebody writes in the file in front; undefined while they don't. */
  get place(): TextPlace | undefined {
    const open = this.#view.hasFocus ? this.#current() : undefined;
    return open && placeIn(this.#view, open.edited.text);
  }

  /** Goes on where another editor of this file was left. False: what was typed since could not be put in. */
  goOn(id: string, place: TextPlace, typed: Typed): boolean {
    const open = this.#shown === id ? this.#current() : undefined;
    const writable = open !== undefined && !this.#view.state.readOnly;
    if (open) goOnAt(this.#view, open.edited.text, place, writable ? typed : { text: '', erased: 0 });
    return writable || typed.text === '';
  }

  dispose(): void {
    this.#disposed = true;
    this.#search.dispose();
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    for (const open of this.#files.values()) dispose(open);
    this.#view.destroy();
  }

  #current(): OpenFile | undefined {
    return this.#shown === undefined ? undefined : this.#files.get(this.#shown);
  }

  #open(file: EditorFile): OpenFile {
    const doc = file.text.toJSON();
    const language = nearbyLanguage(file.path) ?? PLAIN_TEXT;
    const wraps = isProse(file.path);
    const steps = file.undo && new UndoSteps(file.undo, this.#events.onRefused);
    const extensions: Extension = [
      steps ? undoKeys(steps) : [],
      basics,
      this.#search.extension,
      indentation(file.path, doc.slice(0, INDENTATION_SAMPLE)),
      usesCrlf(doc) ? crlf() : [],
      this.#naming.of(named(file.path)),
      this.#language.of(language.support ?? NO_GRAMMAR),
      this.#wrapping.of(wrapping(wraps)),
      this.#access.of(access(this.#readOnlyBecause)),
      yCollab(file.text, null, { undoManager: file.undo ?? false }),
      remoteCursors(file.text, file.cursors),
      selectionReport(file.text, file.report),
      EditorView.updateListener.of((update) => {
        if (update.selectionSet || update.docChanged) this.#tell();
      }),
    ];
    const edited = new EditedFile(file.text, EditorState.create({ doc, extensions }));
    const open: OpenFile = { edited, steps, path: file.path, language, wraps };
    this.#files.set(file.id, open);
    if (!language.support) void this.#fetchLanguage(file.id, open);
    return open;
  }

  #rename(open: OpenFile, path: string): void {
    open.path = path;
    open.language = nearbyLanguage(path) ?? PLAIN_TEXT;
    this.#view.dispatch({
      effects: [
        this.#naming.reconfigure(named(path)),
        this.#language.reconfigure(open.language.support ?? NO_GRAMMAR),
      ],
    });
    if (!open.language.support && this.#shown !== undefined) void this.#fetchLanguage(this.#shown, open);
  }

  async #fetchLanguage(id: string, open: OpenFile): Promise<void> {
    const path = open.path;
    const language = await fetchLanguage(path);
    if (this.#disposed || open.path !== path || this.#files.get(id) !== open) return;
    open.language = language;
    if (this.#shown !== id) return;
    this.#useLanguage(open);
    this.#tell();
  }

  #useLanguage(open: OpenFile): void {
    this.#view.dispatch({ effects: this.#language.reconfigure(open.language.support ?? NO_GRAMMAR) });
    forceParsing(this.#view, this.#view.viewport.to, 20);
  }

  #leave(): void {
    this.#current()?.edited.leave(this.#view);
  }

  /** Brings a state up to what changed while it was away: who may type, and a grammar that came late. */
  #allow(): void {
    const open = this.#current();
    if (!open) return;
    this.#view.dispatch({ effects: this.#access.reconfigure(access(this.#readOnlyBecause)) });
    if (this.#language.get(this.#view.state) !== (open.language.support ?? NO_GRAMMAR))
      this.#useLanguage(open);
  }

  #tell(): void {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      const open = this.#current();
      if (open) this.#events.onStatus(statusOf(this.#view.state, open));
    });
  }
}

function dispose({ edited, steps }: OpenFile): void {
  edited.dispose();
  steps?.dispose();
}

function statusOf(state: EditorState, open: OpenFile): EditorStatus {
  const { main, ranges } = state.selection;
  const line = state.doc.lineAt(main.head);
  return {
    line: line.number,
    column: main.head - line.from + 1,
    selected: ranges.reduce((sum, range) => sum + range.to - range.from, 0),
    language: open.language.name,
    wraps: open.wraps,
  };
}
