/** All sessions and chains of a room, and the checks that need more than one chain: dependencies and heads. */
import { equalBytes, type Bytes } from '../core/bytes.ts';
import type { Channel, ClientId, SessionId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { CheckedSession } from './certificate.ts';
import { readCarry, type ClosedEpochs } from './closed-epochs.ts';
import type { FrontierRow } from './frontier.ts';
import { Chain, type Dependency } from './chain.ts';
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
  /** Of each struct of a `project` entry, its clock and list. */
  readonly parents: readonly { readonly clock: number; readonly key: ParentKey }[];
  /** Chains whose newest entry it names. */
  readonly covers: readonly Chain[];
  /** What it brings into the current epoch. */
  readonly carries?: readonly FrontierRow[];
}

export type EntryStop =
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly detail: string }
  | { readonly kind: 'waits'; readonly on: Dependency };

/** Claims beyond are told as this, so that what follows them can still be told later. */
const MAX_TOLD_CLAIM = 2 ** 52;
/** Heads fit in MAX_HEADS_BYTES even with the longest seqs. */
const MAX_NAMED_HEADS = Math.floor(MAX_HEADS_BYTES / (HEAD_BYTES + 8));

export class ChainTable {
  readonly closedEpochs: ClosedEpochs;
  readonly #sessions = new Map<SessionId, CheckedSession>();
  readonly #chains: Readonly<Record<Channel, Map<SessionId, Chain>>> = {
    project: new Map(),
    talk: new Map(),
    runs: new Map(),
    carry: new Map(),
  };
  readonly #clients = new Map<number, CheckedSession>();
  /** Per channel, the chains whose newest entry no other entry names: together they stand for all that is applied. */
  readonly #tips: Readonly<Record<Channel, Set<Chain>>> = {
    project: new Set(),
    talk: new Set(),
    runs: new Set(),
    carry: new Set(),
  };

  constructor(closedEpochs: ClosedEpochs) {
    this.closedEpochs = closedEpochs;
  }

  session(id: SessionId): CheckedSession | undefined {
    return this.#sessions.get(id);
  }

  sessionOfClient(client: ClientId): CheckedSession | undefined {
    return this.#clients.get(client);
  }

  chain(session: SessionId, channel: Channel): Chain | undefined {
    return this.#chains[channel].get(session);
  }

  /** Every chain, channel by channel. */
  *chains(): IterableIterator<Chain> {
    for (const channel of CHANNELS) yield* this.#chains[channel].values();
  }

  /** Whether this session may be known here beside those that are: the first of two stays (CERT-6). */
  conflict(session: CheckedSession): RefusalCode | undefined {
    const same = this.#sessions.get(session.id);
    if (same !== undefined)
      return equalBytes(same.certificate, session.certificate) ? undefined : 'second-certificate';
    return this.#clients.has(session.clientId) ? 'client-id-taken' : undefined;
  }

  /** The session's chain, made if new. The session must not conflict. */
  open(session: CheckedSession, channel: Channel): Chain {
    let chain = this.chain(session.id, channel);
    if (chain === undefined) {
      const known = this.#sessions.get(session.id) ?? session;
      this.#sessions.set(known.id, known);
      this.#clients.set(known.clientId, known);
      chain = new Chain(known, channel);
      this.#chains[channel].set(known.id, chain);
    }
    return chain;
  }

  /** Steps 4 and 5 of the accept order for the next entry of a chain. */
  check(chain: Chain, { time: claimed, heads: headBytes, payload }: Entry): Result<EntryPass, EntryStop> {
    const covers: Chain[] = [];
    let missing: Dependency | undefined;
    let after = chain.timeAt(chain.seq);
    if (headBytes.length > 0) {
      const heads = decodeHeads(headBytes);
      if (!heads.ok) return err({ kind: 'refused', code: 'malformed-heads', detail: heads.error });
      for (const head of heads.value) {
        const named = this.#find(head);
        if (named === undefined) missing ??= { kind: 'head', head };
        else {
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
      return ok({ time, nextClock: 0, parents: [], covers, ...(carry && { carries: carry.value }) });
    }
    const update = checkUpdate(payload, chain.session.clientId, chain.nextClock);
    // A refusal first: it must not depend on whether the dependency is here yet.
    if (!update.ok) return err({ kind: 'refused', ...update.error });
    for (const [client, clock] of update.value.needs) {
      if (missing !== undefined) break;
      if (this.#clockOf(client) < clock) missing = { kind: 'clock', client, clock };
    }
    if (missing !== undefined) return err({ kind: 'waits', on: missing });
    const { structs, nextClock } = update.value;
    const keys = parentsOf(structs, chain.session.clientId, (client) => this.#projectOf(client)?.parents);
    if (keys === undefined)
      return err({ kind: 'refused', code: 'mixed-parents', detail: 'a struct between two lists' });
    const parents = structs.map(({ clock }, i) => ({ clock, key: keys[i] ?? '' }));
    return ok({ time: claimed, nextClock, update: update.value, parents, covers });
  }

  /** Records an entry that passed `check`. */
  commit(chain: Chain, hash: Bytes, { time, nextClock, parents, covers, carries }: EntryPass): void {
    if (carries !== undefined) this.closedEpochs.add(carries);
    chain.extend(hash, time);
    chain.nextClock = nextClock;
    for (const { clock, key } of parents) chain.parents.add(clock, key);
    for (const covered of covers) this.#tips[covered.channel].delete(covered);
    this.#tips[chain.channel].add(chain);
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

  #find(head: Head): Chain | undefined {
    for (const channel of CHANNELS)
      for (const chain of this.#chains[channel].values()) if (chain.has(head)) return chain;
    return undefined;
  }

  #projectOf(client: number): Chain | undefined {
    const session = this.#clients.get(client);
    return session && this.chain(session.id, 'project');
  }

  #clockOf(client: number): number {
    return this.#projectOf(client)?.nextClock ?? 0;
  }
}
