/**
 * Care for what rests on this device, while nobody waits: short segments are squashed into long ones, and a snapshot
 * makes the next opening instant. Neither is ever sent or trusted: the log behind them decides.
 */
import * as Y from 'yjs';
import type { Bytes } from '../core/bytes.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import type { LogStore } from '../log/log-store.ts';
import type { RoomLog } from '../log/room-log.ts';
import { squash } from '../log/squash.ts';

/** Quiet for so long before anything is done: typing comes first. */
const QUIET_MS = 2000;
/** A snapshot is written again after so many entries: replaying fewer takes a few milliseconds. */
const SNAPSHOT_EVERY_ENTRIES = 100;
/** A chain is squashed when it has gained this many entries: the fixed multiple at which segments are cut. */
const SQUASH_EVERY_ENTRIES = 500;

export interface KeeperOptions {
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

  /** Something changed: look again when it is quiet. */
  touch(): void {
    clearTimeout(this.#timer);
    if (this.#disposed) return;
    this.#timer = setTimeout(() => void this.#care(), QUIET_MS);
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
  }

  async #care(): Promise<void> {
    if (this.#working) return;
    if (!this.#options.atRest()) return this.touch();
    this.#working = true;
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
    if (!atRest()) return this.touch();
    const entries = countEntries(log);
    if (entries - this.#snapshotAt < SNAPSHOT_EVERY_ENTRIES) return;
    const snapshot = { chains: log.exportChains(), state: Y.encodeStateAsUpdate(doc) as Bytes, entries };
    await store.saveSnapshot(snapshot);
    this.#snapshotAt = entries;
  }

  async #squash(): Promise<void> {
    const { keys, log, store, atRest } = this.#options;
    for (const { session, channel, seq } of log.frontier()) {
      if (!atRest()) return;
      const chain = `${session}/${channel}`;
      const from = this.#squashedTo.get(chain) ?? 0;
      if (seq - from < SQUASH_EVERY_ENTRIES) continue;
      const shorter = await store.readChain(session, channel, from + 1);
      const longer = await squash(keys, shorter);
      if (longer.length > 0)
        await store.replace(
          longer.flatMap(({ replaced }) => replaced),
          longer.map(({ segment }) => segment),
        );
      this.#squashedTo.set(chain, seq - (seq % SQUASH_EVERY_ENTRIES));
    }
  }
}

const countEntries = (log: RoomLog): number => log.frontier().reduce((sum, { seq }) => sum + seq, 0);
