/** Vectors of rosters where they travel and rest: sealed, in frames, at the doors of former epochs, in room files (ROST-20, ROST-22, ROOM-9). */
import { concat, utf8, type Bytes } from '../../app/lib/core/bytes.ts';
import { deriveRoomKeys } from '../../app/lib/crypto/room-keys.ts';
import type { FileRosterProblem } from '../../app/lib/log/room-file-roster.ts';
import { encodeRoomFile, type RoomFileProblem } from '../../app/lib/log/room-file.ts';
import type { SealProblem } from '../../app/lib/log/seal.ts';
import type { Written } from './chains.ts';
import { hashOf, rosterBytes, type EpochRoom } from './epoch-room.ts';
import { applied, changedFrom, sameAs, type Pieces } from './pieces.ts';
import { bytesOf, hex, sealBody, type VectorRoom } from './vector-room.ts';

export interface RecordVector {
  readonly name: string;
  readonly rules: readonly string[];
  /** Whose keys are to open it. */
  readonly epoch: number;
  readonly bytes: Pieces;
  readonly plain?: Pieces;
  readonly refused?: SealProblem['kind'];
}

const sealedRoster = (epochs: EpochRoom, epoch: 0 | 1): Promise<Bytes> =>
  sealBody(
    epochs.keys[epoch],
    'roster',
    rosterBytes(epochs.room.genesis.bytes, epochs.statements.slice(0, 1)),
    'plain',
  );

/** The roster of the first two epochs, sealed for each, without deflating: other implementations may deflate. */
export async function rosterRecordVectors(epochs: EpochRoom): Promise<RecordVector[]> {
  const record = await sealedRoster(epochs, 1);
  const plain = sameAs('rosters/of the first');
  const rules = ['SEAL-1', 'ROST-20'];
  const refused = (name: string, why: SealProblem['kind'], ...changes: string[]) => ({
    name,
    rules: ['SEAL-2'],
    epoch: 1,
    bytes: { of: 'rosterRecords/of epoch 1', changes },
    refused: why,
  });
  return [
    { name: 'of epoch 1', rules, epoch: 1, plain, bytes: hex(record) },
    {
      name: 'for a door',
      rules: ['SEAL-1', 'ROST-22'],
      epoch: 0,
      plain,
      bytes: hex(await sealedRoster(epochs, 0)),
    },
    {
      name: 'a byte above the cap',
      rules: ['SEAL-3'],
      epoch: 1,
      bytes: { repeat: '01', times: 2 * 1024 * 1024 + 1 },
      refused: 'too-large',
    },
    refused('nothing', 'malformed-sealed', `0-${record.length}:`),
    refused('cut short', 'malformed-sealed', `38-${record.length}:`),
    refused('another format', 'unknown-format', '0-1:02'),
    refused('another kind', 'wrong-kind', '1-2:05'),
    refused('another epoch in front', 'wrong-epoch', '2-6:00000002'),
    {
      name: 'of the epoch before',
      rules: ['SEAL-2', 'SEAL-3'],
      epoch: 1,
      bytes: sameAs('rosterRecords/for a door'),
      refused: 'wrong-epoch',
    },
    refused('another kind and epoch 0 in front', 'wrong-kind', '1-6:0500000000'),
    refused('one bit changed', 'not-ours', `99-100:${hex(Uint8Array.of((record[99] ?? 0) ^ 1))}`),
  ];
}

export const rosterFrameVectors = () => {
  const of = (name: string, kind: string): Pieces => [kind, sameAs(`rosterRecords/${name}`)];
  return [
    {
      name: 'the first HELLO of a link is answered by it',
      rules: ['SYNC-1', 'ROST-20'],
      epoch: 1,
      bytes: of('of epoch 1', '06'),
    },
    {
      name: 'for who comes with the keys of epoch 0',
      rules: ['SYNC-1', 'ROST-22'],
      epoch: 0,
      bytes: of('for a door', '06'),
    },
    {
      name: 'an unknown kind',
      rules: ['SYNC-1'],
      epoch: 1,
      bytes: of('of epoch 1', '07'),
      refused: 'malformed-frame' as const,
    },
    { name: 'nothing', rules: ['SYNC-1'], epoch: 1, bytes: '', refused: 'malformed-frame' as const },
    {
      name: 'what does not open',
      rules: ['ROST-20'],
      epoch: 1,
      bytes: of('one bit changed', '06'),
      refused: 'not-ours' as const,
    },
    {
      name: 'of the epoch before',
      rules: ['ROST-20'],
      epoch: 1,
      bytes: of('for a door', '06'),
      refused: 'wrong-epoch' as const,
    },
  ];
};

/** What a door of epoch 0 answers, frame by frame; the doors that who is in an epoch stands at. */
export async function doorVectors(room: VectorRoom) {
  const hello = sameAs('frames/the first HELLO');
  const answer = sameAs('rosterFrames/for who comes with the keys of epoch 0');
  const closed = (name: string, received: Pieces) => ({ received, name });
  const topics = await Promise.all(
    [0, 1, 2, 3, 4].map(async (epoch) =>
      hex((await deriveRoomKeys('v', room.keys.seeds.v, epoch, room.roomId)).topic.publicKey),
    ),
  );
  return [
    {
      name: 'of epoch 0',
      rules: ['ROST-22'],
      epoch: 0,
      frames: [
        closed('what is no frame', '07'),
        closed('presence', sameAs('frames/presence')),
        closed('a HELLO of other keys', { of: 'frames/the first HELLO', changes: ['99-100:00'] }),
        { name: 'the first', received: hello, answer },
        closed('the second', hello),
      ],
    },
    {
      name: 'at most three, each of keys that R of the vectors gives with its epoch',
      rules: ['ROST-22', 'KEY-3'],
      epoch: 5,
      topics,
      joined: [4, 3, 2].map((epoch) => topics[epoch] ?? ''),
    },
  ];
}

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
