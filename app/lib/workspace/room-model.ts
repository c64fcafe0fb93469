/**
 * What the room page shows and does: the one interface between the views and the composed room.
 * Getters are reactive (read them in templates and `$derived`); methods never throw for what a person can cause.
 */
import type { EditRefusal } from '../editor/undo-steps.ts';
import type * as Y from 'yjs';
import type { DeviceId, FileId, RoomId, Role, RunId } from '../core/ids.ts';
import type { Result } from '../core/result.ts';
import type { CodeProblem } from '../crypto/recovery-code.ts';
import type { OwnersProblem } from '../log/new-owners.ts';
import type { ArchiveProblem } from '../sync/archive/archive-server.ts';
import type { ArchiveSpace } from '../sync/archive/room-at-rest.ts';
import type { RoomMade } from '../sync/archive/room-making.ts';
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

/**
 * 'moving': the room is being opened again with new keys. 'held': it has new keys, and something here would not come along.
 * 'out': it is closed to this device, and can be read.
 */
export type Standing = 'in' | 'moving' | 'held' | 'out';

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
  /** `words`: what it waits for. */
  | { readonly kind: 'saving'; readonly words?: string }
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
  /** A viewer's or commenter's own run: nobody else sees it. */
  readonly onlyMine: boolean;
  readonly output: readonly { readonly stream: 'stdout' | 'stderr'; readonly text: string }[];
  /** Bytes of output that stayed in the runner's tab; known when the run has ended. */
  readonly notShared: number;
  /** Bytes of my own run that this tab has let go, between beginning and end. */
  readonly notKept: number;
  readonly waitingForInput: boolean;
  readonly ended?: { readonly end: RunEnd; readonly durationMs: number };
}

/** One message of the chat. */
export interface MessageView {
  readonly id: string;
  readonly by: {
    readonly name: string;
    readonly colour: string;
    readonly device: DeviceId;
    readonly me: boolean;
  };
  /** ms since 1970 */
  readonly time: number;
  /** Plain text; '' when it was taken back. */
  readonly text: string;
  readonly edited: boolean;
  readonly retracted: boolean;
  /** Whether I may edit or delete it. */
  readonly changeable: boolean;
  /** Mine, and not in the log yet. */
  readonly sending: boolean;
}

/** The chat: everybody in the room reads it, editors and commenters write. */
export interface TalkModel {
  /** A window of it, oldest first: the newest, unless somebody went back. */
  readonly messages: readonly MessageView[];
  /** Whether there are some before and after the window. */
  readonly earlier: boolean;
  readonly later: boolean;
  /** Messages of others that were not seen here, at most 100. */
  readonly unread: number;
  readonly writable: boolean;
  /** Sends what somebody wrote; says in words why it can't be sent, and then nothing was. */
  send(draft: string): string | undefined;
  /** Puts other words in place of mine; says why it can't. */
  edit(id: string, draft: string): string | undefined;
  /** Takes one of mine back. */
  retract(id: string): void;
  showEarlier(): void;
  showLater(): void;
  showNewest(): void;
  /** All there is has been on the screen. */
  seen(): void;
}

export type FileProblem =
  | { readonly kind: 'bad-path'; readonly why: string }
  | { readonly kind: 'path-taken' }
  | { readonly kind: 'read-only' };

export interface ShareLinks {
  /** Those that my own link gives: each has those after it. */
  readonly edit?: string;
  readonly comment?: string;
  readonly view: string;
}

/** Somebody who can be in the room: one browser on one device. */
export interface MemberView {
  readonly device: DeviceId;
  readonly name: string;
  /** One of the twelve, as in `PersonHere`. */
  readonly colour: string;
  /** The most they were seen to hold with the room's present keys. */
  readonly role: Role;
  readonly me: boolean;
  readonly here: boolean;
  /** They were met with earlier keys, and these don't let them in. Their role is what they held then. */
  readonly out?: true;
  /** ms since 1970; undefined while here, and of who wrote here and was never met. */
  readonly lastSeen?: number;
  /** ms since 1970, where this device knows. */
  readonly firstSeen?: number;
}

/** What somebody is to hold from now on. */
export interface Holder {
  readonly device: DeviceId;
  readonly role: Role;
}

/** Who can be in the room, and the one way to change that. */
export interface MembersModel {
  /** Everybody this device has met in the room or that wrote in it: me first, then who is here, then by when they were seen. */
  readonly list: readonly MemberView[];
  /** Whom this device met here before the keys it has now, and who is not let in by them: who was seen last comes first. */
  readonly leftOut: readonly MemberView[];
  /** Why I can't change who is in the room, in words; undefined on the owner's device. */
  readonly fixed: string | undefined;
  /** The change is going on. */
  readonly changing: boolean;
  /**
   * Gives everybody named the role named, and shuts out everybody else and every link made so far. Resolves when it is
   * durable on this device, or has failed: problems are told by alerts.
   */
  change(members: readonly Holder[]): Promise<void>;
  /** Gives everybody named at least the role named, and changes nothing for anybody else. Resolves as `change` does. */
  admit(members: readonly Holder[]): Promise<void>;
}

