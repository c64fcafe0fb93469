/** Vectors of how an owner has segments go that others contain, and takes it back (ARCH-24, ARCH-26, ARCH-27). */
import {
  encodeRevert,
  encodeSuperseded,
  encodeSuperseding,
  revertMessage,
  supersedingMessage,
  type ArchiveSuperseding,
} from '../../app/lib/core/archive-superseding.ts';
import { sha256 } from '@noble/hashes/sha2.js';
import { fromHex, type Bytes } from '../../app/lib/core/bytes.ts';
import { sign, signingKeyPairFromSeed } from '../../app/lib/crypto/signatures.ts';
import { archiveRefusals, cutShort, INSTANCE, type ArchiveVector } from './archive.ts';
import type { Written } from './chains.ts';
import type { EpochRoom } from './epoch-room.ts';
import { applied, changedFrom } from './pieces.ts';
import { bytesOf, hex } from './vector-room.ts';

/** Where the first group's count stands, and its first two names. */
const COUNT_AT = 1 + 32 + 4 + 16;
const NAMES_AT = COUNT_AT + 4 + 32;

/** Ann's three segments are in one, and Ben's two in that which a reader makes of them. */
export async function supersedingVectors(
  { room }: EpochRoom,
  { segments, squashed }: Written,
): Promise<ArchiveVector[]> {
  const named = new Map([...segments, squashed].map(({ name, sealed }) => [name, sha256(sealed) as Bytes]));
  const nameOf = (name: string): Bytes => named.get(name) ?? new Uint8Array();
  const groupOf = (by: string, ...names: string[]) => ({ by: nameOf(by), names: names.map(nameOf) });
  const instance = fromHex(INSTANCE);
  const statement: ArchiveSuperseding = {
    ownerPublicKey: room.owner.publicKey,
    counter: 1,
    instance,
    groups: [
      groupOf('ann-1-to-3', 'ann-1', 'ann-2', 'ann-3'),
      groupOf('ben-talk-squashed', 'ben-talk-1-to-60', 'ben-talk-61-to-100'),
    ],
  };
  const stranger = await signingKeyPairFromSeed(fromHex('0f'.repeat(32)));
  const signed = async ({ privateKey }: Pick<typeof stranger, 'privateKey'>): Promise<Bytes> =>
    encodeSuperseding(statement, await sign(privateKey, supersedingMessage(statement)));
  const superseding = await signed(room.owner);
  const back = { ...statement, counter: 2 };
  const revert = encodeRevert(back, await sign(room.owner.privateKey, revertMessage(back)));
  const waiting = { counter: 1, reverted: false, segments: 5, bytes: 4_096, goesAt: 1_766_491_200_000 };
  const superseded = encodeSuperseded({ instance, ...waiting });
  const none = { counter: 2, reverted: true, segments: 0, bytes: 0, goesAt: 0 };
  const bad = archiveRefusals('superseding', 'ARCH-24', 'a superseding', superseding);
  const first = superseding.slice(NAMES_AT - 32, NAMES_AT);
  const end = superseding.length - 64;
  return [
    {
      name: 'a superseding',
      rules: ['ARCH-24', 'ARCH-29'],
      type: 'superseding',
      bytes: hex(superseding),
      value: { counter: 1, instance: INSTANCE, groups: 2 },
      believed: true,
    },
    {
      name: 'a revert',
      rules: ['ARCH-27'],
      type: 'revert',
      bytes: hex(revert),
      value: { counter: 2, instance: INSTANCE },
      believed: true,
    },
    {
      name: 'a superseding that another signed',
      rules: ['ARCH-24'],
      type: 'superseding',
      bytes: changedFrom('archive/a superseding', superseding, await signed(stranger)),
      believed: false,
    },
    {
      name: 'a revert signed as a superseding',
      rules: ['ARCH-27'],
      type: 'revert',
      bytes: changedFrom(
        'archive/a revert',
        revert,
        applied(revert, [[revert.length - 64, revert.length, superseding.slice(end)]]),
      ),
      believed: false,
    },
    {
      name: 'what waits',
      rules: ['ARCH-26'],
      type: 'superseded',
      bytes: hex(superseded),
      value: { instance: INSTANCE, ...waiting },
    },
    {
      name: 'nothing waits',
      rules: ['ARCH-26'],
      type: 'superseded',
      bytes: changedFrom('archive/what waits', superseded, encodeSuperseded({ instance, ...none })),
      value: { instance: INSTANCE, ...none },
    },
    bad('another format of superseding', 'malformed', [[0, 1, bytesOf('02')]]),
    bad('no groups', 'malformed', [[COUNT_AT, end, bytesOf('00000000')]]),
    bad('a group of no names', 'malformed', [[NAMES_AT, NAMES_AT + 4, bytesOf('00000000')]]),
    bad('1,025 names', 'too-large', [[NAMES_AT, NAMES_AT + 4, bytesOf('00000401')]]),
    bad('one that is to go for itself', 'malformed', [[NAMES_AT + 4, NAMES_AT + 36, first]]),
    bad('one that stays for one and goes for another', 'malformed', [[end - 32, end, first]]),
    archiveRefusals(
      'superseded',
      'ARCH-26',
      'what waits',
      superseded,
    )('neither reverted nor not', 'malformed', [[20, 21, bytesOf('02')]]),
    ...cutShort('superseding', 'ARCH-24', 'a superseding', superseding),
    ...cutShort('revert', 'ARCH-27', 'a revert', revert),
    ...cutShort('superseded', 'ARCH-26', 'what waits', superseded),
  ];
}
