/**
 * For tests only: ROST-40 to ROST-43 of docs/spec-roster.md a second time, with node:crypto alone. It shares no code with the app. A
 * refusal is thrown, and its message is the reason.
 */
import { label, sha256 } from './by-hand.ts';
import { ownersOf, type Owners } from './owners-by-hand.ts';
import { openGrant, readStatement, type Statement } from './roster-by-hand.ts';
import { holds, refuse, refusalOf, Strict } from './strict-by-hand.ts';

const SIZE = 1 + 4 + 32 + 8 + 32 + 1 + 32 + 48 + 64;

type Grant = Statement['grants'][number];
export interface Admission extends Grant {
  readonly bytes: Buffer;
  readonly epoch: number;
  readonly time: number;
}
interface Ground {
  readonly genesis: Buffer;
  readonly statements: readonly Statement[];
  readonly owners?: readonly Owners[];
}

/** ROST-40, ROST-41. */
export function readAdmission(bytes: Buffer, { genesis, statements, owners = [] }: Ground): Admission {
  const input = new Strict(bytes);
  if (input.u8() !== 1) input.fault();
  const [epoch, newest, time] = [input.u32(), input.take(32), input.u64()];
  const grant = {
    device: input.take(32),
    role: input.u8(),
    ephemeral: input.take(32),
    wrapped: input.take(48),
  };
  const signature = input.take(64);
  input.end();
  if (grant.role > 2) input.fault();
  const began = statements.at(-1)?.bytes ?? genesis;
  if (epoch !== statements.length || !newest.equals(sha256(began))) refuse('not-next');
  const signs = (by: Buffer): boolean => holds(by, signature, label('admission'), bytes.subarray(0, -64));
  const since = owners.filter((one) => one.epoch === statements.length).flatMap((one) => one.owners);
  if (![...ownersOf(genesis, owners, statements.length), ...since].some(signs)) refuse('bad-signature');
  return { bytes, epoch, time, ...grant };
}

/** ROST-42, of a roster without owners statements. */
export function readAdmitting(bytes: Buffer): Admission[] {
  const input = new Strict(bytes);
  const genesis = input.sized();
  const statements: Statement[] = [];
  for (let left = input.number(1_024); left > 0; left--)
    statements.push(readStatement(input.sized(), genesis, statements));
  if (input.number(64) > 0) refuse('owners statements are not for this page');
  const admissions = Array.from({ length: input.number(256) || input.fault() }, () => input.take(SIZE));
  input.end();
  const believed: Admission[] = [];
  for (const one of admissions) {
    const why = refusalOf(() => believed.push(readAdmission(one, { genesis, statements })));
    if (why === 'bad-signature') break;
  }
  return believed;
}

/** ROST-43: what the device of that X25519 secret gets. */
export const openAdmission = (admission: Admission, secret: Buffer): ReturnType<typeof openGrant> =>
  openGrant(
    { epoch: admission.epoch, grants: [admission] } as unknown as Statement,
    admission.device,
    secret,
  );
