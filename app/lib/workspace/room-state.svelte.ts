/** The composed room behind the page: implements RoomModel by handing each part of it to the state that owns it. */
import type * as Y from 'yjs';
import type { ClientId, DeviceId, FileId, Role, RoomId, SessionId } from '../core/ids.ts';
import type { Result } from '../core/result.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import type { Member } from '../log/roster-codec.ts';
import type { Roster } from '../log/roster.ts';
import type { OwnWords } from '../document/own-words.ts';
import { Project } from '../document/project.ts';
import type { EditRefusal } from '../editor/undo-steps.ts';
import { pickedOf, type PickedFiles } from '../files/picked.ts';
import { releaseRuntimes } from '../runtime/registry.ts';
import type { DeviceStore } from '../storage/device.ts';
import type { ClosedBy } from '../storage/open-database.ts';
import { askToKeep, storageRoom } from '../storage/quota.ts';
import type { StorageProblem } from '../storage/storage-problem.ts';
import type { ForkNotice } from '../sync/replica-events.ts';
import type { Replica } from '../sync/replica.ts';
import { AlertsState } from './alerts-state.svelte.ts';
import { ArchiveCopyState } from './archive-copy-state.svelte.ts';
import { notArchivedWords } from './archive-words.ts';
import { outOfRoom } from './connection.ts';
import { ConnectionState } from './connection-state.svelte.ts';
import {
  keptBehindAlert,
  movedAlert,
  type Moved,
  moveFailedAlert,
  notStoredAlert,
  removedAlert,
} from './epoch-messages.ts';
import { editRefusedAlert } from './file-messages.ts';
import { FilesState } from './files-state.svelte.ts';
import {
  checkpointFalseAlert,
  forkAlert,
  memoryOnlyAlert,
  nameNotKeptAlert,
  nothingToSave,
  savedWhenHere,
} from './messages.ts';
import { forkProofFile } from './fork-proof.ts';
import { GivenNames } from './given-names.ts';
import { keep, kept } from './kept-locally.ts';
import { MembersState } from './members-state.svelte.ts';
import type { NextEpoch } from './next-epoch.ts';
import { OfflineState } from './offline-state.svelte.ts';
import { addedAlert, lostAlert } from './owner-words.ts';
import type { OwnershipState } from './ownership-state.svelte.ts';
import { PeopleState } from './people-state.svelte.ts';
import { recentRoomOf } from './recent-room.ts';
import { ReplicaListener } from './replica-listener-state.svelte.ts';
import type {
  AlertView,
  ConnectionView,
  FileProblem,
  PersonHere,
  ProgressView,
  RemoteCursor,
  RoomModel,
  RunView,
  SavedView,
  ServerCopyView,
  ServerSpaceModel,
  ShareLinks,
  Standing,
} from './room-model.ts';
import { RunsState } from './runs-state.svelte.ts';
import { saveBlob } from './save-blob.ts';
import { SavedState } from './saved-state.svelte.ts';
import { TalkState } from './talk-state.svelte.ts';
import { TransferState } from './transfer-state.svelte.ts';

/** How the room is opened again by what owners have signed. */
export type Way = Omit<NextEpoch, 'link'> & { readonly go: () => void };

