/** Vectors of sealing: what opens, and what does not, in the order of the checks (SEAL). */
import { concat, utf8, type Bytes } from '../../app/lib/core/bytes.ts';
import type { SealKind } from '../../app/lib/crypto/room-keys.ts';
import {
  deflated,
  hex,
  innerOf,
  repeated,
  sealBody,
  sealInner,
  type Packing,
  type Repeated,
  type VectorRoom,
} from './vector-room.ts';

/** Sealed records of each kind, and those that do not open, in the order of the checks. */
export async function sealingVectors({ keys }: VectorRoom) {
  const body = utf8('A body of 28 bytes, repeated');
  const times = (count: number, repeat = '61'): Repeated => ({ repeat, times: count });
  const good = await sealBody(keys, 'segment', body);
  const changed = (at: number, to: number) => hex(good.map((byte, i) => (i === at ? to : byte)));
  const opens = async (
    name: string,
    rules: string[],
    kind: SealKind,
    plain: string | Repeated,
    packing?: Packing,
  ) => ({
    name,
    rules,
    kind,
    ...(packing && { packing }),
    plain,
    sealed: hex(await sealBody(keys, kind, repeated(plain), packing)),
  });
  const refused = (
    name: string,
    rules: string[],
    code: string,
    sealed: string | Repeated,
    kind = 'segment',
  ) => ({
    name,
    rules,
    kind,
    sealed,
    refused: code,
  });
  const damagedPadding = innerOf(body, 'plain');
  damagedPadding[255] = 1;
  const longer = innerOf(body, 'plain');
  longer[4] = 252;
  const flag = innerOf(body, 'plain');
  flag[0] = 2;
  const inner = async (bytes: Bytes) => hex(await sealInner(keys, 'segment', bytes));
  const bomb = innerOf(deflated(new Uint8Array(7 * 1024 + 1)), 'deflated');
  return [
    await opens('a body of 28 bytes', ['SEAL-1', 'SEAL-4', 'SEAL-5'], 'segment', hex(body)),
    await opens('the same of another kind', ['SEAL-1', 'KEY-4'], 'want', hex(body)),
    await opens('of the kind for signaling', ['SEAL-1', 'KEY-4'], 'signal', hex(body)),
    await opens('of the kind for the archive', ['SEAL-1', 'KEY-4'], 'genesis', hex(body)),
    await opens('nothing', ['SEAL-4'], 'segment', ''),
    await opens('one that just fits its padding', ['SEAL-4'], 'segment', times(251)),
    await opens('one byte more', ['SEAL-4'], 'segment', times(252)),
    await opens('the longest that is never deflated', ['SEAL-4'], 'segment', times(512)),
    await opens(
      'deflated by another library: to be opened, not to be written',
      ['SEAL-4', 'SEAL-5'],
      'segment',
      times(40, hex(body)),
      'deflated',
    ),
    await opens('a long one that was not deflated', ['SEAL-4'], 'segment', times(1_020), 'plain'),
    await opens('a short one that was deflated', ['SEAL-4'], 'segment', times(4, hex(body)), 'deflated'),
    refused('nothing', ['SEAL-2'], 'malformed-sealed', ''),
    refused('another format', ['SEAL-2'], 'unknown-format', changed(0, 2)),
    refused('another format, and nothing else', ['SEAL-2'], 'unknown-format', '02'),
    refused('cut short', ['SEAL-2'], 'malformed-sealed', hex(good.subarray(0, 38))),
    refused('another IV', ['SEAL-2'], 'not-ours', changed(6, (good[6] ?? 0) ^ 1)),
    refused('padding that is not zero', ['SEAL-4'], 'malformed-sealed', await inner(damagedPadding)),
    refused('a length for other padding', ['SEAL-4'], 'malformed-sealed', await inner(longer)),
    refused('a third way of packing', ['SEAL-4'], 'malformed-sealed', await inner(flag)),
    refused(
      'what does not inflate',
      ['SEAL-4'],
      'malformed-sealed',
      await inner(innerOf(Uint8Array.of(7), 'deflated')),
    ),
    refused(
      'bytes after what inflates',
      ['SEAL-4'],
      'malformed-sealed',
      await inner(innerOf(concat(deflated(body), Uint8Array.of(0)), 'deflated')),
    ),
    refused(
      'what inflates past its cap',
      ['SEAL-3'],
      'too-large',
      hex(await sealInner(keys, 'presence', bomb)),
      'presence',
    ),
    refused(
      'a byte above the cap',
      ['SEAL-3'],
      'too-large',
      { repeat: '01', times: 8 * 1024 + 1 },
      'presence',
    ),
    refused('a byte above the cap', ['SEAL-3'], 'too-large', { repeat: '01', times: 20 * 1024 * 1024 + 1 }),
  ];
}
