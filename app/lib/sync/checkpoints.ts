/**
 * The short way into a long history (CHECK-4 to CHECK-8): a newcomer is shown what an editor who is there signs, types at once,
 * and the log that comes behind it proves it. Until then nothing that is typed here is signed or called saved.
 *
 *   none ──one is offered──▶ shown ──the log agrees──▶ proved      what was typed is signed
 *                              └──it does not, or never comes that far──▶ false      the room is opened again, by its log
 */
import * as Y from 'yjs';
import type { Bytes } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import type { DeviceId } from '../core/ids.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import type { OwnSession } from '../log/certificate.ts';
import type { Checkpoint } from '../log/checkpoint.ts';
import type { RoomLog } from '../log/room-log.ts';
import { chainKey } from '../log/frontier.ts';
import { openSealed, seal } from '../log/seal.ts';
import type { CheckpointVerdict, Intake } from './intake.ts';
import type { Outbox } from './outbox.ts';

/** When a checkpoint saves a newcomer time. */
export interface Worth {
  /** Fewer are folded before a checkpoint of them is read. */
  readonly entries: number;
  /** A history has about 6 bytes an entry at rest, and a checkpoint has to be clearly shorter. */
  readonly bytesAnEntry: number;
}
const WORTH: Worth = { entries: 5000, bytesAnEntry: 4 };
/** Newcomers that come together are given the same one. */
const MADE_STAYS_MS = 10_000;
/** How often to look for a moment at which log and doc are at the same point. */
const MOMENTS = 10;
/** Each costs a look at megabytes, and the first that is whole is shown. */
const MAX_OFFERS = 8;
/** Who was met may lack some of what the checkpoint is of: so long is waited for somebody who has it, and longer while some of it comes. */
const PROOF_WITHIN_MS = 15_000;
const PROOF_AT_MOST_MS = 5 * 60_000;
/** How often time is looked at. More than a few seconds between two looks the tab slept, or its clock was set. */
const LOOK_MS = 1000;
const LONGEST_LOOK_MS = 5000;

export interface CheckpointsOptions {
  readonly keys: RoomKeys;
  readonly session: OwnSession;
  readonly clock: Clock;
  readonly doc: Y.Doc;
  readonly log: RoomLog;
  readonly outbox: Outbox;
  readonly intake: Intake;
  /** Whether everything that others had was brought: the log goes no further by itself. */
  readonly caughtUp: () => boolean;
  readonly worth?: Worth;
  /** None is shown. */
  readonly byLog?: boolean;
  /** One is shown, or proved. */
  readonly onChange: () => void;
  /** What is shown is not what the log says, or the log says nothing of it. `signer`: who signed what is not so. */
  readonly onFalse: (signer: DeviceId | undefined) => void;
  /** One was offered that can't be shown. */
  readonly onRefused: (code: string) => void;
  readonly onError: (what: string, error: unknown) => void;
}

export class Checkpoints {
  readonly #options: CheckpointsOptions;
  #state: 'none' | 'looking' | 'shown' | 'proved' | 'false' = 'none';
  #signer: DeviceId | undefined;
  #offers = 0;
  #made: { readonly at: number; readonly sealed: Promise<Bytes | undefined> } | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #frontier: Checkpoint['frontier'] = [];
  /** How much of it is here; time in which nothing of it came, and all time, since there was nobody else to bring any. */
  #here = 0;
  #waitedMs = 0;
  #allMs = 0;
  #lookedAt = 0;

  constructor(options: CheckpointsOptions) {
    this.#options = options;
  }

  /** Whether the doc is ahead of the log. */
  get shown(): boolean {
    return this.#state === 'shown' || this.#state === 'false';
  }

