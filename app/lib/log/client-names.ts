/**
 * Which chain of `project` a Yjs client means. One whose number turned out to be another's too has moved to another one, and
 * whoever named it by the old number still means it (FORK-5, FORK-6).
 */
import { toHex } from '../core/bytes.ts';
import type { SessionId } from '../core/ids.ts';
import type { Chain } from './chain.ts';

export class ClientNames {
  readonly #holders = new Map<number, Chain>();
  readonly #former = new Map<number, Chain[]>();
  /** Where more than one chain would have a client: all that would. */
  readonly #claimants = new Map<number, Chain[]>();

  /** The chain whose structs have that client in the room's docs. */
  holder(client: number): Chain | undefined {
    return this.#holders.get(client);
  }

  /** Another chain that is part of the room has that number, or has given it up. */
  isTaken(client: number, by: Chain): boolean {
    const holder = this.#holders.get(client);
    return this.#former.has(client) || (holder !== undefined && holder !== by && counts(holder));
  }

  /** The chain has its client from now on, unless another one that counts does. Whether it has. */
  take(chain: Chain): boolean {
    const { clientId } = chain.session;
    const holder = this.#holders.get(clientId);
    if (holder !== undefined && holder !== chain) {
      this.#claimants.set(clientId, [...(this.#claimants.get(clientId) ?? [holder]), chain]);
      if (counts(holder)) return false;
    }
    this.#holders.set(clientId, chain);
    return true;
  }

  /** The chains that would have that client, where there are several. */
  claimants(client: number): readonly Chain[] {
    return this.#claimants.get(client) ?? [];
  }

  /** The branch went by that number before. */
  addFormer(client: number, branch: Chain): void {
    const branches = [...(this.#former.get(client) ?? []), branch];
    this.#former.set(client, branches.sort(byStart));
  }

  /** The chain that an author means by that number, who follows those branches. */
  meant(client: number, past: ReadonlySet<SessionId>): Chain | undefined {
    const holder = this.#holders.get(client);
    const former = this.#former.get(client);
    if (former === undefined || (holder?.branching && past.has(holder.session.id))) return holder;
    return former.find(({ session }) => past.has(session.id)) ?? holder;
  }
}

/** A chain with no entry yet may turn out to be none; a branch is one, wherever its entries are. */
const counts = (chain: Chain): boolean => chain.seq > chain.base || chain.branching !== undefined;

const startOf = ({ branching }: Chain): string => toHex(branching?.start.hash ?? new Uint8Array());
const byStart = (a: Chain, b: Chain): number => (startOf(a) < startOf(b) ? -1 : 1);
