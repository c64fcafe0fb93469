/** The archive's parts put together for one server. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { budgetKey } from '../client-address.ts';
import type { ArchiveLimits } from '../limits.ts';
import { answerArchive } from './archive-door.ts';
import { ArchiveBudgets } from './archive-limits.ts';
import { ArchiveStore, type ArchiveHost } from './archive-store.ts';
import { PurgeSchedule } from './purge-schedule.ts';
import { SweepSchedule } from './sweep-schedule.ts';

export interface ArchiveService {
  answer(address: string, request: IncomingMessage, response: ServerResponse): Promise<void>;
  close(): void;
}

export function archiveService(
  host: ArchiveHost & { readonly settled: Promise<void> },
  roomBytes: number,
  limits: ArchiveLimits,
  logger: Logger,
): ArchiveService {
  const store = new ArchiveStore(host, roomBytes, limits.supersededMs);
  const budgets = new ArchiveBudgets(limits);
  const purges = new PurgeSchedule(store, limits.purgeIntervalMs, logger);
  // What a process that ended too soon left undone.
  if (host.archiveSecret !== undefined) void host.settled.then(() => purges.run());
  const sweeps = new SweepSchedule(store, purges, limits.sweepIntervalMs, logger);
  if (host.archiveSecret !== undefined) void host.settled.then(() => sweeps.start());
  return {
    answer: (address, request, response) =>
      answerArchive({ store, budgets, purges }, { address, budget: budgetKey(address) }, request, response),
    close: () => {
      sweeps.close();
      purges.close();
    },
  };
}
