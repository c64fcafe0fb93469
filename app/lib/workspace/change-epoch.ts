/** What the owner's device does to change who is in the room: new keys, and a statement that hands them out (ROST-1). */
import { randomBytes } from '../core/bytes.ts';
import type { DeviceId } from '../core/ids.ts';
import { deriveRoomKeys, SEED_BYTES, type RoomKeys } from '../crypto/room-keys.ts';
import type { FrontierRow } from '../log/frontier.ts';
import { MAX_ROSTER_BYTES, type Member } from '../log/roster-codec.ts';
import { makeStatement } from '../log/new-statement.ts';
import type { Roster } from '../log/roster.ts';
import type { Owner } from '../sync/archive/registration.ts';
import type { Replica } from '../sync/replica.ts';
import { ChangeRefused } from './epoch-messages.ts';

export interface EpochChange {
  readonly replica: Replica;
  readonly owner: Owner;
  readonly keys: RoomKeys;
  /** All that is known so far. */
  readonly roster: Roster;
  /** The owner's own device: it always stays, as an editor. */
  readonly me: DeviceId;
  /** Who comes along; nobody else does. */
  readonly members: readonly Member[];
  /** Whatever the server says of it. */
  readonly insists?: boolean;
  /** ms since 1970 */
  readonly now: number;
}

/** Another of the room's owners has just begun an epoch, as the server says: nothing was changed, and nobody told. */
export class EpochTaken extends ChangeRefused {
  constructor() {
    super('EpochTaken', {
      tone: 'warn',
      title: 'Another of the owner’s browsers has just changed who can be here',
      detail:
        'So says the server, and nothing was changed from here. This page goes along as soon as it hears of it: look again then whether your change is still needed. If nothing comes, it can be made all the same, by doing it again.',
    });
  }
}

/** A server that stalls does not keep an owner from removing somebody. */
const CLAIM_MS = 5_000;

/** A link that stalls keeps the owner from going on for so long. */
const ANNOUNCE_MS = 1000;

/** Begins the next epoch: durable on this device when it resolves, and told to everybody who is here. */
export async function beginEpoch(change: EpochChange): Promise<Roster> {
  const { replica, owner, keys, roster, me, members, insists, now } = change;
  const seed = randomBytes(SEED_BYTES);
  const next = await deriveRoomKeys('e', seed, keys.epoch + 1, keys.roomId);
  await replica.settled();
  if (!replica.atRest) throw new Error('what was written here is not stored yet');
  const statement = await makeStatement({
    owner,
    genesis: roster.genesis,
    before: roster.statements,
    owners: roster.owners,
    keys: next,
    former: keys,
    closed: closedRows(replica.epochs.closing, roster),
    members: [{ device: me, role: 'editor' }, ...members.filter(({ device }) => device !== me)],
    time: now,
  });
  const newer = { ...roster, statements: [...roster.statements, statement] };
  // Who is the only owner has nobody to be late for.
  const asks = roster.owners.length > 0 && insists !== true;
  if (!(await replica.epochs.moveOn(newer, asks ? () => isFirst(replica, next) : undefined)))
    throw new EpochTaken();
  // It is done: who does not hear it now hears it at the door.
  await Promise.race([
    replica.epochs
      .announce(newer)
      .catch((error: unknown) => console.warn('CodeFace: telling of new keys', error)),
    new Promise((resolve) => setTimeout(resolve, ANNOUNCE_MS)),
  ]);
  return newer;
}

/** Of two epochs that begin at one time the server takes one. What it can't say is left to whom the others hear first. */
async function isFirst({ archive }: Replica, next: RoomKeys): Promise<boolean> {
  const late = new Promise<string>((resolve) => setTimeout(resolve, CLAIM_MS, 'unreachable'));
  return archive === undefined || (await Promise.race([archive.claimEpoch(next), late])) !== 'taken';
}

/** A row of a closed frontier: session, channel, hash, and a seq of some bytes. */
const ROW_BYTES = 70;

/**
 * As much of it as one statement should take of what all of them together may: whoever makes chains can't keep the owner from
 * making statements. The rest is carried by entries, as everybody's is.
 */
function closedRows(rows: readonly FrontierRow[], { statements }: Roster): FrontierRow[] {
  const used = statements.reduce((sum, { bytes }) => sum + bytes.length, 0);
  return rows.slice(0, Math.max(0, Math.floor((MAX_ROSTER_BYTES - used) / 4 / ROW_BYTES)));
}
