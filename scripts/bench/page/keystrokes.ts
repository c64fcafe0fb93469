/**
 * People at keyboards: the same keys through our replica and through y-webrtc, in one page, one after the other. Each
 * who types has a text of their own, so a key is known by whose text has grown to which length; everybody notes when
 * their own copies have.
 */
import { WebrtcProvider } from 'y-webrtc';
import * as Y from 'yjs';
import { broadcastChannelTransport } from '../../../app/lib/sync/transports/broadcast-channel.ts';
import { relayTransport } from '../../../app/lib/sync/transports/relay.ts';
import { webrtcTransport } from '../../../app/lib/sync/transports/webrtc.ts';
import { now, pause, until } from './clock.ts';
import { fetched } from './fetched.ts';
import { connect, openRoom, type OpenRoom, type RoomTicket } from './room.ts';
import { serverSocket } from './server-socket.ts';

export type Lane = 'ours' | 'y-webrtc';

/** When a text had that length. */
export type Mark = readonly [length: number, at: number];

/** Its default of 20 and a random number more would leave some of 25 unlinked, and nothing to wait for. */
const Y_WEBRTC_LINKS = 64;
/** Hundreds of links on two cores. */
const LINK_LIMIT_MS = 300_000;

const nameOf = (typist: number): string => `typist-${typist}.txt`;

export class Keyboard {
  #room: OpenRoom | undefined;
  #yWebrtc: WebrtcProvider | undefined;
  #marks: Mark[][] = [];
  #unwatch: () => void = () => undefined;

  /** Opens the room with every transport the app has. `makesFiles`: so many texts begin in this tab. */
  async join(ticket: RoomTicket, makesFiles: number): Promise<void> {
    const room = await openRoom(ticket, [
      broadcastChannelTransport(),
      relayTransport({ url: serverSocket('/relay') }),
      webrtcTransport({ signalUrl: serverSocket('/signal') }),
    ]);
    this.#room = room;
    for (let i = 0; i < makesFiles; i++) room.project.createText(nameOf(i), '');
    connect(room);
  }

  /** `stateUrl`: what its doc has from before. */
  async joinYWebrtc(name: string, stateUrl?: string): Promise<void> {
    const doc = new Y.Doc();
    if (stateUrl !== undefined) Y.applyUpdate(doc, await fetched(stateUrl));
    this.#yWebrtc = new WebrtcProvider(name, doc, {
      signaling: [serverSocket('/signal')],
      filterBcConns: true,
      maxConns: Y_WEBRTC_LINKS,
      peerOpts: { config: { iceServers: [] } },
    });
  }

  /** Resolves when so many others are reached directly in both lanes, and everybody's text is here. */
  async linked(others: number): Promise<void> {
    const direct = (): number =>
      [...(this.#room?.replica.paths().values() ?? [])].filter((path) => path === 'webrtc').length;
    await until(`${others} direct links of ours`, () => direct() === others, LINK_LIMIT_MS);
    const connected = (): number =>
      [...(this.#yWebrtc?.room?.webrtcConns.values() ?? [])].filter((peer) => peer.connected).length;
    await until(`${others} links of y-webrtc`, () => connected() === others, LINK_LIMIT_MS);
    const last = nameOf(others);
    await until('the files', () => this.#ourText(last) !== undefined, LINK_LIMIT_MS);
  }

  /** Notes from now on when the texts of the first so many grow. */
  watch(lane: Lane, typists: number): void {
    this.#unwatch();
    this.#marks = [];
    const unwatch: (() => void)[] = [];
    for (let typist = 0; typist < typists; typist++) {
      const text = this.#text(lane, typist);
      const marks: Mark[] = [];
      const mark = (): void => void marks.push([text.length, now()]);
      text.observe(mark);
      this.#marks.push(marks);
      unwatch.push(() => text.unobserve(mark));
    }
    this.#unwatch = () => unwatch.forEach((each) => each());
  }

  /** Resolves when the texts are that long here; gives what was noted of each. */
  async watched(lane: Lane, lengths: readonly number[]): Promise<readonly (readonly Mark[])[]> {
    for (const [typist, length] of lengths.entries())
      await until(`${length} characters of ${lane}`, () => this.#text(lane, typist).length >= length);
    return this.#marks;
  }

  /** Presses keys into the text of `typist`; when each was pressed, and the length it made. */
  async type(lane: Lane, typist: number, count: number, gapMs: number): Promise<readonly Mark[]> {
    const text = this.#text(lane, typist);
    const pressed: Mark[] = [];
    const start = performance.now();
    for (let i = 0; i < count; i++) {
      await pause(start + i * gapMs - performance.now());
      pressed.push([text.length + 1, now()]);
      text.insert(text.length, 'x');
    }
    return pressed;
  }

  #text(lane: Lane, typist: number): Y.Text {
    const text = lane === 'ours' ? this.#ourText(nameOf(typist)) : this.#yWebrtc?.doc.getText(nameOf(typist));
    if (text === undefined) throw new Error(`${lane} has no text of ${typist} yet`);
    return text;
  }

  #ourText(path: string): Y.Text | undefined {
    const { project } = this.#room ?? {};
    const file = project?.list().find((each) => each.path === path);
    return file && project?.text(file.id);
  }
}
