/**
 * What an owner's device tells the server of who owns the room and by which keys it is read, before others hear of it: of two
 * that say so at the same time the server takes the first (ARCH-5, ARCH-19, ARCH-22, ARCH-23).
 */
import type { ArchiveStatus } from '../../core/archive-wire.ts';
import { toHex, type Bytes } from '../../core/bytes.ts';
import type { Result } from '../../core/result.ts';
import type { RoomKeys } from '../../crypto/room-keys.ts';
import type { LogStore } from '../../log/log-store.ts';
import type { OwnersStatement } from '../../log/owners.ts';
import { believe, encodeRoster } from '../../log/roster.ts';
import type { RoomLog } from '../../log/room-log.ts';
import type { ArchiveProblem, ArchiveServer } from './archive-server.ts';
import type { KnownNews } from './kept-roster.ts';
import type { OwnerHere } from './owner-here.ts';
import { registrationOf } from './registration.ts';

/**
 * What a server says of a change that nobody else was told of. 'taken': another came first. 'behind': so did an epoch that is not
 * known here, by an owner whom the change would leave out. 'unreachable': it says nothing now, or does not keep this room.
 */
export type Claimed = 'claimed' | 'taken' | 'behind' | 'unreachable';

export interface ClaimsOptions {
  readonly server: ArchiveServer;
  readonly keys: RoomKeys;
  readonly log: RoomLog;
  readonly store: Pick<LogStore, 'loadFacts'>;
  readonly roster: KnownNews;
}

export class Claims {
  readonly #options: ClaimsOptions;
  readonly #owner: OwnerHere;
  /** Whether the server is to keep no copy. */
  readonly #isDeclined: () => boolean;
  /** How many owners statements the server was asked to take, of those known here. */
  #claimed = 0;

  constructor(options: ClaimsOptions, owner: OwnerHere, isDeclined: () => boolean) {
    this.#options = options;
    this.#owner = owner;
    this.#isDeclined = isDeclined;
  }

  /** Who owns the room, as known here, where this device is one of them and the server was not told. */
  async tellOwners(): Promise<void> {
    const { owners } = this.#options.roster;
    if (this.#owner.key && owners.length > this.#claimed) await this.owners(owners);
  }

  /** Registers the room, or its new keys; nothing where this device may not. */
  async register(counter = 0): Promise<Result<ArchiveStatus, ArchiveProblem> | undefined> {
    const { server, keys, log, store } = this.#options;
    const owner = this.#owner.key;
    // Who came by a lesser link can't name the editors' key.
    if (owner === undefined || !keys.seeds.e) return undefined;
    // A tab that stayed behind would give the archive back to those who were removed.
    const isBehind = ((await store.loadFacts()).roster?.length ?? 0) > keys.epoch;
    if (log.genesis === undefined || isBehind) return undefined;
    const answer = await server.register(await registrationOf(owner, keys, log.genesis, counter + 1));
    // A deletion came before, or another server's copy of this one: above its counter ours is new.
    const newer = answer.ok ? undefined : answer.error.counter;
    return newer !== undefined && newer > counter ? this.register(newer) : answer;
  }

  /** As Archive.claimOwners. */
  async owners(owners: readonly OwnersStatement[]): Promise<Claimed> {
    const { server, log, roster } = this.#options;
    if (log.genesis === undefined) return 'unreachable';
    const statements = owners.map(({ bytes }) => bytes);
    const kept = await server.owners({ founder: log.genesis.ownerPublicKey, statements });
    if (!kept.ok) return 'unreachable';
    this.#claimed = Math.max(this.#claimed, owners.length);
    const textOf = (list: readonly Bytes[]): string => list.map(toHex).join();
    const [there, here] = [textOf(kept.value), textOf(statements)];
    if (there === here) return 'claimed';
    const epochs = log.statements.map(({ bytes }) => bytes);
    const { fault } = await believe(log.genesis, { statements: epochs, owners: kept.value });
    // A server that makes something up, or keeps less than it was told, does not keep anybody from anything.
    if (fault !== undefined) return 'unreachable';
    if (here.startsWith(there)) return (await this.#isBehind()) ? 'behind' : 'unreachable';
    await roster.heard(encodeRoster({ genesis: log.genesis.bytes, statements: [], owners: kept.value }));
    return 'taken';
  }

  /** Whether the server has other keys for the room by now. */
  async #isBehind(): Promise<boolean> {
    const status = await this.#options.server.status();
    return !status.ok && status.error.reason === 'wrong-key';
  }

  /** As Archive.claimEpoch. */
  async epoch(next: RoomKeys): Promise<Claimed> {
    const { server } = this.#options;
    const status = await server.status();
    if (!status.ok) return status.error.reason === 'wrong-key' ? 'taken' : 'unreachable';
    // Only owners ask: the server has just told this one that it is none any more.
    if (this.#owner.key === undefined) return 'taken';
    if (this.#isDeclined()) return 'unreachable';
    const { counter } = status.value;
    const answer = await this.#owner.signs(async (owner, genesis) =>
      server.register(await registrationOf(owner, next, genesis, counter + 1)),
    );
    if (answer.ok) return 'claimed';
    const { reason } = answer.error;
    // It knows of other owners, and shows their statements: an epoch of this device's would begin another roster.
    if (reason === 'bad-proof') return this.owners(this.#options.roster.owners);
    return reason === 'old-counter' || reason === 'other-roster' ? 'taken' : 'unreachable';
  }
}
