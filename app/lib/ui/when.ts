/** A past moment in the words people use for it: "today, 14:33", "Thursday", "3 November". */

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Words for `thenMs` as seen at `nowMs` (both ms since 1970, local time zone). Today has the time, yesterday its name,
 * the last six days their weekday, this year day and month, else the year too. What lies in the future (a clock that
 * was wrong) is shown as a date, never as "today" of another day.
 */
export function whenInWords(thenMs: number, nowMs: number, locale: string | undefined = 'en-GB'): string {
  const then = new Date(thenMs);
  const write = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(locale, options).format(then);
  // Rounding forgives the hour that a day gains or loses when the clocks change.
  const days = Math.round((startOfDay(nowMs) - startOfDay(thenMs)) / DAY_MS);
  if (days === 0) return `today, ${write({ hour: '2-digit', minute: '2-digit' })}`;
  if (days === 1) return 'yesterday';
  if (days > 1 && days < 7) return write({ weekday: 'long' });
  const sameYear = then.getFullYear() === new Date(nowMs).getFullYear();
  return write(
    sameYear ? { day: 'numeric', month: 'long' } : { day: 'numeric', month: 'long', year: 'numeric' },
  );
}

const startOfDay = (ms: number): number => new Date(ms).setHours(0, 0, 0, 0);
