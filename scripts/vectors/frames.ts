/** Vectors of frames, of the messages of the runs channel and of presence (SYNC-1, RUN-1, PRES-1, PRES-2). */
import { concat, fromHex, utf8, type Bytes } from '../../app/lib/core/bytes.ts';
import type { FileId, RunId } from '../../app/lib/core/ids.ts';
import type { SealKind } from '../../app/lib/crypto/room-keys.ts';
import { encodePresence } from '../../app/lib/document/presence.ts';
import { encodeRunMessage, type RunMessage } from '../../app/lib/document/runs.ts';
import { encodeFrontier, type FrontierRow } from '../../app/lib/log/frontier.ts';
import {
  encodeHello,
  encodePresenceFrame,
  encodeSegments,
  encodeWant,
  writeFrame,
  type FrameKind,
} from '../../app/lib/sync/frames.ts';
import { HELLO_LABEL } from '../../app/lib/sync/meeting.ts';
import { PRESENCE_LABEL } from '../../app/lib/sync/presence-board.ts';
import { hex, sealBody, type VectorRoom } from './vector-room.ts';

const PRESENCE_NAME = 'Ann 🦊';
const RUN_ID = 'aaaabbbbccccdddd' as RunId;
const FILE_ID = 'zzzzyyyyxxxxwwww' as FileId;

export interface FrameVector {
  readonly name: string;
  readonly rules: readonly string[];
  readonly kind: FrameKind;
  /** What is sealed, with its signature; left out where the frame alone is long. */
  readonly plain?: string;
  readonly frame?: string;
  /** `plain` is no body of this kind. */
  readonly refused?: true;
}

/** Frames from Ann, whose nonce is 16 times 11, to who said 16 times 22. */
export async function frameVectors(
  room: VectorRoom,
  rows: readonly FrontierRow[],
  sealed: Bytes,
): Promise<FrameVector[]> {
  const { keys, genesis, sessions } = room;
  const { ann, ben } = sessions;
  const nothing: Bytes = new Uint8Array();
  const hello = {
    nonce: new Uint8Array(16).fill(0x11),
    echo: new Uint8Array(16),
    wantsReply: true,
    certificate: ann.certificate,
    genesis: nothing,
    frontier: encodeFrontier([]),
  };
  const answer = {
    ...hello,
    echo: new Uint8Array(16).fill(0x22),
    wantsReply: false,
    genesis: genesis.bytes,
    frontier: encodeFrontier(rows),
  };
  const presence = { session: ann.id, counter: 300, payload: encodePresence(PRESENCE.there) };
  const signed = async (label: Bytes, body: Bytes) => concat(body, await ann.sign(concat(label, body)));
  const inSeal = async (name: string, kind: FrameKind & SealKind, rules: string[], body: Bytes) => ({
    name,
    rules: ['SYNC-1', ...rules],
    kind,
    ...(body.length <= 512 && { plain: hex(body) }),
    frame: hex(writeFrame(kind, await sealBody(keys, kind, body))),
  });
  const open = (name: string, kind: FrameKind, body: Bytes) => ({
    name,
    rules: ['SYNC-1', 'SEAL-7'],
    kind,
    frame: hex(writeFrame(kind, body)),
  });
  const refused = (name: string, kind: FrameKind, plain: string): FrameVector => ({
    name,
    rules: ['SYNC-1'],
    kind,
    plain,
    refused: true,
  });
  return [
    await inSeal('the first HELLO', 'hello', ['SYNC-2'], await signed(HELLO_LABEL, encodeHello(hello))),
    await inSeal(
      'the answer, with all it holds',
      'hello',
      ['SYNC-2', 'LOG-10', 'SEAL-4'],
      await signed(HELLO_LABEL, encodeHello(answer)),
    ),
    await inSeal(
      'WANT of two chains',
      'want',
      ['SYNC-4'],
      encodeWant([
        { session: ann.id, channel: 'project', fromSeq: 1, toSeq: 2 },
        { session: ben.id, channel: 'runs', fromSeq: 500, toSeq: 70_000 },
      ]),
    ),
    await inSeal(
      'presence',
      'presence',
      ['SYNC-6'],
      await signed(PRESENCE_LABEL, encodePresenceFrame(presence)),
    ),
    await inSeal(
      'goodbye',
      'presence',
      ['SYNC-6'],
      await signed(PRESENCE_LABEL, encodePresenceFrame({ ...presence, counter: 301, payload: nothing })),
    ),
    open('an entry as it is made', 'live', sealed),
    open('an answer in its last part', 'segments', encodeSegments({ more: false, segments: [sealed] })),
    open('nothing held, more to come', 'segments', encodeSegments({ more: true, segments: [] })),
    refused('a range that begins at 0', 'want', `01${ann.id}000001`),
    refused('a range that ends before it begins', 'want', `01${ann.id}000201`),
    refused('of an unknown channel', 'want', `01${ann.id}040101`),
    refused('more segments than may be', 'segments', '00d10f'),
    refused('a byte too many', 'segments', '000000'),
    refused('a segment cut short', 'segments', '00010261'),
  ];
}

