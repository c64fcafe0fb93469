/** Vectors of chains, segments and the frontier (LOG), and the updates they carry. */
import { utf8, type Bytes } from '../../app/lib/core/bytes.ts';
import { encodeHeads, segmentMessage, type Head } from '../../app/lib/log/entry.ts';
import { squash } from '../../app/lib/log/squash.ts';
import { openSealed } from '../../app/lib/log/seal.ts';
import type { FrontierRow } from '../../app/lib/log/frontier.ts';
import {
  bytesOf,
  hex,
  sealBody,
  VectorChain,
  type Packing,
  type VectorRoom,
  type Who,
  type WrittenSegment,
} from './vector-room.ts';

/** An update of one struct by `client`, the struct in hex, and of no deletions. */
export const updateOf = (client: number, clock: number, struct: string): Bytes =>
  bytesOf(`01 01 ${varUint(client)} ${varUint(clock)} ${struct} 00`);

/** An insertion at the beginning of a root, and one between, or after, what has the given ids. */
export const intoRoot = (client: number, clock: number, root: string, said: string): Bytes =>
  updateOf(client, clock, `04 01 ${text(root)} ${text(said)}`);
export const between = (client: number, clock: number, ids: readonly Id[], said: string): Bytes => {
  const named = ids.map(([of, at]) => varUint(of) + varUint(at)).join('');
  return updateOf(client, clock, `${ids.length === 1 ? '84' : 'c4'} ${named} ${text(said)}`);
};

type Id = readonly [client: number, clock: number];

const varUint = (value: number): string => {
  const low = (value % 128) + (value >= 128 ? 128 : 0);
  return low.toString(16).padStart(2, '0') + (value >= 128 ? varUint(Math.floor(value / 128)) : '');
};
const text = (said: string): string => varUint(utf8(said).length) + hex(utf8(said));

export interface NamedSegment extends WrittenSegment {
  readonly name: string;
  readonly rules: readonly string[];
  readonly by: Who;
  readonly sealed: Bytes;
  readonly packing: Packing;
}

/** The chains of the vectors, and the segments cut from them by name. */
export interface Written {
  readonly chains: Readonly<Record<string, VectorChain>>;
  readonly segments: readonly NamedSegment[];
  readonly squashed: NamedSegment;
}

export async function writeChains(room: VectorRoom): Promise<Written> {
  const { sessions, keys } = room;
  const { ann, ben, eve } = sessions;
  const annProject = new VectorChain(ann, 'project')
    .add(intoRoot(ann.clientId, 0, 'files', 'root'))
    .add(intoRoot(ann.clientId, 4, 'blobs', 'other'), undefined, 1_700_000_000_250)
    .add(bytesOf(`00 01 ${varUint(ann.clientId)} 01 00 02`), undefined, 1_699_999_999_000);
  const annHashes = await annProject.hashes();
  const headOf = (seq: number, hashes: readonly Bytes[]): Head => ({
    seq,
    hash: (hashes[seq - 1] ?? new Uint8Array()).subarray(0, 16),
  });
  const benProject = new VectorChain(ben, 'project').add(
    between(ben.clientId, 0, [[ann.clientId, 3]], '!'),
    encodeHeads([headOf(2, annHashes)]),
  );
  const eveProject = new VectorChain(eve, 'project').add(intoRoot(eve.clientId, 0, 'files', 'x'));
  const annRuns = new VectorChain(ann, 'runs').add(utf8('a'), undefined, 9_000_000);
  const annRunHashes = await annRuns.hashes();
  const benRuns = new VectorChain(ben, 'runs')
    .add(utf8('b'), encodeHeads([headOf(1, annRunHashes)]), 5)
    .add(utf8('c'), undefined, 6);
  const eveRuns = new VectorChain(eve, 'runs').add(utf8('d'), undefined, Number.MAX_SAFE_INTEGER);
  const eveTalk = new VectorChain(eve, 'talk').add(utf8('e'), encodeHeads([headOf(1, annRunHashes)]), 0);
  const benTalk = new VectorChain(ben, 'talk');
  for (let i = 0; i < 100; i++) benTalk.add(Uint8Array.of(i), undefined, 1_700_000_000_000 + i * 40);

  const named = async (
    name: string,
    by: Who,
    chain: VectorChain,
    range: readonly [number, number],
    rules: string[],
    packing?: Packing,
  ): Promise<NamedSegment> => {
    const written = await chain.segment(...range);
    const how = packing ?? (written.plain.length > 512 ? 'plain' : 'app');
    const sealed = await sealBody(keys, 'segment', written.plain, how);
    return { ...written, name, by, rules: ['LOG-6', 'SEAL-1', ...rules], sealed, packing: how };
  };
  const segments = [
    await named('ann-1', 'ann', annProject, [1, 1], ['LOG-5', 'SEAL-4', 'SEAL-5']),
    await named('ann-2', 'ann', annProject, [2, 2], ['LOG-8']),
    await named('ann-3', 'ann', annProject, [3, 3], ['LOG-3', 'ACC-12']),
    await named('ann-1-to-3', 'ann', annProject, [1, 3], ['LOG-6']),
    await named('ben-1', 'ben', benProject, [1, 1], ['LOG-4', 'ACC-13']),
    await named('eve-1', 'eve', eveProject, [1, 1], ['LOG-6']),
    await named('ann-run', 'ann', annRuns, [1, 1], ['LOG-1']),
    await named('ben-runs', 'ben', benRuns, [1, 2], ['LOG-1', 'LOG-4']),
    await named('eve-run', 'eve', eveRuns, [1, 1], ['LOG-3']),
    await named('eve-talk', 'eve', eveTalk, [1, 1], ['LOG-4']),
    await named('ben-talk-1-to-60', 'ben', benTalk, [1, 60], ['SEAL-4']),
    await named('ben-talk-61-to-100', 'ben', benTalk, [61, 100], ['SEAL-4'], 'deflated'),
  ];
  return {
    chains: { annProject, benProject, eveProject, annRuns, benRuns, eveRuns, eveTalk, benTalk },
    segments,
    squashed: await squashedOf(room, segments),
  };
}

