/** The owner's will that the server forgets the room (ARCH-12, ARCH-19): it counts from then on, and is so when the server says so. */
import type { ArchiveDeleted, ArchiveStatus } from '../../core/archive-wire.ts';
import type { Result } from '../../core/result.ts';
import type { LogStore } from '../../log/log-store.ts';
import type { ArchiveProblem, ArchiveServer } from './archive-server.ts';
import { stateAfter } from './archive-state.ts';
import type { OwnerHere } from './owner-here.ts';
import { must } from './refused.ts';
import { deletionOf } from './registration.ts';
import type { ServerCopy } from './server-copy.ts';

export interface ForgettingOptions {
  readonly server: ArchiveServer;
  readonly store: Pick<LogStore, 'changeFacts'>;
}

export class Forgetting {
  readonly #options: ForgettingOptions;
  readonly #owner: OwnerHere;
  readonly #copy: Pick<ServerCopy, 'forget'>;
  /** Whether a copy is wanted was said anew on this device. */
  readonly #onDecided: () => void;

  constructor(
    options: ForgettingOptions,
    owner: OwnerHere,
    copy: Pick<ServerCopy, 'forget'>,
    onDecided: () => void,
  ) {
    this.#options = options;
    this.#owner = owner;
    this.#copy = copy;
    this.#onDecided = onDecided;
  }

  /** As Archive.delete. */
  delete(): Promise<Result<ArchiveDeleted, ArchiveProblem>> {
    return this.#owner.signs(async () => {
      const status = await this.#options.server.status();
      if (!status.ok) return status;
      await this.decline(true);
      const deleted = await this.#remove(status.value);
      if (deleted.ok) await this.#copy.forget();
      // An answer that did not come may have been "done": whether it was is seen at the next turn, and it is asked again.
      else if (stateAfter(deleted.error.reason).kind !== 'unreachable') await this.decline(false);
      return deleted;
    });
  }

  /** Asks again where a copy is still there. */
  async seeItGone(): Promise<void> {
    const status = await this.#options.server.status();
    const reason = status.ok ? undefined : status.error.reason;
    if (reason !== 'unknown-room' && reason !== 'off') must(await this.#remove(must(status)));
    await this.#copy.forget();
  }

  /** Whether the owner, on this device, wants no copy there. */
  async decline(declined: boolean): Promise<void> {
    await this.#options.store.changeFacts(({ noArchive: _, ...facts }) => ({
      ...facts,
      ...(declined && { noArchive: true }),
    }));
    this.#onDecided();
  }

  #remove({ counter, instance }: ArchiveStatus): Promise<Result<ArchiveDeleted, ArchiveProblem>> {
    return this.#owner.signs(async (owner, genesis) =>
      this.#options.server.delete(await deletionOf(owner, genesis, counter + 1, instance)),
    );
  }
}
