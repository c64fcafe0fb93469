/**
 * A network in memory for property tests: links between named ends that can lose, repeat, reorder and be cut,
 * all from one seeded source of chance. Implements Transport, so that a Replica meets it as it meets a real one.
 */
import type { Bytes } from '../lib/core/bytes.ts';
import type { PeerId } from '../lib/core/ids.ts';
import type {
  Lane,
  LinkId,
  Transport,
  TransportConnection,
  TransportEvents,
  TransportId,
} from '../lib/sync/transport.ts';

export interface NetworkFaults {
  /** Chances from 0 to 1, for each frame. */
  readonly loss: number;
  readonly repeat: number;
  readonly reorder: number;
}

interface End {
  readonly self: PeerId;
  readonly events: TransportEvents;
}

export interface Flying {
  readonly from: PeerId;
  readonly to: PeerId;
  readonly frame: Bytes;
}

export class MemoryNetwork {
  readonly #ends = new Map<PeerId, End>();
  readonly #links = new Set<string>();
  #flying: Flying[] = [];
  #pumping = false;
  readonly #chance: () => number;
  faults: NetworkFaults = { loss: 0, repeat: 0, reorder: 0 };
  /** What whoever is the wire between two makes of a frame. */
  changes: (frame: Bytes) => Bytes = (frame) => frame;
  /** Where a test wants it: everything that was sent, in order. */
  heard: Flying[] | undefined;
  /** Frames sent so far, by their first byte (what kind they are). */
  readonly sent = new Map<number, number>();

  /** `chance` gives numbers from 0 to 1. */
  constructor(chance: () => number) {
    this.#chance = chance;
  }

  /** A transport onto this network; ends meet only when `link` joins them, or all at once with `auto`. */
  transport(auto = true, id: TransportId = 'broadcast-channel'): Transport {
    return {
      id,
      connect: (room, events) => {
        this.#ends.set(room.self, { self: room.self, events });
        if (auto) for (const other of this.#ends.keys()) if (other !== room.self) this.link(room.self, other);
        return this.#connection(room.self);
      },
    };
  }

  /** Whom an end is linked with. */
  linksOf(self: PeerId): PeerId[] {
    return [...this.#ends.keys()].filter((other) => this.#linked(self, other));
  }

  link(a: PeerId, b: PeerId): void {
    if (this.#linked(a, b)) return;
    this.#links.add(pair(a, b));
    this.#ends.get(a)?.events.onLink(b);
    this.#ends.get(b)?.events.onLink(a);
  }

  cut(a: PeerId, b: PeerId): void {
    if (!this.#links.delete(pair(a, b))) return;
    this.#flying = this.#flying.filter(({ from, to }) => pair(from, to) !== pair(a, b));
    this.#ends.get(a)?.events.onLinkClosed(b, 'cut');
    this.#ends.get(b)?.events.onLinkClosed(a, 'cut');
  }

  /** Both ends notice that a link does not answer (`faults.loss` makes it so), or answers again. */
  doubt(a: PeerId, b: PeerId, doubtful: boolean): void {
    if (!this.#linked(a, b)) return;
    this.#ends.get(a)?.events.onDoubt?.(b, doubtful);
    this.#ends.get(b)?.events.onDoubt?.(a, doubtful);
  }

  /** Somebody on the way sends a frame once more, or one of their own. */
  bring({ from, to, frame }: Flying): void {
    if (this.#linked(from, to)) this.#ends.get(to)?.events.onFrame(from, frame);
  }

  /** An end is gone without a word, as when its process was killed. */
  kill(self: PeerId): void {
    for (const other of this.#ends.keys()) this.cut(self, other);
    this.#ends.delete(self);
  }

  #linked(a: PeerId, b: PeerId): boolean {
    return this.#links.has(pair(a, b));
  }

  #connection(self: PeerId): TransportConnection {
    const links = () => [...this.#ends.keys()].filter((other) => this.#linked(self, other));
    return {
      status: { kind: 'up' },
      links,
      send: (link: LinkId, frame: Bytes, _lane: Lane) => this.#send(self, link as PeerId, frame),
      broadcast: (frame) => {
        for (const other of links()) this.#send(self, other, frame);
      },
      queuedBytes: () => 0,
      drained: () => Promise.resolve(),
      close: async () => {
        for (const other of links()) this.cut(self, other);
        this.#ends.delete(self);
      },
    };
  }

  #send(from: PeerId, to: PeerId, frame: Bytes): void {
    if (!this.#linked(from, to)) return;
    this.heard?.push({ from, to, frame: frame.slice() });
    this.sent.set(frame[0] ?? -1, (this.sent.get(frame[0] ?? -1) ?? 0) + 1);
    if (this.#chance() < this.faults.loss) return;
    const copies = this.#chance() < this.faults.repeat ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const at =
        this.#chance() < this.faults.reorder
          ? Math.floor(this.#chance() * (this.#flying.length + 1))
          : this.#flying.length;
      this.#flying.splice(at, 0, { from, to, frame: this.changes(frame.slice()) });
    }
    void this.#pump();
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    for (let next = this.#flying.shift(); next !== undefined; next = this.#flying.shift()) {
      const { from, to, frame } = next;
      await Promise.resolve();
      if (this.#linked(from, to)) this.#ends.get(to)?.events.onFrame(from, frame);
    }
    this.#pumping = false;
  }
}

const pair = (a: PeerId, b: PeerId): string => (a < b ? `${a}-${b}` : `${b}-${a}`);
