/** Two rosters as one, where neither contradicts the other (ROST-35). */
import { equalBytes, toHex, type Bytes } from '../core/bytes.ts';
import type { RosterBytes } from './roster-codec.ts';

type Lists = Pick<RosterBytes, 'statements' | 'owners' | 'admissions'>;

/**
 * Of epochs and of owners statements the longer list each, if it goes on from the shorter, byte for byte; undefined where one does
 * not; and all admissions of both. Whether all of it together is believed is another question (`believe`).
 */
export function unionOf(a: Lists, b: Lists): Lists | undefined {
  const statements = longerOf(a.statements, b.statements);
  const owners = longerOf(a.owners, b.owners);
  if (statements === undefined || owners === undefined) return undefined;
  return { statements, owners, admissions: [...(a.admissions ?? []), ...newIn(a, b)] };
}

/** Whether `more` has something that `less` lacks. Only of a union and one of its parts. */
export const hasMore = (more: Lists, less: Lists): boolean =>
  more.statements.length > less.statements.length ||
  more.owners.length > less.owners.length ||
  newIn(less, more).length > 0;

/** The admissions of `b` that `a` does not have. */
function newIn(a: Lists, b: Lists): readonly Bytes[] {
  const known = new Set(a.admissions?.map(toHex));
  return (b.admissions ?? []).filter((one) => !known.has(toHex(one)));
}

function longerOf(a: readonly Bytes[], b: readonly Bytes[]): readonly Bytes[] | undefined {
  const [shorter, longer] = a.length > b.length ? [b, a] : [a, b];
  return shorter.every((one, i) => equalBytes(one, longer[i] ?? NOTHING)) ? longer : undefined;
}

const NOTHING: Bytes = new Uint8Array();
