/**
 * The chains of a room as bytes: for a device snapshot and for handing over between page and worker. Trusted: made and
 * read on one device only, so signatures are not checked again; damage is found, forgery is not.
 *
 *   version u8 ‖ epoch varUint ‖ varBytes forks known ‖ count varUint ‖ count × varBytes frontier carried into the epoch
 *     ‖ count varUint ‖ count × (channel u8 ‖ seq varUint ‖ hash[16]) otherwise let in ‖ count varUint ‖
 *     count × (varBytes certificate ‖ varBytes hash that the branch begins with, empty for a session's own chain
 *     ‖ channel u8 ‖ seq before its first varUint ‖ entries varUint ‖ head[32]
 *     ‖ count varUint ‖ count × (start varUint ‖ varString parent)
 *     ‖ count varUint ‖ count × (seq varUint ‖ count varUint ‖ count × branch[32])
 *     ‖ tip u8 ‖ varString closing code, empty when open ‖ varBytes of what closed it ‖ index[16 × entries]
 *     ‖ entries × varUint, less the one before: in `project` the next clock after it, elsewhere the time told)
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
import { equalBytes, fromHex, toHex, type Bytes } from '../core/bytes.ts';
import type { Channel, SessionId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import { Malformed, parse, type ByteReader } from '../core/byte-reader.ts';
import { branchSession } from './branches.ts';
import { readCertificate, type CheckedSession } from './certificate.ts';
import type { Chain, ChainState, Past } from './chain.ts';
import type { ChainTable } from './chain-table.ts';
import type { NamedEntry } from './closed-epochs.ts';
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

const VERSION = 5;
/** Two names of the length that struct-check.ts allows, and a separator. */
const MAX_PARENT_BYTES = 2049;

export interface ChainCopy extends ChainState {
  readonly session: CheckedSession;
  readonly channel: Channel;
  /** By whom, and with which first entry, where it is a branch. */
  readonly branch: { readonly author: CheckedSession; readonly hash: Bytes } | undefined;
  /** The seq before its first entry. */
  readonly base: number;
  readonly tip: boolean;
}

/** Chains that have entries or are closed. What is held goes not along: it is fetched again. */
export function exportChains(table: ChainTable): Bytes {
  const chains = [...table.chains()].filter(({ seq, base, closed }) => seq > base || closed !== undefined);
  const encoder = createEncoder();
  writeUint8(encoder, VERSION);
  writeVarUint(encoder, table.closedEpochs.current);
  writeVarUint8Array(encoder, table.knownForks);
  const { carried, vouched } = table.closedEpochs;
  const parts = partsOf(carried);
  writeVarUint(encoder, parts.length);
  for (const rows of parts) writeVarUint8Array(encoder, encodeFrontier(rows));
  writeVarUint(encoder, vouched.length);
  for (const { channel, seq, hash } of vouched) {
    writeUint8(encoder, channelCode(channel));
    writeVarUint(encoder, seq);
    writeUint8Array(encoder, hash);
  }
  writeVarUint(encoder, chains.length);
  for (const chain of chains) {
    writeVarUint8Array(encoder, chain.session.certificate);
    writeVarUint8Array(encoder, chain.branching?.start.hash ?? new Uint8Array());
    writeUint8(encoder, channelCode(chain.channel));
    writeVarUint(encoder, chain.base);
    writeVarUint(encoder, chain.seq - chain.base);
    writeUint8Array(encoder, chain.head);
    const { starts, keys } = chain.parents;
    writeVarUint(encoder, starts.length);
    for (const [i, start] of starts.entries()) {
      writeVarUint(encoder, start);
      writeVarString(encoder, keys[i] ?? '');
    }
    writeVarUint(encoder, chain.past.length);
    for (const { seq, branches } of chain.past) {
      writeVarUint(encoder, seq);
      writeVarUint(encoder, branches.size);
      for (const branch of branches) writeUint8Array(encoder, fromHex(branch));
    }
    writeUint8(encoder, table.isTip(chain) ? 1 : 0);
    writeVarString(encoder, chain.closed?.code ?? '');
    writeVarUint8Array(encoder, chain.closedBy ?? new Uint8Array());
    writeUint8Array(encoder, chain.index);
    let before = 0;
    for (const mark of chain.marks) {
      writeVarUint(encoder, mark - before);
      before = mark;
    }
  }
  return toUint8Array(encoder);
}

/** What `exportChains` made. */
export interface ChainCopies {
  readonly epoch: number;
  /** The forks that were known: see ChainTable.knownForks. */
  readonly forks: Bytes;
  readonly carried: readonly FrontierRow[];
  readonly vouched: readonly NamedEntry[];
  readonly chains: readonly ChainCopy[];
}

