/** The key of an owner, where this device has one, and the one place that asks whether something can be signed with it. */
import { err, type Result } from '../../core/result.ts';
import type { Genesis } from '../../log/genesis.ts';
import type { RoomLog } from '../../log/room-log.ts';
import type { ArchiveProblem } from './archive-server.ts';
import type { Owner } from './registration.ts';

export class OwnerHere {
  readonly #log: Pick<RoomLog, 'genesis'>;
  /** Absent where this device owns nothing, or does so no longer. */
  key: Owner | undefined;

  constructor(log: Pick<RoomLog, 'genesis'>, key: Owner | undefined) {
    this.#log = log;
    this.key = key;
  }

  /** Does what takes a signature. Where there is none to be had it is refused, as the server would. */
  async signs<T>(
    work: (key: Owner, genesis: Genesis) => Promise<Result<T, ArchiveProblem>>,
  ): Promise<Result<T, ArchiveProblem>> {
    const { genesis } = this.#log;
    return this.key && genesis ? work(this.key, genesis) : err({ reason: 'bad-proof' });
  }
}
