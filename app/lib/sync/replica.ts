/**
 * One tab's copy of a room: the log, the project doc that is its fold, the device's store, and the peers it meets.
 * Composes the parts of this folder and owns their order of life; each part's rules are in its own file.
 */
import * as Y from 'yjs';
import type { Bytes } from '../core/bytes.ts';
import type { PeerId } from '../core/ids.ts';
import type { FrontierRow } from '../log/frontier.ts';
import type { Accepted } from '../log/receipt.ts';
import { RoomLog } from '../log/room-log.ts';
import { openSealed, seal } from '../log/seal.ts';
import { Answers } from './answers.ts';
import { CatchUp } from './catch-up.ts';
import type { FoldStart } from './fold-session.ts';
import { FrameQueue } from './frame-queue.ts';
import {
  decodeSegments,
  decodeWant,
  encodeWant,
  partsOf,
  readFrame,
  writeFrame,
  type FrameKind,
} from './frames.ts';
import { Gossip } from './gossip.ts';
import { FROM_LOG, Intake, type BatchOutcome } from './intake.ts';
import { Keeper } from './keeper.ts';
import { Meeting, peerIdOf } from './meeting.ts';
import { Mesh, type MeshLink } from './mesh.ts';
import { Outbox } from './outbox.ts';
import { PRESENCE_REFRESH_MS, PresenceBoard, type PeerPresence } from './presence-board.ts';
import type { ReplicaOptions } from './replica-events.ts';
import { Shelf } from './shelf.ts';
import { StoredLog } from './stored-log.ts';
import type { TransportId, TransportRoom, TransportStatus } from './transport.ts';

export type { ReplicaEvents, ReplicaNotice, ReplicaOptions } from './replica-events.ts';

/** How often silence is looked at: overdue answers, expired presence, heads that peers were not told. */
const TICK_MS = 1000;

export class Replica {
  readonly doc = new Y.Doc();
  readonly #options: ReplicaOptions;
  readonly #log: RoomLog;
  readonly #shelf: Shelf;
  readonly #outbox: Outbox;
  readonly #intake: Intake;
  readonly #keeper: Keeper;
  readonly #storedLog: StoredLog;
  readonly #catchUp: CatchUp;
  readonly #gossip = new Gossip();
  readonly #answers: Answers;
  readonly #presence: PresenceBoard;
  readonly #meeting: Meeting;
  readonly #frames: FrameQueue;
  /** Links whose frames may still be on their way through here. */
  readonly #closedLinks = new WeakSet<MeshLink>();
  #mesh: Mesh | undefined;
  #ownPresence: Bytes = new Uint8Array();
  #presenceSentAt = 0;
  #tick: ReturnType<typeof setInterval> | undefined;

