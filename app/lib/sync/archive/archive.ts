/**
 * A room and the archive (docs/spec-archive.md): what it has beyond this device is taken like any peer's, what it lacks is
 * sent once it rests here, and the room's owner has it keep the room. It is never waited for and never believed.
 *
 *   status ──unknown-room or keys of a former epoch, own room──▶ register
 *     └─▶ read, page by page ─▶ send my device's own after 2 s, others' after 30 s ─▶ wait
 */
import type { ArchiveSuperseded } from '../../core/archive-superseding.ts';
import type { ArchiveDeleted } from '../../core/archive-wire.ts';
import { toHex, type Bytes } from '../../core/bytes.ts';
import type { DeviceId } from '../../core/ids.ts';
import { err, type Result } from '../../core/result.ts';
import type { RoomKeys } from '../../crypto/room-keys.ts';
import type { FrontierRow } from '../../log/frontier.ts';
import type { LogStore, StoredSegment } from '../../log/log-store.ts';
import type { OwnersStatement } from '../../log/owners.ts';
import { believe, encodeRoster } from '../../log/roster.ts';
import { openSealed } from '../../log/seal.ts';
import { ArchivedChains } from './archived-chains.ts';
import type { ArchiveProblem, ArchiveServer } from './archive-server.ts';
import { stateAfter, type ArchiveState } from './archive-state.ts';
import { Lacking, WAITS, type Due, type Waits } from './lacking.ts';
import { must, Refused } from './refused.ts';
import { deletionOf, registrationOf, revertOf, type Owner } from './registration.ts';
import { ServerCopy, type ServerCopyOptions } from './server-copy.ts';
import { Turns } from './turns.ts';

export interface ArchiveOptions extends Omit<ServerCopyOptions, 'store'> {
  readonly device: DeviceId;
  /** Where this device has the key of an owner of the room. */
  readonly owner: Owner | undefined;
  readonly store: Pick<LogStore, 'loadFacts' | 'changeFacts' | 'loadArchiveMark' | 'saveArchiveMark'>;
  /** A genesis statement, not verified yet. */
  readonly learn: (genesis: Bytes) => Promise<void>;
  /** Does the work while no other tab of this browser does; it ends with the room. */
  readonly alone: (work: () => Promise<void>) => Promise<void>;
  readonly waits?: Waits;
  readonly room?: RoomWaits;
  readonly random: () => number;
  readonly onChange: () => void;
  readonly onError: (what: string, error: unknown) => void;
}

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

/**
 * What a server says of a change that nobody else was told of. 'taken': another came first. 'unreachable': it says nothing now, or
 * does not keep this room.
 */
export type Claimed = 'claimed' | 'taken' | 'unreachable';

/** Others may have come and gone without meeting this tab. */
const READ_EVERY_MS = 60_000;
/** Read a moment ago is read: what others sent since costs a few segments twice. */
const READ_RECENTLY_MS = 5_000;
/** After what will not change by itself. */
const ASK_AGAIN_MS = 10 * 60_000;
const BACK_OFF_FIRST_MS = 2_000;
const BACK_OFF_MOST_MS = 5 * 60_000;
/** A look at what the leading tab noted. */
const FOLLOW_EVERY_MS = 5_000;

export class Archive {
  readonly #options: ArchiveOptions;
  readonly #turns = new Turns(() => this.#turn());
  readonly #lacking: Lacking;
  readonly #copy: ServerCopy;
  readonly #left = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  #state: ArchiveState = { kind: 'connecting' };
  #readAt = -Infinity;
  /** Whether the next reading begins at 0. */
  #all = false;
  #brought = false;
  #failures = 0;
  /** Whether this tab is the one that asks and sends. */
  #leads = false;
  #resumed = false;
  #met = false;
  #declined = false;
  #hurries = false;
  /** Since `needed` was looked at. */
  #wrote = true;
  /** What has to be there for what was written here to be archived. */
  #needed: readonly FrontierRow[] = [];
  #confirmMs: number;
  #owner: Owner | undefined;
  /** When heads moved last, and when it was last asked whether there is room to be made. */
  #movedAt = now();
  #roomAskedAt = -Infinity;
  /** How many owners statements the server was asked to take, of those known here. */
  #claimed = 0;

