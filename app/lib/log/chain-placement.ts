/**
 * Where verified segments go: onto their chain, held until what they follow is here, or nowhere (ACC-4 to ACC-15). The only
 * writer of the chain table besides the author's own entries.
 */
import { equalBytes, type Bytes } from '../core/bytes.ts';
import { err } from '../core/result.ts';
import type { Channel } from '../core/ids.ts';
import type { CheckedSession } from './certificate.ts';
import type { Head } from './entry.ts';
import { PartedSegments } from './parted-segments.ts';
import { Rivals } from './rivals.ts';
import type { Arrival, Chain } from './chain.ts';
import type { ChainTable } from './chain-table.ts';
import { isSameStart, type BranchStart } from './branches.ts';
import type { Contest } from './contests.ts';
import { HEAD_BYTES, MAX_BRANCH_STARTS, MAX_SEGMENT_ENTRIES, type RefusalCode } from './format.ts';
import { joinUpdates } from './joined-update.ts';
import type { FrontierRow } from './frontier.ts';
import { HeldSegments, Waiters, type HeldQuota } from './held-segments.ts';
import type { CheckedUpdate } from './struct-check.ts';
import type { SegmentVerifier } from './segment-verifier.ts';
import { refuse, type ForkProof, type Receipt } from './receipt.ts';

/** Enough to show and to gossip; a session that forks once may fork for ever. */
const MAX_FORK_PROOFS = 16;

/** Of a closed epoch: part of the room as soon as somebody carries it into a later one (ROST-11). */
const uncarried = err({ kind: 'waits', on: { kind: 'carry' } } as const);

export class ChainPlacement {
  readonly #table: ChainTable;
  readonly #verifier: SegmentVerifier;
  readonly #held: HeldSegments;
  readonly #waiters = new Waiters();
  readonly #rivals: Rivals;
  readonly #forks: ForkProof[] = [];
  readonly #found: BranchStart[] = [];
  readonly #outside: BranchStart[] = [];
  /** Chains whose fork is known, or will be when what it follows is here. */
  readonly #forked = new Set<Chain>();
  readonly #parted = new PartedSegments();

  constructor(table: ChainTable, verifier: SegmentVerifier, held?: HeldQuota) {
    this.#table = table;
    this.#verifier = verifier;
    this.#held = new HeldSegments(held);
    this.#rivals = new Rivals(table);
  }

  /** Where a segment belongs that begins a chain: its certificate says whose. */
  placeFirst(author: CheckedSession, channel: Channel, arrival: Arrival, receipt: Receipt): void {
    const chain = this.#table.open(author, channel);
    const { seq, branches, session } = chain;
    if (seq > 0 || branches !== undefined || equalBytes(session.certificate, author.certificate))
      return this.place(chain, arrival, receipt, author);
    // What waits under another certificate of the key gives way, and is its rival when this one is here.
    const rivals = chain.held.filter((held) => held.first === 1).flatMap((held) => held.arrival ?? []);
    this.#held.removeAll(chain);
    this.#waiters.remove(chain);
    const begun = this.#table.replace(chain, author);
    this.place(begun, arrival, receipt, author);
    if (begun.seq > 0) for (const rival of rivals) this.#rival(begun, rival, receipt, session);
  }

