/**
 * The room's chat without its page: what the `talk` channel says, a window of it, what of it is unread here, and what is
 * written here. What is sent is in the window at once, before it is signed.
 */
import type { Bytes } from '../core/bytes.ts';
import type { DeviceId, SessionId } from '../core/ids.ts';
import { decodeTalkMessage, encodeTalkMessage, type TalkMessage, type TalkTarget } from '../document/talk.ts';
import {
  mayChange,
  TalkView,
  type ChannelMessage,
  type TalkAuthor,
  type TalkPage,
  type TalkPlace,
} from '../document/talk-view.ts';
import type { Accepted } from '../log/receipt.ts';
import type { MessageView } from './room-model.ts';
import { draftProblem, tidyDraft } from './talk-text.ts';

export interface ConversationOptions {
  readonly me: TalkAuthor;
  /** Tells the room. */
  readonly post: (payload: Bytes) => void;
  /** Whether something may be written now. */
  readonly writable: () => boolean;
  readonly myName: () => string;
  /** Who a device is: those who are here by the name they go by, others by the one they gave. */
  readonly person: (device: DeviceId, gave: string) => { readonly name: string; readonly colour: string };
  /** The time told of the newest message that was seen in earlier visits, 0 for none. */
  readonly seenUntil: number;
  readonly keepSeen: (time: number) => void;
  readonly now: () => number;
}

/** Messages on the page: some screens of them, whatever there is. */
export const WINDOW_MESSAGES = 200;
const STEP_MESSAGES = 100;
/** "99+" says enough. */
const MAX_UNREAD = 100;

/** Mine, on its way into the log. */
interface Sending {
  readonly id: string;
  readonly text: string;
  readonly time: number;
}

export interface TalkWindow extends TalkPage {
  readonly sending: readonly Sending[];
}

