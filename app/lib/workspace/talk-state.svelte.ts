/**
 * The room's chat: what the `talk` channel says, a window of it for the page, what of it is unread here, and what is
 * written here. What is sent shows at once, before it is signed.
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
import { DrawPace, type DrawTimes } from './draw-pace.ts';
import type { MessageView, TalkModel } from './room-model.ts';
import { draftProblem, tidyDraft } from './talk-text.ts';

export interface TalkStateOptions {
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
  readonly times: DrawTimes;
}

/** Messages on the page: some screens of them, whatever there is. */
export const WINDOW_MESSAGES = 200;
const STEP_MESSAGES = 100;
/** "99+" says enough. */
const MAX_UNREAD = 100;

interface Sending {
  readonly id: string;
  readonly text: string;
  readonly time: number;
}

export class TalkState implements TalkModel {
  readonly #options: TalkStateOptions;
  readonly #view = new TalkView();
  #page = $state.raw<TalkPage>({ messages: [], earlier: 0, later: 0 });
  #sending = $state.raw<readonly Sending[]>([]);
  #unread = $state(0);
  readonly #unreadIds = new Set<string>();
  /** The last message of the window; undefined: the newest there is. */
  #last: TalkPlace | undefined;
  #seenUntil: number;
  #live = false;
  #sent = 0;
  readonly #drawing: DrawPace;

  constructor(options: TalkStateOptions) {
    this.#options = options;
    this.#seenUntil = options.seenUntil;
    this.#drawing = new DrawPace(() => this.#draw(), options.times);
  }

  readonly messages = $derived.by((): readonly MessageView[] => [
    ...this.#page.messages.map((message) => this.#shown(message)),
    ...(this.#page.later > 0 ? [] : this.#sending.map((sending) => this.#onItsWay(sending))),
  ]);

  get earlier(): boolean {
    return this.#page.earlier > 0;
  }
  get later(): boolean {
    return this.#page.later > 0;
  }
  get unread(): number {
    return this.#unread;
  }
  get writable(): boolean {
    return this.#options.writable();
  }

  /** Entries of the `talk` channel, own ones too. */
  receive(accepted: readonly Accepted[]): void {
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
    if (changed) this.#drawing.changed();
  }

  /** What came so far was here at the opening; what comes from here on is new to this device. */
  opened(): void {
    this.#live = true;
  }

  send(draft: string): string | undefined {
    const text = tidyDraft(draft);
    const problem = draftProblem(draft);
    if (problem !== undefined || text === '' || !this.writable) return problem;
    const { myName, now } = this.#options;
    this.#sending = [...this.#sending, { id: `sending-${this.#sent++}`, text, time: now() }];
    this.showNewest();
    this.#post({ kind: 'message', name: myName(), text });
    return undefined;
  }

  edit(id: string, draft: string): string | undefined {
    const text = tidyDraft(draft);
    const problem = draftProblem(draft);
    const message = this.#changeable(id);
    if (problem !== undefined || text === '' || message === undefined) return problem;
    if (text !== message.text) this.#post({ kind: 'edit', target: targetOf(message), text });
    return undefined;
  }

  retract(id: string): void {
    const message = this.#changeable(id);
    if (message !== undefined) this.#post({ kind: 'retract', target: targetOf(message) });
  }

  showEarlier(): void {
    this.#move(this.#view.moved(this.#last, -STEP_MESSAGES));
  }
  showLater(): void {
    this.#move(this.#view.moved(this.#last, STEP_MESSAGES));
  }
  showNewest(): void {
    this.#move(undefined);
  }

  seen(): void {
    const newest = this.#view.page(1).messages[0];
    if (newest !== undefined && newest.time > this.#seenUntil) {
      this.#seenUntil = newest.time;
      this.#options.keepSeen(newest.time);
    }
    this.#unreadIds.clear();
    this.#unread = 0;
  }

  #move(last: TalkPlace | undefined): void {
    this.#last = last;
    this.#draw();
  }

  #draw(): void {
    this.#page = this.#view.page(WINDOW_MESSAGES, this.#last);
    // What is at its end stays at its end.
    if (this.#page.later === 0) this.#last = undefined;
    this.#unread = this.#unreadIds.size;
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
    if (author.device === this.#options.me.device || this.#unreadIds.size >= MAX_UNREAD) return;
    if (this.#live || time > this.#seenUntil) this.#unreadIds.add(`${author.session}:${seq}`);
  }

  #changeable(id: string): ChannelMessage | undefined {
    const message = this.#view.find(targetIn(id));
    const mine = message !== undefined && mayChange(this.#options.me, message.author);
    return mine && this.writable && !message.retracted ? message : undefined;
  }

  #shown(message: ChannelMessage): MessageView {
    const { me, person } = this.#options;
    const { author, session, seq, time, text, edited, retracted } = message;
    const device = author.device;
    return {
      id: `${session}:${seq}`,
      by: { ...person(device, message.name), device, me: device === me.device },
      time,
      text,
      edited,
      retracted,
      changeable: !retracted && this.writable && mayChange(me, author),
      sending: false,
    };
  }

  #onItsWay({ id, text, time }: Sending): MessageView {
    const { me, person, myName } = this.#options;
    const by = { ...person(me.device, myName()), device: me.device, me: true };
    return { id, by, time, text, edited: false, retracted: false, changeable: false, sending: true };
  }
}

const targetOf = ({ session, seq }: ChannelMessage): TalkTarget => ({ session, seq });

function targetIn(id: string): TalkTarget {
  const [session = '', seq = ''] = id.split(':');
  return { session: session as SessionId, seq: Number(seq) };
}
