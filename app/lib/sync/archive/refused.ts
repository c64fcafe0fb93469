/** A refusal of the archive on its way out of the middle of a turn. */
import type { Result } from '../../core/result.ts';
import type { ArchiveProblem } from './archive-server.ts';

export class Refused extends Error {
  readonly problem: ArchiveProblem;
  constructor(problem: ArchiveProblem) {
    super(problem.reason);
    this.problem = problem;
  }
}

export function must<T>(answer: Result<T, ArchiveProblem>): T {
  if (answer.ok) return answer.value;
  throw new Refused(answer.error);
}
