/**
 * Answering WANT: what a peer lacks, read from this device's store and sent as bulk in parts (SPEC, SYNC-5).
 * One answer at a time to each peer: a newer WANT ends the older one.
 */
import type { Bytes } from '../core/bytes.ts';
import type { PeerId } from '../core/ids.ts';
import type { LogStore } from '../log/log-store.ts';
import { encodeSegments, MAX_SEGMENTS_PER_FRAME, writeFrame, type WantedRange } from './frames.ts';
import type { MeshLink } from './mesh.ts';

/** A part of an answer: small enough that a relayed or slow link shows progress, large enough to fold well. */
const PART_BYTES = 512 * 1024;

export class Answers {
  readonly #store: LogStore;
  /** Resolves when what this tab accepted or wrote is in the store. */
  readonly #storeSettled: () => Promise<unknown>;
  readonly #current = new Map<PeerId, symbol>();

  constructor(store: LogStore, storeSettled: () => Promise<unknown>) {
    this.#store = store;
    this.#storeSettled = storeSettled;
  }

  /** Sends everything of the ranges that is held here. */
  async answer(peer: PeerId, link: MeshLink, ranges: readonly WantedRange[]): Promise<void> {
    const turn = Symbol('answer');
    this.#current.set(peer, turn);
    await this.#storeSettled();
    let part: Bytes[] = [];
    let bytes = 0;
    const flush = async (more: boolean): Promise<void> => {
      link.send(writeFrame('segments', encodeSegments({ more, segments: part })), 'bulk');
      part = [];
      bytes = 0;
      await link.drained();
    };
    for (const { session, channel, fromSeq, toSeq } of ranges) {
      for (const { first, sealed } of await this.#store.readChain(session, channel, fromSeq)) {
        if (this.#current.get(peer) !== turn) return;
        if (first > toSeq) break;
        if (part.length > 0 && (bytes + sealed.length > PART_BYTES || part.length >= MAX_SEGMENTS_PER_FRAME))
          await flush(true);
        part.push(sealed);
        bytes += sealed.length;
      }
    }
    if (this.#current.get(peer) !== turn) return;
    this.#current.delete(peer);
    await flush(false);
  }

  gone(peer: PeerId): void {
    this.#current.delete(peer);
  }
}
