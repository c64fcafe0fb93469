/**
 * For tests only: a second implementation of docs/spec-roster.md with node:crypto alone. It shares no code with the app. A refusal is
 * thrown, and its message is the reason.
 */
import { createCipheriv, createDecipheriv, createPublicKey, diffieHellman, hkdfSync } from 'node:crypto';
import {
  base32,
  CHANNELS,
  derive,
  hex,
  label,
  owner,
  publicOf,
  roomId,
  secretKey,
  sha256,
  sign,
  u32,
  u64,
  vectors,
  type Reader,
} from './by-hand.ts';

import { holds, isStrong, refuse, Strict, varBytes, varUint } from './strict-by-hand.ts';
export interface Invites {
  readonly edit: Buffer;
  readonly comment: Buffer;
  readonly view: Buffer;
}
export interface Row {
  readonly session: string;
  readonly channel: string;
  readonly seq: number;
  readonly hash: string;
}
export interface Statement extends Invites {
  readonly bytes: Buffer;
  readonly epoch: number;
  readonly time: number;
  readonly former: Buffer;
  readonly grants: readonly { device: Buffer; role: number; ephemeral: Buffer; wrapped: Buffer }[];
  readonly closed: readonly Row[];
}

/** GEN-1, GEN-2. */
export function readGenesis(bytes: Buffer, room = roomId): Invites & { readonly owner: Buffer } {
  const input = new Strict(bytes);
  if (input.u8() !== 1 || input.u32() !== 0) input.fault();
  const [key, edit, comment, view] = [input.take(32), input.take(32), input.take(32), input.take(32)];
  const signature = input.take(64);
  input.end();
  if (base32(sha256(key)) !== room) refuse('wrong-room');
  if (!holds(key, signature, label('genesis'), bytes.subarray(0, -64))) refuse('bad-signature');
  return { owner: key, edit, comment, view };
}

/** LOG-10. */
export function readRows(bytes: Buffer): Row[] {
  const input = new Strict(bytes);
  const rows: Row[] = [];
  for (let left = input.number(16_384); left > 0; left--) {
    const session = input.take(32).toString('hex');
    const channel = CHANNELS[input.u8()] ?? input.fault();
    const seq = input.number() || input.fault();
    rows.push({ session, channel, seq, hash: input.take(32).toString('hex') });
  }
  input.end();
  return rows;
}

/** ROST-1, ROST-2, where nobody but the owner of the genesis statement owned the room. */
export const readStatement = (
  bytes: Buffer,
  genesis: Buffer,
  before: readonly { readonly bytes: Buffer }[],
): Statement => readStatementBy(undefined, bytes, genesis, before);

/** ROST-1, ROST-2. `owners`: of that epoch (ROST-32). */
export function readStatementBy(
  owners: readonly Buffer[] | undefined,
  bytes: Buffer,
  genesis: Buffer,
  before: readonly { readonly bytes: Buffer }[],
): Statement {
  const size = rosterLength(genesis, [...before.map((one) => one.bytes), bytes]);
  if (before.length >= 1_024 || size > 1_945 * 1_024) refuse('malformed');
  const input = new Strict(bytes);
  if (input.u8() !== 1) input.fault();
  const [epoch, previous, time] = [input.u32(), input.take(32), input.u64()];
  const [edit, comment, view] = [input.take(32), input.take(32), input.take(32)];
  const former = input.take(48);
  const grants = Array.from({ length: input.number(1_024) }, () => ({
    device: input.take(32),
    role: input.u8(),
    ephemeral: input.take(32),
    wrapped: input.take(48),
  }));
  const closed = readRows(input.sized());
  const signature = input.take(64);
  input.end();
  const once = (names: readonly string[]): boolean => new Set(names).size === names.length;
  if (grants.some(({ role }) => role > 2) || !once(grants.map(({ device }) => device.toString('hex'))))
    input.fault();
  if (!once(closed.map(({ session, channel }) => session + channel))) input.fault();
  const last = before.at(-1)?.bytes ?? genesis;
  if (epoch !== before.length + 1 || !previous.equals(sha256(last))) refuse('not-next');
  const { owner: first } = readGenesis(genesis);
  const signs = (by: Buffer): boolean => holds(by, signature, label('roster'), bytes.subarray(0, -64));
  if (!(owners ?? [first]).some(signs)) refuse('bad-signature');
  return { bytes, epoch, time, edit, comment, view, former, grants, closed };
}

