/**
 * The room's log as this device has it: read at the opening, whole or beyond a snapshot, and held against the snapshot
 * afterwards (SYNC-11). What is read goes through the accept order like anything else.
 */
import type { Channel, SessionId } from '../core/ids.ts';
import { namesOf } from '../log/branches.ts';
import { FORMAT } from '../log/format.ts';
import { chainKey } from '../log/frontier.ts';
import type { DeviceSnapshot, LogStore, StoredSegment } from '../log/log-store.ts';
import type { Accepted, Gap } from '../log/receipt.ts';
import type { RoomLog } from '../log/room-log.ts';
import { HEAVY_ENTRIES } from './catch-up.ts';
import type { FoldStart } from './fold-session.ts';
import type { Folder } from './folder.ts';
import type { Intake } from './intake.ts';
import type { LogAtRest } from './log-at-rest.ts';

/** The log behind a snapshot is checked when the room has been open for so long: what people wait for comes first. */
const CHECK_AFTER_MS = 2000;
/** Read from the store at once: enough for one fold, little enough to show the first text early. */
const READ_BATCH_BYTES = 4 * 1024 * 1024;

export interface StoredLogOptions {
  readonly store: LogStore;
  readonly log: RoomLog;
  readonly intake: Intake;
  /** Takes care of what turns out to be damaged. */
  readonly atRest: LogAtRest;
  readonly folder: Folder;
  readonly foldStart: () => Omit<FoldStart, 'from'>;
  /** Messages that were known when the room was opened. */
  readonly onMessages: (accepted: readonly Accepted[]) => void;
  /** The snapshot contradicts the log; it was dropped. */
  readonly onSnapshotFalse: () => void;
  readonly onError: (what: string, error: unknown) => void;
}

export class StoredLog {
  readonly #options: StoredLogOptions;
  readonly #disposed = new AbortController();
  #checkTimer: ReturnType<typeof setTimeout> | undefined;
  /** How far each chain was in the snapshot. */
  #known: ReadonlyMap<string, number> = new Map();

  constructor(options: StoredLogOptions) {
    this.#options = options;
  }

