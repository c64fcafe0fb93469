/**
 * One direct connection to one other tab, from the attempt to its end (NET-52, NET-53).
 *
 *   attempt ──channel open──▶ up ──closed, lost, malformed──▶ ended
 *      └──── 15 s, refused ──────────────────────────────────▶┘
 *
 * simple-peer does the negotiation; this adds chunks, the two lanes, backpressure, and an end with a reason to every
 * attempt that goes nowhere.
 */
import type SimplePeer from 'simple-peer';
import type { Bytes } from '../../core/bytes.ts';
import type { Lane } from '../transport.ts';
import { FrameAssembler, isChunk } from './chunks.ts';
import { Pulse } from './pulse.ts';
import { HIGH_WATER_BYTES, LOW_WATER_BYTES, SendQueue } from './send-queue.ts';
import type { Signal } from './signaling.ts';

/** One message: what every browser takes, and short enough that a live frame soon gets its turn. */
const CHUNK_BYTES = 16 * 1024;
/** An attempt usually takes 0.1 to 3 s; one that takes this long will not come. */
export const CONNECT_LIMIT_MS = 15_000;
/** Networks change (a phone leaves the wifi): ICE may find the way again by itself, but not for long. */
const DISCONNECTED_LIMIT_MS = 5_000;
/** More candidates than any machine has addresses. */
const MAX_SIGNALS = 200;

/** Bit of a chunk's first byte: its receiver is to answer. */
const ASKS = 0b1000;
/** The question and the answer as messages of their own (NET-61). */
const ASK = 0x06;
const ANSWER = 0x07;

/** The part of simple-peer that its types leave out, as its README has it. */
interface StatsSource {
  getStats(done: (error: unknown, reports: readonly StatsReport[]) => void): void;
}
interface StatsReport {
  readonly id: string;
  readonly type: string;
  readonly nominated?: boolean;
  readonly localCandidateId?: string;
  readonly remoteCandidateId?: string;
  readonly candidateType?: string;
}

export type PeerConstructor = typeof SimplePeer;

export interface WebrtcLinkOptions {
  readonly Peer: PeerConstructor;
  readonly initiator: boolean;
  readonly connectLimitMs: number;
  /** TURN servers; without one, direct addresses only. */
  readonly iceServers: readonly RTCIceServer[];
  readonly wrtc?: SimplePeer.Options['wrtc'];
}

export interface WebrtcLinkEvents {
  onSignal(signal: Signal): void;
  onUp(): void;
  /** It turned out that a TURN server carries the link. */
  onRelayed(): void;
  onFrame(frame: Bytes): void;
  /** The far end stopped answering, or has answered again for long enough. */
  onDoubt(doubtful: boolean): void;
  /** Once, and never after `close`. */
  onEnded(why: string): void;
}

export class WebrtcLink {
  readonly #peer: SimplePeer.Instance;
  readonly #events: WebrtcLinkEvents;
  readonly #queue: SendQueue;
  readonly #assembler = new FrameAssembler();
  readonly #pulse = new Pulse(() => performance.now());
  #limit: ReturnType<typeof setTimeout> | undefined;
  #looking: ReturnType<typeof setTimeout> | undefined;
  #lookAt: number | undefined;
  #asks = false;
  #doubtful = false;
  readonly #initiator: boolean;
  #described = false;
  #awaitsLowWater = false;
  #localCandidates = 0;
  #remoteSignals = 0;
  #isUp = false;
  #relayed = false;
  #ended = false;

