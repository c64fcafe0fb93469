/**
 * Segments that can't be placed yet: within quotas that no peer can outgrow (ACC-15), and the chains that wait for
 * something, found again when it arrives. What is evicted is remembered as `chain.owed`, never as bytes.
 */
import { toHex } from '../core/bytes.ts';
import type { SessionId } from '../core/ids.ts';
import type { Arrival, Chain, Dependency, HeldSegment } from './chain.ts';
import { HEAD_BYTES, KIB, MIB } from './format.ts';

/** Enough for minutes of typing that overtook its cause. */
export const HELD_PER_SESSION_BYTES = MIB;
/** All sessions of one link together: whoever mints sessions gains nothing by it. */
export const HELD_PER_ISSUER_BYTES = 8 * MIB;

/** How much may wait, in bytes: of one session, and of all that one issuer vouched for. */
export interface HeldQuota {
  readonly perSession: number;
  readonly perIssuer: number;
}
const FOR_STRANGERS: HeldQuota = { perSession: HELD_PER_SESSION_BYTES, perIssuer: HELD_PER_ISSUER_BYTES };

/** Bookkeeping of one held segment, so that many tiny ones count for what they cost. */
const HELD_OVERHEAD_BYTES = KIB;
/** Decoded copies kept to go on quickly; beyond it they are made again from the sealed bytes. */
const DECODED_BYTES = 32 * MIB;

export class HeldSegments {
  readonly #quota: HeldQuota;
  readonly #usedBySession = new Map<SessionId, number>();
  readonly #usedByIssuer = new Map<string, number>();
  /** Chains that hold something, in the order in which they last got something. */
  readonly #holding = new Set<Chain>();
  #decodedBytes = 0;

  constructor(quota: HeldQuota = FOR_STRANGERS) {
    this.#quota = quota;
  }

