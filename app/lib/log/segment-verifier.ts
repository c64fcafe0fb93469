/**
 * One sealed segment on its own: opened, decoded, its certificate, role, chain hashes and signature checked (ACC-2). What
 * needs other chains comes after, in chain-placement.ts. Nothing here changes the log.
 */
import { equalBytes, type Bytes } from '../core/bytes.ts';
import type { Channel, SessionId } from '../core/ids.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { importVerifyKey, verifyWith } from '../crypto/signatures.ts';
import { checkCertificate, type CheckedSession } from './certificate.ts';
import type { ChainTable } from './chain-table.ts';
import type { Arrival } from './chain.ts';
import { chainHashes, chainStart, segmentMessage } from './entry.ts';
import { maySign } from './format.ts';
import type { Invites } from './genesis.ts';
import { refuse, type Receipt } from './receipt.ts';
import { openSealed } from './seal.ts';
import { decodeSegment, lastSeq, type Segment } from './segment.ts';
import { NO_WEIGHT, weighSegment, type SegmentWeight } from './segment-weight.ts';

export interface VerifiedSegment {
  readonly session: CheckedSession;
  readonly channel: Channel;
  readonly arrival: Arrival;
}

export class SegmentVerifier {
  readonly #keys: RoomKeys;
  readonly #table: ChainTable;
  readonly #verifyKeys = new Map<SessionId, CryptoKey>();
  /** Segments that are being opened ahead of their turn. */
  readonly #ahead = new WeakMap<Bytes, ReturnType<typeof openSealed>>();

  readonly #invitesOf: (epoch: number) => Invites | undefined;

  constructor(keys: RoomKeys, table: ChainTable, invitesOf: (epoch: number) => Invites | undefined) {
    this.#keys = keys;
    this.#table = table;
    this.#invitesOf = invitesOf;
  }

  /** Begins to open a segment whose turn comes soon: decrypting and inflating leave this thread. */
  openAhead(sealed: Bytes): void {
    if (!this.#ahead.has(sealed)) this.#ahead.set(sealed, openSealed(this.#keys, 'segment', sealed));
  }

  /** How much work a segment is, which is opened for that and stays so until its turn. */
  async weigh(sealed: Bytes): Promise<SegmentWeight> {
    this.openAhead(sealed);
    const opened = await this.#ahead.get(sealed);
    return opened?.ok ? weighSegment(opened.value) : NO_WEIGHT;
  }

  /** The segment, or undefined with the receipt saying why: refused, a duplicate, of a session not known yet. */
  async verify(sealed: Bytes, receipt: Receipt): Promise<VerifiedSegment | undefined> {
    const segment = await this.#open(sealed, receipt);
    if (segment === undefined) return undefined;
    const { session: id, channel, first } = segment;
    const session = await this.#sessionOf(segment, receipt);
    if (session === undefined) return undefined;
    const place = { session: id, channel };
    const arrival = await arrivalOf(segment, session, sealed);
    const chain = this.#table.chain(id, channel);
    const home = chain && this.#table.homeOf(chain, arrival);
    // What goes on stands on the certificate of what it goes on from.
    const author = home && first > 1 ? home.chain.session : session;
    if (!maySign(author.role, channel)) {
      refuse(receipt, 'role-may-not-sign', `a ${author.role} in ${channel}`, { ...place, seq: first });
      return undefined;
    }
    const known = home?.isNew === false ? home.chain : undefined;
    if (known !== undefined && arrival.last <= known.seq && known.agrees(arrival)) {
      receipt.duplicate = true;
      return undefined;
    }
    const hash = arrival.hashes.at(-1) ?? arrival.before;
    if (!(await this.#signed(session, segment.signature, segmentMessage(channel, hash)))) {
      refuse(receipt, 'bad-signature', 'of the segment', { ...place, seq: arrival.last });
      return undefined;
    }
    return { session, channel, arrival };
  }

  /** A segment decoded again that was verified when it came. */
  async reopen(session: CheckedSession, sealed: Bytes): Promise<Arrival> {
    const segment = await this.#open(sealed, { accepted: [], wanted: [] });
    if (segment === undefined) throw new Error('a held segment no longer opens');
    return arrivalOf(segment, session, sealed);
  }

  async #open(sealed: Bytes, receipt: Receipt): Promise<Segment | undefined> {
    const opened = await (this.#ahead.get(sealed) ?? openSealed(this.#keys, 'segment', sealed));
    this.#ahead.delete(sealed);
    if (!opened.ok) {
      const { kind } = opened.error;
      if (kind === 'unknown-format') receipt.unknownFormat = true;
      else refuse(receipt, kind, 'sealed segment');
      return undefined;
    }
    const segment = decodeSegment(opened.value);
    if (segment.ok) return segment.value;
    refuse(receipt, 'malformed-segment', segment.error);
    return undefined;
  }

  /** The session that claims the segment, known or certified by it. */
  async #sessionOf(segment: Segment, receipt: Receipt): Promise<CheckedSession | undefined> {
    const { session: id, channel, first, certificate } = segment;
    const place = { session: id, channel, seq: first };
    const known = this.#table.session(id);
    if (certificate === undefined) {
      if (known === undefined) receipt.gap = { session: id, channel, haveSeq: 0, needSeq: first - 1 };
      return known;
    }
    let session = known;
    if (session === undefined || !equalBytes(session.certificate, certificate)) {
      const checked = await checkCertificate(certificate, this.#invitesOf);
      if (!checked.ok) {
        refuse(receipt, checked.error.code, checked.error.detail, place);
        return undefined;
      }
      session = checked.value;
    }
    if (session.id === id) return session;
    refuse(receipt, 'malformed-certificate', 'of another session', place);
    return undefined;
  }

  async #signed({ id, publicKey }: CheckedSession, signature: Bytes, message: Bytes): Promise<boolean> {
    let key = this.#verifyKeys.get(id);
    if (key === undefined) {
      key = await importVerifyKey(publicKey);
      if (key === undefined) return false;
      if (this.#table.session(id) !== undefined) this.#verifyKeys.set(id, key);
    }
    return verifyWith(key, signature, message);
  }
}

async function arrivalOf(segment: Segment, session: CheckedSession, sealed: Bytes): Promise<Arrival> {
  const { first, entries, channel } = segment;
  const before = segment.before ?? chainStart(session.certificate, channel);
  const hashes = await chainHashes(before, first, entries);
  return { first, last: lastSeq(segment), before, entries, hashes, sealed };
}
