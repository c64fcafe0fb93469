/**
 * The chains of a room as bytes: for a device snapshot and for handing over between page and worker. Trusted: made and
 * read on one device only, so signatures are not checked again; damage is found, forgery is not.
 *
 *   version u8 ‖ epoch varUint ‖ count varUint ‖ count × varBytes frontier carried into the epoch ‖ count varUint ‖
 *     count × (varBytes certificate ‖ channel u8 ‖ seq varUint ‖ head[32] ‖ nextClock varUint
 *     ‖ count varUint ‖ count × (start varUint ‖ varString parent)
 *     ‖ tip u8 ‖ varString closing code, empty when open ‖ index[16 × seq]
 *     ‖ in `talk` and `runs`: seq × varUint time told, less the one before)
 */
import {
  createEncoder,
  toUint8Array,
  writeUint8,
  writeUint8Array,
  writeVarString,
  writeVarUint,
  writeVarUint8Array,
} from 'lib0/encoding';
import type { Bytes } from '../core/bytes.ts';
import type { Channel } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import { Malformed, parse, type ByteReader } from '../core/byte-reader.ts';
import { readCertificate, type CheckedSession } from './certificate.ts';
import type { ChainTable } from './chain-table.ts';
import {
  channelCode,
  CHANNELS,
  HASH_BYTES,
  HEAD_BYTES,
  MAX_CERTIFICATE_BYTES,
  type Refusal,
  type RefusalCode,
} from './format.ts';
import { decodeFrontier, encodeFrontier, partsOf, type FrontierRow } from './frontier.ts';
import { StructParents } from './struct-parents.ts';

const VERSION = 3;
/** Two names of the length that struct-check.ts allows, and a separator. */
const MAX_PARENT_BYTES = 2049;

export interface ChainCopy {
  readonly session: CheckedSession;
  readonly channel: Channel;
  readonly seq: number;
  readonly head: Bytes;
  readonly nextClock: number;
  readonly parents: StructParents;
  readonly tip: boolean;
  readonly closed: Refusal | undefined;
  readonly index: Bytes;
  readonly times: readonly number[];
}

/** Chains that have entries or are closed. What is held goes not along: it is fetched again. */
export function exportChains(table: ChainTable): Bytes {
  const chains = [...table.chains()].filter(({ seq, closed }) => seq > 0 || closed !== undefined);
  const encoder = createEncoder();
  writeUint8(encoder, VERSION);
  writeVarUint(encoder, table.closedEpochs.current);
  const { carried } = table.closedEpochs;
  const parts = partsOf(carried);
  writeVarUint(encoder, parts.length);
  for (const rows of parts) writeVarUint8Array(encoder, encodeFrontier(rows));
  writeVarUint(encoder, chains.length);
  for (const chain of chains) {
    writeVarUint8Array(encoder, chain.session.certificate);
    writeUint8(encoder, channelCode(chain.channel));
    writeVarUint(encoder, chain.seq);
    writeUint8Array(encoder, chain.head);
    writeVarUint(encoder, chain.nextClock);
    const { starts, keys } = chain.parents;
    writeVarUint(encoder, starts.length);
    for (const [i, start] of starts.entries()) {
      writeVarUint(encoder, start);
      writeVarString(encoder, keys[i] ?? '');
    }
    writeUint8(encoder, table.isTip(chain) ? 1 : 0);
    writeVarString(encoder, chain.closed?.code ?? '');
    writeUint8Array(encoder, chain.index);
    for (const [i, time] of chain.times.entries()) writeVarUint(encoder, time - chain.timeAt(i));
  }
  return toUint8Array(encoder);
}

/** What `exportChains` made. */
export interface ChainCopies {
  readonly epoch: number;
  readonly carried: readonly FrontierRow[];
  readonly chains: readonly ChainCopy[];
}

export function decodeChains(bytes: Bytes): Result<ChainCopies, string> {
  const read = parse(bytes, (reader) => {
    if (reader.u8() !== VERSION) throw new Malformed('another version');
    const current = reader.varUint();
    const carried: FrontierRow[] = [];
    for (let count = reader.varUint(); count > 0; count--) {
      const rows = decodeFrontier(reader.varBytes(bytes.length));
      if (!rows.ok) throw new Malformed(rows.error);
      carried.push(...rows.value);
    }
    const copies: ChainCopy[] = [];
    for (let count = reader.varUint(); count > 0; count--) {
      const certificate = readCertificate(reader.varBytes(MAX_CERTIFICATE_BYTES));
      if (!certificate.ok) throw new Malformed(certificate.error);
      const { session } = certificate.value;
      const channel = CHANNELS[reader.u8()];
      if (channel === undefined) throw new Malformed('unknown channel');
      const seq = reader.varUint();
      const head = reader.take(HASH_BYTES).slice();
      const nextClock = reader.varUint();
      const parents = new StructParents();
      for (let runs = reader.varUint(); runs > 0; runs--)
        parents.add(reader.varUint(), reader.text(MAX_PARENT_BYTES));
      const tip = reader.u8() === 1;
      const code = reader.text(64) as RefusalCode | '';
      const closed: Refusal | undefined =
        code === ''
          ? undefined
          : { code, detail: 'closed earlier', session: session.id, channel, seq: seq + 1 };
      copies.push({
        session,
        channel,
        seq,
        head,
        nextClock,
        parents,
        tip,
        closed,
        index: reader.take(seq * HEAD_BYTES),
        times: channel === 'project' ? [] : readTimes(reader, seq),
      });
    }
    return { epoch: current, carried, chains: copies };
  });
  return read.ok ? ok(read.value) : err(read.error);
}

function readTimes(reader: ByteReader, count: number): number[] {
  const times: number[] = [];
  for (let time = 0; times.length < count; times.push(time)) time += reader.varUint();
  return times;
}

/** Moves every chain of `table` that is behind its copy to where the copy stands. */
export function adoptChains(table: ChainTable, copies: readonly ChainCopy[]): void {
  for (const copy of copies) {
    if (table.conflict(copy.session) !== undefined) continue;
    const chain = table.open(copy.session, copy.channel);
    // Who names whom was seen by one side only where one is ahead; where both stand alike, either may have seen it.
    if (copy.seq === chain.seq) {
      if (chain.seq > 0) table.setTip(chain, copy.tip && table.isTip(chain));
      chain.closed ??= copy.closed;
    } else if (copy.seq > chain.seq) {
      const mine = copy.index.subarray((chain.seq - 1) * HEAD_BYTES, chain.seq * HEAD_BYTES);
      if (chain.seq > 0 && !chain.has({ seq: chain.seq, hash: mine })) continue;
      chain.moveTo(copy);
      table.setTip(chain, copy.tip);
    }
  }
}
