/**
 * The owner's statements as they come from others (ROST-20, ROST-21): what extends those this room was opened with is news,
 * told once. Whose signature they bear decides, not who brought them.
 */
import { equalBytes, type Bytes } from '../core/bytes.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import type { RoomLog } from '../log/room-log.ts';
import { decodeRoster, encodeRoster, type Roster } from '../log/roster.ts';

export class RosterNews {
  readonly #log: RoomLog;
  readonly #keys: RoomKeys;
  readonly #onNews: (roster: Roster) => void;
  #newest: Roster | undefined;
  /** What was heard last, believed or not: who repeats it costs nothing. */
  #heard: Bytes | undefined;

  constructor(log: RoomLog, keys: RoomKeys, onNews: (roster: Roster) => void) {
    this.#log = log;
    this.#keys = keys;
    this.#onNews = onNews;
  }

  /** All that this room was opened with, as it travels; undefined before there is anything beyond the genesis statement. */
  get known(): Bytes | undefined {
    const { genesis, statements } = this.#log;
    return genesis && statements.length > 0 ? encodeRoster(bytesOf({ genesis, statements })) : undefined;
  }

  /** What this tab itself is about to tell the others: no news to it. */
  made(roster: Roster): void {
    this.#newest = roster;
  }

  /** Takes a roster from anywhere. */
  async heard(bytes: Bytes): Promise<void> {
    if (this.#heard !== undefined && equalBytes(this.#heard, bytes)) return;
    this.#heard = bytes.slice();
    const read = await decodeRoster(bytes, this.#keys.roomId);
    if (!read.ok) return;
    const { genesis, statements } = read.value;
    const known = this.#newest?.genesis ?? this.#log.genesis;
    const before = this.#newest?.statements ?? this.#log.statements;
    // The first one stays: another branch is never followed, not even from the beginning.
    if (known !== undefined && !equalBytes(known.bytes, genesis.bytes)) return;
    if (!before.every((one, i) => equalBytes(one.bytes, statements[i]?.bytes ?? NOTHING))) return;
    // What does not reach the epoch of a link that brought nothing else opens nothing with it.
    if (statements.length <= before.length || statements.length < this.#keys.epoch) return;
    this.#newest = read.value;
    this.#onNews(read.value);
  }
}

const NOTHING: Bytes = new Uint8Array();

/** The statements as signed. */
export const bytesOf = ({
  genesis,
  statements,
}: Roster): { genesis: Bytes; statements: readonly Bytes[] } => ({
  genesis: genesis.bytes,
  statements: statements.map(({ bytes }) => bytes),
});
