/**
 * Constants of the log format and the codes of its refusals. All of them are part of the protocol (docs/SPEC.md):
 * every honest peer must refuse the same entries, so none of them may depend on the machine.
 */
import { ROLES, type Channel, type Role, type SessionId } from '../core/ids.ts';

/** Version of everything sealed and signed here. A sealed record with another one is kept, not read (SEAL-2). */
export const FORMAT = 1;
/** Version of session certificates, and the one before, whose device is a claim (CERT-8). */
export const CERTIFICATE_FORMAT = 2;
export const UNPROVED_CERTIFICATE_FORMAT = 1;

export const KIB = 1024;
export const MIB = 1024 * KIB;

/** One edit may be a whole pasted file, and undo of deleting one; larger is refused before it is applied. */
export const MAX_ENTRY_BYTES = 16 * MIB;
/** Above this an entry is a segment of its own, so that squashing never has to buffer several large ones. */
export const ALONE_ABOVE_BYTES = 1 * MIB;
/** About 2,700 heads: an author who met more names the rest in its next entry. */
export const MAX_HEADS_BYTES = 64 * KIB;
/** Squashing cuts at multiples of this: deflate gains little beyond it, and a bad segment costs little to fetch again. */
export const MAX_SEGMENT_ENTRIES = 500;
/** A divisor of the above: what the tail of a chain is squashed by until the whole window is full. */
export const TAIL_SEGMENT_ENTRIES = 100;
/** A whole entry with its heads, certificate and framing. */
export const MAX_SEGMENT_BYTES = MAX_ENTRY_BYTES + 128 * KIB;
/** Squashed segments stop growing here: a reader inflates one at a time. */
export const MAX_SQUASHED_BYTES = 4 * MIB;
/** Sealed segments: incompressible content plus framing, with room to spare. */
export const MAX_SEALED_SEGMENT_BYTES = 20 * MIB;
export const MAX_CERTIFICATE_BYTES = 512;
export const MAX_GENESIS_BYTES = 512;
/** Four thousand sessions, the size at which a room starts an era afresh, times three channels, and slack. */
export const MAX_FRONTIER_ROWS = 16_384;
/** Forks are rare, and each takes a key of its own: whoever makes so many is shut out by new links. */
export const MAX_BRANCH_STARTS = 1024;
/** No session types four thousand million characters; above it clocks leave the range other Yjs ports handle. */
export const MAX_CLOCK = 2 ** 32;
/** Bytes of a chain hash that name a head on the wire. */
export const HEAD_BYTES = 16;

export const HASH_BYTES = 32;

/** Wire codes. A code, once given, keeps its meaning. */
export const CHANNELS: readonly Channel[] = ['project', 'talk', 'runs', 'carry'];
export const channelCode = (channel: Channel): number => CHANNELS.indexOf(channel);

/** 0 viewer, 1 commenter, 2 editor (CERT-2). */
export const roleCode = (role: Role): number => ROLES.indexOf(role);
export const roleOfCode = (code: number): Role | undefined => ROLES[code];

/** Who may sign which channel (CERT-4). */
export const maySign = (role: Role, channel: Channel): boolean =>
  role === 'editor' || (role === 'commenter' && (channel === 'talk' || channel === 'carry'));

/** Why something was not accepted. The codes are stable: they are shown, counted and compared between peers. */
export type RefusalCode =
  // before anything is signed: damage, or another room's
  | 'too-large'
  | 'malformed-sealed'
  | 'wrong-kind'
  | 'wrong-epoch'
  | 'not-ours'
  | 'malformed-segment'
  | 'no-genesis'
  // certificate
  | 'malformed-certificate'
  | 'wrong-room'
  | 'unknown-issuer'
  | 'role-above-issuer'
  | 'weak-key'
  | 'unproved-device'
  | 'bad-certificate-signature'
  | 'second-certificate'
  | 'client-id-taken'
  | 'role-may-not-sign'
  // chain
  | 'bad-signature'
  | 'fork'
  | 'chain-closed'
  // entry: these close its chain
  | 'malformed-heads'
  | 'malformed-update'
  | 'foreign-struct'
  | 'wrong-clock'
  | 'skip-struct'
  | 'content-kind'
  | 'root-name'
  | 'bad-reference'
  | 'mixed-parents'
  | 'bad-delete-set'
  | 'malformed-carry'
  // author only
  | 'entry-too-large'
  | 'unmet-dependency';

export interface Refusal {
  readonly code: RefusalCode;
  /** For logs and developers, not for people. */
  readonly detail: string;
  readonly session?: SessionId;
  readonly channel?: Channel;
  readonly seq?: number;
}
