/** Vectors of how much a statement and a roster hold: too long to be written out (ROST-1, ROST-6). */
import { concat, type Bytes } from '../../app/lib/core/bytes.ts';
import { epochBytes } from '../../app/lib/crypto/room-keys.ts';
import { hashOf, signedStatement, type EpochRoom } from './epoch-room.ts';
import { hex } from './vector-room.ts';

import { varUint } from './rosters.ts';
/** Statements and grants in the number that caps are about: a recipe, and what must come of it. */
export interface CapVector {
  readonly name: string;
  readonly rules: readonly string[];
  /** Of each kind of statement, one after the other: how many, and rows and grants of each. */
  readonly statements: readonly {
    readonly times: number;
    readonly grants: number;
    readonly rows: readonly (readonly [count: number, seq: number])[];
  }[];
  readonly rosterBytes: number;
  readonly sha256: string;
  /** Of the last statement; those before are believed. */
  readonly refused?: 'malformed';
}

/** Statements whose invites, former seed, grants and rows are zeros but for numbers that keep devices and chains apart. */
export async function capVectors({ room }: EpochRoom): Promise<CapVector[]> {
  const one = async (
    name: string,
    statements: CapVector['statements'],
    refused?: 'malformed',
  ): Promise<CapVector> => {
    const parts: Bytes[] = [];
    for (const { times, grants, rows } of statements)
      for (let i = 0; i < times; i++) {
        const last = parts.at(-1) ?? room.genesis.bytes;
        parts.push(
          await signedStatement(room.owner, plainBody(parts.length + 1, hashOf(last), grants, rows)),
        );
      }
    const bytes = concat(sized(room.genesis.bytes), varUint(parts.length), ...parts.map(sized));
    return {
      name,
      rules: ['ROST-1', 'ROST-2', 'ROST-6'],
      statements,
      rosterBytes: bytes.length,
      sha256: hex(hashOf(bytes)),
      ...(refused && { refused }),
    };
  };
  const plain = { times: 1, grants: 0, rows: [] };
  const large = { ...plain, rows: [[16_384, 1]] } as const;
  // 66 bytes each with a seq below 128, else 67.
  const rest = (longer: number) =>
    ({
      ...plain,
      rows: [
        [13_781 - longer, 1],
        [longer, 128],
      ],
    }) as const;
  return [
    await one('1,024 grants', [{ ...plain, grants: 1_024 }]),
    await one('1,025 grants', [{ ...plain, grants: 1_025 }], 'malformed'),
    await one('16,384 rows', [large]),
    await one('16,385 rows', [{ ...plain, rows: [[16_385, 1]] }], 'malformed'),
    await one('1,024 statements', [{ ...plain, times: 1_024 }]),
    await one('1,025 statements', [{ ...plain, times: 1_025 }], 'malformed'),
    await one('1,945 KiB', [large, rest(65)]),
    await one('1,945 KiB and a byte', [large, rest(66)], 'malformed'),
  ];
}

const sized = (bytes: Bytes): Bytes => concat(varUint(bytes.length), bytes);

function plainBody(
  epoch: number,
  previous: Bytes,
  grants: number,
  rows: readonly (readonly [number, number])[],
): Bytes {
  const zeros = (length: number): Bytes => new Uint8Array(length);
  const numbered = (i: number): Bytes => concat(epochBytes(i), zeros(28));
  const total = rows.reduce((sum, [count]) => sum + count, 0);
  const parts: Bytes[] = [varUint(total)];
  let i = 0;
  for (const [count, seq] of rows) {
    const end = concat(Uint8Array.of(0), varUint(seq), zeros(32));
    for (let k = 0; k < count; k++) parts.push(numbered(i++), end);
  }
  const granted = Array.from({ length: grants }, (_, at) => concat(numbered(at), zeros(1 + 32 + 48)));
  return concat(
    Uint8Array.of(1),
    epochBytes(epoch),
    previous,
    zeros(8 + 96 + 48),
    varUint(grants),
    ...granted,
    sized(concat(...parts)),
  );
}
