/** All sessions and chains of a room, and the checks that need more than one chain: dependencies and heads. */
import { equalBytes, type Bytes } from '../core/bytes.ts';
import type { Channel, ClientId, SessionId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import { inBranches, type Place } from './branch-update.ts';
import { branchSession, BranchStarts, encodeBranchStarts, type BranchStart } from './branches.ts';
import type { CheckedSession } from './certificate.ts';
import { ClientNames } from './client-names.ts';
import { Contests } from './contests.ts';
import { readCarry, type ClosedEpochs } from './closed-epochs.ts';
import type { FrontierRow } from './frontier.ts';
import { Chain, type Arrival, type ChainState, type Dependency } from './chain.ts';
import { decodeHeads, encodeHeads, type Entry, type Head } from './entry.ts';
import { CHANNELS, HEAD_BYTES, MAX_HEADS_BYTES, type RefusalCode } from './format.ts';
import { checkUpdate, type CheckedUpdate } from './struct-check.ts';
import { parentsOf, type ParentKey } from './struct-parents.ts';

/** An entry that may be applied now. */
export interface EntryPass {
  /** In `talk` and `runs` what is told of it (LOG-11), in `project` what its author claims. */
  readonly time: number;
  readonly nextClock: number;
  /** What a `project` entry brings. */
  readonly update?: CheckedUpdate;
  /** Of each struct of `update`, the list it stands in. */
  readonly parents: readonly ParentKey[];
  /** Whether `update` names what the payload names otherwise (FORK-3). */
  readonly translated: boolean;
  /** Chains whose newest entry it names. */
  readonly covers: readonly Chain[];
  /** The branches it follows. */
  readonly past: ReadonlySet<SessionId>;
  /** What it brings into the current epoch. */
  readonly carries?: readonly FrontierRow[];
}

export type EntryStop =
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly detail: string }
  | { readonly kind: 'waits'; readonly on: Dependency };

/** Where a segment belongs. */
export interface Home {
  readonly chain: Chain;
  readonly isNew: boolean;
}

export interface FirstBranch {
  readonly branch: Chain;
  readonly start: BranchStart;
  /** How those begin who have the client that its author signs as: the chain that has it is contested too. */
  readonly against: readonly BranchStart[];
}

/** Claims beyond are told as this, so that what follows them can still be told later. */
const MAX_TOLD_CLAIM = 2 ** 52;
/** Heads fit in MAX_HEADS_BYTES even with the longest seqs. */
const MAX_NAMED_HEADS = Math.floor(MAX_HEADS_BYTES / (HEAD_BYTES + 8));

