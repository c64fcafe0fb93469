/** For tests only: a second implementation of docs/spec-room-file.md, and of how a roster is sealed. It shares no code with the app. */
import { KINDS, open, roomId, sha256, u32, type Reader } from './by-hand.ts';

import { refuse, refusalOf, Strict } from './strict-by-hand.ts';
import { readGenesis, readRoster } from './roster-by-hand.ts';
/** SEAL-1 to SEAL-4 of a roster, for whoever reads one epoch. */
export function openRoster(sealed: Buffer, reader: Reader): Buffer {
  if (sealed.length > 2 ** 21) refuse('too-large');
  if (sealed.length === 0) refuse('malformed-sealed');
  if (sealed[0] !== 1) refuse('unknown-format');
  if (sealed.length < 39) refuse('malformed-sealed');
  if (KINDS[sealed[1] ?? 0] !== 'roster') refuse('wrong-kind');
  if (sealed.readUInt32BE(2) !== reader.epoch) refuse('wrong-epoch');
  try {
    return open('roster', sealed, reader).body;
  } catch {
    return refuse('not-ours');
  }
}

/** ROOM-1, ROOM-3, ROOM-4. */
export function readFile(file: Buffer): { genesis: Buffer; records: Buffer[] } {
  const magic = Buffer.from('codeface/room\0');
  const short = file.subarray(-8).toString() === 'room-end' ? 'damaged' : 'truncated';
  const start = file.subarray(0, magic.length);
  if (!start.equals(magic.subarray(0, start.length))) refuse('not-a-room-file');
  const input = new Strict(file, short);
  input.take(magic.length);
  if (input.u8() !== 1) refuse('other-version');
  const room = input.take(52).toString('latin1');
  if (!/^[a-z2-7]{51}[aq]$/.test(room)) refuse('damaged');
  const length = input.u32();
  if (length < 1 || length > 512) refuse('damaged');
  const genesis = input.take(length);
  const records: Buffer[] = [];
  for (let next = input.u32(); next > 0; next = input.u32()) {
    if (next > 20 * 2 ** 20) refuse('damaged');
    records.push(input.take(next));
  }
  const count = input.u32();
  const hash = sha256(file.subarray(0, input.at));
  if (!input.take(32).equals(hash) || count !== records.length) refuse('damaged');
  if (input.take(8).toString() !== 'room-end' || input.at < file.length) refuse('damaged');
  if (refusalOf(() => readGenesis(genesis, room))) refuse('damaged');
  return { genesis, records };
}
export function writeFile(genesis: Buffer, records: readonly Buffer[]): Buffer {
  const sized = (bytes: Buffer): Buffer => Buffer.concat([u32(bytes.length), bytes]);
  const head = [Buffer.from('codeface/room\0'), Buffer.of(1), Buffer.from(roomId), sized(genesis)];
  const body = Buffer.concat([...head, ...records.map(sized), u32(0), u32(records.length)]);
  return Buffer.concat([body, sha256(body), Buffer.from('room-end')]);
}

/** ROOM-9: the statements of a file for whoever has a link of an epoch. */
export function rosterOfFile({ genesis, records }: ReturnType<typeof readFile>, link: Reader): Buffer[] {
  const [first] = records;
  const record = first?.[0] === 1 && KINDS[first[1] ?? 0] === 'roster' ? first : undefined;
  const epoch = record?.readUInt32BE(2) ?? 0;
  if (epoch > link.epoch) refuse('newer-keys');
  if (epoch < link.epoch) refuse('older-keys');
  if (record === undefined) return [];
  const roster = readRoster(openRoster(record, link));
  if (!roster.genesis.equals(genesis)) refuse('another-genesis');
  if (epoch === 0 || roster.statements.length !== epoch) refuse('another-epoch');
  return roster.statements.map(({ bytes }) => bytes);
}
