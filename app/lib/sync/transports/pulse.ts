/**
 * Whether the far end of a link still takes in what it is sent (NET-61 to NET-63). A path may die without a word: the
 * channel stays open, and the browser says so after 5 to 30 s only. So what must not wait is asked about.
 * Pure: it decides when to ask and what silence means; webrtc-link.ts asks.
 *
 *   well ──asked──▶ waits ──answered──▶ well
 *                     └─ silent for 1 s ─▶ doubtful ──answers for 3 s──▶ well
 *                                             └─ silent for 30 s ─▶ dead
 */

/** One answer in so long: while somebody types that is one small message a link, not one a key. */
const ASK_EVERY_MS = 1000;
/** Far ends answer in a round trip, 300 ms over a bad mobile line; what waits longer would be seen as a pause. */
const PATIENCE_MS = 1000;
/** As long while something else is heard, or leaves this tab: the answer may be queued behind it. */
const LONGEST_PATIENCE_MS = 5000;
/** A link that answers again is believed after so long, and after twice as long each time it fails soon after. */
const PROVING_MS = 3000;
const LONGEST_PROVING_MS = 30_000;
const SOON_MS = 60_000;
/** A tab that was put to sleep answers when it is woken; until then its link costs a few copies. */
const DEAD_AFTER_MS = 30_000;

export class Pulse {
  readonly #now: () => number;
  #askedAt: number | undefined;
  #lastAskAt = -Infinity;
  /** Something went out that no question was about yet. */
  #owed = false;
  /** When there was the last sign that the path carries anything at all. */
  #lifeAt = -Infinity;
  #unsentBytes = 0;
  #doubtedAt: number | undefined;
  /** While doubtful: since when it has answered again. */
  #answersSince: number | undefined;
  #wellAt = -Infinity;
  #provingMs = PROVING_MS;

  /** `now` in milliseconds that only go up. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get doubtful(): boolean {
    return this.#doubtedAt !== undefined;
  }

  /** While doubtful: whether it answers again, if not for long enough yet. */
  get recovers(): boolean {
    return this.#answersSince !== undefined;
  }

  get dead(): boolean {
    return this.#silentSince !== undefined && this.#now() - this.#silentSince >= DEAD_AFTER_MS;
  }

  /** Something goes out that must not wait. Whether to ask now; if not, it is asked about later. */
  wanted(): boolean {
    const asksNow = this.#askedAt === undefined && this.#now() >= this.#lastAskAt + ASK_EVERY_MS;
    if (!asksNow) this.#owed = true;
    return asksNow;
  }

  /** The question goes out, behind so many bytes. */
  asked(unsentBytes: number): void {
    this.#askedAt = this.#lastAskAt = this.#now();
    this.#unsentBytes = unsentBytes;
    this.#owed = false;
  }

  /** Anything came. It does not prove that the other direction lives, but that a late answer may still come. */
  heard(): void {
    this.#lifeAt = this.#now();
  }

  answered(): void {
    const now = this.#now();
    if (this.#askedAt === undefined) return;
    this.#askedAt = undefined;
    if (this.#doubtedAt === undefined) return;
    this.#answersSince ??= now;
    if (now - this.#answersSince < this.#provingMs) return;
    this.#doubtedAt = this.#answersSince = undefined;
    this.#wellAt = now;
  }

  /** When `look` is to be called; undefined for never. */
  get lookAt(): number | undefined {
    if (this.#askedAt === undefined)
      return this.#owed || this.doubtful ? this.#lastAskAt + ASK_EVERY_MS : undefined;
    if (this.#silentSince !== undefined) return this.#silentSince + DEAD_AFTER_MS;
    const patience = Math.max(this.#askedAt, this.#lifeAt) + PATIENCE_MS;
    return Math.min(patience, this.#askedAt + LONGEST_PATIENCE_MS);
  }

  /** Time has passed. Whether to ask now. */
  look(unsentBytes: number): boolean {
    const now = this.#now();
    if (now < (this.lookAt ?? Infinity)) return false;
    if (this.#askedAt === undefined) return true;
    if (unsentBytes < this.#unsentBytes) this.#lifeAt = now;
    this.#unsentBytes = unsentBytes;
    if (this.#silentSince === undefined && now >= (this.lookAt ?? Infinity)) this.#doubt(now);
    return false;
  }

  /** While doubtful: since when it has said nothing. */
  get #silentSince(): number | undefined {
    if (this.#askedAt === undefined || this.#doubtedAt === undefined) return undefined;
    return this.#answersSince === undefined ? this.#doubtedAt : undefined;
  }

  #doubt(now: number): void {
    if (this.#doubtedAt === undefined)
      this.#provingMs =
        now - this.#wellAt < SOON_MS ? Math.min(this.#provingMs * 2, LONGEST_PROVING_MS) : PROVING_MS;
    this.#doubtedAt = now;
    this.#answersSince = undefined;
  }
}
