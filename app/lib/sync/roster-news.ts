/**
 * The owners' statements as they come from others (ROST-20, ROST-21, ROST-35): what goes on from those known here is news, told once.
 * Whose signature they bear decides, not who brought them.
 */
import { equalBytes, type Bytes } from '../core/bytes.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import type { OwnersStatement } from '../log/owners.ts';
import type { RoomLog } from '../log/room-log.ts';
import { readRoster, type RosterBytes } from '../log/roster-codec.ts';
import { hasMore, unionOf } from '../log/roster-union.ts';
import { believe, bytesOf, decodeRoster, encodeRoster, type Roster } from '../log/roster.ts';
import { decodeGenesis } from '../log/genesis.ts';

export interface RosterEvents {
  /** The room has new keys. */
  readonly onNews: (roster: Roster) => void;
  /** Others own the room now, under the same keys. */
  readonly onOwners?: (owners: readonly OwnersStatement[]) => void;
  /** Owners have signed something that contradicts what is known here; told once. */
  readonly onBranch?: () => void;
}

export class RosterNews {
  readonly #log: RoomLog;
  readonly #keys: RoomKeys;
  readonly #events: RosterEvents;
  #owners: readonly OwnersStatement[];
  /** What leads on to other keys. */
  #newest: Roster | undefined;
  #revision = 0;
  #branched = false;
  /** What was heard last, believed or not: who repeats it costs nothing. */
  #heard: Bytes | undefined;

  /** `owners`: the owners statements that the room was opened with. */
  constructor(log: RoomLog, keys: RoomKeys, events: RosterEvents, owners: readonly OwnersStatement[] = []) {
    this.#log = log;
    this.#keys = keys;
    this.#events = events;
    this.#owners = owners;
  }

  /** Who owned the room until now, as far as it is known here. */
  get owners(): readonly OwnersStatement[] {
    return this.#owners;
  }

  /** All of this epoch, as it travels; undefined before there is anything beyond the genesis statement. */
  get known(): Bytes | undefined {
    const { genesis, statements } = this.#log;
    if (genesis === undefined || statements.length + this.#owners.length === 0) return undefined;
    return encodeRoster(bytesOf({ genesis, statements, owners: this.#owners }));
  }

  /** The owners statements alone: for whoever has this epoch's keys, and with them the rest. Undefined where there are none. */
  get brief(): Bytes | undefined {
    const { genesis } = this.#log;
    if (genesis === undefined || this.#owners.length === 0) return undefined;
    return encodeRoster(bytesOf({ genesis, statements: [], owners: this.#owners }));
  }

  /** What this tab itself is about to tell the others: no news to it. */
  made(roster: Roster): void {
    this.#revision++;
    if (roster.statements.length > this.#log.statements.length) this.#newest = roster;
    else this.#owners = roster.owners;
  }

  /** Takes a roster from anywhere. */
  async heard(bytes: Bytes): Promise<void> {
    if (this.#heard !== undefined && equalBytes(this.#heard, bytes)) return;
    this.#heard = bytes.slice();
    const read = readRoster(bytes);
    if (!read.ok) return;
    const genesis = await decodeGenesis(read.value.genesis.slice(), this.#keys.roomId);
    if (!genesis.ok) return;
    const known = this.#known();
    // The first one stays: another branch is never followed, not even from the beginning.
    if (known !== undefined && !equalBytes(known.genesis.bytes, genesis.value.bytes)) return;
    const here = known ? bytesOf(known) : NOTHING;
    const union = unionOf(here, read.value);
    if (union !== undefined && !hasMore(union, here)) return;
    const revision = this.#revision;
    const believed = union && (await believe(genesis.value, union));
    // Something else was heard while this was looked at.
    if (revision !== this.#revision) {
      this.#heard = undefined;
      return this.heard(bytes);
    }
    if (believed === undefined || believed.fault !== undefined) return this.#tellBranch(read.value, here);
    const { length } = believed.statements;
    // What does not reach the epoch of a link that brought nothing else opens nothing with it.
    if (length < this.#keys.epoch) return;
    // The genesis statement comes first; then this is told again.
    if (known === undefined && length === 0) this.#heard = undefined;
    else this.#take(believed);
  }

  #known(): Roster | undefined {
    const { genesis, statements } = this.#log;
    return this.#newest ?? (genesis && { genesis, statements, owners: this.#owners });
  }

  #take(roster: Roster): void {
    this.#revision++;
    // Owners that were named in a later epoch are no news to this one.
    if (roster.statements.length > this.#log.statements.length) {
      this.#newest = roster;
      this.#events.onNews(roster);
    } else {
      this.#owners = roster.owners;
      this.#events.onOwners?.(roster.owners);
    }
  }

  /** Told only of what owners signed: anybody can send bytes. */
  async #tellBranch(theirs: RosterBytes, here: Pick<RosterBytes, 'statements'>): Promise<void> {
    if (this.#branched) return;
    const { roomId } = this.#keys;
    const whole = await decodeRoster(encodeRoster(theirs), roomId);
    // Owners statements that travel alone belong to the epochs that are known here.
    const brief =
      whole.ok || theirs.statements.length > 0
        ? whole
        : await decodeRoster(encodeRoster({ ...theirs, statements: here.statements }), roomId);
    if (!brief.ok || this.#branched) return;
    this.#branched = true;
    this.#events.onBranch?.();
  }
}

const NOTHING = { statements: [], owners: [] };
