/**
 * The webrtc transport inside a page: the contract by name, and what only webrtc can show. A test bundles this file,
 * opens it in a browser and calls `runTransportCase`; the test's process owns the server, which the page may ask it to
 * kill and to start again.
 */
import { utf8, type Bytes } from '../lib/core/bytes.ts';
import { webrtcTransport, type WebrtcOptions } from '../lib/sync/transports/webrtc.ts';
import { MIB, check, type TransportCase, type TransportFixture } from './transport-case.ts';
import { TRANSPORT_CONTRACT } from './transport-contract.ts';
import { RecordedEnd, until } from './transport-end.ts';
import { makeTransportRoom } from './transport-room.ts';

declare global {
  var signalUrl: string;
  var killServer: () => Promise<void>;
  var startServer: () => Promise<void>;
  var runTransportCase: (name: string) => Promise<void>;
}

const WEBRTC_CASES: readonly TransportCase[] = [
  {
    name: 'NET-52 one data channel, no message above 16 KiB, never more than 256 KiB in its buffer',
    async run() {
      const channels: RTCDataChannel[] = [];
      const makeRoom = await makeTransportRoom();
      const [a, b] = [makeRoom(), makeRoom()].map((room) =>
        join(room, { wrtc: recordingConstructors(channels) }),
      );
      if (!a || !b) throw new Error('two ends');
      for (const end of [a, b]) await end.linked(1);
      check(channels.length === 2, `${channels.length} ends of channels`); // each end has its own of the one
      const sends = channels.map(watchSends);
      for (const end of [a, b]) {
        end.connection.broadcast(new Uint8Array(2 * MIB), 'bulk');
        end.connection.broadcast(new Uint8Array(MIB), 'live');
      }
      for (const end of [a, b]) await end.received(2);
      for (const seen of sends) {
        check(seen.largest === 16 * 1024, `a message of ${seen.largest} bytes`);
        check(seen.mostBuffered <= 256 * 1024, `${seen.mostBuffered} bytes in the buffer`);
        check(seen.mostBuffered > 128 * 1024, `no more than ${seen.mostBuffered} bytes in the buffer`);
        check(seen.resumedAt <= 64 * 1024, `went on at ${seen.resumedAt} bytes`);
      }
      for (const end of [a, b]) await end.connection.close();
    },
  },
  {
    name: 'NET-57 losing the signaling server touches no live link, and its return doubles none',
    async run(fixture) {
      const ends = [fixture.join(), fixture.join(), fixture.join()];
      for (const end of ends) await end.linked(2);
      await killServer();
      for (const end of ends) end.connection.broadcast(utf8('without a server'), 'live');
      for (const end of ends) await end.received(2);
      await startServer();
      // A newcomer is met through the new server, by all of them: so all are back on it.
      const newcomer = fixture.join();
      for (const end of [...ends, newcomer]) await end.linked(3);
      for (const end of ends) check(end.opened.length === 3 && end.closed.length === 0, end.story());
    },
  },
  {
    name: 'NET-55 two tabs that announce themselves in the same moment make one link',
    async run(fixture) {
      for (let round = 0; round < 5; round++) {
        const [a, b] = [fixture.join(), fixture.join()];
        await a.linked(1 + round * 2);
        await b.linked(1 + round * 2);
        check(new Set(a.opened).size === a.opened.length && a.closed.length === 0, a.story());
        check(a.opened.length === 1 + round * 2, a.story());
      }
    },
  },
  {
    name: 'NET-53 an attempt that goes nowhere ends in its time with a reason, and is made again',
    async run() {
      const made: RTCPeerConnection[] = [];
      const deaf = makeDeafConstructors(made);
      const makeRoom = await makeTransportRoom();
      const ends = [
        join(makeRoom(), { connectLimitMs: 300, wrtc: deaf }),
        join(makeRoom(), { connectLimitMs: 300, wrtc: deaf }),
      ];
      for (const end of ends) {
        await until(
          () => end.connection.status.kind === 'down',
          'the reason',
          () => end.story(),
        );
        check(JSON.stringify(end.connection.status).includes('no direct connection'), end.story());
      }
      await until(() => made.length >= 6, 'further attempts');
      for (const end of ends) {
        check(!end.statuses.some((status) => status.kind === 'up'), end.story());
        await end.connection.close();
      }
      check(
        made.every((peer) => peer.connectionState === 'closed'),
        'an attempt was left open',
      );
    },
  },
  {
    name: 'NET-58 where the browser allows no direct path it says so in time, and never that it is up',
    async run() {
      const makeRoom = await makeTransportRoom();
      const ends = [join(makeRoom(), { connectLimitMs: 1500 }), join(makeRoom(), { connectLimitMs: 1500 })];
      for (const end of ends) {
        await until(
          () => end.connection.status.kind === 'down',
          'down',
          () => end.story(),
        );
        check(end.story().includes('this browser or network does not allow any'), end.story());
        check(!end.statuses.some((status) => status.kind === 'up'), end.story());
      }
      for (const end of ends) await end.connection.close();
    },
  },
  {
    name: 'NET-61 the question goes out with what is asked about: no send more, and one answer',
    async run() {
      const { a, b, path } = await heldPair();
      tell(a, 'one');
      tell(a, 'two');
      await b.received(2);
      await until(() => path.sends.length === 3, 'the answer');
      check(path.sends[2]?.length === 1, `an answer of ${path.sends[2]?.length} bytes`);
      // The second is asked about in its turn, by a message of its own.
      await until(() => path.sends.length === 5, 'the later question and its answer');
      for (const end of [a, b]) check(end.doubts.length === 0 && end.closed.length === 0, end.story());
      for (const end of [a, b]) await end.connection.close();
    },
  },
  {
    name: 'NET-64 a link that stops answering is doubtful, and is replaced by one that carries',
    async run() {
      const { a, b, path } = await heldPair();
      const old = a.link;
      path.hold();
      tell(a, 'lost');
      await until(
        () => a.doubts.length === 1,
        'the doubt',
        () => a.story(),
      );
      check(a.doubts[0]?.link === old && a.doubts[0].doubtful && a.closed.length === 0, a.story());
      for (const end of [a, b])
        await until(
          () => end.opened.length === 2 && end.closed.length === 1,
          'the replacement',
          () => end.story(),
        );
      check(a.closed[0]?.link === old && a.closed[0].why.includes('replaced'), a.story());
      tell(a, 'found');
      await b.received(1);
      for (const end of [a, b]) await end.connection.close();
    },
  },
  {
    name: 'NET-63 a link that answers again in time stays, and is believed after a while',
    async run() {
      const { a, b, path } = await heldPair();
      path.hold();
      tell(a, 'late');
      await until(
        () => a.doubts.length === 1,
        'the doubt',
        () => a.story(),
      );
      path.release();
      await until(
        () => a.doubts.length === 2,
        'its being believed',
        () => a.story(),
      );
      check(a.doubts[1]?.doubtful === false, a.story());
      for (const end of [a, b]) check(end.opened.length === 1 && end.closed.length === 0, end.story());
      for (const end of [a, b]) await end.connection.close();
    },
  },
  {
    name: 'NET-61 for who asks and takes nothing in no answer is kept',
    async run() {
      const { a, b, path } = await heldPair();
      const answers = (): number => path.sends.filter(([first]) => first === 0x07).length;
      const sendRaw = (...bytes: number[]): void => {
        for (const channel of path.channels) channel.send(Uint8Array.from(bytes));
      };
      for (const channel of path.channels)
        Object.defineProperty(channel, 'bufferedAmount', { value: 300 * 1024, configurable: true });
      sendRaw(0x06);
      // A whole frame of one byte: when it is there, so was the question.
      sendRaw(0b10, 0, 0, 0, 1, 7);
      for (const end of [a, b]) await end.received(1);
      check(answers() === 0, `${answers()} answers behind a full buffer`);
      for (const channel of path.channels) Reflect.deleteProperty(channel, 'bufferedAmount');
      sendRaw(0x06);
      await until(() => answers() === 2, 'the answers');
      for (const end of [a, b]) await end.connection.close();
    },
  },
];

