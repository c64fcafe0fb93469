/**
 * Who is at the other end of a link, and that they are there now: the HELLO exchange (SPEC, SYNC-2, SYNC-3).
 *
 *   link opens ──HELLO(my nonce)──▶            a HELLO that signs my nonce back proves the session lives:
 *              ◀─HELLO(theirs, mine)──          only then is the link a peer and its presence believed.
 *              ──HELLO(mine, theirs)─▶
 *
 * Each HELLO names chain heads: all of them first, later only those that moved. Repair starts from that.
 */
import { concat, equalBytes, randomBytes, utf8, type Bytes } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import type { PeerId, RoomId, SessionId } from '../core/ids.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { verifySignature } from '../crypto/signatures.ts';
import {
  checkCertificate,
  readCertificate,
  type CheckedSession,
  type OwnSession,
} from '../log/certificate.ts';
import { chainKey, decodeFrontier, encodeFrontier, type FrontierRow } from '../log/frontier.ts';
import { MAX_FRONTIER_ROWS } from '../log/format.ts';
import { decodeGenesis } from '../log/genesis.ts';
import type { RoomLog } from '../log/room-log.ts';
import { openSealed, seal } from '../log/seal.ts';
import { decodeHello, encodeHello, writeFrame, type SignedHello } from './frames.ts';
import type { MeshLink } from './mesh.ts';

/** What a HELLO's signature begins with (SYNC-1). */
export const HELLO_LABEL = utf8('codeface/hello/1\0');
const NO_NONCE: Bytes = new Uint8Array(16);
/** A far end that confirms nothing is told again after so long, then twice as long each time … */
const REMIND_AFTER_MS = 4000;
/**
 * Heads are confirmed by the far end's own HELLO, which comes every 5 s at the least while somebody types (replica.ts):
 * asking sooner would be a HELLO and its answer on every link for nothing.
 */
const REMIND_HEADS_AFTER_MS = 7500;
/** … so many times: a link that goes on losing frames should have closed, and who refuses an entry never confirms it. */
const MAX_REMINDERS = 6;
/** A gap is asked about at most this often on one link. */
const ASK_AGAIN_MS = 500;

/** A peer is named by the key of its tab's session, so that nobody can take another's name. */
export const peerIdOf = (session: SessionId): PeerId => session.slice(0, 32) as PeerId;

export interface MeetingOptions {
  readonly roomId: RoomId;
  readonly keys: RoomKeys;
  readonly session: OwnSession;
  readonly log: RoomLog;
  readonly clock: Clock;
  /** The far end is who it says and is there now; called at each HELLO that proves it. */
  readonly onMet: (link: MeshLink, session: CheckedSession) => void;
  /** What the far end has said so far that it holds. */
  readonly onFrontier: (link: MeshLink, rows: readonly FrontierRow[]) => void;
  /** A genesis statement was learnt and is genuine. `by`: from a HELLO on that link, which is being answered. */
  readonly onGenesis: (bytes: Bytes, by?: MeshLink) => void;
  /** All heads are on their way to the far end, or were told; their seqs add up to so much. */
  readonly onTold: (link: MeshLink, reached: number) => void;
  /** The far end has a link of this epoch and does not know the owner's statements. */
  readonly onNewcomer: (link: MeshLink) => void;
}

interface LinkState {
  readonly nonce: Bytes;
  theirNonce: Bytes;
  /** Whether a HELLO went out. */
  greeted: boolean;
  /** The nonce of theirs that the last of them signs. */
  echoed: Bytes;
  /** Whose certificate was checked last on this link. */
  certified: CheckedSession | undefined;
  /** Whose link it is, once that was proved; it stays theirs. */
  met: CheckedSession | undefined;
  /** Seq last told, by chain. */
  readonly told: Map<string, number>;
  /** Newest row heard, by chain. */
  readonly heard: Map<string, FrontierRow>;
  /** Seqs that the far end had not confirmed when that was looked at last, by chain. */
  unconfirmed: ReadonlyMap<string, number>;
  remindAt: number;
  reminders: number;
  askedAt: number;
}

export class Meeting {
  readonly #options: MeetingOptions;
  readonly #states = new WeakMap<MeshLink, LinkState>();

  constructor(options: MeetingOptions) {
    this.#options = options;
  }

