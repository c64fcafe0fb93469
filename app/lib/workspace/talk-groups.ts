/** Messages as the chat shows them: by day, and within it by who goes on speaking. Pure. */
import type { MessageView } from './room-model.ts';

export interface MessageGroup {
  /** Of its first message. */
  readonly id: string;
  readonly by: MessageView['by'];
  readonly time: number;
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
    const newDay = before === undefined || startOfDay(before.time) !== startOfDay(message.time);
    const group = groups.at(-1);
    const goesOn =
      group !== undefined &&
      !newDay &&
      group.by.device === message.by.device &&
      group.by.name === message.by.name &&
      message.time - group.time < GROUP_MS;
    if (goesOn) group.messages.push(message);
    else {
      const { id, by, time } = message;
      groups.push({ id, by, time, messages: [message], ...(newDay && { day: dayWords(time, nowMs) }) });
    }
    before = message;
  }
  return groups;
}

/** "Today", "Yesterday", "Thursday", "3 November", "3 November 2025". */
export function dayWords(thenMs: number, nowMs: number, locale = 'en-GB'): string {
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

const startOfDay = (ms: number): number => new Date(ms).setHours(0, 0, 0, 0);
