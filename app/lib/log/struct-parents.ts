/**
 * Which list each struct of a chain stands in, so that an insertion between two lists can be told (ACC-11). Runs of
 * equal parents are one record: typing in one file is one record however long.
 */
import type { CheckedStruct } from './struct-check.ts';

/** Names one list: a root or a type's id, and the key for values of a map. '' is no list at all (GC). */
export type ParentKey = string;

export class StructParents {
  readonly starts: number[] = [];
  readonly keys: ParentKey[] = [];

  /** The list of the struct at that clock; '' for clocks that hold none. */
  at(clock: number): ParentKey {
    let [low, high] = [0, this.starts.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.starts[middle] ?? 0) <= clock) low = middle + 1;
      else high = middle;
    }
    return this.keys[low - 1] ?? '';
  }

  add(clock: number, key: ParentKey): void {
    if (this.keys.at(-1) === key) return;
    this.starts.push(clock);
    this.keys.push(key);
  }
}

/**
 * The lists of the structs of one update, whose dependencies are all applied; undefined when one stands between two
 * lists: Yjs then puts it where what was collected meanwhile decides, and replicas part.
 */
export function parentsOf(
  structs: readonly CheckedStruct[],
  client: number,
  known: (client: number) => StructParents | undefined,
): ParentKey[] | undefined {
  // What one struct names is all older than itself.
  const own = structs.length > 1 ? new StructParents() : undefined;
  const from = structs[0]?.clock ?? 0;
  const at = ([idClient, clock]: readonly [number, number]): ParentKey =>
    own !== undefined && idClient === client && clock >= from
      ? own.at(clock)
      : (known(idClient)?.at(clock) ?? '');
  const keys: ParentKey[] = [];
  for (const { clock, origin, rightOrigin, parent } of structs) {
    const key = origin ? at(origin) : rightOrigin ? at(rightOrigin) : parent;
    if (origin && rightOrigin && at(rightOrigin) !== key) return undefined;
    own?.add(clock, key);
    keys.push(key);
  }
  return keys;
}
