/**
 * RoomLog: the accept order of a room, whole (SPEC, ACC). It decides what is part of the room's log and in which order
 * it may be applied. It knows no network, storage or Y.Doc: it takes sealed segments and says what they bring.
 *
 *   receive ─► open ─► decode ─► certificate, role ─► chain hash, signature ─► structs, dependencies ─► accepted
 *                                                      └─ gap ─► held        └─ unmet ─► held
 */
import { equalBytes, type Bytes } from '../core/bytes.ts';
import type { Channel, ClientId, RoomId, SessionId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import type { CheckedSession, OwnSession } from './certificate.ts';
import { BranchStarts, isSameStart, type BranchStart } from './branches.ts';
import { adoptChains, decodeChains, exportChains } from './chain-export.ts';
import { ChainPlacement } from './chain-placement.ts';
import { ChainTable } from './chain-table.ts';
import { chainHashes, segmentMessage, type Entry } from './entry.ts';
import {
  HASH_BYTES,
  HEAD_BYTES,
  MAX_ENTRY_BYTES,
  maySign,
  type Refusal,
  type RefusalCode,
} from './format.ts';
import type { ChainRange, FrontierRow } from './frontier.ts';
import { ClosedEpochs } from './closed-epochs.ts';
import type { Genesis, Invites } from './genesis.ts';
import type { HeldQuota } from './held-segments.ts';
import type { RosterStatement } from './roster.ts';
import { refuse, type Accepted, type ForkProof, type Receipt } from './receipt.ts';
import { seal } from './seal.ts';
import { SegmentVerifier } from './segment-verifier.ts';
import type { SegmentWeight } from './segment-weight.ts';
import { encodeSegment } from './segment.ts';

export type { Refusal } from './format.ts';
export type { Accepted, ForkProof, Receipt } from './receipt.ts';

export interface RoomLogOptions {
  readonly roomId: RoomId;
  readonly keys: RoomKeys;
  readonly genesis?: Genesis;
  /** The owner's statements after it, one for each epoch from 1 to that of `keys` (ROST-1). */
  readonly statements?: readonly RosterStatement[];
  /** The forks that are known (FORK-1). Those that are found later are told, and count from the next opening on. */
  readonly branches?: readonly BranchStart[];
  /** Beginnings of former epochs that are in only where something leads to them (ROST-10). */
  readonly outside?: readonly BranchStart[];
  /** How much may wait for what it follows; absent: what strangers may make a tab hold (ACC-15). */
  readonly held?: HeldQuota;
}

export class RoomLog {
  readonly #keys: RoomKeys;
  #genesis: Genesis | undefined;
  readonly #statements: readonly RosterStatement[];
  readonly #branches: BranchStarts;
  readonly #outside: readonly BranchStart[];
  readonly #table: ChainTable;
  readonly #verifier: SegmentVerifier;
  readonly #placement: ChainPlacement;
  /** The end of the queue: one operation at a time. */
  #busy: Promise<unknown> = Promise.resolve();

  constructor(options: RoomLogOptions) {
    const { roomId, keys, genesis, statements = [], branches = [], outside = [], held } = options;
    if (keys.roomId !== roomId || (genesis && genesis.roomId !== roomId))
      throw new Error('keys or genesis of another room');
    this.#keys = keys;
    if (statements.length > keys.epoch) throw new Error('statements of later epochs than the keys');
    this.#genesis = genesis;
    this.#statements = statements;
    const closed = statements.flatMap((statement) => statement.closed);
    this.#branches = new BranchStarts(branches);
    this.#outside = outside;
    this.#table = new ChainTable(new ClosedEpochs(keys.epoch, closed, outside), this.#branches);
    this.#verifier = new SegmentVerifier(keys, this.#table, (epoch) => this.invitesOf(epoch));
    this.#placement = new ChainPlacement(this.#table, this.#verifier, held);
  }

  get genesis(): Genesis | undefined {
    return this.#genesis;
  }

  /** The owner's statements after the genesis statement. */
  get statements(): readonly RosterStatement[] {
    return this.#statements;
  }

  /** The keys that vouch for the sessions of that epoch, if it is known. */
  invitesOf(epoch: number): Invites | undefined {
    return epoch === 0 ? this.#genesis : this.#statements[epoch - 1];
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
      await this.#placement.drain(receipt);
      return receipt;
    });
  }

  /** Begins to open a segment that `receive` will be given soon; changes nothing else. */
  openAhead(sealed: Bytes): void {
    this.#verifier.openAhead(sealed);
  }

  /** How much work a segment is; changes nothing. */
  weigh(sealed: Bytes): Promise<SegmentWeight> {
    return this.#verifier.weigh(sealed);
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
      await this.#placement.drain(receipt);
      return receipt;
    });
  }

  /** Where every chain stands. */
  frontier(): FrontierRow[] {
    const rows: FrontierRow[] = [];
    for (const { session, channel, seq, base, head } of this.#table.chains())
      if (seq > base) rows.push({ session: session.id, channel, seq, hash: head });
    return rows;
  }

  /**
   * The beginnings of branches that are known and not part of the room yet: who never heard of one would know their author by
   * another name (FORK-4). The hash has its first 16 bytes only.
   */
  emptyBranches(): FrontierRow[] {
    const rows: FrontierRow[] = [];
    for (const { session, channel, seq, base, branching } of this.#table.chains()) {
      if (branching === undefined || seq > base) continue;
      const hash = new Uint8Array(HASH_BYTES);
      hash.set(branching.start.hash);
      rows.push({ session: session.id, channel, seq: base + 1, hash });
    }
    return rows;
  }

  /** What to ask them for: nothing that is held here, or waits for something else first. */
  missingFrom(theirs: readonly FrontierRow[]): ChainRange[] {
    const missing: ChainRange[] = [];
    for (const { session, channel, seq, hash } of theirs) {
      const chain = this.#table.chain(session, channel);
      const ends = chain && this.#table.endsOf(chain);
      const row = { session, channel, seq, hash };
      if (this.has(row) || this.#isStart(row)) continue;
      // What waits here was never let in, and another entry that its author signed was: that is not here yet.
      if (chain?.waiting?.kind === 'carry' && this.#table.closedEpochs.allows(chain, row)) {
        missing.push({ session, channel, fromSeq: chain.seq + 1, toSeq: seq });
        continue;
      }
      const have = ends?.length ? Math.min(...ends.map((end) => end.contiguousEnd())) : 0;
      if (seq <= have) continue;
      if (chain?.waiting) chain.owed = Math.max(chain.owed, seq);
      else missing.push({ session, channel, fromSeq: have + 1, toSeq: seq });
    }
    return missing;
  }

  /** Whether that very entry is part of the log. */
  has({ session, channel, seq, hash }: FrontierRow): boolean {
    const chain = this.#table.chain(session, channel);
    return chain !== undefined && this.#table.familyOf(chain).some((one) => one.has({ seq, hash }));
  }

  /** Whether it only tells of a branch that is known here: they do not have its entry as part of the room (FORK-4). */
  #isStart({ session, channel, seq, hash }: FrontierRow): boolean {
    const start = this.#table.chain(session, channel)?.branching?.start;
    const isTold = hash.subarray(HEAD_BYTES).every((byte) => byte === 0);
    return isTold && start?.seq === seq && equalBytes(start.hash, hash.subarray(0, HEAD_BYTES));
  }

  /**
   * Of what they hold that is not what is here, the entries that would prove that their author forked, and show where. Chains
   * whose fork was looked at already are left out.
   */
  contradictedBy(theirs: readonly FrontierRow[]): ChainRange[] {
    return theirs.flatMap(({ session, channel, seq, hash }) => {
      const chain = this.#table.chain(session, channel);
      if (chain === undefined || seq <= chain.base || this.has({ session, channel, seq, hash })) return [];
      if (this.#table.endsOf(chain).every((end) => seq > end.seq)) return [];
      const range = chain.branches
        ? ([seq, seq] as const)
        : this.#placement.provingFork(chain, { seq, hash });
      return range ? [{ session, channel, fromSeq: range[0], toSeq: range[1] }] : [];
    });
  }

  /** The forks that this log was made with. */
  get branches(): readonly BranchStart[] {
    return this.#branches.all;
  }

  /** Beginnings that it was made to let in only where something leads to them. */
  get outside(): readonly BranchStart[] {
    return this.#outside;
  }

  /** Every beginning that it was made with: what rests under the name of one may be another chain's, or nobody's. */
  get starts(): readonly BranchStart[] {
    return [...this.branches, ...this.#outside];
  }

  /** The branches of forks that were found since: a log that is made with them too has them all. */
  get foundBranches(): readonly BranchStart[] {
    return this.#placement.found;
  }

  /** Beginnings that it has and is not to have, as was found since (ROST-10): a log that is made with them too has not. */
  get foundOutside(): readonly BranchStart[] {
    return this.#placement.foundOutside.filter((one) => !this.#outside.some((out) => isSameStart(out, one)));
  }

  /** Which chain has that entry of an author's: their own, or one of its branches (FORK-2). */
  chainOf({ session, channel, seq, hash }: FrontierRow): SessionId | undefined {
    const chain = this.#table.chain(session, channel);
    return chain && this.#table.familyOf(chain).find((one) => one.has({ seq, hash }))?.session.id;
  }

  /** Whether a chain ended where its author forked. */
  hasForked({ session, channel }: Pick<FrontierRow, 'session' | 'channel'>): boolean {
    return this.#table.chain(session, channel)?.branches !== undefined;
  }

  /** The seq of a chain's first entry: more than 1 in a branch. */
  firstSeq({ session, channel }: Pick<FrontierRow, 'session' | 'channel'>): number {
    return (this.#table.chain(session, channel)?.base ?? 0) + 1;
  }

  /** Remembers a proof that another RoomLog of this device (a worker's) found. */
  keepProof(proof: ForkProof): void {
    this.#placement.keepProof(proof);
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
   * further chains stay. False for damaged bytes, and for those of another epoch or other forks, which change nothing. Call `release` afterwards. `only`: of one channel.
   */
  adopt(chains: Bytes, only?: Channel): boolean {
    const copies = decodeChains(chains);
    if (!copies.ok) return false;
    const { chains: all, epoch, forks, carried, vouched } = copies.value;
    if (epoch !== this.#keys.epoch || !equalBytes(forks, this.#table.knownForks)) return false;
    this.#table.closedEpochs.add(carried);
    for (const entry of vouched) this.#table.closedEpochs.vouch(entry, true);
    adoptChains(
      this.#table,
      all.filter(({ channel }) => channel === (only ?? channel)),
    );
    this.#placement.moved();
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
    return this.#placement.forkProofs;
  }

  /** Bytes of memory that held segments count for. */
  get heldBytes(): number {
    return this.#placement.heldBytes;
  }

  async #receive(sealed: Bytes, receipt: Receipt): Promise<void> {
    if (this.#genesis === undefined) return refuse(receipt, 'no-genesis', 'nothing can be verified yet');
    const verified = await this.#verifier.verify(sealed, receipt);
    if (verified === undefined) return;
    const { session, channel, arrival } = verified;
    // A first entry comes with its certificate; what goes on has that of what it goes on from.
    if (arrival.first === 1) this.#placement.placeFirst(session, channel, arrival, receipt);
    else this.#placement.place(this.#table.open(session, channel), arrival, receipt);
  }

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
    const session = withoutSigner(own);
    const chain = this.#table.open(session, channel);
    if (chain.branches) return stop('chain-closed', 'its author forked');
    if (chain.closed) return stop('chain-closed', `by ${chain.closed.code}`);
    // A clock may be set to before 1970, of which nothing can be claimed (LOG-3).
    const entry: Entry = { time: Math.max(time, 0), heads: this.#table.headsFor(chain), payload };
    const checked = this.#table.check(chain, entry);
    if (!checked.ok)
      return checked.error.kind === 'waits'
        ? stop('unmet-dependency', JSON.stringify(checked.error.on.kind))
        : stop(checked.error.code, checked.error.detail);

    const seq = chain.seq + 1;
    const [hash] = await chainHashes(chain.head, seq, [entry]);
    if (hash === undefined) throw new Error('an entry without a hash');
    const contest = this.#table.contests.of(chain, hash);
    if (contest !== undefined) return stop(contest.code, 'a session of its own is needed');
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
    this.#placement.reached(chain);
    return ok({
      session: chain.session,
      channel,
      first: seq,
      last: seq,
      entries: [{ seq, time: checked.value.time, payload }],
      ...(channel === 'project' && { update: payload }),
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

/** What may be kept and posted to a worker. */
function withoutSigner({
  id,
  clientId,
  role,
  epoch,
  device,
  proved,
  publicKey,
  issuer,
  certificate,
}: OwnSession): CheckedSession {
  return { id, clientId, role, epoch, device, proved, publicKey, issuer, certificate };
}
