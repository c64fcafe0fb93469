// Loaded into a server before its own code (`--import`), so that no server needs code for being measured: what it uses.
import { Session } from 'node:inspector/promises';
import { selfTimes } from '../profile.ts';
import { openDoor } from './door.ts';

const session = new Session();

const door = {
  residentBytes: (): number => process.memoryUsage.rss(),

  /** Processor time of all its threads since it began. */
  processorMicroseconds: (): number => {
    const { user, system } = process.cpuUsage();
    return user + system;
  },

  /** Needs `--expose-gc`. */
  collectGarbage: (): void => void globalThis.gc?.(),

  startProfile: async (): Promise<void> => {
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
  },

  /** Self time by function since `startProfile`, divided by `times`. */
  takeProfile: async (times: number): Promise<string[]> => {
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    return selfTimes(profile, times, 'µs');
  },
};

export type UsageDoor = typeof door;

openDoor(door);
