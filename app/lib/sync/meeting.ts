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
import type { PeerId, RoomId, SessionId } from '../core/ids.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { verifySignature } from '../crypto/signatures.ts';
import { checkCertificate, type CheckedSession, type OwnSession } from '../log/certificate.ts';
import { decodeFrontier, encodeFrontier, type FrontierRow } from '../log/frontier.ts';
import { decodeGenesis } from '../log/genesis.ts';
import type { RoomLog } from '../log/room-log.ts';
import { openSealed, seal } from '../log/seal.ts';
import { decodeHello, encodeHello, writeFrame, type SignedHello } from './frames.ts';
import type { MeshLink } from './mesh.ts';

const HELLO_LABEL = utf8('codeface/hello/1\0');
const NO_NONCE: Bytes = new Uint8Array(16);

/** A peer is named by the key of its tab's session, so that nobody can take another's name. */
export const peerIdOf = (session: SessionId): PeerId => session.slice(0, 32) as string as PeerId;

export interface MeetingOptions {
  readonly roomId: RoomId;
  readonly keys: RoomKeys;
  readonly session: OwnSession;
  readonly log: RoomLog;
  /** The far end is who it says and is there now; called at each HELLO that proves it. */
  readonly onMet: (link: MeshLink, session: CheckedSession) => void;
  /** What the far end has said so far that it holds. */
  readonly onFrontier: (link: MeshLink, rows: readonly FrontierRow[]) => void;
  /** A genesis statement was learnt and is genuine. */
  readonly onGenesis: (bytes: Bytes) => void;
}

interface LinkState {
  readonly nonce: Bytes;
  theirNonce: Bytes;
  met: boolean;
  /** Seq last told, by chain. */
  readonly told: Map<string, number>;
  /** Newest row heard, by chain. */
  readonly heard: Map<string, FrontierRow>;
}

export class Meeting {
  readonly #options: MeetingOptions;
  readonly #states = new WeakMap<MeshLink, LinkState>();

  constructor(options: MeetingOptions) {
    this.#options = options;
  }

  hasMet(link: MeshLink): boolean {
    return this.#stateOf(link).met;
  }

  /** Sends a HELLO with what moved since the last one on this link. `wantsReply` asks for theirs. */
  async greet(link: MeshLink, wantsReply: boolean): Promise<void> {
    const { keys, session, log } = this.#options;
    const state = this.#stateOf(link);
    const rows = log.frontier().filter((row) => row.seq > (state.told.get(chainOf(row)) ?? 0));
    for (const row of rows) state.told.set(chainOf(row), row.seq);
    const signed = encodeHello({
      nonce: state.nonce,
      echo: state.theirNonce,
      wantsReply,
      certificate: session.certificate,
      genesis: log.genesis?.bytes ?? new Uint8Array(),
      frontier: encodeFrontier(rows),
    });
    const signature = await session.sign(concat(HELLO_LABEL, signed));
    link.send(writeFrame('hello', await seal(keys, 'hello', concat(signed, signature))), 'live');
  }

  /** Takes a HELLO's sealed body; whatever is wrong with it, it is dropped and the link stays unknown. */
  async onHello(link: MeshLink, sealed: Bytes): Promise<void> {
    const { keys, onFrontier, onMet } = this.#options;
    const opened = await openSealed(keys, 'hello', sealed);
    if (!opened.ok) return;
    const hello = decodeHello(opened.value);
    if (!hello.ok) return;
    const session = await this.#check(hello.value);
    if (session === undefined) return;
    const rows = decodeFrontier(hello.value.frontier);
    if (!rows.ok) return;

    const state = this.#stateOf(link);
    state.theirNonce = hello.value.nonce;
    for (const row of rows.value) state.heard.set(chainOf(row), row);
    if (equalBytes(hello.value.echo, state.nonce)) {
      state.met = true;
      onMet(link, session);
    }
    if (hello.value.wantsReply) await this.greet(link, !state.met);
    if (state.met) onFrontier(link, [...state.heard.values()]);
  }

  async #check(hello: SignedHello): Promise<CheckedSession | undefined> {
    const { log, roomId, onGenesis } = this.#options;
    if (log.genesis === undefined && hello.genesis.length > 0) {
      const genesis = await decodeGenesis(hello.genesis, roomId);
      if (genesis.ok) {
        log.setGenesis(genesis.value);
        onGenesis(genesis.value.bytes);
      }
    }
    if (log.genesis === undefined) return undefined;
    const session = await checkCertificate(hello.certificate, log.genesis);
    if (!session.ok) return undefined;
    const message = concat(HELLO_LABEL, hello.signed);
    return (await verifySignature(session.value.publicKey, hello.signature, message))
      ? session.value
      : undefined;
  }

  #stateOf(link: MeshLink): LinkState {
    let state = this.#states.get(link);
    if (state === undefined) {
      state = {
        nonce: randomBytes(NO_NONCE.length),
        theirNonce: NO_NONCE,
        met: false,
        told: new Map(),
        heard: new Map(),
      };
      this.#states.set(link, state);
    }
    return state;
  }
}

const chainOf = ({ session, channel }: FrontierRow): string => `${session}/${channel}`;
