/** The room's files as the page shows and changes them: the tree, the name, undo of my own typing. */
import { YSyncConfig } from 'y-codemirror.next';
import * as Y from 'yjs';
import type { FileId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Project, TreeProblem } from '../document/project.ts';
import type { TreeItem } from '../document/tree.ts';
import type { AlertsState } from './alerts-state.svelte.ts';
import { deletedAlert, treeProblem } from './file-messages.ts';
import type { FileProblem } from './room-model.ts';

export class FilesState {
  #items = $state.raw<readonly TreeItem[]>([]);
  #name = $state('');
  readonly #project: Project;
  readonly #alerts: AlertsState;
  readonly #editable: () => boolean;
  readonly #undo = new Map<FileId, Y.UndoManager>();
  readonly #stop: () => void;

  constructor(project: Project, alerts: AlertsState, editable: () => boolean) {
    this.#project = project;
    this.#alerts = alerts;
    this.#editable = editable;
    this.#read();
    this.#stop = project.observe(() => this.#read());
  }

  get items(): readonly TreeItem[] {
    return this.#items;
  }

  get name(): string {
    return this.#name;
  }

  setName(name: string): void {
    if (this.#editable()) this.#project.setName(name);
  }

  createFile(path: string): Result<FileId, FileProblem> {
    return this.#change(() => this.#project.createText(path, ''));
  }

  createFolder(path: string): Result<FileId, FileProblem> {
    return this.#change(() => this.#project.createFolder(path));
  }

  move(id: FileId, path: string): Result<void, FileProblem> {
    return this.#change(() => this.#project.move(id, path));
  }

  remove(id: FileId): void {
    if (!this.#editable()) return;
    const item = this.#items.find((each) => each.id === id);
    const removed = this.#project.remove(id);
    if (item === undefined || removed.length === 0) return;
    const alert = `removed-${id}`;
    const undo = (): void => {
      this.#project.restore(removed);
      this.#alerts.dismiss(alert);
    };
    this.#alerts.show(alert, deletedAlert(item.shown, item.kind, undo));
  }

  text(id: FileId): Y.Text | undefined {
    return this.#project.text(id);
  }

  bytes(id: FileId): Uint8Array | undefined {
    const bytes = this.#project.bytes(id);
    return bytes.ok ? bytes.value : undefined;
  }

  /** Takes back what was typed in this tab, and nothing of anybody else's. */
  undoManager(id: FileId): Y.UndoManager | undefined {
    const text = this.#project.text(id);
    if (text === undefined) return undefined;
    let undo = this.#undo.get(id);
    if (undo === undefined) {
      // Every edit that an editor of this tab makes has a YSyncConfig as its origin; a peer's has none.
      undo = new Y.UndoManager(text, { trackedOrigins: new Set([YSyncConfig]) });
      this.#undo.set(id, undo);
    }
    return undo;
  }

  dispose(): void {
    this.#stop();
    for (const undo of this.#undo.values()) undo.destroy();
    this.#project.dispose();
  }

  #change<T>(act: () => Result<T, TreeProblem>): Result<T, FileProblem> {
    if (!this.#editable()) return err({ kind: 'read-only' });
    const done = act();
    return done.ok ? ok(done.value) : err(treeProblem(done.error));
  }

  #read(): void {
    this.#items = this.#project.list();
    this.#name = this.#project.name;
  }
}
