/**
 * Who is in the room and where: presence of every peer that was met, signed, never stored (SPEC, SYNC-6).
 * A peer that signs nothing new for 30 s is gone; a counter that does not rise is a replay, and shows nothing of life.
 */
import { concat, utf8, type Bytes } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import type { PeerId } from '../core/ids.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { verifySignature } from '../crypto/signatures.ts';
import type { CheckedSession, OwnSession } from '../log/certificate.ts';
import { openSealed, seal } from '../log/seal.ts';
import { decodePresenceFrame, encodePresenceFrame, writeFrame } from './frames.ts';

/** What a PRESENCE's signature begins with (SYNC-1). */
export const PRESENCE_LABEL = utf8('codeface/presence/1\0');
/** LOG.md, Meeting. */
export const PRESENCE_LIFE_MS = 30_000;
export const PRESENCE_REFRESH_MS = 10_000;
/** At most so many a second are read from one peer (facts: 20/s are sent at most; twice that allows for bunching). */
const MAX_PER_SECOND = 40;
/** Counters remembered of who left, so that a peer that comes back is not shown where it was before. */
const MAX_COUNTERS = 1000;

export interface PeerPresence {
  readonly peer: PeerId;
  readonly session: CheckedSession;
  /** What document/presence.ts encodes; empty until the first came. */
  readonly payload: Bytes;
}

interface Row {
  session: CheckedSession;
  payload: Bytes;
  counter: number;
  seenAt: number;
  /** Too long nothing new was signed: not shown, though the link is up. */
  silent: boolean;
  windowStart: number;
  inWindow: number;
}

export class PresenceBoard {
  readonly #rows = new Map<PeerId, Row>();
  readonly #counters = new Map<PeerId, number>();
  readonly #keys: RoomKeys;
  readonly #own: OwnSession;
  readonly #clock: Clock;
  readonly #onChange: () => void;
  #counter = 0;

  constructor(options: { keys: RoomKeys; session: OwnSession; clock: Clock; onChange: () => void }) {
    this.#keys = options.keys;
    this.#own = options.session;
    this.#clock = options.clock;
    this.#onChange = options.onChange;
  }

  /** Everyone else who is here, in no order. */
  others(): PeerPresence[] {
    return [...this.#rows]
      .filter(([, { silent }]) => !silent)
      .map(([peer, { session, payload }]) => ({ peer, session, payload }));
  }

  /** A peer proved that it is there. False when that was known: only its presence shows that it still is. */
  met(peer: PeerId, session: CheckedSession): boolean {
    if (this.#rows.has(peer)) return false;
    const now = this.#clock.now();
    this.#rows.set(peer, {
      session,
      payload: new Uint8Array(),
      counter: this.#counters.get(peer) ?? 0,
      seenAt: now,
      silent: false,
      windowStart: now,
      inWindow: 0,
    });
    this.#onChange();
    return true;
  }

  /** The last link to a peer closed. */
  gone(peer: PeerId): void {
    const row = this.#rows.get(peer);
    if (row === undefined) return;
    this.#rows.delete(peer);
    this.#counters.delete(peer);
    this.#counters.set(peer, row.counter);
    for (const oldest of this.#counters.keys()) {
      if (this.#counters.size <= MAX_COUNTERS) break;
      this.#counters.delete(oldest);
    }
    this.#onChange();
  }

  /** Stops showing who was silent for too long; a newer presence brings them back. */
  expire(): void {
    const now = this.#clock.now();
    for (const row of this.#rows.values()) {
      if (row.silent || now - row.seenAt <= PRESENCE_LIFE_MS) continue;
      row.silent = true;
      this.#onChange();
    }
  }

  /** My presence as a frame, newest wins. */
  async frame(payload: Bytes): Promise<Bytes> {
    const signed = encodePresenceFrame({ session: this.#own.id, counter: ++this.#counter, payload });
    const signature = await this.#own.sign(concat(PRESENCE_LABEL, signed));
    return writeFrame('presence', await seal(this.#keys, 'presence', concat(signed, signature)));
  }

  /** Takes a PRESENCE's sealed body from a peer; believes it only if that peer's session signed it, and newly. */
  async receive(peer: PeerId, sealed: Bytes): Promise<void> {
    const row = this.#rows.get(peer);
    if (row === undefined || this.#tooMany(row)) return;
    const opened = await openSealed(this.#keys, 'presence', sealed);
    if (!opened.ok) return;
    const frame = decodePresenceFrame(opened.value);
    if (!frame.ok || frame.value.session !== row.session.id || frame.value.counter <= row.counter) return;
    const message = concat(PRESENCE_LABEL, frame.value.signed);
    if (!(await verifySignature(row.session.publicKey, frame.value.signature, message))) return;
    if (frame.value.counter <= row.counter) return;
    row.counter = frame.value.counter;
    row.seenAt = this.#clock.now();
    row.silent = false;
    row.payload = frame.value.payload;
    this.#onChange();
  }

  #tooMany(row: Row): boolean {
    const now = this.#clock.now();
    if (now - row.windowStart >= 1000) {
      row.windowStart = now;
      row.inWindow = 0;
    }
    return ++row.inWindow > MAX_PER_SECOND;
  }
}
