/**
 * Answering WANT: what a peer lacks, read from this device's store and sent as bulk in parts (SPEC, SYNC-5).
 * One answer at a time to each peer: a newer WANT joins the one that is being answered. What a peer asks for is
 * believed once; asking for the same again is rationed, so that a small frame can't buy a large answer for ever.
 */
import type { Bytes } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import type { Channel, PeerId, SessionId } from '../core/ids.ts';
import { chainKey, type FrontierRow } from '../log/frontier.ts';
import type { StoredSegment } from '../log/log-store.ts';
import {
  encodeSegments,
  MAX_SEGMENTS_PER_FRAME,
  PART_BYTES,
  writeFrame,
  type WantedRange,
} from './frames.ts';
import type { MeshLink } from './mesh.ts';

/** What is sent to a peer a second time, as when its memory for held entries was short: so much at once … */
export const REPEAT_BYTES = 16 * 1024 * 1024;
/** … and so much more each second. */
const REPEAT_BYTES_PER_SECOND = 256 * 1024;

export interface AnswersOptions {
  readonly clock: Clock;
  /** Where every chain stands here. */
  readonly frontier: () => readonly FrontierRow[];
  /** Resolves when what this tab accepted or wrote was offered to the store. */
  readonly settled: () => Promise<unknown>;
  readonly readChain: (session: SessionId, channel: Channel, fromSeq: number) => Promise<StoredSegment[]>;
  /** Whether a segment that was read is what was stored (SYNC-15). */
  readonly mayBeSent: (segment: StoredSegment) => Promise<boolean>;
}

/** What one peer is owed and was given. */
interface Account {
  /** Ranges to send, one a chain. */
  readonly wanted: Map<string, WantedRange>;
  /** Seq up to which a chain was sent already. */
  readonly served: Map<string, number>;
  repeatBytes: number;
  repeatAt: number;
  running: boolean;
  /** Where the newest of its questions came from. */
  link: MeshLink;
  /** Ends the waiting for a link that another has taken the place of: a dead one never drains. */
  moved: () => void;
}

export class Answers {
  readonly #options: AnswersOptions;
  readonly #accounts = new Map<PeerId, Account>();

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  /** Sends everything of the ranges that is held here; resolves when it was. */
  async answer(peer: PeerId, link: MeshLink, ranges: readonly WantedRange[]): Promise<void> {
    const account = this.#accountOf(peer, link);
    const held = new Map(this.#options.frontier().map((row) => [chainKey(row), row.seq]));
    for (const range of ranges) {
      const end = held.get(chainKey(range)) ?? 0;
      if (range.fromSeq > end) continue;
      const before = account.wanted.get(chainKey(range)) ?? range;
      account.wanted.set(chainKey(range), {
        ...range,
        fromSeq: Math.min(range.fromSeq, before.fromSeq),
        toSeq: Math.min(Math.max(range.toSeq, before.toSeq), end),
      });
    }
    if (account.running) return;
    account.running = true;
    try {
      // What was asked for while the last part left this tab is still to be sent.
      do await this.#send(peer, account);
      while (account.wanted.size > 0 && this.#accounts.get(peer) === account);
    } finally {
      account.running = false;
    }
  }

  gone(peer: PeerId): void {
    this.#accounts.delete(peer);
  }

  async #send(peer: PeerId, account: Account): Promise<void> {
    const left = (): boolean => this.#accounts.get(peer) !== account;
    let part: Bytes[] = [];
    let bytes = 0;
    const flush = async (more: boolean): Promise<void> => {
      account.link.send(writeFrame('segments', encodeSegments({ more, segments: part })), 'bulk');
      part = [];
      bytes = 0;
      const moved = new Promise<void>((resolve) => (account.moved = resolve));
      await Promise.race([account.link.drained(), moved]);
    };
    await this.#options.settled();
    for (let range = take(account.wanted); range !== undefined; range = take(account.wanted)) {
      const { session, channel, fromSeq, toSeq } = range;
      for (const segment of await this.#options.readChain(session, channel, fromSeq)) {
        const { first, last, sealed } = segment;
        if (left()) return;
        if (first > toSeq) break;
        if (!this.#affords(account, chainKey(range), last, sealed.length)) continue;
        if (!(await this.#options.mayBeSent(segment))) continue;
        if (part.length > 0 && (bytes + sealed.length > PART_BYTES || part.length >= MAX_SEGMENTS_PER_FRAME))
          await flush(true);
        part.push(sealed);
        bytes += sealed.length;
      }
    }
    if (!left()) await flush(false);
  }

  /** Whether a segment may be sent to that peer: the first time always, again within its ration. */
  #affords(account: Account, chain: string, last: number, bytes: number): boolean {
    if (last > (account.served.get(chain) ?? 0)) {
      account.served.set(chain, last);
      return true;
    }
    const now = this.#options.clock.now();
    const refilled = account.repeatBytes + ((now - account.repeatAt) / 1000) * REPEAT_BYTES_PER_SECOND;
    account.repeatBytes = Math.min(refilled, REPEAT_BYTES);
    account.repeatAt = now;
    if (account.repeatBytes <= 0) return false;
    account.repeatBytes -= bytes;
    return true;
  }

  #accountOf(peer: PeerId, link: MeshLink): Account {
    const account = this.#accounts.get(peer) ?? {
      wanted: new Map(),
      served: new Map(),
      repeatBytes: REPEAT_BYTES,
      repeatAt: this.#options.clock.now(),
      running: false,
      link,
      moved: () => undefined,
    };
    this.#accounts.set(peer, account);
    if (account.link !== link) {
      account.link = link;
      account.moved();
    }
    return account;
  }
}

/** Removes and gives the oldest of the ranges. */
function take(wanted: Map<string, WantedRange>): WantedRange | undefined {
  const [next] = wanted;
  if (next === undefined) return undefined;
  wanted.delete(next[0]);
  return next[1];
}
