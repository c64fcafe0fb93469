/** Frontiers: how far each chain of a room is known, and as bytes (LOG-10). */
import { createEncoder, toUint8Array, writeUint8, writeUint8Array, writeVarUint } from 'lib0/encoding';
import { fromHex, toHex, type Bytes } from '../core/bytes.ts';
import type { Channel, SessionId } from '../core/ids.ts';
import type { Result } from '../core/result.ts';
import { PUBLIC_KEY_BYTES } from '../crypto/signatures.ts';
import { Malformed, parse } from '../core/byte-reader.ts';
import { channelCode, CHANNELS, HASH_BYTES, MAX_FRONTIER_ROWS } from './format.ts';

export interface FrontierRow {
  readonly session: SessionId;
  readonly channel: Channel;
  /** Of the last accepted entry, from 1. */
  readonly seq: number;
  /** The chain hash there, 32 bytes. */
  readonly hash: Bytes;
}

/** Names a chain among those of a room. */
export const chainKey = ({ session, channel }: Pick<FrontierRow, 'session' | 'channel'>): string =>
  `${session}/${channel}`;

/** A stretch of one chain, both ends inclusive. */
export interface ChainRange {
  readonly session: SessionId;
  readonly channel: Channel;
  readonly fromSeq: number;
  readonly toSeq: number;
}

/** count varUint ‖ count × (session[32] ‖ channel u8 ‖ seq varUint ‖ hash[32]) */
export function encodeFrontier(rows: readonly FrontierRow[]): Bytes {
  const encoder = createEncoder();
  writeVarUint(encoder, rows.length);
  for (const { session, channel, seq, hash } of rows) {
    writeUint8Array(encoder, fromHex(session));
    writeUint8(encoder, channelCode(channel));
    writeVarUint(encoder, seq);
    writeUint8Array(encoder, hash);
  }
  return toUint8Array(encoder);
}

/** Rows in as many frontiers as they need. */
export function partsOf(rows: readonly FrontierRow[]): FrontierRow[][] {
  const parts: FrontierRow[][] = [];
  for (let at = 0; at < rows.length; at += MAX_FRONTIER_ROWS)
    parts.push(rows.slice(at, at + MAX_FRONTIER_ROWS));
  return parts;
}

export function decodeFrontier(bytes: Bytes): Result<FrontierRow[], string> {
  return parse(bytes, (reader) => {
    const count = reader.varUint(MAX_FRONTIER_ROWS);
    const rows: FrontierRow[] = [];
    for (let i = 0; i < count; i++) {
      const session = toHex(reader.take(PUBLIC_KEY_BYTES)) as SessionId;
      const channel = CHANNELS[reader.u8()];
      if (channel === undefined) throw new Malformed('unknown channel');
      const seq = reader.varUint();
      if (seq === 0) throw new Malformed('seq starts at 1');
      rows.push({ session, channel, seq, hash: reader.take(HASH_BYTES) });
    }
    return rows;
  });
}
