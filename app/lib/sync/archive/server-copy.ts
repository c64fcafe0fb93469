/**
 * The server's copy of a room as this tab knows it: which copy it is, how far it was read, and what is in it for sure. Reads
 * what is new in it, and adds to it.
 */
import { ARCHIVE_PAGE_SEGMENTS } from '../../core/archive-wire.ts';
import { equalBytes, type Bytes } from '../../core/bytes.ts';
import type { Channel, SessionId } from '../../core/ids.ts';
import type { RoomKeys } from '../../crypto/room-keys.ts';
import type { FrontierRow } from '../../log/frontier.ts';
import type { ArchiveMark, LogStore, StoredSegment } from '../../log/log-store.ts';
import type { Gap } from '../../log/receipt.ts';
import type { RoomLog } from '../../log/room-log.ts';
import type { Batch, BatchOutcome } from '../intake.ts';
import { readLone, type LoneSegment } from '../lone-segment.ts';
import { ArchivedChains } from './archived-chains.ts';
import type { ArchiveServer } from './archive-server.ts';
import { batchesOf } from './batches.ts';
import type { EarlyCheckpoint } from './early-checkpoint.ts';
import { KeptRoster, type KnownNews } from './kept-roster.ts';
import { must, Refused } from './refused.ts';

export interface ServerCopyOptions {
  readonly server: ArchiveServer;
  readonly keys: RoomKeys;
  readonly log: RoomLog;
  readonly store: Pick<LogStore, 'loadArchiveMark' | 'saveArchiveMark'>;
  /** What rests here; a damaged segment is not sent. */
  readonly readChain: (session: SessionId, channel: Channel, fromSeq: number) => Promise<StoredSegment[]>;
  readonly mayBeSent: (segment: StoredSegment) => Promise<boolean>;
  /** Resolves when what was accepted or written was offered to the store. */
  readonly settled: () => Promise<void>;
  /** Whether the store has all of it. */
  readonly atRest: () => boolean;
  readonly take: (batch: Batch) => Promise<BatchOutcome>;
  readonly roster: KnownNews;
}

/** Pages of many segments are folded in the worker. */
const HEAVY_SEGMENTS = 20;
/** Where only a place is asked about. */
const NO_HASH = new Uint8Array(32);

export class ServerCopy {
  readonly #options: ServerCopyOptions;
  /** It turned out to be another copy, or an older one. */
  readonly #onAnew: () => void;
  readonly #left: AbortSignal;
  #archived = new ArchivedChains();
  /** Which copy of the room cursors belong to. */
  #instance: Bytes | undefined;
  /** Read so far, and how much of it is placed in the log: only that is remembered. */
  #cursor = 0;
  #placed = 0;
  readonly #roster: KeptRoster;
  #tidied = 0;

  /** `left` ends reading and sending between two requests. */
  constructor(options: ServerCopyOptions, onAnew: () => void, left: AbortSignal) {
    this.#options = options;
    this.#onAnew = onAnew;
    this.#left = left;
    this.#roster = new KeptRoster(options.keys, options.roster);
  }

  /** How far it has each chain. */
  get archived(): ArchivedChains {
    return this.#archived;
  }

  /** What counted there when this device last had segments superseded. */
  get tidied(): number {
    return this.#tidied;
  }

  /** So much counts there now that others go. */
  async tidiedTo(bytes: number): Promise<void> {
    this.#tidied = bytes;
    await this.#remember();
  }

  /** Which copy it is, once that is known. */
  get instance(): Bytes | undefined {
    return this.#instance;
  }

  /** Adds segments that are to supersede others; false where it turned out to be another copy. */
  addSquashed(records: readonly Bytes[]): Promise<boolean> {
    return this.#append(records, 'squashed');
  }

