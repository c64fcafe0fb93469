/**
 * Care for what rests on this device, while nobody waits: short segments are squashed into long ones, and a snapshot
 * makes the next opening instant. Neither is ever sent or trusted: the log behind them decides.
 */
import * as Y from 'yjs';
import type { Bytes } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import type { LogStore } from '../log/log-store.ts';
import type { RoomLog } from '../log/room-log.ts';
import type { SquashWindow } from '../log/squash.ts';
import { MAX_SEGMENT_ENTRIES, TAIL_SEGMENT_ENTRIES } from '../log/format.ts';
import { chainKey, type FrontierRow } from '../log/frontier.ts';

/** Quiet for so long before anything is done: typing comes first. */
const QUIET_MS = 2000;
/** Where somebody always types it is done in between, after so long: an unsquashed log grows by the key. */
const WAIT_AT_MOST_MS = 60_000;
/** Something is on its way: look again soon. */
const RETRY_MS = 100;
/** A snapshot is written again after so many entries: replaying fewer takes a few milliseconds. */
const SNAPSHOT_EVERY_ENTRIES = 100;

export interface KeeperOptions {
  readonly clock: Clock;
  readonly keys: RoomKeys;
  readonly log: RoomLog;
  readonly doc: Y.Doc;
  readonly store: LogStore;
  /** Whether doc, log and store are at the same point: nothing on its way in or out. */
  readonly atRest: () => boolean;
  readonly onError: (what: string, error: unknown) => void;
}

export class Keeper {
  readonly #options: KeeperOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Since when care is due, and the last change since. */
  #touchedAt: number | undefined;
  #changedAt = 0;
  #snapshots = true;
  #snapshotAt = 0;
  readonly #squashedTo = new Map<string, number>();
  #working = false;
  #disposed = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Entries that the snapshot on disk holds, when one was loaded. */
  loaded(entries: number): void {
    this.#snapshotAt = entries;
  }

  /** Something changed: look when it is quiet. Runs at every key, so it sets no timer while one is set. */
  touch(): void {
    this.#changedAt = this.#options.clock.now();
    this.#touchedAt ??= this.#changedAt;
    this.#lookIn(QUIET_MS);
  }

  /** No more snapshots from this tab: what it shows contradicts its log. */
  stopSnapshots(): void {
    this.#snapshots = false;
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
  }

  #lookIn(ms: number): void {
    if (!this.#disposed) this.#timer ??= setTimeout(() => this.#look(), ms);
  }

  #look(): void {
    this.#timer = undefined;
    if (this.#touchedAt === undefined) return;
    const now = this.#options.clock.now();
    const latest = this.#touchedAt + WAIT_AT_MOST_MS;
    const leftMs = Math.min(this.#changedAt + QUIET_MS, latest) - now;
    // No longer than that even where the clock was set back.
    if (leftMs > 0) return this.#lookIn(Math.min(leftMs, QUIET_MS));
    if (this.#working || !this.#options.atRest()) return this.#lookIn(now < latest ? QUIET_MS : RETRY_MS);
    void this.#care();
  }

  async #care(): Promise<void> {
    this.#working = true;
    this.#touchedAt = undefined;
    try {
      await this.#squash();
      await this.#snapshot();
    } catch (error) {
      if (!this.#disposed) this.#options.onError('care of the store', error);
    } finally {
      this.#working = false;
    }
  }

  async #snapshot(): Promise<void> {
    const { log, doc, store, atRest } = this.#options;
    if (!this.#snapshots) return;
    if (!atRest()) return this.touch();
    const entries = countEntries(log);
    if (entries - this.#snapshotAt < SNAPSHOT_EVERY_ENTRIES) return;
    const snapshot = { chains: log.exportChains(), state: Y.encodeStateAsUpdate(doc) as Bytes, entries };
    await store.saveSnapshot(snapshot);
    this.#snapshotAt = entries;
  }

  async #squash(): Promise<void> {
    const { log, atRest } = this.#options;
    for (const row of log.frontier()) {
      if (!atRest()) return;
      const chain = chainKey(row);
      const from = this.#squashedTo.get(chain) ?? 0;
      if (row.seq - from < TAIL_SEGMENT_ENTRIES) continue;
      const window = from - (from % MAX_SEGMENT_ENTRIES);
      await this.#squashFrom(row, window, MAX_SEGMENT_ENTRIES);
      await this.#squashFrom(row, row.seq - (row.seq % MAX_SEGMENT_ENTRIES), TAIL_SEGMENT_ENTRIES);
      this.#squashedTo.set(chain, row.seq - (row.seq % TAIL_SEGMENT_ENTRIES));
    }
  }

  async #squashFrom({ session, channel }: FrontierRow, seq: number, by: SquashWindow): Promise<void> {
    const { keys, store } = this.#options;
    // Fetched with the first chain that is long enough: a room opens without it.
    const { squash } = await import('../log/squash.ts');
    const longer = await squash(keys, await store.readChain(session, channel, seq + 1), by);
    if (longer.length === 0) return;
    await store.replace(
      longer.flatMap(({ replaced }) => replaced),
      longer.map(({ segment }) => segment),
    );
  }
}

const countEntries = (log: RoomLog): number => log.frontier().reduce((sum, { seq }) => sum + seq, 0);
