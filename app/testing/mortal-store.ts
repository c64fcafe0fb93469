/** A LogStore whose tab can die: after that nothing it does reaches the disk, and nothing is answered any more. */
import type { LogStore } from '../lib/log/log-store.ts';

export type Moment =
  /** The tab died before the disk heard of it. */
  | 'before'
  /** The disk has it, and the tab never learnt that. */
  | 'after';

/** Counts what is asked of a disk, and dies at the `nth` request (from 0), before or after it took effect. */
export function mortalStore(
  disk: LogStore,
  nth: number,
  moment: Moment,
): { store: LogStore; readonly dead: boolean; die: () => void } {
  let asked = 0;
  const state = { dead: false };
  const never = new Promise<never>(() => undefined);
  const mortal = async <T>(effect: () => Promise<T>): Promise<T> => {
    if (state.dead) return never;
    const dies = asked++ === nth;
    if (dies && moment === 'before') state.dead = true;
    if (state.dead) return never;
    const result = await effect();
    if (dies) state.dead = true;
    return state.dead ? never : result;
  };
  return {
    store: {
      kind: disk.kind,
      loadFacts: () => disk.loadFacts(),
      changeFacts: (change) => mortal(() => disk.changeFacts(change)),
      saveFacts: (facts) => mortal(() => disk.saveFacts(facts)),
      append: (segments) => mortal(() => disk.append(segments)),
      readChain: (...chain) => disk.readChain(...chain),
      chainEnds: () => disk.chainEnds(),
      readAll: (maxBytes) => disk.readAll(maxBytes),
      addresses: () => disk.addresses(),
      quarantine: (damaged) => mortal(() => disk.quarantine(damaged)),
      quarantined: () => disk.quarantined(),
      forgetQuarantined: (addresses) => mortal(() => disk.forgetQuarantined(addresses)),
      replace: (shorter, longer) => mortal(() => disk.replace(shorter, longer)),
      refile: (segment, name, keepOld) => mortal(() => disk.refile(segment, name, keepOld)),
      loadArchiveMark: () => disk.loadArchiveMark(),
      saveArchiveMark: (mark) => mortal(() => disk.saveArchiveMark(mark)),
      loadSnapshot: () => disk.loadSnapshot(),
      saveSnapshot: (snapshot) => mortal(() => disk.saveSnapshot(snapshot)),
      dropSnapshot: () => mortal(() => disk.dropSnapshot()),
      destroy: () => disk.destroy(),
      close: () => undefined,
    },
    get dead() {
      return state.dead;
    },
    /** Something else ended the tab. */
    die: () => {
      state.dead = true;
    },
  };
}
