/** Vectors of room files and of the roster in front of one (ROOM-1, ROOM-4, ROOM-9). */
import { concat, utf8, type Bytes } from '../../app/lib/core/bytes.ts';
import type { FileRosterProblem } from '../../app/lib/log/room-file-roster.ts';
import { encodeRoomFile, type RoomFileProblem } from '../../app/lib/log/room-file.ts';
import type { SealProblem } from '../../app/lib/log/seal.ts';
import type { Written } from './chains.ts';
import { hashOf, type EpochRoom } from './epoch-room.ts';
import { applied, changedFrom, sameAs, type Pieces } from './pieces.ts';
import { bytesOf, hex, type VectorRoom } from './vector-room.ts';

import { sealedRoster } from './roster-places.ts';
async function fileOf(room: VectorRoom, genesis: Bytes, records: readonly Bytes[]): Promise<Bytes> {
  const parts: Bytes[] = [];
  const batches = (async function* () {
    yield records;
  })();
  for await (const part of encodeRoomFile({ roomId: room.roomId, genesis }, batches)) parts.push(part);
  return concat(...parts);
}

/** What no bytes of reasonable length show. */
export const NO_FILE_FOR = {
  'too-large': 'it would be longer than 2 GiB',
  unreadable: 'of the storage, not of bytes',
} as const;

export interface RoomFileVector {
  readonly name: string;
  readonly rules: readonly string[];
  readonly bytes: Pieces;
  /** Its epoch and how many records it has. */
  readonly whole?: { readonly epoch: number; readonly records: number };
  readonly refused?: Exclude<RoomFileProblem['kind'], keyof typeof NO_FILE_FOR>;
}

export async function roomFileVectors(epochs: EpochRoom, { segments }: Written): Promise<RoomFileVector[]> {
  const { room } = epochs;
  const ann = segments.find(({ name }) => name === 'ann-1')?.sealed ?? new Uint8Array();
  const record = await sealedRoster(epochs, 1);
  const genesis = room.genesis.bytes;
  const file = await fileOf(room, genesis, [record, ann]);
  const start = 14 + 1 + 52 + 4 + genesis.length + 4;
  const end = start + record.length;
  const rehashed = (changes: Parameters<typeof applied>[1]): Bytes => {
    const body = applied(file.slice(0, -40), changes);
    return concat(body, hashOf(body), utf8('room-end'));
  };
  const refused = (name: string, why: RoomFileVector['refused'], bytes: Bytes): RoomFileVector => ({
    name,
    rules: ['ROOM-4'],
    bytes: changedFrom('roomFiles/of epoch 1', file, bytes),
    ...(why && { refused: why }),
  });
  const changed = (at: number, to: string) => rehashed([[at, at + to.length / 2, bytesOf(to)]]);
  const length = file.length;
  return [
    {
      name: 'of epoch 1',
      rules: ['ROOM-1', 'ROOM-9'],
      bytes: [
        hex(file.slice(0, 71)),
        sameAs('genesis/of this room'),
        hex(file.slice(start - 4, start)),
        sameAs('rosterRecords/of epoch 1'),
        hex(file.slice(end, end + 4)),
        sameAs('segments/ann-1'),
        hex(file.slice(-48)),
      ],
      whole: { epoch: 1, records: 2 },
    },
    {
      name: 'of epoch 0',
      rules: ['ROOM-1'],
      bytes: changedFrom('roomFiles/of epoch 1', file, await fileOf(room, genesis, [ann])),
      whole: { epoch: 0, records: 1 },
    },
    refused('another beginning', 'not-a-room-file', changed(0, '43')),
    refused('another version', 'other-version', changed(14, '02')),
    refused('nothing', 'truncated', new Uint8Array()),
    refused('cut within the roster', 'truncated', file.slice(0, start + 100)),
    refused('without its end mark', 'truncated', file.slice(0, -8)),
    refused('no room id', 'damaged', changed(15, '41')),
    refused("another room's genesis statement", 'damaged', changed(76, '00')),
    refused('no genesis statement', 'damaged', rehashed([[67, 71 + genesis.length, bytesOf('00000000')]])),
    refused('a record above its cap', 'damaged', changed(start - 4, '01400001')),
    refused('another count', 'damaged', changed(length - 44, '00000003')),
    refused('another end mark', 'damaged', applied(file, [[length - 1, length, bytesOf('65')]])),
    refused('a byte behind the end', 'damaged', concat(file, bytesOf('00'))),
    refused(
      'one bit changed',
      'damaged',
      file.map((byte, i) => (i === end - 1 ? byte ^ 1 : byte)),
    ),
  ];
}