export class ChainTable {
  readonly closedEpochs: ClosedEpochs;
  readonly #starts: BranchStarts;
  readonly #sessions = new Map<SessionId, CheckedSession>();
  readonly #chains: Readonly<Record<Channel, Map<SessionId, Chain>>> = {
    project: new Map(),
    talk: new Map(),
    runs: new Map(),
    carry: new Map(),
  };
  readonly #names = new ClientNames();
  /** What keeps chains from beginning as they are. */
  readonly contests: Contests;
  /** Per channel, the chains whose newest entry no other entry names: together they stand for all that is applied. */
  readonly #tips: Readonly<Record<Channel, Set<Chain>>> = {
    project: new Set(),
    talk: new Set(),
    runs: new Set(),
    carry: new Set(),
  };

  constructor(closedEpochs: ClosedEpochs, starts: BranchStarts = new BranchStarts()) {
    this.closedEpochs = closedEpochs;
    this.#starts = starts;
    this.contests = new Contests((session, channel) => this.chain(session, channel), this.#names, starts);
  }

  /** The forks that are known, as bytes: chains are alike only where they are. */
  get knownForks(): Bytes {
    return encodeBranchStarts(this.#starts.all);
  }

  session(id: SessionId): CheckedSession | undefined {
    return this.#sessions.get(id);
  }

  sessionOfClient(client: ClientId): CheckedSession | undefined {
    return this.#names.holder(client)?.session;
  }

  chain(session: SessionId, channel: Channel): Chain | undefined {
    return this.#chains[channel].get(session);
  }

  /** Every chain, channel by channel. */
  *chains(): IterableIterator<Chain> {
    for (const channel of CHANNELS) yield* this.#chains[channel].values();
  }

  /** The session's chain, made if new. What another certificate of its key has begun stays its chain (FORK-5). */
  open(session: CheckedSession, channel: Channel): Chain {
    const known = this.chain(session.id, channel);
    if (known !== undefined) return known;
    if (!this.#sessions.has(session.id)) this.#sessions.set(session.id, session);
    const chain = new Chain(session, channel);
    this.#chains[channel].set(session.id, chain);
    // All that its key begins is a branch, which has its own certificate: known when its first entry is here.
    if (this.#starts.isContested(session.id)) chain.branches = [];
    else if (channel === 'project') this.#names.take(chain);
    return chain;
  }

  /** Gives up a chain without entries for one by another certificate of its key. */
  replace(chain: Chain, session: CheckedSession): Chain {
    if (chain.seq > 0) throw new Error('a chain that has begun');
    this.#chains[chain.channel].delete(session.id);
    return this.open(session, chain.channel);
  }

  /** The branch that a first entry of a contested session begins, made if it is one of those that are known. */
  openFirst(author: CheckedSession, channel: Channel, hash: Bytes): FirstBranch | undefined {
    const root = this.open(author, channel);
    const start = this.#starts.first(author.id, channel, hash);
    if (start === undefined) return undefined;
    const here = root.branches?.find(({ branching }) => branching?.start === start);
    if (here !== undefined) return { branch: here, start, against: [] };
    const branch = this.#branch(root, start, author);
    root.branches = [...(root.branches ?? []), branch];
    if (channel !== 'project') return { branch, start, against: [] };
    this.#names.addFormer(author.clientId, branch);
    const holder = this.#names.holder(author.clientId);
    return { branch, start, against: holder ? this.contests.firstStarts(holder.session.id) : [] };
  }

  /** Where its author forked, a chain ends, and its branches are chains of their own from then on (FORK-2). */
  #branchOff(chain: Chain): void {
    const starts = this.#starts.after(chain.head);
    if (starts.length > 0) chain.branches = starts.map((start) => this.#branch(chain, start, chain.session));
  }

  #branch(parent: Chain, start: BranchStart, author: CheckedSession): Chain {
    const { channel } = parent;
    const clients = this.#starts.clientsOf(start);
    const session = branchSession(author, start, clients.at(-1));
    const isFirst = start.seq === 1;
    const chain = new Chain(session, channel, {
      start,
      parent,
      signsAs: isFirst ? author.clientId : parent.signs.client,
      firstClock: isFirst ? 0 : parent.signs.clock,
    });
    if (channel === 'project') {
      if (!this.#names.take(chain)) throw new Error('a session began with the client of a branch');
      for (const former of clients.slice(0, -1)) this.#names.addFormer(former, chain);
    }
    this.#sessions.set(session.id, session);
    this.#chains[channel].set(session.id, chain);
    return chain;
  }

  /**
   * Whether an entry is what its author may sign at that clock of that client, whatever else is in the room: what is not
   * is refused by everybody, and begins nothing (FORK-1).
   */
  isSound(
    { heads, payload }: Entry,
    author: CheckedSession,
    channel: Channel,
    { client, clock }: { readonly client: number; readonly clock: number },
  ): boolean {
    if (heads.length > 0 && !decodeHeads(heads).ok) return false;
    if (channel === 'project') return checkUpdate(payload, client, clock).ok;
    return channel !== 'carry' || readCarry(payload, author, this.closedEpochs.current).ok;
  }

  /** Steps 4 and 5 of the accept order for the next entry of a chain. `vouches`: what it follows is let in (ROST-10). */
  check(
    chain: Chain,
    { time: claimed, heads: headBytes, payload }: Entry,
    vouches = true,
  ): Result<EntryPass, EntryStop> {
    const covers: Chain[] = [];
    const before = chain.pastAt(chain.seq);
    let past = before;
    let missing: Dependency | undefined;
    let after = chain.timeAt(chain.seq);
    if (headBytes.length > 0) {
      const heads = decodeHeads(headBytes);
      if (!heads.ok) return err({ kind: 'refused', code: 'malformed-heads', detail: heads.error });
      for (const head of heads.value) {
        const named = this.#find(head);
        if (vouches) this.#vouch(chain, head, named);
        if (named === undefined) missing ??= { kind: 'head', head };
        else {
          past = union(past, named.pastAt(head.seq));
          if (named.channel === chain.channel) after = Math.max(after, named.timeAt(head.seq));
          if (named !== chain && named.seq === head.seq) covers.push(named);
        }
      }
    }
    if (chain.channel !== 'project') {
      const time = Math.max(Math.min(claimed, MAX_TOLD_CLAIM), after + 1);
      const carry =
        chain.channel === 'carry' ? readCarry(payload, chain.session, this.closedEpochs.current) : undefined;
      if (carry?.ok === false) return err({ kind: 'refused', code: 'malformed-carry', detail: carry.error });
      if (missing !== undefined) return err({ kind: 'waits', on: missing });
      return ok({
        time,
        nextClock: 0,
        parents: [],
        translated: false,
        covers,
        past,
        ...(carry && { carries: carry.value }),
      });
    }
    const { client: signsAs, clock: from } = chain.signs;
    const signed = checkUpdate(payload, signsAs, from);
    // A refusal first: it must not depend on whether the dependency is here yet.
    if (!signed.ok) return err({ kind: 'refused', ...signed.error });
    const { clientId } = chain.session;
    const translated = !this.#starts.none || chain.branching !== undefined;
    const update = translated
      ? inBranches(signed.value, clientId, chain.nextClock, (...id) => this.#placeOf(id, chain, past))
      : signed.value;
    for (const [client, clock] of update.needs) {
      if (missing !== undefined) break;
      if (this.#clockOf(client) < clock) missing = { kind: 'clock', client, clock };
    }
    if (missing !== undefined) return err({ kind: 'waits', on: missing });
    const { structs, nextClock } = update;
    const parents = parentsOf(structs, clientId, (client) => this.#projectOf(client)?.parents);
    if (parents === undefined)
      return err({ kind: 'refused', code: 'mixed-parents', detail: 'a struct between two lists' });
    return ok({ time: claimed, nextClock, update, translated, parents, covers, past });
  }

  /** Whether what a chain waits for may be here: looks at no entry again. */
  isMet(on: Dependency): boolean {
    if (on.kind === 'carry') return true;
    if (on.kind === 'head') return this.#find(on.head) !== undefined;
    const chain = this.#projectOf(on.client);
    return chain !== undefined && (chain.nextClock >= on.clock || chain.branches !== undefined);
  }

  /** Records an entry that passed `check`. */
  commit(
    chain: Chain,
    hash: Bytes,
    { time, nextClock, update, parents, covers, past, carries }: EntryPass,
  ): void {
    if (carries !== undefined) this.closedEpochs.add(carries);
    if (chain.seq === 0) this.#begin(chain);
    chain.extend(hash, chain.channel === 'project' ? nextClock : time);
    if (past.size > chain.pastAt(chain.seq).size) chain.follow(past);
    for (let i = 0; i < parents.length; i++)
      chain.parents.add(update?.structs[i]?.clock ?? 0, parents[i] ?? '');
    for (const covered of covers) this.#tips[covered.channel].delete(covered);
    this.#tips[chain.channel].add(chain);
    if (!this.#starts.none) this.#branchOff(chain);
  }

  /** Puts a chain where a trusted copy of it stands. */
  move(chain: Chain, copy: ChainState, isTip: boolean): void {
    if (chain.seq === 0) this.#begin(chain);
    chain.moveTo(copy);
    this.setTip(chain, isTip);
    if (!this.#starts.none) this.#branchOff(chain);
  }

  /** A chain that may begin does: what its certificate says is so. */
  #begin(chain: Chain): void {
    this.#sessions.set(chain.session.id, chain.session);
    if (chain.channel === 'project' && !this.#names.take(chain))
      throw new Error('another chain has its client');
  }

  /**
   * The chain or branch that goes on with what a segment holds: the last of them, where it holds entries of several. `isNew`
   * where a branch begins after it that is not known here; undefined where nothing here is what it goes on from.
   */
  homeOf(chain: Chain, { first, last, before, hashes }: Arrival): Home | undefined {
    let home = chain;
    while (home.branches !== undefined && last > home.seq) {
      const own = hashes[home.seq + 1 - first];
      if (first > home.seq + 1) {
        const from = { seq: first - 1, hash: before };
        const here = this.familyOf(home).find((one) => one.has(from));
        if (here === undefined) return undefined;
        home = here;
        continue;
      }
      const next = own && home.branches.find(({ branching }) => startsWith(own, branching?.start.hash));
      if (next === undefined) return { chain: home, isNew: true };
      home = next;
    }
    return { chain: home, isNew: false };
  }

  /** The chain itself, or where it forked the ends of its branches. */
  endsOf(chain: Chain): Chain[] {
    return chain.branches?.flatMap((branch) => this.endsOf(branch)) ?? [chain];
  }

  /** The chain and every branch of it. */
  familyOf(chain: Chain): Chain[] {
    return [chain, ...(chain.branches?.flatMap((branch) => this.familyOf(branch)) ?? [])];
  }

  /** What a new entry of `chain` names: the tips of its channel, other chains only (LOG-4). */
  headsFor(chain: Chain): Bytes {
    const heads: Head[] = [];
    for (const tip of this.#tips[chain.channel]) {
      if (heads.length === MAX_NAMED_HEADS) break;
      if (tip !== chain) heads.push({ seq: tip.seq, hash: tip.head.subarray(0, HEAD_BYTES) });
    }
    return encodeHeads(heads);
  }

  isTip(chain: Chain): boolean {
    return this.#tips[chain.channel].has(chain);
  }

  setTip(chain: Chain, isTip: boolean): void {
    if (isTip) this.#tips[chain.channel].add(chain);
    else this.#tips[chain.channel].delete(chain);
  }

  /** An author vouches for what they follow in a channel that they sign: a head of another one names nothing in this. */
  #vouch({ channel }: Chain, head: Head, named: Chain | undefined): void {
    if (this.closedEpochs.current === 0 || (named && !this.closedEpochs.isFormer(named))) return;
    this.closedEpochs.vouch({ channel, ...head }, named !== undefined);
  }

  /** Whether an entry that is here, of a chain or the first of a session's, is in whatever else is known (ROST-10). */
  isSure({ session, channel, seq }: BranchStart, of?: Chain): boolean {
    const chain = seq > 1 ? of : this.chain(session, channel);
    return chain !== undefined && this.familyOf(chain).some((one) => this.closedEpochs.isSure(one, seq));
  }

  #find(head: Head): Chain | undefined {
    for (const channel of CHANNELS)
      for (const chain of this.#chains[channel].values()) if (chain.has(head)) return chain;
    return undefined;
  }

  /**
   * Where an author's name for a struct leads to (FORK-3): beyond a fork it means the author's own branch, else the one that
   * they followed, else the one whose first entry has the lowest hash.
   */
  #placeOf([client, clock]: readonly [number, number], author: Chain, past: ReadonlySet<SessionId>): Place {
    if (client === author.signs.client) return ownPlace(author, clock);
    const named = this.#names.meant(client, past);
    if (named === undefined) return { client, clock, left: Infinity };
    let chain: Chain = named;
    let at = clock;
    for (;;) {
      const { branches, nextClock, session }: Chain = chain;
      if (branches === undefined) return { client: session.clientId, clock: at, left: Infinity };
      if (at < nextClock) return { client: session.clientId, clock: at, left: nextClock - at };
      at -= nextClock;
      const followed: Chain | undefined =
        branches.find((branch) => author.isOf(branch)) ??
        branches.find((branch) => past.has(branch.session.id)) ??
        branches[0];
      if (followed === undefined) throw new Error('a fork without branches');
      chain = followed;
    }
  }

  #projectOf(client: number): Chain | undefined {
    return this.#names.holder(client);
  }

  #clockOf(client: number): number {
    return this.#projectOf(client)?.nextClock ?? 0;
  }
}

/** Where an author's own clock is: in their branch, or in what it is a branch of. */
function ownPlace(author: Chain, clock: number): Place {
  let left = Infinity;
  for (let at = author; ;) {
    const { branching, session } = at;
    const from = branching?.firstClock ?? 0;
    if (branching === undefined || clock >= from)
      return { client: session.clientId, clock: clock - from, left };
    left = from - clock;
    at = branching.parent;
  }
}

const union = (a: ReadonlySet<SessionId>, b: ReadonlySet<SessionId>): ReadonlySet<SessionId> =>
  b.size === 0 || [...b].every((one) => a.has(one)) ? a : new Set([...a, ...b]);

/** Whether a chain hash is the one that a start names by its first bytes. */
const startsWith = (hash: Bytes, start: Bytes | undefined): boolean =>
  start !== undefined && equalBytes(hash.subarray(0, start.length), start);