/** Two linked ends whose channels the test may hold up, as a path does that has silently died. */
async function heldPair(): Promise<{ a: RecordedEnd; b: RecordedEnd; path: HeldPath }> {
  const path = new HeldPath();
  const makeRoom = await makeTransportRoom();
  const a = join(makeRoom(), { wrtc: recordingConstructors(path.channels) });
  const b = join(makeRoom(), { wrtc: recordingConstructors(path.channels) });
  for (const end of [a, b]) await end.linked(1);
  path.watch();
  return { a, b, path };
}

/** The channels there were when it began to watch; those made later are another path. */
class HeldPath {
  readonly channels: RTCDataChannel[] = [];
  /** What was to go out, in order. */
  readonly sends: Uint8Array[] = [];
  #held: (() => void)[] | undefined;

  watch(): void {
    for (const channel of this.channels) {
      const send = channel.send.bind(channel) as (data: Uint8Array<ArrayBuffer>) => void;
      channel.send = (data: unknown) => {
        const bytes = (data as Uint8Array<ArrayBuffer>).slice();
        this.sends.push(bytes);
        if (this.#held) this.#held.push(() => send(bytes));
        else send(bytes);
      };
    }
  }

  hold(): void {
    this.#held = [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const send of held) send();
  }
}

const tell = ({ connection, link }: RecordedEnd, words: string): void => {
  connection.ask?.(link);
  connection.send(link, utf8(words), 'live');
};

globalThis.runTransportCase = async (name) => {
  const found = [...TRANSPORT_CONTRACT, ...WEBRTC_CASES].find((candidate) => candidate.name === name);
  if (!found) throw new Error(`no case ${name}`);
  const fixture = await webrtcFixture();
  await found.run(fixture).finally(() => fixture.end());
};

function join(room: RecordedEnd['room'], options: Partial<WebrtcOptions> = {}): RecordedEnd {
  return new RecordedEnd(webrtcTransport({ signalUrl, random: () => 0, ...options }), room);
}

async function webrtcFixture(): Promise<TransportFixture> {
  const makeRoom = await makeTransportRoom();
  const ends: RecordedEnd[] = [];
  const channels: RTCDataChannel[] = [];
  const add = (wrtc: WebrtcOptions['wrtc']): RecordedEnd => {
    const end = join(makeRoom(), wrtc ? { wrtc } : {});
    ends.push(end);
    return end;
  };
  return {
    join: () => add(recordingConstructors(channels)),
    async hostile(victim) {
      const own: RTCDataChannel[] = [];
      const stranger = add(recordingConstructors(own));
      // By the token that both ends know: an earlier stranger may come back meanwhile.
      await until(
        () => stranger.connection.links().some((link) => victim.connection.links().includes(link)),
        'a link to the stranger',
        () => victim.story(),
      );
      return {
        send: (bytes: Bytes) => {
          for (const channel of own) if (channel.readyState === 'open') channel.send(bytes);
        },
      };
    },
    async breakPath() {
      await killServer();
      for (const channel of channels) channel.close();
    },
    mendPath: () => startServer(),
    async end() {
      for (const end of ends) await end.connection.close();
    },
  };
}

/** The browser's own WebRTC, keeping a hold of the data channels. */
function recordingConstructors(channels: RTCDataChannel[]): NonNullable<WebrtcOptions['wrtc']> {
  class Recording extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      this.addEventListener('datachannel', (event) => channels.push(event.channel));
    }
    override createDataChannel(label: string, init?: RTCDataChannelInit): RTCDataChannel {
      const channel = super.createDataChannel(label, init);
      channels.push(channel);
      return channel;
    }
  }
  return { RTCPeerConnection: Recording, RTCSessionDescription, RTCIceCandidate };
}

