/** Contested sessions (FORK-5): chains that can't begin as they are, since something else passes for their author. */
import { equalBytes, type Bytes } from '../core/bytes.ts';
import type { Channel, SessionId } from '../core/ids.ts';
import type { BranchStart, BranchStarts } from './branches.ts';
import type { CheckedSession } from './certificate.ts';
import type { Chain } from './chain.ts';
import type { ClientNames } from './client-names.ts';
import { chainStart } from './entry.ts';
import { CHANNELS, HEAD_BYTES, type RefusalCode } from './format.ts';

/** What keeps a chain from beginning, and the branches that it and its rivals begin. */
export interface Contest {
  readonly code: RefusalCode;
  readonly starts: readonly BranchStart[];
}

export class Contests {
  readonly #chain: (session: SessionId, channel: Channel) => Chain | undefined;
  readonly #names: ClientNames;
  readonly #starts: BranchStarts;

  constructor(
    chain: (session: SessionId, channel: Channel) => Chain | undefined,
    names: ClientNames,
    starts: BranchStarts,
  ) {
    this.#chain = chain;
    this.#names = names;
    this.#starts = starts;
  }

  /**
   * Why a chain can't begin as it is (FORK-5): another certificate names its key, or another chain has its Yjs client. With
   * the beginnings of those that stand against it, its own last.
   */
  of(chain: Chain, firstHash: Bytes): Contest | undefined {
    const { session, channel, branching } = chain;
    const { clientId, certificate } = session;
    if (chain.seq > 0 || branching !== undefined) return undefined;
    const own = firstStart(session, channel, firstHash);
    if (this.#begun(session.id).some((one) => !equalBytes(one.session.certificate, certificate)))
      return { code: 'second-certificate', starts: [...this.firstStarts(session.id), own] };
    if (channel !== 'project') return undefined;
    const holder = this.#names.holder(clientId);
    if (!this.#starts.isTaken(clientId) && !this.#names.isTaken(clientId, chain)) return undefined;
    const others = holder ? this.firstStarts(holder.session.id) : [];
    return { code: 'client-id-taken', starts: [...others, own] };
  }

  /** Chains that wait to begin, and can't any more as they are: this one has (FORK-5). */
  waitingAgainst({ session, channel }: Chain): Chain[] {
    const sameKey = CHANNELS.flatMap((other) => this.#chain(session.id, other) ?? []);
    const sameClient = channel === 'project' ? this.#names.claimants(session.clientId) : [];
    return [...sameKey, ...sameClient].filter((one) => one.seq === 0 && one.held.length > 0);
  }

  /** How a session's own chains begin, as branches would that begin with their first entries. */
  firstStarts(id: SessionId): BranchStart[] {
    return this.#begun(id).map((chain) => firstStart(chain.session, chain.channel, chain.hashAt(1)));
  }

  /** A session's own chains that have entries. */
  #begun(id: SessionId): Chain[] {
    return CHANNELS.flatMap((channel) => this.#chain(id, channel) ?? []).filter(
      ({ seq, branching }) => seq > 0 && branching === undefined,
    );
  }
}

const firstStart = (session: CheckedSession, channel: Channel, hash: Bytes): BranchStart => ({
  session: session.id,
  channel,
  seq: 1,
  before: chainStart(session.certificate, channel).slice(0, HEAD_BYTES),
  hash: hash.slice(0, HEAD_BYTES),
});
