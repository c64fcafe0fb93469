/** Messages as the chat shows them: by day, and within it by who goes on speaking. Pure. */
import type { MessageView } from './room-model.ts';

export interface MessageGroup {
  /** Of its first message. */
  readonly id: string;
  readonly by: MessageView['by'];
  /** Undefined where its author's clock can't have been right. */
  readonly time: number | undefined;
  /** The day in words, where it is another than before. */
  readonly day?: string;
  readonly messages: readonly MessageView[];
}

/** Who is silent for so long begins anew, with the time. */
const GROUP_MS = 10 * 60 * 1000;
const DAY_MS = 24 * 60 * 60 * 1000;

/** Groups of `messages`, oldest first; days as seen at `nowMs`. */
export function groupsOf(messages: readonly MessageView[], nowMs: number): MessageGroup[] {
  const groups: (MessageGroup & { readonly messages: MessageView[] })[] = [];
  let before: MessageView | undefined;
  for (const message of messages) {
    const newDay = before === undefined || dayOf(before.time, nowMs) !== dayOf(message.time, nowMs);
    const group = groups.at(-1);
    const goesOn =
      group !== undefined &&
      !newDay &&
      group.by.device === message.by.device &&
      group.by.name === message.by.name &&
      message.time - (group.messages[0]?.time ?? 0) < GROUP_MS;
    if (goesOn) group.messages.push(message);
    else {
      const { id, by } = message;
      const day = newDay && { day: dayWords(message.time, nowMs) };
      const time = isAhead(message.time, nowMs) ? undefined : message.time;
      groups.push({ id, by, time, messages: [message], ...day });
    }
    before = message;
  }
  return groups;
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
