/**
 * Who is told heads that nobody asked for, and when (SYNC-8): a bridge between two peers is repaired by it. Where there are
 * many peers a few are told at a time, those that know least first: everybody telling everybody would be more frames
 * than the keys that they are about.
 */

/** Heads are told when nothing changed for this long. */
const QUIET_MS = 2000;
/** While somebody types without a pause, they are told this often; a change is seen a second late. */
const AT_LEAST_MS = 4000;
/** Peers that are told at a time. Of 25 each pair has spoken after two or three rounds, as either of the two begins. */
const AT_ONCE = 4;

export class Gossip<Peer extends object> {
  readonly #random: () => number;
  /** How far all chains together had come when a peer was told. */
  readonly #told = new WeakMap<Peer, number>();
  #reached = 0;
  #changedAt = 0;
  /** Since when heads have moved that not all peers were told; undefined when they know. */
  #untoldSince: number | undefined;
  #roundAt = -Infinity;

  /** `random`: 0 to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** The peer was told all heads, for whatever reason. `reached`: their seqs added up, which only grows. */
  told(peer: Peer, reached: number): void {
    this.#told.set(peer, reached);
  }

  /**
   * Called every second. Who is to be told now, and whether they are asked to answer: where a few are told, an answer
   * saves their telling. `now` in milliseconds.
   */
  due(
    now: number,
    peers: Iterable<Peer>,
    reached: number,
  ): { readonly tell: readonly Peer[]; readonly ask: boolean } {
    if (reached !== this.#reached) {
      this.#reached = reached;
      this.#changedAt = now;
      this.#untoldSince ??= now;
    }
    const nobody = { tell: [], ask: false };
    if (this.#untoldSince === undefined || now - this.#roundAt < QUIET_MS) return nobody;
    if (now - this.#changedAt < QUIET_MS && now - this.#untoldSince < AT_LEAST_MS) return nobody;
    const all = [...peers];
    const behind = all
      .map((peer) => ({ peer, knows: this.#told.get(peer) ?? -1, chance: this.#random() }))
      .filter(({ knows }) => knows !== reached)
      .toSorted((a, b) => a.knows - b.knows || a.chance - b.chance);
    const tell = behind.slice(0, AT_ONCE).map(({ peer }) => peer);
    this.#roundAt = now;
    this.#untoldSince = behind.length > tell.length ? now : undefined;
    return { tell, ask: all.length > AT_ONCE };
  }
}
