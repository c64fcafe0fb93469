/**
 * Counts what goes into data channels, ours and y-webrtc's apart: sends that carry an edit, and all sends. What kind a
 * message is, is read off the first bytes of each wire format.
 */
import { frameType } from '../../../app/lib/sync/frames.ts';
import type { Lane } from './keystrokes.ts';

/** First byte of the raw channel's own messages: no chunk and no y-webrtc message begins with it. */
export const RAW_MARK = 0xee;

/** Our chunks: first of a frame, live lane, whether or not it asks for an answer; the frame's kind follows the length. */
const FIRST_LIVE_CHUNK = 0b10;
const ASKS = 0b1000;
const FRAME_KIND_AT = 5;
/** y-webrtc's messages: 0 is sync; awareness and the rest have other numbers. */
const Y_WEBRTC_SYNC = 0;

/** Of one lane's channels. */
export interface Sends {
  readonly edits: number;
  /** Everything, presence and greetings included. */
  readonly all: number;
  readonly bytes: number;
}

const none: Sends = { edits: 0, all: 0, bytes: 0 };
const counted: Record<Lane, Sends> = { ours: none, 'y-webrtc': none };
const lanes = new WeakMap<RTCDataChannel, Lane>();

/** What was sent through a lane's channels since the last call. */
export function takeSends(lane: Lane): Sends {
  const taken = counted[lane];
  counted[lane] = none;
  return taken;
}

/** Begins to count. Once, before the first channel opens. */
export function countSends(): void {
  const original = Object.getOwnPropertyDescriptor(RTCDataChannel.prototype, 'send')?.value as (
    this: RTCDataChannel,
    data: ArrayBufferView<ArrayBuffer>,
  ) => void;
  RTCDataChannel.prototype.send = function (this: RTCDataChannel, data: unknown): void {
    if (data instanceof Uint8Array && data[0] !== RAW_MARK) count(laneOf(this, data), data);
    original.call(this, data as Uint8Array<ArrayBuffer>);
  };
}

/** By a channel's first message: a sync message of y-webrtc's, or the first chunk of a greeting. */
function laneOf(channel: RTCDataChannel, data: Uint8Array): Lane {
  const known = lanes.get(channel);
  if (known !== undefined) return known;
  const lane = data[0] === Y_WEBRTC_SYNC ? 'y-webrtc' : 'ours';
  lanes.set(channel, lane);
  return lane;
}

function count(lane: Lane, data: Uint8Array): void {
  const edit =
    lane === 'ours'
      ? ((data[0] ?? 0) & ~ASKS) === FIRST_LIVE_CHUNK && data[FRAME_KIND_AT] === frameType.live
      : data[0] === Y_WEBRTC_SYNC;
  const { edits, all, bytes } = counted[lane];
  counted[lane] = { edits: edits + (edit ? 1 : 0), all: all + 1, bytes: bytes + data.length };
}
