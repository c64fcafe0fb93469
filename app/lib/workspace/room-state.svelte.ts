/** The composed room behind the page: implements RoomModel by handing each part of it to the state that owns it. */
import type * as Y from 'yjs';
import type { DeviceId, FileId, Role, RoomId } from '../core/ids.ts';
import type { Result } from '../core/result.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { Project } from '../document/project.ts';
import type { Accepted } from '../log/receipt.ts';
import type { DeviceStore } from '../storage/device.ts';
import { askToKeep, type Persistence } from '../storage/quota.ts';
import type { OutboxState } from '../sync/outbox.ts';
import type { Replica, ReplicaEvents, ReplicaNotice } from '../sync/replica.ts';
import { AlertsState } from './alerts-state.svelte.ts';
import { describeConnection } from './connection.ts';
import { FilesState } from './files-state.svelte.ts';
import { pickedOf, type PickedFiles } from './picked-files.ts';
import {
  exportAlert,
  internalAlert,
  memoryOnlyAlert,
  newerFormatAlert,
  snapshotFalseAlert,
  storeAlert,
} from './messages.ts';
import { OfflineState } from './offline-state.svelte.ts';
import { PeopleState } from './people-state.svelte.ts';
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
  ShareLinks,
} from './room-model.ts';
import { RunsState } from './runs-state.svelte.ts';
import { SavedState } from './saved-state.svelte.ts';
import { starterProject } from './starter-project.ts';

export interface RoomStateOptions {
  readonly keys: RoomKeys;
  readonly me: DeviceId;
  readonly myName: string | undefined;
  readonly device: DeviceStore;
  readonly replica: Replica;
  readonly storeKind: 'device' | 'memory';
  readonly links: ShareLinks;
}

export class RoomState implements RoomModel, ReplicaEvents {
  readonly open = true;
  readonly links: ShareLinks;
  readonly #options: RoomStateOptions;
  readonly #project: Project;
  readonly #alerts = new AlertsState();
  readonly #files: FilesState;
  readonly #people: PeopleState;
  readonly #runs: RunsState;
  readonly #saved: SavedState;
  readonly #offline = new OfflineState();
  #connection = $state.raw<ConnectionView>({ kind: 'Offline', here: 1, why: 'Reaching the server…' });
  #progress = $state.raw<ProgressView>();
  #newerFormat = $state(false);
  #inFront: FileId | undefined;
  #persistence = $state<Persistence>('unknown');
  readonly #onlineChanged = (): void => this.onPeers();

