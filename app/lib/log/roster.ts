/**
 * The roster: what owners signed after the genesis statement. Each statement begins an epoch with keys of its own and says who
 * comes along (ROST-1 to ROST-6); owners statements beside them say who may sign the next (owners.ts). Owns believing and opening of
 * statements; not what of the log is accepted by them.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, equalBytes, fromHex, utf8, type Bytes } from '../core/bytes.ts';
import type { DeviceId, RoomId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { RoomKeys, SeedKind } from '../crypto/room-keys.ts';
import { openFormerSeed, openGrant, seedKindOf } from '../crypto/seed-grant.ts';
import { SIGNATURE_BYTES, verifySignature } from '../crypto/signatures.ts';
import { decodeOwners } from '../core/owners-statement.ts';
import { believeAdmissions, type Admission } from './admissions.ts';
import { decodeGenesis, type Genesis, type GenesisProblem, type Invites } from './genesis.ts';
import { decodeOwnersStatement, ownershipOf, type OwnersStatement } from './owners.ts';
import {
  fitsRoster,
  readRoster,
  readStatement,
  writeRoster,
  type RosterBytes,
  type StatementFields,
} from './roster-codec.ts';

/** A believed statement. Plain data: it can be posted to a worker. */
export interface RosterStatement extends Invites, StatementFields {
  /** As signed: what is stored and carried. */
  readonly bytes: Bytes;
}

/** All statements of a room, from the first on. */
export interface Roster {
  readonly genesis: Genesis;
  /** `statements[n - 1]` began epoch n. */
  readonly statements: readonly RosterStatement[];
  /** Who could sign them: `owners[n - 1]` has index n. */
  readonly owners: readonly OwnersStatement[];
  /** Whom owners let in one by one under the keys of the newest epoch; absent where nobody was. */
  readonly admissions?: readonly Admission[];
}

/**
 * `malformed`: the bytes are no statement, or more than a roster holds. `not-next`: of another epoch than the one after the last
 * known, or after another statement. `bad-signature`: not by an owner of that epoch, or by the root.
 */
export type RosterProblem = { readonly kind: 'malformed' | 'not-next' | 'bad-signature' };

/** What a statement's signature begins with (ROST-1). */
export const STATEMENT_LABEL = utf8('codeface/roster/1\0');

/**
 * Reads and verifies a statement from anywhere: it is believed as the one after `before`, all that are believed so far (ROST-2).
 * `owners`: all owners statements that are.
 */
export async function decodeStatement(
  bytes: Bytes,
  genesis: Genesis,
  before: readonly RosterStatement[],
  owners: readonly OwnersStatement[] = [],
): Promise<Result<RosterStatement, RosterProblem>> {
  if (!fitsRoster(genesis.bytes, [...before.map((one) => one.bytes), bytes]))
    return err({ kind: 'malformed' });
  // A copy: what it came in may be large, and others' to write to.
  const own = bytes.slice();
  const read = readStatement(own);
  if (!read.ok) return err({ kind: 'malformed' });
  const { signature, ...fields } = read.value;
  const last = before.at(-1)?.bytes ?? genesis.bytes;
  if (fields.epoch !== before.length + 1 || !equalBytes(fields.previous, sha256(last)))
    return err({ kind: 'not-next' });
  const body = own.subarray(0, own.length - SIGNATURE_BYTES);
  const message = concat(STATEMENT_LABEL, body);
  for (const owner of ownershipOf(genesis, owners, fields.epoch).owners)
    if (await verifySignature(owner, signature, message))
      return ok({ roomId: genesis.roomId, ...fields, bytes: own });
  return err({ kind: 'bad-signature' });
}

/**
 * What a statement gives to a device: undefined if it has no grant there, or one that does not open. The keys that follow from the
 * seed are good only if the statement names them (`namesInvites`).
 */