  /** Goes on from what this device remembers, unless it is known better by now. */
  resume({ instance, cursor, ends, roster, owners = 0, tidied = 0 }: ArchiveMark): void {
    if (this.#instance !== undefined) return;
    this.#instance = instance;
    this.#cursor = this.#placed = cursor;
    this.#archived = new ArchivedChains(ends);
    this.#tidied = Number.isSafeInteger(tidied) ? tidied : 0;
    if (roster !== undefined) this.#roster.there = { epoch: roster, owners };
  }

  /** Begins again where the server names another copy, or one that has lost something. */
  meet(instance: Bytes, newest: number): void {
    if (!this.#isOf(instance) || newest < this.#cursor) this.#beginAgain(instance);
  }

  /** Everything is read once more, the next time. */
  rewind(): void {
    this.#cursor = this.#placed = 0;
  }

  /**
   * Takes everything beyond the cursor. What there was no room to hold comes again, with all of it, while that brings something.
   * `early` is shown first.
   */
  async read(early?: EarlyCheckpoint): Promise<void> {
    while (await this.#readOn(early)) this.rewind();
    await this.#options.settled();
  }

  /** Adds what rests here of those chains. */
  async send(due: readonly FrontierRow[]): Promise<void> {
    await this.#options.settled();
    for await (const batch of batchesOf(this.#segmentsOf(due))) {
      if (this.#left.aborted || !(await this.#append(batch.map(({ sealed }) => sealed)))) return;
      for (const segment of batch) this.#archived.add(segment);
      await this.#remember();
    }
  }

  /** Adds the owner's statements where they were not found in it. */
  async sendRoster(): Promise<void> {
    // More may be heard while this is sent.
    const { length } = this.#options.roster.owners;
    const record = await this.#roster.lacking();
    if (record === undefined || !(await this.#append([record]))) return;
    this.#roster.found(length);
    await this.#remember();
  }

  /** Looks for the owner's statements alone, from the end on, since they come when an epoch begins: nothing else can be read yet. */
  async seekRoster(newest: number): Promise<void> {
    for (let end = newest; end > this.#cursor;) {
      const from = Math.max(this.#cursor, end - ARCHIVE_PAGE_SEGMENTS);
      for (let at = from; at < end && !this.#left.aborted;) {
        const { segments, next } = must(await this.#options.server.page(at));
        if (next <= at) throw new Refused({ reason: 'later' });
        await this.#roster.sift(segments);
        at = next;
      }
      end = from;
    }
    this.#cursor = newest;
  }

  /** The server has no copy: nothing that this device noted of one is true. */
  async forget(): Promise<void> {
    const { store } = this.#options;
    this.#instance = undefined;
    this.#empty();
    const mark = await store.loadArchiveMark();
    if (mark !== undefined) await store.saveArchiveMark({ instance: mark.instance, cursor: 0, ends: [] });
  }

  /** Page by page to the end. Whether reading all again would find more room. */
  async #readOn(early: EarlyCheckpoint | undefined): Promise<boolean> {
    const { server, keys, log, take } = this.#options;
    const gaps: Gap[] = [];
    let given: LoneSegment[] = [];
    let entries = 0;
    let anew = false;
    for (let more = true; more && !this.#left.aborted;) {
      const page = must(await server.page(this.#cursor));
      await early?.over();
      const { next } = page;
      if (!this.#isOf(page.instance) || next < this.#cursor) {
        if (anew) throw new Refused({ reason: 'later' });
        anew = true;
        this.#beginAgain(page.instance);
        continue;
      }
      if (page.segments.length > 0 && next === this.#cursor) throw new Refused({ reason: 'later' });
      const segments = await this.#roster.sift(page.segments);
      if (segments.length > 0) {
        const outcome = await take({ segments, heavy: segments.length > HEAVY_SEGMENTS, persist: true });
        entries += outcome.entries;
        gaps.push(...outcome.gaps);
      }
      for (const sealed of segments) {
        const one = await readLone(keys, sealed);
        if (one !== undefined && one.last > this.#archived.endOf(one)) given.push(one);
      }
      this.#cursor = next;
      // What waits for a later page is in memory only, or nowhere: it has to be read again if this tab dies.
      if (log.heldBytes === 0 && !this.#isOpen(gaps)) this.#placed = next;
      given = await this.#count(given);
      await this.#remember();
      ({ more } = page);
    }
    return entries > 0 && !this.#left.aborted && this.#isOpen(gaps);
  }

  /** Whether it took them and had all that it had before: else what counts as archived may be lost. */
  async #append(records: readonly Bytes[], squashed?: 'squashed'): Promise<boolean> {
    const before = this.#cursor;
    const { stored, known, cursor } = must(await this.#options.server.append(records, squashed));
    if (stored + known !== records.length) throw new Refused({ reason: 'later' });
    if (cursor < before + stored) {
      if (this.#instance !== undefined) this.#beginAgain(this.#instance);
      return false;
    }
    // Nobody else's lie in between: no need to read one's own again.
    if (cursor === before + stored) {
      if (this.#placed === before) this.#placed = cursor;
      this.#cursor = cursor;
    }
    return true;
  }

  /** Whether some of those entries are not here yet, nor held. */
  #isOpen(gaps: readonly Gap[]): boolean {
    const { log } = this.#options;
    return gaps.some(({ session, channel, needSeq }) => {
      const [lacking] = log.missingFrom([{ session, channel, seq: needSeq, hash: NO_HASH }]);
      return lacking !== undefined;
    });
  }

  /** What it gave counts as far as the log has the same. Gives what the log may have later. */
  async #count(given: readonly LoneSegment[]): Promise<LoneSegment[]> {
    const waiting: LoneSegment[] = [];
    for (const one of [...given].sort((a, b) => a.first - b.first)) {
      if (one.last <= this.#archived.endOf(one)) continue;
      if (!this.#options.log.has(one.row)) waiting.push(one);
      else if (await one.signed()) this.#archived.add(one);
    }
    return waiting;
  }

  async *#segmentsOf(due: readonly FrontierRow[]): AsyncGenerator<StoredSegment> {
    const { keys, readChain, mayBeSent } = this.#options;
    const { inFewSegments } = await import('../../log/squash.ts');
    for (const { session, channel } of due) {
      const end = this.#archived.endOf({ session, channel });
      const stored: StoredSegment[] = [];
      for (const segment of await readChain(session, channel, end + 1))
        if (await mayBeSent(segment)) stored.push(segment);
      yield* await inFewSegments(keys, stored, end + 1);
    }
  }

  async #remember(): Promise<void> {
    const { store, settled, atRest } = this.#options;
    await settled();
    // With a full disk the archive is read again next time.
    if (this.#instance === undefined || !atRest()) return;
    const { ends } = this.#archived;
    const { there } = this.#roster;
    await store.saveArchiveMark({
      instance: this.#instance,
      cursor: this.#placed,
      ends,
      ...(this.#tidied > 0 && { tidied: this.#tidied }),
      ...(there && { roster: there.epoch, ...(there.owners > 0 && { owners: there.owners }) }),
    });
  }

  /** It is another copy, or an older one: nothing counts as archived until it was read. */
  #beginAgain(instance: Bytes): void {
    this.#instance = instance;
    this.#empty();
    this.#onAnew();
  }

  #empty(): void {
    this.rewind();
    this.#archived = new ArchivedChains();
    this.#roster.there = undefined;
    this.#tidied = 0;
  }

  #isOf(instance: Bytes): boolean {
    return this.#instance !== undefined && equalBytes(instance, this.#instance);
  }
}
