/**
 * What an entry says, in the names that everybody uses for what it names (FORK-3). An author who saw one branch of a fork named
 * what is in it by the name of the whole chain; which branch that was, the heads of their entries tell.
 */
import {
  createEncoder,
  toUint8Array,
  writeUint8,
  writeUint8Array,
  writeVarString,
  writeVarUint,
  type Encoder,
} from 'lib0/encoding';
import type { Bytes } from '../core/bytes.ts';
import { parse, type ByteReader } from '../core/byte-reader.ts';
import {
  flagsOf,
  MAX_NAME_BYTES,
  readContent,
  type CheckedStruct,
  type CheckedUpdate,
  type DeletedRange,
} from './struct-check.ts';

/** Where a clock of a Yjs client is, and how many clocks from there on are in the same chain. */
export interface Place {
  readonly client: number;
  readonly clock: number;
  readonly left: number;
}
export type FindPlace = (client: number, clock: number) => Place;

type Id = readonly [client: number, clock: number];

/** `update`, whose structs become those of `client` from `clock` on, with each id where `find` says it is. */
export function inBranches(
  update: CheckedUpdate,
  client: number,
  clock: number,
  find: FindPlace,
): CheckedUpdate {
  const needs = new Map<number, number>();
  const need = (other: number, to: number): void => {
    if (other !== client && (needs.get(other) ?? 0) < to) needs.set(other, to);
  };
  const move = ([idClient, idClock]: Id): Id => {
    const place = find(idClient, idClock);
    need(place.client, place.clock + 1);
    return [place.client, place.clock];
  };
  const shift = clock - (update.structs[0]?.clock ?? update.nextClock);
  const structs: CheckedStruct[] = [];
  const encoder = createEncoder();
  const read = parse(update.structBytes, (reader) => {
    for (const struct of update.structs)
      structs.push({ ...moveStruct(reader, encoder, update.structBytes, move), clock: struct.clock + shift });
  });
  if (!read.ok) throw new Error(`an update that was checked does not read: ${read.error}`);
  const deleted = update.deleted.flatMap((range) => [...split(range, find)]);
  for (const range of deleted) need(range.client, range.clock + range.length);
  return { structs, structBytes: toUint8Array(encoder), deleted, needs, nextClock: update.nextClock + shift };
}

function moveStruct(
  reader: ByteReader,
  encoder: Encoder,
  bytes: Bytes,
  move: (id: Id) => Id,
): Omit<CheckedStruct, 'clock'> {
  const readId = (): Id => move([reader.varUint(), reader.varUint()]);
  const writeId = ([client, clock]: Id): void => {
    writeVarUint(encoder, client);
    writeVarUint(encoder, clock);
  };
  const info = reader.u8();
  const { kind, hasOrigin, hasRightOrigin, hasParentSub, isGC } = flagsOf(info);
  writeUint8(encoder, info);
  const origin = !isGC && hasOrigin ? readId() : undefined;
  if (origin) writeId(origin);
  const rightOrigin = !isGC && hasRightOrigin ? readId() : undefined;
  if (rightOrigin) writeId(rightOrigin);
  let parent = '';
  if (!isGC && !origin && !rightOrigin) {
    const isRoot = reader.varUint(1) === 1;
    writeVarUint(encoder, isRoot ? 1 : 0);
    if (isRoot) {
      parent = reader.text(MAX_NAME_BYTES);
      writeVarString(encoder, parent);
    } else {
      const id = readId();
      writeId(id);
      parent = id.join(':');
    }
    if (hasParentSub) {
      const sub = reader.text(MAX_NAME_BYTES);
      writeVarString(encoder, sub);
      parent += `\0${sub}`;
    }
  }
  const from = reader.at;
  if (isGC) reader.varUint();
  else readContent(kind, reader);
  writeUint8Array(encoder, bytes.subarray(from, reader.at));
  return { ...(origin && { origin }), ...(rightOrigin && { rightOrigin }), parent };
}

/** A range may reach over where its client forked. */
function* split({ client, clock, length }: DeletedRange, find: FindPlace): Generator<DeletedRange> {
  for (let at = clock; at < clock + length;) {
    const place = find(client, at);
    const here = Math.min(place.left, clock + length - at);
    yield { client: place.client, clock: place.clock, length: here };
    at += here;
  }
}