export async function grantFor(
  { roomId, epoch, grants }: Pick<RosterStatement, 'roomId' | 'epoch' | 'grants'>,
  device: { readonly deviceId: DeviceId; readonly privateKey: CryptoKey },
): Promise<{ readonly kind: SeedKind; readonly seed: Bytes } | undefined> {
  const grant = grants.find((one) => one.device === device.deviceId);
  if (grant === undefined) return undefined;
  const terms = { roomId, epoch, role: grant.role, device: fromHex(grant.device) };
  const seed = await openGrant(grant, terms, device.privateKey);
  return seed && { kind: seedKindOf(grant.role), seed };
}

/**
 * The read seed of the epoch before the statement's, for whoever has keys of its own; undefined if it does not open. The keys that
 * follow are good only if the statement before names them.
 */
export const formerReadSeed = (statement: RosterStatement, keys: RoomKeys): Promise<Bytes | undefined> =>
  openFormerSeed(statement.former, keys);

/** Genesis statement and statements together, as they travel and rest (ROST-6). RangeError above 1,024 statements or 1,945 KiB. */
export const encodeRoster = ({
  genesis,
  statements,
  owners = [],
  admissions = [],
}: Omit<RosterBytes, 'owners'> & Partial<RosterBytes>): Bytes =>
  writeRoster({ genesis, statements, owners, admissions });

/** The statements as signed. */
export const bytesOf = ({ genesis, statements, owners, admissions }: Roster): RosterBytes => ({
  genesis: genesis.bytes,
  statements: statements.map(({ bytes }) => bytes),
  owners: owners.map(({ bytes }) => bytes),
  ...(admissions && { admissions: admissions.map(({ bytes }) => bytes) }),
});

/** As it was when that epoch began the newest, and as far as it is known. */
export const upTo = <R extends Omit<Roster, 'genesis'>>(epoch: number, roster: R): R => ({
  ...roster,
  statements: roster.statements.slice(0, epoch),
  owners: roster.owners.filter((one) => one.epoch <= epoch),
  ...(roster.admissions && { admissions: roster.admissions.filter((one) => one.epoch === epoch) }),
});

/** Reads and verifies a roster from anywhere: all of it is believed, or nothing. */
export async function decodeRoster(
  bytes: Bytes,
  roomId: RoomId,
): Promise<Result<Roster, RosterProblem | GenesisProblem>> {
  const read = readRoster(bytes);
  if (!read.ok) return err({ kind: 'malformed' });
  const genesis = await decodeGenesis(read.value.genesis.slice(), roomId);
  if (!genesis.ok) return genesis;
  const { fault, ...roster } = await believe(genesis.value, read.value);
  return fault === undefined ? ok(roster) : err(fault);
}

/**
 * As much of these statements as is believed, up to the first that is not: epochs in their order, and before each the owners
 * statements that were signed when the ones before it were the newest (ROST-32). Admissions that are not believed are left out (ROST-41).
 */
export async function believe(
  genesis: Genesis,
  bytes: Pick<RosterBytes, 'statements' | 'owners' | 'admissions'>,
): Promise<Roster & { readonly fault?: RosterProblem }> {
  const statements: RosterStatement[] = [];
  const owners: OwnersStatement[] = [];
  const fault = async (): Promise<RosterProblem | undefined> => {
    for (;;) {
      const [epoch, own] = [bytes.statements[statements.length], bytes.owners[owners.length]];
      if (own !== undefined && (epoch === undefined || isDue(own, statements.length))) {
        const read = await decodeOwnersStatement(own, genesis, statements, owners);
        if (!read.ok) return read.error;
        owners.push(read.value);
      } else if (epoch !== undefined) {
        const read = await decodeStatement(epoch, genesis, statements, owners);
        if (!read.ok) return read.error;
        statements.push(read.value);
      } else return undefined;
    }
  };
  const found = await fault();
  const admissions = await believeAdmissions(bytes.admissions ?? [], { genesis, statements, owners });
  return {
    genesis,
    statements,
    owners,
    ...(admissions.length > 0 && { admissions }),
    ...(found && { fault: found }),
  };
}

/** Whether an owners statement comes before the statement of the next epoch. What can't be read is refused at once. */
function isDue(bytes: Bytes, epoch: number): boolean {
  const read = decodeOwners(bytes);
  return !read.ok || read.value.epoch <= epoch;
}
