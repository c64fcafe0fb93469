/**
 * What to do about one other tab, so that two tabs come to one link and neither dials who is gone (NET-54 to NET-57).
 * Pure: it decides, webrtc.ts does.
 *
 *   announce (to all, on meeting the server and every 30 s; to one, when a link to it is missing)
 *        │ heard by the lower PeerId                      │ heard by the higher PeerId
 *        ▼                                                ▼
 *   offers, unless it has an attempt running        announces itself back, to that one
 *   or waits after a failure                        (so only one side ever offers: no glare)
 *
 *   heard ──▶ attempt ──up──▶ link ──ended──▶ backs off ──retryDue──▶ asks ──▶ … silent to four: forget
 *                └──────────ended─────────┼───────▲                    └─heard─▶ attempt
 *                                         └─doubted for a while─▲ (the link stays until another is up)
 *
 * An offer is made only to someone just heard, so nobody dials tabs that are gone.
 */
import type { PeerId } from '../../core/ids.ts';

/** First wait after a failure; doubled each time. */
const FIRST_RETRY_MS = 500;
/** Longest wait: a way that opens is found within half a minute. */
const LONGEST_RETRY_MS = 30_000;
/** A link that lived this long was a good one: its loss is no reason to wait. */
const GOOD_LINK_MS = 30_000;
/** Announcements to one tab without a word back before it counts as gone. */
const SILENCE_LIMIT = 4;

/** `announce`: to this one. `forget`: it is gone, and so is all that is known of it. */
export type NextStep = 'announce' | 'offer' | 'forget' | 'nothing';

/** Where time and chance come from. */
export interface Surroundings {
  /** Milliseconds that only go up. */
  now(): number;
  /** 0 ≤ x < 1, for the jitter. */
  random(): number;
}

export class FarPeer<Link> {
  readonly id: PeerId;
  /** Of two tabs the lower id offers. */
  readonly offers: boolean;
  readonly #around: Surroundings;
  #link: Link | undefined;
  #upSince = 0;
  #attempt: Link | undefined;
  #retryAt: number | undefined;
  /** Its link does not answer: another is made beside it. */
  #doubted = false;
  /** After a failure, until the next try: what it announces meanwhile starts nothing. */
  #backsOff = false;
  /** It has said bye; when its link closes it is forgotten. */
  #leaving = false;
  #failures = 0;
  #silences = 0;
  #why: string | undefined;

  constructor(self: PeerId, id: PeerId, around: Surroundings) {
    this.id = id;
    this.offers = self < id;
    this.#around = around;
  }

  /** The link that is up. */
  get link(): Link | undefined {
    return this.#link;
  }

  /** The link that is being tried. One that is up stays until this one is, so a repeated offer of old harms nothing. */
  get attempt(): Link | undefined {
    return this.#attempt;
  }

  /** Why the last attempt failed, until one succeeds. */
  get why(): string | undefined {
    return this.#why;
  }

  /** When `retryDue` is to be called, by the clock given; undefined for never. */
  get retryAt(): number | undefined {
    return this.#retryAt;
  }

  /** It announced itself. `missesUs`: to this tab alone, so it has no link with it (whatever this side believes). */
  heard(missesUs: boolean): NextStep {
    this.signalled();
    if (this.#attempt !== undefined || (this.#link !== undefined && !missesUs)) return 'nothing';
    if (this.offers) return this.#backsOff ? 'nothing' : 'offer';
    // Answering an answer would never end; the one who offers never answers.
    if (this.#retryAt === undefined) this.#retryLater();
    return 'announce';
  }

  /** It said something else that only someone present says. */
  signalled(): void {
    this.#silences = 0;
    this.#leaving = false;
  }

  /** Its link stopped answering: it is asked for another, unless it answers again within so long. */
  doubted(waitMs: number): void {
    this.#doubted = true;
    if (this.#attempt === undefined) this.#retryAt ??= this.#around.now() + waitMs;
  }

  /** Its link answers again. */
  trusted(): void {
    this.#doubted = false;
    if (this.#link !== undefined) this.#retryAt = undefined;
  }

  /** Anyone with a link to the room could have written it, so it ends nothing that is up. */
  saidBye(): NextStep {
    this.#silences = 0;
    this.#leaving = true;
    return this.#link === undefined ? 'forget' : 'nothing';
  }

  /** An attempt was made, by an offer of either side. */
  attempting(attempt: Link): void {
    this.#attempt = attempt;
    this.#retryAt = undefined;
    this.#backsOff = false;
  }

  /** The attempt has become the link, in place of any other. */
  up(attempt: Link): void {
    this.#attempt = undefined;
    this.#link = attempt;
    this.#upSince = this.#around.now();
    this.#doubted = false;
    this.#why = undefined;
  }

  /** The link or the attempt has ended by itself. */
  ended(ended: Link, why: string): NextStep {
    if (this.#link === ended) {
      if (this.#around.now() - this.#upSince > GOOD_LINK_MS) this.#failures = 0;
      this.#link = undefined;
      this.#doubted = false;
    } else {
      this.#attempt = undefined;
      this.#why = why;
    }
    if (this.#leaving) return 'forget';
    if (!this.#isLinked && this.#attempt === undefined) {
      this.#backsOff = true;
      this.#retryLater();
    }
    return 'nothing';
  }

  /**
   * Time for another sign of life. An answer leads to an offer; without one it asks again, more rarely, and then gives up.
   * `canAsk`: the signaling server is there (else everyone is announced to when it is back), and no doubtful link recovers.
   */
  retryDue(canAsk: boolean): NextStep {
    this.#retryAt = undefined;
    this.#backsOff = false;
    if (!canAsk) {
      // Whoever is linked is not announced to when the server is back.
      if (this.#doubted) this.#retryLater();
      return 'nothing';
    }
    if (this.#silences++ >= SILENCE_LIMIT) return 'forget';
    this.#retryLater();
    return 'announce';
  }

  get #isLinked(): boolean {
    return this.#link !== undefined && !this.#doubted;
  }

  #retryLater(): void {
    const wait = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures++);
    this.#retryAt = this.#around.now() + wait * (0.5 + this.#around.random() / 2);
  }
}
