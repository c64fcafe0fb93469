/**
 * A room and the archive (docs/spec-archive.md): what it has beyond this device is taken like any peer's, what it lacks is
 * sent once it rests here, and the room's owner has it keep the room. It is never waited for and never believed.
 *
 *   status ──unknown-room, own room──▶ register
 *     └─▶ read, page by page ─▶ send my device's own after 2 s, others' after 30 s ─▶ wait
 */
import type { ArchiveDeleted } from '../../core/archive-wire.ts';
import { equalBytes, type Bytes } from '../../core/bytes.ts';
import type { Channel, DeviceId, SessionId } from '../../core/ids.ts';
import { err, type Result } from '../../core/result.ts';
import type { RoomKeys } from '../../crypto/room-keys.ts';
import type { FrontierRow } from '../../log/frontier.ts';
import type { ChainEnd, LogStore, StoredSegment } from '../../log/log-store.ts';
import type { Gap } from '../../log/receipt.ts';
import type { RoomLog } from '../../log/room-log.ts';
import { openSealed } from '../../log/seal.ts';
import { inFewSegments } from '../../log/squash.ts';
import type { Batch, BatchOutcome } from '../intake.ts';
import { ArchivedChains, readGiven, type GivenSegment } from './archived-chains.ts';
import type { ArchiveProblem, ArchiveServer } from './archive-server.ts';
import { stateAfter, type ArchiveState } from './archive-state.ts';
import { batchesOf } from './batches.ts';
import { Lacking, WAITS, type Due, type Waits } from './lacking.ts';
import { deletionOf, registrationOf, type Owner } from './registration.ts';
import { Turns } from './turns.ts';

export interface ArchiveOptions {
  readonly server: ArchiveServer;
  readonly keys: RoomKeys;
  readonly log: RoomLog;
  readonly device: DeviceId;
  /** Where this device has the key of the room's owner. */
  readonly owner: Owner | undefined;
  readonly store: Pick<LogStore, 'loadFacts' | 'saveFacts' | 'loadArchiveMark' | 'saveArchiveMark'>;
  /** What rests here; a damaged segment is not sent. */
  readonly readChain: (session: SessionId, channel: Channel, fromSeq: number) => Promise<StoredSegment[]>;
  readonly mayBeSent: (segment: StoredSegment) => Promise<boolean>;
  /** Resolves when what was accepted or written was offered to the store. */
  readonly settled: () => Promise<void>;
  /** Whether the store has all of it. */
  readonly atRest: () => boolean;
  readonly take: (batch: Batch) => Promise<BatchOutcome>;
  /** A genesis statement, not verified yet. */
  readonly learn: (genesis: Bytes) => Promise<void>;
  /** Does the work while no other tab of this browser does; it ends with the room. */
  readonly alone: (work: () => Promise<void>) => Promise<void>;
  readonly waits?: Waits;
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
/** Pages of many segments are folded in the worker. */
const HEAVY_SEGMENTS = 20;

/** Carries a refusal out of the middle of a turn. */
class Refused extends Error {
  readonly problem: ArchiveProblem;
  constructor(problem: ArchiveProblem) {
    super(problem.reason);
    this.problem = problem;
  }
}

export class Archive {
  readonly #options: ArchiveOptions;
  readonly #turns = new Turns(() => this.#turn());
  readonly #lacking: Lacking;
  readonly #ended = Promise.withResolvers<void>();
  #state: ArchiveState = { kind: 'connecting' };
  #archived = new ArchivedChains();
  /** Which copy of the room cursors belong to. */
  #instance: Bytes | undefined;
  /** Read so far, and how much of it is placed in the log: only that is remembered. */
  #cursor = 0;
  #placed = 0;
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
  #closed = false;

  constructor(options: ArchiveOptions) {
    this.#options = options;
    this.#confirmMs = this.#waits.confirmMs;
    this.#lacking = new Lacking({ ...options, waits: this.#waits });
  }

  get state(): ArchiveState {
    return this.#state;
  }

  /** Whether this device has the key of the room's owner. */
  get owned(): boolean {
    return this.#options.owner !== undefined;
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
   * Has the archive forget the room, and keeps this device from having it kept again. Only with the owner's key. Where it
   * fails everything is as it was.
   */
  async delete(): Promise<Result<ArchiveDeleted, ArchiveProblem>> {
    const deleted = await this.#turns.between(() => this.#delete());
    this.refresh();
    return deleted;
  }

  /** Has the archive keep the room after all. */
  async keep(): Promise<void> {
    await this.#turns.between(() => this.#decline(false));
    this.refresh();
  }

  async close(): Promise<void> {
    this.#closed = true;
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
    const readAgainMs = this.#tellHowFar(this.#archived) ? this.#confirmMs : READ_EVERY_MS;
    return Math.min(waitMs, this.#readAt + readAgainMs - now());
  }

  #due(hurries: boolean): Due {
    return this.#lacking.due(this.#archived, now(), hurries);
  }

  /** What this device remembers of the archive. */
  async #resumeHere(): Promise<void> {
    const { store } = this.#options;
    const mark = await store.loadArchiveMark();
    if (mark !== undefined && this.#instance === undefined)
      this.#resume(mark.instance, mark.cursor, mark.ends);
    this.#resumed = true;
  }

  #resume(instance: Bytes, cursor: number, ends: readonly ChainEnd[]): void {
    this.#instance = instance;
    this.#cursor = this.#placed = cursor;
    this.#archived = new ArchivedChains(ends);
  }

