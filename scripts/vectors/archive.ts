/** Vectors of what a room and its archive say to each other when it keeps a roster (ARCH-4 to ARCH-12, ARCH-19, ARCH-20). */
import { deletionMessage, encodeDeletion } from '../../app/lib/core/archive-statement.ts';
import {
  ARCHIVE_SEGMENT_BYTES,
  encodeAbsence,
  encodeAppended,
  encodeBatch,
  encodeDeleted,
  encodePageHead,
  encodeStatus,
} from '../../app/lib/core/archive-wire.ts';
import { concat, fromHex, type Bytes } from '../../app/lib/core/bytes.ts';
import { u32, type WireError } from '../../app/lib/core/fixed-fields.ts';
import { sign, signingKeyPairFromSeed } from '../../app/lib/crypto/signatures.ts';
import { registrationOf } from '../../app/lib/sync/archive/registration.ts';
import type { Written } from './chains.ts';
import { rosterBytes, type EpochRoom } from './epoch-room.ts';
import { applied, changedFrom, sameAs, type Pieces } from './pieces.ts';
import { bytesOf, hex, sealBody } from './vector-room.ts';

type ArchiveType =
  | 'registration'
  | 'deletion'
  | 'batch'
  | 'appended'
  | 'page'
  | 'status'
  | 'deleted'
  | 'superseding'
  | 'revert'
  | 'superseded';

export interface ArchiveVector {
  readonly name: string;
  readonly rules: readonly string[];
  readonly type: ArchiveType;
  readonly bytes: Pieces;
  /** What is read, bytes in hex. Of a statement: whether the room's owner signed it. */
  readonly value?: Readonly<Record<string, unknown>>;
  readonly believed?: boolean;
  readonly refused?: WireError['kind'];
}

/** Two segments, together a byte above 4 MiB. */
const twoOf = (head: string): Pieces => [
  `${head}00200000`,
  { repeat: '00', times: 2 * 1024 * 1024 },
  '00200001',
  { repeat: '00', times: 2 * 1024 * 1024 + 1 },
];

export const INSTANCE = '16'.repeat(16);

/** What is refused of a vector of the archive that is right but for `changes`. */
export const archiveRefusals =
  (type: ArchiveType, rule: string, of: string, base: Bytes) =>
  (name: string, refused: WireError['kind'], changes: Parameters<typeof applied>[1]): ArchiveVector => ({
    name,
    rules: [rule],
    type,
    bytes: changedFrom(`archive/${of}`, base, applied(base, changes)),
    refused,
  });

export const cutShort = (type: ArchiveType, rule: string, of: string, base: Bytes): ArchiveVector[] => {
  const refused = archiveRefusals(type, rule, of, base);
  return [
    refused(`${type}: cut short`, 'malformed', [[base.length - 1, base.length, new Uint8Array()]]),
    refused(`${type}: a byte too many`, 'malformed', [[base.length, base.length, bytesOf('00')]]),
  ];
};

