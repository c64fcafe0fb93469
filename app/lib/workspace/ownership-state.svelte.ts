/** Whether this device owns the room, as the statements known here say, and what it can do with a recovery code. */
import type { Bytes } from '../core/bytes.ts';
import type { RoomId } from '../core/ids.ts';
import { generateSigningKeyPair } from '../crypto/signatures.ts';
import { isOwner, type OwnersStatement } from '../log/owners.ts';
import type { Roster } from '../log/roster.ts';
import type { OwnerKey } from '../storage/device.ts';
import type { Owner } from '../sync/archive/registration.ts';
import type { Replica } from '../sync/replica.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { ownerBy } from './owner-key.ts';
import type { OwnershipModel, OwnershipProblem, Recovery } from './room-model.ts';

export interface OwnershipOptions {
  readonly roomId: RoomId;
  readonly replica: Replica;
  /** What the room was opened with. */
  readonly roster: Omit<Roster, 'genesis'> & { readonly genesis: Roster['genesis'] | undefined };
  /** The key that this device has for the room. */
  readonly key: OwnerKey | undefined;
  readonly keepsKeys: boolean;
  /** The key that this device has by now: another tab may have made one. */
  readonly load: () => Promise<OwnerKey | undefined>;
  /** Keeps a key on this device. */
  readonly keep: (key: Required<OwnerKey>) => Promise<void>;
  /** ms since 1970 */
  readonly now: () => number;
}

export class OwnershipState implements OwnershipModel {
  readonly #options: OwnershipOptions;
  #owners = $state.raw<readonly OwnersStatement[]>([]);
  #key = $state.raw<OwnerKey>();
  /** The person was told of an epoch that is not known here. */
  #insists = false;

  constructor(options: OwnershipOptions) {
    this.#options = options;
    this.#owners = options.roster.owners;
    this.#key = options.key;
  }

  /** This device's key for the room, whether it counts or not. */
  get key(): OwnerKey | undefined {
    return this.#key;
  }

  /** What signs for the room on this device; undefined where it does not own it. */
  get owner(): Owner | undefined {
    return ownerBy(this.#key, this.#genesis, this.#owners);
  }

  get standing(): OwnershipModel['standing'] {
    if (this.owner !== undefined) return 'owner';
    const { publicKey } = this.#key ?? {};
    // A key that was made and never came to count leaves this device as it was.
    const counted = publicKey ? this.#owners.some((one) => isOwner(one, publicKey as Bytes)) : this.#key;
    return counted ? 'lost' : 'other';
  }

  get hasCode(): boolean {
    return this.#owners.length > 0;
  }

  get mayMakeCode(): boolean {
    return !this.hasCode && this.owner !== undefined && this.#roster !== undefined;
  }

  get owners(): number {
    return this.#owners.at(-1)?.owners.length ?? 1;
  }

  get changedAt(): number | undefined {
    return this.#owners.at(-1)?.time;
  }

  get keepsKeys(): boolean {
    return this.#options.keepsKeys;
  }

  /** The owners of the room have changed, here or elsewhere. */
  async heard(owners: readonly OwnersStatement[]): Promise<void> {
    this.#owners = owners;
    const { load, replica } = this.#options;
    this.#key ??= await load();
    replica.archive?.own(this.owner);
  }

  async newCode(): Promise<string> {
    return (await import('./change-owners.ts')).newCode();
  }

  useCode(code: string): Promise<OwnershipProblem | undefined> {
    return this.#do(async (roster) => {
      const { owner } = this;
      if (owner === undefined || this.hasCode) return { kind: 'taken' };
      const { useFirstCode } = await import('./change-owners.ts');
      return useFirstCode(this.#room(roster), code, owner);
    });
  }

  async check(typed: string): Promise<OwnershipProblem | undefined> {
    return this.#try(async (roster) => {
      const { rootOf } = await import('./change-owners.ts');
      const root = await rootOf(typed, { roomId: this.#options.roomId, roster });
      return root.ok ? undefined : root.error;
    });
  }

  recover(typed: string, recovery: Recovery): Promise<OwnershipProblem | undefined> {
    return this.#do(async (roster) => {
      const { recover } = await import('./change-owners.ts');
      // Before anything is signed: a key that counts and is lost would be worse than one that never counts.
      const own = await this.#ownKey(roster);
      return recover(this.#room(roster), typed, own, recovery);
    });
  }

  get #genesis(): Roster['genesis'] | undefined {
    return this.#roster?.genesis ?? this.#options.roster.genesis;
  }

  get #roster(): Roster | undefined {
    return this.#options.replica.epochs.roster;
  }

  #room(roster: Roster) {
    const { roomId, replica, now } = this.#options;
    return { roomId, replica, roster, now: now(), insists: this.#insists };
  }

  /** The public key of this device, made where there is none. */
  async #ownKey({ genesis }: Roster): Promise<Bytes> {
    if (this.#key !== undefined) return (this.#key.publicKey as Bytes | undefined) ?? genesis.ownerPublicKey;
    const pair = await generateSigningKeyPair();
    await this.#options.keep(pair);
    this.#key = pair;
    return pair.publicKey;
  }

  /** One change at a time, over all tabs of this browser. */
  async #do(
    work: (roster: Roster) => Promise<OwnershipProblem | undefined>,
  ): Promise<OwnershipProblem | undefined> {
    let problem: OwnershipProblem | undefined;
    await oneAtATime(this.#options.roomId, async () => {
      problem = await this.#try(work);
      this.#insists = problem?.kind === 'behind';
    });
    return problem;
  }

  async #try(
    work: (roster: Roster) => Promise<OwnershipProblem | undefined>,
  ): Promise<OwnershipProblem | undefined> {
    try {
      const roster = this.#roster;
      if (roster === undefined) throw new Error('a room that nobody brought yet');
      return await work(roster);
    } catch (error) {
      console.error('CodeFace: changing who owns the room', error);
      return { kind: 'failed', error };
    }
  }
}