/** What a reader makes of Ben's two segments, sealed so that every machine writes the same (LOG-9). */
async function squashedOf(
  { keys, sessions }: VectorRoom,
  segments: readonly NamedSegment[],
): Promise<NamedSegment> {
  const stored = segments
    .filter(({ name }) => name.startsWith('ben-talk'))
    .map(({ channel, first, last, sealed }) => ({ session: sessions.ben.id, channel, first, last, sealed }));
  const [made] = await squash(keys, stored, 100);
  const opened = made && (await openSealed(keys, 'segment', made.segment.sealed));
  if (!opened?.ok) throw new Error('nothing was squashed');
  const plain = opened.value.slice();
  return {
    name: 'ben-talk-squashed',
    rules: ['LOG-9', 'SEAL-1', 'SEAL-4', 'SEAL-5'],
    by: 'ben',
    channel: 'talk',
    first: 1,
    last: 100,
    plain,
    sealed: await sealBody(keys, 'segment', plain, 'deflated'),
    packing: 'deflated',
  };
}

/** Chain hashes, entry by entry, and what the author signs at the last. */
export async function chainVectors({ sessions, pairs }: VectorRoom, { chains }: Written) {
  const one = async (name: string, by: Who, chain: VectorChain, rules: string[]) => {
    const hashes = await chain.hashes();
    const last = hashes.at(-1) ?? chain.start;
    return {
      name,
      rules: ['LOG-2', 'LOG-5', ...rules],
      by,
      publicKey: hex(pairs[by].publicKey),
      channel: chain.channel,
      start: hex(chain.start),
      entries: chain.entries.map(({ time, heads, payload }, i) => ({
        time,
        heads: hex(heads),
        payload: hex(payload),
        hash: hex(hashes[i] ?? new Uint8Array()),
      })),
      signed: hex(segmentMessage(chain.channel, last)),
      signature: hex(await sessions[by].sign(segmentMessage(chain.channel, last))),
    };
  };
  const need = (name: string): VectorChain => {
    const chain = chains[name];
    if (chain === undefined) throw new Error(`no chain ${name}`);
    return chain;
  };
  return [
    await one('ann/project', 'ann', need('annProject'), ['LOG-1']),
    await one('ben/project', 'ben', need('benProject'), ['LOG-4']),
    await one('ann/runs', 'ann', need('annRuns'), ['LOG-1']),
    await one('eve/runs', 'eve', need('eveRuns'), ['LOG-3']),
  ];
}

/** Segments given before sealing too; what the others hold shows when they are opened. */
const IN_PLAIN = ['ann-1', 'ann-2', 'ben-talk-squashed'];

export const segmentVectors = ({ segments, squashed }: Written) =>
  [...segments, squashed].map(({ name, rules, by, channel, first, last, packing, plain, sealed }) => ({
    name,
    rules,
    by,
    channel,
    first,
    last,
    ...(packing !== 'app' && { packing }),
    ...(IN_PLAIN.includes(name) && { plain: hex(plain) }),
    sealed: hex(sealed),
  }));

/** Where the room stands when Ann's and Ben's project chains and Ann's run are here. */
export async function frontierOf({ sessions }: VectorRoom, { chains }: Written): Promise<FrontierRow[]> {
  const rows: FrontierRow[] = [];
  for (const [by, name] of [
    ['ann', 'annProject'],
    ['ben', 'benProject'],
    ['ann', 'annRuns'],
  ] as const) {
    const chain = chains[name];
    const hashes = (await chain?.hashes()) ?? [];
    const hash = hashes.at(-1);
    if (chain && hash)
      rows.push({ session: sessions[by].id, channel: chain.channel, seq: hashes.length, hash });
  }
  return rows;
}
