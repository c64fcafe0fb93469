/**
 * How frames get from this tab to another: the interface every transport implements and one contract suite proves.
 * A transport moves opaque frames between two ends; it knows nothing of what they hold (they are sealed).
 * Delivery over one link is in order per lane and whole or not at all; a link that loses a frame must close.
 */
import type { Bytes } from '../core/bytes.ts';
import type { PeerId, RoomId } from '../core/ids.ts';

export type TransportId = 'broadcast-channel' | 'relay' | 'webrtc';

/** The far end of one link, as its transport names it. Stable while the link is up; not a PeerId until HELLO says so. */
export type LinkId = string & { readonly __link?: never };

/** 'live' frames (a keystroke, presence) overtake 'bulk' frames (catching up) that are still queued. */
export type Lane = 'live' | 'bulk';

export const MAX_FRAME_BYTES = 24 * 1024 * 1024;

/** What a transport needs to know of the room to meet others in it. */
export interface TransportRoom {
  readonly roomId: RoomId;
  readonly self: PeerId;
  /** Public key of the signaling topic (from the read seed), 32 bytes, and a signer that proves it is held. */
  readonly topic: Bytes;
  signTopic(message: Bytes): Promise<Bytes>;
  /** Encrypts and opens what goes through the signaling server (K_signal). `openSignal` gives undefined when it is not ours. */
  sealSignal(plain: Bytes): Promise<Bytes>;
  openSignal(sealed: Bytes): Promise<Bytes | undefined>;
}

export type TransportStatus =
  | { readonly kind: 'connecting' }
  /** `relayed`: at least one link goes through a TURN server. */
  | { readonly kind: 'up'; readonly relayed?: true }
  | { readonly kind: 'down'; readonly why: string };

export interface TransportEvents {
  onLink(link: LinkId): void;
  onFrame(link: LinkId, frame: Bytes): void;
  onLinkClosed(link: LinkId, why: string): void;
  /** What was sent lately may not have arrived: the far end stopped answering, or answers again. Only some transports know. */
  onDoubt?(link: LinkId, doubtful: boolean): void;
  onStatus(status: TransportStatus): void;
}

export interface TransportConnection {
  readonly status: TransportStatus;
  links(): readonly LinkId[];
  /** Queues a frame; never throws for a link that has just closed. Refuses (RangeError) a frame above MAX_FRAME_BYTES. */
  send(link: LinkId, frame: Bytes, lane: Lane): void;
  broadcast(frame: Bytes, lane: Lane): void;
  /**
   * What is sent next must not wait, so the far end is to say that it takes it in: at most once a second, within a
   * message that goes out anyway where there is one. Silence is told by `onDoubt`.
   */
  ask?(link: LinkId): void;
  /** Looks now whether the path still lives: another transport's has just died. */
  check?(): void;
  /** Bytes accepted by `send` that have not left this tab yet. */
  queuedBytes(link: LinkId): number;
  /** Resolves when queued bytes of a link fall under the low-water mark, or the link closes. */
  drained(link: LinkId): Promise<void>;
  /** Ends every link and timer; resolves when nothing of it is left. */
  close(): Promise<void>;
}

export interface Transport {
  readonly id: TransportId;
  connect(room: TransportRoom, events: TransportEvents): TransportConnection;
}
