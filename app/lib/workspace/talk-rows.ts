/** Messages as the chat shows them: which begin a day, and which show who speaks and when. Pure. */
import type { MessageView } from './room-model.ts';

export interface MessageRow {
  readonly message: MessageView;
  /** The day in words, where it is another than before. */
  readonly day?: string;
  /** Shown above it, unless it goes on from the one before. */
  readonly head?: {
    /** Undefined where its author's clock can't have been right. */
    readonly time: number | undefined;
  };
}

/** Who speaks on is named again, with the time, after so long. */
const HEAD_EVERY_MS = 10 * 60 * 1000;
const DAY_MS = 24 * 60 * 60 * 1000;

/** Rows of `messages`, oldest first; days as seen at `nowMs`. */
export function rowsOf(messages: readonly MessageView[], nowMs: number): MessageRow[] {
  let before: MessageView | undefined;
  let headTime = 0;
  return messages.map((message) => {
    const { by, time } = message;
    const newDay = before === undefined || dayOf(before.time, nowMs) !== dayOf(time, nowMs);
    const goesOn =
      !newDay &&
      before?.by.device === by.device &&
      before.by.name === by.name &&
      time - headTime < HEAD_EVERY_MS;
    before = message;
    if (goesOn) return { message };
    headTime = time;
    const head = { time: isAhead(time, nowMs) ? undefined : time };
    return newDay ? { message, head, day: dayWords(time, nowMs) } : { message, head };
  });
}

/** "Today", "Yesterday", "Thursday", "3 November", "3 November 2025", "Time unknown". */
export function dayWords(thenMs: number, nowMs: number, locale = 'en-GB'): string {
  if (isAhead(thenMs, nowMs)) return 'Time unknown';
  const days = Math.round((startOfDay(nowMs) - startOfDay(thenMs)) / DAY_MS);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  const write = (options: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat(locale, options).format(thenMs);
  if (days > 1 && days < 7) return write({ weekday: 'long' });
  const sameYear = new Date(thenMs).getFullYear() === new Date(nowMs).getFullYear();
  return write({ day: 'numeric', month: 'long', ...(!sameYear && { year: 'numeric' }) });
}

/** "14:31" */
export const clockWords = (ms: number, locale = 'en-GB'): string =>
  new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' }).format(ms);

/**
 * Times are claims, and what answers a message is told after it (LOG-11): one clock set centuries ahead takes the clock of
 * all that follows along. More than a day ahead is no day to show.
 */
const isAhead = (thenMs: number, nowMs: number): boolean => thenMs > nowMs + DAY_MS;
const dayOf = (thenMs: number, nowMs: number): number =>
  isAhead(thenMs, nowMs) ? Infinity : startOfDay(thenMs);

const startOfDay = (ms: number): number => new Date(ms).setHours(0, 0, 0, 0);