  /** Where a verified segment belongs: after what is here, held for later, or nowhere. `author`: as its certificate says, if it has one. */
  place(of: Chain, arrival: Arrival, receipt: Receipt, author?: CheckedSession): void {
    let chain = of;
    const { first, last, hashes } = arrival;
    for (;;) {
      const home = this.#table.homeOf(chain, arrival);
      if (home === undefined) {
        this.#table.closedEpochs.note(chain, arrival);
        return this.#wantUpTo(chain, first - 1, receipt);
      }
      chain = home.chain;
      if (home.isNew) {
        const [begins] = hashes;
        const isFirst = chain === of && chain.seq === 0;
        const begun = isFirst && author && begins && this.#table.openFirst(author, of.channel, begins);
        if (!begun) return this.#rival(chain, arrival, receipt, author);
        const { start, against } = begun;
        if (against.length > 0) this.#prove(of, arrival, receipt, { starts: [...against, start] });
        continue;
      }
      if (chain.closed !== undefined && first <= chain.seq + 1 && !chain.agrees(arrival))
        return this.#rival(chain, arrival, receipt, author);
      if (chain.closed !== undefined && !this.#reopens(chain, arrival))
        return refuse(receipt, 'chain-closed', `by ${chain.closed.code}`, {
          session: chain.session.id,
          channel: chain.channel,
          seq: first,
        });
      if (first > chain.seq + 1) break;
      this.#advance(chain, arrival, receipt, author);
      if (chain.closed || receipt.refused || chain.seq >= last) return;
      if (chain.branches === undefined) break;
    }
    const { session, channel } = chain;
    if (first > chain.contiguousEnd() + 1) {
      receipt.gap = { session: session.id, channel, haveSeq: chain.contiguousEnd(), needSeq: first - 1 };
    }
    this.#table.closedEpochs.note(chain, arrival);
    if (this.#held.hold(chain, arrival)) receipt.held = { session: session.id, channel, first, last };
  }

  /** Takes entries of a segment that begins at or before the chain's next one, as far as they can be taken now. */
  #advance(chain: Chain, arrival: Arrival, receipt: Receipt, author?: CheckedSession): void {
    const { session, channel } = chain;
    const { first, last, entries, hashes, sealed } = arrival;
    const { closedEpochs } = this.#table;
    if (!chain.agrees(arrival)) return this.#rival(chain, arrival, receipt, author);
    // It may be another cut of what the chain waits with: see again what it needs.
    this.#waiters.remove(chain);
    const fresh: { seq: number; time: number; payload: Bytes }[] = [];
    const clock = chain.nextClock;
    const updates: CheckedUpdate[] = [];
    let translated = false;
    // Where the chain forked it ends, and its branches go on.
    for (let i = chain.seq + 1 - first; chain.branches === undefined && i < entries.length; i++) {
      const [entry, hash] = [entries[i], hashes[i]];
      if (entry === undefined || hash === undefined) break;
      const row = { channel, seq: first + i, hash };
      const contest = chain.seq === 0 ? this.#table.contests.of(chain, hash) : undefined;
      let isLetIn = this.#isLetIn(chain, row, arrival);
      const isSure = isLetIn && (!closedEpochs.isFormer(chain) || closedEpochs.leads(row));
      if (contest !== undefined && !isSure) isLetIn = false;
      else if (contest !== undefined && this.#contest(chain, contest, arrival, receipt)) return;
      const checked = isLetIn ? this.#table.check(chain, entry, isSure) : uncarried;
      if (!checked.ok) {
        if (checked.error.kind === 'waits') this.#waiters.add(chain, checked.error.on);
        else this.#close(chain, hash, checked.error, receipt);
        break;
      }
      this.#table.commit(chain, hash, checked.value);
      this.reached(chain);
      if (chain.seq === 1)
        for (const one of this.#table.contests.waitingAgainst(chain)) this.#waiters.wake(one);
      fresh.push({ seq: first + i, time: checked.value.time, payload: entry.payload });
      if (checked.value.update) updates.push(checked.value.update);
      translated ||= checked.value.translated;
    }
    const [start] = fresh;
    if (start === undefined) return;
    receipt.accepted.push({
      session,
      channel,
      first: start.seq,
      last: chain.seq,
      entries: fresh,
      ...(channel === 'project' && {
        update:
          fresh.length === 1 && !translated ? start.payload : joinUpdates(session.clientId, clock, updates),
      }),
      sealed,
      segFirst: first,
      segLast: last,
    });
  }

  /** Whether an entry is part of the room as far as epochs go, by what is known now: its own segment included. */
  #isLetIn(chain: Chain, row: Omit<FrontierRow, 'session'>, arrival: Arrival): boolean {
    const { closedEpochs } = this.#table;
    if (closedEpochs.allows(chain, row)) return true;
    closedEpochs.note(chain, arrival);
    return closedEpochs.allows(chain, row);
  }

  #close(
    chain: Chain,
    by: Bytes,
    { code, detail }: { code: RefusalCode; detail: string },
    receipt: Receipt,
  ): void {
    refuse(receipt, code, detail, { session: chain.session.id, channel: chain.channel, seq: chain.seq + 1 });
    chain.closed = receipt.refused;
    chain.closedBy = by.slice(0, HEAD_BYTES);
    this.#held.removeAll(chain);
  }

  /** What was refused counts for nothing: where another entry was signed with its seq, that one is tried (ACC-1). */
  #reopens(chain: Chain, { first, last, hashes }: Arrival): boolean {
    const { closedBy, seq } = chain;
    const next = hashes[seq + 1 - first];
    if (closedBy === undefined || next === undefined || last <= seq) return false;
    if (equalBytes(next.subarray(0, HEAD_BYTES), closedBy)) return false;
    chain.closed = undefined;
    return true;
  }

