/**
 * Counts what goes into data channels, whoever sends it: sends that carry an edit apart from all sends. What kind a
 * message is, is read off the first bytes of each wire format; the channels of this page are never mixed up by that,
 * because only one lane types at a time.
 */
import { frameType } from '../../../app/lib/sync/frames.ts';

/** First byte of the raw channel's own messages: no chunk and no y-webrtc message begins with it. */
export const RAW_MARK = 0xee;

/** Our chunks: first of a frame, live lane; the frame's kind follows the length. */
const FIRST_LIVE_CHUNK = 0b10;
const FRAME_KIND_AT = 5;
/** y-webrtc's messages: 0 is sync; awareness and the rest have other numbers. */
const Y_WEBRTC_SYNC = 0;

export interface Sends {
  readonly ourEdits: number;
  readonly yWebrtcEdits: number;
  /** Everything, presence and greetings included, but for the raw channel. */
  readonly all: number;
  readonly bytes: number;
}

let counted: Sends = { ourEdits: 0, yWebrtcEdits: 0, all: 0, bytes: 0 };

/** What was sent since the last call. */
export function takeSends(): Sends {
  const taken = counted;
  counted = { ourEdits: 0, yWebrtcEdits: 0, all: 0, bytes: 0 };
  return taken;
}

/** Begins to count. Once, before the first channel opens. */
export function countSends(): void {
  const original = Object.getOwnPropertyDescriptor(RTCDataChannel.prototype, 'send')?.value as (
    this: RTCDataChannel,
    data: ArrayBufferView<ArrayBuffer>,
  ) => void;
  RTCDataChannel.prototype.send = function (this: RTCDataChannel, data: unknown): void {
    if (data instanceof Uint8Array && data[0] !== RAW_MARK) count(data);
    original.call(this, data as Uint8Array<ArrayBuffer>);
  };
}

function count(data: Uint8Array): void {
  const ours = data[0] === FIRST_LIVE_CHUNK && data[FRAME_KIND_AT] === frameType.live;
  counted = {
    ourEdits: counted.ourEdits + (ours ? 1 : 0),
    yWebrtcEdits: counted.yWebrtcEdits + (data[0] === Y_WEBRTC_SYNC ? 1 : 0),
    all: counted.all + 1,
    bytes: counted.bytes + data.length,
  };
}
