/**
 * What the room page shows and does: the one interface between the views and the composed room.
 * Getters are reactive (read them in templates and `$derived`); methods never throw for what a person can cause.
 */
import type { EditRefusal } from '../editor/undo-steps.ts';
import type * as Y from 'yjs';
import type { DeviceId, FileId, RoomId, Role, RunId } from '../core/ids.ts';
import type { Result } from '../core/result.ts';
import type { RunEnd, RuntimeId } from '../runtime/runtime.ts';

/** A file or folder as the tree shows it. `shown` differs from `path` where two files claim one path. */
export interface TreeItem {
  readonly id: FileId;
  readonly kind: 'text' | 'binary' | 'folder';
  readonly path: string;
  readonly shown: string;
  /** Bytes, of binary files only. */
  readonly size?: number;
}

export interface PersonHere {
  readonly device: DeviceId;
  readonly name: string;
  /** One of the twelve: 'amber', 'azure', … (tokens `--peer-*`). */
  readonly colour: string;
  readonly me: boolean;
  readonly role: Role;
  /** The file they look at. */
  readonly file?: FileId;
}

export interface RemoteCursor {
  /** One per tab of another person. */
  readonly id: string;
  readonly name: string;
  readonly colour: string;
  /** Yjs relative positions, encoded (Y.encodeRelativePosition). */
  readonly anchor: Uint8Array;
  readonly head: Uint8Array;
}

/** Words and reasons for the status "Connection" (INTERFACE.md). */
export interface ConnectionView {
  readonly kind: 'Alone' | 'Direct' | 'Relayed' | 'Offline';
  readonly here: number;
  /** Which path is in use and why, in one sentence. */
  readonly why: string;
}

/** The status "Saved". `unsaved` is shown as a dot at once, `saving` as words after 400 ms. */
export type SavedView =
  /** `where` is shown ("Saved on this device"); `why` explains what that promises. */
  | { readonly kind: 'saved'; readonly where: string; readonly why: string }
  | { readonly kind: 'unsaved' }
  | { readonly kind: 'saving' }
  | { readonly kind: 'not-saved'; readonly why: string };

export interface AlertView {
  readonly id: string;
  readonly tone: 'bad' | 'warn' | 'info';
  /** What happened. */
  readonly title: string;
  /** What still works, and what to do next. */
  readonly detail: string;
  readonly actions: readonly { readonly label: string; readonly act: () => void }[];
}

export interface ProgressView {
  readonly label: string;
  /** 0 to 1; undefined while unknown. */
  readonly done?: number;
  readonly cancel?: () => void;
}

/** One run as everybody in the room sees it. */
export interface RunView {
  readonly id: RunId;
  readonly runtime: RuntimeId;
  /** 'Python 3.14 · main.py' */
  readonly title: string;
  readonly file: string;
  /** Who started it, and when (ms since 1970). */
  readonly by: { readonly name: string; readonly me: boolean; readonly device: DeviceId | undefined };
  readonly startedAt: number;
  /** A viewer's own run: nobody else sees it. */
  readonly onlyMine: boolean;
  readonly output: readonly { readonly stream: 'stdout' | 'stderr'; readonly text: string }[];
  /** Bytes of output that stayed in the runner's tab; known when the run has ended. */
  readonly notShared: number;
  /** Bytes of my own run that this tab has let go, between beginning and end. */
  readonly notKept: number;
  readonly waitingForInput: boolean;
  readonly ended?: { readonly end: RunEnd; readonly durationMs: number };
}

export type FileProblem =
  | { readonly kind: 'bad-path'; readonly why: string }
  | { readonly kind: 'path-taken' }
  | { readonly kind: 'read-only' };

export interface ShareLinks {
  /** Absent for who only has the view link. */
  readonly edit?: string;
  readonly view: string;
}

export interface RoomModel {
  readonly roomId: RoomId;
  readonly role: Role;
  /** False until the room's text is there to be read. */
  readonly open: boolean;
  /** False until somebody who has the room has been met, on a device that never had it. */
  readonly known: boolean;
  /** False for viewers, in a room not known yet, and where a newer format makes the room read-only. */
  readonly editable: boolean;
  readonly name: string;
  readonly files: readonly TreeItem[];
  /** Own person first. */
  readonly people: readonly PersonHere[];
  readonly connection: ConnectionView;
  readonly saved: SavedView;
  readonly alerts: readonly AlertView[];
  readonly progress: ProgressView | undefined;
  readonly links: ShareLinks;
  /** 'pending' until it is tried; 'ready' only when a room would open, edit and run with the server and network gone. */
  readonly offline:
    | { readonly kind: 'pending' }
    | { readonly kind: 'unavailable'; readonly why: string }
    | { readonly kind: 'loading'; readonly done: number }
    | { readonly kind: 'ready' };

  rename(name: string): void;
  /** The editor did not do what was asked of it. */
  editRefused(refusal: EditRefusal): void;
  setMyName(name: string): void;
  dismiss(alertId: string): void;

  createFile(path: string): Result<FileId, FileProblem>;
  createFolder(path: string): Result<FileId, FileProblem>;
  /** Renames or moves; a folder takes what is in it along. */
  move(id: FileId, path: string): Result<void, FileProblem>;
  /** Removes a file, or a folder with its content; an alert offers Undo. */
  remove(id: FileId): void;
  /** Adds dropped or picked files; says by alerts what was skipped or refused. */
  upload(picked: readonly File[] | DataTransfer): Promise<void>;
  /** Saves a zip of the project, every file byte-identical, among the person's downloads; says by an alert where it can't. */
  download(): Promise<void>;
  /** Saves the room with its whole history, encrypted as it is, in one file; says by alerts what it takes to open it. */
  downloadRoom(): Promise<void>;

  text(id: FileId): Y.Text | undefined;
  /** Bytes of a binary file, or undefined while they are not here. */
  bytes(id: FileId): Uint8Array | undefined;
  /** Undo of my own edits in one file. */
  undoManager(id: FileId): Y.UndoManager | undefined;

  /** Says where I am. Not reactive, cheap, called on every selection change. */
  showCursor(
    file: FileId | undefined,
    selection?: { readonly anchor: Uint8Array; readonly head: Uint8Array },
  ): void;
  cursors(file: FileId): readonly RemoteCursor[];
  /** Calls back whenever `cursors` of any file changed; returns the way to stop. */
  onCursors(changed: () => void): () => void;

  /** The newest run of the room, if any. */
  readonly run: RunView | undefined;
  /** Whether a run of mine is going on: Stop is shown. */
  readonly running: boolean;
  /** Why this file can't be run, in words; undefined when it can. */
  cannotRun(id: FileId): string | undefined;
  start(id: FileId): void;
  stop(): void;
  sendInput(text: string): void;

  dispose(): Promise<void>;
}
