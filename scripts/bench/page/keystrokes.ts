/**
 * One person at a keyboard, many watching: the same keys through our replica and through y-webrtc, in one page, one
 * after the other. A watcher notes when its own Y.Text has grown to each length.
 */
import { WebrtcProvider } from 'y-webrtc';
import * as Y from 'yjs';
import { broadcastChannelTransport } from '../../../app/lib/sync/transports/broadcast-channel.ts';
import { relayTransport } from '../../../app/lib/sync/transports/relay.ts';
import { webrtcTransport } from '../../../app/lib/sync/transports/webrtc.ts';
import { now, pause, until } from './clock.ts';
import { connect, fileText, openRoom, type OpenRoom, type RoomTicket } from './room.ts';
import { serverSocket } from './server-socket.ts';

export type Lane = 'ours' | 'y-webrtc';

/** When a text had that length. */
export type Mark = readonly [length: number, at: number];

export class Keyboard {
  #room: OpenRoom | undefined;
  #yWebrtc: WebrtcProvider | undefined;
  readonly #marks: Mark[] = [];
  #unwatch: () => void = () => undefined;

  /** Opens the room with every transport the app has. `makesFile`: in this tab it begins. */
  async join(ticket: RoomTicket, makesFile: boolean): Promise<void> {
    const room = await openRoom(ticket, [
      broadcastChannelTransport(),
      relayTransport({ url: serverSocket('/relay') }),
      webrtcTransport({ signalUrl: serverSocket('/signal') }),
    ]);
    this.#room = room;
    if (makesFile) room.project.createText('bench.txt', '');
    connect(room);
  }

  async joinYWebrtc(name: string): Promise<void> {
    this.#yWebrtc = new WebrtcProvider(name, new Y.Doc(), {
      signaling: [serverSocket('/signal')],
      filterBcConns: true,
      peerOpts: { config: { iceServers: [] } },
    });
  }

  /** Resolves when so many others are reached directly in both lanes, and the file is here. */
  async linked(others: number): Promise<void> {
    const direct = (): number =>
      [...(this.#room?.replica.paths().values() ?? [])].filter((path) => path === 'webrtc').length;
    await until(`${others} direct links of ours, not ${direct()}`, () => direct() === others);
    const connected = (): number =>
      [...(this.#yWebrtc?.room?.webrtcConns.values() ?? [])].filter((peer) => peer.connected).length;
    await until(`${others} links of y-webrtc`, () => connected() === others);
    await until('the file', () => this.#room !== undefined && fileText(this.#room) !== undefined);
  }

  watch(lane: Lane): void {
    this.#unwatch();
    this.#marks.length = 0;
    const text = this.#text(lane);
    const mark = (): void => void this.#marks.push([text.length, now()]);
    text.observe(mark);
    this.#unwatch = () => text.unobserve(mark);
  }

  /** Resolves when the text is that long here; gives what was noted. */
  async watched(lane: Lane, length: number): Promise<readonly Mark[]> {
    await until(`${length} characters of ${lane}`, () => this.#text(lane).length >= length);
    return this.#marks;
  }

  /** Presses keys; when each was pressed, and the length it made. */
  async type(lane: Lane, count: number, gapMs: number): Promise<readonly Mark[]> {
    const text = this.#text(lane);
    const pressed: Mark[] = [];
    const start = performance.now();
    for (let i = 0; i < count; i++) {
      await pause(start + i * gapMs - performance.now());
      pressed.push([text.length + 1, now()]);
      text.insert(text.length, 'x');
    }
    return pressed;
  }

  #text(lane: Lane): Y.Text {
    const text =
      lane === 'ours' ? this.#room && fileText(this.#room) : this.#yWebrtc?.doc.getText('bench.txt');
    if (text === undefined) throw new Error(`${lane} has no text yet`);
    return text;
  }
}