  constructor(options: ArchiveOptions) {
    this.#options = options;
    this.#owner = options.owner;
    this.#confirmMs = this.#waits.confirmMs;
    this.#copy = new ServerCopy(options, () => this.#begunAgain(), this.#left.signal);
    this.#lacking = new Lacking({ ...options, waits: this.#waits });
  }

  get state(): ArchiveState {
    return this.#state;
  }

  /** Whether this device has the key of an owner of the room. */
  get owned(): boolean {
    return this.#owner !== undefined;
  }

  /** This device owns the room from now on, or does so no longer. */
  own(owner: Owner | undefined): void {
    this.#owner = owner;
    this.#met = false;
    this.refresh();
    this.#options.onChange();
  }

  /**
   * Tells the server who owns the room, with statements that are not told to anybody else yet (ARCH-22). 'taken': it knows of others,
   * and what it knows is looked at like any news. 'unreachable': it says nothing now, or does not keep this room.
   */
  claimOwners(owners: readonly OwnersStatement[]): Promise<Claimed> {
    return this.#turns.between(() => this.#claim(owners));
  }

  /**
   * Gives the server the keys of an epoch that is not told to anybody else yet: of two owners that begin one at the same time it takes
   * the first (ARCH-5).
   */
  claimEpoch(next: RoomKeys): Promise<Claimed> {
    return this.#turns.between(() => this.#claimEpoch(next));
  }

  /** Whether everything it has was read once, and that was something. */
  get brought(): boolean {
    return this.#brought;
  }

