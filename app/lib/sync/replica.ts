/**
 * One tab's copy of a room: the log, the project doc that is its fold, the device's store, and the peers it meets.
 * Composes the parts of this folder and owns their order of life; each part's rules are in its own file.
 */
import * as Y from 'yjs';
import type { Bytes } from '../core/bytes.ts';
import { steadyClock } from '../core/clock.ts';
import type { Channel, PeerId } from '../core/ids.ts';
import { updateOf } from '../document/transaction-update.ts';
import type { CheckedSession } from '../log/certificate.ts';
import type { FrontierRow } from '../log/frontier.ts';
import type { DeviceSnapshot, StoredSegment } from '../log/log-store.ts';
import type { Accepted } from '../log/receipt.ts';
import { RoomLog, type RoomLogOptions } from '../log/room-log.ts';
import { HELD_OF_A_FILE } from '../log/room-file-take.ts';
import type { FoldStart } from './fold-session.ts';
import { LateArchive } from './archive/late-archive.ts';
import { Checkpoints } from './checkpoints.ts';
import { Epochs } from './epochs.ts';
import { countAnew, Forks, startsIn } from './forks.ts';
import { FROM_LOG, Intake, type Batch, type BatchOutcome } from './intake.ts';
import { Keeper } from './keeper.ts';
import { LogAtRest } from './log-at-rest.ts';
import { MessageGate } from './message-gate.ts';
import { peerIdOf } from './meeting.ts';
import { Outbox } from './outbox.ts';
import { Peers } from './peers.ts';
import type { PeerPresence } from './presence-board.ts';
import type { ArchiveWay, ReplicaOptions } from './replica-events.ts';
import { Shelf } from './shelf.ts';
import { StoredLog } from './stored-log.ts';
import type { TransportId, TransportRoom, TransportStatus } from './transport.ts';

export type { ReplicaEvents, ReplicaNotice, ReplicaOptions } from './replica-events.ts';

export class Replica {
  readonly doc = new Y.Doc();
  readonly #options: ReplicaOptions;
  readonly #log: RoomLog;
  readonly #shelf: Shelf;
  readonly #outbox: Outbox;
  readonly #intake: Intake;
  readonly #keeper: Keeper;
  readonly #atRest: LogAtRest;
  readonly #storedLog: StoredLog;
  readonly #peers: Peers;
  readonly #forks: Forks;
  readonly #messages: MessageGate;
  readonly #checkpoints: Checkpoints;
  /** What is not signed goes with whoever opens the room again. */
  #isLeaving = false;
  #told: Promise<void> = Promise.resolve();
  readonly #archive: LateArchive | undefined;
  /** What changes when the owner changes who is in the room. */
  readonly epochs: Epochs;