  constructor(options: RoomStateOptions) {
    const { keys, me, myName, replica, links } = options;
    this.#options = options;
    this.links = links;
    this.#project = new Project(replica.doc);
    this.#files = new FilesState(this.#project, this.#alerts, () => this.editable);
    this.#people = new PeopleState({ replica, me, role: keys.role, myName });
    this.#saved = new SavedState(() => this.#whenStored());
    this.#runs = new RunsState({
      project: this.#project,
      post: keys.role === 'editor' ? (payload) => replica.post('runs', payload) : undefined,
      nameOf: (device) => this.#people.nameOf(device),
      me,
      alerts: this.#alerts,
    });
    if (options.storeKind === 'memory') this.#alerts.show('memory-only', memoryOnlyAlert);
    addEventListener('online', this.#onlineChanged);
    addEventListener('offline', this.#onlineChanged);
    this.onPeers();
  }

  /** Fills a room that was just made: with what was picked, else with something small that runs. */
  begin({ name, picked }: { readonly name: string; readonly picked?: PickedFiles }): void {
    this.#project.setName(name);
    if (picked !== undefined) void this.#import(picked, false);
    else for (const { path, content } of starterProject) this.#project.createText(path, content);
  }

  // ---- RoomModel ---------------------------------------------------------------------------------------------

  get roomId(): RoomId {
    return this.#options.keys.roomId;
  }
  get role(): Role {
    return this.#options.keys.role;
  }
  get editable(): boolean {
    return this.role === 'editor' && !this.#newerFormat;
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
    return this.#connection;
  }
  get saved(): SavedView {
    return this.#saved.view;
  }
  get alerts(): readonly AlertView[] {
    return this.#alerts.all;
  }
  get progress(): ProgressView | undefined {
    return this.#progress ?? this.#runs.progress;
  }
  get offline() {
    return this.#offline.view;
  }

  rename(name: string): void {
    this.#files.setName(name);
    this.remember();
  }

  setMyName(name: string): void {
    void this.#options.device.saveName(this.#people.rename(name));
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
    if (this.editable) await this.#import(pickedOf(picked), true);
  }

  async download(): Promise<Blob> {
    const { exportZip } = await import('../files/export.ts');
    const { zip, missing } = await exportZip(this.#project);
    if (missing.length > 0) this.#alerts.show('export', exportAlert(missing));
    return zip;
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

  async dispose(): Promise<void> {
    removeEventListener('online', this.#onlineChanged);
    removeEventListener('offline', this.#onlineChanged);
    this.#runs.dispose();
    this.#people.dispose();
    this.#saved.dispose();
    this.#offline.dispose();
    this.#files.dispose();
    await this.#options.replica.close();
    this.#options.device.close();
  }

  // ---- ReplicaEvents -----------------------------------------------------------------------------------------

  onMessages(accepted: readonly Accepted[]): void {
    this.#runs.receive(accepted);
  }

  onSaved(state: OutboxState): void {
    this.#saved.update(state);
    if (state.kind === 'store-failed') this.#alerts.show('store', storeAlert(state.error));
    if (state.kind === 'saved') {
      this.#alerts.dismiss('store');
      if (this.#persistence === 'unknown' && this.#options.storeKind === 'device') void this.#askToKeep();
    }
  }

  onPeers(): void {
    const { replica, me } = this.#options;
    this.#people.refresh();
    const paths = replica.paths();
    this.#connection = describeConnection({
      me,
      peers: replica.others.flatMap(({ peer, session }) => {
        const path = paths.get(peer);
        return path === undefined ? [] : [{ device: session.device, path }];
      }),
      relay: replica.transportStatus('relay'),
      webrtc: replica.transportStatus('webrtc'),
      online: navigator.onLine,
    });
  }

  onNotice(notice: ReplicaNotice): void {
    switch (notice.kind) {
      case 'newer-format':
        this.#newerFormat = true;
        return this.#alerts.show('newer-format', newerFormatAlert);
      case 'store-error':
        return this.#alerts.show('store', storeAlert(notice.error));
      case 'snapshot-false':
        return this.#alerts.show('snapshot', snapshotFalseAlert);
      case 'catching-up':
        this.#progress = {
          label: 'Getting what was written meanwhile',
          done: Math.min(1, notice.done / notice.of),
        };
        return;
      case 'caught-up':
        this.#progress = undefined;
        return this.remember();
      case 'internal':
        console.error(`CodeFace: ${notice.what}`, notice.error);
        return this.#alerts.show('internal', internalAlert(notice.what));
      case 'refused':
        // An honest peer never sends what is refused here; the words for a person come with the complete log.
        return console.warn(`CodeFace: refused a segment (${notice.code})`);
      case 'genesis':
        return this.onPeers();
    }
  }

  /** What the status "Saved" says when the store has everything. */
  #whenStored(): SavedView {
    if (this.#options.storeKind === 'memory')
      return { kind: 'not-saved', why: 'this browser keeps nothing here' };
    const until = this.#persistence === 'kept' ? 'you delete it' : 'the browser clears it';
    return { kind: 'saved', where: 'Saved on this device', why: `Kept in this browser until ${until}.` };
  }

  async #import(picked: PickedFiles, keepTopFolder: boolean): Promise<void> {
    const { importInto } = await import('./import-files.ts');
    await importInto(this.#project, picked, {
      keepTopFolder,
      alerts: this.#alerts,
      onProgress: (progress) => (this.#progress = progress),
    });
    this.remember();
  }

  async #askToKeep(): Promise<void> {
    this.#persistence = 'until-cleared';
    this.#persistence = await askToKeep();
  }

  /** The list of recent rooms shows the room's newest name. */
  remember(): void {
    const { keys, device } = this.#options;
    const seed = keys.seeds[keys.seedKind] ?? keys.seeds.v;
    void device.rememberRoom({
      roomId: keys.roomId,
      name: this.name,
      role: keys.role,
      link: { kind: keys.seedKind, epoch: keys.epoch, seed },
      lastOpenedAt: Date.now(),
    });
  }
}