  /** Begins, in one of a browser's tabs; the others look at what that one has noted on the device. */
  start(): void {
    this.#turns.start();
    this.#options
      .alone(async () => {
        this.#leads = true;
        this.#turns.wakeIn(0);
        await this.#ended.promise;
      })
      .catch((error: unknown) => this.#options.onError('the archive', error));
  }

  /** Heads moved here. `own`: something was written in this tab, and is not archived before all that it follows is. */
  touched(own: boolean): void {
    this.#wrote ||= own;
    this.#movedAt = now();
    const { kind } = this.#state;
    if (kind !== 'current' && kind !== 'behind') return;
    const mine = own || (kind === 'behind' && this.#state.mine);
    this.#tell({ kind: 'behind', mine });
    this.#turns.wakeIn(this.#waits.ownMs);
  }

  /** Sends my own now: this tab may be put to sleep. */
  hurry(): void {
    if (this.#state.kind !== 'behind') return;
    this.#hurries = true;
    this.#turns.wakeIn(0);
  }

  /** Asks again now: the network is back, or something that was here is missing. `all`: from the beginning. */
  refresh(all = false): void {
    // Not the cursor itself: a page may be on its way.
    this.#all ||= all;
    this.#readAt = -Infinity;
    this.#failures = 0;
    this.#turns.wakeIn(0);
  }

  /**
   * Has the archive forget the room, and keeps this device from having it kept again. Only with the owner's key. Where it is
   * refused everything is as it was; where nothing is answered it is asked again, until the server says that it is gone.
   */
  async delete(): Promise<Result<ArchiveDeleted, ArchiveProblem>> {
    const deleted = await this.#turns.between(() => this.#delete());
    this.refresh();
    return deleted;
  }

  /** Has the archive keep all that was superseded and is still there; nothing more is, until an owner says so elsewhere. Only with the owner's key. */
  takeBack(): Promise<Result<ArchiveSuperseded, ArchiveProblem>> {
    return this.#turns.between(() => this.#takeBack());
  }

  /** Has the archive keep the room after all. */
  async keep(): Promise<void> {
    await this.#turns.between(() => this.#decline(false));
    this.refresh();
  }

  async close(): Promise<void> {
    this.#left.abort();
    this.#options.server.close();
    this.#ended.resolve();
    await this.#turns.close();
  }

  async #turn(): Promise<number> {
    try {
      const waitMs = await (this.#leads ? this.#lead() : this.#follow());
      this.#failures = 0;
      return waitMs;
    } catch (error) {
      return this.#after(error);
    }
  }

  /** Another tab of this browser does the work. */
  async #follow(): Promise<number> {
    const { store } = this.#options;
    const [mark, facts] = [await store.loadArchiveMark(), await store.loadFacts()];
    if (facts.noArchive === true) this.#tell({ kind: 'declined' });
    else if (mark !== undefined) this.#tellHowFar(new ArchivedChains(mark.ends));
    return FOLLOW_EVERY_MS;
  }

  /** Everything there is to do now; how long to wait until the next look. */
  async #lead(): Promise<number> {
    const { store } = this.#options;
    if (!this.#resumed) await this.#resumeHere();
    // Another tab of this browser may have had it forgotten, or kept again.
    const declined = (await store.loadFacts()).noArchive === true;
    if (declined !== this.#declined) this.#met = false;
    this.#declined = declined;
    if (declined) {
      if (!this.#met) await this.#seeItGone();
      this.#tell({ kind: 'declined' });
      return FOLLOW_EVERY_MS;
    }
    if (!this.#met) await this.#meet();
    const confirms =
      this.#state.kind === 'behind' && this.#state.mine && now() - this.#readAt >= this.#confirmMs;
    if (confirms) this.#confirmMs = Math.min(this.#confirmMs * 2, READ_EVERY_MS);
    if (confirms || now() - this.#readAt >= READ_EVERY_MS) await this.#read();
    const hurries = this.#hurries;
    this.#hurries = false;
    let due = this.#due(hurries);
    // Somebody may have sent it meanwhile.
    if (due.others.length > 0 && now() - this.#readAt > READ_RECENTLY_MS) {
      await this.#read();
      due = this.#due(hurries);
    }
    let { waitMs } = due;
    if (due.own.length + due.others.length > 0) {
      await this.#send([...due.own, ...due.others]);
      // More may have been written meanwhile; what can't be sent now is tried at the next look.
      ({ waitMs } = this.#due(false));
    }
    const readAgainMs = this.#tellHowFar(this.#copy.archived) ? this.#confirmMs : READ_EVERY_MS;
    await this.#makeRoomAtRest();
    return Math.min(waitMs, this.#readAt + readAgainMs - now());
  }

  /** Where the room is full there, its owner's device makes room first. */
  async #send(due: readonly FrontierRow[]): Promise<void> {
    try {
      await this.#copy.send(due);
    } catch (error) {
      const isFull = error instanceof Refused && error.problem.reason === 'room-full';
      if (!isFull || !(await this.#makeRoom(() => !this.#left.signal.aborted))) throw error;
      await this.#copy.send(due);
    }
  }

  /** In a pause, and when enough has come since the last time (ARCH-29). Nobody waits for it, and what fails is tried another time. */
  async #makeRoomAtRest(): Promise<void> {
    const { restMs, everyMs, grownBytes } = this.#room;
    const isIdle = (): boolean =>
      this.#state.kind === 'current' && now() - this.#movedAt >= restMs && !this.#left.signal.aborted;
    if (this.#owner === undefined || !isIdle() || now() - this.#roomAskedAt < everyMs) return;
    this.#roomAskedAt = now();
    try {
      const { bytes } = must(await this.#options.server.status());
      const { tidied } = this.#copy;
      if (bytes - tidied >= Math.max(grownBytes, tidied / 8)) await this.#makeRoom(isIdle);
    } catch (error) {
      if (!(error instanceof Refused)) this.#options.onError('making room in the archive', error);
    }
  }

  /** Whether it could look through all of it. */
  async #makeRoom(isIdle: () => boolean): Promise<boolean> {
    const { server, keys, log, readChain, mayBeSent } = this.#options;
    const owner = this.#owner;
    const { instance } = this.#copy;
    const { genesis } = log;
    if (!owner || !keys.seeds.e || !genesis || !instance) return false;
    const { makeRoom } = await import('./room-making.ts');
    const made = await makeRoom({
      server,
      keys,
      genesis,
      owner,
      instance,
      isIdle,
      worthBytes: this.#room.worthBytes,
      add: (records) => this.#copy.addSquashed(records),
      atRest: async ({ session, channel }, fromSeq) => {
        const stored: StoredSegment[] = [];
        for (const segment of await readChain(session, channel, fromSeq))
          if (await mayBeSent(segment)) stored.push(segment);
        return stored;
      },
    });
    if (made === 'done') await this.#copy.tidiedTo(must(await server.status()).bytes);
    return made === 'done';
  }

  async #takeBack(): Promise<Result<ArchiveSuperseded, ArchiveProblem>> {
    const { server, log } = this.#options;
    const owner = this.#owner;
    if (owner === undefined || log.genesis === undefined) return err({ reason: 'bad-proof' });
    const state = await server.superseded();
    if (!state.ok) return state;
    const { counter, instance } = state.value;
    return server.revert(await revertOf(owner, log.genesis, counter + 1, instance));
  }

  #due(hurries: boolean): Due {
    return this.#lacking.due(this.#copy.archived, now(), hurries);
  }

  /** What this device remembers of the archive. */
  async #resumeHere(): Promise<void> {
    const { store } = this.#options;
    const mark = await store.loadArchiveMark();
    if (mark !== undefined) this.#copy.resume(mark);
    this.#resumed = true;
  }

  async #meet(): Promise<void> {
    const { server, keys, log, roster, learn } = this.#options;
    const owner = this.#owner;
    if (owner && roster.owners.length > this.#claimed) await this.#claim(roster.owners);
    let answer = await server.status();
    const refusal = answer.ok ? undefined : answer.error.reason;
    const unknown = refusal === 'unknown-room';
    if (unknown) await this.#copy.forget();
    // In the first epoch there are no older keys that it could have.
    // Who came by a lesser link can't name the editors' key.
    if (owner && keys.seeds.e && (unknown || (refusal === 'wrong-key' && keys.epoch > 0)))
      answer = (await this.#register(owner, 0)) ?? answer;
    const { instance, cursor, blob } = must(answer);
    this.#copy.meet(instance, cursor);
    if (log.genesis === undefined && blob.length > 0) {
      const genesis = await openSealed(keys, 'genesis', blob);
      if (genesis.ok) await learn(genesis.value);
    }
    this.#met = true;
  }

  async #register(
    owner: Owner,
    counter: number,
  ): Promise<Awaited<ReturnType<ArchiveServer['register']>> | undefined> {
    const { server, keys, log, store } = this.#options;
    // A tab that stayed behind would give the archive back to those who were removed.
    const isBehind = ((await store.loadFacts()).roster?.length ?? 0) > keys.epoch;
    if (log.genesis === undefined || isBehind) return undefined;
    const answer = await server.register(await registrationOf(owner, keys, log.genesis, counter + 1));
    // A deletion came before, or another server's copy of this one: above its counter ours is new.
    const newer = answer.ok ? undefined : answer.error.counter;
    return newer !== undefined && newer > counter ? this.#register(owner, newer) : answer;
  }

  async #claim(owners: readonly OwnersStatement[]): Promise<Claimed> {
    const { server, log, roster } = this.#options;
    if (log.genesis === undefined) return 'unreachable';
    const statements = owners.map(({ bytes }) => bytes);
    const kept = await server.owners({ founder: log.genesis.ownerPublicKey, statements });
    if (!kept.ok) return 'unreachable';
    this.#claimed = Math.max(this.#claimed, owners.length);
    const textOf = (list: readonly Bytes[]): string => list.map(toHex).join();
    const [there, here] = [textOf(kept.value), textOf(statements)];
    if (there === here) return 'claimed';
    const epochs = log.statements.map(({ bytes }) => bytes);
    const { fault } = await believe(log.genesis, { statements: epochs, owners: kept.value });
    // A server that makes something up, or keeps less than it was told, does not keep anybody from anything.
    if (fault !== undefined || here.startsWith(there)) return 'unreachable';
    await roster.heard(encodeRoster({ genesis: log.genesis.bytes, statements: [], owners: kept.value }));
    return 'taken';
  }

  async #claimEpoch(next: RoomKeys): Promise<Claimed> {
    const { server, log } = this.#options;
    const owner = this.#owner;
    const status = await server.status();
    if (!status.ok) return status.error.reason === 'wrong-key' ? 'taken' : 'unreachable';
    if (owner === undefined || log.genesis === undefined || this.#declined) return 'unreachable';
    const registration = await registrationOf(owner, next, log.genesis, status.value.counter + 1);
    const answer = await server.register(registration);
    if (answer.ok) return 'claimed';
    const { reason } = answer.error;
    return reason === 'old-counter' || reason === 'other-roster' ? 'taken' : 'unreachable';
  }

  async #read(): Promise<void> {
    const { keys, log, server, onChange } = this.#options;
    this.#readAt = now();
    if (log.genesis === undefined) {
      if (keys.epoch === 0) return;
      const { instance, cursor } = must(await server.status());
      this.#copy.meet(instance, cursor);
      return this.#copy.seekRoster(cursor);
    }
    if (this.#all) this.#copy.rewind();
    this.#all = false;
    await this.#copy.read();
    await this.#copy.sendRoster();
    this.#brought ||= log.frontier().length > 0;
    onChange();
  }

  /** Nothing counts as archived until it was read again. */
  #begunAgain(): void {
    this.#readAt = -Infinity;
    const { kind } = this.#state;
    if (kind === 'current' || kind === 'behind') this.#tell({ kind: 'behind', mine: true });
  }

  async #delete(): Promise<Result<ArchiveDeleted, ArchiveProblem>> {
    const { server, log } = this.#options;
    const owner = this.#owner;
    if (owner === undefined || log.genesis === undefined) return err({ reason: 'bad-proof' });
    const status = await server.status();
    if (!status.ok) return status;
    const { counter, instance } = status.value;
    await this.#decline(true);
    const deleted = await server.delete(await deletionOf(owner, log.genesis, counter + 1, instance));
    if (deleted.ok) await this.#copy.forget();
    // An answer that did not come may have been "done": whether it was is seen at the next turn, and it is asked again.
    else if (stateAfter(deleted.error.reason).kind !== 'unreachable') await this.#decline(false);
    return deleted;
  }

  /** The owner wanted it forgotten: that is so only when the server says so. */
  async #seeItGone(): Promise<void> {
    const { server, log } = this.#options;
    const owner = this.#owner;
    const status = await server.status();
    const reason = status.ok ? undefined : status.error.reason;
    if (reason !== 'unknown-room' && reason !== 'off') {
      const { counter, instance } = must(status);
      if (owner === undefined || log.genesis === undefined) throw new Refused({ reason: 'bad-proof' });
      must(await server.delete(await deletionOf(owner, log.genesis, counter + 1, instance)));
    }
    await this.#copy.forget();
    this.#met = true;
  }

  async #decline(declined: boolean): Promise<void> {
    const { store } = this.#options;
    await store.changeFacts(({ noArchive: _, ...facts }) => ({
      ...facts,
      ...(declined && { noArchive: true }),
    }));
    this.#resumed = this.#met = false;
  }

  /** What a failed turn means, and how long to leave the server alone. */
  #after(error: unknown): number {
    if (this.#left.signal.aborted) return ASK_AGAIN_MS;
    const problem: ArchiveProblem = error instanceof Refused ? error.problem : { reason: 'later' };
    if (!(error instanceof Refused)) this.#options.onError('the archive', error);
    this.#met = false;
    this.#readAt = -Infinity;
    this.#failures++;
    const state = stateAfter(problem.reason);
    this.#tell(state);
    // The owner's device brings the new keys there as soon as it is here.
    if (state.kind !== 'unreachable' && state.kind !== 'new-keys')
      return problem.retryAfterMs ?? ASK_AGAIN_MS;
    const backOffMs = Math.min(BACK_OFF_FIRST_MS * 2 ** (this.#failures - 1), BACK_OFF_MOST_MS);
    return Math.max(problem.retryAfterMs ?? 0, backOffMs * (0.5 + this.#options.random()));
  }

  get #room(): RoomWaits {
    return this.#options.room ?? ROOM_WAITS;
  }

  get #waits(): Waits {
    return this.#options.waits ?? WAITS;
  }

  /** Whether it lacks something of what was written here and what that follows. */
  #tellHowFar(archived: ArchivedChains): boolean {
    const rows = this.#options.log.frontier();
    if (this.#wrote) this.#needed = rows;
    this.#wrote = false;
    const mine = !archived.hasAll(this.#needed);
    if (!mine) this.#confirmMs = this.#waits.confirmMs;
    this.#tell(archived.hasAll(rows) ? { kind: 'current' } : { kind: 'behind', mine });
    return mine;
  }

  #tell(state: ArchiveState): void {
    if (JSON.stringify(state) === JSON.stringify(this.#state)) return;
    this.#state = state;
    if (!this.#left.signal.aborted) this.#options.onChange();
  }
}

const now = (): number => performance.now();
