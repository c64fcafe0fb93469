/** A verdict as lines for a terminal. */
import { toHex } from '../app/lib/core/bytes.ts';
import type { RoomFileProblem } from '../app/lib/log/room-file.ts';
import { channelsOf, type NoVerdict, type RoomVerdict } from './verify-room-verdict.ts';

/** Longer lists are cut; the verdict counts all of them. */
const MAX_LINES = 50;

/** Why nothing could be folded. */
export function noVerdictWords(problem: NoVerdict): string {
  switch (problem.kind) {
    case 'file':
      return `NOT VERIFIED: ${fileWords(problem.problem)}`;
    case 'link':
      return `NOT VERIFIED: that is not a whole room link (${problem.problem.kind}).`;
    case 'other-room':
      return `NOT VERIFIED: the link is of room ${problem.link}, the file of room ${problem.file}.`;
    case 'genesis':
      return `NOT VERIFIED: the genesis statement in the file is not this room’s owner’s (${problem.why}).`;
    case 'wrong-key':
      return 'NOT VERIFIED: the key in the link is not one that the room’s owner named.';
  }
}

export function fileWords(problem: RoomFileProblem): string {
  switch (problem.kind) {
    case 'not-a-room-file':
      return 'this is not a room file.';
    case 'other-version':
      return `the file is of version ${problem.version}, which this program does not read.`;
    case 'too-large':
      return `the file is larger than ${problem.limitBytes} bytes.`;
    case 'truncated':
      return 'the file is truncated: its end is missing.';
    case 'damaged':
      return `the file is damaged (noticed at byte ${problem.offset}: ${problem.detail}).`;
    case 'unreadable':
      return 'the file could not be read.';
  }
}

export function verdictLines(verdict: RoomVerdict): string[] {
  const { roomId, genesis, bytes, segments, repeated, sessions, leftOut, forks, frontier, damage } = verdict;
  return [
    `room          ${roomId}`,
    `genesis       ok: signed by the owner key ${toHex(genesis.ownerPublicKey)}, whose hash is the room’s id`,
    `file          ${bytes} bytes, ${segments} segments${repeated > 0 ? `, ${repeated} of them repeated` : ''}; ${damage ? fileWords(damage) : 'whole'}`,
    `entries       ${channelsOf(verdict)
      .map(([channel, count]) => `${channel} ${count}`)
      .join(', ')}, in ${frontier.length} chains`,
    `state hash    ${verdict.stateHash}`,
    '',
    'Who could write, and when',
    `  From the beginning until now, every holder of the edit link: the owner’s statement names its key ${toHex(genesis.editInvite)}.`,
    '  Holders of the comment or the view link could read, at no time write. This version knows no other rights, and no removal.',
    '',
    `Sessions that wrote: ${sessions.length} (one is one tab; times are what it claimed)`,
    ...short(sessions, ({ id, role, device, issuer, from, to, entries }) => [
      `  ${id}  ${role} by the ${issuer}, device ${device.slice(0, 16)}…`,
      `    ${timeWords(from)} to ${timeWords(to)}, ${entries} ${entries === 1 ? 'entry' : 'entries'}`,
    ]),
    '',
    `Not part of the log: ${leftOut.length}`,
    ...short(leftOut, ({ index, offset, code, detail }) => [
      `  segment ${index} (byte ${offset}): ${code} (${detail})`,
    ]),
    `Forks: ${forks.length}`,
    ...short(forks, ({ session, channel, first }) => [
      `  ${session} signed two entries in ${channel}, at or behind ${first}`,
    ]),
    '',
    verdict.verified
      ? 'VERIFIED: the file is whole, and every entry in it was signed by somebody who could write.'
      : `NOT VERIFIED: ${[damage && 'the file is not whole', leftOut.length > 0 && 'segments are not part of the log', forks.length > 0 && 'there are forks'].filter(Boolean).join('; ')}.`,
  ];
}

function short<T>(items: readonly T[], lines: (item: T) => string[]): string[] {
  const more = items.length - MAX_LINES;
  return [...items.slice(0, MAX_LINES).flatMap(lines), ...(more > 0 ? [`  … and ${more} more`] : [])];
}

/** Claims may lie beyond what a date can be. */
function timeWords(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}
