/**
 * What comes in: segments from peers or from the store, one after the other, through the accept order into the doc
 * and the store. A little is taken where it is; much goes to the folder, and only the difference is applied here.
 */
import * as Y from 'yjs';
import type { Bytes } from '../core/bytes.ts';
import type { StoredSegment } from '../log/log-store.ts';
import type { Refusal } from '../log/format.ts';
import type { Checkpoint } from '../log/checkpoint.ts';
import { forksOf, type Accepted, type ForkProof, type Gap, type Receipt } from '../log/receipt.ts';
import type { RoomLog } from '../log/room-log.ts';
import { applyAccepted, toStored, type FoldStart } from './fold-session.ts';
import type { Folder } from './folder.ts';

/** Origin of every change of the doc that did not begin in this tab. */
export const FROM_LOG = Symbol('from the log');

/** Below this a batch is taken here unseen (LOG.md, Meeting). */
const LIGHT_BYTES = 256 * 1024;
/**
 * Above any of these a batch is folded in the worker. A few long texts are not much: here they cost some milliseconds, there
 * as much for what comes back of them, and the worker's start besides.
 */
const HEAVY = { bytes: 4 * 1024 * 1024, entries: 200, structs: 2000 };
/** A fold's worker holds a second copy of the room: it goes when nothing heavy came for so long. */
const FOLDER_IDLE_MS = 10_000;

export interface Batch {
  readonly segments: readonly Bytes[];
  /** Known to hold more entries than the page should take. */
  readonly heavy: boolean;
  /** False for what was read from the store. */
  readonly persist: boolean;
}

/** What a batch came to, for whoever sent it to hear about. */
export interface BatchOutcome {
  readonly entries: number;
  readonly refusals: readonly Refusal[];
  readonly gaps: readonly Gap[];
  readonly forks: readonly ForkProof[];
  readonly held: boolean;
  readonly unknownFormat: boolean;
}

export interface IntakeOptions {
  /** Where the folder begins, but for the state it goes on from. */
  readonly foldStart: () => Omit<FoldStart, 'from'>;
  readonly log: RoomLog;
  readonly doc: Y.Doc;
  readonly folder: Folder;
  readonly onMessages: (accepted: readonly Accepted[]) => void;
  /** Takes what was accepted, to be kept. */
  readonly keep: (segments: readonly StoredSegment[]) => void;
  readonly onForks: (forks: readonly ForkProof[]) => void;
  /** The log is as far as the checkpoint that is shown. */
  readonly onProved: (verdict: CheckpointVerdict) => void;
  readonly onError: (what: string, error: unknown) => void;
}

/** 'unprovable': what folds the log aside has failed. */
export type CheckpointVerdict = 'true' | 'false' | 'unprovable';