  private constructor(options: ReplicaOptions, log: RoomLog) {
    const { roomId, keys, session, store, folder, clock, events } = options;
    this.#options = options;
    this.#log = log;
    const onError = (what: string, error: unknown): void =>
      events.onNotice({ kind: 'internal', what, error });
    const onMessages = (accepted: readonly Accepted[]): void => events.onMessages(accepted);
    const foldStart = (): Omit<FoldStart, 'from'> => this.#foldStart();
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
      onError,
    });
    this.#keeper = new Keeper({
      clock,
      keys,
      log,
      doc: this.doc,
      store,
      atRest: () => this.#outbox.state.kind === 'saved' && this.#shelf.empty && !this.#intake.busy,
      onError,
    });
    this.#storedLog = new StoredLog({
      store,
      log,
      intake: this.#intake,
      folder,
      foldStart,
      onMessages,
      onSnapshotFalse: () => {
        this.#keeper.stopSnapshots();
        events.onNotice({ kind: 'snapshot-false' });
      },
      onError,
    });
    this.#catchUp = new CatchUp({
      now: () => clock.now(),
      missingFrom: (rows) => log.missingFrom(rows),
      want: (link, ranges) =>
        void seal(keys, 'want', encodeWant(ranges)).then(
          (sealed) => link.send(writeFrame('want', sealed), 'live'),
          this.#internal('asking for entries'),
        ),
      greet: (link) => this.#greet(link, true),
      ask: (link) => {
        const asking = this.#meeting.ask(link);
        if (asking !== false) asking.catch(this.#internal('greeting'));
        return asking !== false;
      },
      onProgress: (progress) =>
        events.onNotice(progress ? { kind: 'catching-up', ...progress } : { kind: 'caught-up' }),
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
      onFrontier: (link, rows) => {
        if (link.peer !== undefined) this.#catchUp.compare(link, link.peer, rows);
      },
      onGenesis: (bytes) => {
        events.onNotice({ kind: 'genesis', bytes });
        this.#shelf.putFacts({ genesis: bytes });
        // HELLOs that came before could not be checked: ask for them again.
        for (const link of this.#mesh?.links() ?? [])
          if (!this.#meeting.hasMet(link)) this.#greet(link, true);
      },
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
    if (usable === undefined) await replica.#storedLog.readWhole();
    else {
      await replica.#storedLog.readBeyond(new RoomLog(base));
      replica.#storedLog.checkLater(usable);
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
        onLink: (link) => this.#greet(link, true),
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
    this.#storedLog.dispose();
    try {
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
    } finally {
      this.#keeper.dispose();
      this.#intake.dispose();
      this.#shelf.dispose();
      this.#options.store.close();
      this.doc.destroy();
    }
  }

  /** From here on edits are heard: not before the snapshot is in, which Yjs would encode again for a listener. */
  #listen(): void {
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== FROM_LOG) this.#outbox.edit(update);
      this.#gossip.touched(this.#now());
    });
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
    this.#gossip.touched(this.#now());
  }

  async #onFrame(link: MeshLink, kind: FrameKind, body: Bytes): Promise<void> {
    if (kind === 'hello') return this.#meeting.onHello(link, body);
    const peer = link.peer;
    if (peer === undefined || !this.#meeting.hasMet(link)) return;
    switch (kind) {
      case 'live':
        return this.#onSegments(link, [body], false);
      case 'segments': {
        const answer = decodeSegments(body);
        // Nobody sends what was not asked for: old segments again cost more to look at than to send.
        if (!answer.ok || !this.#catchUp.expects(peer)) return;
        for (const part of partsOf(answer.value.segments)) await this.#onSegments(link, part, true);
        if (!answer.value.more) this.#catchUp.answered(link, peer);
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

  async #onSegments(link: MeshLink, segments: readonly Bytes[], answer: boolean): Promise<void> {
    const heavy = answer && this.#catchUp.heavy;
    const outcome = await this.#intake.take({ segments, heavy, persist: true });
    this.#setClient();
    this.#keeper.touch();
    this.#report(link, outcome);
    this.#catchUp.took(link, outcome, answer);
  }

  #report(link: MeshLink, { refusals, unknownFormat }: BatchOutcome): void {
    const { events } = this.#options;
    for (const code of new Set(refusals.map((refusal) => refusal.code)))
      events.onNotice({ kind: 'refused', code });
    // A first byte that is not ours proves nothing; that an editor's own tab sent it does (SEAL-2).
    if (unknownFormat && this.#meeting.metOn(link)?.role === 'editor')
      events.onNotice({ kind: 'newer-format' });
  }

  #onLinkClosed(link: MeshLink): void {
    const { peer } = link;
    this.#closedLinks.add(link);
    this.#catchUp.linkClosed(link);
    if (peer === undefined || this.#mesh?.linkTo(peer) !== undefined) return;
    this.#presence.gone(peer);
    this.#answers.gone(peer);
    if (this.#catchUp.gone(peer)) this.#greetAll(true);
  }

  async #sendPresence(only?: MeshLink): Promise<void> {
    this.#presenceSentAt = this.#now();
    const frame = await this.#presence.frame(this.#ownPresence);
    if (only !== undefined) only.send(frame, 'live');
    else this.#mesh?.broadcast(frame, 'live');
  }

  #greet(link: MeshLink, wantsReply: boolean): void {
    this.#meeting.greet(link, wantsReply).catch(this.#internal('greeting'));
  }

  #greetAll(wantsReply: boolean): void {
    this.#gossip.told();
    for (const link of this.#mesh?.peers.values() ?? []) this.#greet(link, wantsReply);
  }

  #onTick(): void {
    const now = this.#now();
    this.#presence.expire();
    if (now - this.#presenceSentAt > PRESENCE_REFRESH_MS)
      this.#sendPresence().catch(this.#internal('presence'));
    if (this.#catchUp.tick()) this.#greetAll(true);
    else if (this.#gossip.due(now)) this.#greetAll(false);
    for (const link of this.#mesh?.links() ?? [])
      this.#meeting.remind(link).catch(this.#internal('greeting'));
  }

  #now(): number {
    return this.#options.clock.now();
  }

  #internal(what: string): (error: unknown) => void {
    return (error) => this.#options.events.onNotice({ kind: 'internal', what, error });
  }
}
