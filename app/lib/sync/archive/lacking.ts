/** What the archive lacks of what is here, and whose turn it is to send it (ARCH-17). */
import type { DeviceId } from '../../core/ids.ts';
import type { RoomKeys } from '../../crypto/room-keys.ts';
import { chainKey, type FrontierRow } from '../../log/frontier.ts';
import type { RoomLog } from '../../log/room-log.ts';
import type { ArchivedChains } from './archived-chains.ts';

/** How long what the archive lacks is left to others. */
export interface Waits {
  /** What this device wrote: what is typed in a row shares a request, and a segment. */
  readonly ownMs: number;
  /** What others wrote: by then their own tab has sent it, if it is there. */
  readonly othersMs: number;
  /** And so much more at most, each tab its own share: of many one goes first, and the rest see that it did. */
  readonly jitterMs: number;
  /** What was written here may follow what others send themselves: whether they did is looked at so soon, then half as often. */
  readonly confirmMs: number;
}

export const WAITS: Waits = { ownMs: 2_000, othersMs: 30_000, jitterMs: 15_000, confirmMs: 5_000 };

export interface Due {
  readonly own: readonly FrontierRow[];
  readonly others: readonly FrontierRow[];
  /** When the next of it is due. */
  readonly waitMs: number;
}

export interface LackingOptions {
  readonly log: Pick<RoomLog, 'frontier' | 'session'>;
  readonly keys: RoomKeys;
  readonly device: DeviceId;
  readonly waits: Waits;
  readonly random: () => number;
}

export class Lacking {
  readonly #options: LackingOptions;
  readonly #shareMs: number;
  /** By chain: since when it lacks what comes after `end`. */
  readonly #since = new Map<string, { readonly end: number; readonly at: number }>();

  constructor(options: LackingOptions) {
    this.#options = options;
    this.#shareMs = options.random() * options.waits.jitterMs;
  }

  /** What this tab is to send by `now`. `hurry`: my own at once. */
  due(archived: ArchivedChains, now: number, hurry: boolean): Due {
    const { log, waits } = this.#options;
    const rows = { own: [] as FrontierRow[], others: [] as FrontierRow[] };
    let waitMs = Infinity;
    const lacking = new Set<string>();
    for (const row of log.frontier()) {
      const end = archived.endOf(row);
      if (row.seq <= end) continue;
      const own = log.session(row.session)?.device === this.#options.device;
      if (!this.#maySend(own)) continue;
      const key = chainKey(row);
      lacking.add(key);
      // Where the archive got something meanwhile, somebody is at it, and what is lacking is younger.
      const noted = this.#since.get(key);
      const since = noted?.end === end ? noted.at : now;
      this.#since.set(key, { end, at: since });
      const patienceMs = own ? (hurry ? 0 : waits.ownMs) : waits.othersMs + this.#shareMs;
      const leftMs = since + patienceMs - now;
      if (leftMs <= 0) rows[own ? 'own' : 'others'].push(row);
      else waitMs = Math.min(waitMs, leftMs);
    }
    for (const key of this.#since.keys()) if (!lacking.has(key)) this.#since.delete(key);
    return { ...rows, waitMs };
  }

  /** Who may edit sends everybody's; who may comment has a small share of the room there, for what they wrote. */
  #maySend(own: boolean): boolean {
    const { seeds } = this.#options.keys;
    return seeds.e !== undefined || (seeds.c !== undefined && own);
  }
}
