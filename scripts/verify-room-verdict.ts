/**
 * What a room file comes to when it is folded offline (ROOM-8): its room, who wrote what, what was refused and why, and
 * the hash of the project at its end. Reads the file and a link; knows no server, no browser and no terminal.
 */
import * as Y from 'yjs';
import { equalBytes, toHex, type Bytes } from '../app/lib/core/bytes.ts';
import type { BranchStart } from '../app/lib/log/branches.ts';
import { CHANNELS, MAX_BRANCH_STARTS } from '../app/lib/log/format.ts';
import type { Channel, DeviceId, Role, RoomId, SessionId } from '../app/lib/core/ids.ts';
import { err, ok, type Result } from '../app/lib/core/result.ts';
import { parseLink, type LinkProblem } from '../app/lib/crypto/links.ts';
import { deriveRoomKeys, type RoomKeys } from '../app/lib/crypto/room-keys.ts';
import type { CheckedSession } from '../app/lib/log/certificate.ts';
import { decodeGenesis, type Genesis, type Invites } from '../app/lib/log/genesis.ts';
import type { FrontierRow } from '../app/lib/log/frontier.ts';
import type { Accepted } from '../app/lib/log/receipt.ts';
import {
  checkRoomFile,
  readRoomFileHead,
  roomFileSegments,
  type FiledSegment,
  type RoomFileProblem,
} from '../app/lib/log/room-file.ts';
import { isRosterRecord, rosterOfFile, type FileRosterProblem } from '../app/lib/log/room-file-roster.ts';
import { HELD_OF_A_FILE, takeAll, type NamedSegment } from '../app/lib/log/room-file-take.ts';
import { RoomLog } from '../app/lib/log/room-log.ts';
import type { OwnersStatement } from '../app/lib/log/owners.ts';
import type { Roster, RosterStatement } from '../app/lib/log/roster.ts';
import { openSealed } from '../app/lib/log/seal.ts';
import { decodeSegment } from '../app/lib/log/segment.ts';
import { applyAccepted, stateHash } from '../app/lib/sync/fold-session.ts';
import { keysIn } from '../app/lib/workspace/way-in.ts';

/** Nothing can be folded at all. */
export type NoVerdict =
  | { readonly kind: 'file'; readonly problem: RoomFileProblem }
  | { readonly kind: 'link'; readonly problem: LinkProblem }
  | { readonly kind: 'other-room'; readonly file: RoomId; readonly link: RoomId }
  | { readonly kind: 'genesis'; readonly why: string }
  | { readonly kind: 'wrong-key' }
  | {
      readonly kind: 'roster';
      readonly problem: FileRosterProblem;
      readonly damage: RoomFileProblem | undefined;
    };

export interface SessionVerdict {
  readonly id: SessionId;
  readonly epoch: number;
  readonly role: Role;
  readonly device: DeviceId;
  /** Which of the room's links vouched for it. */
  readonly issuer: 'edit link' | 'comment link' | 'view link';
  /** ms since 1970, of its earliest and latest entry, as it claims them. */
  readonly from: number;
  readonly to: number;
  readonly entries: number;
}

/** Something in the file that is not part of the log. */
export interface LeftOut {
  /** A refusal's stable code, or 'unknown-format' or 'missing-before'. */
  readonly code: string;
  readonly detail: string;
  /** Of the segment, in the file. */
  readonly index: number;
  readonly offset: number;
}

export interface RoomVerdict {
  readonly verified: boolean;
  /** Why the file itself is not whole. */
  readonly damage: RoomFileProblem | undefined;
  readonly roomId: RoomId;
  readonly genesis: Genesis;
  /** What the owner signed after it, one for each later epoch. */
  readonly statements: readonly RosterStatement[];
  /** Who could sign them (ROST-30). */
  readonly owners: readonly OwnersStatement[];
  readonly bytes: number;
  readonly segments: number;
  readonly repeated: number;
  readonly entries: Readonly<Record<Channel, number>>;
  readonly sessions: readonly SessionVerdict[];
  readonly leftOut: readonly LeftOut[];
  readonly forks: readonly {
    readonly session: SessionId;
    readonly channel: Channel;
    /** Of which it signed more than one entry. */
    readonly seq: number;
  }[];
  readonly frontier: readonly FrontierRow[];
  /** Hex; of the project's state as a fresh document holds it. */
  readonly stateHash: string;
}

const NOT_FOLLOWED = 'what it follows is not in the file';
const NOT_FOLLOWED_OR_CARRIED = `${NOT_FOLLOWED}, or its epoch was over and nobody carried it`;

/** Folds the whole file. Also of a damaged file it says as much as can be read. */
export async function verdictOf(file: Blob, linkText: string): Promise<Result<RoomVerdict, NoVerdict>> {
  const checked = await checkRoomFile(file);
  const head = await readRoomFileHead(file);
  if (!head.ok) return err({ kind: 'file', problem: checked.ok ? head.error : checked.error });
  const { roomId } = head.value;
  const link = parseLink(linkText.trim());
  if (!link.ok) return err({ kind: 'link', problem: link.error });
  if (link.value.roomId !== roomId) return err({ kind: 'other-room', file: roomId, link: link.value.roomId });
  const genesis = await decodeGenesis(head.value.genesis, roomId);
  if (!genesis.ok) return err({ kind: 'genesis', why: genesis.error.kind });
  const own = await deriveRoomKeys(link.value.seedKind, link.value.seed, link.value.epoch, roomId);
  const damage = checked.ok ? undefined : checked.error;
  const filed = await rosterOfFile(file, genesis.value, own);
  if (!filed.ok) return err({ kind: 'roster', problem: filed.error, damage });
  const roster = filed.value;
  const keys = await keysIn(roster, own);
  if (!keys.ok) return keys;

  const folded = await fold(file, keys.value, roster);
  return ok({
    verified: damage === undefined && folded.leftOut.length === 0,
    damage,
    roomId,
    ...roster,
    bytes: file.size,
    ...folded,
  });
}

