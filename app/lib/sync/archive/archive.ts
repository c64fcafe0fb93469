/**
 * A room and the archive (docs/spec-archive.md): what it has beyond this device is taken like any peer's, what it lacks is
 * sent once it rests here. It is never waited for and never believed. What takes an owner's signature is in claims.ts,
 * forgetting.ts and room-at-rest.ts; this is whose turn it is, and what is told of it.
 *
 *   status ──unknown-room or keys of a former epoch, own room──▶ register
 *     └─▶ read, page by page ─▶ send my device's own after 2 s, others' after 30 s ─▶ wait
 */
import type { ArchiveSuperseded } from '../../core/archive-superseding.ts';
import type { ArchiveDeleted } from '../../core/archive-wire.ts';
import type { Bytes } from '../../core/bytes.ts';
import type { DeviceId } from '../../core/ids.ts';
import type { Result } from '../../core/result.ts';
import type { RoomKeys } from '../../crypto/room-keys.ts';
import type { FrontierRow } from '../../log/frontier.ts';
import type { LogStore } from '../../log/log-store.ts';
import type { OwnersStatement } from '../../log/owners.ts';
import { openSealed } from '../../log/seal.ts';
import { ArchivedChains } from './archived-chains.ts';
import type { ArchiveProblem } from './archive-server.ts';
import { stateAfter, type ArchiveState } from './archive-state.ts';
import { CheckpointAtRest, type CheckpointWaits } from './checkpoint-at-rest.ts';
import { Claims, type Claimed } from './claims.ts';
import { EarlyCheckpoint } from './early-checkpoint.ts';
import { Forgetting } from './forgetting.ts';
import { Lacking, WAITS, type Due, type Waits } from './lacking.ts';
import { OwnerHere } from './owner-here.ts';
import { must, Refused } from './refused.ts';
import type { Owner } from './registration.ts';
import { RoomAtRest, type ArchiveSpace, type RoomWaits } from './room-at-rest.ts';
import type { RoomMade } from './room-making.ts';
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
  /** Shows a checkpoint of the room, as it came, to somebody who has nothing of the project yet; whether it did (ARCH-33). */
  readonly look?: (sealed: Bytes) => Promise<boolean>;
  /** As in CheckpointAtRest; without it this tab makes none. */
  readonly makeCheckpoint?: () => Promise<Bytes | undefined>;
  readonly waits?: Waits;
  readonly room?: RoomWaits;
  readonly checkpoints?: CheckpointWaits;
  readonly random: () => number;
  readonly onChange: () => void;
  readonly onError: (what: string, error: unknown) => void;
}

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
  readonly #owner: OwnerHere;
  readonly #claims: Claims;
  readonly #forgetting: Forgetting;
  readonly #room: RoomAtRest;
  readonly #checkpoint: CheckpointAtRest;
  /** From the first reading on, of a newcomer. */
  #early: EarlyCheckpoint | undefined;
  #begun = false;
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

  constructor(options: ArchiveOptions) {
    this.#options = options;
    this.#confirmMs = this.#waits.confirmMs;
    this.#copy = new ServerCopy(options, () => this.#begunAgain(), this.#left.signal);
    this.#lacking = new Lacking({ ...options, waits: this.#waits });
    this.#owner = new OwnerHere(options.log, options.owner);
    this.#claims = new Claims(options, this.#owner, () => this.#declined);
    this.#forgetting = new Forgetting(options, this.#owner, this.#copy, () => {
      this.#resumed = this.#met = false;
    });
    const isCurrent = (): boolean => this.#state.kind === 'current';
    this.#room = new RoomAtRest(options, this.#owner, this.#copy, isCurrent, this.#left.signal);
    this.#checkpoint = new CheckpointAtRest(options, isCurrent, this.#left.signal);
  }

  get state(): ArchiveState {
    return this.#state;
  }

  /** Whether this device has the key of an owner of the room. */
  get owned(): boolean {
    return this.#owner.key !== undefined;
  }

  /** This device owns the room from now on, or does so no longer. */
  own(owner: Owner | undefined): void {
    this.#owner.key = owner;
    this.#met = false;
    this.refresh();
    this.#options.onChange();
  }

  /**
   * Tells the server who owns the room, with statements that are not told to anybody else yet (ARCH-22). 'taken': it knows of others,
   * and what it knows is looked at like any news. 'unreachable': it says nothing now, or does not keep this room.
   */
  claimOwners(owners: readonly OwnersStatement[]): Promise<Claimed> {
    return this.#turns.between(() => this.#claims.owners(owners));
  }

  /**
   * Gives the server the keys of an epoch that is not told to anybody else yet: of two owners that begin one at the same time it takes
   * the first (ARCH-5).
   */
  claimEpoch(next: RoomKeys): Promise<Claimed> {
    return this.#turns.between(() => this.#claims.epoch(next));
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
    this.#room.moved();
    this.#checkpoint.moved();
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
    const deleted = await this.#turns.between(() => this.#forgetting.delete());
    this.refresh();
    return deleted;
  }

  /** How full the room's share is, and what is set to go. */
  space(): Promise<Result<ArchiveSpace, ArchiveProblem>> {
    return this.#room.space();
  }

  /** Has the archive keep all that was superseded and is still there; nothing more is, until an owner asks for it. Only with the owner's key. */
  takeBack(): Promise<Result<ArchiveSuperseded, ArchiveProblem>> {
    return this.#turns.between(() => this.#room.takeBack());
  }

  /** Has go what others contain, also after a revert. Only with the owner's key. Other work of this tab waits for it. */
  async makeRoom(): Promise<Result<RoomMade, ArchiveProblem>> {
    const made = await this.#turns.between(() => this.#room.makeAsAsked());
    // What a full room had no place for may go there now.
    this.refresh();
    return made;
  }

  /** Has the archive keep the room after all. */
  async keep(): Promise<void> {
    await this.#turns.between(() => this.#forgetting.decline(false));
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
      if (!this.#met) await this.#forgetting.seeItGone();
      this.#met = true;
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
    await this.#room.makeAtRest();
    return Math.min(waitMs, this.#readAt + readAgainMs - now(), this.#checkpoint.look());
  }

  /** Where the room is full there, its owner's device makes room first. */
  async #send(due: readonly FrontierRow[]): Promise<void> {
    try {
      await this.#copy.send(due);
    } catch (error) {
      const isFull = error instanceof Refused && error.problem.reason === 'room-full';
      if (!isFull || !(await this.#room.makeNow())) throw error;
      await this.#copy.send(due);
    }
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
    const { server, keys, log, learn } = this.#options;
    await this.#claims.tellOwners();
    let answer = await server.status();
    const refusal = answer.ok ? undefined : answer.error.reason;
    const unknown = refusal === 'unknown-room';
    if (unknown) await this.#copy.forget();
    // In the first epoch there are no older keys that it could have.
    if (unknown || (refusal === 'wrong-key' && keys.epoch > 0))
      answer = (await this.#claims.register()) ?? answer;
    const { instance, cursor, blob } = must(answer);
    this.#copy.meet(instance, cursor);
    if (log.genesis === undefined && blob.length > 0) {
      const genesis = await openSealed(keys, 'genesis', blob);
      if (genesis.ok) await learn(genesis.value);
    }
    this.#met = true;
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
    if (!this.#begun) this.#early = this.#earlyCheckpoint();
    this.#begun = true;
    await this.#copy.read(this.#early);
    await this.#copy.sendRoster();
    this.#brought ||= log.frontier().length > 0;
    onChange();
  }

  /** For who has nothing of the project: asked for at the same time as the first page. */
  #earlyCheckpoint(): EarlyCheckpoint | undefined {
    const { log, server, look, onError } = this.#options;
    if (!look || log.frontier().some(({ channel }) => channel === 'project')) return undefined;
    return new EarlyCheckpoint({
      server,
      look,
      isHere: () => !this.#left.signal.aborted,
      onError: (error) => onError('the checkpoint', error),
    });
  }

  /** Nothing counts as archived until it was read again. */
  #begunAgain(): void {
    this.#readAt = -Infinity;
    const { kind } = this.#state;
    if (kind === 'current' || kind === 'behind') this.#tell({ kind: 'behind', mine: true });
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
