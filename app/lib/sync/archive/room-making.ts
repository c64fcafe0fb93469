/**
 * Making room in the archive (ARCH-29): an owner's device reads what counts there, adds long segments for the short ones that it
 * finds, and signs which of them can go. Every step leaves the archive whole, and any of them may be the last.
 */
import { ARCHIVE_SUPERSEDE_NAMES } from '../../core/archive-superseding.ts';
import { ARCHIVE_BATCH_BYTES } from '../../core/archive-wire.ts';
import { equalBytes, type Bytes } from '../../core/bytes.ts';
import type { RoomKeys } from '../../crypto/room-keys.ts';
import type { FrontierRow } from '../../log/frontier.ts';
import type { Genesis } from '../../log/genesis.ts';
import type { ArchiveServer } from './archive-server.ts';
import {
  containingOf,
  NAMES_AT_ONCE,
  pieceOf,
  windowsOf,
  type ContainedOptions,
  type Containing,
  type Piece,
} from './contained.ts';
import { containingRoster, statementsOf, type KeptStatements } from './contained-roster.ts';
import { must, Refused } from './refused.ts';
import { supersedingOf, type Owner } from './registration.ts';

export interface RoomMakingOptions {
  readonly server: ArchiveServer;
  readonly keys: RoomKeys;
  readonly genesis: Genesis;
  readonly owner: Owner;
  readonly atRest: ContainedOptions['atRest'];
  readonly worthBytes: number;
  /** The last seq up to which those of a chain may go, which end there. */
  readonly reachOf: (ends: readonly FrontierRow[]) => number;
  /** The owners' statements as they are known here (ROST-6). */
  readonly roster: Bytes | undefined;
  /** An owner asked for it, who may change their mind after a revert. */
  readonly isAsked?: boolean;
  /** The copy that is meant. */
  readonly instance: Bytes;
  /** Adds segments to it; false where it turned out to be another one. */
  readonly add: (records: readonly Bytes[]) => Promise<boolean>;
  /** Whether nobody needs this tab for anything else: asked between any two steps. */
  readonly isIdle: () => boolean;
}

/** 'reverted': the owner took it back, and it is not done again by itself. 'left': something else came first. */
export type RoomMade = 'done' | 'reverted' | 'left';

/** Opening a segment takes a fraction of a millisecond; after so many, keys and frames come first. */
const SEGMENTS_AT_ONCE = 16;

/** Looks at all that counts, and has go what it can. Rejects with Refused where the server refuses. */
export async function makeRoom(options: RoomMakingOptions): Promise<RoomMade> {
  const { server, instance, isIdle } = options;
  const state = must(await server.superseded());
  if (!equalBytes(state.instance, instance)) return 'left';
  if (state.reverted && options.isAsked !== true) return 'reverted';
  const read = await readAll(options);
  if (read === undefined) return 'left';

  let { counter } = state;
  let round: Containing[] = containingRoster(read.rosters, options.worthBytes, NAMES_AT_ONCE);
  for (const window of windowsOf(read.pieces, options.reachOf)) {
    for (const found of await containingOf(options, window)) {
      if (!isIdle()) return 'left';
      if (!fits([...round, found])) {
        if (!(await supersede(options, ++counter, round))) return 'left';
        round = [];
      }
      round.push(found);
    }
    await breathe();
  }
  if (round.length === 0) return 'done';
  return isIdle() && (await supersede(options, counter + 1, round)) ? 'done' : 'left';
}

interface Read {
  readonly pieces: Piece[];
  readonly rosters: KeptStatements[];
}

/** Everything that counts in the archive and reads, without its words; nothing where it is no time for that any more. */
async function readAll({
  server,
  keys,
  roster,
  instance,
  isIdle,
}: RoomMakingOptions): Promise<Read | undefined> {
  const pieces: Piece[] = [];
  const rosters: KeptStatements[] = [];
  let since = 0;
  for (let more = true; more;) {
    const page = must(await server.livePage(since));
    if (!equalBytes(page.instance, instance)) return undefined;
    if (page.segments.length > 0 && page.next <= since) throw new Refused({ reason: 'later' });
    for (const [i, sealed] of page.segments.entries()) {
      if (i % SEGMENTS_AT_ONCE === 0) await breathe();
      if (!isIdle()) return undefined;
      const piece = await pieceOf(keys, sealed);
      if (piece !== undefined) pieces.push(piece);
      const statements = await statementsOf(keys, roster, sealed);
      if (statements !== undefined) rosters.push(statements);
    }
    ({ next: since, more } = page);
  }
  return { pieces, rosters };
}

/** Adds what stays, then signs what goes: in this order, so that nothing is named by what is not there. */
async function supersede(
  { server, genesis, owner, instance, add }: RoomMakingOptions,
  counter: number,
  round: readonly Containing[],
): Promise<boolean> {
  const fresh = round.flatMap(({ sealed }) => sealed ?? []);
  if (fresh.length > 0 && !(await add(fresh))) return false;
  const said = await server.supersede(await supersedingOf(owner, genesis, counter, instance, round));
  if (said.ok) return true;
  // Another device of an owner was here, or had some of it go: what it left is looked at the next time.
  if (said.error.reason === 'old-counter' || said.error.reason === 'not-kept') return false;
  throw new Refused(said.error);
}

/** Whether they go by one batch and one statement. A batch is far from its cap of segments then. */
function fits(round: readonly Containing[]): boolean {
  const names = round.reduce((sum, one) => sum + 1 + one.names.length, 0);
  const bytes = round.reduce((sum, { sealed }) => sum + (sealed?.length ?? 0), 0);
  return round.length === 1 || (names <= ARCHIVE_SUPERSEDE_NAMES && bytes <= ARCHIVE_BATCH_BYTES);
}

/** Awaiting WebCrypto doesn't let anything else run. */
const breathe = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
