/**
 * What is written here, on its way: local edits and messages become entries, are sent, and are kept.
 * The first edit leaves at once; what is typed while it is being sealed shares the next entry (LOG.md, Sending).
 * Nothing counts as saved before the store has it.
 */
import * as Y from 'yjs';
import type { Bytes } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import type { Channel } from '../core/ids.ts';
import type { OwnSession } from '../log/certificate.ts';
import type { Refusal } from '../log/format.ts';
import type { Accepted } from '../log/receipt.ts';
import type { RoomLog } from '../log/room-log.ts';
import { toStored } from './fold-session.ts';
import type { Shelf } from './shelf.ts';

/** Edits merged into one entry; above it the next entry takes the rest, so that no single entry grows large. */
const MAX_MERGED_BYTES = 512 * 1024;
/** mergeUpdates is quadratic in their number: 500 take 5 ms (facts, "The log pipeline"). */
const MAX_MERGED_UPDATES = 500;

export type OutboxState =
  | { readonly kind: 'saved' }
  /** `waits`: it can't be signed before the room's history is here. */
  | { readonly kind: 'unsaved'; readonly waits?: true }
  /** The store refused own entries or others': everything is still in this tab and with the peers that are here. */
  | { readonly kind: 'store-failed'; readonly error: unknown }
  /** My own entry did not pass the accept order: a defect of this app, so nothing more is called saved. */
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** An entry could not even be made: what was typed is in this tab only, and nothing more is sent or saved. */
  | { readonly kind: 'broken'; readonly error: unknown };

export interface OutboxOptions {
  readonly doc: Y.Doc;
  readonly log: RoomLog;
  readonly shelf: Shelf;
  readonly session: OwnSession;
  readonly clock: Clock;
  /** Sends one fresh segment to every peer. */
  readonly send: (accepted: Accepted) => void;
  /** Whether the doc is ahead of the log: edits have nothing to stand on yet (CHECK-5). */
  readonly held: () => boolean;
  readonly onState: (state: OutboxState) => void;
}

export class Outbox {
  readonly #options: OutboxOptions;
  #updates: Uint8Array[] = [];
  readonly #messages: { channel: Channel; payload: Bytes }[] = [];
  #sealing = false;
  #refusal: Refusal | undefined;
  /** Something broke while an entry was made: it is lost to the log, and nothing more is called saved. */
  #broken: unknown;
  #state: OutboxState = { kind: 'saved' };
  #idleWaiters: (() => void)[] = [];

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get state(): OutboxState {
    return this.#state;
  }

  /** A local change of the project doc. */
  edit(update: Uint8Array): void {
    this.#updates.push(update);
    this.#wake();
  }

  /** A message of a channel that is not a Y.Doc. */
  post(channel: Channel, payload: Bytes): void {
    this.#messages.push({ channel, payload });
    this.#wake();
  }

  /** Resolves when nothing is left to seal and the store was offered everything. */
  async settled(): Promise<void> {
    if (this.#sealing) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
    await this.#options.shelf.settled();
  }

  /** Whether the log has everything that was written here. */
  get inLog(): boolean {
    const stopped = this.#refusal !== undefined || this.#broken !== undefined;
    return !stopped && !this.#sealing && this.#updates.length === 0;
  }

  /** Edits that are not signed yet. */
  get waiting(): readonly Uint8Array[] {
    return this.#updates;
  }

  /** What was written may have waited for the room's genesis statement, or for the log: it can be signed now. */
  resume(): void {
    if (this.#updates.length > 0 || this.#messages.length > 0) this.#wake();
  }

  /** The shelf got or lost something. */
  storeChanged(): void {
    this.#tell();
  }

  #wake(): void {
    const stopped = this.#refusal !== undefined || this.#broken !== undefined;
    // Before the genesis statement nobody could verify it, this tab included.
    if (this.#sealing || stopped || this.#options.log.genesis === undefined) return this.#tell();
    this.#sealing = true;
    this.#tell();
    this.#run()
      .catch((error: unknown) => (this.#broken = error ?? new Error('an entry could not be made')))
      .finally(() => {
        this.#sealing = false;
        // Something may have come after the last look, and found this still busy.
        if (this.#messages.length > 0 || (this.#updates.length > 0 && !this.#options.held())) this.#wake();
        else this.#tell();
      });
  }

  async #run(): Promise<void> {
    const { log, session, clock, send } = this.#options;
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      const appended = await log.append(session, next.channel, next.payload, clock.now());
      if (!appended.ok) {
        this.#refusal = appended.error;
        break;
      }
      send(appended.value);
      this.#options.shelf.put([toStored(appended.value)], true);
    }
  }

  /** The next entry to make: edits first, then messages in order. */
  #take(): { channel: Channel; payload: Bytes } | undefined {
    if (this.#updates.length === 0 || this.#options.held()) return this.#messages.shift();
    let count = 0;
    let bytes = 0;
    for (const update of this.#updates) {
      if (count > 0 && (bytes + update.length > MAX_MERGED_BYTES || count >= MAX_MERGED_UPDATES)) break;
      bytes += update.length;
      count++;
    }
    const taken = this.#updates.splice(0, count);
    const [first] = taken;
    if (first === undefined) return undefined;
    return { channel: 'project', payload: (count === 1 ? first : Y.mergeUpdates(taken)) as Bytes };
  }

  #tell(): void {
    this.#state = this.#now();
    this.#options.onState(this.#state);
    if (this.#sealing) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }

  #now(): OutboxState {
    if (this.#refusal !== undefined) return { kind: 'refused', refusal: this.#refusal };
    const { shelf } = this.#options;
    if (this.#broken !== undefined) return { kind: 'broken', error: this.#broken };
    // With nobody else either, whatever the store does.
    if (this.#updates.length > 0 && this.#options.held()) return { kind: 'unsaved', waits: true };
    if (shelf.error !== undefined) return { kind: 'store-failed', error: shelf.error };
    const busy = this.#sealing || shelf.holdsOwn || this.#updates.length > 0 || this.#messages.length > 0;
    return { kind: busy ? 'unsaved' : 'saved' };
  }
}
