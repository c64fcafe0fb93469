/**
 * Which keys open a room here, of those that a link, this device's memory of the room and the owner's grants give; and the
 * statements behind them (ROST-12, ROST-13).
 */
import type { Bytes } from '../core/bytes.ts';
import type { RoomId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { RoomLink } from '../crypto/links.ts';
import { deriveRoomKeys, type RoomKeys, type SeedKind } from '../crypto/room-keys.ts';
import type { Admission } from '../log/admissions.ts';
import { decodeGenesis, namesInvites, type Genesis } from '../log/genesis.ts';
import type { RoomFacts } from '../log/log-store.ts';
import type { OwnersStatement } from '../log/owners.ts';
import { believe, formerReadSeed, grantFor, upTo, type Roster, type RosterStatement } from '../log/roster.ts';
import type { DeviceKeys, RecentRoom } from '../storage/device.ts';

/** The link is well-formed and its key is another's: what is written with it nobody in this room could read. */
export type WrongKey = { readonly kind: 'wrong-key' };

/** What this device has of the owner's statements; nothing where the first of them is not here or damaged. */
export interface KnownRoster {
  readonly genesis: Genesis | undefined;
  readonly statements: readonly RosterStatement[];
  readonly owners: readonly OwnersStatement[];
  readonly admissions?: readonly Admission[];
}

const NOTHING_KNOWN: KnownRoster = { genesis: undefined, statements: [], owners: [] };

export interface WayIn {
  readonly link: RoomLink;
  readonly keys: RoomKeys;
  /** Up to the epoch of the keys. */
  readonly roster: KnownRoster;
  /**
   * 'in': in the newest epoch known here. 'newcomer': the link is of a later one, and nothing here can be read with it until
   * the statements come. 'out': the newest epoch is closed to this device.
   */
  readonly kind: 'in' | 'newcomer' | 'out';
}

/** The statements that rest here, as far as they are whole. `made`: by the page that has just made the room. */
export async function rosterIn(
  { genesis: stored, roster = [], owners = [], admissions = [] }: RoomFacts,
  roomId: RoomId,
  made?: Bytes,
): Promise<KnownRoster> {
  const bytes = stored ?? made;
  const genesis = bytes && (await decodeGenesis(bytes, roomId));
  // A damaged statement is asked of the others again.
  if (!genesis?.ok) return NOTHING_KNOWN;
  const { fault: _, ...known } = await believe(genesis.value, { statements: roster, owners, admissions });
  return known;
}

/** The newest way into the room that there is here. `remembered`: by what this device opened it last. */
export async function wayIn(
  link: RoomLink,
  known: KnownRoster,
  device: DeviceKeys,
  remembered: RecentRoom['link'] | undefined,
): Promise<Result<WayIn, WrongKey>> {
  const { statements } = known;
  const before = await newestLink(link, statements, device, remembered);
  const newest = (await admittedLink(before, known, device)) ?? before;
  const { roomId, seedKind, seed, epoch } = newest;
  const own = await deriveRoomKeys(seedKind, seed, epoch, roomId);
  if (epoch > statements.length)
    return ok({ link: newest, keys: own, roster: NOTHING_KNOWN, kind: 'newcomer' });
  const roster = upTo(epoch, known);
  const keys = await keysIn(roster, own);
  if (!keys.ok) return keys;
  return ok({ link: newest, keys: keys.value, roster, kind: epoch < statements.length ? 'out' : 'in' });
}

/** A link's keys with those of the epochs before; `roster` ends with the epoch of `own`. */
export async function keysIn(
  { genesis, statements }: Pick<KnownRoster, 'genesis' | 'statements'>,
  own: RoomKeys,
): Promise<Result<RoomKeys, WrongKey>> {
  if (genesis === undefined) return ok(own);
  if (!namesInvites(statements.at(-1) ?? genesis, own)) return err({ kind: 'wrong-key' });
  const past = await pastKeys(own, genesis, statements);
  return past ? ok({ ...own, past }) : err({ kind: 'wrong-key' });
}

async function newestLink(
  link: RoomLink,
  statements: readonly RosterStatement[],
  device: DeviceKeys,
  remembered: RecentRoom['link'] | undefined,
): Promise<RoomLink> {
  if (link.epoch >= statements.length) return link;
  const { roomId } = link;
  // Who is out of the newest epoch has what they were granted before.
  const least = Math.max(link.epoch, remembered?.epoch ?? 0);
  for (const statement of statements.slice(least).toReversed()) {
    const grant =
      (await grantFor(statement, device)) ?? (device.former && (await grantFor(statement, device.former)));
    if (grant) return { roomId, epoch: statement.epoch, seedKind: grant.kind, seed: grant.seed };
  }
  if (remembered === undefined || remembered.epoch <= link.epoch) return link;
  return linkOf(roomId, remembered);
}

/** What an owner let this device in with, or raised it to, under the newest keys known here, if it gives more than `link` (ROST-43). */
async function admittedLink(
  { roomId, seedKind, epoch: reached }: RoomLink,
  { genesis, statements, admissions = [] }: KnownRoster,
  device: DeviceKeys,
): Promise<RoomLink | undefined> {
  const epoch = statements.length;
  if (genesis === undefined || reached > epoch) return undefined;
  for (const own of [device, ...(device.former ? [device.former] : [])]) {
    const grants = admissions.filter((one) => one.epoch === epoch && one.device === own.deviceId);
    const grant = await grantFor({ roomId, epoch, grants }, own);
    if (grant === undefined || (reached === epoch && !givesMore(grant.kind, seedKind))) continue;
    const keys = await deriveRoomKeys(grant.kind, grant.seed, epoch, roomId);
    if (namesInvites(statements.at(-1) ?? genesis, keys))
      return { roomId, epoch, seedKind: grant.kind, seed: grant.seed };
  }
  return undefined;
}

const givesMore = (one: SeedKind, other: SeedKind): boolean => 'vce'.indexOf(one) > 'vce'.indexOf(other);

/** The link that a device remembers of a room. */
export const linkOf = (roomId: RoomId, { kind, epoch, seed }: RecentRoom['link']): RoomLink => ({
  roomId,
  epoch,
  seedKind: kind as SeedKind,
  seed: Uint8Array.from(seed),
});

/** What reads the epochs before that of `keys`, by epoch: each statement gives the read seed of the one before. Undefined where one does not. */
async function pastKeys(keys: RoomKeys, genesis: Genesis, statements: Roster['statements']) {
  const past: RoomKeys[] = [];
  let newer = keys;
  for (const statement of statements.toReversed()) {
    const seed = await formerReadSeed(statement, newer);
    const before = seed && (await deriveRoomKeys('v', seed, statement.epoch - 1, keys.roomId));
    const named = statements[statement.epoch - 2] ?? genesis;
    if (before === undefined || !namesInvites(named, before)) return undefined;
    past.unshift((newer = before));
  }
  return past;
}