type Folded = Omit<
  RoomVerdict,
  'verified' | 'damage' | 'roomId' | 'genesis' | 'statements' | 'owners' | 'bytes'
>;

/** Folds once more where that shows forks: a log counts those that it is made with (FORK-4). */
async function fold(
  file: Blob,
  keys: RoomKeys,
  roster: Roster,
  branches: readonly BranchStart[] = [],
  outside: readonly BranchStart[] = [],
): Promise<Folded> {
  const log = new RoomLog({ roomId: keys.roomId, keys, ...roster, branches, outside, held: HELD_OF_A_FILE });
  const doc = new Y.Doc();
  const offsets = new Map<number, number>();
  const brought = new Set<Bytes>();
  const entries: Record<Channel, number> = { project: 0, talk: 0, runs: 0, carry: 0 };
  const sessions = new Map<SessionId, SessionVerdict>();
  async function* read(): AsyncGenerator<NamedSegment<number>, void> {
    for await (const filed of roomFileSegments(file) as AsyncIterable<FiledSegment>) {
      if (isRosterRecord(filed)) continue;
      const { index, offset, sealed } = filed;
      offsets.set(index, offset);
      yield { name: index, sealed };
    }
  }
  const { refused, unknownFormat, unplaced } = await takeAll(log, read, async (accepted) => {
    brought.add(accepted.sealed);
    entries[accepted.channel] += accepted.entries.length;
    if (accepted.channel === 'project') applyAccepted(doc, accepted, 'file');
    const invites = log.invitesOf(accepted.session.epoch) ?? roster.genesis;
    note(sessions, accepted, await claimedTimes(keys, accepted), invites);
  });
  const found = [...branches, ...log.foundBranches];
  const out = [...outside, ...log.foundOutside];
  const more = found.length + out.length > branches.length + outside.length;
  if (more && found.length + out.length <= MAX_BRANCH_STARTS) {
    doc.destroy();
    return fold(file, keys, roster, found, out);
  }
  const left = (index: number, code: string, detail: string): LeftOut => ({
    index,
    offset: offsets.get(index) ?? 0,
    code,
    detail,
  });
  const leftOut = [
    ...refused.map(({ name, refusal }) => left(name, refusal.code, refusal.detail)),
    ...unknownFormat.map((name) => left(name, 'unknown-format', 'sealed by a newer version')),
    ...unplaced.map((name) =>
      left(name, 'missing-before', keys.epoch > 0 ? NOT_FOLLOWED_OR_CARRIED : NOT_FOLLOWED),
    ),
  ].sort((a, b) => a.index - b.index);
  const state = toHex(stateHash(Y.encodeStateAsUpdate(doc)));
  doc.destroy();
  return {
    segments: offsets.size,
    repeated: offsets.size - brought.size - new Set(leftOut.map(({ index }) => index)).size,
    entries,
    sessions: [...sessions.values()].sort((a, b) => a.epoch - b.epoch || a.from - b.from),
    leftOut,
    forks: forksOf(log.branches),
    frontier: log.frontier(),
    stateHash: state,
  };
}

/** Each place once, of the branches that begin there. */
function forksOf(branches: readonly BranchStart[]): RoomVerdict['forks'] {
  const places = new Map(branches.map((start) => [toHex(start.before), start]));
  return [...places.values()].map(({ session, channel, seq }) => ({ session, channel, seq }));
}

/** In `project` an entry is told with the time it claims; in the others it is told later than that if need be (LOG-11). */
async function claimedTimes(
  keys: RoomKeys,
  { channel, first, last, segFirst, entries, sealed }: Accepted,
): Promise<number[]> {
  if (channel === 'project') return entries.map(({ time }) => time);
  const opened = await openSealed(keys, 'segment', sealed);
  const segment = opened.ok ? decodeSegment(opened.value) : undefined;
  if (!segment?.ok) throw new Error('a segment that was accepted does not open');
  return segment.value.entries.slice(first - segFirst, last - segFirst + 1).map(({ time }) => time);
}

function note(
  sessions: Map<SessionId, SessionVerdict>,
  { session, entries }: Accepted,
  times: readonly number[],
  invites: Invites,
): void {
  const { epoch, role, device, publicKey } = session;
  // All that one key signed, whatever branch it is in.
  const id = toHex(publicKey) as SessionId;
  const known = sessions.get(id);
  sessions.set(id, {
    id,
    epoch,
    role,
    device,
    issuer: issuerOf(session, invites),
    from: times.reduce((least, time) => Math.min(least, time), known?.from ?? Infinity),
    to: times.reduce((most, time) => Math.max(most, time), known?.to ?? 0),
    entries: (known?.entries ?? 0) + entries.length,
  });
}

function issuerOf({ issuer }: CheckedSession, invites: Invites): SessionVerdict['issuer'] {
  if (equalBytes(issuer, invites.editInvite)) return 'edit link';
  return equalBytes(issuer, invites.commentInvite) ? 'comment link' : 'view link';
}

/** Every channel, also one that nobody wrote in. */
export const channelsOf = ({ entries }: RoomVerdict): readonly (readonly [Channel, number])[] =>
  CHANNELS.map((channel) => [channel, entries[channel]]);