  /**
   * What could be part of the room but for another certificate of its author's key, or another session with its Yjs client: both
   * will be, as branches (FORK-5). Whether it is so.
   */
  #contest(chain: Chain, { code, starts }: Contest, arrival: Arrival, receipt: Receipt): boolean {
    const { first, entries } = arrival;
    const entry = entries[0];
    const { session, channel, signs } = chain;
    if (entry === undefined || !this.#table.isSound(entry, session, channel, signs)) return false;
    const place = { session: session.id, channel, seq: first };
    refuse(receipt, code, 'both will be branches', place);
    const others = starts.slice(0, -1);
    const sure = starts.filter((one) => !others.includes(one) || this.#table.isSure(one));
    if (sure.length > 1 || others.length === 0) this.#prove(chain, arrival, receipt, { starts: sure });
    else this.#prove(chain, arrival, receipt, { outside: starts });
    return true;
  }

  /** Tells of beginnings that are branches, of which `arrival` shows the last. */
  #prove(
    { session, channel }: Chain,
    arrival: Arrival,
    receipt: Receipt,
    what: Pick<ForkProof, 'starts' | 'outside'>,
  ): void {
    const { first, last, sealed } = arrival;
    receipt.fork = { session: session.id, channel, seq: 1, first, last, sealed, ...what };
    this.keepProof(receipt.fork);
  }

