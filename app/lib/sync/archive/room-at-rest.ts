/**
 * When an owner's device makes room in the archive (ARCH-29): in a pause when enough has come, at once where it is full, or when
 * the owner says so; and how full it is, what is set to go from it, and that it is to stay (ARCH-26, ARCH-27).
 */
import type { ArchiveSuperseded } from '../../core/archive-superseding.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { RoomKeys } from '../../crypto/room-keys.ts';
import type { StoredSegment } from '../../log/log-store.ts';
import type { RoomLog } from '../../log/room-log.ts';
import type { ArchiveProblem, ArchiveServer } from './archive-server.ts';
import { reachIn, type FormerLog } from './former-chains.ts';
import type { OwnerHere } from './owner-here.ts';
import { must, Refused } from './refused.ts';
import { revertOf } from './registration.ts';
import type { RoomMade } from './room-making.ts';
import type { ServerCopy, ServerCopyOptions } from './server-copy.ts';

/** When an owner's device looks whether short segments can go (ARCH-29). */
export interface RoomWaits {
  /** After nothing has moved for so long: a team that sits together types without such a pause. */
  readonly restMs: number;
  /** Not more often. */
  readonly everyMs: number;
  /** Once what counts has grown by so much, and by an eighth of what was left the last time: over an hour of one person's typing. */
  readonly grownBytes: number;
  /** What a long segment has to save: less than eight short ones are not worth a statement. */
  readonly worthBytes: number;
}
const ROOM_WAITS: RoomWaits = {
  restMs: 60_000,
  everyMs: 10 * 60_000,
  grownBytes: 512 * 1024,
  worthBytes: 4 * 1024,
};

/** How full the room's share of the archive is, and what is set to go from it. */
export interface ArchiveSpace {
  /** What counts there now, and how much may. */
  readonly bytes: number;
  readonly quota: number;
  readonly waiting: Pick<ArchiveSuperseded, 'segments' | 'bytes' | 'goesAt' | 'reverted'>;
}

export interface RoomAtRestOptions extends Pick<ServerCopyOptions, 'readChain' | 'mayBeSent' | 'roster'> {
  readonly server: ArchiveServer;
  readonly keys: RoomKeys;
  readonly log: FormerLog & Pick<RoomLog, 'genesis'>;
  readonly room?: RoomWaits;
  readonly onError: (what: string, error: unknown) => void;
}

export class RoomAtRest {
  readonly #options: RoomAtRestOptions;
  readonly #owner: OwnerHere;
  readonly #copy: Pick<ServerCopy, 'instance' | 'tidied' | 'tidiedTo' | 'addSquashed'>;
  /** Whether everything is archived, and whether this tab still has the room open. */
  readonly #isCurrent: () => boolean;
  readonly #isHere: () => boolean;
  /** When heads moved last, and when it was last asked whether there is room to be made. */
  #movedAt = performance.now();
  #askedAt = -Infinity;

  constructor(
    options: RoomAtRestOptions,
    owner: OwnerHere,
    copy: Pick<ServerCopy, 'instance' | 'tidied' | 'tidiedTo' | 'addSquashed'>,
    isCurrent: () => boolean,
    left: AbortSignal,
  ) {
    this.#options = options;
    this.#owner = owner;
    this.#copy = copy;
    this.#isCurrent = isCurrent;
    this.#isHere = () => !left.aborted;
  }

  /** Heads moved here. */
  moved(): void {
    this.#movedAt = performance.now();
  }

  /** In a pause, and when enough has come since the last time. Nobody waits for it, and what fails is tried another time. */
  async makeAtRest(): Promise<void> {
    const { restMs, everyMs, grownBytes } = this.#waits;
    const isIdle = (): boolean =>
      this.#isHere() && this.#isCurrent() && performance.now() - this.#movedAt >= restMs;
    if (!this.#owner.key || !isIdle() || performance.now() - this.#askedAt < everyMs) return;
    this.#askedAt = performance.now();
    try {
      const { bytes } = must(await this.#options.server.status());
      const { tidied } = this.#copy;
      if (bytes - tidied >= Math.max(grownBytes, tidied / 8)) await this.#make(isIdle);
    } catch (error) {
      if (!(error instanceof Refused)) this.#options.onError('making room in the archive', error);
    }
  }

  /** Where the room is full there. Whether it could look through all of it. */
  async makeNow(): Promise<boolean> {
    return (await this.#make(this.#isHere)) === 'done';
  }

  /** As Archive.makeRoom. */
  async makeAsAsked(): Promise<Result<RoomMade, ArchiveProblem>> {
    try {
      const made = await this.#make(this.#isHere, true);
      return made === undefined ? err({ reason: 'bad-proof' }) : ok(made);
    } catch (error) {
      if (error instanceof Refused) return err(error.problem);
      throw error;
    }
  }

  /** As Archive.space. */
  async space(): Promise<Result<ArchiveSpace, ArchiveProblem>> {
    const { server } = this.#options;
    const status = await server.status();
    if (!status.ok) return status;
    const waiting = await server.superseded();
    if (!waiting.ok) return waiting;
    const { bytes, quota } = status.value;
    return ok({ bytes, quota, waiting: waiting.value });
  }

  /** As Archive.takeBack. */
  takeBack(): Promise<Result<ArchiveSuperseded, ArchiveProblem>> {
    const { server } = this.#options;
    return this.#owner.signs(async (owner, genesis) => {
      const state = await server.superseded();
      if (!state.ok) return state;
      const { instance } = state.value;
      const revert = async (last: number): Promise<Result<ArchiveSuperseded, ArchiveProblem>> => {
        const said = await server.revert(await revertOf(owner, genesis, last + 1, instance));
        // Another device of an owner had more go just now: that is to stay, too.
        const newer = said.ok ? undefined : said.error.counter;
        return newer !== undefined && newer > last ? revert(newer) : said;
      };
      return revert(state.value.counter);
    });
  }

  /** What became of it; nothing where this device may not. */
  async #make(isIdle: () => boolean, isAsked = false): Promise<RoomMade | undefined> {
    const { server, keys, log, roster, readChain, mayBeSent } = this.#options;
    const owner = this.#owner.key;
    const { genesis } = log;
    if (!owner || !keys.seeds.e || !genesis) return undefined;
    const instance = this.#copy.instance ?? must(await server.status()).instance;
    const { makeRoom } = await import('./room-making.ts');
    const made = await makeRoom({
      server,
      keys,
      genesis,
      owner,
      instance,
      isIdle,
      isAsked,
      reachOf: reachIn(log, keys.epoch),
      roster: roster.known,
      worthBytes: this.#waits.worthBytes,
      add: (records) => this.#copy.addSquashed(records),
      atRest: async ({ session, channel }, fromSeq) => {
        const stored: StoredSegment[] = [];
        for (const segment of await readChain(session, channel, fromSeq))
          if (await mayBeSent(segment)) stored.push(segment);
        return stored;
      },
    });
    if (made === 'done') await this.#copy.tidiedTo(must(await server.status()).bytes);
    return made;
  }

  get #waits(): RoomWaits {
    return this.#options.room ?? ROOM_WAITS;
  }
}