  /** Keeps a segment for later. False when the quota had no room for it: it must be asked for again. */
  hold(chain: Chain, arrival: Arrival): boolean {
    const { first, last, sealed } = arrival;
    if (chain.held.some((held) => held.first === first && held.last === last)) return true;
    const held: HeldSegment = { first, last, sealed, arrival };
    const at = chain.held.findIndex((other) => other.first > first);
    chain.held.splice(at < 0 ? chain.held.length : at, 0, held);
    this.#holding.delete(chain);
    this.#holding.add(chain);
    this.#count(chain, held, 1);
    this.#decodedBytes += decodedSize(arrival);

    const issuer = toHex(chain.session.issuer);
    while ((this.#usedBySession.get(chain.session.id) ?? 0) > this.#quota.perSession)
      this.#evictFrom(chain.session.id);
    while ((this.#usedByIssuer.get(issuer) ?? 0) > this.#quota.perIssuer)
      this.#evictFrom(this.#greediestOf(issuer));
    this.#forgetDecoded(held);
    return chain.held.includes(held);
  }

  /** The held segment that has the chain's next entry; what is entirely behind it is dropped. */
  next(chain: Chain): HeldSegment | undefined {
    for (const held of [...chain.held]) {
      if (held.first > chain.seq + 1) return undefined;
      if (held.last > chain.seq) return held;
      this.remove(chain, held);
    }
    return undefined;
  }

  remove(chain: Chain, held: HeldSegment): void {
    const at = chain.held.indexOf(held);
    if (at < 0) return;
    chain.held.splice(at, 1);
    if (chain.held.length === 0) this.#holding.delete(chain);
    this.#count(chain, held, -1);
    this.#dropDecoded(held);
  }

  removeAll(chain: Chain): void {
    for (const held of [...chain.held]) this.remove(chain, held);
  }

  /** Chains that hold something. */
  holding(): Chain[] {
    return [...this.#holding];
  }

  /** Sealed bytes and overhead held by everybody together. */
  get bytes(): number {
    let sum = 0;
    for (const used of this.#usedByIssuer.values()) sum += used;
    return sum;
  }

  /** Gives up what is furthest from being placed. */
  #evictFrom(session: SessionId): void {
    let victim: { chain: Chain; held: HeldSegment } | undefined;
    for (const chain of this.#holding) {
      const held = chain.session.id === session ? chain.held.at(-1) : undefined;
      if (held && (victim === undefined || held.first - chain.seq > victim.held.first - victim.chain.seq))
        victim = { chain, held };
    }
    if (victim === undefined) throw new Error('a quota is used up by nothing');
    victim.chain.owed = Math.max(victim.chain.owed, victim.held.last);
    this.remove(victim.chain, victim.held);
  }

  #greediestOf(issuer: string): SessionId {
    let most: SessionId | undefined;
    for (const { session } of this.#holding) {
      if (toHex(session.issuer) !== issuer) continue;
      const used = this.#usedBySession.get(session.id) ?? 0;
      if (most === undefined || used > (this.#usedBySession.get(most) ?? 0)) most = session.id;
    }
    if (most === undefined) throw new Error('a quota is used up by nobody');
    return most;
  }

  #count({ session }: Chain, { sealed }: HeldSegment, sign: 1 | -1): void {
    const bytes = sign * (sealed.length + HELD_OVERHEAD_BYTES);
    add(this.#usedBySession, session.id, bytes);
    add(this.#usedByIssuer, toHex(session.issuer), bytes);
  }

  #forgetDecoded(except: HeldSegment): void {
    for (const chain of this.#holding)
      for (const held of chain.held) {
        if (this.#decodedBytes <= DECODED_BYTES) return;
        if (held !== except) this.#dropDecoded(held);
      }
  }

  #dropDecoded(held: HeldSegment): void {
    if (held.arrival === undefined) return;
    this.#decodedBytes -= decodedSize(held.arrival);
    held.arrival = undefined;
  }
}

/** Chains that wait for something, by what they wait for. */
export class Waiters {
  readonly #byHead = new Map<string, Chain[]>();
  readonly #byClient = new Map<number, Chain[]>();
  readonly #uncarried = new Set<Chain>();
  #woken: Chain[] = [];

  add(chain: Chain, on: Dependency): void {
    this.remove(chain);
    chain.waiting = on;
    if (on.kind === 'head') push(this.#byHead, toHex(on.head.hash), chain);
    else if (on.kind === 'clock') push(this.#byClient, on.client, chain);
    else this.#uncarried.add(chain);
  }

  /** The chain waits no more, or for something else. */
  remove(chain: Chain): void {
    const on = chain.waiting;
    if (on === undefined) return;
    chain.waiting = undefined;
    if (on.kind === 'head') pull(this.#byHead, toHex(on.head.hash), chain);
    else if (on.kind === 'clock') pull(this.#byClient, on.client, chain);
    else this.#uncarried.delete(chain);
  }

  /** Wakes what waited for this chain to get as far as it has. */
  reached(chain: Chain): void {
    if (this.#byHead.size > 0) {
      const key = toHex(chain.head.subarray(0, HEAD_BYTES));
      const waiting = this.#byHead.get(key);
      if (waiting !== undefined) {
        this.#byHead.delete(key);
        this.#wake(waiting);
      }
    }
    if (this.#byClient.size > 0 && chain.channel === 'project') {
      const client: number = chain.session.clientId;
      const waiting = this.#byClient.get(client);
      if (waiting === undefined) return;
      const [ready, rest] = [[] as Chain[], [] as Chain[]];
      for (const one of waiting) (needsMore(one, chain) ? rest : ready).push(one);
      if (rest.length > 0) this.#byClient.set(client, rest);
      else this.#byClient.delete(client);
      this.#wake(ready);
    }
  }

  /** Wakes those for which that holds, whatever they wait for. */
  wakeWhere(holds: (chain: Chain) => boolean): void {
    const waiting = [...this.#byHead.values(), ...this.#byClient.values(), [...this.#uncarried]].flat();
    for (const chain of waiting) if (holds(chain)) this.wake(chain);
  }

  /** Wakes everything: after chains moved otherwise than entry by entry. */
  wakeAll(): void {
    for (const waiting of [...this.#byHead.values(), ...this.#byClient.values()]) this.#wake(waiting);
    this.#byHead.clear();
    this.#byClient.clear();
    this.#wake([...this.#uncarried]);
    this.#uncarried.clear();
  }

  /** Looks at a chain again that may go on, whatever it waited for. */
  wake(chain: Chain): void {
    this.remove(chain);
    this.#woken.push(chain);
  }

  takeWoken(): Chain | undefined {
    return this.#woken.shift();
  }

  #wake(chains: readonly Chain[]): void {
    for (const chain of chains) {
      chain.waiting = undefined;
      this.#woken.push(chain);
    }
  }
}

/** What lies beyond a fork is looked for in its branches. */
const needsMore = ({ waiting }: Chain, of: Chain): boolean =>
  waiting?.kind === 'clock' && waiting.clock > of.nextClock && of.branches === undefined;

const decodedSize = ({ entries }: Arrival): number =>
  entries.reduce((sum, { heads, payload }) => sum + heads.length + payload.length + 64, 0);

function add<K>(map: Map<K, number>, key: K, amount: number): void {
  const sum = (map.get(key) ?? 0) + amount;
  if (sum === 0) map.delete(key);
  else map.set(key, sum);
}

function push<K>(map: Map<K, Chain[]>, key: K, chain: Chain): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [chain]);
  else list.push(chain);
}

function pull<K>(map: Map<K, Chain[]>, key: K, chain: Chain): void {
  const rest = map.get(key)?.filter((other) => other !== chain) ?? [];
  if (rest.length > 0) map.set(key, rest);
  else map.delete(key);
}
