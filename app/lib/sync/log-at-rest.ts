/**
 * Care of the log at rest: what is damaged is set aside, what is missing is known, asked for, and put back when it comes
 * (SPEC, SYNC-15 to SYNC-17). Under a snapshot the log counts entries as accepted that the store may have lost: those are
 * missing here although nothing is missing there.
 *
 *   damaged ──quarantine──▶ missing ──asked of those who are here──▶ stored again, and the quarantine lets go of it
 */
import type { Bytes } from '../core/bytes.ts';
import type { Channel, DeviceId, SessionId } from '../core/ids.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { chainKey, type ChainRange, type FrontierRow } from '../log/frontier.ts';
import { branchName } from '../log/branches.ts';
import type { LogStore, SegmentAddress, StoredSegment } from '../log/log-store.ts';
import type { RoomLog } from '../log/room-log.ts';
import { isUnchanged } from '../log/seal.ts';
import { damagedAmong, isOfLaterEpoch, placeOf } from './segment-check.ts';
import { countSeqs, rangesOf, union, without, type SeqRange } from './seq-ranges.ts';
import type { Shelf } from './shelf.ts';

/** What comes back sooner, nobody needs to hear of. */
const TELL_AFTER_MS = 3000;

/** What this device should have of the log and has not. */
export interface RestDamage {
  /** Entries that are shown and that the log at rest lacks. */
  readonly shown: number;
  /** Entries that are not shown: what is damaged was not read yet. What builds on them is not shown either. */
  readonly hidden: number;
  /** Whether some of it was written on this device. */
  readonly own: boolean;
}

export interface LogAtRestOptions {
  readonly keys: RoomKeys;
  readonly device: DeviceId;
  readonly store: LogStore;
  readonly log: RoomLog;
  readonly shelf: Shelf;
  /** Resolves when all that the log accepted so far was given to the shelf. */
  readonly settled: () => Promise<unknown>;
  readonly onMissing: () => void;
  readonly onDamage: (damage: RestDamage | undefined) => void;
  readonly onError: (what: string, error: unknown) => void;
}

interface Chain {
  readonly session: SessionId;
  readonly channel: Channel;
  readonly ranges: readonly SeqRange[];
}

export class LogAtRest {
  readonly #options: LogAtRestOptions;
  /** What the log has accepted and the store lacks, by chain. */
  #missing: ReadonlyMap<string, Chain> = new Map();
  /** Chains with something set aside that the log lacks too. */
  #hidden: ReadonlyMap<string, Chain> = new Map();
  /** Which stretch of a chain is asked for next: who can't bring one may have another. */
  #turn = 0;
  #told = false;
  #tellTimer: ReturnType<typeof setTimeout> | undefined;
  #busy: Promise<unknown> = Promise.resolve();
  #disposed = false;

  constructor(options: LogAtRestOptions) {
    this.#options = options;
  }

  /** Whether others have to be asked for something that the log itself does not lack. */
  get lacking(): boolean {
    return this.#missing.size > 0;
  }

  /** Whether something is damaged that was not read yet: what comes for it may let more of what is here be read. */
  get hiding(): boolean {
    return this.#hidden.size > 0;
  }