export class Conversation {
  readonly #options: ConversationOptions;
  readonly #view = new TalkView();
  #sending: readonly Sending[] = [];
  readonly #unread = new Set<string>();
  /** The last message of the window; undefined: the newest there is. */
  #last: TalkPlace | undefined;
  #seenUntil: number;
  #live = false;
  #sent = 0;
  /** What was shown last: the same message stays the same object, so that the page draws only what is new. */
  #views: ReadonlyMap<string, MessageView> = new Map();

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#seenUntil = options.seenUntil;
  }

  /** The window as it is now. */
  window(): TalkWindow {
    const page = this.#view.page(WINDOW_MESSAGES, this.#last);
    // What is at its end stays at its end.
    if (page.later === 0) this.#last = undefined;
    return { ...page, sending: page.later > 0 ? [] : this.#sending };
  }

  /** What a window shows, with the names that people go by now. */
  shown({ messages, sending }: TalkWindow): MessageView[] {
    const views = [
      ...messages.map((message) => this.#shown(message)),
      ...sending.map((one) => this.#onItsWay(one)),
    ].map((view) => {
      const before = this.#views.get(view.id);
      return before !== undefined && isSame(before, view) ? before : view;
    });
    this.#views = new Map(views.map((view) => [view.id, view]));
    return views;
  }

  /** Messages of others that were not seen here, at most 100. */
  get unread(): number {
    return this.#unread.size;
  }

  /** Takes the entries of the `talk` channel, own ones too; true when something that is shown may have changed. */
  receive(accepted: readonly Accepted[]): boolean {
    let changed = false;
    for (const { session, channel, entries } of accepted) {
      if (channel !== 'talk') continue;
      const author = { session: session.id, device: session.device, role: session.role };
      for (const { seq, time, payload } of entries) {
        const kind = this.#view.add({ author, seq, time, payload });
        if (author.session === this.#options.me.session) this.#came(payload);
        if (kind === 'message') this.#note(author, seq, time);
        changed ||= kind !== undefined;
      }
    }
    return changed;
  }

  /** What came so far was here at the opening; what comes from here on is new to this device. */
  opened(): void {
    this.#live = true;
  }

  /** Says why it was not sent; nothing for a message of nothing. */
  send(draft: string): string | undefined {
    const { myName, now, writable } = this.#options;
    const text = tidyDraft(draft);
    const problem = draftProblem(draft);
    if (problem !== undefined || text === '') return problem;
    if (!writable()) return 'This can’t be sent now. Your words stay in the field.';
    this.#sending = [...this.#sending, { id: `sending-${this.#sent++}`, text, time: now() }];
    this.#last = undefined;
    this.#post({ kind: 'message', name: myName(), text });
    return undefined;
  }

  /** Likewise. */
  edit(id: string, draft: string): string | undefined {
    const text = tidyDraft(draft);
    const problem = draftProblem(draft);
    const message = this.#changeable(id);
    if (problem !== undefined || text === '') return problem;
    if (message === undefined) return 'This message can’t be changed any more. Copy your words to keep them.';
    if (text !== message.text) this.#post({ kind: 'edit', target: targetOf(message), text });
    return undefined;
  }

  retract(id: string): void {
    const message = this.#changeable(id);
    if (message !== undefined) this.#post({ kind: 'retract', target: targetOf(message) });
  }

  showEarlier(): void {
    this.#last = this.#view.moved(this.#last, -STEP_MESSAGES);
  }
  showLater(): void {
    this.#last = this.#view.moved(this.#last, STEP_MESSAGES);
  }
  showNewest(): void {
    this.#last = undefined;
  }

  seen(): void {
    const newest = this.#view.page(1).messages[0];
    if (newest !== undefined && newest.time > this.#seenUntil) {
      this.#seenUntil = newest.time;
      this.#options.keepSeen(newest.time);
    }
    this.#unread.clear();
  }

  #post(message: TalkMessage): void {
    this.#options.post(encodeTalkMessage(message));
  }

  /** One of mine is in the log: it is shown from there. */
  #came(payload: Uint8Array): void {
    const decoded = decodeTalkMessage(payload);
    if (decoded.ok && decoded.value.kind === 'message') this.#sending = this.#sending.slice(1);
  }

  #note(author: TalkAuthor, seq: number, time: number): void {
    if (author.device === this.#options.me.device || this.#unread.size >= MAX_UNREAD) return;
    if (this.#live || time > this.#seenUntil) this.#unread.add(`${author.session}:${seq}`);
  }

  #changeable(id: string): ChannelMessage | undefined {
    const message = this.#view.find(targetIn(id));
    const mine = message !== undefined && mayChange(this.#options.me, message.author);
    return mine && this.#options.writable() && !message.retracted ? message : undefined;
  }

  #shown(message: ChannelMessage): MessageView {
    const { me, person, writable } = this.#options;
    const { author, session, seq, time, text, edited, retracted } = message;
    const device = author.device;
    return {
      id: `${session}:${seq}`,
      by: { ...person(device, message.name), device, me: device === me.device },
      time,
      text,
      edited,
      retracted,
      changeable: !retracted && writable() && mayChange(me, author),
      sending: false,
    };
  }

  #onItsWay({ id, text, time }: Sending): MessageView {
    const { me, person, myName } = this.#options;
    const by = { ...person(me.device, myName()), device: me.device, me: true };
    return { id, by, time, text, edited: false, retracted: false, changeable: false, sending: true };
  }
}

const isSame = (a: MessageView, b: MessageView): boolean =>
  a.text === b.text &&
  a.time === b.time &&
  a.edited === b.edited &&
  a.retracted === b.retracted &&
  a.changeable === b.changeable &&
  a.by.name === b.by.name &&
  a.by.colour === b.by.colour;

const targetOf = ({ session, seq }: ChannelMessage): TalkTarget => ({ session, seq });

function targetIn(id: string): TalkTarget {
  const [session = '', seq = ''] = id.split(':');
  return { session: session as SessionId, seq: Number(seq) };
}
