/**
 * What the `talk` channel says, folded into messages (TALK-2 to TALK-4). Entries may arrive in any order: every replica
 * comes to the same messages. Memory is bounded whatever the authors send; one entry costs the same at any length.
 */
import { ROLES, type DeviceId, type Role, type SessionId } from '../core/ids.ts';
import { decodeTalkMessage, type TalkMessage, type TalkTarget } from './talk.ts';

/** Who signed an entry, as their certificate says. */
export interface TalkAuthor {
  readonly session: SessionId;
  readonly device: DeviceId;
  readonly role: Role;
}

/** An accepted entry of the `talk` channel. `time` is what is told of it (LOG-11), ms since 1970. */
export interface TalkEntry {
  readonly author: TalkAuthor;
  readonly seq: number;
  readonly time: number;
  readonly payload: Uint8Array;
}

/** Where a message stands among the others. */
export interface TalkPlace {
  readonly time: number;
  readonly session: SessionId;
  readonly seq: number;
}

/** One message as the channel tells it. */
export interface ChannelMessage extends TalkPlace {
  readonly author: TalkAuthor;
  /** What its author was called when they wrote it; '' if they had chosen no name. */
  readonly name: string;
  /** '' when it was taken back. */
  readonly text: string;
  readonly edited: boolean;
  readonly retracted: boolean;
}

export interface TalkPage {
  /** Oldest first. */
  readonly messages: readonly ChannelMessage[];
  /** How many stand before and after them. */
  readonly earlier: number;
  readonly later: number;
}

/** Months of a talkative room; the log has them all. */
export const KEPT_ENTRIES = 10_000;
/** As many messages of a usual length; a flood of long ones takes no more either. */
export const KEPT_BYTES = 4 * 1024 * 1024;

interface Item extends TalkPlace {
  readonly author: TalkAuthor;
  readonly message: TalkMessage;
  readonly bytes: number;
}

export class TalkView {
  /** All that is kept, and of it the messages, oldest first. */
  readonly #items: Item[] = [];
  readonly #messages: Item[] = [];
  /** Edits and retractions by what they name, each list oldest first. */
  readonly #changes = new Map<string, Item[]>();
  #bytes = 0;
  /** The newest entry that was let go: what stands before it would be gone too, whenever it comes. */
  #gone: Item | undefined;

  /** Takes in one entry. What it is, where something that is shown may have changed. */
  add({ author, seq, time, payload }: TalkEntry): TalkMessage['kind'] | undefined {
    const decoded = decodeTalkMessage(payload);
    if (!decoded.ok) return undefined;
    const message = decoded.value;
    const item: Item = { author, message, time, session: author.session, seq, bytes: payload.length };
    if (this.#gone !== undefined && compare(item, this.#gone) < 0) return undefined;
    insert(this.#items, item);
    if (message.kind === 'message') insert(this.#messages, item);
    else {
      const key = keyOf(message.target);
      const changes = this.#changes.get(key) ?? [];
      this.#changes.set(key, changes);
      insert(changes, item);
    }
    this.#bytes += item.bytes;
    while (this.#items.length > KEPT_ENTRIES || this.#bytes > KEPT_BYTES) this.#letGoOfOldest();
    return this.#gone === item ? undefined : message.kind;
  }

  /** At most `count` messages, the last of them at or before `last`; the newest where that is left out. */
  page(count: number, last?: TalkPlace): TalkPage {
    const end = last === undefined ? this.#messages.length : placesUpTo(this.#messages, last);
    const start = Math.max(0, end - count);
    return {
      messages: this.#messages.slice(start, end).map((item) => this.#shown(item)),
      earlier: start,
      later: this.#messages.length - end,
    };
  }

  /** The place `by` messages after `place` (before, where negative), as far as there are any; undefined for the newest. */
  moved(place: TalkPlace | undefined, by: number): TalkPlace | undefined {
    const end = place === undefined ? this.#messages.length : placesUpTo(this.#messages, place);
    const at = Math.max(end - 1 + by, 0);
    return at >= this.#messages.length - 1 ? undefined : this.#messages[at];
  }

  /** The message that `target` names, if it is kept. */
  find(target: TalkTarget): ChannelMessage | undefined {
    const item = this.#messages.findLast((one) => one.session === target.session && one.seq === target.seq);
    return item && this.#shown(item);
  }

  /** How many entries are held in memory. */
  get kept(): number {
    return this.#items.length;
  }

  #letGoOfOldest(): void {
    const item = this.#items.shift();
    if (item === undefined) return;
    this.#gone = item;
    this.#bytes -= item.bytes;
    if (item.message.kind === 'message') {
      this.#messages.shift();
      return;
    }
    const key = keyOf(item.message.target);
    const changes = this.#changes.get(key);
    changes?.shift();
    if (changes?.length === 0) this.#changes.delete(key);
  }

  #shown(item: Item): ChannelMessage {
    const { author, message, time, session, seq } = item;
    const { name, text: first } = message.kind === 'message' ? message : { name: '', text: '' };
    let text = first;
    let edited = false;
    let retracted = false;
    for (const change of this.#changes.get(keyOf(item)) ?? []) {
      if (compare(change, item) < 0 || !mayChange(change.author, author)) continue;
      if (change.message.kind === 'retract') retracted = true;
      else if (change.message.kind === 'edit') {
        text = change.message.text;
        edited = true;
      }
    }
    return {
      author,
      name,
      time,
      session,
      seq,
      text: retracted ? '' : text,
      edited: edited && !retracted,
      retracted,
    };
  }
}

/**
 * Whether a session may change what another one said (TALK-3): its own words, or those of its device by a right no less. A
 * certificate claims its device, so a lesser link must not be enough to pass for it.
 */
export function mayChange(who: TalkAuthor, author: TalkAuthor): boolean {
  if (who.session === author.session) return true;
  return who.device === author.device && ROLES.indexOf(who.role) >= ROLES.indexOf(author.role);
}

const keyOf = ({ session, seq }: TalkTarget): string => `${session}:${seq}`;

function compare(a: TalkPlace, b: TalkPlace): number {
  if (a.time !== b.time) return a.time - b.time;
  if (a.session !== b.session) return a.session < b.session ? -1 : 1;
  return a.seq - b.seq;
}

/** How many of `sorted` stand at or before `place`. Nearly always it is the end, so that is looked at first. */
function placesUpTo(sorted: readonly TalkPlace[], place: TalkPlace): number {
  const last = sorted.at(-1);
  if (last === undefined || compare(last, place) <= 0) return sorted.length;
  let [from, to] = [0, sorted.length - 1];
  while (from < to) {
    const middle = (from + to) >> 1;
    const item = sorted[middle];
    if (item !== undefined && compare(item, place) <= 0) from = middle + 1;
    else to = middle;
  }
  return from;
}

function insert(sorted: Item[], item: Item): void {
  sorted.splice(placesUpTo(sorted, item), 0, item);
}