export class Intake {
  readonly #options: IntakeOptions;
  #queue: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #folding = false;
  /** Accepted here since the folder last heard: its copy must have them before it goes on. */
  #sinceFold: Bytes[] = [];
  #folderTimer: ReturnType<typeof setTimeout> | undefined;
  /** What the doc shows ahead of the log: until it is proved everything is folded aside, where nothing but the log is. */
  #unproved: Pick<Checkpoint, 'state' | 'frontier'> | undefined;
  #disposed = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  get busy(): boolean {
    return this.#waiting > 0;
  }

  take(batch: Batch): Promise<BatchOutcome> {
    return this.#inTurn(async () => {
      const outcome = await this.#place(batch);
      await this.#prove();
      return outcome;
    });
  }

  /**
   * Shows what a checkpoint says before the log is here (CHECK-4). False where something of the project is here already. Throws what
   * Yjs throws.
   */
  show(checkpoint: Pick<Checkpoint, 'state' | 'frontier'>): Promise<boolean> {
    return this.#inTurn(async () => {
      const { log, doc } = this.#options;
      const begun = log.frontier().some(({ channel }) => channel === 'project');
      if (this.#unproved !== undefined || (begun && !this.#folding)) return false;
      this.#unproved = checkpoint;
      Y.applyUpdate(doc, checkpoint.state, FROM_LOG);
      await this.#prove();
      return true;
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const done = this.#queue.then(work);
    this.#queue = done.then(
      () => this.#waiting--,
      () => this.#waiting--,
    );
    return done;
  }

  /** Resolves when everything that was given so far is placed. */
  async settled(): Promise<void> {
    await this.#queue;
  }

  /** A segment of this tab's own: the folder's copy needs it like any other. */
  noteOwn(accepted: Accepted): void {
    if (this.#folding) this.#sinceFold.push(accepted.sealed);
  }

  dispose(): void {
    this.#disposed = true;
    this.#endFolding();
  }

  async #place(batch: Batch): Promise<BatchOutcome> {
    const aside = batch.heavy || this.#unproved !== undefined;
    const heavy = aside || (bytesOf(batch) > LIGHT_BYTES && (await this.#isHeavy(batch)));
    return heavy ? this.#foldOrAccept(batch) : this.#accept(batch);
  }

  /** Looks into a batch as far as it takes to know. */
  async #isHeavy({ segments }: Batch): Promise<boolean> {
    let [bytes, entries, structs] = [0, 0, 0];
    for (const [index, sealed] of segments.entries()) {
      this.#openAhead(segments, index);
      const weight = await this.#options.log.weigh(sealed);
      bytes += weight.bytes;
      entries += weight.entries;
      structs += weight.structs;
      if (bytes > HEAVY.bytes || entries > HEAVY.entries || structs > HEAVY.structs) return true;
    }
    return false;
  }

  /** While one segment is looked at, the next is decrypted and inflated, on other threads. */
  #openAhead(segments: readonly Bytes[], index: number): void {
    const next = segments[index + 1];
    if (next !== undefined) this.#options.log.openAhead(next);
  }

  async #accept({ segments, persist }: Batch): Promise<BatchOutcome> {
    const receipts: Receipt[] = [];
    for (const [index, sealed] of segments.entries()) {
      this.#openAhead(segments, index);
      const receipt = await this.#options.log.receive(sealed);
      this.#apply(receipt.accepted, persist);
      this.#options.onForks(forksOf(receipt));
      receipts.push(receipt);
    }
    return outcomeOf(receipts);
  }

  #apply(accepted: readonly Accepted[], persist: boolean): void {
    for (const each of accepted) {
      if (each.channel === 'project') applyAccepted(this.#options.doc, each, FROM_LOG);
      else this.#options.onMessages([each]);
      if (this.#folding) this.#sinceFold.push(each.sealed);
    }
    if (persist) this.#options.keep(accepted.map(toStored));
  }

  /** A browser that refuses workers, or one that died, must not keep anybody out: then it is done here, slowly. */
  async #foldOrAccept(batch: Batch): Promise<BatchOutcome> {
    try {
      return await this.#fold(batch);
    } catch (error) {
      // The room was left: nobody is told anything any more.
      if (this.#disposed) return outcomeOf([]);
      this.#options.onError('folding', error);
      this.#endFolding();
      const outcome = await this.#accept(batch);
      this.#judge('unprovable');
      return outcome;
    }
  }

  async #fold({ segments, persist }: Batch): Promise<BatchOutcome> {
    const { foldStart, log, doc, folder } = this.#options;
    clearTimeout(this.#folderTimer);
    if (!this.#folding) {
      this.#folding = true;
      const state = this.#unproved ? {} : { state: Y.encodeStateAsUpdate(doc) as Bytes };
      await folder.start({ ...foldStart(), from: { chains: log.exportChains(), ...state } });
    }
    const earlier = this.#sinceFold;
    this.#sinceFold = [];
    const result = await folder.fold([...earlier, ...segments]);
    // Doc and chains move in the same turn: an own edit in between would name what the other does not have.
    Y.applyUpdate(doc, result.diff, FROM_LOG);
    if (!log.adopt(result.chains)) throw new Error('chains that the folder exported do not read');
    for (const proof of result.forks) log.keepProof(proof);
    this.#options.onForks(result.forks);
    this.#options.onMessages(result.messages);
    if (persist) this.#options.keep(result.stored);
    const released = await log.release();
    this.#options.onForks(forksOf(released));
    this.#apply(released.accepted, persist);
    const held = await this.#accept({ segments: result.held, heavy: false, persist });
    this.#endLater();
    return {
      entries: result.entries + countEntries(released) + held.entries,
      refusals: result.refusals,
      gaps: [...result.gaps, ...held.gaps],
      forks: [...result.forks, ...held.forks],
      held: held.held,
      unknownFormat: false,
    };
  }

  /** Holds the checkpoint that is shown against the log, once the log is as far. */
  async #prove(): Promise<void> {
    const { log, folder } = this.#options;
    if (!this.#unproved?.frontier.every((row) => log.has(row))) return;
    try {
      if (this.#sinceFold.length > 0) await this.#fold({ segments: [], heavy: true, persist: true });
      this.#judge((await folder.contains(this.#unproved.state)) ? 'true' : 'false');
    } catch (error) {
      if (this.#disposed) return;
      this.#options.onError('folding', error);
      this.#endFolding();
      this.#judge('unprovable');
    }
  }

  #judge(verdict: CheckpointVerdict): void {
    if (this.#unproved === undefined) return;
    this.#unproved = undefined;
    this.#endLater();
    this.#options.onProved(verdict);
  }

  #endLater(): void {
    if (this.#disposed || this.#unproved !== undefined) return;
    this.#folderTimer = setTimeout(() => this.#endFolding(), FOLDER_IDLE_MS);
  }

  #endFolding(): void {
    clearTimeout(this.#folderTimer);
    this.#options.folder.end();
    this.#folding = false;
    this.#sinceFold = [];
  }
}

const bytesOf = ({ segments }: Batch): number => segments.reduce((sum, sealed) => sum + sealed.length, 0);

const outcomeOf = (receipts: readonly Receipt[]): BatchOutcome => ({
  entries: receipts.reduce((sum, receipt) => sum + countEntries(receipt), 0),
  refusals: receipts.flatMap(({ refused }) => refused ?? []),
  gaps: receipts.flatMap(({ gap, wanted }) => [...(gap ? [gap] : []), ...wanted]),
  forks: receipts.flatMap(forksOf),
  held: receipts.some(({ held }) => held !== undefined),
  unknownFormat: receipts.some(({ unknownFormat }) => unknownFormat === true),
});

const countEntries = ({ accepted }: Receipt): number =>
  accepted.reduce((sum, { entries }) => sum + entries.length, 0);
