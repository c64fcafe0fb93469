/** How a run is told in words: its end, who ran it and when. The words are the contract of docs/interface.md. */
import type { RunEnd } from '../runtime/runtime.ts';
import { runEndWords } from './messages.ts';

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

/** 130 → '0.13 s', 63,000 → '1 min 3 s'. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** 869_000_000 → '869 MB', in thousands as disks and downloads count. */
export function bytes(count: number): string {
  if (count < 1000) return count === 1 ? '1 byte' : `${count} bytes`;
  const units = ['kB', 'MB', 'GB'];
  let value = count / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
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