  private constructor(options: ReplicaOptions, log: RoomLog) {
    const { keys, session, store, folder, clock, events } = options;
    this.#options = options;
    this.#log = log;
    const onError = (what: string, error: unknown): void =>
      events.onNotice({ kind: 'internal', what, error });
    this.#messages = new MessageGate((accepted) => events.onMessages(accepted));
    const onMessages = (accepted: readonly Accepted[]): void => this.#messages.pass(accepted);
    const foldStart = (): Omit<FoldStart, 'from'> => this.#foldStart();
    this.#forks = new Forks({
      keys,
      log,
      store,
      stopSnapshots: () => this.#keeper.stopSnapshots(),
      onFound: () => events.onNotice({ kind: 'branched' }),
      onError,
    });
    this.#shelf = new Shelf({
      store,
      onChange: () => this.#outbox.storeChanged(),
      onError: (error) => events.onNotice({ kind: 'store-error', error }),
    });
    this.#outbox = new Outbox({
      doc: this.doc,
      log,
      shelf: this.#shelf,
      session,
      clock,
      send: (accepted) => this.#sendOwn(accepted),
      held: () => this.#checkpoints.shown || this.#isLeaving,
      onState: (state) => {
        events.onSaved(state);
        this.#keeper.touch();
      },
    });
    this.#intake = new Intake({
      foldStart,
      log,
      doc: this.doc,
      folder,
      onMessages,
      keep: (segments) => this.#shelf.put(segments, false),
      onForks: (forks) => this.#forks.found(forks),
      onProved: (verdict) => this.#checkpoints.judged(verdict),
      onError,
    });
    this.#checkpoints = new Checkpoints({
      ...options,
      log,
      doc: this.doc,
      outbox: this.#outbox,
      intake: this.#intake,
      caughtUp: () => this.caughtUp,
      onChange: () => events.onPeers(),
      onRefused: (code) => events.onNotice({ kind: 'refused', code }),
      onFalse: (signer) => events.onNotice({ kind: 'checkpoint-false', signer }),
      onError,
    });
    this.#keeper = new Keeper({
      clock,
      keys,
      log,
      doc: this.doc,
      store,
      atRest: () => this.atRest && !this.#intake.busy && !this.#checkpoints.shown,
      onError,
    });
    this.#atRest = new LogAtRest({
      keys,
      device: session.device,
      store,
      log,
      shelf: this.#shelf,
      settled: async () => {
        await this.#intake.take({ segments: [], heavy: false, persist: true });
        await this.#outbox.settled();
      },
      onMissing: () => {
        this.#peers.ask();
        this.#archive?.refresh(true);
      },
      onDamage: (damage) => events.onNotice({ kind: 'at-rest', damage }),
      onError,
    });
    this.#storedLog = new StoredLog({
      store,
      log,
      intake: this.#intake,
      atRest: this.#atRest,
      folder,
      foldStart,
      onMessages: (accepted) => this.#messages.first(accepted),
      onSnapshotFalse: () => {
        this.#keeper.stopSnapshots();
        events.onNotice({ kind: 'snapshot-false' });
      },
      onError,
    });
    this.epochs = new Epochs({
      ...options,
      device: session.device,
      self: this.self,
      log,
      outbox: this.#outbox,
      stopSnapshots: () => this.#keeper.stopSnapshots(),
      leave: (isLeaving) => this.#leave(isLeaving),
      tell: (roster) => this.#peers.announce(roster),
      onNews: (roster) => events.onNotice({ kind: 'roster', roster }),
      onSameKeys: (roster) => events.onNotice({ kind: 'same-keys', roster }),
      onBranch: () => events.onNotice({ kind: 'roster-branch' }),
      onError,
    });
    this.#peers = new Peers({
      ...options,
      clock: steadyClock(clock),
      log,
      rosterNews: this.epochs.news,
      shelf: this.#shelf,
      atRest: this.#atRest,
      settled: () => this.#outbox.settled(),
      checkpoints: this.#checkpoints,
      onGenesis: () => {
        this.#outbox.resume();
        // Where the statement was lost, nothing that is here could be read yet.
        this.#readOn();
      },
      onLead: (leads) => (leads ? this.epochs.openDoors() : this.epochs.shutDoors()),
      take: (batch) => this.#take(batch),
    });
    if (options.archive !== undefined) this.#archive = this.#archiveOf(options.archive);
  }

  /** Opens the room from this device: from the snapshot and the tail behind it, or from the whole log. */
  static async open(options: ReplicaOptions): Promise<Replica> {
    const { roomId, keys, genesis, statements = [], store } = options;
    const facts = await countAnew(store, keys, statements);
    const [branches, outside] = [startsIn(facts.branches), startsIn(facts.outside)];
    const base = { roomId, keys, statements, branches, outside, ...(genesis && { genesis }) };
    const snapshot = await store.loadSnapshot();
    const shortcut = snapshot && Replica.#from(snapshot, options, base);
    const replica = shortcut ?? new Replica(options, new RoomLog(base));
    replica.#listen();
    if (options.carry !== undefined && options.carry.length > 0) await replica.epochs.carry(options.carry);
    if (snapshot === undefined || shortcut === undefined) await replica.#storedLog.readWhole();
    else {
      replica.#messages.shut();
      await replica.#storedLog.readBeyond();
      const again = new RoomLog({ ...base, held: HELD_OF_A_FILE });
      // A message may follow an entry of the project (LOG-4), and nothing of that is read again.
      again.adopt(snapshot.chains, 'project');
      replica.#told = replica.#tellAgain(again);
      replica.#storedLog.checkLater(snapshot);
    }
    // What was looked for where it did not rest yet is found now.
    if (await replica.#forks.refile()) await replica.#atRest.survey();
    replica.#setClient();
    return replica;
  }

  /** Undefined where the snapshot does not decode: the log behind it is read instead (SYNC-11). */
  static #from(
    { chains, state, entries }: DeviceSnapshot,
    options: ReplicaOptions,
    base: RoomLogOptions,
  ): Replica | undefined {
    const imported = RoomLog.importChains(chains, base);
    if (!imported.ok) return undefined;
    const replica = new Replica(options, imported.value);
    try {
      Y.applyUpdate(replica.doc, state, FROM_LOG);
    } catch {
      return undefined;
    }
    replica.#keeper.loaded(entries);
    return replica;
  }

  /** Begins to meet others, the archive among them. */
  connect(room: Omit<TransportRoom, 'self' | 'roomId'>): void {
    this.#peers.connect(room);
    this.#archive?.start();
  }

  /** Everybody who wrote in the room, by session. */
  writers(): CheckedSession[] {
    const sessions = this.#log.frontier().flatMap(({ session }) => this.#log.session(session) ?? []);
    return [...new Set(sessions)];
  }

  /** The room's archive, if this server has one. */
  get archive(): LateArchive | undefined {
    return this.#archive;
  }

  /** Adds a message to a channel that is not a Y.Doc. */
  post(channel: Exclude<Channel, 'project'>, payload: Bytes): void {
    this.#outbox.post(channel, payload);
  }

  /** Resolves when the messages that this device had at the opening have been told; the room's text does not wait for them. */
  get told(): Promise<void> {
    return this.#told;
  }

  /** Says where I am to everyone who is here. */
  setPresence(payload: Bytes): void {
    this.#peers.setPresence(payload);
  }

  /**
   * Whether the room is here to be read and written: this device had it, or somebody who has it was met and brought it, or has shown
   * where it leads (CHECK-4).
   * Until then it looks empty, and what is written can't take the others' words into account.
   */
  get known(): boolean {
    return this.#options.genesis !== undefined || this.#checkpoints.shown || this.caughtUp;
  }

  /** Whether somebody, or the archive, has brought all they had. */
  get caughtUp(): boolean {
    return this.#peers.caughtUp || this.#archive?.brought === true;
  }

  /** The room's genesis statement as signed. */
  get genesis(): Bytes | undefined {
    return this.#log.genesis?.bytes;
  }

  /**
   * Every segment this tab has, as it is: those at rest, in batches of at most `maxBytes`, then those that the store has
   * not taken. One that is stored meanwhile may come twice; a damaged one is set aside and left out.
   */
  async *segments(maxBytes: number): AsyncGenerator<readonly StoredSegment[], void> {
    await this.#outbox.settled();
    const { waiting } = this.#shelf;
    for await (const stored of this.#options.store.readAll(maxBytes)) {
      const whole: StoredSegment[] = [];
      for (const segment of stored) if (await this.#atRest.mayBeSent(segment)) whole.push(segment);
      yield whole;
    }
    yield waiting;
  }

  /** How others name this tab. */
  get self(): PeerId {
    return peerIdOf(this.#options.session.id);
  }

  get others(): PeerPresence[] {
    return this.#peers.others;
  }

  /** Edits made here that are not signed yet: those of a moment, or since a checkpoint is shown. */
  get unsigned(): readonly Uint8Array[] {
    return this.#outbox.waiting;
  }

  /** Takes along what a checkpoint keeps from being signed: it is not signed here any more, whatever is proved. */
  takeUnsigned(): readonly Uint8Array[] {
    this.#leave(true);
    return this.#isLeaving ? this.#outbox.waiting : [];
  }

  /** By which kind of link each peer is reached. */
  paths(): ReadonlyMap<PeerId, TransportId> {
    return this.#peers.paths();
  }

  /** Peers whose direct link has stopped answering: what is written goes by the relay too, where there is one. */
  doubted(): ReadonlySet<PeerId> {
    return this.#peers.doubted();
  }

  /** Whether other browsers are reached by another tab of this one. */
  get follows(): boolean {
    return this.#peers.follows;
  }

  transportStatus(transport: TransportId): TransportStatus | undefined {
    return this.#peers.transportStatus(transport);
  }

  get frontier(): readonly FrontierRow[] {
    return this.#log.frontier();
  }

  /** Whether everything that is here rests in the store. */
  get atRest(): boolean {
    return this.#outbox.state.kind === 'saved' && this.#shelf.empty;
  }

  /** Resolves when everything written here so far was offered to the store. */
  settled(): Promise<void> {
    return this.#outbox.settled();
  }

  async close(): Promise<void> {
    this.#storedLog.dispose();
    this.#atRest.dispose();
    this.#checkpoints.dispose();
    try {
      await this.#archive?.close();
      await this.#peers.goodbye();
      await this.epochs.close();
      await this.#forks.settled();
      await this.#outbox.settled();
      this.#keeper.dispose();
      await this.#peers.close();
      this.#intake.dispose();
      // What was on its way in while the links closed is kept too.
      await this.#shelf.settled();
    } finally {
      this.#keeper.dispose();
      this.#intake.dispose();
      this.#shelf.dispose();
      this.#options.store.close();
      this.doc.destroy();
    }
  }

  /** From here on edits are heard. Not by 'update': see transaction-update.ts. */
  #listen(): void {
    this.doc.on('afterTransactionCleanup', (transaction: Y.Transaction) => {
      if (transaction.origin === FROM_LOG) return;
      const update = updateOf(transaction);
      if (update !== undefined) this.#outbox.edit(update);
    });
  }

  /** Only what waits anyway: the rest is signed at once, and closing waits for it. */
  #leave(isLeaving: boolean): void {
    this.#isLeaving = isLeaving && (this.#isLeaving || this.#checkpoints.shown);
    if (!isLeaving) this.#outbox.resume();
  }

  async #take(batch: Batch): Promise<BatchOutcome> {
    const outcome = await this.#intake.take(batch);
    const mended = await this.#atRest.took(batch.segments, outcome.entries);
    if (outcome.entries > 0 && this.#atRest.hiding) this.#readOn();
    this.#setClient();
    this.#keeper.touch();
    if (outcome.entries > 0) this.#archive?.touched(false);
    return { ...outcome, entries: outcome.entries + mended };
  }

  #archiveOf(way: ArchiveWay): LateArchive {
    const { keys, session, store, events } = this.#options;
    return new LateArchive(way, {
      keys,
      log: this.#log,
      device: session.device,
      store,
      readChain: (...chain) => this.#shelf.readChain(...chain),
      mayBeSent: (segment) => this.#atRest.mayBeSent(segment),
      settled: () => this.#outbox.settled(),
      atRest: () => this.#shelf.empty,
      take: (batch) => this.#take(batch),
      learn: (genesis) => this.#peers.learn(genesis),
      look: (sealed) => this.#checkpoints.offer(sealed),
      makeCheckpoint: () => this.#checkpoints.makeOfAll(),
      roster: this.epochs.news,
      random: Math.random,
      onChange: () => events.onPeers(),
      onError: (what, error) => events.onNotice({ kind: 'internal', what, error }),
    });
  }

  #foldStart(): Omit<FoldStart, 'from'> {
    const { roomId, keys } = this.#options;
    const bytes = keys.seeds[keys.seedKind] ?? keys.seeds.v;
    return {
      roomId,
      seed: { kind: keys.seedKind, bytes, epoch: keys.epoch },
      genesis: this.#log.genesis?.bytes,
      statements: this.#log.statements.map((statement) => statement.bytes),
      owners: this.epochs.news.owners.map((statement) => statement.bytes),
      pastSeeds: (keys.past ?? []).map(({ seeds }) => seeds.v),
      branches: this.#log.branches,
      outside: this.#log.outside,
    };
  }

  async #tellAgain(again: RoomLog): Promise<void> {
    await this.#storedLog.tellAgain(again);
    this.#messages.open();
  }

  /** Yjs silently changes a doc's client when it folds that client's entries: set it after folding (LOG.md). */
  #setClient(): void {
    this.doc.clientID = this.#options.session.clientId;
  }

  /** Takes what is at rest and could not be placed before. */
  #readOn(): void {
    this.#storedLog
      .readOn()
      .then(() => this.#setClient())
      .catch((error: unknown) =>
        this.#options.events.onNotice({ kind: 'internal', what: 'care of the store', error }),
      );
  }

  #sendOwn(accepted: Accepted): void {
    this.#peers.sendOwn(accepted.sealed);
    this.#intake.noteOwn(accepted);
    if (accepted.channel !== 'project') this.#messages.pass([accepted]);
    this.#archive?.touched(true);
  }
}
