/** The room's share of the server in words: how full it is, what is set to go from it and when, and what failed. Pure. */
import type { ArchiveProblem } from '../sync/archive/archive-server.ts';
import { stateAfter } from '../sync/archive/archive-state.ts';
import type { ArchiveSpace } from '../sync/archive/room-at-rest.ts';
import type { RoomMade } from '../sync/archive/room-making.ts';
import { whenInWords } from '../ui/when.ts';
import { bytes, count } from './amounts.ts';

/** What was asked of the server. */
export type SpaceTask = 'look' | 'keep' | 'make';

/** An owner of a room that is less full than this has no use for more room. */
const FULL_ENOUGH = 0.5;

export function spaceWords(space: ArchiveSpace, nowMs: number): string {
  const { waiting } = space;
  const taken = isOver(space.bytes, space)
    ? `It takes up ${ofQuota(space.bytes, space)}.`
    : `It takes up ${bytes(space.bytes)} of the ${bytes(space.quota)} that this room has there.`;
  if (waiting.segments > 0) {
    const verb = waiting.segments === 1 ? 'goes' : 'go';
    const when = waiting.goesAt > nowMs ? `from ${whenInWords(waiting.goesAt, nowMs)} on` : 'within a day';
    return `${taken} ${piecesOf(space)}, contained in others, ${verb} ${when}.`;
  }
  return waiting.reverted ? `${taken} Nothing goes from it, as an owner wanted.` : taken;
}

/** Whether an owner can do with more room there than comes by itself. */
export const mayWantRoom = ({ bytes: taken, quota, waiting }: ArchiveSpace): boolean =>
  waiting.segments === 0 && (waiting.reverted || taken >= quota * FULL_ENOUGH);
export const MAKING_ROOM = 'Making room sets to go, 30 days later, what other pieces contain.';

/** Before everything that is set to go is kept: what that does. */
export function keepQuestion(space: ArchiveSpace): string {
  const { waiting } = space;
  const them = waiting.segments === 1 ? 'It counts' : 'They count';
  return `Keep ${piecesOf(space)}? ${them} again: ${ofQuota(space.bytes + waiting.bytes, space)}. After that nothing goes until an owner makes room.`;
}

/** What making room came to, where the line above it does not show it. */
export function madeWords(made: RoomMade, { waiting }: ArchiveSpace): string {
  if (made !== 'done') return 'Something else came first, so not all of it was looked at: try again.';
  return waiting.segments > 0 ? '' : 'There is no room to be made: hardly any piece is contained in others.';
}

export function problemWords(task: SpaceTask, { reason }: ArchiveProblem): string {
  switch (stateAfter(reason).kind) {
    case 'off':
      return 'This server keeps no archive. The room is on the devices of those who opened it.';
    case 'unknown-room':
      return 'The server has no copy of this room any more. It is on the devices of those who opened it.';
    case 'new-keys':
      return 'The server has other keys since an owner changed who is in this room. It works here as before; the new link opens it there.';
    case 'full':
      return 'The room is so full that nothing can be made smaller: the server first has to hold what stays. It works here as before; who runs the server can give it more.';
    case 'refused':
      return `The server refuses it (${reason}): this browser may not own the room any more. The room works as before; another owner’s browser can do it.`;
    default:
      return SILENT[task];
  }
}

const SILENT: Readonly<Record<SpaceTask, string>> = {
  look: 'The server does not answer now, so how much of this room it keeps can’t be told. The room works without it; it is asked again by itself.',
  keep: 'The server did not answer, so the pieces may still be set to go. The room works as before: try again, before the day that was named.',
  make: 'The server did not answer, so there may be no more space than before. The room works as before: try again.',
};

const isOver = (taken: number, { quota }: ArchiveSpace): boolean => taken > quota;
const ofQuota = (taken: number, space: ArchiveSpace): string =>
  isOver(taken, space)
    ? `${bytes(taken)}, more than the ${bytes(space.quota)} that this room has there, so nothing new is kept`
    : `${bytes(taken)} of ${bytes(space.quota)}`;
const piecesOf = ({ waiting }: ArchiveSpace): string =>
  `${count(waiting.segments, 'piece')} (${bytes(waiting.bytes)})`;
