/**
 * One tab's copy of a room: the log, the project doc that is its fold, the device's store, and the peers it meets.
 * Composes the parts of this folder and owns their order of life; each part's rules are in its own file.
 */
import * as Y from 'yjs';
import type { Bytes } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import type { PeerId, RoomId } from '../core/ids.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import type { OwnSession } from '../log/certificate.ts';
import type { FrontierRow } from '../log/frontier.ts';
import type { Genesis } from '../log/genesis.ts';
import type { LogStore, StoredSegment } from '../log/log-store.ts';
import type { Accepted, Receipt } from '../log/receipt.ts';
import { RoomLog } from '../log/room-log.ts';
import { openSealed, seal } from '../log/seal.ts';
import { Answers, PART_BYTES } from './answers.ts';
import type { FoldStart } from './fold-session.ts';
import type { Folder } from './folder.ts';
import { FrameQueue } from './frame-queue.ts';
import { decodeSegments, decodeWant, encodeWant, readFrame, writeFrame, type FrameKind } from './frames.ts';
import { FROM_LOG, Intake, type BatchOutcome } from './intake.ts';
import { Keeper } from './keeper.ts';
import { Meeting, peerIdOf } from './meeting.ts';
import { Mesh, type MeshLink } from './mesh.ts';
import { Outbox, type OutboxState } from './outbox.ts';
import { PRESENCE_REFRESH_MS, PresenceBoard, type PeerPresence } from './presence-board.ts';
import { Repair } from './repair.ts';
import { Shelf } from './shelf.ts';
import type { Transport, TransportId, TransportRoom, TransportStatus } from './transport.ts';

/** Past this many missing entries the worker catches up (LOG.md, Meeting). */
const HEAVY_ENTRIES = 200;
/** How often silence is looked at: overdue answers, expired presence, heads that peers were not told. */
const TICK_MS = 1000;
/** Heads are told to every peer when nothing changed for this long: a bridge between two peers is repaired by it. */
const GOSSIP_AFTER_MS = 2000;
/** While somebody types without a pause, heads are told this often. */
const GOSSIP_AT_LEAST_MS = 5000;
/** Of a peer's claims no more than this is shown or planned for: a million entries take a minute to fold. */
const MAX_MISSING_ENTRIES = 1_000_000;

export interface ReplicaOptions {
  readonly roomId: RoomId;
  readonly keys: RoomKeys;
  readonly session: OwnSession;
  readonly genesis: Genesis | undefined;
  readonly store: LogStore;
  readonly folder: Folder;
  readonly transports: readonly Transport[];
  readonly clock: Clock;
  readonly events: ReplicaEvents;
}

export interface ReplicaEvents {
  /** Entries of `talk` and `runs`, in the order they were accepted here; own ones too. */
  onMessages(accepted: readonly Accepted[]): void;
  onSaved(state: OutboxState): void;
  /** Peers, links, transports or presence changed. */
  onPeers(): void;
  /** Something that people or the log should hear of. */
  onNotice(notice: ReplicaNotice): void;
}

export type ReplicaNotice =
  | { readonly kind: 'newer-format' }
  | { readonly kind: 'store-error'; readonly error: unknown }
  | { readonly kind: 'snapshot-false' }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'catching-up'; readonly done: number; readonly of: number }
  | { readonly kind: 'caught-up' }
  | { readonly kind: 'genesis'; readonly bytes: Bytes }
  | { readonly kind: 'internal'; readonly what: string; readonly error: unknown };

export class Replica {
  readonly doc = new Y.Doc();
  readonly #options: ReplicaOptions;
  readonly #log: RoomLog;
  readonly #shelf: Shelf;
  readonly #outbox: Outbox;
  readonly #intake: Intake;
  readonly #keeper: Keeper;
  readonly #repair = new Repair();
  readonly #answers: Answers;
  readonly #presence: PresenceBoard;
  readonly #meeting: Meeting;
  readonly #frames: FrameQueue;
  /** Links whose frames may still be on their way through here. */
  readonly #closedLinks = new WeakSet<MeshLink>();
  #mesh: Mesh | undefined;
  #ownPresence: Bytes = new Uint8Array();
  #presenceSentAt = 0;
  #changedAt = 0;
  /** Since when heads have moved that the peers were not told; undefined when they know. */
  #untoldSince: number | undefined;
  /** Links with a gap that could not be asked about yet. */
  readonly #gaps = new Set<MeshLink>();
  #tick: ReturnType<typeof setInterval> | undefined;
  #missingEntries = 0;
  #gainedEntries = 0;
  #checkTimer: ReturnType<typeof setTimeout> | undefined;