/** Sizes of what goes out on a channel from now on; `resumedAt`: the fullest buffer that writing went on at after it had stopped. */
function watchSends(channel: RTCDataChannel): { largest: number; mostBuffered: number; resumedAt: number } {
  const seen = { largest: 0, mostBuffered: 0, resumedAt: 0 };
  const send = channel.send.bind(channel) as (data: ArrayBufferView<ArrayBuffer>) => void;
  let lastSent = 0;
  channel.send = (data: unknown) => {
    const bytes = data as ArrayBufferView<ArrayBuffer>;
    // Less in the buffer than after the last send: time has passed, so writing had stopped.
    if (channel.bufferedAmount < lastSent) seen.resumedAt = Math.max(seen.resumedAt, channel.bufferedAmount);
    send(bytes);
    lastSent = channel.bufferedAmount;
    seen.largest = Math.max(seen.largest, bytes.byteLength);
    seen.mostBuffered = Math.max(seen.mostBuffered, lastSent);
  };
  return seen;
}

/** WebRTC whose candidates never arrive: a connection that hangs without an error. */
function makeDeafConstructors(made: RTCPeerConnection[]): NonNullable<WebrtcOptions['wrtc']> {
  class Deaf extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      made.push(this);
    }
    override addIceCandidate(): Promise<void> {
      return Promise.resolve();
    }
  }
  return { RTCPeerConnection: Deaf, RTCSessionDescription, RTCIceCandidate };
}
