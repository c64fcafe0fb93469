/** Vectors of what of a former epoch is part of the room: closed sessions and carries (ROST-10, ROST-11). */
import { concat, type Bytes } from '../../app/lib/core/bytes.ts';
import type { Channel } from '../../app/lib/core/ids.ts';
import type { RefusalCode } from '../../app/lib/log/format.ts';
import { encodeFrontier, type FrontierRow } from '../../app/lib/log/frontier.ts';
import { intoRoot, type Written } from './chains.ts';
import type { EpochRoom } from './epoch-room.ts';
import { hex, sealBody, VectorChain, writeCertificate } from './vector-room.ts';

/** Segments of epoch 1, or of sessions that epoch 1 closed. */
export async function epochSegmentVectors(epochs: EpochRoom, { chains, segments }: Written) {
  const { room, keys, dan, fay, danPair } = epochs;
  const { sessions, roomId } = room;
  const [, first] = keys;
  const rowAt = async (name: string, seq: number): Promise<FrontierRow> => {
    const chain = chains[name];
    const hash = (await chain?.hashes())?.[seq - 1];
    if (!chain || !hash) throw new Error(`no entry ${seq} of ${name}`);
    return { session: chain.session.id, channel: chain.channel, seq, hash };
  };
  const annsThird = await rowAt('annProject', 3);
  const bensTalk = await rowAt('benTalk', 100);
  const annCarries = new VectorChain(sessions.ann, 'carry').add(encodeFrontier([annsThird]));
  const [annsHash] = await annCarries.hashes();
  if (!annsHash) throw new Error('an entry has a hash');
  const annsCarry = { session: sessions.ann.id, channel: 'carry' as Channel, seq: 1, hash: annsHash };
  const otherHash = { ...annsThird, hash: new Uint8Array(32) };

  const one = async (
    name: string,
    by: string,
    chain: VectorChain,
    rules: string[],
    of = first,
    certificate?: Bytes,
  ) => {
    const { plain } = await chain.segment(1, chain.entries.length, certificate ?? chain.session.certificate);
    return {
      name,
      rules,
      by,
      epoch: of.epoch,
      channel: chain.channel,
      sealed: hex(await sealBody(of, 'segment', plain)),
    };
  };
  const carry = (name: string, rows: readonly FrontierRow[], by = dan) =>
    one(name, by === fay ? 'fay' : 'dan', new VectorChain(by, 'carry').add(encodeFrontier(rows)), [
      'ROST-11',
    ]);
  const danTypes = new VectorChain(dan, 'project').add(intoRoot(dan.clientId, 0, 'files', 'new'));
  const certified = async (name: string, changed: Partial<Parameters<typeof writeCertificate>[0]>) => {
    const issuer = first.editInvite ?? danPair;
    const certificate = await writeCertificate({ roomId, issuer, session: danPair, epoch: 1, ...changed });
    return one(name, 'dan', danTypes, ['ROST-10', 'CERT-3'], first, certificate);
  };
  const third = segments.find(({ name }) => name === 'ann-3');
  if (!third || !room.keys.editInvite) throw new Error('Ann wrote three entries');
  return [
    await one('dan-1', 'dan', danTypes, ['ROST-10']),
    await carry('dan-carry', [annsThird, bensTalk]),
    await carry('dan-carry-another-hash', [otherHash]),
    await carry('dan-carry-both', [otherHash, annsThird]),
    await carry('dan-carry-of-ann', [annsCarry]),
    await carry('fay-carry', [annsThird, bensTalk], fay),
    await one('ann-carry', 'ann', annCarries, ['ROST-11'], room.keys),
    await one(
      'dan-no-carry',
      'dan',
      new VectorChain(dan, 'carry').add(concat(encodeFrontier([annsThird]), Uint8Array.of(0))),
      ['ROST-11'],
    ),
    {
      name: 'ann-3-sealed-anew',
      rules: ['ROST-10', 'SEAL-3'],
      by: 'ann',
      epoch: 1,
      channel: 'project' as Channel,
      sealed: hex(await sealBody(first, 'segment', third.plain)),
    },
    await certified('dan-of-epoch-2', { epoch: 2 }),
    await certified('dan-of-epoch-0', { epoch: 0 }),
    await certified('dan-by-an-old-invite', { issuer: room.keys.editInvite }),
  ];
}

interface Step {
  readonly receive: string;
  readonly accepted?: readonly {
    readonly by: string;
    readonly channel: Channel;
    readonly seqs: readonly number[];
  }[];
  readonly held?: true;
  readonly refused?: RefusalCode;
}

