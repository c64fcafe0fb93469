/** What receiving a segment says: the vocabulary between RoomLog and those who apply, store, forward and repair. */
import type { Bytes } from '../core/bytes.ts';
import type { Channel, SessionId } from '../core/ids.ts';
import type { BranchStart } from './branches.ts';
import type { CheckedSession } from './certificate.ts';
import type { Refusal, RefusalCode } from './format.ts';

/** Entries that became part of the log, to be applied now and in this order. */
export interface Accepted {
  readonly session: CheckedSession;
  readonly channel: Channel;
  /** Of the new entries, inclusive. */
  readonly first: number;
  readonly last: number;
  /** `time` in ms since 1970: in `project` as claimed, else after what it follows (LOG-11). */
  readonly entries: readonly { readonly seq: number; readonly time: number; readonly payload: Bytes }[];
  /** `project` only: what they bring, as one Yjs V1 update. */
  readonly update?: Bytes;
  /**
   * The segment they came in, as received: what is stored and forwarded. It may hold more than the new entries, and one
   * segment may come in several parts; `segFirst` and `segLast` name it.
   */
  readonly sealed: Bytes;
  readonly segFirst: number;
  readonly segLast: number;
}

/** Entries `haveSeq + 1` to `needSeq` of a chain are missing. */
export interface Gap {
  readonly session: SessionId;
  readonly channel: Channel;
  readonly haveSeq: number;
  readonly needSeq: number;
}

export interface Receipt {
  /** In dependency order, held ones that this released included. */
  readonly accepted: Accepted[];
  refused?: Refusal;
  held?: {
    readonly session: SessionId;
    readonly channel: Channel;
    readonly first: number;
    readonly last: number;
  };
  gap?: Gap;
  /** What was evicted earlier and can be placed now: ask for it again. */
  readonly wanted: Gap[];
  duplicate?: true;
  /** It proves that its author signed something else before. */
  fork?: ForkProof;
  /** What waited, and proves the same of other chains now. */
  forksToo?: readonly ForkProof[];
  /** Sealed by a newer app. */
  unknownFormat?: true;
}

/** Evidence that a session signed two different entries with one seq: this segment, and the one in the log that holds `seq`. */
export interface ForkProof {
  readonly session: SessionId;
  readonly channel: Channel;
  /** Where both were signed and are not the same. */
  readonly seq: number;
  readonly first: number;
  readonly last: number;
  readonly sealed: Bytes;
  /** The branches that begin there, once it is sure that both may be part of the room (FORK-1). */
  readonly starts?: readonly BranchStart[];
  /** What the log has there and is not to have, since no row of a later epoch leads to it and one leads to the other (ROST-10). */
  readonly outside?: readonly BranchStart[];
}

export const forksOf = ({ fork, forksToo = [] }: Receipt): ForkProof[] => [
  ...(fork ? [fork] : []),
  ...forksToo,
];

/** Notes a refusal. A receipt tells the last one: of the segment itself, or of a held one that it released. */
export function refuse(
  receipt: Receipt,
  code: RefusalCode,
  detail: string,
  place?: { session: SessionId; channel: Channel; seq: number },
): void {
  receipt.refused = { code, detail, ...place };
}