/** What makes a device an owner of the room, beside being the one that made it. */
export type Recovery =
  /** This browser is one more of the owner's. */
  | { readonly how: 'add' }
  /** The others are lost, or to own the room no more. */
  | { readonly how: 'only' }
  /** Likewise, and the code is replaced by `newCode`. */
  | { readonly how: 'take-over'; readonly newCode: string };

export type OwnershipProblem =
  | CodeProblem
  /** A whole code, and not that of this room now. */
  | { readonly kind: 'another-code' }
  | OwnersProblem
  | { readonly kind: 'already-an-owner' }
  /** Another of the owner's devices changed the owners meanwhile. */
  | { readonly kind: 'taken' }
  /** One that would be left out has changed who can be here, which is not heard of here yet. Doing it again insists. */
  | { readonly kind: 'behind' }
  | { readonly kind: 'failed'; readonly error: unknown };

/** Who may change who is in the room, and how that is handed on: by a recovery code, which is never kept here. */
export interface OwnershipModel {
  /** 'lost': this browser was an owner until `changedAt`. 'other': it never was. */
  readonly standing: 'owner' | 'lost' | 'other';
  readonly hasCode: boolean;
  /** Whether this browser can make the room's first code. */
  readonly mayMakeCode: boolean;
  /** How many browsers own the room. */
  readonly owners: number;
  /** When owners were changed last: ms since 1970, as claimed; undefined where they never were. */
  readonly changedAt: number | undefined;
  /** Whether this browser keeps keys at all, or forgets them with the tab. */
  readonly keepsKeys: boolean;
  /** A new code; it counts for nothing before it is used. */
  newCode(): Promise<string>;
  /** Makes it the room's code. Durable on this device when it resolves. */
  useCode(code: string): Promise<OwnershipProblem | undefined>;
  /** Whether what was typed is the room's code. */
  check(typed: string): Promise<OwnershipProblem | undefined>;
  /** Makes this browser an owner. Durable on this device when it resolves. */
  recover(typed: string, recovery: Recovery): Promise<OwnershipProblem | undefined>;
}

/** The room's encrypted copy in the server's archive. */
export interface ServerCopyView {
  readonly kept: boolean;
  /** Worth asking how full it is: there is a copy, or the server does not answer now. */
  readonly maySay: boolean;
  /** This device has the owner's key. */
  readonly owned: boolean;
  readonly mayDelete: boolean;
  /** The owner had it deleted here, and can have it kept again. */
  readonly mayKeep: boolean;
}

/** The room's share of the server: each call asks the server, which may refuse or be silent. */
export interface ServerSpaceModel {
  /** How full it is, and what is set to go from it. */
  space(): Promise<Result<ArchiveSpace, ArchiveProblem>>;
  /** Keeps all that is set to go. Only with the owner's key, as the next. */
  takeBack(): Promise<Result<unknown, ArchiveProblem>>;
  /** Sets to go what others contain. */
  makeRoom(): Promise<Result<RoomMade, ArchiveProblem>>;
}

export interface RoomModel {
  readonly roomId: RoomId;
  readonly role: Role;
  /** False until the room's text is there to be read. */
  readonly open: boolean;
  /** False until somebody who has the room has been met, on a device that never had it. */
  readonly known: boolean;
  /** False for viewers and commenters, in a room not known yet, and where a newer format makes the room read-only. */
  readonly editable: boolean;
  /** Whether the owner's newest keys let this device in. */
  readonly standing: Standing;
  readonly name: string;
  readonly files: readonly TreeItem[];
  /** Own person first. */
  readonly people: readonly PersonHere[];
  readonly connection: ConnectionView;
  readonly saved: SavedView;
  readonly alerts: readonly AlertView[];
  readonly progress: ProgressView | undefined;
  readonly links: ShareLinks;
  readonly serverCopy: ServerCopyView;
  /** Undefined where this room has no server to keep it. */
  readonly serverSpace: ServerSpaceModel | undefined;
  readonly members: MembersModel;
  readonly ownership: OwnershipModel;
  /** In a room that is not known yet: why the archive does not bring it; '' while that is not clear. */
  readonly notArchived: string;
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
  /** Deletes the server's copy; says by an alert what was removed, or that it failed. */
  deleteFromServer(): Promise<void>;
  keepOnServer(): Promise<void>;
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

  readonly talk: TalkModel;

  dispose(): Promise<void>;
}
