/** A verdict as lines for a terminal. */
import { toHex } from '../app/lib/core/bytes.ts';
import type { Invites } from '../app/lib/log/genesis.ts';
import type { RoomFileProblem } from '../app/lib/log/room-file.ts';
import type { FileRosterProblem } from '../app/lib/log/room-file-roster.ts';
import type { RosterStatement } from '../app/lib/log/roster.ts';
import { channelsOf, type NoVerdict, type RoomVerdict, type SessionVerdict } from './verify-room-verdict.ts';

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
    case 'roster':
      return `NOT VERIFIED: ${problem.damage ? `${fileWords(problem.damage)} ` : ''}${rosterWords(problem.problem)}`;
  }
}

function rosterWords(problem: FileRosterProblem): string {
  switch (problem.kind) {
    case 'newer-keys':
      return `The file was made with newer keys, of epoch ${problem.file}; the link is of epoch ${problem.link}. Use a link that the room had when the file was made.`;
    case 'older-keys':
      return `The link is newer than the file: it is of epoch ${problem.link}, the file of epoch ${problem.file}. Use a link from that time.`;
    case 'bad-roster':
      return `The owner’s statements in the file (record 0, byte ${problem.offset}) are not what the owner signed, or not for this link: ${problem.why}.`;
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
  const {
    roomId,
    genesis,
    statements,
    bytes,
    segments,
    repeated,
    sessions,
    leftOut,
    forks,
    frontier,
    damage,
  } = verdict;
  return [
    `room          ${roomId}`,
    `genesis       ok: signed by the owner key ${toHex(genesis.ownerPublicKey)}, whose hash is the room’s id`,
    `file          ${bytes} bytes, ${segments} segments${repeated > 0 ? `, ${repeated} of them repeated` : ''}; ${damage ? fileWords(damage) : 'whole'}`,
    `entries       ${channelsOf(verdict)
      .map(([channel, count]) => `${channel} ${count}`)
      .join(', ')}, in ${frontier.length} chains`,
    `state hash    ${verdict.stateHash}`,
    '',
    'Who could write, and when (an epoch ends with the owner’s next statement; times are what the owner claimed)',
    ...short([genesis, ...statements], (one) => epochLines(one, statements)),
    '  In each, holders of its comment link could write messages, holders of its view link nothing.',
    '',
    ...ownersLines(verdict),
    `Sessions that wrote: ${sessions.length} (one is one tab; times are what it claimed)`,
    ...sessionLines(sessions),
    '',
    `Not part of the log: ${leftOut.length}`,
    ...short(leftOut, ({ index, offset, code, detail }) => [
      `  segment ${index} (byte ${offset}): ${code} (${detail})`,
    ]),
    `Forks: ${forks.length}`,
    ...short(forks, ({ session, channel, seq }) => [
      `  ${session} signed more than one entry ${seq} in ${channel}: all are part of the log, as branches`,
    ]),
    '',
    verdict.verified
      ? 'VERIFIED: the file is whole, and every entry in it was signed by somebody who could write.'
      : `NOT VERIFIED: ${[damage && 'the file is not whole', leftOut.length > 0 && 'segments are not part of the log'].filter(Boolean).join('; ')}.`,
  ];
}

/** An epoch: since when, whose keys, and to whom the owner gave them. */
function epochLines({ epoch, editInvite }: Invites, statements: readonly RosterStatement[]): string[] {
  const [begun, ended] = [statements[epoch - 1], statements[epoch]];
  const from = begun ? timeWords(begun.time) : 'the beginning';
  const to = ended ? timeWords(ended.time) : 'now';
  const given = (['editor', 'commenter', 'viewer'] as const).flatMap((role) => {
    const devices = (begun?.grants ?? []).filter((grant) => grant.role === role);
    const names = devices.slice(0, MAX_LINES).map(({ device }) => `${device.slice(0, 16)}…`);
    const more = devices.length > names.length ? ', …' : '';
    return devices.length > 0 ? [`    ${role}: ${devices.length} (${names.join(', ')}${more})`] : [];
  });
  return [
    `  epoch ${epoch}, from ${from} until ${to}: every holder of the edit link, key ${toHex(editInvite)}`,
    ...(given.length > 0 ? ['    given to these devices:', ...given] : []),
  ];
}

/** Who could change who was in the room; nothing where one key did from beginning to end. */
function ownersLines({ genesis, owners }: Pick<RoomVerdict, 'genesis' | 'owners'>): string[] {
  if (owners.length === 0) return [];
  const terms = [undefined, ...owners];
  return [
    'Who could change who is in the room, and when (times are what was claimed; a code counts until the next)',
    ...short(terms, (one) => {
      const next = owners[one?.index ?? 0];
      const from = one ? `${timeWords(one.time)}, in epoch ${one.epoch},` : 'the beginning';
      const until = next ? timeWords(next.time) : 'now';
      const keys = one?.owners ?? [genesis.ownerPublicKey];
      return [
        `  from ${from} until ${until}: ${keys.length === 1 ? 'the key' : 'the keys'} ${keys.map(toHex).join(', ')}`,
        one
          ? `    and whoever had the recovery code with the key ${toHex(one.root)}`
          : '    there was no recovery code',
      ];
    }),
    '',
  ];
}

function sessionLines(sessions: readonly SessionVerdict[]): string[] {
  const epochs = Map.groupBy(sessions, ({ epoch }) => epoch);
  return [...epochs].flatMap(([epoch, those]) => [
    ...(epochs.size > 1 || epoch > 0 ? [`  in epoch ${epoch}: ${those.length}`] : []),
    ...short(those, ({ id, role, device, issuer, from, to, entries }) => [
      `  ${id}  ${role} by the ${issuer}, device ${device.slice(0, 16)}…`,
      `    ${timeWords(from)} to ${timeWords(to)}, ${entries} ${entries === 1 ? 'entry' : 'entries'}`,
    ]),
  ]);
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
