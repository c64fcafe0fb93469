/**
 * Everybody else in the room, as this tab knows them: links become peers by HELLO, frames find who handles them, what is
 * missing is asked for, and silence is looked at once a second.
 */
import type { Bytes } from '../core/bytes.ts';
import type { PeerId } from '../core/ids.ts';
import { chainKey } from '../log/frontier.ts';
import type { ForkProof } from '../log/receipt.ts';
import type { RoomLog } from '../log/room-log.ts';
import { openSealed, seal } from '../log/seal.ts';
import { Answers } from './answers.ts';
import type { Carriage } from './carriage.ts';
import { CatchUp } from './catch-up.ts';
import type { Checkpoints } from './checkpoints.ts';
import { FrameQueue } from './frame-queue.ts';
import {
  decodeSegments,
  decodeWant,
  encodeWant,
  partsOf,
  readFrame,
  writeFrame,
  type FrameKind,
  type WantedRange,
} from './frames.ts';
import { FirstGreetings } from './first-greetings.ts';
import { Gossip } from './gossip.ts';
import type { Batch, BatchOutcome } from './intake.ts';
import type { LogAtRest } from './log-at-rest.ts';
import { Meeting, peerIdOf } from './meeting.ts';
import { Mesh, type MeshLink } from './mesh.ts';
import { PRESENCE_REFRESH_MS, PresenceBoard, type PeerPresence } from './presence-board.ts';
import type { ReplicaOptions } from './replica-events.ts';
import type { RosterNews } from './roster-news.ts';
import type { Shelf } from './shelf.ts';
import type { TransportId, TransportRoom, TransportStatus } from './transport.ts';

/** How often silence is looked at: overdue answers, expired presence, heads that peers were not told. */
const TICK_MS = 1000;
/** Whoever mints sessions can fork each: no more of it is told than people would read. */
const MAX_TOLD_FORKS = 16;

export interface PeersOptions extends Omit<ReplicaOptions, 'store' | 'folder' | 'genesis' | 'worth'> {
  readonly log: RoomLog;
  readonly shelf: Shelf;
  readonly atRest: LogAtRest;
  /** The room's genesis statement was learnt. */
  readonly onGenesis: () => void;
  /** This tab has ways to other browsers now, or has none any more. */
  readonly onLead: (leads: boolean) => void;
  /** The owner's statements, to and from whoever is at the far end (ROST-20). */
  readonly rosterNews: RosterNews;
  /** Takes segments that a peer sent into the room. */
  readonly take: (batch: Batch) => Promise<BatchOutcome>;
  /** Resolves when what this tab wrote was offered to the store. */
  readonly settled: () => Promise<void>;
  /** What shows a long history at once, sealed, to and from whoever is at the far end (CHECK-6). */
  readonly checkpoints: Pick<Checkpoints, 'make' | 'offer'>;
}

export class Peers {
  readonly #options: PeersOptions;
  readonly #catchUp: CatchUp;
  readonly #gossip = new Gossip<MeshLink>(Math.random);
  readonly #answers: Answers;
  readonly #presence: PresenceBoard;
  readonly #meeting: Meeting;
  readonly #greetings: FirstGreetings;
  readonly #frames: FrameQueue;
  /** Links whose frames may still be on their way through here. */
  readonly #closedLinks = new WeakSet<MeshLink>();
  readonly #toldForks = new Set<string>();
  readonly #toldRoster = new WeakSet<MeshLink>();
  readonly #toldOwners = new WeakSet<MeshLink>();
  readonly #shown = new WeakSet<MeshLink>();
  #mesh: Mesh | undefined;
  #carriage: Carriage | undefined;
  #fetching: Promise<void> | undefined;
  #fetch: () => Promise<void> = () => Promise.resolve();
  #caughtUp = false;
  #closed = false;
  #ownPresence: Bytes = new Uint8Array();
  #presenceSentAt = 0;
  #tick: ReturnType<typeof setInterval> | undefined;