const rosterLength = (genesis: Buffer, statements: readonly Buffer[]): number =>
  [genesis, ...statements].reduce(
    (sum, one) => sum + varUint(one.length).length + one.length,
    varUint(statements.length).length,
  );

/** ROST-6. */
export function readRoster(bytes: Buffer, room = roomId): { genesis: Buffer; statements: Statement[] } {
  if (bytes.length > 1_945 * 1_024) refuse('malformed');
  const input = new Strict(bytes);
  const genesis = input.sized();
  const parts = Array.from({ length: input.number(1_024) }, () => input.sized());
  input.end();
  readGenesis(genesis, room);
  const statements: Statement[] = [];
  for (const one of parts) statements.push(readStatement(one, genesis, statements));
  return { genesis, statements };
}
export const writeRoster = (genesis: Buffer, statements: readonly Buffer[]): Buffer =>
  Buffer.concat([varBytes(genesis), varUint(statements.length), ...statements.map(varBytes)]);

/** All that W, C or R of an epoch gives, by KEY-2 and KEY-3. */
export interface Seeds extends Reader {
  readonly edit?: Buffer;
  readonly comment?: Buffer;
}
export function seedsFrom(kind: string, seed: Buffer, epoch: number): Seeds {
  if (kind === 'v') return { epoch, read: seed };
  if (kind === 'c') return { epoch, comment: seed, read: derive(seed, 'read-seed', epoch) };
  return { ...seedsFrom('c', derive(seed, 'comment-seed', epoch), epoch), edit: seed };
}
export const invitesFrom = ({ edit, comment, read, epoch }: Seeds): Partial<Invites> & { view: Buffer } => ({
  ...(edit && { edit: publicOf('70', derive(edit, 'edit-invite', epoch)) }),
  ...(comment && { comment: publicOf('70', derive(comment, 'comment-invite', epoch)) }),
  view: publicOf('70', derive(read, 'view-invite', epoch)),
});
/** ROST-5. */
export function areNamed(seeds: Seeds, named: Invites): boolean {
  const { edit = named.edit, comment = named.comment, view } = invitesFrom(seeds);
  return edit.equals(named.edit) && comment.equals(named.comment) && view.equals(named.view);
}

function box(key: Buffer, data: Buffer, seed: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, Buffer.alloc(12)).setAAD(data);
  return Buffer.concat([cipher.update(seed), cipher.final(), cipher.getAuthTag()]);
}
function unbox(key: Buffer, data: Buffer, wrapped: Buffer): Buffer | undefined {
  const cipher = createDecipheriv('aes-256-gcm', key, Buffer.alloc(12)).setAAD(data);
  cipher.setAuthTag(wrapped.subarray(-16));
  try {
    return Buffer.concat([cipher.update(wrapped.subarray(0, -16)), cipher.final()]);
  } catch {
    return undefined;
  }
}

const shared = (secret: Buffer, key: Buffer): Buffer =>
  diffieHellman({
    privateKey: secretKey('6e', secret),
    publicKey: createPublicKey({
      key: Buffer.concat([hex('302a300506032b656e032100'), key]),
      format: 'der',
      type: 'spki',
    }),
  });

