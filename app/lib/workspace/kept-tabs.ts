/** Open tabs as they were kept in this browser: one door, whatever is found there. */
import { NO_TABS, type OpenTabs } from './open-tabs.ts';

/** More tabs than anyone reads. */
const MAX_TABS = 100;

export function readTabs(kept: string | null): OpenTabs {
  let value: unknown;
  try {
    value = JSON.parse(kept ?? '');
  } catch {
    return NO_TABS;
  }
  if (typeof value !== 'object' || value === null) return NO_TABS;
  const { ids, active } = value as Partial<Record<keyof OpenTabs, unknown>>;
  if (!Array.isArray(ids)) return NO_TABS;
  const known = [...new Set(ids.filter((id): id is string => typeof id === 'string'))].slice(0, MAX_TABS);
  return { ids: known, active: known.find((id) => id === active) ?? known[0] };
}
