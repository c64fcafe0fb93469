/** Bytes that are those of another vector but for a few changes: what is wrong is all that is written out. */
import { concat, equalBytes, toHex, type Bytes } from '../../app/lib/core/bytes.ts';
import type { Repeated } from './vector-room.ts';

/** The bytes of the vector named `<section>/<name>`, where `changes` have `<from>-<to>:<hex to stand there>`, counted in its bytes and in order. */
export interface Changed {
  readonly of: string;
  readonly changes?: readonly string[];
}

type Piece = string | Repeated | Changed;
/** As they stand in the file: hex, a long run, those of another vector; or such pieces one after the other. */
export type Pieces = Piece | readonly Piece[];

export const sameAs = (of: string): Changed => ({ of });

/** Bytes and how they are written. */
export interface Part {
  readonly bytes: Bytes;
  readonly piece: Piece;
}

/** Runs of the same that are shorter are written out: a change costs about as much. */
const SAME_BYTES = 12;

/** `bytes` as they differ from those of the vector `of`. */
export function changedFrom(of: string, base: Bytes, bytes: Bytes): Changed {
  if (equalBytes(base, bytes)) throw new Error(`nothing of ${of} was changed`);
  if (base.length === bytes.length)
    return {
      of,
      changes: runsOf(base, bytes).map(([from, to]) => change(from, to, bytes.subarray(from, to))),
    };
  // A signature, or a hash and an end mark, stand at the end: to be compared by themselves.
  const [whole, split] = [0, Math.min(64, base.length, bytes.length)].map((tail): Changed => {
    const [till, end] = [base.length - tail, bytes.length - tail];
    const start = sharedStart(base.subarray(0, till), bytes.subarray(0, end));
    const shared = sharedStart(
      base.subarray(start, till).toReversed(),
      bytes.subarray(start, end).toReversed(),
    );
    const last = runsOf(base.subarray(till), bytes.subarray(end));
    return {
      of,
      changes: [
        change(start, till - shared, bytes.subarray(start, end - shared)),
        ...last.map(([from, to]) => change(till + from, till + to, bytes.subarray(end + from, end + to))),
      ],
    };
  });
  if (!whole || !split) throw new Error('two ways to tell them apart');
  return JSON.stringify(whole).length < JSON.stringify(split).length ? whole : split;
}

/** The bytes that `changes` make of `base`. */
export function applied(base: Bytes, changes: readonly (readonly [number, number, Bytes])[]): Bytes {
  let at = 0;
  const parts: Bytes[] = [];
  for (const [from, to, put] of changes) {
    parts.push(base.slice(at, from), put);
    at = to;
  }
  return concat(...parts, base.slice(at));
}

const change = (from: number, to: number, put: Bytes): string => `${from}-${to}:${toHex(put)}`;

function sharedStart(a: Bytes, b: Bytes): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return i;
  return length;
}

/** Where two of one length differ. */
function runsOf(base: Bytes, bytes: Bytes): [number, number][] {
  const runs: [number, number][] = [];
  for (let i = 0; i < base.length; i++) {
    if (base[i] === bytes[i]) continue;
    const last = runs.at(-1);
    if (last && i - last[1] < SAME_BYTES) last[1] = i + 1;
    else runs.push([i, i + 1]);
  }
  return runs;
}