export function decodeChains(bytes: Bytes): Result<ChainCopies, string> {
  const read = parse(bytes, (reader) => {
    if (reader.u8() !== VERSION) throw new Malformed('another version');
    const current = reader.varUint();
    const forks = reader.varBytes(bytes.length).slice();
    const carried: FrontierRow[] = [];
    for (let count = reader.varUint(); count > 0; count--) {
      const rows = decodeFrontier(reader.varBytes(bytes.length));
      if (!rows.ok) throw new Malformed(rows.error);
      carried.push(...rows.value);
    }
    const vouched: NamedEntry[] = [];
    for (let count = reader.varUint(); count > 0; count--) {
      const channel = CHANNELS[reader.u8()];
      if (channel === undefined) throw new Malformed('unknown channel');
      vouched.push({ channel, seq: reader.varUint(), hash: reader.take(HEAD_BYTES).slice() });
    }
    const copies: ChainCopy[] = [];
    for (let count = reader.varUint(); count > 0; count--) {
      const certificate = readCertificate(reader.varBytes(MAX_CERTIFICATE_BYTES));
      if (!certificate.ok) throw new Malformed(certificate.error);
      const hash = reader.varBytes(HEAD_BYTES);
      const author = certificate.value.session;
      const session = hash.length === 0 ? author : branchSession(author, { hash });
      const channel = CHANNELS[reader.u8()];
      if (channel === undefined) throw new Malformed('unknown channel');
      const base = reader.varUint();
      const entries = reader.varUint();
      const seq = base + entries;
      const head = reader.take(HASH_BYTES).slice();
      const parents = new StructParents();
      for (let runs = reader.varUint(); runs > 0; runs--)
        parents.add(reader.varUint(), reader.text(MAX_PARENT_BYTES));
      const past: Past[] = [];
      for (let steps = reader.varUint(); steps > 0; steps--) {
        const from = reader.varUint();
        const branches = new Set<SessionId>();
        for (let names = reader.varUint(); names > 0; names--)
          branches.add(toHex(reader.take(HASH_BYTES)) as SessionId);
        past.push({ seq: from, branches });
      }
      const tip = reader.u8() === 1;
      const code = reader.text(64) as RefusalCode | '';
      const closed: Refusal | undefined =
        code === ''
          ? undefined
          : { code, detail: 'closed earlier', session: session.id, channel, seq: seq + 1 };
      const closedBy = reader.varBytes(HEAD_BYTES);
      copies.push({
        session,
        channel,
        branch: hash.length > 0 ? { author, hash: hash.slice() } : undefined,
        base,
        seq,
        head,
        parents,
        past,
        tip,
        closed,
        closedBy: closedBy.length === 0 ? undefined : closedBy.slice(),
        index: reader.take(entries * HEAD_BYTES),
        marks: readMarks(reader, entries),
      });
    }
    return { epoch: current, forks, carried, vouched, chains: copies };
  });
  return read.ok ? ok(read.value) : err(read.error);
}

function readMarks(reader: ByteReader, count: number): number[] {
  const marks: number[] = [];
  for (let mark = 0; marks.length < count; marks.push(mark)) mark += reader.varUint();
  return marks;
}

/** Moves every chain of `table` that is behind its copy to where the copy stands. */
export function adoptChains(table: ChainTable, copies: readonly ChainCopy[]): void {
  for (const copy of copies) {
    const chain = chainFor(table, copy);
    if (chain === undefined || !equalBytes(chain.session.certificate, copy.session.certificate)) continue;
    if (copy.seq > copy.base && table.contests.of(chain, copy.index) !== undefined) continue;
    // Who names whom was seen by one side only where one is ahead; where both stand alike, either may have seen it.
    if (copy.seq === chain.seq) {
      if (chain.seq > chain.base) table.setTip(chain, copy.tip && table.isTip(chain));
      chain.closed ??= copy.closed;
      chain.closedBy ??= copy.closedBy;
    } else if (copy.seq > chain.seq) {
      const at = (chain.seq - chain.base) * HEAD_BYTES;
      const mine = copy.index.subarray(at - HEAD_BYTES, at);
      if (at > 0 && !chain.has({ seq: chain.seq, hash: mine })) continue;
      table.move(chain, copy, copy.tip);
    }
  }
}

/** The chain that a copy is of. A branch is there as soon as what it leaves is, which was exported before it. */
function chainFor(table: ChainTable, { session, channel, base, branch }: ChainCopy): Chain | undefined {
  if (branch === undefined) return table.open(session, channel);
  if (base === 0) return table.openFirst(branch.author, channel, branch.hash)?.branch;
  return table.chain(session.id, channel);
}
