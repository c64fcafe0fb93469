// What can stop `npm start` before or at listening, and the one sentence each is told in.
// What settings can be wrong in is told where they are read, in signaling/settings.ts.
import { listenSentence, type ListenProblem } from '../../signaling/listen-problem.ts';
import type { BuildError } from './build.ts';
import type { DataFolderError } from './data-folder.ts';

export type StartProblem =
  DataFolderError | BuildError | ({ readonly kind: 'cannot-listen' } & ListenProblem);

/** One sentence for a person at a terminal: what is wrong and what to do about it. */
export function sentenceFor(problem: StartProblem): string {
  switch (problem.kind) {
    case 'not-a-folder':
      return `The data folder ${problem.path} is a file; choose another with --data.`;
    case 'not-ours':
      return `The folder ${problem.path} holds other things and was not made by CodeFace; choose an empty one with --data.`;
    case 'not-writable':
      return `The data folder ${problem.path} cannot be written to (${problem.code}); choose another with --data.`;
    case 'locked':
      return `Another CodeFace is using the data folder ${problem.path}; stop it first, or choose another folder with --data.`;
    case 'newer-format':
      return (
        `The data folder ${problem.path} was made by a newer CodeFace (format ${problem.found}, this one knows ${problem.known}); ` +
        'update CodeFace, or choose another folder with --data.'
      );
    case 'no-upgrade':
      return (
        `The data folder ${problem.path} is of format ${problem.found}, which this CodeFace can no longer upgrade; ` +
        'start a version in between first.'
      );
    case 'unreadable-version':
      return `The file ${problem.path} should hold the format of this data folder and does not; restore it from a backup.`;
    case 'build-failed':
      return `The app could not be built:\n${problem.output}`;
    case 'cannot-build':
      return (
        `The app is not built yet, and ${problem.path} cannot be written to (${problem.code}); ` +
        'run npm run build in a copy that can be, and bring its build folder here.'
      );
    case 'cannot-listen':
      return listenSentence(problem);
  }
}
