/**
 * The opponent that does nothing but send: one data channel to each other page, introduced by the bench itself. It
 * echoes, which gives both the floor of the latency and the offset between two clocks, and it transfers bytes.
 */
import { now, pause, until } from './clock.ts';
import { RAW_MARK } from './sends.ts';

/** As long as a sealed keystroke. */
const ECHO_BYTES = 300;
const TIME_AT = 8;
const kind = { ask: 1, answer: 2, wantBytes: 3, bytes: 4 } as const;

/** Our own: larger ones (64 KiB chunks, 1 MiB of high water) were slower in a fresh connection. */
const CHUNK_BYTES = 16 * 1024;
const HIGH_WATER_BYTES = 256 * 1024;
const LOW_WATER_BYTES = 64 * 1024;

export class RawChannels {
  readonly #connections = new Map<number, RTCPeerConnection>();
  readonly #channels = new Map<number, RTCDataChannel>();
  #onEcho: (sentBack: DataView) => void = () => undefined;
  #onBytes: (count: number) => void = () => undefined;

  /** The description to hand to the other page. */
  async offer(to: number): Promise<string> {
    const connection = this.#connect(to);
    this.#take(to, connection.createDataChannel('raw'));
    await connection.setLocalDescription();
    return gathered(connection);
  }

  async answer(to: number, sdp: string): Promise<string> {
    const connection = this.#connect(to);
    connection.addEventListener('datachannel', ({ channel }) => this.#take(to, channel));
    await connection.setRemoteDescription({ type: 'offer', sdp });
    await connection.setLocalDescription();
    return gathered(connection);
  }

  async answered(to: number, sdp: string): Promise<void> {
    await this.#connections.get(to)?.setRemoteDescription({ type: 'answer', sdp });
    const channel = this.#channel(to);
    if (channel.readyState !== 'open')
      await new Promise((resolve) => channel.addEventListener('open', resolve, { once: true }));
  }

  /** Resolves when the other page's channel is here: it comes after that page calls it open. */
  async opened(to: number): Promise<void> {
    await until(`the raw channel to ${to}`, () => this.#channels.get(to)?.readyState === 'open');
  }

  /** Half of each echo's time, and the far clock minus ours, from the fastest of them. */
  async echo(to: number, count: number, gapMs: number): Promise<{ halvesMs: number[]; offsetMs: number }> {
    const halvesMs: number[] = [];
    let [fastest, offsetMs] = [Infinity, 0];
    for (let i = 0; i < count; i++) {
      const back = new Promise<DataView>((resolve) => (this.#onEcho = resolve));
      const sentAt = now();
      this.#channel(to).send(message(kind.ask, ECHO_BYTES));
      const farTime = (await back).getFloat64(TIME_AT);
      const backAt = now();
      halvesMs.push((backAt - sentAt) / 2);
      if (backAt - sentAt < fastest) {
        fastest = backAt - sentAt;
        offsetMs = farTime - (sentAt + backAt) / 2;
      }
      await pause(gapMs);
    }
    return { halvesMs, offsetMs };
  }

  /** Asks the other page for so many bytes; how long until the last one is here. */
  async transfer(from: number, bytes: number): Promise<number> {
    let received = 0;
    const all = new Promise<void>((resolve) => {
      this.#onBytes = (count) => (received += count) >= bytes && resolve();
    });
    const ask = message(kind.wantBytes, ECHO_BYTES);
    new DataView(ask.buffer).setFloat64(TIME_AT, bytes);
    const askedAt = now();
    this.#channel(from).send(ask);
    await all;
    return now() - askedAt;
  }

  #connect(to: number): RTCPeerConnection {
    const connection = new RTCPeerConnection();
    this.#connections.set(to, connection);
    return connection;
  }

  #take(to: number, channel: RTCDataChannel): void {
    channel.binaryType = 'arraybuffer';
    channel.bufferedAmountLowThreshold = LOW_WATER_BYTES;
    channel.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer>) => this.#hear(channel, data));
    this.#channels.set(to, channel);
  }

  #hear(channel: RTCDataChannel, data: ArrayBuffer): void {
    const view = new DataView(data);
    switch (view.getUint8(1)) {
      case kind.ask: {
        const answer = message(kind.answer, data.byteLength);
        new DataView(answer.buffer).setFloat64(TIME_AT, now());
        channel.send(answer);
        return;
      }
      case kind.answer:
        return this.#onEcho(view);
      case kind.wantBytes:
        return void send(channel, view.getFloat64(TIME_AT));
      case kind.bytes:
        return this.#onBytes(data.byteLength);
    }
  }

  #channel(to: number): RTCDataChannel {
    const channel = this.#channels.get(to);
    if (channel === undefined) throw new Error(`no raw channel to ${to}`);
    return channel;
  }
}

function message(what: number, bytes: number): Uint8Array<ArrayBuffer> {
  const made = new Uint8Array(bytes);
  made[0] = RAW_MARK;
  made[1] = what;
  return made;
}

async function send(channel: RTCDataChannel, bytes: number): Promise<void> {
  const chunk = message(kind.bytes, CHUNK_BYTES);
  for (let left = bytes; left > 0; left -= CHUNK_BYTES) {
    if (channel.bufferedAmount > HIGH_WATER_BYTES)
      await new Promise((resolve) => channel.addEventListener('bufferedamountlow', resolve, { once: true }));
    channel.send(left >= CHUNK_BYTES ? chunk : chunk.subarray(0, Math.max(2, left)));
  }
}

/** Candidates and all: the bench hands over one description and nothing later. */
async function gathered(connection: RTCPeerConnection): Promise<string> {
  if (connection.iceGatheringState !== 'complete')
    await new Promise<void>((resolve) =>
      connection.addEventListener('icegatheringstatechange', () => {
        if (connection.iceGatheringState === 'complete') resolve();
      }),
    );
  return connection.localDescription?.sdp ?? '';
}
