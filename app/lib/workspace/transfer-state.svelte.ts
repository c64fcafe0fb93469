/** Files coming into the room and going out of it: progress while it takes, alerts where it fails; never rejects. */
import type { RoomId } from '../core/ids.ts';
import type { Project } from '../document/project.ts';
import type { PickedFiles } from '../files/picked.ts';
import type { Replica } from '../sync/replica.ts';
import type { AlertsState } from './alerts-state.svelte.ts';
import { exportAlert, exportFailedAlert, importFailedAlert } from './file-messages.ts';
import type { ProgressView } from './room-model.ts';
import { saveBlob } from './save-blob.ts';
import { starterProject } from './starter-project.ts';

export interface TransferOptions {
  readonly roomId: RoomId;
  readonly replica: Replica;
  readonly project: Project;
  readonly alerts: AlertsState;
  /** The room has another name or other content than a moment ago. */
  readonly onChanged: () => void;
}

export class TransferState {
  #progress = $state.raw<ProgressView>();
  readonly #options: TransferOptions;

  constructor(options: TransferOptions) {
    this.#options = options;
  }

  get progress(): ProgressView | undefined {
    return this.#progress;
  }

  /** Fills a room that was just made: with what was picked, else with something small that runs. */
  begin({ name, picked }: { readonly name: string; readonly picked?: PickedFiles }): void {
    const { project } = this.#options;
    project.setName(name);
    if (picked !== undefined) void this.#import(picked, false);
    else for (const { path, content } of starterProject) project.createText(path, content);
  }

  upload(picked: PickedFiles): Promise<void> {
    return this.#import(picked, true);
  }

  /** Saves a zip of the project among the person's downloads. */
  async download(): Promise<void> {
    const { project, alerts } = this.#options;
    try {
      const { exportZip } = await import('../files/export.ts');
      const { zip, missing } = await exportZip(project);
      saveBlob(zip, `${project.name || 'project'}.zip`);
      if (missing.length > 0) alerts.show('export', exportAlert(missing));
      else alerts.dismiss('export');
    } catch (error) {
      console.error('CodeFace: downloading the project', error);
      alerts.show('export', exportFailedAlert('project'));
    }
  }

  /** Saves the room, history and all, among the person's downloads. */
  async downloadRoom(): Promise<void> {
    const { roomId, replica, project, alerts } = this.#options;
    try {
      const { exportRoom, savedRoomAlert } = await import('./export-room.ts');
      const name = `${project.name || 'room'}.codeface`;
      const file = await exportRoom(roomId, replica, (done) => {
        this.#progress = { label: 'Gathering the room’s history', done };
      });
      saveBlob(file, name);
      alerts.show('export', savedRoomAlert(name, file.size));
    } catch (error) {
      console.error('CodeFace: downloading the room', error);
      alerts.show('export', exportFailedAlert('room'));
    } finally {
      this.#progress = undefined;
    }
  }

  async #import(picked: PickedFiles, keepTopFolder: boolean): Promise<void> {
    const { project, alerts, onChanged } = this.#options;
    try {
      const { importInto } = await import('./import-files.ts');
      await importInto(project, picked, {
        keepTopFolder,
        alerts,
        onProgress: (progress) => (this.#progress = progress),
      });
    } catch (error) {
      console.error('CodeFace: importing files', error);
      alerts.show('import-failed', importFailedAlert);
    } finally {
      this.#progress = undefined;
      onChanged();
    }
  }
}
