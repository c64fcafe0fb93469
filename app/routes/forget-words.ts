/** What is said when a room was forgotten, or could not be. Pure. */
import type { Result } from '../lib/core/result.ts';
import type { StorageProblem } from '../lib/storage/storage-problem.ts';
import type { ForgetProblem } from './recent-rooms.ts';

export function forgetWords(name: string, done: Result<void, ForgetProblem>): string {
  if (done.ok) return `${name} is forgotten on this device.`;
  const { kept, problem } = done.error;
  return kept === 'everything'
    ? `${name} could not be forgotten: its text and keys are still on this device. ${next(problem)}`
    : `The text of ${name} is gone from this device, its name and key are not. ${next(problem)}`;
}

function next(problem: StorageProblem): string {
  switch (problem.kind) {
    case 'blocked':
      return 'Another tab holds it. Close that tab and try again.';
    case 'newer-version':
      return 'Another tab runs a newer version. Reload this page and try again.';
    case 'no-answer':
      return 'The browser’s storage does not answer. Close the other CodeFace tabs, or start the browser again, and try again.';
    case 'refused':
      return 'The browser refuses its storage now. Try again, or delete this site’s data in the browser’s settings.';
    case 'quota':
    case 'failed':
      return 'The browser’s storage failed. Try again, or delete this site’s data in the browser’s settings.';
  }
}