  /** Takes a sealed checkpoint from anywhere; whether it is shown now. What can't be shown changes nothing. */
  async offer(sealed: Bytes): Promise<boolean> {
    const { onChange, onError, byLog } = this.#options;
    if (byLog || this.#state !== 'none' || !this.#isNew || this.#offers >= MAX_OFFERS) return false;
    this.#offers++;
    this.#state = 'looking';
    try {
      const checkpoint = await this.#read(sealed);
      // From here on what is typed waits.
      this.#state = checkpoint ? 'shown' : 'none';
      if (!checkpoint) return false;
      this.#signer = checkpoint.signer.device;
      this.#frontier = checkpoint.frontier;
      if (!(await this.#options.intake.show(checkpoint))) {
        this.#state = 'none';
        return false;
      }
    } catch (error) {
      onError('a checkpoint', error);
      // What Yjs took of it is in the doc.
      if (this.#state === 'shown') this.judged('unprovable');
      else this.#state = 'none';
      return false;
    }
    this.#lookedAt = this.#options.clock.now();
    if (this.shown) this.#timer = setInterval(() => this.#lookAtTime(), LOOK_MS);
    onChange();
    return true;
  }

  /**
   * A sealed checkpoint of now, or of a moment ago, for who lacks so many entries; undefined where that saves them nothing, or this
   * tab can't vouch for one.
   */
  async make(entries: number): Promise<Bytes | undefined> {
    const { session, log, clock, worth = WORTH } = this.#options;
    if (entries < worth.entries || session.role !== 'editor' || log.branches.length > 0) return undefined;
    const now = clock.now();
    const isRecent = this.#made !== undefined && Math.abs(now - this.#made.at) < MADE_STAYS_MS;
    const made = isRecent ? this.#made : (this.#made = { at: now, sealed: this.#makeNow() });
    const sealed = await made?.sealed;
    if (sealed === undefined) this.#made = undefined;
    return sealed && sealed.length <= entries * worth.bytesAnEntry ? sealed : undefined;
  }

  /** The same for who has nothing. */
  makeOfAll(): Promise<Bytes | undefined> {
    const rows = this.#options.log.frontier().filter(({ channel }) => channel === 'project');
    return this.make(rows.reduce((sum, { seq }) => sum + seq, 0));
  }

  /** The log is as far as what is shown, or can't come that far. */
  judged(verdict: CheckpointVerdict): void {
    if (this.#state !== 'shown') return;
    clearInterval(this.#timer);
    const { outbox, onChange, onFalse } = this.#options;
    this.#state = verdict === 'true' ? 'proved' : 'false';
    if (verdict === 'true') outbox.resume();
    else onFalse(verdict === 'false' ? this.#signer : undefined);
    onChange();
  }

  dispose(): void {
    clearInterval(this.#timer);
  }

  get #isNew(): boolean {
    return this.#options.log.frontier().every(({ channel }) => channel !== 'project');
  }

  /** Whoever signed it may name what nobody has. */
  #lookAtTime(): void {
    const { clock, log, intake, caughtUp } = this.#options;
    const now = clock.now();
    const passedMs = Math.min(Math.max(now - this.#lookedAt, 0), LONGEST_LOOK_MS);
    this.#lookedAt = now;
    const seqs = new Map(log.frontier().map((row) => [chainKey(row), row.seq]));
    const here = this.#frontier.reduce(
      (sum, row) => sum + Math.min(seqs.get(chainKey(row)) ?? 0, row.seq),
      0,
    );
    const comes = here > this.#here || intake.busy;
    this.#here = here;
    if (!caughtUp()) return;
    this.#waitedMs = comes ? 0 : this.#waitedMs + passedMs;
    this.#allMs += passedMs;
    if (this.#waitedMs >= PROOF_WITHIN_MS || this.#allMs >= PROOF_AT_MOST_MS) this.judged('unprovable');
  }

  /** A checkpoint that may be shown here: signed by who may, and whole. */
  async #read(sealed: Bytes): Promise<Checkpoint | undefined> {
    const { keys, log, session, onRefused } = this.#options;
    const refuse = (code: string): undefined => void onRefused(code);
    const [{ readCheckpoint }, { stateProblem }] = await Promise.all([
      import('../log/checkpoint.ts'),
      import('../document/loadable-state.ts'),
      // Carries on what is typed, if it is not true: nothing is shown where that can't be fetched.
      import('../document/own-words.ts'),
    ]);
    const opened = await openSealed(keys, 'checkpoint', sealed);
    const invites = log.invitesOf(keys.epoch);
    if (!opened.ok || invites === undefined) return refuse(opened.ok ? 'no-genesis' : opened.error.kind);
    const read = await readCheckpoint(opened.value, invites);
    if (!read.ok) return refuse(read.error.code);
    const problem = stateProblem(read.value.state, session.clientId);
    return problem ? refuse(problem) : read.value;
  }

  async #makeNow(): Promise<Bytes | undefined> {
    const { keys, session, clock, onError } = this.#options;
    try {
      const { makeCheckpoint } = await import('../log/checkpoint.ts');
      const moment = await this.#moment();
      const checkpoint = moment && (await makeCheckpoint(session, { time: clock.now(), ...moment }));
      return checkpoint && (await seal(keys, 'checkpoint', checkpoint));
    } catch (error) {
      onError('a checkpoint', error);
      return undefined;
    }
  }

  /** The doc's state at a moment at which the log is as far; undefined where somebody never stops typing. */
  async #moment(): Promise<Pick<Checkpoint, 'frontier' | 'state'> | undefined> {
    const { outbox, intake, doc, log } = this.#options;
    for (let nth = 0; nth < MOMENTS && !this.shown; nth++) {
      if (outbox.inLog && !intake.busy) {
        const frontier = log.frontier().filter(({ channel }) => channel === 'project');
        return { frontier, state: Y.encodeStateAsUpdate(doc) as Bytes };
      }
      await Promise.all([outbox.settled(), intake.settled()]);
    }
    return undefined;
  }
}
