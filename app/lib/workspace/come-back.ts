/** A device that is out of a room, until an owner lets it in again: what it hears at the door it stores only if that leads in (ROST-44). */
import type { RoomLink } from '../crypto/links.ts';
import type { OwnSession } from '../log/certificate.ts';
import { readRoster } from '../log/roster-codec.ts';
import { unionOf } from '../log/roster-union.ts';
import { believe, bytesOf } from '../log/roster.ts';
import { equalBytes, type Bytes } from '../core/bytes.ts';
import { knock } from '../sync/knock.ts';
import { moveOn } from '../sync/move-on.ts';
import type { Transport } from '../sync/transport.ts';
import type { Here } from './next-epoch.ts';
import { wayIn } from './way-in.ts';

export interface ComeBackOptions extends Omit<Here, 'replica'> {
  readonly session: OwnSession;
  readonly transports: readonly Transport[];
  /** The way is open and stored; told once. */
  readonly onIn: (link: RoomLink) => void;
}

/** Waits at the door until it is told to stop, or has been let in. */
export function waitToComeBack(options: ComeBackOptions): () => Promise<void> {
  const { way, session, transports, onIn } = options;
  let done = false;
  const stop = knock({
    keys: way.keys,
    session,
    transports,
    onRoster: async (roster) => {
      const link = done ? undefined : await linkIn(options, roster);
      if (link === undefined || done) return;
      done = true;
      await stop();
      onIn(link);
    },
    onError: (what, error) => console.warn(`CodeFace: ${what}`, error),
  });
  return async () => {
    done = true;
    await stop();
  };
}

async function linkIn(
  { store, known, link, device, remembered }: ComeBackOptions,
  heard: Bytes,
): Promise<RoomLink | undefined> {
  const read = readRoster(heard);
  const { genesis, ...here } = known;
  if (!read.ok || genesis === undefined || !equalBytes(read.value.genesis, genesis.bytes)) return undefined;
  const union = unionOf(bytesOf({ genesis, ...here }), read.value);
  const believed = union && (await believe(genesis, union));
  if (believed === undefined || believed.fault !== undefined) return undefined;
  const way = await wayIn(link, believed, device, remembered);
  if (!way.ok || way.value.kind !== 'in') return undefined;
  // All that was written here is noted already, to be carried by whoever may.
  await moveOn(store, believed, []);
  return way.value.link;
}