interface Terms {
  readonly epoch: number;
  readonly device: Buffer;
  readonly role: number;
  readonly ephemeral: Buffer;
}
/** ROST-3. */
function grantKeys(secret: Buffer, { epoch, device, role, ephemeral }: Terms): [Buffer, Buffer] {
  const info = Buffer.concat([label('grant'), u32(epoch), device, ephemeral, Buffer.of(role)]);
  const key = Buffer.from(hkdfSync('sha256', secret, roomId, info, 32));
  return [key, Buffer.concat([label('grant'), device, Buffer.of(role)])];
}
const KIND_OF = ['v', 'c', 'e'];
export function openGrant(
  { epoch, grants }: Statement,
  device: Buffer,
  secret: Buffer,
): { kind: string; seed: Buffer } | undefined {
  const grant = grants.find((one) => one.device.equals(device));
  if (!grant || !isStrong(grant.ephemeral)) return undefined;
  const keys = grantKeys(shared(secret, grant.ephemeral), { ...grant, epoch });
  const seed = unbox(...keys, grant.wrapped);
  return seed && { kind: KIND_OF[grant.role] ?? '', seed };
}

/** ROST-4. */
const formerKeys = ({ epoch, read }: Reader): [Buffer, Buffer] => [
  derive(read, 'former-seed', epoch),
  Buffer.concat([label('former-seed'), Buffer.from(roomId), u32(epoch)]),
];
export const openFormer = ({ former }: Statement, reader: Reader): Buffer | undefined =>
  unbox(...formerKeys(reader), former);

/** ROST-1 from nothing but seeds. */
export function makeStatement(what: {
  readonly seeds: Seeds;
  readonly formerRead: Buffer;
  readonly last: Buffer;
  readonly time: number;
  readonly members: readonly { readonly device: Buffer; readonly role: number; readonly ephemeral: Buffer }[];
  readonly closed: readonly Row[];
}): Buffer {
  const { seeds, formerRead, last, time, members, closed } = what;
  const { epoch, edit, comment, read } = seeds;
  const { edit: byEdit, comment: byComment, view } = invitesFrom(seeds);
  if (!edit || !comment || !byEdit || !byComment) throw new Error('an epoch begins with W');
  const grants = members.map(({ device, role, ephemeral: secret }) => {
    const ephemeral = publicOf('6e', secret);
    const keys = grantKeys(shared(secret, device), { epoch, device, role, ephemeral });
    const seed = [read, comment, edit][role] ?? read;
    return Buffer.concat([device, Buffer.of(role), ephemeral, box(...keys, seed)]);
  });
  const rows = closed.map(({ session, channel, seq, hash }) =>
    Buffer.concat([hex(session), Buffer.of(CHANNELS.indexOf(channel)), varUint(seq), hex(hash)]),
  );
  return signed([
    Buffer.of(1),
    u32(epoch),
    sha256(last),
    u64(time),
    byEdit,
    byComment,
    view,
    box(...formerKeys(seeds), formerRead),
    varUint(grants.length),
    ...grants,
    varBytes(Buffer.concat([varUint(rows.length), ...rows])),
  ]);
}
const signed = (parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([body, sign(owner, label('roster'), body)]);
};

/** Statements by the recipe of a vector about caps. */
export function statementsOf({ statements }: (typeof vectors.rosterCaps)[number]): Buffer[] {
  const made: Buffer[] = [];
  const numbered = (at: number): Buffer => Buffer.concat([u32(at), Buffer.alloc(28)]);
  for (const { times, grants, rows } of statements) {
    const seqs = (rows as [number, number][]).flatMap(([count, seq]) =>
      Array.from({ length: count }, () => varUint(seq)),
    );
    const zeros = Buffer.alloc(32);
    const list = seqs.flatMap((seq, at) => [numbered(at), Buffer.of(0), seq, zeros]);
    const closed = varBytes(Buffer.concat([varUint(seqs.length), ...list]));
    const granted = Array.from({ length: grants }, (_, at) => [numbered(at), Buffer.alloc(81)]).flat();
    for (let i = 0; i < times; i++) {
      const last = made.at(-1) ?? hex(vectors.genesis[0]?.hex ?? '');
      const head = [Buffer.of(1), u32(made.length + 1), sha256(last), Buffer.alloc(8 + 96 + 48)];
      made.push(signed([...head, varUint(grants), ...granted, closed]));
    }
  }
  return made;
}