  hasMet(link: MeshLink): boolean {
    return this.#stateOf(link).met !== undefined;
  }

  /** Whose link it is, once that was proved. */
  metOn(link: MeshLink): CheckedSession | undefined {
    return this.#stateOf(link).met;
  }

  /** Whether a HELLO went out on the link. */
  hasGreeted(link: MeshLink): boolean {
    return this.#stateOf(link).greeted;
  }

  /** Whether the far end has named nothing of the project so far. */
  isNew(link: MeshLink): boolean {
    return [...this.#stateOf(link).heard.values()].every(({ channel }) => channel !== 'project');
  }

  /** Sends a HELLO with what moved since the last one on this link. `wantsReply` asks for theirs. */
  async greet(link: MeshLink, wantsReply: boolean): Promise<void> {
    const { keys, session, log } = this.#options;
    const state = this.#stateOf(link);
    state.greeted = true;
    const all = this.#rows();
    const moved = all.filter((row) => row.seq > (state.told.get(chainKey(row)) ?? 0));
    const rows = moved.slice(0, MAX_FRONTIER_ROWS);
    for (const row of rows) state.told.set(chainKey(row), row.seq);
    const echo = state.theirNonce;
    if (rows.length === moved.length) this.#options.onTold(link, sumOf(all));
    const signed = encodeHello({
      nonce: state.nonce,
      echo,
      wantsReply,
      certificate: session.certificate,
      genesis: log.genesis?.bytes ?? new Uint8Array(),
      frontier: encodeFrontier(rows),
    });
    const signature = await session.sign(concat(HELLO_LABEL, signed));
    link.send(writeFrame('hello', await seal(keys, 'hello', concat(signed, signature))), 'live');
    state.echoed = echo;
  }

  /** The seqs of all heads added up: what has moved since is not told yet. */
  get reached(): number {
    return sumOf(this.#rows());
  }

  /** Where every chain stands, and which branches have begun with what is not part of the room yet. */
  #rows(): FrontierRow[] {
    const { log } = this.#options;
    return [...log.frontier(), ...log.emptyBranches()];
  }

  /** Asks for the far end's heads because something of theirs did not fit; false when it was asked a moment ago. */
  ask(link: MeshLink): Promise<boolean> | false {
    const state = this.#stateOf(link);
    const now = this.#options.clock.now();
    if (now - state.askedAt < ASK_AGAIN_MS) return false;
    state.askedAt = now;
    return this.greet(link, true).then(() => true);
  }

  /**
   * Called every second for every link: tells a far end again that has not answered, or not confirmed what it was
   * told for a while, since the HELLO may be lost. Less and less often, and not for ever (SYNC-8).
   */
  async remind(link: MeshLink): Promise<void> {
    const state = this.#stateOf(link);
    const now = this.#options.clock.now();
    if (now < state.remindAt) return;
    const behind = new Map<string, number>();
    let late = state.met === undefined;
    for (const row of this.#rows()) {
      const chain = chainKey(row);
      const confirmed = state.heard.get(chain)?.seq ?? 0;
      // What it was not told yet it can't confirm: that is gossip's.
      const told = state.told.get(chain) ?? 0;
      if (confirmed >= told) continue;
      behind.set(chain, told);
      const before = state.unconfirmed.get(chain);
      if (before === undefined || before <= confirmed) continue;
      late = true;
      if (state.reminders < MAX_REMINDERS) state.told.delete(chain);
    }
    if (state.met === undefined) state.told.clear();
    state.unconfirmed = behind;
    state.reminders = late ? state.reminders + 1 : 0;
    const patience = state.met === undefined ? REMIND_AFTER_MS : REMIND_HEADS_AFTER_MS;
    state.remindAt = now + patience * 2 ** Math.min(state.reminders, MAX_REMINDERS);
    if (late && state.reminders <= MAX_REMINDERS) await this.greet(link, true);
  }

  /** Takes a HELLO's sealed body; whatever is wrong with it, it is dropped and the link stays unknown. */
  async onHello(link: MeshLink, sealed: Bytes): Promise<void> {
    const { keys, onFrontier, onMet } = this.#options;
    const opened = await openSealed(keys, 'hello', sealed);
    if (!opened.ok) return;
    const hello = decodeHello(opened.value);
    if (!hello.ok) return;
    const state = this.#stateOf(link);
    const session = await this.#check(link, state, hello.value);
    if (session === undefined) return;
    if (hello.value.genesis.length === 0 && keys.epoch > 0) this.#options.onNewcomer(link);
    const rows = decodeFrontier(hello.value.frontier);
    if (!rows.ok) return;

    // My own words sent back to me, or somebody else's on a link that is already somebody's, are not a meeting.
    if (session.id === this.#options.session.id) return;
    if (state.met !== undefined && state.met.id !== session.id) return;
    // Nobody is carried but by their own browser: whoever else carries them is a wire that could withhold.
    if (link.carried?.device !== undefined && link.carried.device !== session.device) return;
    state.theirNonce = hello.value.nonce;
    for (const row of rows.value) {
      const chain = chainKey(row);
      const before = state.heard.get(chain)?.seq ?? 0;
      // Told again what was heard already: they have not got the confirmation.
      if (row.seq === before && hello.value.wantsReply) state.told.delete(chain);
      if (row.seq > before) state.reminders = 0;
      if (state.heard.has(chain) || state.heard.size < MAX_FRONTIER_ROWS) state.heard.set(chain, row);
    }
    if (equalBytes(hello.value.echo, state.nonce)) {
      state.met = session;
      onMet(link, session);
    }
    const met = state.met !== undefined;
    // Who has heard my answer to their nonce reads a question before the next HELLO: it is asked as soon as it can be.
    const first = met && equalBytes(state.echoed, state.theirNonce);
    if (first) onFrontier(link, [...state.heard.values()]);
    if (hello.value.wantsReply) await this.greet(link, !met);
    if (met && !first) onFrontier(link, [...state.heard.values()]);
  }

  /** A genesis statement from anywhere: the first that is genuine is the room's. */
  async learn(statement: Bytes, by?: MeshLink): Promise<void> {
    const { keys, log, roomId, onGenesis } = this.#options;
    // Of a later epoch it proves nothing alone: it comes with all the statements (ROST-20).
    if (log.genesis !== undefined || keys.epoch > 0) return;
    const genesis = await decodeGenesis(statement, roomId);
    // Another may have been learnt while this one was being checked.
    if (!genesis.ok || log.genesis !== undefined) return;
    log.setGenesis(genesis.value);
    onGenesis(genesis.value.bytes, by);
  }

  async #check(link: MeshLink, state: LinkState, hello: SignedHello): Promise<CheckedSession | undefined> {
    const { log } = this.#options;
    if (hello.genesis.length > 0) await this.learn(hello.genesis, hello.wantsReply ? link : undefined);
    if (log.genesis === undefined) return undefined;
    const claimed = readCertificate(hello.certificate);
    if (!claimed.ok) return undefined;
    const { publicKey } = claimed.value.session;
    const [session, signed] = await Promise.all([
      this.#certified(state, hello.certificate),
      verifySignature(publicKey, hello.signature, concat(HELLO_LABEL, hello.signed)),
    ]);
    return signed ? session : undefined;
  }

  /** Who that certificate is of, which on a link is nearly always the one that was checked before. */
  async #certified(state: LinkState, certificate: Bytes): Promise<CheckedSession | undefined> {
    if (state.certified && equalBytes(state.certified.certificate, certificate)) return state.certified;
    const { keys, log } = this.#options;
    const { epoch } = keys;
    const session = await checkCertificate(certificate, (of) =>
      of === epoch ? log.invitesOf(epoch) : undefined,
    );
    // Who is here is who can prove it: of an earlier version's tabs nobody could say whose they are.
    if (!session.ok || !session.value.proved) return undefined;
    state.certified = session.value;
    return session.value;
  }

  #stateOf(link: MeshLink): LinkState {
    let state = this.#states.get(link);
    if (state === undefined) {
      state = {
        nonce: randomBytes(NO_NONCE.length),
        theirNonce: NO_NONCE,
        greeted: false,
        echoed: NO_NONCE,
        certified: undefined,
        met: undefined,
        told: new Map(),
        heard: new Map(),
        unconfirmed: new Map(),
        remindAt: this.#options.clock.now() + REMIND_AFTER_MS,
        reminders: 0,
        askedAt: 0,
      };
      this.#states.set(link, state);
    }
    return state;
  }
}

const sumOf = (rows: readonly FrontierRow[]): number => rows.reduce((sum, { seq }) => sum + seq, 0);