  /** Takes everything the store holds, as far as it can be read. */
  async readWhole(): Promise<void> {
    await this.#asFarAsItGoes(async () => {
      const gaps: Gap[] = [];
      for await (const stored of this.#options.store.readAll(READ_BATCH_BYTES))
        gaps.push(...(await this.#take(stored)).gaps);
      await this.#readAgain(gaps);
    });
  }

  /** Takes what the store holds beyond the chains of a snapshot. */
  async readBeyond(): Promise<void> {
    const { store, log } = this.#options;
    this.#known = new Map(log.frontier().map((row) => [chainKey(row), row.seq]));
    await this.#asFarAsItGoes(async () => {
      const beyond: StoredSegment[] = [];
      for (const { session, channel, last } of await store.chainEnds()) {
        const seq = this.#known.get(chainKey({ session, channel })) ?? 0;
        if (last > seq) beyond.push(...(await store.readChain(session, channel, seq + 1)));
      }
      await this.#readAgain((await this.#take(beyond)).gaps);
    });
  }

  /**
   * Messages are in no Y.Doc, so those that the snapshot's chains count as known are told anew, by `again`, a log of its own
   * (SYNC-11). Nothing of the project is read. Goes as far as it can.
   */
  async tellAgain(again: RoomLog): Promise<void> {
    const { store, onError } = this.#options;
    const { signal } = this.#disposed;
    try {
      for (const { session, channel } of await store.chainEnds()) {
        if (signal.aborted) return;
        if (channel !== 'project') await this.#tellChain(again, session, channel);
      }
    } catch (error) {
      if (!signal.aborted) onError('the log at rest', error);
    }
  }

  /** Goes on where reading stopped at something damaged, after others brought it. */
  async readOn(): Promise<void> {
    const { store, log } = this.#options;
    const seqs = new Map(log.frontier().map((row) => [chainKey(row), row.seq]));
    const gaps = (await store.chainEnds()).flatMap(({ session, channel, last }) => {
      const haveSeq = seqs.get(chainKey({ session, channel })) ?? 0;
      return last > haveSeq ? [{ session, channel, haveSeq, needSeq: last }] : [];
    });
    await this.#readAgain(gaps, true);
  }

  /** Folds the whole log aside, when the room has been open for a while, and drops a snapshot that says otherwise. */
  checkLater(snapshot: DeviceSnapshot): void {
    this.#checkTimer = setTimeout(() => void this.#check(snapshot), CHECK_AFTER_MS);
  }

  dispose(): void {
    clearTimeout(this.#checkTimer);
    this.#disposed.abort();
  }

  /** What can't be read must not keep anybody out of the rest of the room. */
  async #asFarAsItGoes(read: () => Promise<void>): Promise<void> {
    try {
      await read();
    } catch (error) {
      this.#options.onError('the log at rest', error);
    }
    void this.#lookForMisfiled();
  }

  /**
   * A good segment in another's place is refused by nobody; only the addresses don't come to what was read. Then every record
   * is looked at, which takes as long as reading all of them again, and happens to a damaged log only.
   */
  async #lookForMisfiled(): Promise<void> {
    const { store, atRest, onError } = this.#options;
    try {
      await atRest.survey();
      if (!atRest.lacking && !atRest.hiding) return;
      for await (const stored of store.readAll(READ_BATCH_BYTES)) {
        if (this.#disposed.signal.aborted) return;
        await atRest.inspect(stored);
      }
    } catch (error) {
      if (!this.#disposed.signal.aborted) onError('the log at rest', error);
    }
  }

  async #take(
    stored: readonly StoredSegment[],
    persist = false,
  ): Promise<{ entries: number; gaps: readonly Gap[] }> {
    if (stored.length === 0) return { entries: 0, gaps: [] };
    const entries = stored.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    const segments = stored.map(({ sealed }) => sealed);
    const outcome = await this.#options.intake.take({ segments, heavy: entries > HEAVY_ENTRIES, persist });
    // A first byte of another format is refused by nobody: what is newer is kept, what is damaged looks the same.
    if (outcome.refusals.length > 0 || segments.some((sealed) => sealed[0] !== FORMAT))
      await this.#options.atRest.inspect(stored);
    return outcome;
  }

  /**
   * What waits for a chain that is read later is held within quotas meant for strangers (ACC-15): what they had no room
   * for is read once more, as long as that brings anything.
   */
  async #readAgain(gaps: readonly Gap[], persist = false): Promise<void> {
    for (let missing = gaps; missing.length > 0;) {
      const from = new Map<string, Gap>();
      for (const gap of missing)
        if (gap.haveSeq < (from.get(chainKey(gap))?.haveSeq ?? Infinity)) from.set(chainKey(gap), gap);
      const next: Gap[] = [];
      let entries = 0;
      for (const { session, channel, haveSeq } of from.values()) {
        for (const name of namesOf(this.#options.log.starts, session)) {
          const stored = await this.#options.store.readChain(name, channel, haveSeq + 1);
          for (const part of partsOf(stored)) {
            const outcome = await this.#take(part, persist);
            entries += outcome.entries;
            next.push(...outcome.gaps);
          }
        }
      }
      if (entries === 0) return;
      missing = next;
    }
  }

  async #tellChain(again: RoomLog, session: SessionId, channel: Channel): Promise<void> {
    const { store, atRest, onMessages } = this.#options;
    const stored = await store.readChain(session, channel, 1);
    let refused = false;
    for (const { sealed } of stored) {
      if (this.#disposed.signal.aborted) return;
      const receipt = await again.receive(sealed);
      refused ||= receipt.refused !== undefined || receipt.unknownFormat === true;
      const before = receipt.accepted.flatMap((each) => {
        const end = this.#known.get(chainKey({ session: each.session.id, channel: each.channel })) ?? 0;
        const entries = each.entries.filter(({ seq }) => seq <= end);
        return entries.length > 0 ? [{ ...each, last: Math.min(each.last, end), entries }] : [];
      });
      if (before.length > 0) onMessages(before);
    }
    if (refused) await atRest.inspect(stored);
  }

  async #check({ chains, state }: DeviceSnapshot): Promise<void> {
    const { store, folder, foldStart, atRest, onSnapshotFalse, onError } = this.#options;
    const { signal } = this.#disposed;
    try {
      const all: StoredSegment[] = [];
      for await (const stored of store.readAll(READ_BATCH_BYTES)) {
        if (signal.aborted) return;
        all.push(...stored);
      }
      const { verdict, damaged } = await folder.checkSnapshot(
        { ...foldStart(), from: { chains, state } },
        all,
        signal,
      );
      if (signal.aborted) return;
      await atRest.setAside(damaged.flatMap((index) => all[index] ?? []));
      if (verdict === 'log-short') await atRest.survey();
      if (verdict !== 'false') return;
      await store.dropSnapshot();
      onSnapshotFalse();
    } catch (error) {
      if (!signal.aborted) onError('checking the snapshot', error);
    }
  }
}

/** Stored segments in parts of about READ_BATCH_BYTES. */
function* partsOf(stored: readonly StoredSegment[]): Generator<readonly StoredSegment[]> {
  let part: StoredSegment[] = [];
  let bytes = 0;
  for (const segment of stored) {
    part.push(segment);
    bytes += segment.sealed.length;
    if (bytes < READ_BATCH_BYTES) continue;
    yield part;
    part = [];
    bytes = 0;
  }
  if (part.length > 0) yield part;
}