export interface RoomStateOptions {
  readonly keys: RoomKeys;
  readonly me: DeviceId;
  readonly session: SessionId;
  /** The Yjs client that writes here. */
  readonly clientId: ClientId;
  readonly myName: string | undefined;
  readonly device: DeviceStore;
  readonly replica: Replica;
  /** Why the room's log is in memory only; undefined where this device keeps it. */
  readonly notKept: StorageProblem | undefined;
  /** Resolves when the room's database is closed by someone else. */
  readonly storeClosed: Promise<ClosedBy>;
  readonly links: ShareLinks;
  /** The owner has closed the room to this device: what it has can be read. */
  readonly out: boolean;
  /** My role before the owner changed who is in the room, a moment ago. */
  readonly moved?: Moved;
  /** Why it was opened again a moment ago. */
  readonly forked?: Forked;
  /** The room has to be opened again, to have both stories. */
  readonly onForked: (forked: Forked) => void;
  /** It has to be opened again by its log. `doubt`: what was shown was somebody's, and is not so. */
  readonly onFalse: (doubt: Doubt | undefined) => void;
  /** What was written here before it was opened again, and could not be signed. */
  readonly words?: readonly OwnWords[];
  readonly doubt?: Doubt;
  /** Whether this device owns the room. */
  readonly ownership: OwnershipState;
  /** Gives these people their roles, and everybody else none, where this device owns the room; undefined where it is out. */
  readonly changeMembers: ((members: readonly Member[]) => Promise<void>) | undefined;
  /** Gives these more under the keys that the room has; likewise. */
  readonly admit: ((members: readonly Member[]) => Promise<void>) | undefined;
  /** Whom owners let in by name under the keys that the room has. */
  readonly granted: () => readonly Member[];
  /** Takes this device to a newer roster. */
  readonly onRoster: (roster: Roster) => Promise<Way>;
  /** Where admissions lead this device under the same keys, if they let it do more than it can. */
  readonly onAdmissions: (roster: Roster) => Promise<Way | undefined>;
}

/** Someone signed two stories; `notice` where both are at hand. */
export interface Forked {
  readonly notice?: ForkNotice;
}

/** Who signed a checkpoint that is not true. */
export interface Doubt {
  readonly name: string | undefined;
}

/** Words are put in when the others' are here; so long is waited for them. */
const PUT_BACK_WITHIN_MS = 10_000;
/** Who forks again and again must not keep everybody from working in between. */
const OPEN_FOR_AT_LEAST_MS = 10_000;

