/**
 * RoomLog: the accept order of a room, whole (SPEC, ACC). It decides what is part of the room's log and in which order
 * it may be applied. It knows no network, storage or Y.Doc: it takes sealed segments and says what they bring.
 *
 *   receive ─► open ─► decode ─► certificate, role ─► chain hash, signature ─► structs, dependencies ─► accepted
 *                                                      └─ gap ─► held        └─ unmet ─► held
 */
import type { Bytes } from '../core/bytes.ts';
import type { Channel, ClientId, RoomId, SessionId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { importVerifyKey, verifyWith } from '../crypto/signatures.ts';
import { checkCertificate, type CheckedSession, type OwnSession } from './certificate.ts';
import { adoptChains, decodeChains, exportChains } from './chain-export.ts';
import { ChainTable } from './chain-table.ts';
import type { Arrival, Chain } from './chain.ts';
import { chainHashes, chainStart, segmentMessage, type Entry } from './entry.ts';
import { MAX_ENTRY_BYTES, maySign, type Refusal, type RefusalCode } from './format.ts';
import type { FrontierDifference, FrontierRow } from './frontier.ts';
import type { Genesis } from './genesis.ts';
import { HeldSegments, Waiters } from './held-segments.ts';
import { refuse, type Accepted, type ForkProof, type Receipt } from './receipt.ts';
import { openSealed, seal } from './seal.ts';
import { decodeSegment, encodeSegment, lastSeq, type Segment } from './segment.ts';

export type { Refusal, RefusalCode } from './format.ts';
export type { Accepted, ForkProof, Receipt } from './receipt.ts';

/** Enough to show and to gossip; a session that forks once may fork for ever. */
const MAX_FORK_PROOFS = 16;

export interface RoomLogOptions {
  readonly roomId: RoomId;
  readonly keys: RoomKeys;
  readonly genesis?: Genesis;
}

export class RoomLog {
  readonly #keys: RoomKeys;
  #genesis: Genesis | undefined;
  readonly #table = new ChainTable();
  readonly #held = new HeldSegments();
  readonly #waiters = new Waiters();
  readonly #verifyKeys = new Map<SessionId, CryptoKey>();
  readonly #forks: ForkProof[] = [];
  /** The end of the queue: one operation at a time. */
  #busy: Promise<unknown> = Promise.resolve();

  constructor({ roomId, keys, genesis }: RoomLogOptions) {
    if (keys.roomId !== roomId || (genesis && genesis.roomId !== roomId))
      throw new Error('keys or genesis of another room');
    this.#keys = keys;
    this.#genesis = genesis;
  }

  get genesis(): Genesis | undefined {
    return this.#genesis;
  }

  /** Until it is known, everything is answered 'no-genesis'. The first one stays. */
  setGenesis(genesis: Genesis): void {
    if (genesis.roomId !== this.#keys.roomId) throw new Error('genesis of another room');
    this.#genesis ??= genesis;
  }

  /** Takes one sealed segment from anywhere. Calls queue up; the bytes are kept as they are, so don't change them. */
  receive(sealed: Bytes): Promise<Receipt> {
    return this.#exclusively(async () => {
      const receipt: Receipt = { accepted: [], wanted: [] };
      await this.#receive(sealed, receipt);
      await this.#drain(receipt);
      return receipt;
    });
  }

  /**
   * Makes the next entry of an own chain and seals it as a segment. Runs the accept order on it first: what it refuses
   * here every peer would refuse, and nothing has changed.
   */
  append(
    session: OwnSession,
    channel: Channel,
    payload: Bytes,
    time: number,
  ): Promise<Result<Accepted, Refusal>> {
    return this.#exclusively(() => this.#append(session, channel, payload, time));
  }

  /** What held segments bring after `adopt` moved chains. */
  release(): Promise<Receipt> {
    return this.#exclusively(async () => {
      const receipt: Receipt = { accepted: [], wanted: [] };
      await this.#drain(receipt);
      return receipt;
    });
  }

  /** Where every chain stands. */
  frontier(): FrontierRow[] {
    const rows: FrontierRow[] = [];
    for (const { session, channel, seq, head } of this.#table.chains())
      if (seq > 0) rows.push({ session: session.id, channel, seq, hash: head });
    return rows;
  }

  /** What to ask them for and what to send them. Chains they don't name count as unknown to them. */
  compareFrontier(theirs: readonly FrontierRow[]): FrontierDifference {
    const difference: FrontierDifference = { theyHave: [], weHave: [] };
    const seqs = new Map(theirs.map(({ session, channel, seq }) => [`${channel}/${session}`, seq]));
    for (const { session, channel, seq } of theirs) {
      const chain = this.#table.chain(session, channel);
      const have = chain?.contiguousEnd() ?? 0;
      if (seq <= have || chain?.closed) continue;
      if (chain?.waiting) chain.owed = Math.max(chain.owed, seq);
      else difference.theyHave.push({ session, channel, fromSeq: have + 1, toSeq: seq });
    }
    for (const { session, channel, seq } of this.#table.chains()) {
      const known = seqs.get(`${channel}/${session.id}`) ?? 0;
      if (seq > known)
        difference.weHave.push({ session: session.id, channel, fromSeq: known + 1, toSeq: seq });
    }
    return difference;
  }

  /** The accepted chains as bytes: see chain-export.ts. */
  exportChains(): Bytes {
    return exportChains(this.#table);
  }

  /** A log that stands where `chains` does. Only for bytes that this device exported. */
  static importChains(chains: Bytes, options: RoomLogOptions): Result<RoomLog, { readonly kind: 'damaged' }> {
    const log = new RoomLog(options);
    return log.adopt(chains) ? ok(log) : err({ kind: 'damaged' });
  }

  /**
   * Takes over, at once, every chain that another RoomLog of this device (a worker's) has brought further; own and
   * further chains stay. False for damaged bytes, which change nothing. Call `release` afterwards.
   */
  adopt(chains: Bytes): boolean {
    const copies = decodeChains(chains);
    if (!copies.ok) return false;
    adoptChains(this.#table, copies.value);
    this.#waiters.wakeAll();
    return true;
  }

  session(id: SessionId): CheckedSession | undefined {
    return this.#table.session(id);
  }

  /** Who wrote a struct of that Yjs client. */
  sessionOfClient(client: ClientId): CheckedSession | undefined {
    return this.#table.sessionOfClient(client);
  }

  get forkProofs(): readonly ForkProof[] {
    return this.#forks;
  }

  /** Bytes of memory that held segments count for. */
  get heldBytes(): number {
    return this.#held.bytes;
  }

  // ── receiving ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async #receive(sealed: Bytes, receipt: Receipt): Promise<void> {
    if (this.#genesis === undefined) return refuse(receipt, 'no-genesis', 'nothing can be verified yet');
    const segment = await this.#open(sealed, receipt);
    if (segment === undefined) return;
    const { session: id, channel, first } = segment;
    const place = { session: id, channel };

    const session = await this.#sessionOf(segment, receipt);
    if (session === undefined) return;
    if (!maySign(session.role, channel))
      return refuse(receipt, 'role-may-not-sign', `a ${session.role} in ${channel}`, {
        ...place,
        seq: first,
      });

    const arrival = await arrivalOf(segment, session, sealed);
    const known = this.#table.chain(id, channel);
    if (known && arrival.last <= known.seq && known.agrees(arrival)) {
      receipt.duplicate = true;
      return;
    }
    const hash = arrival.hashes.at(-1) ?? arrival.before;
    if (!(await this.#verify(session, segment.signature, segmentMessage(channel, hash))))
      return refuse(receipt, 'bad-signature', 'of the segment', { ...place, seq: arrival.last });
    this.#place(this.#table.open(session, channel), arrival, receipt);
  }

  async #open(sealed: Bytes, receipt: Receipt): Promise<Segment | undefined> {
    const opened = await openSealed(this.#keys, 'segment', sealed);
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
    if (session === undefined || this.#table.conflict({ ...session, certificate }) !== undefined) {
      if (this.#genesis === undefined) throw new Error('no genesis');
      const checked = await checkCertificate(certificate, this.#genesis);
      if (!checked.ok) {
        refuse(receipt, checked.error.code, checked.error.detail, place);
        return undefined;
      }
      session = checked.value;
    }
    if (session.id !== id) {
      refuse(receipt, 'malformed-certificate', 'of another session', place);
      return undefined;
    }
    const conflict = this.#table.conflict(session);
    if (conflict === undefined) return session;
    refuse(receipt, conflict, 'the first one stays', place);
    return undefined;
  }

  async #verify({ id, publicKey }: CheckedSession, signature: Bytes, message: Bytes): Promise<boolean> {
    let key = this.#verifyKeys.get(id);
    if (key === undefined) {
      key = await importVerifyKey(publicKey);
      if (key === undefined) return false;
      if (this.#table.session(id) !== undefined) this.#verifyKeys.set(id, key);
    }
    return verifyWith(key, signature, message);
  }

  /** Where a verified segment belongs: after what is here, held for later, or nowhere. */
  #place(chain: Chain, arrival: Arrival, receipt: Receipt): void {
    const { session, channel } = chain;
    const { first, last } = arrival;
    if (chain.closed)
      return refuse(receipt, 'chain-closed', `by ${chain.closed.code}`, {
        session: session.id,
        channel,
        seq: first,
      });
    if (first <= chain.seq + 1) {
      this.#advance(chain, arrival, receipt);
      if (chain.closed || chain.seq >= last || receipt.refused) return;
    } else if (first > chain.contiguousEnd() + 1) {
      receipt.gap = { session: session.id, channel, haveSeq: chain.contiguousEnd(), needSeq: first - 1 };
    }
    if (this.#held.hold(chain, arrival)) receipt.held = { session: session.id, channel, first, last };
  }

  /** Takes entries of a segment that begins at or before the chain's next one, as far as they can be taken now. */
  #advance(chain: Chain, arrival: Arrival, receipt: Receipt): void {
    const { session, channel } = chain;
    const { first, last, entries, hashes, sealed } = arrival;
    if (!chain.agrees(arrival)) {
      if (this.#forks.length < MAX_FORK_PROOFS)
        this.#forks.push({ session: session.id, channel, first, last, sealed });
      return refuse(receipt, 'fork', 'another entry with this seq', {
        session: session.id,
        channel,
        seq: first,
      });
    }
    // It may be another cut of what the chain waits with: see again what it needs.
    this.#waiters.remove(chain);
    const fresh: { seq: number; time: number; payload: Bytes }[] = [];
    for (let i = chain.seq + 1 - first; i < entries.length; i++) {
      const [entry, hash] = [entries[i], hashes[i]];
      if (entry === undefined || hash === undefined) break;
      const checked = this.#table.check(chain, entry);
      if (!checked.ok) {
        if (checked.error.kind === 'waits') this.#waiters.add(chain, checked.error.on);
        else this.#close(chain, checked.error, receipt);
        break;
      }
      this.#table.commit(chain, hash, checked.value);
      this.#waiters.reached(chain);
      fresh.push({ seq: first + i, time: entry.time, payload: entry.payload });
    }
    const [start] = fresh;
    if (start === undefined) return;
    receipt.accepted.push({
      session,
      channel,
      first: start.seq,
      last: chain.seq,
      entries: fresh,
      sealed,
      segFirst: first,
      segLast: last,
    });
  }

  #close(chain: Chain, { code, detail }: { code: RefusalCode; detail: string }, receipt: Receipt): void {
    refuse(receipt, code, detail, { session: chain.session.id, channel: chain.channel, seq: chain.seq + 1 });
    chain.closed = receipt.refused;
    this.#held.removeAll(chain);
  }

  /** Lets chains go on that something arrived for, until nothing moves. */
  async #drain(receipt: Receipt): Promise<void> {
    if (receipt.accepted.length > 0) {
      const { session, channel } = receipt.accepted[0] as Accepted;
      const grown = this.#table.chain(session.id, channel);
      if (grown && grown.held.length > 0) await this.#goOn(grown, receipt);
    }
    for (let chain = this.#waiters.takeWoken(); chain; chain = this.#waiters.takeWoken()) {
      await this.#goOn(chain, receipt);
      const have = chain.contiguousEnd();
      if (chain.closed || chain.waiting || chain.owed <= have) continue;
      receipt.wanted.push({
        session: chain.session.id,
        channel: chain.channel,
        haveSeq: have,
        needSeq: chain.owed,
      });
      chain.owed = 0;
    }
  }

  async #goOn(chain: Chain, receipt: Receipt): Promise<void> {
    while (!chain.closed && !chain.waiting) {
      const held = this.#held.next(chain);
      if (held === undefined) return;
      const { first } = held;
      const before = receipt.refused;
      const arrival = held.arrival ?? (await this.#reopen(chain, held.sealed));
      held.arrival = arrival;
      this.#advance(chain, arrival, receipt);
      const forked = receipt.refused !== before && receipt.refused?.code === 'fork';
      if (forked || chain.seq >= held.last) this.#held.remove(chain, held);
      else if (!chain.closed && !chain.waiting)
        throw new Error(`held segment at ${first} did not move its chain`);
    }
  }

  /** A held segment decoded again; it was verified when it came. */
  async #reopen({ session }: Chain, sealed: Bytes): Promise<Arrival> {
    const segment = await this.#open(sealed, { accepted: [], wanted: [] });
    if (segment === undefined) throw new Error('a held segment no longer opens');
    return arrivalOf(segment, session, sealed);
  }

  // ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────────

  async #append(
    own: OwnSession,
    channel: Channel,
    payload: Bytes,
    time: number,
  ): Promise<Result<Accepted, Refusal>> {
    const place = { session: own.id, channel };
    const stop = (code: RefusalCode, detail: string) => err({ code, detail, ...place });
    if (this.#genesis === undefined) return stop('no-genesis', 'nobody could verify it');
    if (payload.length > MAX_ENTRY_BYTES) return stop('entry-too-large', `${payload.length} bytes`);
    if (!maySign(own.role, channel)) return stop('role-may-not-sign', `a ${own.role} in ${channel}`);
    const conflict = this.#table.conflict(own);
    if (conflict !== undefined) return stop(conflict, 'the first one stays');

    const session = withoutSigner(own);
    const chain = this.#table.open(session, channel);
    if (chain.closed) return stop('chain-closed', `by ${chain.closed.code}`);
    const entry: Entry = { time, heads: this.#table.headsFor(chain), payload };
    const checked = this.#table.check(chain, entry);
    if (!checked.ok)
      return checked.error.kind === 'waits'
        ? stop('unmet-dependency', JSON.stringify(checked.error.on.kind))
        : stop(checked.error.code, checked.error.detail);

    const seq = chain.seq + 1;
    const [hash] = await chainHashes(chain.head, seq, [entry]);
    if (hash === undefined) throw new Error('an entry without a hash');
    const start = seq === 1 ? { certificate: own.certificate } : { before: chain.head };
    const signature = await own.sign(segmentMessage(channel, hash));
    const body = encodeSegment({
      publicKey: own.publicKey,
      channel,
      first: seq,
      ...start,
      entries: [entry],
      signature,
    });
    const sealed = await seal(this.#keys, 'segment', body);
    this.#table.commit(chain, hash, checked.value);
    this.#waiters.reached(chain);
    return ok({
      session: chain.session,
      channel,
      first: seq,
      last: seq,
      entries: [{ seq, time, payload }],
      sealed,
      segFirst: seq,
      segLast: seq,
    });
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#busy.then(work, work);
    this.#busy = done;
    return done;
  }
}

async function arrivalOf(segment: Segment, session: CheckedSession, sealed: Bytes): Promise<Arrival> {
  const { first, entries, channel } = segment;
  const before = segment.before ?? chainStart(session.certificate, channel);
  const hashes = await chainHashes(before, first, entries);
  return { first, last: lastSeq(segment), before, entries, hashes, sealed };
}

/** What may be kept and posted to a worker. */
function withoutSigner({
  id,
  clientId,
  role,
  epoch,
  device,
  publicKey,
  issuer,
  certificate,
}: OwnSession): CheckedSession {
  return { id, clientId, role, epoch, device, publicKey, issuer, certificate };
}