  /** Looks at segments as they were read from the store, and sets aside what is damaged. */
  async inspect(stored: readonly StoredSegment[]): Promise<void> {
    await this.setAside(await damagedAmong(this.#options.keys, stored, this.#options.log.starts));
  }

  /** Moves these out of the log, and finds out what is missing now. */
  async setAside(damaged: readonly StoredSegment[]): Promise<void> {
    if (damaged.length === 0) return;
    const { store, shelf, onError } = this.#options;
    try {
      const { misplaced, homeless } = await this.#misplacedAmong(damaged);
      shelf.put(homeless, false);
      await store.quarantine(damaged);
      if (misplaced.length > 0) await store.forgetQuarantined(misplaced);
    } catch (error) {
      // They stay where they are; whoever reads them will see again that they are damaged.
      if (!this.#disposed) onError('care of the store', error);
    }
    await this.survey();
  }

  /** Segments that are whole and stand under another's address; those of them whose own place is empty, as they belong. */
  async #misplacedAmong(damaged: readonly StoredSegment[]) {
    const misplaced: SegmentAddress[] = [];
    const homeless: StoredSegment[] = [];
    for (const segment of damaged) {
      const place = await placeOf(this.#options.keys, segment.sealed);
      if (place === undefined) continue;
      const here = rangesOf(await this.#options.store.addresses()).get(chainKey(place)) ?? [];
      misplaced.push(segment);
      if (without([place.first, place.last], here).length > 0) homeless.push(place);
    }
    return { misplaced, homeless };
  }

  /** Whether a segment may be sent; one that may not is set aside. */
  async mayBeSent(stored: StoredSegment): Promise<boolean> {
    if (await isUnchanged(this.#options.keys, 'segment', stored.sealed)) return true;
    if (!(await isOfLaterEpoch(this.#options.keys, stored.sealed))) void this.setAside([stored]);
    return false;
  }

  /** Compares what the log has accepted with what is at rest, by addresses alone. */
  survey(): Promise<void> {
    const done = this.#busy.then(() => this.#survey());
    this.#busy = done.catch((error: unknown) => {
      if (!this.#disposed) this.#options.onError('care of the store', error);
    });
    return this.#busy as Promise<void>;
  }

  /** Of what is missing here and those heads name, one stretch of each chain. */
  missingFrom(rows: readonly FrontierRow[]): ChainRange[] {
    return rows.flatMap(({ session, channel, seq }) => {
      const ranges = this.#missing.get(chainKey({ session, channel }))?.ranges ?? [];
      const there = ranges.filter(([first]) => first <= seq);
      const next = there[this.#turn % there.length];
      return next ? [{ session, channel, fromSeq: next[0], toSeq: Math.min(next[1], seq) }] : [];
    });
  }

  /** Someone has answered, or it is time to ask again. */
  tried(): void {
    this.#turn++;
  }

  /**
   * Takes from what a peer sent, after the log had it, what is missing at rest. `entries`: how many the log gained.
   * Gives how many entries are at rest again.
   */
  async took(segments: readonly Bytes[], entries: number): Promise<number> {
    if (this.#missing.size === 0 && this.#hidden.size === 0) return 0;
    const mended: StoredSegment[] = [];
    if (this.#missing.size > 0)
      for (const sealed of segments) {
        const found = await this.#missingIn(sealed);
        if (found !== undefined) mended.push(found);
      }
    this.#options.shelf.put(mended, false);
    if (mended.length > 0 || entries > 0) await this.survey();
    return mended.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#tellTimer);
  }

  /** The segment, if it holds something missing and is exactly what the log has accepted. */
  async #missingIn(sealed: Bytes): Promise<StoredSegment | undefined> {
    const { keys, log } = this.#options;
    const place = await placeOf(keys, sealed);
    if (place === undefined) return undefined;
    const { first, last } = place;
    const ranges = this.#missing.get(chainKey(place))?.ranges ?? [];
    if (!ranges.some((range) => range[0] <= last && range[1] >= first)) return undefined;
    const row = log
      .frontier()
      .find(({ session, channel }) => session === place.session && channel === place.channel);
    // What goes further than the log is the log's to take, and was taken with it.
    if (row === undefined || row.seq < last) return undefined;
    const { duplicate } = await log.receive(sealed);
    return duplicate ? place : undefined;
  }

  async #survey(): Promise<void> {
    const { store, log, shelf, settled, onMissing } = this.#options;
    const accepted = log.frontier();
    await settled();
    const { waiting } = shelf;
    const [stored, aside] = await Promise.all([store.addresses(), store.quarantined()]);
    if (this.#disposed) return;
    const atRest = rangesOf(stored);
    const here = rangesOf([...stored, ...waiting]);

    const missing = new Map<string, Chain>();
    const ends = new Map<string, number>();
    for (const { session, channel, seq } of accepted) {
      const key = chainKey({ session, channel });
      ends.set(key, seq);
      const ranges = without([log.firstSeq({ session, channel }), seq], here.get(key) ?? []);
      if (ranges.length > 0) missing.set(key, { session, channel, ranges });
    }
    const hidden = new Map<string, Chain>();
    const hide = ({ session, channel, first, last }: SegmentAddress): void => {
      const key = chainKey({ session, channel });
      const lost = without([Math.max(first, (ends.get(key) ?? 0) + 1), last], here.get(key) ?? []);
      if (lost.length === 0) return;
      const before = hidden.get(key)?.ranges ?? [];
      hidden.set(key, { session, channel, ranges: union([...before, ...lost]) });
    };
    // A chain is stored without a gap: where there is one, something vanished.
    // Other stories of former epochs, which may never be part of the room (ROST-10).
    const names = log.outside.map(({ hash }) => branchName(hash));
    const outside = new Set(names.filter((name) => log.session(name) === undefined));
    for (const one of stored)
      // A segment may reach over a fork: the rest of it is its branch's.
      if (one.last > (ends.get(chainKey(one)) ?? 0) && !log.hasForked(one) && !outside.has(one.session))
        hide({ ...one, first: log.firstSeq(one) });
    const repaired: SegmentAddress[] = [];
    for (const address of aside) {
      const { first, last } = address;
      if (without([first, last], atRest.get(chainKey(address)) ?? []).length === 0) repaired.push(address);
      hide(address);
    }
    const more = countOf(missing) > countOf(this.#missing);
    this.#missing = missing;
    this.#hidden = hidden;
    if (repaired.length > 0) await store.forgetQuarantined(repaired);
    if (more) onMissing();
    this.#tellLater();
  }

  #tellLater(): void {
    const damaged = this.#missing.size > 0 || this.#hidden.size > 0;
    if (damaged) {
      this.#tellTimer ??= setTimeout(() => this.#tell(), TELL_AFTER_MS);
      if (this.#told) this.#tell();
      return;
    }
    clearTimeout(this.#tellTimer);
    this.#tellTimer = undefined;
    if (this.#told) this.#options.onDamage(undefined);
    this.#told = false;
  }

  #tell(): void {
    if (this.#disposed) return;
    this.#told = true;
    const { log, device, onDamage } = this.#options;
    const own = [...this.#missing.values(), ...this.#hidden.values()].some(
      ({ session }) => log.session(session)?.device === device,
    );
    onDamage({ shown: countOf(this.#missing), hidden: countOf(this.#hidden), own });
  }
}

const countOf = (chains: ReadonlyMap<string, Chain>): number =>
  [...chains.values()].reduce((sum, { ranges }) => sum + countSeqs(ranges), 0);
