/**
 * Where a room's log rests on this device. `storage/` implements it; `sync/` uses it.
 * What `append` has acknowledged must survive a crash of the tab (LOG.md, accept order 6).
 */
import type { Bytes } from '../core/bytes.ts';
import type { Channel, SessionId } from '../core/ids.ts';

/** A sealed segment at rest, with what is needed to find it again. `first` and `last` are seqs, inclusive, from 1. */
export interface StoredSegment {
  readonly session: SessionId;
  readonly channel: Channel;
  readonly first: number;
  readonly last: number;
  readonly sealed: Bytes;
}

/** Where this device stands with the archive. What it says is at rest here too, or must be read from the archive again. */
export interface ArchiveMark {
  /** The copy that it is about (ARCH-10). */
  readonly instance: Bytes;
  /** Everything up to here was taken from it. */
  readonly cursor: number;
  /** How far it has each chain. */
  readonly ends: readonly ChainEnd[];
  /** The epoch up to which it has the owner's statements (ARCH-20), and how many owners statements (ROST-36). */
  readonly roster?: number;
  readonly owners?: number;
  /** What counted there when an owner's device last had segments superseded (ARCH-29): a hint. */
  readonly tidied?: number;
}

/** Names a segment at rest. */
export type SegmentAddress = Omit<StoredSegment, 'sealed'>;

/** What this device knows about the room besides the log. Opaque to the store. */
export interface RoomFacts {
  /** The owner-signed genesis statement, once seen. */
  readonly genesis?: Bytes;
  /** The owner's statements after it, from epoch 1. */
  readonly roster?: readonly Bytes[];
  /** Owners statements, from index 1. */
  readonly owners?: readonly Bytes[];
  /** Admissions, of whichever epoch. */
  readonly admissions?: readonly Bytes[];
  /** Rows of former epochs that this device has and has not carried into the current one, as `encodeFrontier` makes them. */
  readonly carry?: readonly Bytes[];
  /** Where authors are known to have signed two stories, as `encodeBranchStarts` makes them (FORK-4). */
  readonly branches?: Bytes;
  /** Beginnings of former epochs that are no part of the room unless something leads to them (ROST-10), in the same form. */
  readonly outside?: Bytes;
  /** The epoch in which this device looked last at which of them it still counts. */
  readonly countedIn?: number;
  /** The owner had the archive forget the room, and wants it to stay so. */
  readonly noArchive?: true;
}

/**
 * A device-local shortcut to a recent state: never sent, checked against the log behind.
 * `chains` is RoomLog's own export; `state` the V1 state of the project doc at exactly those chains.
 */
export interface DeviceSnapshot {
  readonly chains: Bytes;
  readonly state: Bytes;
  readonly entries: number;
}

/** A chain that has segments at rest, and the last seq among them. */
export interface ChainEnd {
  readonly session: SessionId;
  readonly channel: Channel;
  readonly last: number;
}

/**
 * A disk may give back anything, or fail to. Segments are given as they are found: one that can't be read, or isn't bytes
 * any more, comes with no bytes at all, and whoever opens it sees the damage (SYNC-15). Facts and snapshots that are not
 * what was put there are not given.
 */
export interface LogStore {
  /** 'device': strict durability. 'memory': the browser refuses storage, and everything goes with the tab. */
  readonly kind: 'device' | 'memory';
  loadFacts(): Promise<RoomFacts>;
  saveFacts(facts: RoomFacts): Promise<void>;
  /** Changes them in one step: of two tabs that do it at once neither undoes what the other did. */
  changeFacts(change: (facts: RoomFacts) => RoomFacts): Promise<void>;
  /** Durable when it resolves. Rejects with the browser's error (quota, closed), having kept nothing of the batch. */
  append(segments: readonly StoredSegment[]): Promise<void>;
  /** Segments that hold anything at or after `fromSeq` of one chain, by `first`. */
  readChain(session: SessionId, channel: Channel, fromSeq: number): Promise<StoredSegment[]>;
  /** How far each chain reaches here, without reading any segment. */
  chainEnds(): Promise<ChainEnd[]>;
  /** Every segment, in batches of at most `maxBytes`, chain by chain, each chain by `first`. */
  readAll(maxBytes: number): AsyncIterable<StoredSegment[]>;
  /** Swaps short segments for the long ones that hold the same entries, in one transaction. */
  replace(shorter: readonly StoredSegment[], longer: readonly StoredSegment[]): Promise<void>;
  /** Files a segment under another name as well, or in place of its own, in one transaction. */
  refile(segment: StoredSegment, name: SessionId, keepOld: boolean): Promise<void>;
  /** Every segment's address, without reading any. */
  addresses(): Promise<SegmentAddress[]>;
  /**
   * Moves damaged segments aside, all in one transaction: no method above gives them any more, and what is left of them
   * is kept. Names them as they were read; what has other bytes by now stays where it is.
   */
  quarantine(damaged: readonly StoredSegment[]): Promise<void>;
  /** What was moved aside and has a place in a chain, with the bytes that are left. */
  quarantined(): Promise<StoredSegment[]>;
  /** Lets go of what was moved aside. */
  forgetQuarantined(addresses: readonly SegmentAddress[]): Promise<void>;
  loadArchiveMark(): Promise<ArchiveMark | undefined>;
  saveArchiveMark(mark: ArchiveMark): Promise<void>;
  loadSnapshot(): Promise<DeviceSnapshot | undefined>;
  saveSnapshot(snapshot: DeviceSnapshot): Promise<void>;
  /** Forgets the snapshot, if there is one. */
  dropSnapshot(): Promise<void>;
  /** Removes everything this device holds of the room. */
  destroy(): Promise<void>;
  close(): void;
}