export class RoomState implements RoomModel {
  readonly open = true;
  /** Hears the replica. */
  readonly listener: ReplicaListener;
  readonly links: ShareLinks;
  readonly talk: TalkState;
  readonly members: MembersState;
  readonly ownership: OwnershipState;
  readonly #options: RoomStateOptions;
  readonly #project: Project;
  readonly #alerts = new AlertsState();
  readonly #names = new GivenNames();
  readonly #files: FilesState;
  readonly #people: PeopleState;
  readonly #runs: RunsState;
  readonly #saved: SavedState;
  readonly #offline = new OfflineState();
  readonly #connection: ConnectionState;
  readonly #copy: ArchiveCopyState;
  readonly #transfer: TransferState;
  #inFront: FileId | undefined;
  #known = $state(false);
  /** Set when the owner has changed who is in the room: it is to be opened again. */
  #going = $state<'moving' | 'held'>();
  readonly #openedAt = performance.now();
  #fork: ForkNotice | undefined;
  #forkedTimer: ReturnType<typeof setTimeout> | undefined;
  #stopWaiting: (() => Promise<void>) | undefined;
  #words = $state.raw<readonly OwnWords[]>([]);
  #wordsTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: RoomStateOptions) {
    const { keys, me, session, myName, replica, links, notKept, moved } = options;
    this.#options = options;
    this.links = links;
    this.ownership = options.ownership;
    this.#known = replica.known;
    this.#project = new Project(replica.doc);
    this.#files = new FilesState(this.#project, this.#alerts, () => this.editable);
    this.#transfer = new TransferState({
      roomId: keys.roomId,
      replica,
      project: this.#project,
      alerts: this.#alerts,
      onChanged: () => this.remember(),
    });
    const gave = (device: DeviceId): string => this.#names.of(device);
    this.#people = new PeopleState({ replica, me, role: keys.role, myName, gave });
    this.members = new MembersState({
      roomId: keys.roomId,
      epoch: keys.epoch,
      people: this.#people,
      alerts: this.#alerts,
      writers: () => replica.writers(),
      granted: options.granted,
      gave,
      change: options.changeMembers,
      admit: options.admit,
      ownership: options.ownership,
      forgotten: () => this.listener.forgotten,
      now: () => Date.now(),
    });
    this.#connection = new ConnectionState(replica, me);
    this.#copy = new ArchiveCopyState(replica.archive, this.#alerts);
    this.#saved = new SavedState({
      archive: () => this.#copy.state,
      storeKind: notKept ? 'memory' : 'device',
      askToKeep,
      storageRoom: () => storageRoom(),
    });
    this.#runs = new RunsState({
      project: this.#project,
      post: keys.role === 'editor' ? (payload) => replica.post('runs', payload) : undefined,
      nameOf: (device) =>
        this.members.list.find((member) => member.device === device)?.name ?? this.#people.nameOf(device),
      me,
      alerts: this.#alerts,
    });
    const seenKey = `codeface.talk.${keys.roomId}`;
    this.talk = new TalkState({
      me: { session, device: me, role: keys.role },
      post: (payload) => replica.post('talk', payload),
      writable: () => this.role !== 'viewer' && this.#writable,
      myName: () => this.#people.myName,
      person: (device, gave) => this.#people.author(device, gave),
      seenUntil: Number(kept(seenKey)) || 0,
      keepSeen: (time) => keep(seenKey, String(time)),
      now: () => Date.now(),
    });
    void replica.told.then(() => this.talk.opened());
    this.listener = new ReplicaListener({
      alerts: this.#alerts,
      saved: this.#saved,
      onMessages: (accepted) => {
        this.#runs.receive(accepted, this.#names.receive(accepted));
        this.talk.receive(accepted);
      },
      onPeers: () => {
        this.#known = replica.known;
        this.#people.refresh();
        this.members.refresh();
        this.#connection.refresh();
        this.#copy.refresh();
        if (replica.caughtUp) void this.#putBack();
      },
      onFork: (fork) => this.#tellFork({ notice: fork }),
      onForked: () => this.#openAgain(),
      onCaughtUp: () => this.remember(),
      onFalse: (signer) => {
        // Where it is on its way elsewhere, or somebody decides when, it is opened by its log then.
        if (this.#going !== undefined) return;
        this.#going = 'moving';
        options.onFalse(signer && { name: this.#people.nameOf(signer) });
      },
      onRoster: (roster) => void this.follow(roster),
      onSameKeys: (roster) => void this.#sameKeys(roster),
      download: () => void this.download(),
    });
    if (notKept !== undefined) this.#alerts.show('memory-only', memoryOnlyAlert(notKept));
    if (options.out)
      this.#alerts.show(
        'out',
        removedAlert(() => void this.download()),
      );
    else if (moved !== undefined)
      this.#alerts.show('moved', movedAlert(moved.mine === true, moved, keys.role));
    if (options.forked !== undefined) this.#tellFork(options.forked);
    if (options.doubt !== undefined) this.#alerts.show('doubt', checkpointFalseAlert(options.doubt.name));
    this.#words = options.words ?? [];
    if (this.#words.length > 0) this.#wordsTimer = setTimeout(() => void this.#putBack(), PUT_BACK_WITHIN_MS);
    void options.storeClosed.then((why) => this.listener.onStoreClosed(why));
  }

  /** Fills a room that was just made: with what was picked, else with something small that runs. */
  begin(first: { readonly name: string; readonly picked?: PickedFiles }): void {
    this.#transfer.begin(first);
  }

  // ---- RoomModel ---------------------------------------------------------------------------------------------

  get roomId(): RoomId {
    return this.#options.keys.roomId;
  }
  get role(): Role {
    return this.#options.keys.role;
  }
  get editable(): boolean {
    return this.role === 'editor' && this.#writable;
  }
  get standing(): Standing {
    return this.#options.out ? 'out' : (this.#going ?? 'in');
  }
  get known(): boolean {
    return this.#known;
  }
  get name(): string {
    return this.#files.name;
  }
  get files() {
    return this.#files.items;
  }
  get people(): readonly PersonHere[] {
    return this.#people.all;
  }
  get connection(): ConnectionView {
    return this.#options.out ? outOfRoom : this.#connection.view;
  }
  get saved(): SavedView {
    if (this.#words.length > 0) return savedWhenHere;
    return this.#known ? this.#saved.view : nothingToSave;
  }
  get serverCopy(): ServerCopyView {
    return this.#copy.view;
  }
  get serverSpace(): ServerSpaceModel | undefined {
    return this.#copy.space;
  }
  get notArchived(): string {
    return notArchivedWords(this.#copy.state);
  }
  get alerts(): readonly AlertView[] {
    return this.#alerts.all;
  }
  get progress(): ProgressView | undefined {
    return this.#transfer.progress ?? this.listener.progress ?? this.#runs.progress;
  }
  get offline() {
    return this.#offline.view;
  }

  rename(name: string): void {
    this.#files.setName(name);
    this.remember();
  }

  editRefused(refusal: EditRefusal): void {
    this.#alerts.show('edit-refused', editRefusedAlert(refusal));
  }

  setMyName(name: string): void {
    const called = this.#people.rename(name);
    this.members.refresh();
    this.#options.device.saveName(called).catch((error: unknown) => {
      console.error('CodeFace: keeping the name', error);
      this.#alerts.show('name', nameNotKeptAlert);
    });
  }

  dismiss(alertId: string): void {
    this.#alerts.dismiss(alertId);
  }

  createFile(path: string): Result<FileId, FileProblem> {
    return this.#files.createFile(path);
  }
  createFolder(path: string): Result<FileId, FileProblem> {
    return this.#files.createFolder(path);
  }
  move(id: FileId, path: string): Result<void, FileProblem> {
    return this.#files.move(id, path);
  }
  remove(id: FileId): void {
    this.#files.remove(id);
  }

  async upload(picked: readonly File[] | DataTransfer): Promise<void> {
    if (this.editable) await this.#transfer.upload(pickedOf(picked));
  }
  download(): Promise<void> {
    return this.#transfer.download();
  }
  deleteFromServer(): Promise<void> {
    return this.#copy.delete();
  }
  keepOnServer(): Promise<void> {
    return this.#copy.keep();
  }
  downloadRoom(): Promise<void> {
    return this.#transfer.downloadRoom();
  }

  text(id: FileId): Y.Text | undefined {
    return this.#files.text(id);
  }
  bytes(id: FileId): Uint8Array | undefined {
    return this.#files.bytes(id);
  }
  undoManager(id: FileId): Y.UndoManager | undefined {
    return this.#files.undoManager(id);
  }

  showCursor(
    file: FileId | undefined,
    selection?: { readonly anchor: Uint8Array; readonly head: Uint8Array },
  ): void {
    if (file !== undefined && file !== this.#inFront) this.#runs.expect(file);
    this.#inFront = file;
    this.#people.showCursor(file, selection);
  }
  cursors(file: FileId): readonly RemoteCursor[] {
    return this.#people.cursors(file);
  }
  onCursors(changed: () => void): () => void {
    return this.#people.onCursors(changed);
  }

  get run(): RunView | undefined {
    return this.#runs.view;
  }
  get running(): boolean {
    return this.#runs.running;
  }
  cannotRun(id: FileId): string | undefined {
    return this.#runs.cannotRun(id);
  }
  start(id: FileId): void {
    this.#runs.start(id);
  }
  stop(): void {
    this.#runs.stop();
  }
  sendInput(text: string): void {
    this.#runs.sendInput(text);
  }

  /** The owner has changed who is in the room: goes there with everything that is here. */
  async follow(roster: Roster): Promise<void> {
    await this.#goBy(() => this.#options.onRoster(roster));
  }

  async #goBy(lead: () => Promise<Way>): Promise<void> {
    // Whatever else is heard meanwhile is heard again where this leads.
    if (this.#going !== undefined) return;
    this.#going = 'moving';
    const download = (): void => void this.download();
    try {
      const { go, behind, unsaved } = await lead();
      if (!unsaved && behind === 0) return go();
      this.#going = 'held';
      const alert = unsaved ? notStoredAlert(download, go) : keptBehindAlert(behind, download, go);
      this.#alerts.show('kept-behind', alert);
    } catch (error) {
      console.error('CodeFace: going to the new keys', error);
      this.#going = 'held';
      this.#alerts.show('kept-behind', moveFailedAlert(download));
    }
  }

  /** Others own the room now, or an owner has let somebody in: perhaps this device, to more than it could do. */
  async #sameKeys(roster: Roster): Promise<void> {
    this.members.refresh(true);
    const { standing: before, owners: owned } = this.ownership;
    await this.ownership.heard(roster.owners).catch((error: unknown) => {
      console.warn('CodeFace: the key of this device for the room', error);
    });
    const { standing, owners } = this.ownership;
    if (standing === 'lost' && before === 'owner') this.#alerts.show('owners', lostAlert);
    else if (standing === 'owner' && before === 'owner' && owners > owned)
      this.#alerts.show('owners', addedAlert(owners));
    else if (standing === 'owner' && before !== 'owner') this.#alerts.dismiss('owners');
    const way = await this.#options.onAdmissions(roster);
    if (way !== undefined) await this.#goBy(async () => way);
  }

  get #writable(): boolean {
    return this.#known && !this.listener.readOnly && this.standing === 'in';
  }

  #tellFork({ notice }: Forked): void {
    this.#fork = notice;
    const name = notice?.device && this.#people.nameOf(notice.device);
    const save =
      notice &&
      ((): void => saveBlob(forkProofFile(this.roomId, notice), `fork-${notice.session.slice(0, 8)}.json`));
    this.#alerts.show('fork', forkAlert(name, save));
  }

  #openAgain(): void {
    const open = (): void => {
      if (this.#going !== undefined) return;
      this.#going = 'moving';
      this.#options.onForked({ ...(this.#fork && { notice: this.#fork }) });
    };
    const left = this.#openedAt + OPEN_FOR_AT_LEAST_MS - performance.now();
    this.#forkedTimer ??= setTimeout(open, Math.max(0, left));
  }

  /** This device is out, and stands at the door until it is let in or the page is closed. */
  waits(stop: () => Promise<void>): void {
    this.#stopWaiting = stop;
  }

  /** What was written here and can't be signed: it goes with whoever opens the room again. */
  async unsigned(): Promise<readonly OwnWords[]> {
    const { replica, clientId } = this.#options;
    const written = replica.takeUnsigned();
    if (written.length === 0) return this.#words;
    const { ownWords } = await import('../document/own-words.ts');
    const words = ownWords(this.#project, clientId, written);
    return words ? [...this.#words, words] : this.#words;
  }

  /** Puts in what was written before the room was opened again. */
  async #putBack(): Promise<void> {
    clearTimeout(this.#wordsTimer);
    if (this.#words.length === 0) return;
    const { putBack, textsIn } = await import('../document/own-words.ts');
    // The room may be on its way to be opened again: then they go along.
    if (this.#going !== undefined) return;
    const words = this.#words;
    this.#words = [];
    const left = words.flatMap((each) => (this.editable ? putBack(this.#project, each) : textsIn(each)));
    if (left.length === 0) return;
    this.editRefused({ kind: 'typed-meanwhile', text: left.map(({ text }) => text).join('\n') });
  }

  /** The list of recent rooms shows the room's newest name. */
  remember(): void {
    if (this.listener.forgotten) return;
    const { keys, device } = this.#options;
    device
      .rememberRoom(recentRoomOf(keys, this.name, Date.now()))
      .catch((error: unknown) => console.warn('CodeFace: the list of recent rooms', error));
  }

  async dispose(): Promise<void> {
    clearTimeout(this.#forkedTimer);
    clearTimeout(this.#wordsTimer);
    this.#connection.dispose();
    this.#copy.dispose();
    this.#runs.dispose();
    this.members.dispose();
    this.#people.dispose();
    this.#saved.dispose();
    this.#offline.dispose();
    this.#files.dispose();
    releaseRuntimes();
    await this.#stopWaiting?.();
    await this.#options.replica.close();
    this.#options.device.close();
  }
}
