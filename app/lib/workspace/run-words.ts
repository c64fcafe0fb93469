/** How a run is told in words: its end, who ran it and when. The words are the contract of docs/interface.md. */
import type { RunEnd } from '../runtime/runtime.ts';
import { bytes, duration } from './amounts.ts';
import type { RunView } from './room-model.ts';

export type EndTone = 'good' | 'warn' | 'bad';

export interface EndWords {
  readonly tone: EndTone;
  /** `exit 0 · 0.13 s` */
  readonly words: string;
}

export function endWords(end: RunEnd, durationMs: number): EndWords {
  return { tone: toneOf(end), words: `${runEndWords(end)} · ${duration(durationMs)}` };
}

function toneOf(end: RunEnd): EndTone {
  switch (end.kind) {
    case 'exit':
      return end.code === 0 ? 'good' : 'bad';
    case 'stopped':
    case 'time-limit':
    case 'output-limit':
      return 'warn';
    case 'out-of-memory':
    case 'failed':
      return 'bad';
  }
}

/** The last words of a run: `exit 0`, `stopped`, `time limit`, `out of memory`. */
function runEndWords(end: RunEnd): string {
  switch (end.kind) {
    case 'exit':
      return `exit ${end.code}`;
    case 'stopped':
      return 'stopped';
    case 'time-limit':
      return `time limit (${Math.round(end.limitMs / 1000)} s)`;
    case 'output-limit':
      return `output limit (${bytes(end.limitBytes)})`;
    case 'out-of-memory':
      return 'out of memory';
    case 'failed':
      return end.message;
  }
}

/** Why a file can't be run; `shown` is its path, undefined where no text file is in front. */
export function noRuntimeWords(shown: string | undefined): string {
  return shown === undefined
    ? 'Open a program to run it.'
    : `Nothing here runs ${shown.split('/').pop()}: Python, JavaScript and TypeScript run.`;
}

/** What of the output is not here, or not with the others; empty where all of it is. */
export function missingWords({
  notShared,
  notKept,
  by,
}: Pick<RunView, 'notShared' | 'notKept' | 'by'>): string[] {
  return [
    ...(notKept > 0 ? [`${bytes(notKept)} from the middle are not kept in this tab any more`] : []),
    ...(notShared > 0
      ? [
          by.me
            ? `${bytes(notShared)} were not shared with the room`
            : `${bytes(notShared)} more stayed with ${by.name}`,
        ]
      : []),
  ];
}

/** 'You ran this at 14:32': with the day when it wasn't today. */
export function ranBy(
  by: { readonly name: string; readonly me: boolean },
  startedAt: number,
  now: number,
): string {
  const at = new Date(startedAt);
  const sameDay = at.toDateString() === new Date(now).toDateString();
  const time = at.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const when = sameDay
    ? time
    : `${at.toLocaleDateString(undefined, { day: 'numeric', month: 'short' })}, ${time}`;
  return `${by.me ? 'You' : by.name} ran this at ${when}`;
}
