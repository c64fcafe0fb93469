/** Which alerts are shown at once: one of an id, few in all, and never a failure pushed out by news. Pure. */
import type { AlertView } from './room-model.ts';

export type NewAlert = Omit<AlertView, 'id' | 'actions'> & { readonly actions?: AlertView['actions'] };

/** More than this many at once is a wall, not a message. Only failures may be more: each asks for something else. */
const MAX_ALERTS = 4;

/** Time to read three lines twice. */
const NEWS_FOR_MS = 20_000;

/** How long an alert stays by itself: news that asks for nothing goes. Undefined: until it is over or dismissed. */
export const staysForMs = ({ tone, actions }: NewAlert): number | undefined =>
  tone === 'info' && !actions?.length ? NEWS_FOR_MS : undefined;

/**
 * The alerts with this one added; one with the same id is replaced, so that a repeated failure stays one message. Where
 * they are too many the oldest news goes, then the oldest warning; what is bad stays until it is over or dismissed.
 */
export function withAlert(shown: readonly AlertView[], id: string, alert: NewAlert): readonly AlertView[] {
  const all = [...shown.filter((each) => each.id !== id), { actions: [], ...alert, id }];
  while (all.length > MAX_ALERTS) {
    const info = all.findIndex(({ tone }) => tone === 'info');
    const drop = info >= 0 ? info : all.findIndex(({ tone }) => tone === 'warn');
    if (drop < 0) break;
    all.splice(drop, 1);
  }
  return all;
}