  async #meet(): Promise<void> {
    const { server, keys, log, owner, learn } = this.#options;
    let answer = await server.status();
    const unknown = !answer.ok && answer.error.reason === 'unknown-room';
    if (unknown) await this.#forgetCopy();
    if (unknown && owner) answer = await this.#register(owner, 0);
    const { instance, cursor, blob } = must(answer);
    if (!this.#isOf(instance) || cursor < this.#cursor) this.#beginAgain(instance);
    if (log.genesis === undefined && blob.length > 0) {
      const genesis = await openSealed(keys, 'genesis', blob);
      if (genesis.ok) await learn(genesis.value);
    }
    this.#met = true;
  }

  async #register(owner: Owner, counter: number): ReturnType<ArchiveServer['register']> {
    const { server, keys, log } = this.#options;
    if (log.genesis === undefined) return err({ reason: 'unknown-room' });
    const answer = await server.register(await registrationOf(owner, keys, log.genesis, counter + 1));
    // A deletion came before, or another server's copy of this one: above its counter ours is new.
    const newer = answer.ok ? undefined : answer.error.counter;
    return newer !== undefined && newer > counter ? this.#register(owner, newer) : answer;
  }

  /** Everything beyond the cursor. What there was no room to hold comes again with all of it, while that brings something. */
  async #read(): Promise<void> {
    const { log, settled, onChange } = this.#options;
    this.#readAt = now();
    if (log.genesis === undefined) return;
    if (this.#all) this.#cursor = this.#placed = 0;
    this.#all = false;
    while (await this.#readOn()) this.#cursor = this.#placed = 0;
    await settled();
    this.#brought ||= log.frontier().length > 0;
    onChange();
  }

  /** Page by page to the end. Whether reading all again would find more room. */
  async #readOn(): Promise<boolean> {
    const { server, keys, log, take } = this.#options;
    const gaps: Gap[] = [];
    let given: GivenSegment[] = [];
    let entries = 0;
    let anew = false;
    for (let more = true; more && !this.#closed;) {
      const page = must(await server.page(this.#cursor));
      const { segments, next } = page;
      if (!this.#isOf(page.instance) || next < this.#cursor) {
        if (anew) throw new Refused({ reason: 'later' });
        anew = true;
        this.#beginAgain(page.instance);
        continue;
      }
      if (segments.length > 0 && next === this.#cursor) throw new Refused({ reason: 'later' });
      if (segments.length > 0) {
        const outcome = await take({ segments, heavy: segments.length > HEAVY_SEGMENTS, persist: true });
        entries += outcome.entries;
        gaps.push(...outcome.gaps);
      }
      for (const sealed of segments) {
        const one = await readGiven(keys, sealed);
        if (one !== undefined && one.last > this.#archived.endOf(one)) given.push(one);
      }
      this.#cursor = next;
      // What waits for a later page is in memory only, or nowhere: it has to be read again if this tab dies.
      if (log.heldBytes === 0 && !this.#isOpen(gaps)) this.#placed = next;
      given = await this.#count(given);
      await this.#remember();
      ({ more } = page);
    }
    return entries > 0 && !this.#closed && this.#isOpen(gaps);
  }

  /** Whether some of those entries are not here yet, nor held. */
  #isOpen(gaps: readonly Gap[]): boolean {
    const { log } = this.#options;
    return gaps.some(({ session, channel, needSeq }) => {
      const [lacking] = log.missingFrom([{ session, channel, seq: needSeq, hash: NO_HASH }]);
      return lacking !== undefined;
    });
  }

  /** What it gave counts as far as the log has the same. Gives what the log may have later. */
  async #count(given: readonly GivenSegment[]): Promise<GivenSegment[]> {
    const waiting: GivenSegment[] = [];
    for (const one of [...given].sort((a, b) => a.first - b.first)) {
      if (one.last <= this.#archived.endOf(one)) continue;
      if (!this.#options.log.has(one.row)) waiting.push(one);
      else if (await one.signed()) this.#archived.add(one);
    }
    return waiting;
  }

  async #send(due: readonly FrontierRow[]): Promise<void> {
    const { server, settled } = this.#options;
    await settled();
    for await (const batch of batchesOf(this.#segmentsOf(due))) {
      if (this.#closed) break;
      const before = this.#cursor;
      const { stored, known, cursor } = must(await server.append(batch.map(({ sealed }) => sealed)));
      if (stored + known !== batch.length) throw new Refused({ reason: 'later' });
      // It lost some of what it had: what counts as archived may be among that.
      if (cursor < before + stored) {
        if (this.#instance !== undefined) this.#beginAgain(this.#instance);
        this.#readAt = -Infinity;
        return;
      }
      for (const segment of batch) this.#archived.add(segment);
      // Nobody else's lie in between: no need to read one's own again.
      if (cursor === before + stored) {
        if (this.#placed === before) this.#placed = cursor;
        this.#cursor = cursor;
      }
      await this.#remember();
    }
  }

  /** It is another copy, or an older one: nothing counts as archived until it was read. */
  #beginAgain(instance: Bytes): void {
    this.#resume(instance, 0, []);
    const { kind } = this.#state;
    if (kind === 'current' || kind === 'behind') this.#tell({ kind: 'behind', mine: true });
  }

  async *#segmentsOf(due: readonly FrontierRow[]): AsyncGenerator<StoredSegment> {
    const { keys, readChain, mayBeSent } = this.#options;
    for (const { session, channel } of due) {
      const end = this.#archived.endOf({ session, channel });
      const stored: StoredSegment[] = [];
      for (const segment of await readChain(session, channel, end + 1))
        if (await mayBeSent(segment)) stored.push(segment);
      yield* await inFewSegments(keys, stored, end + 1);
    }
  }

  async #remember(): Promise<void> {
    const { store, settled, atRest } = this.#options;
    await settled();
    // With a full disk the archive is read again next time.
    if (this.#instance === undefined || !atRest()) return;
    const { ends } = this.#archived;
    await store.saveArchiveMark({ instance: this.#instance, cursor: this.#placed, ends });
  }

  async #delete(): Promise<Result<ArchiveDeleted, ArchiveProblem>> {
    const { server, owner, log } = this.#options;
    if (owner === undefined || log.genesis === undefined) return err({ reason: 'bad-proof' });
    const status = await server.status();
    if (!status.ok) return status;
    const { counter, instance } = status.value;
    await this.#decline(true);
    const deleted = await server.delete(await deletionOf(owner, log.genesis, counter + 1, instance));
    if (deleted.ok) await this.#forgetCopy();
    // An answer that did not come may have been "done": whether it was is seen at the next turn, and it is asked again.
    else if (stateAfter(deleted.error.reason).kind !== 'unreachable') await this.#decline(false);
    return deleted;
  }

  /** The owner wanted it forgotten: that is so only when the server says so. */
  async #seeItGone(): Promise<void> {
    const { server, owner, log } = this.#options;
    const status = await server.status();
    const reason = status.ok ? undefined : status.error.reason;
    if (reason !== 'unknown-room' && reason !== 'off') {
      const { counter, instance } = must(status);
      if (owner === undefined || log.genesis === undefined) throw new Refused({ reason: 'bad-proof' });
      must(await server.delete(await deletionOf(owner, log.genesis, counter + 1, instance)));
    }
    await this.#forgetCopy();
    this.#met = true;
  }

  /** The server has no copy: nothing that this device noted of one is true. */
  async #forgetCopy(): Promise<void> {
    const { store } = this.#options;
    this.#instance = undefined;
    this.#cursor = this.#placed = 0;
    this.#archived = new ArchivedChains();
    const mark = await store.loadArchiveMark();
    if (mark !== undefined) await store.saveArchiveMark({ ...mark, cursor: 0, ends: [] });
  }

  async #decline(declined: boolean): Promise<void> {
    const { store } = this.#options;
    const { genesis } = await store.loadFacts();
    await store.saveFacts({ ...(genesis && { genesis }), ...(declined && { noArchive: true }) });
    this.#resumed = this.#met = false;
  }

  /** What a failed turn means, and how long to leave the server alone. */
  #after(error: unknown): number {
    if (this.#closed) return ASK_AGAIN_MS;
    const problem: ArchiveProblem = error instanceof Refused ? error.problem : { reason: 'later' };
    if (!(error instanceof Refused)) this.#options.onError('the archive', error);
    this.#met = false;
    this.#readAt = -Infinity;
    this.#failures++;
    const state = stateAfter(problem.reason);
    this.#tell(state);
    if (state.kind !== 'unreachable') return problem.retryAfterMs ?? ASK_AGAIN_MS;
    const backOffMs = Math.min(BACK_OFF_FIRST_MS * 2 ** (this.#failures - 1), BACK_OFF_MOST_MS);
    return Math.max(problem.retryAfterMs ?? 0, backOffMs * (0.5 + this.#options.random()));
  }

  get #waits(): Waits {
    return this.#options.waits ?? WAITS;
  }

  #isOf(instance: Bytes): boolean {
    return this.#instance !== undefined && equalBytes(instance, this.#instance);
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
    if (!this.#closed) this.#options.onChange();
  }
}

/** Where only a place is asked about. */
const NO_HASH = new Uint8Array(32);

const now = (): number => performance.now();

function must<T>(answer: Result<T, ArchiveProblem>): T {
  if (answer.ok) return answer.value;
  throw new Refused(answer.error);
}
