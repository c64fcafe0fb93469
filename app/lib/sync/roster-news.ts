/**
 * The owners' statements as they come from others (ROST-20, ROST-21, ROST-35): what goes on from those known here is news, told once.
 * Whose signature they bear decides, not who brought them.
 */
import { equalBytes, type Bytes } from '../core/bytes.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import type { Admission } from '../log/admissions.ts';
import type { OwnersStatement } from '../log/owners.ts';
import type { RoomLog } from '../log/room-log.ts';
import { readRoster, type RosterBytes } from '../log/roster-codec.ts';
import { hasMore, unionOf } from '../log/roster-union.ts';
import { believe, bytesOf, decodeRoster, encodeRoster, type Roster } from '../log/roster.ts';
import { decodeGenesis } from '../log/genesis.ts';

export interface RosterEvents {
  /** The room has new keys. */
  readonly onNews: (roster: Roster) => void;
  /** Others own the room now, or somebody was let in, under the same keys. */
  readonly onSameKeys?: (roster: Roster) => void;
  /** Owners have signed something that contradicts what is known here; told once. */
  readonly onBranch?: () => void;
}

export class RosterNews {
  readonly #log: RoomLog;
  readonly #keys: RoomKeys;
  readonly #events: RosterEvents;
  #owners: readonly OwnersStatement[];
  #admissions: readonly Admission[];
  /** What leads on to other keys. */
  #newest: Roster | undefined;
  #revision = 0;
  #branched = false;
  /** What was heard last, believed or not: who repeats it costs nothing. */
  #heard: Bytes | undefined;

  /** `opened`: what the room was opened with beside the epochs that the log has. */
  constructor(
    log: RoomLog,
    keys: RoomKeys,
    events: RosterEvents,
    { owners = [], admissions = [] }: Partial<Pick<Roster, 'owners' | 'admissions'>> = {},
  ) {
    this.#log = log;
    this.#keys = keys;
    this.#events = events;
    this.#owners = owners;
    this.#admissions = admissions;
  }

  /** Who owned the room until now, as far as it is known here. */
  get owners(): readonly OwnersStatement[] {
    return this.#owners;
  }

  /** Whom owners let in under these keys, one by one. */
  get admissions(): readonly Admission[] {
    return this.#admissions;
  }

  /** All of this epoch but admissions, as it rests with others; undefined before there is anything beyond the genesis statement. */
  get known(): Bytes | undefined {
    const { genesis, statements } = this.#log;
    if (genesis === undefined || statements.length + this.#owners.length === 0) return undefined;
    return encodeRoster(bytesOf({ genesis, statements, owners: this.#owners }));
  }

  /** Likewise with admissions, as it travels (ROST-42). */
  get whole(): Bytes | undefined {
    return this.#told(this.#log.statements);
  }

  /** Without the epochs: for whoever has this one's keys, and with them the rest. Undefined where there is nothing else. */
  get brief(): Bytes | undefined {
    return this.#told([]);
  }

  /** What this tab itself is about to tell the others: no news to it. */
  made(roster: Roster): void {
    this.#revision++;
    if (roster.statements.length > this.#log.statements.length) this.#newest = roster;
    else this.#keep(roster);
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
    // What was more of it is not believed, or gives less than what is here.
    if (known !== undefined && !hasMore(bytesOf(believed), here)) return;
    // What does not reach the epoch of a link that brought nothing else opens nothing with it.
    if (length < this.#keys.epoch) return;
    // The genesis statement comes first; then this is told again.
    if (known === undefined && length === 0) this.#heard = undefined;
    else this.#take(believed);
  }

  #known(): Roster | undefined {
    const { genesis, statements } = this.#log;
    return (
      this.#newest ?? (genesis && { genesis, statements, owners: this.#owners, admissions: this.#admissions })
    );
  }

  #take(roster: Roster): void {
    this.#revision++;
    // Owners that were named in a later epoch are no news to this one.
    if (roster.statements.length > this.#log.statements.length) {
      this.#newest = roster;
      this.#events.onNews(roster);
    } else {
      this.#keep(roster);
      this.#events.onSameKeys?.(roster);
    }
  }

  #keep({ owners, admissions = [] }: Roster): void {
    this.#owners = owners;
    this.#admissions = admissions;
  }

  #told(statements: Roster['statements']): Bytes | undefined {
    const { genesis } = this.#log;
    const [owners, admissions] = [this.#owners, this.#admissions];
    if (genesis === undefined || statements.length + owners.length + admissions.length === 0)
      return undefined;
    return encodeRoster(bytesOf({ genesis, statements, owners, admissions }));
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