/** The archive of epoch 1, whose instance is 16 times 16. */
export async function archiveVectors(epochs: EpochRoom, { segments }: Written): Promise<ArchiveVector[]> {
  const { room, keys, statements } = epochs;
  const [, first] = keys;
  const ann = segments.find(({ name }) => name === 'ann-1')?.sealed ?? new Uint8Array();
  const roster = rosterBytes(room.genesis.bytes, statements.slice(0, 1));
  const record = await sealBody(first, 'roster', roster, 'plain');
  const owner = { sign: (message: Bytes) => sign(room.owner.privateKey, message) };
  const stranger = await signingKeyPairFromSeed(fromHex('0f'.repeat(32)));
  const registration = await registrationOf(owner, first, room.genesis, 2);
  const instance = fromHex(INSTANCE);
  const deletion = { ownerPublicKey: room.owner.publicKey, counter: 3, instance };
  const deleted = encodeDeletion(deletion, await owner.sign(deletionMessage(deletion)));
  const another = { sign: (message: Bytes) => sign(stranger.privateKey, message) };
  const byAnother = encodeDeletion(deletion, await another.sign(deletionMessage(deletion)));
  /** What stands in front of the roster, and Ann's segment behind it. */
  const around = (before: Bytes): Pieces => [
    hex(before),
    sameAs('rosterRecords/of epoch 1'),
    hex(u32(ann.length)),
    sameAs('segments/ann-1'),
  ];
  const batch = encodeBatch([record, ann]);
  const next = concat(u32(ann.length), ann);
  const head = encodePageHead({ instance, next: 7, more: true }, 2);
  const status = encodeStatus({
    instance,
    counter: 2,
    epoch: 1,
    segments: 2,
    bytes: 2_048,
    quota: 2 ** 53 - 1,
    cursor: 7,
    blob: fromHex('0102'),
  });
  const appended = encodeAppended({ stored: 1, known: 2, cursor: 7, bytes: 2_048, quota: 2 ** 32 });
  const answer = encodeDeleted({ segments: 2, bytes: 2_048, purged: true });
  const badRegistration = archiveRefusals(
    'registration',
    'ARCH-4',
    'a registration of epoch 1',
    registration,
  );
  const badDeletion = archiveRefusals('deletion', 'ARCH-12', 'a deletion', deleted);
  const badBatch = archiveRefusals('batch', 'ARCH-6', 'a roster and a segment', batch);
  const page = concat(head, batch.slice(4));
  const badPage = archiveRefusals('page', 'ARCH-9', 'a page with a roster', page);
  const blobAt = 1 + 32 + 4 + 4 + 96;
  const huge = hex(u32(ARCHIVE_SEGMENT_BYTES + 1));
  return [
    {
      name: 'a registration of epoch 1',
      rules: ['ARCH-1', 'ARCH-4', 'ARCH-19'],
      type: 'registration',
      bytes: hex(registration),
      value: { counter: 2, epoch: 1 },
      believed: true,
    },
    {
      name: 'a deletion',
      rules: ['ARCH-12'],
      type: 'deletion',
      bytes: hex(deleted),
      value: { counter: 3, instance: INSTANCE },
      believed: true,
    },
    {
      name: 'a roster and a segment',
      rules: ['ARCH-6', 'ARCH-20'],
      type: 'batch',
      bytes: around(batch.slice(0, 8)),
      value: { segments: 2 },
    },
    {
      name: 'a page with a roster',
      rules: ['ARCH-9', 'ARCH-20'],
      type: 'page',
      bytes: around(page.slice(0, head.length + 4)),
      value: { instance: INSTANCE, next: 7, more: true, segments: 2 },
    },
    {
      name: 'an empty page',
      rules: ['ARCH-9'],
      type: 'page',
      bytes: hex(encodePageHead({ instance, next: 7, more: false }, 0)),
      value: { instance: INSTANCE, next: 7, more: false, segments: 0 },
    },
    {
      name: 'a status',
      rules: ['ARCH-11'],
      type: 'status',
      bytes: hex(status),
      value: {
        instance: INSTANCE,
        counter: 2,
        epoch: 1,
        segments: 2,
        bytes: 2_048,
        quota: 2 ** 53 - 1,
        cursor: 7,
        blob: '0102',
      },
    },
    ...(['off', 'unknown-room'] as const).map((absence): ArchiveVector => ({
      name: `no status: ${absence}`,
      rules: ['ARCH-11'],
      type: 'status',
      bytes: hex(encodeAbsence(absence)),
      value: { absence },
    })),
    {
      name: 'appended',
      rules: ['ARCH-6'],
      type: 'appended',
      bytes: hex(appended),
      value: { stored: 1, known: 2, cursor: 7, bytes: 2_048, quota: 2 ** 32 },
    },
    {
      name: 'deleted',
      rules: ['ARCH-12'],
      type: 'deleted',
      bytes: hex(answer),
      value: { segments: 2, bytes: 2_048, purged: true },
    },
    {
      name: 'a registration that another signed',
      rules: ['ARCH-4'],
      type: 'registration',
      bytes: changedFrom(
        'archive/a registration of epoch 1',
        registration,
        await registrationOf(another, first, room.genesis, 2),
      ),
      believed: false,
    },
    {
      name: 'a registration by another',
      rules: ['ARCH-4'],
      type: 'registration',
      bytes: changedFrom(
        'archive/a registration of epoch 1',
        registration,
        await registrationOf(another, first, { ...room.genesis, ownerPublicKey: stranger.publicKey }, 2),
      ),
      believed: false,
    },
    {
      name: 'a deletion that another signed',
      rules: ['ARCH-12'],
      type: 'deletion',
      bytes: changedFrom('archive/a deletion', deleted, byAnother),
      believed: false,
    },
    badRegistration('another format', 'malformed', [[0, 1, bytesOf('02')]]),
    badRegistration('a blob above its cap', 'too-large', [[blobAt, blobAt + 4, bytesOf('00001001')]]),
    badDeletion('another format of deletion', 'malformed', [[0, 1, bytesOf('02')]]),
    badBatch('no segments', 'malformed', [[0, batch.length, bytesOf('00000000')]]),
    badBatch('201 segments', 'too-large', [[0, 4, bytesOf('000000c9')]]),
    badBatch('a segment above its cap', 'too-large', [[4, 8, fromHex(huge)]]),
    badBatch('an empty segment', 'malformed', [
      [batch.length - next.length, batch.length, bytesOf('00000000')],
    ]),
    badPage('neither more nor not', 'malformed', [[24, 25, bytesOf('02')]]),
    badPage('more of nothing', 'malformed', [[25, page.length, bytesOf('00000000')]]),
    badPage('501 segments', 'too-large', [[25, 29, bytesOf('000001f5')]]),
    badPage('a cursor of 2^53', 'malformed', [[16, 24, bytesOf('0020000000000000')]]),
    badPage('an empty segment in a page', 'malformed', [
      [page.length - next.length, page.length, bytesOf('00000000')],
    ]),
    archiveRefusals(
      'status',
      'ARCH-11',
      'a status',
      status,
    )('a blob above its cap in a status', 'too-large', [[56, 60, bytesOf('00001001')]]),
    {
      name: 'a third reason for no status',
      rules: ['ARCH-11'],
      type: 'status',
      bytes: '02',
      refused: 'malformed',
    },
    archiveRefusals(
      'deleted',
      'ARCH-12',
      'deleted',
      answer,
    )('neither purged nor not', 'malformed', [[16, 17, bytesOf('02')]]),
    ...cutShort('registration', 'ARCH-4', 'a registration of epoch 1', registration),
    ...cutShort('deletion', 'ARCH-12', 'a deletion', deleted),
    ...cutShort('batch', 'ARCH-6', 'a roster and a segment', batch),
    ...cutShort('page', 'ARCH-9', 'a page with a roster', page),
    ...cutShort('status', 'ARCH-11', 'a status', status),
    ...cutShort('appended', 'ARCH-6', 'appended', appended),
    ...cutShort('deleted', 'ARCH-12', 'deleted', answer),
    {
      name: 'two segments above what several may have',
      rules: ['ARCH-6'],
      type: 'batch',
      bytes: twoOf('00000002'),
      refused: 'too-large',
    },
    {
      name: 'a page above what several may have',
      rules: ['ARCH-9'],
      type: 'page',
      bytes: twoOf(hex(head)),
      refused: 'too-large',
    },
  ];
}
