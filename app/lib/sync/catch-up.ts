/**
 * Coming up to where others are (SYNC-4): compares heads, asks one peer at a time for what is missing, asks on where a
 * segment left a gap, and tells how far it is when much is missing.
 */
import type { PeerId } from '../core/ids.ts';
import { chainKey, type ChainRange, type FrontierRow } from '../log/frontier.ts';
import type { WantedRange } from './frames.ts';
import type { BatchOutcome } from './intake.ts';
import type { MeshLink } from './mesh.ts';
import { Repair } from './repair.ts';

/** Past this many missing entries the worker catches up, and progress is told (LOG.md, Meeting). */
export const HEAVY_ENTRIES = 200;
/** Of a peer's claims no more than this is shown or planned for: a million entries take a minute to fold. */
const MAX_MISSING_ENTRIES = 1_000_000;

/** What the log has and the store has lost is asked for again after so long, then twice as long each time … */
const REST_AGAIN_MS = 15_000;
/** … up to this: nobody who is here may have it, and who comes later is asked when they come. */
const REST_AGAIN_MOST_MS = 120_000;

export interface CatchUpProgress {
  /** Entries gained since it began, and how many peers said are missing. */
  readonly done: number;
  readonly of: number;
}

export interface CatchUpOptions {
  readonly now: () => number;
  /** What the log lacks of what those heads name. */
  readonly missingFrom: (rows: readonly FrontierRow[]) => readonly ChainRange[];
  /** What is missing at rest alone (SYNC-16). */
  readonly atRest: {
    readonly lacking: boolean;
    readonly missingFrom: (rows: readonly FrontierRow[]) => readonly ChainRange[];
    readonly tried: () => void;
  };
  readonly want: (link: MeshLink, ranges: readonly WantedRange[]) => void;
  /** Has the far end name its heads. */
  readonly greet: (link: MeshLink) => void;
  /** The same because something of theirs did not fit; false when that was done a moment ago. */
  readonly ask: (link: MeshLink) => boolean;
  /** Nothing that peers named is missing any more, or nobody brings it. */
  readonly onIdle: () => void;
  /** Undefined when it ended. */
  readonly onProgress: (progress: CatchUpProgress | undefined) => void;
}

export class CatchUp {
  readonly #options: CatchUpOptions;
  readonly #repair = new Repair();
  /** Links with a gap that could not be asked about yet. */
  readonly #gaps = new Set<MeshLink>();
  #missing = 0;
  #gained = 0;
  #restAt = 0;
  #restAgainMs = REST_AGAIN_MS;

  constructor(options: CatchUpOptions) {
    this.#options = options;
  }

  /** Whether so much is missing that the worker should take what comes. */
  get heavy(): boolean {
    return this.#missing > HEAVY_ENTRIES;
  }

  /** Asks a met peer for what its heads name and this replica lacks. */
  compare(link: MeshLink, peer: PeerId, rows: readonly FrontierRow[]): void {
    const { now, missingFrom, atRest, want } = this.#options;
    const missing = missingFrom(rows);
    const chains = new Set(missing.map(chainKey));
    const lost = atRest.lacking
      ? atRest.missingFrom(rows).filter((range) => !chains.has(chainKey(range)))
      : [];
    const ranges = this.#repair.ask(peer, [...missing, ...lost], now());
    if (ranges.length === 0) {
      if (this.#repair.idle) this.#options.onIdle();
      return;
    }
    const gains = ranges.filter((range) => !lost.includes(range));
    const claimed = gains.reduce((sum, { fromSeq, toSeq }) => sum + toSeq - fromSeq + 1, 0);
    this.#missing = Math.min(this.#missing + claimed, MAX_MISSING_ENTRIES);
    want(link, ranges);
  }

  /** Whether an answer of the peer may still be on its way: nobody else's segments are read in bulk. */
  expects(peer: PeerId): boolean {
    return this.#repair.expects(peer);
  }

  /** An answer's part is being placed, or has been. */
  placing(peer: PeerId, begins: boolean): void {
    this.#repair.placing(peer, begins);
  }

  /** What a link's segments came to. `answer`: they were asked for. */
  took(link: MeshLink, { entries, gaps, held }: BatchOutcome, answer: boolean): void {
    if (answer && entries > 0 && link.peer !== undefined)
      this.#repair.progress(link.peer, this.#options.now());
    if (this.heavy) {
      this.#gained += entries;
      this.#options.onProgress({ done: this.#gained, of: this.#missing });
    }
    // A gap or a missing dependency: whoever sent this holds more than this replica does, so ask what.
    if (this.#repair.idle && (gaps.length > 0 || held)) this.#askAbout(link);
  }

  /** The peer said that its answer is complete. */
  answered(link: MeshLink, peer: PeerId): void {
    this.#repair.answered(peer, this.#options.now());
    this.#options.atRest.tried();
    if (!this.#repair.idle) return;
    this.#ended();
    // What came meanwhile, or was cut off at MAX_WANTED_RANGES, shows in the next comparison.
    this.#options.greet(link);
  }

  linkClosed(link: MeshLink): void {
    this.#gaps.delete(link);
  }

  /** The peer has no link left. Whether it still owed something, which others must be asked for. */
  gone(peer: PeerId): boolean {
    const owed = this.#repair.gone(peer);
    if (owed && this.#repair.idle) this.#ended();
    return owed;
  }

  /** Looks at silence, once a second. Whether something overdue was given up, which others must be asked for. */
  tick(): boolean {
    for (const link of [...this.#gaps]) {
      this.#gaps.delete(link);
      this.#askAbout(link);
    }
    const expired = this.#repair.expire(this.#options.now());
    if (expired && this.#repair.idle) this.#ended();
    return this.#restIsDue() || expired;
  }

  #restIsDue(): boolean {
    const { atRest, now } = this.#options;
    if (!atRest.lacking) {
      this.#restAt = now();
      this.#restAgainMs = REST_AGAIN_MS;
    }
    if (now() - this.#restAt < this.#restAgainMs) return false;
    this.#restAt = now();
    this.#restAgainMs = Math.min(this.#restAgainMs * 2, REST_AGAIN_MOST_MS);
    atRest.tried();
    return true;
  }

  #askAbout(link: MeshLink): void {
    if (!this.#options.ask(link)) this.#gaps.add(link);
  }

  #ended(): void {
    if (this.heavy) this.#options.onProgress(undefined);
    this.#missing = this.#gained = 0;
    this.#options.onIdle();
  }
}