/** Each begins with a log of that epoch that knows the statements up to it. Segments by name, of either list. */
export function epochStepVectors(): { name: string; rules: string[]; epoch: 0 | 1; steps: Step[] }[] {
  const ann = (...seqs: number[]) => ({ by: 'ann', channel: 'project', seqs }) as const;
  const talk = (from: number, to: number) =>
    ({
      by: 'ben',
      channel: 'talk',
      seqs: Array.from({ length: to - from + 1 }, (_, i) => from + i),
    }) as const;
  const by = (who: string, channel: Channel) => ({ by: who, channel, seqs: [1] });
  const known: Step[] = [
    { receive: 'ann-1', accepted: [ann(1)] },
    { receive: 'ann-2', accepted: [ann(2)] },
    { receive: 'ann-3', held: true },
  ];
  return [
    {
      name: 'up to the closed frontier, and not on',
      rules: ['ROST-10'],
      epoch: 1,
      steps: [
        ...known,
        { receive: 'ben-talk-1-to-60', accepted: [talk(1, 60)] },
        { receive: 'ben-talk-61-to-100', held: true },
        { receive: 'eve-1', held: true },
        { receive: 'dan-1', accepted: [by('dan', 'project')] },
      ],
    },
    {
      name: 'within a segment',
      rules: ['ROST-10', 'ACC-1'],
      epoch: 1,
      steps: [{ receive: 'ann-1-to-3', accepted: [ann(1, 2)], held: true }],
    },
    {
      name: 'what an editor carries',
      rules: ['ROST-11'],
      epoch: 1,
      steps: [
        ...known,
        { receive: 'ben-talk-squashed', accepted: [talk(1, 60)], held: true },
        { receive: 'dan-carry', accepted: [by('dan', 'carry'), ann(3), talk(61, 100)] },
      ],
    },
    {
      name: 'carried first',
      rules: ['ROST-11', 'SEAL-3'],
      epoch: 1,
      steps: [
        { receive: 'dan-carry', accepted: [by('dan', 'carry')] },
        { receive: 'ann-1-to-3', accepted: [ann(1, 2, 3)] },
      ],
    },
    {
      name: 'sealed anew by a reader',
      rules: ['ROST-10', 'SEAL-3'],
      epoch: 1,
      steps: [
        { receive: 'dan-carry', accepted: [by('dan', 'carry')] },
        { receive: 'ann-1', accepted: [ann(1)] },
        { receive: 'ann-2', accepted: [ann(2)] },
        { receive: 'ann-3-sealed-anew', accepted: [ann(3)] },
      ],
    },
    {
      name: 'a commenter carries talk alone',
      rules: ['ROST-11', 'CERT-4'],
      epoch: 1,
      steps: [
        ...known,
        { receive: 'ben-talk-squashed', accepted: [talk(1, 60)], held: true },
        { receive: 'fay-carry', accepted: [by('fay', 'carry'), talk(61, 100)] },
      ],
    },
    {
      name: 'a row of another entry',
      rules: ['ROST-10'],
      epoch: 1,
      steps: [...known, { receive: 'dan-carry-another-hash', accepted: [by('dan', 'carry')] }],
    },
    {
      name: 'rows of both',
      rules: ['ROST-10'],
      epoch: 1,
      steps: [...known, { receive: 'dan-carry-both', accepted: [by('dan', 'carry'), ann(3)] }],
    },
    {
      name: 'a carry of a former epoch, let in itself, lets nobody in',
      rules: ['ROST-11'],
      epoch: 1,
      steps: [
        ...known,
        { receive: 'ann-carry', held: true },
        { receive: 'dan-carry-of-ann', accepted: [by('dan', 'carry'), by('ann', 'carry')] },
      ],
    },
    {
      name: 'what is no carry, and what takes its place',
      rules: ['ROST-11', 'ACC-1'],
      epoch: 1,
      steps: [
        ...known,
        { receive: 'dan-no-carry', refused: 'malformed-carry' },
        { receive: 'dan-no-carry', refused: 'chain-closed' },
        { receive: 'dan-carry', accepted: [by('dan', 'carry'), ann(3)] },
        { receive: 'dan-1', accepted: [by('dan', 'project')] },
      ],
    },
    {
      name: 'certificates of other epochs',
      rules: ['ROST-10', 'CERT-2', 'CERT-3'],
      epoch: 1,
      steps: [
        { receive: 'dan-of-epoch-2', refused: 'wrong-epoch' },
        { receive: 'dan-of-epoch-0', refused: 'unknown-issuer' },
        { receive: 'dan-by-an-old-invite', refused: 'unknown-issuer' },
        { receive: 'dan-1', accepted: [by('dan', 'project')] },
      ],
    },
    {
      name: 'a segment of an epoch that is not known',
      rules: ['SEAL-2', 'SEAL-3'],
      epoch: 0,
      steps: [{ receive: 'dan-1', refused: 'wrong-epoch' }],
    },
  ];
}