type Why =
  | SealProblem['kind']
  | 'malformed'
  | 'wrong-room'
  | 'bad-signature'
  | 'not-next'
  | 'another-genesis'
  | 'another-epoch';

/** Which problems of a sealed record a file's roster cannot have: what says otherwise is told before, by ROOM-9. */
export const NO_FILED_ROSTER_FOR = {
  'unknown-format': 'it is no roster then',
  'wrong-kind': 'it is no roster then',
  'wrong-epoch': 'it is of a newer or older file then',
} as const satisfies Partial<Record<Why, string>>;

export interface FiledRosterVector {
  readonly name: string;
  readonly rules: readonly string[];
  /** The link's epoch. */
  readonly link: 0 | 1;
  /** Of epoch 0, without a first record, where both are missing. Else the record as it stands, or a roster to be sealed, not deflated, in that epoch. */
  readonly record?: Pieces;
  readonly roster?: Pieces;
  readonly epoch?: number;
  readonly believed?: number;
  readonly refused?: FileRosterProblem['kind'];
  readonly why?: Exclude<Why, keyof typeof NO_FILED_ROSTER_FOR>;
}

/** Files of this room's genesis statement, one record, if any, and the segment ann-1: of which epoch, and is it believed? */
export async function filedRosterVectors(epochs: EpochRoom): Promise<FiledRosterVector[]> {
  const record = await sealedRoster(epochs, 1);
  const same = (name: string): Pieces => sameAs(`rosters/${name}`);
  const sealed = (name: string): Pieces => sameAs(`rosterRecords/${name}`);
  const bad = (
    name: string,
    why: FiledRosterVector['why'],
    what: Partial<FiledRosterVector>,
  ): FiledRosterVector => ({
    name,
    rules: ['ROOM-9', 'ROST-2'],
    link: 1,
    ...what,
    refused: 'bad-roster',
    ...(why && { why }),
  });
  const rosterOf = (name: string) => ({ roster: same(name), epoch: 1 });
  return [
    { name: 'of epoch 1', rules: ['ROOM-9'], link: 1, record: sealed('of epoch 1'), believed: 1 },
    { name: 'of epoch 0', rules: ['ROOM-9'], link: 0, believed: 0 },
    {
      name: 'of a later epoch than the link',
      rules: ['ROOM-9'],
      link: 0,
      record: sealed('of epoch 1'),
      refused: 'newer-keys',
    },
    { name: 'of an earlier epoch than the link', rules: ['ROOM-9'], link: 1, refused: 'older-keys' },
    {
      name: 'of an earlier epoch, with a roster',
      rules: ['ROOM-9'],
      link: 1,
      record: sealed('for a door'),
      refused: 'older-keys',
    },
    bad('cut short', 'malformed-sealed', {
      record: { of: 'rosterRecords/of epoch 1', changes: [`38-${record.length}:`] },
    }),
    bad('one bit changed', 'not-ours', { record: sealed('one bit changed') }),
    bad('longer than a sealed roster may be', 'too-large', {
      record: ['010600000001', { repeat: '00', times: 2 * 1024 * 1024 - 5 }],
    }),
    bad('a byte too many', 'malformed', rosterOf('a byte too many')),
    bad("another room's genesis statement", 'wrong-room', rosterOf("another room's genesis statement")),
    bad('with one bit changed', 'bad-signature', rosterOf('a statement with one bit changed')),
    bad('not the next', 'not-next', rosterOf('the second first')),
    bad('another beginning than the file', 'another-genesis', rosterOf('another beginning')),
    bad('two epochs in a file of one', 'another-epoch', rosterOf('of both')),
    bad('none in a file of one', 'another-epoch', rosterOf('of none')),
    bad('one in a file of epoch 0', 'another-epoch', { link: 0, roster: same('of none'), epoch: 0 }),
  ];
}