  private constructor(options: ReplicaOptions, log: RoomLog) {
    const { roomId, keys, session, store, folder, clock, events } = options;
    this.#options = options;
    this.#log = log;
    const onError = (what: string, error: unknown): void =>
      events.onNotice({ kind: 'internal', what, error });
    const onStoreError = (error: unknown): void => events.onNotice({ kind: 'store-error', error });
    this.#shelf = new Shelf({ store, onChange: () => this.#outbox.storeChanged(), onError: onStoreError });
    this.#outbox = new Outbox({
      doc: this.doc,
      log,
      shelf: this.#shelf,
      session,
      clock,
      send: (accepted) => this.#sendOwn(accepted),
      onState: (state) => {
        events.onSaved(state);
        this.#keeper.touch();
      },
    });
    this.#intake = new Intake({
      foldStart: () => this.#foldStart(),
      log,
      doc: this.doc,
      folder,
      onMessages: (accepted) => events.onMessages(accepted),
      keep: (segments) => this.#shelf.put(segments, false),
      onError,
    });
    this.#keeper = new Keeper({
      keys,
      log,
      doc: this.doc,
      store,
      atRest: () => this.#outbox.state.kind === 'saved' && this.#shelf.empty && !this.#intake.busy,
      onError,
    });
    this.#answers = new Answers({
      clock,
      frontier: () => log.frontier(),
      settled: () => this.#outbox.settled(),
      readChain: (...chain) => this.#shelf.readChain(...chain),
    });
    this.#frames = new FrameQueue(
      clock,
      (link, kind, body) => this.#onFrame(link, kind, body),
      this.#internal('a frame'),
    );
    this.#presence = new PresenceBoard({ keys, session, clock, onChange: () => events.onPeers() });
    this.#meeting = new Meeting({
      roomId,
      keys,
      session,
      log,
      clock,
      onMet: (link, met) => {
        if (this.#closedLinks.has(link)) return;
        const peer = peerIdOf(met.id);
        this.#mesh?.identify(link, peer);
        if (this.#presence.met(peer, met)) this.#sendPresence(link).catch(this.#internal('presence'));
      },
      onFrontier: (link, rows) => this.#compare(link, rows),
      onGenesis: (bytes) => {
        events.onNotice({ kind: 'genesis', bytes });
        this.#shelf.putFacts({ genesis: bytes });
        // HELLOs that came before could not be checked: ask for them again.
        for (const link of this.#mesh?.links() ?? [])
          if (!this.#meeting.hasMet(link))
            void this.#meeting.greet(link, true).catch(onError.bind(undefined, 'greeting'));
      },
    });
  }

  /** From here on edits are heard: not before the snapshot is in, which Yjs would encode again for a listener. */
  #listen(): void {
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== FROM_LOG) this.#outbox.edit(update);
      this.#touched();
    });
  }

  /** Opens the room from this device: from the snapshot and the tail behind it, or from the whole log. */
  static async open(options: ReplicaOptions): Promise<Replica> {
    const { roomId, keys, genesis, store } = options;
    const base = { roomId, keys, ...(genesis && { genesis }) };
    const snapshot = await store.loadSnapshot();
    const imported = snapshot && RoomLog.importChains(snapshot.chains, base);
    const usable = imported?.ok === true ? snapshot : undefined;
    const replica = new Replica(options, imported?.ok === true ? imported.value : new RoomLog(base));
    if (usable !== undefined) {
      Y.applyUpdate(replica.doc, usable.state, FROM_LOG);
      replica.#keeper.loaded(usable.entries);
    }
    replica.#listen();
    if (usable === undefined) await replica.#readWhole();
    else {
      await replica.#readBeyond(new RoomLog(base));
      replica.#checkTimer = setTimeout(() => void replica.#checkSnapshot(usable), CHECK_AFTER_MS);
    }
    replica.#setClient();
    return replica;
  }

  /** Begins to meet others. */
  connect(room: Omit<TransportRoom, 'self' | 'roomId'>): void {
    this.#mesh = new Mesh(
      this.#options.transports,
      { ...room, self: this.self, roomId: this.#options.roomId },
      {
        onLink: (link) => void this.#meeting.greet(link, true).catch(this.#internal('greeting')),
        onFrame: (link, frame) => {
          const read = readFrame(frame);
          if (read.ok) this.#frames.push(link, read.value.kind, read.value.body);
        },
        onLinkClosed: (link) => this.#onLinkClosed(link),
        onChange: () => this.#options.events.onPeers(),
      },
    );
    this.#tick = setInterval(() => this.#onTick(), TICK_MS);
  }

  /** Adds a message to a channel that is not a Y.Doc. */
  post(channel: 'talk' | 'runs', payload: Bytes): void {
    this.#outbox.post(channel, payload);
  }

  /** Says where I am to everyone who is here. */
  setPresence(payload: Bytes): void {
    this.#ownPresence = payload;
    this.#sendPresence().catch(this.#internal('presence'));
  }

  /** How others name this tab. */
  get self(): PeerId {
    return peerIdOf(this.#options.session.id);
  }

  get others(): PeerPresence[] {
    return this.#presence.others();
  }

  /** By which kind of link each peer is reached. */
  paths(): ReadonlyMap<PeerId, TransportId> {
    return new Map([...(this.#mesh?.peers ?? [])].map(([peer, link]) => [peer, link.transport]));
  }

  transportStatus(transport: TransportId): TransportStatus | undefined {
    return this.#mesh?.status(transport);
  }

  get frontier(): readonly FrontierRow[] {
    return this.#log.frontier();
  }

  /** Resolves when everything written here so far was offered to the store. */
  settled(): Promise<void> {
    return this.#outbox.settled();
  }

  async close(): Promise<void> {
    clearInterval(this.#tick);
    clearTimeout(this.#checkTimer);
    if (this.#mesh !== undefined && this.#ownPresence.length > 0) {
      this.#ownPresence = new Uint8Array();
      await this.#sendPresence();
    }
    await this.#outbox.settled();
    this.#keeper.dispose();
    await this.#mesh?.close();
    this.#intake.dispose();
    // What was on its way in while the links closed is kept too.
    await this.#shelf.settled();
    this.#shelf.dispose();
    this.#options.store.close();
    this.doc.destroy();
  }

  // ---- from the store ----------------------------------------------------------------------------------------

  async #readWhole(): Promise<void> {
    for await (const stored of this.#options.store.readAll(READ_BATCH_BYTES)) await this.#takeStored(stored);
  }

  /**
   * Takes what the store holds beyond the snapshot, and nothing else of the project. Messages are in no Y.Doc, so
   * those that the snapshot's chains count as known are told anew, by `again`, a log of its own (SYNC-11).
   */
  async #readBeyond(again: RoomLog): Promise<void> {
    const { store } = this.#options;
    const seqs = new Map(this.#log.frontier().map((row) => [chainOf(row), row.seq]));
    const known = (chain: string): number => seqs.get(chain) ?? 0;
    const beyond: StoredSegment[] = [];
    for (const { session, channel, last } of await store.chainEnds()) {
      const seq = known(chainOf({ session, channel }));
      if (channel !== 'project')
        for (const { sealed } of await store.readChain(session, channel, 1))
          this.#tellAgain(await again.receive(sealed), known);
      if (last > seq) beyond.push(...(await store.readChain(session, channel, seq + 1)));
    }
    await this.#takeStored(beyond);
  }

  async #takeStored(stored: readonly StoredSegment[]): Promise<void> {
    if (stored.length === 0) return;
    const entries = stored.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    const segments = stored.map(({ sealed }) => sealed);
    await this.#intake.take({ segments, heavy: entries > HEAVY_ENTRIES, persist: false });
  }

  #tellAgain({ accepted }: Receipt, known: (chain: string) => number): void {
    const before = accepted.flatMap((each) => {
      const end = known(chainOf({ session: each.session.id, channel: each.channel }));
      const entries = each.entries.filter(({ seq }) => seq <= end);
      return entries.length > 0 ? [{ ...each, last: Math.min(each.last, end), entries }] : [];
    });
    if (before.length > 0) this.#options.events.onMessages(before);
  }

  async #checkSnapshot(from: { chains: Bytes; state: Bytes }): Promise<void> {
    const { store, folder, events } = this.#options;
    try {
      const segments: Bytes[] = [];
      for await (const stored of store.readAll(READ_BATCH_BYTES))
        segments.push(...stored.map(({ sealed }) => sealed));
      if (!(await folder.snapshotAgrees({ ...this.#foldStart(), from }, segments)))
        events.onNotice({ kind: 'snapshot-false' });
    } catch (error) {
      events.onNotice({ kind: 'internal', what: 'checking the snapshot', error });
    }
  }

  #foldStart(): Omit<FoldStart, 'from'> {
    const { roomId, keys } = this.#options;
    const bytes = keys.seeds[keys.seedKind] ?? keys.seeds.v;
    return {
      roomId,
      seed: { kind: keys.seedKind, bytes, epoch: keys.epoch },
      genesis: this.#log.genesis?.bytes,
    };
  }

  /** Yjs silently changes a doc's client when it folds that client's entries: set it after folding (LOG.md). */
  #setClient(): void {
    this.doc.clientID = this.#options.session.clientId;
  }

  // ---- to and from peers -------------------------------------------------------------------------------------

  #sendOwn(accepted: Accepted): void {
    this.#mesh?.broadcast(writeFrame('live', accepted.sealed), 'live');
    this.#intake.noteOwn(accepted);
    if (accepted.channel !== 'project') this.#options.events.onMessages([accepted]);
    this.#touched();
  }

  async #onFrame(link: MeshLink, kind: FrameKind, body: Bytes): Promise<void> {
    if (kind === 'hello') return this.#meeting.onHello(link, body);
    const peer = link.peer;
    if (peer === undefined || !this.#meeting.hasMet(link)) return;
    switch (kind) {
      case 'live':
        await this.#onSegments(link, [body], false);
        return;
      case 'segments': {
        const answer = decodeSegments(body);
        // Nobody sends what was not asked for: old segments again cost more to look at than to send.
        if (!answer.ok || !this.#repair.expects(peer)) return;
        for (const part of partsOf(answer.value.segments))
          if (await this.#onSegments(link, part, this.#missingEntries > HEAVY_ENTRIES))
            this.#repair.progress(peer, this.#now());
        if (!answer.value.more) this.#onAnswered(link, peer);
        return;
      }
      case 'want': {
        const opened = await openSealed(this.#options.keys, 'want', body);
        const ranges = opened.ok ? decodeWant(opened.value) : undefined;
        if (ranges?.ok && !this.#closedLinks.has(link))
          this.#answers.answer(peer, link, ranges.value).catch(this.#internal('an answer'));
        return;
      }
      case 'presence':
        return this.#presence.receive(peer, body);
    }
  }

  /** Whether they brought anything new. */
  async #onSegments(link: MeshLink, segments: readonly Bytes[], heavy: boolean): Promise<boolean> {
    const outcome = await this.#intake.take({ segments, heavy, persist: true });
    this.#setClient();
    this.#keeper.touch();
    this.#report(outcome);
    // A gap or a missing dependency: whoever sent this holds more than this replica does, so ask what.
    if (this.#repair.idle && (outcome.gaps.length > 0 || outcome.held)) this.#askAboutGap(link);
    return outcome.entries > 0;
  }

  #askAboutGap(link: MeshLink): void {
    const asking = this.#meeting.ask(link);
    if (asking === false) this.#gaps.add(link);
    else asking.catch(this.#internal('greeting'));
  }

  #report({ entries, refusals, unknownFormat }: BatchOutcome): void {
    const { events } = this.#options;
    for (const code of new Set(refusals.map((refusal) => refusal.code)))
      events.onNotice({ kind: 'refused', code });
    if (unknownFormat) events.onNotice({ kind: 'newer-format' });
    if (this.#missingEntries <= HEAVY_ENTRIES) return;
    this.#gainedEntries += entries;
    events.onNotice({ kind: 'catching-up', done: this.#gainedEntries, of: this.#missingEntries });
  }

  /** Asks a peer for what it holds and this replica lacks. */
  #compare(link: MeshLink, rows: readonly FrontierRow[]): void {
    if (link.peer === undefined) return;
    const missing = this.#log.missingFrom(rows);
    const ranges = this.#repair.ask(link.peer, missing, this.#now());
    if (ranges.length === 0) return;
    const claimed = ranges.reduce((sum, { fromSeq, toSeq }) => sum + toSeq - fromSeq + 1, 0);
    this.#missingEntries = Math.min(this.#missingEntries + claimed, MAX_MISSING_ENTRIES);
    seal(this.#options.keys, 'want', encodeWant(ranges)).then(
      (sealed) => link.send(writeFrame('want', sealed), 'live'),
      this.#internal('asking for entries'),
    );
  }

  #onAnswered(link: MeshLink, peer: PeerId): void {
    this.#repair.answered(peer, this.#now());
    if (!this.#repair.idle) return;
    this.#repairEnded();
    // What came meanwhile, or was cut off at MAX_WANTED_RANGES, shows in the next comparison.
    void this.#meeting.greet(link, true).catch(this.#internal('greeting'));
  }

  #repairEnded(): void {
    if (this.#missingEntries > HEAVY_ENTRIES) this.#options.events.onNotice({ kind: 'caught-up' });
    this.#missingEntries = this.#gainedEntries = 0;
  }

  #onLinkClosed(link: MeshLink): void {
    const { peer } = link;
    this.#closedLinks.add(link);
    this.#gaps.delete(link);
    if (peer === undefined || this.#mesh?.linkTo(peer) !== undefined) return;
    this.#presence.gone(peer);
    this.#answers.gone(peer);
    if (this.#repair.gone(peer)) this.#greetAll(true);
  }

  async #sendPresence(only?: MeshLink): Promise<void> {
    this.#presenceSentAt = this.#now();
    const frame = await this.#presence.frame(this.#ownPresence);
    if (only !== undefined) only.send(frame, 'live');
    else this.#mesh?.broadcast(frame, 'live');
  }

  #greetAll(wantReply: boolean): void {
    this.#untoldSince = undefined;
    for (const link of this.#mesh?.peers.values() ?? [])
      void this.#meeting.greet(link, wantReply).catch(this.#internal('greeting'));
  }

  #onTick(): void {
    const now = this.#now();
    this.#presence.expire();
    if (now - this.#presenceSentAt > PRESENCE_REFRESH_MS)
      this.#sendPresence().catch(this.#internal('presence'));
    if (this.#repair.expire(now)) {
      if (this.#repair.idle) this.#repairEnded();
      this.#greetAll(true);
    } else if (this.#untoldSince !== undefined) {
      const waited = Math.max(
        now - this.#changedAt - GOSSIP_AFTER_MS,
        now - this.#untoldSince - GOSSIP_AT_LEAST_MS,
      );
      if (waited > 0) this.#greetAll(false);
    }
    for (const link of [...this.#gaps]) {
      this.#gaps.delete(link);
      this.#askAboutGap(link);
    }
    for (const link of this.#mesh?.links() ?? [])
      this.#meeting.remind(link).catch(this.#internal('greeting'));
  }

  #touched(): void {
    this.#changedAt = this.#now();
    this.#untoldSince ??= this.#changedAt;
  }

  #now(): number {
    return this.#options.clock.now();
  }

  #internal(what: string): (error: unknown) => void {
    return (error) => this.#options.events.onNotice({ kind: 'internal', what, error });
  }
}

/** The log behind a snapshot is checked when the room has been open for so long: what people wait for comes first. */
const CHECK_AFTER_MS = 2000;

/** Read from the store at once: enough for one fold, little enough to show the first text early. */
const READ_BATCH_BYTES = 4 * 1024 * 1024;

const chainOf = ({ session, channel }: { session: string; channel: string }): string =>
  `${session}/${channel}`;

/** Cuts a frame's segments into parts of the size that honest answers have, so that none keeps others waiting long. */
function* partsOf(segments: readonly Bytes[]): Generator<readonly Bytes[]> {
  let part: Bytes[] = [];
  let bytes = 0;
  for (const sealed of segments) {
    if (part.length > 0 && bytes + sealed.length > PART_BYTES) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(sealed);
    bytes += sealed.length;
  }
  if (part.length > 0) yield part;
}
