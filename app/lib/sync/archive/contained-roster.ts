/**
 * Which rosters of the archive its newest one holds (ARCH-20, ARCH-29). Those of former epochs are sealed with keys that open the
 * archive to nobody any more: whoever may read it reads the newest.
 */
import { ARCHIVE_SEGMENT_OVERHEAD_BYTES } from '../../core/archive-wire.ts';
import { equalBytes, type Bytes } from '../../core/bytes.ts';
import { keysOfEpoch, type RoomKeys } from '../../crypto/room-keys.ts';
import { readRoster, type RosterBytes } from '../../log/roster-codec.ts';
import { epochOf, kindOf, openSealed } from '../../log/seal.ts';
import { nameOf, type Containing } from './contained.ts';

/** A record that has nothing which the newest does not have. */
export interface KeptStatements {
  readonly name: Bytes;
  readonly cost: number;
  /** Whether it is the newest, as it is known here. */
  readonly isNewest: boolean;
}

/** `known`: the statements as this tab knows them. Undefined for every other record. */
export async function statementsOf(
  keys: RoomKeys,
  known: Bytes | undefined,
  sealed: Bytes,
): Promise<KeptStatements | undefined> {
  const epoch = epochOf(sealed);
  const its = epoch === undefined ? undefined : keysOfEpoch(keys, epoch);
  if (known === undefined || its === undefined || kindOf(sealed) !== 'roster') return undefined;
  const opened = await openSealed(its, 'roster', sealed);
  if (!opened.ok || !isBeginningOf(known, opened.value)) return undefined;
  const isNewest = its.epoch === keys.epoch && equalBytes(opened.value, known);
  return { name: await nameOf(sealed), cost: sealed.length + ARCHIVE_SEGMENT_OVERHEAD_BYTES, isNewest };
}

/** What of them can go, where the newest is there. */
export function containingRoster(
  records: readonly KeptStatements[],
  worthBytes: number,
  mostNames: number,
): Containing[] {
  const newest = records.find(({ isNewest }) => isNewest);
  if (newest === undefined) return [];
  const gone = records.filter((one) => one !== newest).slice(0, mostNames);
  const savedBytes = gone.reduce((sum, { cost }) => sum + cost, 0);
  if (gone.length === 0 || savedBytes < worthBytes) return [];
  return [{ by: newest.name, sealed: undefined, names: gone.map(({ name }) => name), savedBytes }];
}

/** Whether one roster goes on from the other, statement for statement. */
function isBeginningOf(known: Bytes, before: Bytes): boolean {
  const [all, some] = [readRoster(known), readRoster(before)];
  if (!all.ok || !some.ok || !equalBytes(all.value.genesis, some.value.genesis)) return false;
  return (['statements', 'owners'] as const satisfies readonly (keyof RosterBytes)[]).every((list) =>
    some.value[list].every((one, i) => {
      const other = all.value[list][i];
      return other !== undefined && equalBytes(one, other);
    }),
  );
}
