/**
 * The archive as a replica has it from the beginning: its code is no part of opening a room and comes afterwards, as the
 * archive is never waited for. Until then it counts as being connected to; what can't be fetched, as unreachable.
 */
import type { ArchiveSuperseded } from '../../core/archive-superseding.ts';
import type { ArchiveDeleted } from '../../core/archive-wire.ts';
import { err, type Result } from '../../core/result.ts';
import type { ArchiveWay } from '../replica-events.ts';
import type { RoomKeys } from '../../crypto/room-keys.ts';
import type { OwnersStatement } from '../../log/owners.ts';
import type { Archive, ArchiveOptions } from './archive.ts';
import type { ArchiveProblem } from './archive-server.ts';
import type { ArchiveState } from './archive-state.ts';
import type { Claimed } from './claims.ts';
import type { Owner } from './registration.ts';
import type { ArchiveSpace } from './room-at-rest.ts';
import type { RoomMade } from './room-making.ts';

/** What the replica gives the archive; the way to it gives the rest. */
export type ArchiveSurroundings = Omit<
  ArchiveOptions,
  'server' | 'alone' | 'owner' | 'waits' | 'room' | 'checkpoints'
>;

/** A network that comes back is heard of (`refresh`); this is for a server that comes back. */
const FETCH_AGAIN_MS = 30_000;

export class LateArchive {
  readonly #way: ArchiveWay;
  readonly #surroundings: ArchiveSurroundings;
  #archive: Archive | undefined;
  #fetching: Promise<Archive | undefined> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  #begun = false;
  #closed = false;
  /** Whether everything is to be read again, said before there was anybody to hear it. */
  #all = false;
  /** Said since the way to it was opened. */
  #owner: { readonly is: Owner | undefined } | undefined;
  #before: ArchiveState = { kind: 'connecting' };

  constructor(way: ArchiveWay, surroundings: ArchiveSurroundings) {
    this.#way = way;
    this.#surroundings = surroundings;
  }

  get state(): ArchiveState {
    return this.#archive?.state ?? this.#before;
  }

  /** Whether this device has the key of an owner of the room. */
  get owned(): boolean {
    return this.#owner ? this.#owner.is !== undefined : this.#way.owned;
  }

  /** As in Archive. */
  own(owner: Owner | undefined): void {
    this.#owner = { is: owner };
    this.#archive?.own(owner);
  }

  /** As in Archive. */
  async claimOwners(owners: readonly OwnersStatement[]): Promise<Claimed> {
    return (await this.#fetch())?.claimOwners(owners) ?? 'unreachable';
  }

  /** As in Archive. */
  async claimEpoch(next: RoomKeys): Promise<Claimed> {
    return (await this.#fetch())?.claimEpoch(next) ?? 'unreachable';
  }

  /** Whether everything it has was read once, and that was something. */
  get brought(): boolean {
    return this.#archive?.brought === true;
  }

  start(): void {
    this.#begun = true;
    void this.#fetch();
  }

  /** As in Archive, which at its start takes everything for written a moment ago. */
  touched(own: boolean): void {
    this.#archive?.touched(own);
  }

  /** As in Archive. */
  hurry(): void {
    this.#archive?.hurry();
  }

  /** As in Archive; also fetches what could not be fetched before. */
  refresh(all = false): void {
    this.#all ||= all;
    if (this.#archive) this.#archive.refresh(all);
    else if (this.#begun) void this.#fetch();
  }

  /** As in Archive. */
  async delete(): Promise<Result<ArchiveDeleted, ArchiveProblem>> {
    const archive = await this.#fetch();
    return archive ? archive.delete() : err({ reason: 'later' });
  }

  /** As in Archive. */
  async space(): Promise<Result<ArchiveSpace, ArchiveProblem>> {
    const archive = await this.#fetch();
    return archive ? archive.space() : err({ reason: 'later' });
  }

  /** As in Archive. */
  async makeRoom(): Promise<Result<RoomMade, ArchiveProblem>> {
    const archive = await this.#fetch();
    return archive ? archive.makeRoom() : err({ reason: 'later' });
  }

  /** As in Archive. */
  async takeBack(): Promise<Result<ArchiveSuperseded, ArchiveProblem>> {
    const archive = await this.#fetch();
    return archive ? archive.takeBack() : err({ reason: 'later' });
  }

  /** As in Archive. */
  async keep(): Promise<void> {
    await (await this.#fetch())?.keep();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#again);
    await this.#archive?.close();
  }

  #fetch(): Promise<Archive | undefined> {
    this.#fetching ??= this.#fetchOnce().catch(() => {
      this.#fetching = undefined;
      this.#failed();
      return undefined;
    });
    return this.#fetching;
  }

  async #fetchOnce(): Promise<Archive | undefined> {
    clearTimeout(this.#again);
    const [{ Archive }, door] = await Promise.all([import('./archive.ts'), this.#way.open()]);
    if (this.#closed) {
      door.server.close();
      return undefined;
    }
    const archive = (this.#archive = new Archive({ ...this.#surroundings, ...door }));
    if (this.#owner) archive.own(this.#owner.is);
    if (this.#all) archive.refresh(true);
    archive.start();
    return archive;
  }

  #failed(): void {
    if (this.#closed) return;
    this.#again = setTimeout(() => void this.#fetch(), FETCH_AGAIN_MS);
    this.#before = { kind: 'unreachable' };
    this.#surroundings.onChange();
  }
}
