/** Which files are open, and which one is in front: plain values in, plain values out. */

export interface OpenTabs {
  /** From left to right. */
  readonly ids: readonly string[];
  readonly active: string | undefined;
}

export const NO_TABS: OpenTabs = { ids: [], active: undefined };

/** Brings a file to the front; a new one opens right of the active one, where the eye is. */
export function openTab(tabs: OpenTabs, id: string): OpenTabs {
  if (tabs.ids.includes(id)) return tabs.active === id ? tabs : { ...tabs, active: id };
  const at = tabs.active === undefined ? tabs.ids.length : tabs.ids.indexOf(tabs.active) + 1;
  return { ids: tabs.ids.toSpliced(at, 0, id), active: id };
}

/** Closes a file; if it was in front, its right neighbour comes forward, else its left one. */
export function closeTab(tabs: OpenTabs, id: string): OpenTabs {
  const at = tabs.ids.indexOf(id);
  if (at === -1) return tabs;
  const ids = tabs.ids.toSpliced(at, 1);
  return { ids, active: tabs.active === id ? (ids[at] ?? ids[at - 1]) : tabs.active };
}

/** Drops the files that are no longer in the project. The same object if none were. */
export function keepTabs(tabs: OpenTabs, exists: (id: string) => boolean): OpenTabs {
  return tabs.ids.filter((id) => !exists(id)).reduce(closeTab, tabs);
}

/** The tabs to start with, of those kept from last time; the first file where nothing was kept. */
export function firstTabs(
  kept: OpenTabs,
  files: readonly { readonly id: string; readonly kind: string; readonly path: string }[],
): OpenTabs {
  const tabs = keepTabs(kept, (id) => files.some((file) => file.id === id));
  if (tabs.active !== undefined) return tabs;
  const first = welcomeFile(files);
  return first === undefined ? NO_TABS : openTab(NO_TABS, first);
}

/** What someone new would look at first, best first. */
const WELCOMING = [/^main\.\w+$/, /^index\.\w+$/, /^app\.\w+$/, /^__main__\.py$/, /^readme(\.\w+)?$/i];

function welcomeFile(
  files: readonly { readonly id: string; readonly kind: string; readonly path: string }[],
): string | undefined {
  const texts = files.filter((file) => file.kind === 'text');
  const depth = (path: string): number => path.split('/').length;
  const rank = (path: string): number => {
    const found = WELCOMING.findIndex((pattern) => pattern.test(path.slice(path.lastIndexOf('/') + 1)));
    return found === -1 ? WELCOMING.length : found;
  };
  const best = texts.toSorted(
    (a, b) => depth(a.path) - depth(b.path) || rank(a.path) - rank(b.path) || (a.path < b.path ? -1 : 1),
  );
  return best[0]?.id;
}
