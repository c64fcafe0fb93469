/** Vectors of rosters on their way: sealed, in frames, at the doors of former epochs (ROST-20, ROST-22). */
import { type Bytes } from '../../app/lib/core/bytes.ts';
import { deriveRoomKeys } from '../../app/lib/crypto/room-keys.ts';
import type { SealProblem } from '../../app/lib/log/seal.ts';
import { rosterBytes, type EpochRoom } from './epoch-room.ts';
import { sameAs, type Pieces } from './pieces.ts';
import { hex, sealBody, type VectorRoom } from './vector-room.ts';

export interface RecordVector {
  readonly name: string;
  readonly rules: readonly string[];
  /** Whose keys are to open it. */
  readonly epoch: number;
  readonly bytes: Pieces;
  readonly plain?: Pieces;
  readonly refused?: SealProblem['kind'];
}

/** That of epoch 1. */
export const sealedRoster = (epochs: EpochRoom, epoch: 0 | 1): Promise<Bytes> =>
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
      bytes: of('of epoch 1', 'ff'),
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
  const closed = (name: string, link: number, received: Pieces) => ({ name, link, received });
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
        closed('what is no frame', 1, 'ff'),
        closed('presence', 2, sameAs('frames/presence')),
        closed('a HELLO of other keys', 3, { of: 'frames/the first HELLO', changes: ['99-100:00'] }),
        { name: 'the first', link: 4, received: hello, answer },
        closed('the second', 4, hello),
        { name: 'the first of another link', link: 5, received: hello, answer },
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
