/**
 * From one epoch to the next: what this device keeps of it before the room is opened again with the new keys (ROST-12).
 * A crash at any point leaves the room in the old epoch, where the statement is heard again, or in the new one with all
 * that is to be carried.
 */
import { toHex, type Bytes } from '../core/bytes.ts';
import type { Role } from '../core/ids.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { maySign } from '../log/format.ts';
import { chainKey, decodeFrontier, encodeFrontier, partsOf, type FrontierRow } from '../log/frontier.ts';
import type { LogStore, RoomFacts } from '../log/log-store.ts';
import { MAX_ADMISSIONS, type RosterBytes } from '../log/roster-codec.ts';
import type { Roster } from '../log/roster.ts';
import { epochOf } from '../log/seal.ts';
import { readLone } from './lone-segment.ts';

/**
 * Stores the roster, and which of `held` (where the chains of former epochs stand here) no closed frontier reaches: to be
 * carried into the new epoch. A longer roster that another tab of this device stored stays.
 */
export async function moveOn(
  store: LogStore,
  { genesis, statements, owners, admissions }: Roster,
  held: readonly FrontierRow[],
): Promise<void> {
  // Made under the old epoch, where more may have counted than counts now.
  await store.dropSnapshot();
  const beyond = beyondStatements(statements, held);
  const roster = statements.map(({ bytes }) => bytes);
  const owned = owners.map(({ bytes }) => bytes);
  await store.changeFacts((facts) => ({
    ...keptWith(facts, { owners: owned, admissions: admissions?.map(({ bytes }) => bytes) ?? [] }),
    genesis: genesis.bytes,
    roster: (facts.roster?.length ?? 0) > roster.length ? (facts.roster ?? roster) : roster,
    carry: inParts([...rowsIn(facts.carry), ...beyond]),
  }));
}

/** What another tab of this device stored stays: a longer list of owners, and every admission. What of it counts is found at the next opening. */
export function keptWith(
  facts: RoomFacts,
  { owners, admissions = [] }: Pick<RosterBytes, 'owners' | 'admissions'>,
): RoomFacts {
  const all = new Map([...(facts.admissions ?? []), ...admissions].map((one) => [toHex(one), one]));
  return {
    ...facts,
    ...(owners.length > (facts.owners?.length ?? 0) && { owners }),
    ...(all.size > 0 && { admissions: [...all.values()].slice(-MAX_ADMISSIONS) }),
  };
}

/** Of these rows, what no closed frontier names: one that names the chain otherwise may be another story's (FORK-1). */
export function beyondStatements(
  statements: Roster['statements'],
  rows: readonly FrontierRow[],
): FrontierRow[] {
  const closed = new Set(statements.flatMap((statement) => statement.closed).map(nameOf));
  return rows.filter((row) => !closed.has(nameOf(row)));
}

/** How many entries these rows have that the closed frontiers don't reach. */
export function countBeyond(statements: Roster['statements'], rows: readonly FrontierRow[]): number {
  const closed = closedSeqs(statements);
  return rows.reduce((sum, row) => sum + Math.max(0, row.seq - (closed.get(chainKey(row)) ?? 0)), 0);
}

function closedSeqs(statements: Roster['statements']): ReadonlyMap<string, number> {
  const closed = new Map<string, number>();
  for (const row of statements.flatMap((statement) => statement.closed))
    closed.set(chainKey(row), Math.max(row.seq, closed.get(chainKey(row)) ?? 0));
  return closed;
}

/** What `facts` say is to be carried, as far as a holder of `role` may. */
export const toCarry = ({ carry }: RoomFacts, role: Role): FrontierRow[] =>
  rowsIn(carry).filter(({ channel }) => maySign(role, channel));

/** These rows are part of the room now, and need not be carried again; others may be later, with a role that lets this device. */
export async function noteCarried(store: LogStore, rows: readonly FrontierRow[]): Promise<void> {
  const carried = new Set(rows.map(nameOf));
  await store.changeFacts(({ carry, ...facts }) => {
    const rest = rowsIn(carry).filter((row) => !carried.has(nameOf(row)));
    return { ...facts, ...(rest.length > 0 && { carry: inParts(rest) }) };
  });
}

/** Where the chains of an epoch's sessions stand that rest here, without folding anything: for a device that opens the room by a link of a later epoch. */
export async function storedFrontier(store: LogStore, keys: RoomKeys): Promise<FrontierRow[]> {
  const rows: FrontierRow[] = [];
  for (const { session, channel, last } of await store.chainEnds()) {
    for (const { sealed } of await store.readChain(session, channel, last)) {
      const lone = epochOf(sealed) === keys.epoch ? await readLone(keys, sealed) : undefined;
      if (lone?.last === last) rows.push(lone.row);
    }
  }
  return rows;
}

const nameOf = (row: FrontierRow): string => `${chainKey(row)}/${row.seq}/${toHex(row.hash)}`;

/** Each row once, as it rests. */
const inParts = (rows: readonly FrontierRow[]): Bytes[] =>
  partsOf([...new Map(rows.map((row) => [nameOf(row), row])).values()]).map(encodeFrontier);

const rowsIn = (carry: readonly Bytes[] = []): FrontierRow[] =>
  carry.flatMap((part) => {
    const rows = decodeFrontier(part);
    return rows.ok ? rows.value : [];
  });
