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
import type { LogStore } from '../log/log-store.ts';
import type { Accepted } from '../log/receipt.ts';
import { RoomLog } from '../log/room-log.ts';
import { openSealed, seal } from '../log/seal.ts';
import { Answers } from './answers.ts';
import type { FoldStart } from './fold-session.ts';
import type { Folder } from './folder.ts';
import {
  decodeSegments,
  decodeWant,
  encodeWant,
  MAX_WANTED_RANGES,
  readFrame,
  writeFrame,
} from './frames.ts';
import { FROM_LOG, Intake, type BatchOutcome } from './intake.ts';
import { Keeper } from './keeper.ts';
import { Meeting, peerIdOf } from './meeting.ts';
import { Mesh, type MeshLink } from './mesh.ts';
import { Outbox, type OutboxState } from './outbox.ts';
import { PRESENCE_REFRESH_MS, PresenceBoard, type PeerPresence } from './presence-board.ts';
import { Repair } from './repair.ts';
import type { Transport, TransportId, TransportRoom, TransportStatus } from './transport.ts';

/** Past this many missing entries the worker catches up (LOG.md, Meeting). */
const HEAVY_ENTRIES = 200;
/** How often silence is looked at: overdue answers, expired presence, heads that peers were not told. */
const TICK_MS = 1000;
/** Heads are told to every peer when nothing changed for this long: a bridge between two peers is repaired by it. */
const GOSSIP_AFTER_MS = 2000;

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
  readonly #outbox: Outbox;
  readonly #intake: Intake;
  readonly #keeper: Keeper;
  readonly #repair = new Repair();
  readonly #answers: Answers;
  readonly #presence: PresenceBoard;
  readonly #meeting: Meeting;
  #mesh: Mesh | undefined;
  #ownPresence: Bytes = new Uint8Array();
  #presenceSentAt = 0;
  #changedAt = 0;
  #gossiped = true;
  #tick: ReturnType<typeof setInterval> | undefined;
  #missingEntries = 0;
  #gainedEntries = 0;

  private constructor(options: ReplicaOptions, log: RoomLog) {
    const { roomId, keys, session, store, folder, clock, events } = options;
    this.#options = options;
    this.#log = log;
    const onError = (what: string, error: unknown): void =>
      events.onNotice({ kind: 'internal', what, error });
    this.#outbox = new Outbox({
      doc: this.doc,
      log,
      store,
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
      store,
      folder,
      onMessages: (accepted) => events.onMessages(accepted),
      onStoreError: (error) => events.onNotice({ kind: 'store-error', error }),
    });
    this.#keeper = new Keeper({
      keys,
      log,
      doc: this.doc,
      store,
      atRest: () => this.#outbox.state.kind === 'saved' && !this.#intake.busy,
      onError,
    });
    this.#answers = new Answers(store, () => this.#outbox.settled());
    this.#presence = new PresenceBoard({ keys, session, clock, onChange: () => events.onPeers() });
    this.#meeting = new Meeting({
      roomId,
      keys,
      session,
      log,
      onMet: (link, met) => {
        const peer = peerIdOf(met.id);
        this.#mesh?.identify(link, peer);
        const isNew = !this.#presence.others().some((other) => other.peer === peer);
        this.#presence.met(peer, met);
        if (isNew) void this.#sendPresence(link);
      },
      onFrontier: (link, rows) => this.#compare(link, rows),
      onGenesis: (bytes) => {
        events.onNotice({ kind: 'genesis', bytes });
        store
          .saveFacts({ genesis: bytes })
          .catch((error: unknown) => events.onNotice({ kind: 'store-error', error }));
        // HELLOs that came before could not be checked: ask for them again.
        for (const link of this.#mesh?.links() ?? [])
          if (!this.#meeting.hasMet(link))
            void this.#meeting.greet(link, true).catch(onError.bind(undefined, 'greeting'));
      },
    });
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
    await replica.#readStore();
    replica.#setClient();
    if (usable !== undefined) void replica.#checkSnapshot(usable);
    return replica;
  }

  /** Begins to meet others. */
  connect(room: Omit<TransportRoom, 'self' | 'roomId'>): void {
    this.#mesh = new Mesh(
      this.#options.transports,
      { ...room, self: this.self, roomId: this.#options.roomId },
      {
        onLink: (link) => void this.#meeting.greet(link, true).catch(this.#internal('greeting')),
        onFrame: (link, frame) => void this.#onFrame(link, frame).catch(this.#internal('a frame')),
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
    void this.#sendPresence();
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
    if (this.#mesh !== undefined && this.#ownPresence.length > 0) {
      this.#ownPresence = new Uint8Array();
      await this.#sendPresence();
    }
    await this.#outbox.settled();
    this.#keeper.dispose();
    this.#outbox.dispose();
    await this.#mesh?.close();
    this.#intake.dispose();
    this.#options.store.close();
    this.doc.destroy();
  }

  // ---- from the store ----------------------------------------------------------------------------------------

  async #readStore(): Promise<void> {
    const seqs = new Map(this.#log.frontier().map((row) => [chainOf(row), row.seq]));
    const known = (chain: string): number => seqs.get(chain) ?? 0;
    for await (const stored of this.#options.store.readAll(READ_BATCH_BYTES)) {
      const news = stored.filter((segment) => segment.last > known(chainOf(segment)));
      const entries = news.reduce((sum, { first, last }) => sum + last - first + 1, 0);
      const segments = news.map(({ sealed }) => sealed);
      if (segments.length > 0)
        await this.#intake.take({ segments, heavy: entries > HEAVY_ENTRIES, persist: false });
    }
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

  async #onFrame(link: MeshLink, frame: Bytes): Promise<void> {
    const read = readFrame(frame);
    if (!read.ok) return;
    const { kind, body } = read.value;
    if (kind === 'hello') return this.#meeting.onHello(link, body);
    const peer = link.peer;
    if (peer === undefined || !this.#meeting.hasMet(link)) return;
    this.#presence.heard(peer);
    switch (kind) {
      case 'live':
        return this.#onSegments(link, [body], false);
      case 'segments': {
        const answer = decodeSegments(body);
        if (!answer.ok) return;
        this.#repair.progress(peer, this.#now());
        await this.#onSegments(link, answer.value.segments, this.#missingEntries > HEAVY_ENTRIES);
        if (!answer.value.more) this.#onAnswered(link, peer);
        return;
      }
      case 'want': {
        const opened = await openSealed(this.#options.keys, 'want', body);
        const ranges = opened.ok ? decodeWant(opened.value) : undefined;
        if (ranges?.ok) await this.#answers.answer(peer, link, ranges.value);
        return;
      }
      case 'presence':
        return this.#presence.receive(peer, body);
    }
  }

  async #onSegments(link: MeshLink, segments: readonly Bytes[], heavy: boolean): Promise<void> {
    const outcome = await this.#intake.take({ segments, heavy, persist: true });
    this.#setClient();
    this.#keeper.touch();
    this.#report(outcome);
    // A gap or a missing dependency: whoever sent this holds more than this replica does, so ask what.
    if (this.#repair.idle && (outcome.gaps.length > 0 || outcome.held)) await this.#meeting.greet(link, true);
  }

  #report({ entries, refusals, unknownFormat }: BatchOutcome): void {
    const { onNotice } = this.#options.events;
    for (const refusal of refusals) onNotice({ kind: 'refused', code: refusal.code });
    if (unknownFormat) onNotice({ kind: 'newer-format' });
    if (this.#missingEntries <= HEAVY_ENTRIES) return;
    this.#gainedEntries += entries;
    onNotice({ kind: 'catching-up', done: this.#gainedEntries, of: this.#missingEntries });
  }

  /** Asks a peer for what it holds and this replica lacks. */
  #compare(link: MeshLink, rows: readonly FrontierRow[]): void {
    if (link.peer === undefined) return;
    const missing = this.#log.compareFrontier(rows).theyHave.slice(0, MAX_WANTED_RANGES);
    const ranges = this.#repair.ask(link.peer, missing, this.#now());
    if (ranges.length === 0) return;
    this.#missingEntries += ranges.reduce((sum, { fromSeq, toSeq }) => sum + toSeq - fromSeq + 1, 0);
    seal(this.#options.keys, 'want', encodeWant(ranges)).then(
      (sealed) => link.send(writeFrame('want', sealed), 'live'),
      this.#internal('asking for entries'),
    );
  }

  #onAnswered(link: MeshLink, peer: PeerId): void {
    this.#repair.answered(peer, this.#now());
    if (!this.#repair.idle) return;
    if (this.#missingEntries > HEAVY_ENTRIES) this.#options.events.onNotice({ kind: 'caught-up' });
    this.#missingEntries = this.#gainedEntries = 0;
    // What came meanwhile, or was cut off at MAX_WANTED_RANGES, shows in the next comparison.
    void this.#meeting.greet(link, true).catch(this.#internal('greeting'));
  }

  #onLinkClosed(link: MeshLink): void {
    const { peer } = link;
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
    for (const link of this.#mesh?.peers.values() ?? [])
      void this.#meeting.greet(link, wantReply).catch(this.#internal('greeting'));
  }

  #onTick(): void {
    const now = this.#now();
    for (const peer of this.#presence.expired()) this.#presence.gone(peer);
    if (now - this.#presenceSentAt > PRESENCE_REFRESH_MS) void this.#sendPresence();
    if (this.#repair.overdue(now)) this.#greetAll(true);
    else if (!this.#gossiped && now - this.#changedAt > GOSSIP_AFTER_MS) {
      this.#gossiped = true;
      this.#greetAll(false);
    }
  }

  #touched(): void {
    this.#changedAt = this.#now();
    this.#gossiped = false;
  }

  #now(): number {
    return this.#options.clock.now();
  }

  #internal(what: string): (error: unknown) => void {
    return (error) => this.#options.events.onNotice({ kind: 'internal', what, error });
  }
}

/** Read from the store at once: enough for one fold, little enough to show the first text early. */
const READ_BATCH_BYTES = 4 * 1024 * 1024;

const chainOf = ({ session, channel }: { session: string; channel: string }): string =>
  `${session}/${channel}`;