  constructor(options: WebrtcLinkOptions, events: WebrtcLinkEvents) {
    this.#events = events;
    this.#initiator = options.initiator;
    this.#peer = new options.Peer({
      initiator: options.initiator,
      // Never left out: the library would ask servers of its own choice.
      config: { iceServers: [...options.iceServers] },
      wrtc: options.wrtc,
      // Keeps message boundaries.
      objectMode: true,
      // Candidates are trickled, so nothing waits for this; the default leaves a timer of 5 s behind.
      iceCompleteTimeout: 1,
    });
    this.#queue = new SendQueue(
      {
        inFlightBytes: () => this.#peer.bufferSize,
        unsentBytes: () => this.#peer.bufferSize,
        write: (chunk) => this.#write(chunk),
      },
      CHUNK_BYTES,
    );
    this.#listen();
    this.#limit = setTimeout(() => this.#end(this.#whyNotUp()), options.connectLimitMs);
  }

  /** Whether a TURN server carries it; known a moment after it is up. */
  get relayed(): boolean {
    return this.#relayed;
  }

  /** Takes a signal of the far end. */
  signal(signal: Signal): void {
    if (this.#ended || this.#remoteSignals >= MAX_SIGNALS) return;
    // A server that repeats a description would end the connection with it.
    if (signal.type !== 'candidate' && !this.#takesDescription(signal.type)) return;
    this.#remoteSignals++;
    // A candidate in the shape simple-peer sends is what it reads; its types name the class instead.
    this.#peer.signal(signal as SimplePeer.SignalData);
  }

  send(frame: Bytes, lane: Lane): void {
    this.#queue.push(frame, lane);
  }

  /** Has the far end answer, with the next chunk or by itself; as often as one likes. */
  ask(): void {
    if (!this.#isUp || this.#ended || this.#asks) return;
    if (this.#pulse.wanted()) this.#question();
    this.#afterPulse();
  }

  /** Whether the far end has stopped answering. */
  get doubtful(): boolean {
    return this.#doubtful;
  }

  /** Whether it is doubtful, yet answers again. */
  get recovers(): boolean {
    return this.#pulse.recovers;
  }

  queuedBytes(): number {
    return this.#queue.queuedBytes();
  }

  drained(): Promise<void> {
    return this.#queue.drained();
  }

  /** Ends it without an event. The far end sees the channel close. */
  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#limit);
    clearTimeout(this.#looking);
    this.#queue.close();
    this.#peer.destroy();
  }

  #listen(): void {
    const peer = this.#peer;
    peer.on('signal', (data: SimplePeer.SignalData) => this.#signalled(data));
    peer.on('connect', () => this.#connected());
    peer.on('error', (error: Error) =>
      this.#end(this.#isUp ? `connection lost (${error.message})` : this.#whyNotUp()),
    );
    peer.on('close', () => this.#end(this.#isUp ? 'the other end closed the link' : this.#whyNotUp()));
    peer.on('iceStateChange', (state: RTCIceConnectionState) => this.#iceChanged(state));
  }

  #takesDescription(type: 'offer' | 'answer'): boolean {
    if (this.#described || (type === 'answer') !== this.#initiator) return false;
    this.#described = true;
    return true;
  }

  #signalled(data: SimplePeer.SignalData): void {
    if (this.#ended || !('type' in data)) return;
    if (data.type === 'candidate') {
      this.#localCandidates++;
      const { candidate, sdpMLineIndex, sdpMid } = data.candidate;
      this.#events.onSignal({ type: 'candidate', candidate: { candidate, sdpMLineIndex, sdpMid } });
    } else if ((data.type === 'offer' || data.type === 'answer') && data.sdp !== undefined)
      this.#events.onSignal({ type: data.type, sdp: data.sdp });
  }

  #connected(): void {
    if (this.#ended) return;
    clearTimeout(this.#limit);
    this.#isUp = true;
    this.#events.onUp();
    this.#lookForTurn();
    // Only now: what came before waits in the stream, so that a frame never comes ahead of its link.
    this.#peer.on('data', (data: unknown) => this.#receive(data));
  }

  /** Which way ICE chose is in the connection's statistics only. */
  #lookForTurn(): void {
    (this.#peer as SimplePeer.Instance & StatsSource).getStats((error, reports) => {
      if (error !== null || this.#ended) return;
      const byId = new Map(reports.map((report) => [report.id, report]));
      const pair = reports.find(({ type, nominated }) => type === 'candidate-pair' && nominated === true);
      const ends = [pair?.localCandidateId, pair?.remoteCandidateId].map((id) => byId.get(id ?? ''));
      if (!ends.some((end) => end?.candidateType === 'relay')) return;
      this.#relayed = true;
      this.#events.onRelayed();
    });
  }

  #receive(data: unknown): void {
    if (this.#ended) return;
    if (!(data instanceof Uint8Array)) return this.#end('the other end sent malformed data (text)');
    const chunk = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.length);
    this.#pulse.heard();
    if (!isChunk(chunk) && this.#receiveWord(chunk)) return;
    const assembled = this.#assembler.accept(chunk);
    if (!assembled.ok) return this.#end(`the other end sent malformed data (${assembled.error.kind})`);
    if (assembled.value) this.#events.onFrame(assembled.value.frame);
  }

  /** A word of the pulse: alone it is the whole message, on a chunk it is taken off. Whether nothing is left to read. */
  #receiveWord(message: Bytes): boolean {
    const [first = 0] = message;
    if (message.length === 1 && first === ANSWER) {
      this.#pulse.answered();
      this.#afterPulse();
      return true;
    }
    const alone = message.length === 1 && first === ASK;
    if (!alone && !isChunk(Uint8Array.of(first ^ ASKS))) return false;
    if (!alone) message[0] = first ^ ASKS;
    // Who asks faster than it takes in answers gets none: they would be kept here for it.
    if (this.#peer.bufferSize <= HIGH_WATER_BYTES) this.#say(ANSWER);
    return alone;
  }

  /** With the chunk that goes out now, if one does. */
  #question(): void {
    this.#asks = true;
    queueMicrotask(() => {
      if (!this.#asks || this.#ended) return;
      this.#asked();
      this.#say(ASK);
    });
  }

  #asked(): void {
    this.#asks = false;
    this.#pulse.asked(this.#peer.bufferSize);
    this.#afterPulse();
  }

  #say(word: number): void {
    try {
      this.#peer.send(Uint8Array.of(word));
    } catch (error) {
      this.#end(`connection lost (${String(error)})`);
    }
  }

  #look(): void {
    this.#lookAt = undefined;
    if (this.#pulse.look(this.#peer.bufferSize)) this.#question();
    this.#afterPulse();
  }

  #afterPulse(): void {
    if (this.#ended) return;
    if (this.#pulse.dead) return this.#end('connection lost (no answer from the other end)');
    const { lookAt, doubtful } = this.#pulse;
    if (lookAt !== this.#lookAt && !this.#asks) {
      clearTimeout(this.#looking);
      this.#lookAt = lookAt;
      if (lookAt !== undefined)
        this.#looking = setTimeout(() => this.#look(), Math.max(lookAt - performance.now(), 0));
    }
    if (doubtful === this.#doubtful) return;
    this.#doubtful = doubtful;
    this.#events.onDoubt(doubtful);
  }

  #write(chunk: Bytes): void {
    if (this.#ended) return;
    if (this.#asks) {
      chunk[0] = (chunk[0] ?? 0) | ASKS;
      this.#asked();
    }
    try {
      if (this.#awaitsLowWater || this.#peer.bufferSize + chunk.length <= LOW_WATER_BYTES)
        this.#peer.send(chunk);
      else this.#writeAndWait(chunk);
    } catch (error) {
      this.#end(`connection lost (${String(error)})`);
    }
  }

  /** The stream's own write calls back when the channel is down to 64 KiB again: our low water. */
  #writeAndWait(chunk: Bytes): void {
    this.#awaitsLowWater = true;
    this.#peer.write(chunk, () => {
      this.#awaitsLowWater = false;
      if (!this.#ended) this.#queue.pump();
    });
  }

  #iceChanged(state: RTCIceConnectionState): void {
    if (!this.#isUp || this.#ended) return;
    clearTimeout(this.#limit);
    // Also when it is well again: that is proved by an answer.
    this.ask();
    if (state === 'disconnected')
      this.#limit = setTimeout(
        () => this.#end('connection lost (no answer from the other end)'),
        DISCONNECTED_LIMIT_MS,
      );
  }

  #whyNotUp(): string {
    if (this.#remoteSignals === 0) return 'no direct connection: the other end did not answer';
    if (this.#localCandidates === 0)
      return 'no direct connection: this browser or network does not allow any';
    return 'no direct connection: a firewall or router is in the way';
  }

  #end(why: string): void {
    if (this.#ended) return;
    this.close();
    this.#events.onEnded(why);
  }
}