  /** Its author signed something else before: both may be part of the room, as branches (FORK-1). */
  #rival(chain: Chain, arrival: Arrival, receipt: Receipt, by?: CheckedSession): void {
    const { first, last, sealed } = arrival;
    const { session, channel } = chain;
    const author = by ?? session;
    const seq = Math.max(Math.min(last, chain.seq), 1);
    const proof = { session: session.id, channel, seq, first, last, sealed };
    const isSecond = !equalBytes(author.certificate, session.certificate);
    const [code, detail] = isSecond
      ? (['second-certificate', 'another one names its key'] as const)
      : (['fork', 'another entry with this seq'] as const);
    refuse(receipt, code, detail, { session: session.id, channel, seq: first });
    this.#table.closedEpochs.note(chain, arrival);
    const found = this.#rivals.look(chain, arrival, author);
    if (found.kind === 'fork') this.#forked.add(chain);
    if (found.kind === 'earlier') {
      this.#parted.add(arrival);
      this.#wantUpTo(chain, first - 1, receipt);
    }
    receipt.fork = {
      ...proof,
      ...(found.kind === 'fork' && { starts: found.starts }),
      ...(found.kind === 'instead' && { outside: found.outside }),
    };
    this.keepProof(receipt.fork);
  }

  /** What leads to a segment that nothing here leads to. */
  #wantUpTo({ session, channel }: Chain, needSeq: number, receipt: Receipt): void {
    const haveSeq = Math.max(0, needSeq - MAX_SEGMENT_ENTRIES);
    receipt.wanted.push({ session: session.id, channel, haveSeq, needSeq });
  }

  /** Lets chains go on that something arrived for, until nothing moves. */
  async drain(receipt: Receipt): Promise<void> {
    for (const { session, channel } of receipt.accepted.slice()) {
      const grown = this.#table.chain(session.id, channel);
      if (grown && grown.held.length > 0) await this.#goOn(grown, receipt);
    }
    this.#letIn();
    for (let chain = this.#waiters.takeWoken(); chain; chain = this.#waiters.takeWoken()) {
      await this.#goOn(chain, receipt);
      this.#letIn();
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
    const proofs = this.#rivals.lookAgain();
    for (const proof of proofs) this.keepProof(proof);
    if (proofs.length > 0) receipt.forksToo = proofs;
  }

  /** More of former epochs may be part of the room: what waits is looked at again. */
  #letIn(): void {
    if (this.#table.closedEpochs.hasMoved())
      this.#waiters.wakeWhere((chain) => this.#table.closedEpochs.isFormer(chain));
  }

  async #goOn(chain: Chain, receipt: Receipt): Promise<void> {
    while (!chain.closed && !chain.waiting) {
      if (chain.branches !== undefined) return this.#rehome(chain, receipt);
      const held = this.#held.next(chain);
      if (held === undefined) return;
      const { first } = held;
      const before = receipt.refused;
      const arrival = held.arrival ?? (await this.#verifier.reopen(chain.session, held.sealed));
      held.arrival = arrival;
      this.#advance(chain, arrival, receipt);
      const forked = receipt.refused !== before && receipt.fork !== undefined;
      if (forked || chain.seq >= held.last) this.#held.remove(chain, held);
      else if (!chain.closed && !chain.waiting && chain.branches === undefined)
        throw new Error(`held segment at ${first} did not move its chain`);
    }
  }

  /** The chain ended where its author forked: what is held for it belongs to its branches. */
  async #rehome(chain: Chain, receipt: Receipt): Promise<void> {
    for (const held of [...chain.held]) {
      this.#held.remove(chain, held);
      const { session, sealed } = { session: chain.session, sealed: held.sealed };
      this.place(chain, held.arrival ?? (await this.#verifier.reopen(session, sealed)), receipt);
    }
    for (const end of this.#table.endsOf(chain)) if (end.held.length > 0) await this.#goOn(end, receipt);
  }

  /** The chain is longer: perhaps others can go on. */
  reached(chain: Chain): void {
    this.#waiters.reached(chain);
  }

  /** Chains moved otherwise than entry by entry: everything that waits or is held behind a gap is looked at again. */
  moved(): void {
    this.#waiters.wakeAll();
    for (const chain of this.#held.holding()) this.#waiters.wake(chain);
  }

  /** Remembers that a chain forked; the first proof of each is enough. */
  keepProof(proof: ForkProof): void {
    for (const start of proof.starts ?? [])
      if (this.#found.length < MAX_BRANCH_STARTS && !this.#found.some((one) => isSameStart(one, start)))
        this.#found.push(start);
    for (const start of proof.outside ?? [])
      if (this.#outside.length < MAX_BRANCH_STARTS && !this.#outside.some((one) => isSameStart(one, start)))
        this.#outside.push(start);
    if (this.#forks.length < MAX_FORK_PROOFS && !this.isForked(proof)) this.#forks.push(proof);
  }

  /** The branches of forks that were found since the log was made. */
  get found(): readonly BranchStart[] {
    return this.#found;
  }

  /** What the log has and is not to have, as was found since it was made. */
  get foundOutside(): readonly BranchStart[] {
    return this.#outside;
  }

  /** Which entries of others' would show where a chain forked, given that theirs is another one there. */
  provingFork(chain: Chain, theirs: Head): readonly [from: number, to: number] | undefined {
    if (this.#forked.has(chain)) return undefined;
    // In a former epoch another story counts where a row leads to it.
    if (
      this.#table.closedEpochs.isFormer(chain) &&
      !this.#table.closedEpochs.leads({ channel: chain.channel, hash: theirs.hash })
    )
      return undefined;
    const to = this.#parted.leadsTo(theirs);
    return to === theirs.seq ? [to, to] : [Math.max(1, to - MAX_SEGMENT_ENTRIES + 1), to];
  }

  isForked({ session, channel }: Pick<ForkProof, 'session' | 'channel'>): boolean {
    return this.#forks.some((fork) => fork.session === session && fork.channel === channel);
  }

  get forkProofs(): readonly ForkProof[] {
    return this.#forks;
  }

  /** Bytes of memory that held segments count for. */
  get heldBytes(): number {
    return this.#held.bytes;
  }
}
