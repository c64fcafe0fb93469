/** What a replica is made of, and what it tells those who made it. */
import type { Bytes } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import type { Channel, DeviceId, RoomId, SessionId } from '../core/ids.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import type { Admission } from '../log/admissions.ts';
import type { OwnSession } from '../log/certificate.ts';
import type { FrontierRow } from '../log/frontier.ts';
import type { Genesis } from '../log/genesis.ts';
import type { LogStore } from '../log/log-store.ts';
import type { Accepted } from '../log/receipt.ts';
import type { OwnersStatement } from '../log/owners.ts';
import type { Roster, RosterStatement } from '../log/roster.ts';
import type { ArchiveOptions } from './archive/archive.ts';
import type { ArchiveServer } from './archive/archive-server.ts';
import type { CheckpointWaits } from './archive/checkpoint-at-rest.ts';
import type { Waits } from './archive/lacking.ts';
import type { Owner } from './archive/registration.ts';
import type { RoomWaits } from './archive/room-at-rest.ts';
import type { Worth } from './checkpoints.ts';
import type { Folder } from './folder.ts';
import type { LeadershipPage } from './leadership.ts';
import type { RestDamage } from './log-at-rest.ts';
import type { OutboxState } from './outbox.ts';
import type { Transport } from './transport.ts';

export interface ReplicaOptions {
  readonly roomId: RoomId;
  readonly keys: RoomKeys;
  readonly session: OwnSession;
  readonly genesis: Genesis | undefined;
  /** The owner's statements after it, up to the epoch of `keys`. */
  readonly statements?: readonly RosterStatement[];
  /** Who owned the room until then (ROST-30). */
  readonly owners?: readonly OwnersStatement[];
  /** Whom owners let in one by one under these keys. */
  readonly admissions?: readonly Admission[];
  /** What this device has of former epochs and should carry into this one. */
  readonly carry?: readonly FrontierRow[];
  readonly store: LogStore;
  readonly folder: Folder;
  readonly transports: readonly Transport[];
  /** Where one tab of the device reaches other browsers for all of them. */
  readonly sharing?: LeadershipPage;
  /** Where the room's ciphertext may be kept for when nobody is here. */
  readonly archive?: ArchiveWay;
  readonly clock: Clock;
  /** By its log alone: what was shown first was not so a moment ago, and need not be here again. */
  readonly byLog?: boolean;
  /** When newcomers are shown a checkpoint. */
  readonly worth?: Worth;
  readonly events: ReplicaEvents;
}

export interface ArchiveWay {
  /** Whether this device has the owner's key. */
  readonly owned: boolean;
  /** When the archive may be talked to; rejects where what does so can't be fetched. Called again then. */
  readonly open: () => Promise<ArchiveDoor>;
}

export interface ArchiveDoor {
  readonly server: ArchiveServer;
  readonly alone: ArchiveOptions['alone'];
  /** Where this device has the owner's key. */
  readonly owner: Owner | undefined;
  readonly waits?: Waits;
  readonly room?: RoomWaits;
  readonly checkpoints?: CheckpointWaits;
}

export interface ReplicaEvents {
  /** Entries of `talk` and `runs`, in the order they were accepted here; own ones too. */
  onMessages(accepted: readonly Accepted[]): void;
  onSaved(state: OutboxState): void;
  /** Peers, links, transports, presence or what the archive has changed. */
  onPeers(): void;
  /** Something that people or the log should hear of. */
  onNotice(notice: ReplicaNotice): void;
}

/** Both segments verify alone, with the room's keys: together they prove it to everybody in the room. */
export interface ForkNotice {
  readonly kind: 'fork';
  readonly device: DeviceId | undefined;
  readonly session: SessionId;
  readonly channel: Channel;
  readonly seq: number;
  /** The sealed segment that is part of the room here, and the other one. */
  readonly here: Bytes;
  readonly other: Bytes;
}

export type ReplicaNotice =
  | { readonly kind: 'newer-format' }
  | { readonly kind: 'store-error'; readonly error: unknown }
  /** The snapshot said something else than the log behind it; it is gone, the next opening reads the log. */
  | { readonly kind: 'snapshot-false' }
  /** What this device keeps of the log is damaged; undefined when it is whole again. */
  | { readonly kind: 'at-rest'; readonly damage: RestDamage | undefined }
  | { readonly kind: 'refused'; readonly code: string }
  /** Someone signed two different things in one place; told once for each of their chains. */
  | ForkNotice
  /** It is remembered, and the room, opened again, will have both stories (FORK-4). */
  | { readonly kind: 'branched' }
  /**
   * What was shown first is not what the log says, or the log says nothing of it: the room has to be opened again. `signer`: who signed
   * what is not so.
   */
  | { readonly kind: 'checkpoint-false'; readonly signer: DeviceId | undefined }
  | { readonly kind: 'catching-up'; readonly done: number; readonly of: number }
  | { readonly kind: 'caught-up' }
  /** The owner has changed who is in the room: it has to be opened again with what this says (`Replica.moveOn`). */
  | { readonly kind: 'roster'; readonly roster: Roster }
  /** Others own the room now, or somebody was let in, under the same keys. */
  | { readonly kind: 'same-keys'; readonly roster: Roster }
  /** Owners of the room have signed what contradicts what is known here: the room has two rosters. */
  | { readonly kind: 'roster-branch' }
  | { readonly kind: 'genesis'; readonly bytes: Bytes }
  | { readonly kind: 'internal'; readonly what: string; readonly error: unknown };