export const frontierVectors = (rows: readonly FrontierRow[]) => [
  { name: 'empty', rules: ['LOG-10'], rows: [], hex: hex(encodeFrontier([])) },
  {
    name: 'of this room',
    rules: ['LOG-10'],
    rows: rows.map((row) => ({ ...row, hash: hex(row.hash) })),
    hex: hex(encodeFrontier(rows)),
  },
  { name: 'seq 0', rules: ['LOG-10'], hex: `01${'aa'.repeat(32)}0000${'bb'.repeat(32)}`, refused: true },
  {
    name: 'an unknown channel',
    rules: ['LOG-10'],
    hex: `01${'aa'.repeat(32)}0401${'bb'.repeat(32)}`,
    refused: true,
  },
  { name: 'more rows than may be', rules: ['LOG-10'], hex: '818001', refused: true },
];

const RUNS: readonly RunMessage[] = [
  { kind: 'start', runId: RUN_ID, runtime: 'python', file: 'src/main.py', label: 'Python 3.14' },
  {
    kind: 'output',
    runId: RUN_ID,
    pieces: [
      { stream: 'stdout', text: 'grüezi\n' },
      { stream: 'stderr', text: '' },
    ],
  },
  { kind: 'left-out', runId: RUN_ID, bytes: 300 },
  { kind: 'input-wanted', runId: RUN_ID, wanted: true },
  { kind: 'end', runId: RUN_ID, end: { kind: 'exit', code: -1 }, durationMs: 1_500 },
  { kind: 'end', runId: RUN_ID, end: { kind: 'stopped' }, durationMs: 0 },
  { kind: 'end', runId: RUN_ID, end: { kind: 'time-limit', limitMs: 60_000 }, durationMs: 60_000 },
  { kind: 'end', runId: RUN_ID, end: { kind: 'output-limit', limitBytes: 20_971_520 }, durationMs: 5 },
  { kind: 'end', runId: RUN_ID, end: { kind: 'out-of-memory' }, durationMs: 128 },
  { kind: 'end', runId: RUN_ID, end: { kind: 'failed', message: 'No module.' }, durationMs: 1 },
];

export function runMessageVectors() {
  const id = `10${hex(utf8(RUN_ID))}`;
  const bad = [
    ['a kind that is not known', `05${id}`, 'unknown-kind'],
    ['a byte too many', `02${id}0000`, 'malformed'],
    ['a run id with a letter too few', `020f${hex(utf8(RUN_ID.slice(1)))}00`, 'malformed'],
    ['a third stream', `01${id}010200`, 'malformed'],
    ['neither wanted nor not', `03${id}02`, 'malformed'],
    ['an absolute path', `00${id}0161022f620163`, 'malformed'],
    ['a runtime in capitals', `00${id}014101620163`, 'malformed'],
    ['an end of no known kind', `04${id}0600`, 'malformed'],
  ] as const;
  return [
    ...RUNS.map((message) => ({ rules: ['RUN-1'], message, hex: hex(encodeRunMessage(message)) })),
    ...bad.map(([name, bytes, refused]) => ({ name, rules: ['RUN-1'], hex: bytes, refused })),
  ];
}

const PRESENCE = {
  there: {
    name: PRESENCE_NAME,
    role: 'editor',
    typing: 129,
    file: FILE_ID,
    // Two relative positions of Yjs, opaque here.
    anchor: fromHex('0001000000'),
    head: fromHex('0001000200'),
  },
  looking: { name: '', role: 'viewer', typing: 0, file: FILE_ID },
  nowhere: { name: 'Ben', role: 'viewer', typing: 0 },
  talking: { name: 'Cas', role: 'commenter', typing: 0 },
} as const;

export function presenceVectors() {
  const file = `10${hex(utf8(FILE_ID))}`;
  const bad = [
    ['another version', '020100000142'],
    ['an unknown role', '010300000142'],
    ['an unknown flag', '010100040142'],
    ['a selection without a file', '0101000201420100'],
    ['a byte too many', '01010000014200'],
    ['a file that is none', `0101000101420161`],
    ['a position of 201 bytes', `010100030142${file}c901${'00'.repeat(201)}0100`],
  ] as const;
  return [
    ...Object.values(PRESENCE).map((presence) => ({
      rules: ['PRES-1'],
      name: presence.name,
      role: presence.role,
      typing: presence.typing,
      ...('file' in presence && { file: presence.file }),
      ...('anchor' in presence && { anchor: hex(presence.anchor), head: hex(presence.head) }),
      hex: hex(encodePresence(presence)),
    })),
    ...bad.map(([name, bytes]) => ({ name, rules: ['PRES-2'], hex: bytes, refused: true })),
  ];
}