  constructor(options: PeersOptions) {
    const { roomId, keys, session, clock, events, log, shelf, atRest, settled } = options;
    this.#options = options;
    // Fetched while the room is read from the disk.
    if (options.sharing) void import('./carriage.ts').catch(() => undefined);
    this.#catchUp = new CatchUp({
      now: () => clock.now(),
      // Where both have something and it is not the same, their segment proves a fork.
      missingFrom: (rows) => [...log.missingFrom(rows), ...log.contradictedBy(rows)],
      atRest: {
        get lacking() {
          return atRest.lacking;
        },
        missingFrom: (rows) => atRest.missingFrom(rows),
        tried: () => atRest.tried(),
      },
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
      onIdle: () => {
        // A peer that is as new here as this tab has nothing to bring.
        if (this.#caughtUp || log.frontier().length === 0) return;
        this.#caughtUp = true;
        events.onPeers();
      },
      onProgress: (progress) =>
        events.onNotice(progress ? { kind: 'catching-up', ...progress } : { kind: 'caught-up' }),
    });
    this.#answers = new Answers({
      clock,
      frontier: () => [...log.frontier(), ...log.emptyBranches()],
      settled,
      readChain: (...chain) => shelf.readChain(...chain),
      mayBeSent: (segment) => atRest.mayBeSent(segment),
    });
    this.#greetings = new FirstGreetings({
      now: () => clock.now(),
      random: Math.random,
      greet: (link) => this.#greet(link, true),
      wasGreeted: (link) => this.#meeting.hasGreeted(link),
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
        this.#tellOwners(link);
      },
      onFrontier: (link, rows) => {
        if (link.peer !== undefined) this.#catchUp.compare(link, link.peer, rows);
      },
      onTold: (link, reached) => this.#gossip.told(link, reached),
      onNewcomer: (link) => this.#tellRoster(link),
      onGenesis: (bytes, by) => {
        events.onNotice({ kind: 'genesis', bytes });
        shelf.putFacts({ genesis: bytes });
        options.onGenesis();
        // HELLOs that came before could not be checked: ask for them again.
        for (const link of this.#mesh?.links() ?? [])
          if (link !== by && !this.#meeting.hasMet(link)) this.#greet(link, true);
      },
    });
  }

  /** Begins to meet others. */
  connect(room: Omit<TransportRoom, 'self' | 'roomId'>): void {
    const { sharing, session, roomId, onLead } = this.#options;
    const mesh = (this.#mesh = new Mesh(
      this.#options.transports,
      { ...room, self: peerIdOf(session.id), roomId },
      {
        onLink: (link) => this.#greetings.opened(link),
        onFrame: (link, frame) => this.#arrived(link, frame),
        onLinkClosed: (link) => this.#onLinkClosed(link),
        // It names what moved: what went into the dead link is asked for.
        onDetour: (link) => {
          for (const each of mesh.peers.values())
            if (each === link || each.carried?.by === link.peer) this.#greet(each, false);
        },
        onChange: () => this.#changed(),
      },
      sharing === undefined,
    ));
    this.#fetch = () => (this.#fetching ??= this.#fetchCarriage(mesh));
    if (sharing === undefined) onLead(true);
    else void this.#fetch();
    this.#tick = setInterval(() => this.#onTick(), TICK_MS);
  }

  /** Sends a segment made here to every peer. */
  sendOwn(sealed: Bytes): void {
    this.#mesh?.broadcastSurely(writeFrame('live', sealed));
  }

  /** Tells everybody here of newer statements. */
  async announce(roster: Bytes): Promise<void> {
    const frame = writeFrame('roster', await seal(this.#options.keys, 'roster', roster));
    this.#mesh?.broadcast(frame, 'live');
    await Promise.all([...(this.#mesh?.links() ?? [])].map((link) => link.drained()));
  }

  /** Takes the room's genesis statement from elsewhere, if it is genuine. */
  learn(genesis: Bytes): Promise<void> {
    return this.#meeting.learn(genesis);
  }

  /** Has everyone name their heads: something is missing that they may have. */
  ask(): void {
    this.#greetAll(true);
  }

  /** Says where I am to everyone who is here. */
  setPresence(payload: Bytes): void {
    this.#ownPresence = payload;
    this.#sendPresence().catch(this.#internal('presence'));
  }

  /** Whether the room came from somebody: what was missing at the first meeting is here. */
  get caughtUp(): boolean {
    return this.#caughtUp;
  }

  get others(): PeerPresence[] {
    return this.#presence.others();
  }

  /** By which kind of link each peer is reached. */
  paths(): ReadonlyMap<PeerId, TransportId> {
    const mesh = this.#mesh;
    return new Map(
      [...(mesh?.peers ?? [])].map(([peer, link]) => [peer, mesh?.pathOf(link) ?? link.transport]),
    );
  }

  /** Peers whose direct link has stopped answering. */
  doubted(): ReadonlySet<PeerId> {
    const mesh = this.#mesh;
    return new Set([...(mesh?.peers.keys() ?? [])].filter((peer) => mesh?.isDoubtful(peer)));
  }

  transportStatus(transport: TransportId): TransportStatus | undefined {
    return this.#mesh?.status(transport) ?? this.#carriage?.status(transport);
  }

  /** Whether other browsers are reached by another tab of this one. */
  get follows(): boolean {
    return this.#carriage?.follows === true;
  }

  /** Listens no more for silence; frames still come until `close`. */
  async goodbye(): Promise<void> {
    clearInterval(this.#tick);
    if (this.#mesh === undefined || this.#ownPresence.length === 0) return;
    this.#ownPresence = new Uint8Array();
    await this.#sendPresence().catch(this.#internal('presence'));
  }

  async close(): Promise<void> {
    clearInterval(this.#tick);
    this.#greetings.dispose();
    this.#closed = true;
    await this.#carriage?.close();
    await this.#mesh?.close();
  }

  async #onFrame(link: MeshLink, kind: FrameKind, body: Bytes): Promise<void> {
    if (kind === 'hello') return this.#meeting.onHello(link, body);
    if (kind === 'roster') {
      const opened = await openSealed(this.#options.keys, 'roster', body);
      return opened.ok ? this.#options.rosterNews.heard(opened.value) : undefined;
    }
    const peer = link.peer;
    if (peer === undefined || !this.#meeting.hasMet(link)) return;
    switch (kind) {
      case 'live':
        return this.#onSegments(link, [body], false);
      case 'segments': {
        const answer = decodeSegments(body);
        // Nobody sends what was not asked for: old segments again cost more to look at than to send.
        if (!answer.ok || !this.#catchUp.expects(peer)) return;
        this.#catchUp.placing(peer, true);
        try {
          for (const part of partsOf(answer.value.segments)) await this.#onSegments(link, part, true);
        } finally {
          this.#catchUp.placing(peer, false);
        }
        if (!answer.value.more) this.#catchUp.answered(link, peer);
        return;
      }
      case 'want': {
        const opened = await openSealed(this.#options.keys, 'want', body);
        const ranges = opened.ok ? decodeWant(opened.value) : undefined;
        if (ranges?.ok && !this.#closedLinks.has(link))
          this.#answer(peer, link, ranges.value).catch(this.#internal('an answer'));
        return;
      }
      case 'checkpoint':
        if (this.#catchUp.expects(peer)) await this.#options.checkpoints.offer(body);
        return;
      case 'presence':
        return this.#presence.receive(peer, body);
      case 'reach':
      case 'carry':
        if (this.#carriage === undefined) await this.#fetch();
        if (kind === 'reach') return this.#carriage?.heard(link, body);
        return void this.#carriage?.carry(link, body);
    }
  }

  #arrived(link: MeshLink, frame: Bytes): void {
    const read = readFrame(frame);
    if (!read.ok) return;
    const { kind, body } = read.value;
    // What goes on to another tab waits for nothing here.
    if (kind === 'carry' && this.#meeting.hasMet(link) && this.#carriage?.carry(link, body)) return;
    this.#frames.push(link, kind, body);
  }

  #changed(): void {
    this.#carriage?.changed();
    this.#options.events.onPeers();
  }

  /** Few people have several tabs of a room: no part of what everybody waits for. */
  async #fetchCarriage(mesh: Mesh): Promise<void> {
    const { sharing, session, onLead, roomId, keys } = this.#options;
    const name = `codeface-lead-${roomId}-${keys.epoch}-${session.device}`;
    try {
      const { Carriage } = await import('./carriage.ts');
      if (this.#closed) return;
      this.#carriage = new Carriage({
        ...this.#options,
        mesh,
        self: peerIdOf(session.id),
        device: session.device,
        deviceOf: (link) => this.#meeting.metOn(link)?.device,
        onFrame: (link, frame) => this.#arrived(link, frame),
        onChange: () => this.#changed(),
        onError: this.#internal('the tabs of this browser'),
        sharing: sharing && { name, page: sharing },
      });
    } catch (error) {
      // Out of reach, as after an update: this tab is for itself, and another browser's tabs are asked for again.
      this.#fetching = undefined;
      this.#internal('the tabs of this browser')(error);
      if (sharing === undefined) return;
      mesh.lead(true);
      onLead(true);
    }
  }

  /** Whoever has nothing is shown where it leads before all that led there; once a link. */
  async #answer(peer: PeerId, link: MeshLink, ranges: readonly WantedRange[]): Promise<void> {
    if (this.#meeting.isNew(link) && !this.#shown.has(link)) {
      this.#shown.add(link);
      const lacked = ranges.filter(({ channel }) => channel === 'project');
      const entries = lacked.reduce((sum, { fromSeq, toSeq }) => sum + toSeq - fromSeq + 1, 0);
      const checkpoint = await this.#options.checkpoints.make(entries);
      if (this.#closedLinks.has(link)) return;
      if (checkpoint !== undefined) link.send(writeFrame('checkpoint', checkpoint), 'bulk');
    }
    await this.#answers.answer(peer, link, ranges);
  }

  async #onSegments(link: MeshLink, segments: readonly Bytes[], answer: boolean): Promise<void> {
    const heavy = answer && this.#catchUp.heavy;
    const outcome = await this.#options.take({ segments, heavy, persist: true });
    this.#report(link, outcome);
    this.#catchUp.took(link, outcome, answer);
  }

  #report(link: MeshLink, { refusals, forks, unknownFormat }: BatchOutcome): void {
    const { events } = this.#options;
    for (const proof of forks) void this.#tellFork(proof).catch(this.#internal('a fork'));
    for (const code of new Set(refusals.map((refusal) => refusal.code)))
      events.onNotice({ kind: 'refused', code });
    // A first byte that is not ours proves nothing; that an editor's own tab sent it does (SEAL-2).
    if (unknownFormat && this.#meeting.metOn(link)?.role === 'editor')
      events.onNotice({ kind: 'newer-format' });
  }

  /** Tells of a fork once for each chain, with the segment that is here beside the other one. */
  async #tellFork({ session, channel, seq, sealed }: ForkProof): Promise<void> {
    const { log, shelf, events } = this.#options;
    const chain = chainKey({ session, channel });
    if (this.#toldForks.has(chain) || this.#toldForks.size >= MAX_TOLD_FORKS) return;
    this.#toldForks.add(chain);
    const stored = await shelf.readChain(session, channel, seq);
    const here = stored.find(({ first, last }) => first <= seq && seq <= last);
    // Set aside as damaged just now: told when it is asked about again.
    if (here === undefined) return void this.#toldForks.delete(chain);
    const { device } = log.session(session) ?? {};
    events.onNotice({ kind: 'fork', device, session, channel, seq, here: here.sealed, other: sealed });
  }

  #onLinkClosed(link: MeshLink): void {
    const { peer } = link;
    this.#closedLinks.add(link);
    this.#greetings.closed(link);
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

  /** To who came by a link of this epoch and knows nothing else. Once a link: it is in order, and whole or closed. */
  #tellRoster(link: MeshLink): void {
    const { whole } = this.#options.rosterNews;
    if (whole === undefined || this.#toldRoster.has(link)) return;
    this.#toldRoster.add(link);
    this.#sendRoster(link, whole);
  }

  /** To everybody who is met: they may have been away when others came to own the room, or were let in. Once a link; what is newer is announced. */
  #tellOwners(link: MeshLink): void {
    const { brief } = this.#options.rosterNews;
    if (brief === undefined || this.#toldOwners.has(link)) return;
    this.#toldOwners.add(link);
    this.#sendRoster(link, brief);
  }

  #sendRoster(link: MeshLink, roster: Bytes): void {
    seal(this.#options.keys, 'roster', roster).then(
      (sealed) => link.send(writeFrame('roster', sealed), 'live'),
      this.#internal('the roster'),
    );
  }

  #greet(link: MeshLink, wantsReply: boolean): void {
    this.#meeting.greet(link, wantsReply).catch(this.#internal('greeting'));
  }

  #greetAll(wantsReply: boolean): void {
    for (const link of this.#mesh?.peers.values() ?? []) this.#greet(link, wantsReply);
  }

  #onTick(): void {
    const now = this.#now();
    this.#carriage?.tick();
    this.#presence.expire();
    if (now - this.#presenceSentAt > PRESENCE_REFRESH_MS)
      this.#sendPresence().catch(this.#internal('presence'));
    if (this.#catchUp.tick()) this.#greetAll(true);
    else this.#tellHeads(now);
    for (const link of this.#mesh?.links() ?? [])
      this.#meeting.remind(link).catch(this.#internal('greeting'));
  }

  #tellHeads(now: number): void {
    const { tell, ask } = this.#gossip.due(now, this.#mesh?.peers.values() ?? [], this.#meeting.reached);
    for (const link of tell) this.#greet(link, ask);
  }

  #now(): number {
    return this.#options.clock.now();
  }

  #internal(what: string): (error: unknown) => void {
    return (error) => this.#options.events.onNotice({ kind: 'internal', what, error });
  }
}
