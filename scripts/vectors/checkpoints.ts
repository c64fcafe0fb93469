/** Vectors of checkpoints (CHECK-1, CHECK-2): of epoch 0, signed by Ann, who may edit, and by who may not. */
import * as Y from 'yjs';
import { concat, utf8, type Bytes } from '../../app/lib/core/bytes.ts';
import type { FileId } from '../../app/lib/core/ids.ts';
import { Project } from '../../app/lib/document/project.ts';
import { makeCheckpoint } from '../../app/lib/log/checkpoint.ts';
import type { FrontierRow } from '../../app/lib/log/frontier.ts';
import { changedFrom, type Pieces } from './pieces.ts';
import { hex, type VectorRoom } from './vector-room.ts';

const LABEL = utf8('codeface/checkpoint/1\0');
const GOOD = 'one line, at two heads';
const TEXT = 'Nobody has written this.';

export async function checkpointVectors({ sessions }: VectorRoom, rows: readonly FrontierRow[]) {
  const { ann, cas } = sessions;
  const doc = new Y.Doc();
  doc.clientID = ann.clientId;
  new Project(doc, { newId: () => 'zzzzyyyyxxxxwwww' as FileId }).createText('a.txt', TEXT);
  const moment = {
    time: 1_700_000_180_000,
    frontier: rows.filter(({ channel }) => channel === 'project'),
    state: Y.encodeStateAsUpdate(doc) as Bytes,
  };
  const made = async (by: typeof ann, what = moment): Promise<Bytes> => {
    const bytes = await makeCheckpoint(by, what);
    if (bytes === undefined) throw new Error('too large');
    return bytes;
  };
  const good = await made(ann);
  const signed = async (body: Bytes) => concat(body, await ann.sign(concat(LABEL, body)));
  const bad = (refused: string, name: string, bytes: Bytes) => ({
    name,
    rules: ['CHECK-2'],
    bytes: changedFrom(`checkpoints/${GOOD}`, good, bytes) as Pieces,
    refused,
  });
  return [
    {
      name: GOOD,
      rules: ['CHECK-1'],
      bytes: hex(good) as Pieces,
      time: moment.time,
      rows: moment.frontier.length,
      text: TEXT,
    },
    bad(
      'malformed-checkpoint',
      'another format',
      await signed(concat(Uint8Array.of(2), good.subarray(1, -64))),
    ),
    bad('malformed-checkpoint', 'a byte too many', concat(good, Uint8Array.of(0))),
    bad('malformed-checkpoint', 'of no entry', await made(ann, { ...moment, frontier: [] })),
    bad('malformed-checkpoint', 'of another channel', await made(ann, { ...moment, frontier: [...rows] })),
    bad('role-may-not-sign', 'by a commenter', await made(cas)),
    bad(
      'bad-signature',
      'a letter of it was changed',
      good.map((byte, at) => (at === good.length - 80 ? byte ^ 1 : byte)),
    ),
  ];
}
