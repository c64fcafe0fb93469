/** Putting what was picked into the project, with progress, a way to cancel, and words for what stayed out. */
import type { Result } from '../core/result.ts';
import type { Project } from '../document/project.ts';
import type { Imported, ImportOptions, ImportRefusal } from '../files/collected.ts';
import { importEntries, importPicked } from '../files/import.ts';
import { textOf } from '../files/text.ts';
import type { AlertsState } from './alerts-state.svelte.ts';
import { importRefusedAlert, notAddedAlert, nothingAddedAlert, skippedAlert } from './import-messages.ts';
import type { PickedFiles } from '../files/picked.ts';
import type { ProgressView } from './room-model.ts';

export interface ImportIntoOptions {
  /** In a room that has content a dropped folder stays a folder. */
  readonly keepTopFolder: boolean;
  readonly alerts: AlertsState;
  readonly onProgress: (progress: ProgressView) => void;
}

/** So long the page may be busy before it draws and takes keys again. */
const TURN_MS = 12;

/** Shows progress while it goes on; ending it is the caller's. Rejects where reading or adding breaks an invariant. */
export async function importInto(
  project: Project,
  picked: PickedFiles,
  options: ImportIntoOptions,
): Promise<void> {
  const { alerts, onProgress, keepTopFolder } = options;
  const abort = new AbortController();
  const cancel = (): void => abort.abort();
  onProgress({ label: 'Reading files', cancel });
  const read = await readPicked(picked, {
    keepTopFolder,
    signal: abort.signal,
    onProgress: (done) => onProgress({ label: 'Reading files', done, cancel }),
  });
  if (read.ok) {
    await add(project, read.value, (done) => onProgress({ label: 'Adding files', done }), alerts);
    const { files, folders, skipped } = read.value;
    const nothing = files.length === 0 && folders.length === 0;
    if (skipped.length > 0)
      alerts.show('import-skipped', nothing ? nothingAddedAlert(skipped) : skippedAlert(skipped));
  } else alerts.show('import-refused', importRefusedAlert(read.error));
}

function readPicked(picked: PickedFiles, options: ImportOptions): Promise<Result<Imported, ImportRefusal>> {
  return picked.kind === 'files'
    ? importPicked(picked.files, options)
    : importEntries(picked.entries, options);
}

/** Adds file after file; each is an entry of its own, so that a large import travels piece by piece. */
async function add(
  project: Project,
  { files, folders }: Imported,
  onProgress: (done: number) => void,
  alerts: AlertsState,
): Promise<void> {
  const notAdded: string[] = [];
  let turnEnds = performance.now() + TURN_MS;
  for (const [at, { path, bytes }] of files.entries()) {
    const text = textOf(bytes);
    const added = text === undefined ? project.createBinary(path, bytes) : project.createText(path, text);
    if (!added.ok) notAdded.push(path);
    if (performance.now() < turnEnds) continue;
    onProgress((at + 1) / files.length);
    await new Promise((resolve) => setTimeout(resolve));
    turnEnds = performance.now() + TURN_MS;
  }
  for (const path of folders) project.createFolder(path);
  if (notAdded.length > 0) alerts.show('import-not-added', notAddedAlert(notAdded));
}
