/** Vectors of the order in which a log takes what comes, segments being those of chains.ts by name (ACC, LOG-11). */
import type { Channel } from '../../app/lib/core/ids.ts';
import type { Who } from './vector-room.ts';

interface Step {
  readonly receive: string;
  /** Entries that became part of the log, in this order, with the time told of each in `talk` and `runs`. */
  readonly accepted?: readonly {
    readonly by: Who;
    readonly channel: Channel;
    readonly seqs: readonly number[];
    readonly told?: readonly number[];
  }[];
  readonly held?: true;
  readonly gap?: { readonly have: number; readonly need: number };
  readonly duplicate?: true;
}

/** Each begins with a log that knows the genesis statement and nothing else. */
export function acceptVectors(): { name: string; rules: string[]; steps: Step[] }[] {
  const ann = (...seqs: number[]) => ({ by: 'ann', channel: 'project', seqs }) as const;
  const ben = { by: 'ben', channel: 'project', seqs: [1] } as const;
  const benTalk = { by: 'ben', channel: 'talk', seqs: Array.from({ length: 100 }, (_, i) => i + 1) } as const;
  const told = (by: Who, seqs: number[], times: number[]) =>
    ({ by, channel: 'runs', seqs, told: times }) as const;
  return [
    {
      name: 'in order, and again',
      rules: ['ACC-1', 'ACC-13'],
      steps: [
        { receive: 'ann-1', accepted: [ann(1)] },
        { receive: 'ann-2', accepted: [ann(2)] },
        { receive: 'ann-1', duplicate: true },
        { receive: 'ben-1', accepted: [ben] },
      ],
    },
    {
      name: 'cut otherwise',
      rules: ['ACC-1', 'LOG-8'],
      steps: [
        { receive: 'ann-1', accepted: [ann(1)] },
        { receive: 'ann-1-to-3', accepted: [ann(2, 3)] },
        { receive: 'ann-3', duplicate: true },
      ],
    },
    {
      name: 'an answer before what it answers',
      rules: ['ACC-13', 'LOG-4'],
      steps: [
        { receive: 'ben-1', held: true },
        { receive: 'ann-1', accepted: [ann(1)] },
        { receive: 'ann-2', accepted: [ann(2), ben] },
      ],
    },
    {
      name: 'a gap, and a session not known yet',
      rules: ['ACC-14'],
      steps: [
        { receive: 'ann-2', gap: { have: 0, need: 1 } },
        { receive: 'ann-1', accepted: [ann(1)] },
        { receive: 'ann-3', held: true, gap: { have: 1, need: 2 } },
        { receive: 'ann-2', accepted: [ann(2), ann(3)] },
      ],
    },
    {
      name: 'squashed by a reader',
      rules: ['LOG-9', 'ACC-1'],
      steps: [
        { receive: 'ben-talk-squashed', accepted: [benTalk] },
        { receive: 'ben-talk-61-to-100', duplicate: true },
      ],
    },
    {
      name: 'the time told is after what is named, whatever clocks say',
      rules: ['LOG-11'],
      steps: [
        { receive: 'ben-runs', held: true },
        { receive: 'eve-run', accepted: [told('eve', [1], [2 ** 52])] },
        {
          receive: 'ann-run',
          accepted: [told('ann', [1], [9_000_000]), told('ben', [1, 2], [9_000_001, 9_000_002])],
        },
        { receive: 'eve-talk', accepted: [{ by: 'eve', channel: 'talk', seqs: [1], told: [1] }] },
      ],
    },
  ];
}
