/** The room's chat as the page shows it: a Conversation, drawn once a frame. */
import type { Accepted } from '../log/receipt.ts';
import { Conversation, type ConversationOptions, type TalkWindow } from './conversation.ts';
import { DrawPace, pageTimes } from './draw-pace.ts';
import type { MessageView, TalkModel } from './room-model.ts';

export class TalkState implements TalkModel {
  readonly #conversation: Conversation;
  readonly #writable: () => boolean;
  #window = $state.raw<TalkWindow>({ messages: [], earlier: 0, later: 0, sending: [] });
  #unread = $state(0);
  readonly #drawing = new DrawPace(() => this.#draw(), pageTimes);

  constructor(options: ConversationOptions) {
    this.#conversation = new Conversation(options);
    this.#writable = options.writable;
  }

  /** Also anew when somebody comes, goes or takes another name. */
  readonly messages = $derived.by((): readonly MessageView[] => this.#conversation.shown(this.#window));

  get earlier(): boolean {
    return this.#window.earlier > 0;
  }
  get later(): boolean {
    return this.#window.later > 0;
  }
  get unread(): number {
    return this.#unread;
  }
  get writable(): boolean {
    return this.#writable();
  }

  receive(accepted: readonly Accepted[]): void {
    if (this.#conversation.receive(accepted)) this.#drawing.changed();
  }
  opened(): void {
    this.#conversation.opened();
  }

  send(draft: string): string | undefined {
    return this.#drawn(() => this.#conversation.send(draft));
  }
  edit(id: string, draft: string): string | undefined {
    return this.#conversation.edit(id, draft);
  }
  retract(id: string): void {
    this.#conversation.retract(id);
  }
  showEarlier(): void {
    this.#drawn(() => this.#conversation.showEarlier());
  }
  showLater(): void {
    this.#drawn(() => this.#conversation.showLater());
  }
  showNewest(): void {
    this.#drawn(() => this.#conversation.showNewest());
  }
  seen(): void {
    this.#drawn(() => this.#conversation.seen());
  }

  #drawn<T>(act: () => T): T {
    const result = act();
    this.#draw();
    return result;
  }

  #draw(): void {
    this.#window = this.#conversation.window();
    this.#unread = this.#conversation.unread;
  }
}
