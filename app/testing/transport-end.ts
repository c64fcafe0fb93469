/** One end of a transport that remembers what happened to it, for tests that wait for things. */
import type { Bytes } from '../lib/core/bytes.ts';
import type {
  LinkId,
  Transport,
  TransportConnection,
  TransportRoom,
  TransportStatus,
} from '../lib/sync/transport.ts';

/** Generous: on a loaded machine a browser takes seconds for what usually takes milliseconds. */
const WAIT_LIMIT_MS = 15_000;

export class RecordedEnd {
  readonly room: TransportRoom;
  readonly connection: TransportConnection;
  readonly frames: { readonly link: LinkId; readonly frame: Bytes }[] = [];
  readonly opened: LinkId[] = [];
  readonly closed: { readonly link: LinkId; readonly why: string }[] = [];
  readonly statuses: TransportStatus[] = [];
  readonly doubts: { readonly link: LinkId; readonly doubtful: boolean }[] = [];

  constructor(transport: Transport, room: TransportRoom) {
    this.room = room;
    this.connection = transport.connect(room, {
      onLink: (link) => this.opened.push(link),
      onFrame: (link, frame) => this.frames.push({ link, frame }),
      onLinkClosed: (link, why) => this.closed.push({ link, why }),
      onDoubt: (link, doubtful) => this.doubts.push({ link, doubtful }),
      onStatus: (status) => this.statuses.push(status),
    });
  }

  /** Resolves when it has links to that many others. */
  async linked(count: number): Promise<void> {
    await until(
      () => this.connection.links().length === count,
      `${count} links`,
      () => this.story(),
    );
  }

  async received(count: number): Promise<void> {
    await until(
      () => this.frames.length >= count,
      `${count} frames`,
      () => this.story(),
    );
  }

  /** The one link it has. Throws if there is none or more than one. */
  get link(): LinkId {
    const [link, ...others] = this.connection.links();
    if (link === undefined || others.length > 0) throw new Error(`not exactly one link: ${this.story()}`);
    return link;
  }

  story(): string {
    const { frames, opened, closed, statuses, doubts } = this;
    return JSON.stringify({
      frames: frames.length,
      opened,
      closed,
      statuses,
      doubts,
      links: this.connection.links(),
    });
  }
}

/** Resolves as soon as the condition holds; throws, saying what was awaited, if it does not in time. */
export async function until(
  condition: () => boolean,
  what: string,
  story: () => string = () => '',
  limitMs: number = WAIT_LIMIT_MS,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited ${limitMs} ms for ${what} ${story()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
