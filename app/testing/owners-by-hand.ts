/**
 * For tests only: ROST-30 to ROST-34 of docs/spec-roster.md a second time, with node:crypto alone. It shares no code with the app. A
 * refusal is thrown, and its message is the reason.
 */
import { derive, hex, label, publicOf, sha256 } from './by-hand.ts';
import { readGenesis, readStatementBy, type Statement } from './roster-by-hand.ts';
import { holds, isSound, refuse, Strict } from './strict-by-hand.ts';

export interface Owners {
  readonly bytes: Buffer;
  readonly index: number;
  readonly epoch: number;
  readonly time: number;
  readonly root: Buffer;
  readonly owners: readonly Buffer[];
}
type Known = readonly { readonly bytes: Buffer }[];

/** ROST-33. */
export function readCode(typed: string): { secret: Buffer; root: Buffer } {
  const digits = '0123456789abcdefghjkmnpqrstvwxyz';
  const letters = [...typed.replace(/[\s\p{Pd}]/gu, '').toLowerCase()].map(
    (one) => ({ o: '0', i: '1', l: '1' })[one] ?? one,
  );
  if (letters.length === 0) refuse('empty');
  if (letters.some((one) => !digits.includes(one))) refuse('no-such-letter');
  if (letters.length !== 30) refuse(letters.length < 30 ? 'too-short' : 'too-long');
  const bits = letters.map((one) => digits.indexOf(one).toString(2).padStart(5, '0')).join('');
  const secret = hex(
    BigInt(`0b${bits.slice(0, 128)}`)
      .toString(16)
      .padStart(32, '0'),
  );
  const check = sha256(label('recovery-code'), secret).readUInt32BE() >>> 10;
  if (check !== parseInt(bits.slice(128), 2)) refuse('mistyped');
  return { secret, root: publicOf('70', derive(secret, 'root-key')) };
}

/** ROST-32. */
export const ownersOf = (genesis: Buffer, all: readonly Owners[], below = Infinity): readonly Buffer[] =>
  all.filter(({ epoch }) => epoch < below).at(-1)?.owners ?? [readGenesis(genesis).owner];

/** ROST-30, ROST-31. */
export function readOwners(bytes: Buffer, genesis: Buffer, epochs: Known, before: readonly Owners[]): Owners {
  if (before.length >= 64) refuse('malformed');
  const input = new Strict(bytes);
  if (input.u8() !== 1) input.fault();
  const [index, previous, epoch, newest] = [input.u32(), input.take(32), input.u32(), input.take(32)];
  const [time, root, count] = [input.u64(), input.take(32), input.u8()];
  if (count < 1 || count > 8) input.fault();
  const owners = Array.from({ length: count }, () => input.take(32));
  const signature = input.take(64);
  input.end();
  const ascending = owners.every((one, i) => i === 0 || Buffer.compare(owners[i - 1] ?? one, one) < 0);
  if (!ascending || ![root, ...owners].every(isSound)) refuse('malformed');
  const last = before.at(-1);
  const began = [{ bytes: genesis }, ...epochs][epoch]?.bytes;
  if (index !== before.length + 1 || !previous.equals(sha256(last?.bytes ?? genesis))) refuse('not-next');
  if (epoch < (last?.epoch ?? 0) || !began || !newest.equals(sha256(began))) refuse('not-next');
  const by = last?.root ?? readGenesis(genesis).owner;
  if (!holds(by, signature, label('owners'), bytes.subarray(0, -64))) refuse('bad-signature');
  return { bytes, index, epoch, time, root, owners };
}

/** ROST-6, ROST-34. */
export function readOwned(bytes: Buffer): { statements: Statement[]; owners: Owners[] } {
  const input = new Strict(bytes);
  const genesis = input.sized();
  const epochs = Array.from({ length: input.number(1_024) }, () => input.sized());
  const rest = input.at < bytes.length ? input.number(64) || input.fault() : 0;
  const said = Array.from({ length: rest }, () => input.sized());
  input.end();
  readGenesis(genesis);
  const [statements, owners]: [Statement[], Owners[]] = [[], []];
  const take = (): void => {
    const next = said[owners.length];
    if (next) owners.push(readOwners(next, genesis, statements, owners));
  };
  for (const one of epochs) {
    while ((said[owners.length]?.readUInt32BE(37) ?? Infinity) <= statements.length) take();
    const by = ownersOf(genesis, owners, statements.length + 1);
    statements.push(readStatementBy(by, one, genesis, statements));
  }
  while (owners.length < said.length) take();
  return { statements, owners };
}
