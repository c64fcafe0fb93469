/** The keys that belong to the whole room page, chosen not to fight the browser's own, and the walk from pane to pane. */

export type RoomKey =
  'run' | 'go-to-file' | 'commands' | 'close-file' | 'wrap' | 'next-pane' | 'previous-pane' | 'saved-already';

type Pressed = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>;

/** What a key press means to the room; undefined leaves it to whatever has the focus. */
export function roomKey({ key, code, ctrlKey, metaKey, altKey, shiftKey }: Pressed): RoomKey | undefined {
  const mod = ctrlKey !== metaKey && (ctrlKey || metaKey);
  if (key === 'F6' && !mod && !altKey) return shiftKey ? 'previous-pane' : 'next-pane';
  if (mod && !altKey && !shiftKey) {
    if (key === 'Enter') return 'run';
    if (code === 'KeyP') return 'go-to-file';
    if (code === 'KeyK') return 'commands';
    // Everything is saved as it is typed: the browser's "Save page" would only confuse.
    if (code === 'KeyS') return 'saved-already';
  }
  if (altKey && !mod && !shiftKey) {
    // Ctrl+W is the browser's.
    if (code === 'KeyW') return 'close-file';
    if (code === 'KeyZ') return 'wrap';
  }
  return undefined;
}

/** What F6 walks through, in reading order: of each pane the first of these that is shown. */
const STOPS: readonly (readonly string[])[] = [
  ['[aria-label="Room name"]'],
  ['[role="tree"] [tabindex="0"]', 'nav[aria-label="Project"] button'],
  ['.cm-content', '[role="tabpanel"] button'],
  ['[role="log"][aria-label="Output"]'],
  ['[aria-label="Message"]', '[role="log"][aria-label="Messages"]'],
  ['footer button', 'nav[aria-label="Panes"] button'],
];

/** Moves the focus to the next pane (or the one before) of the room under `root`. */
export function moveFocus(root: HTMLElement, way: 'next-pane' | 'previous-pane'): void {
  const shown = (selector: string): HTMLElement | undefined =>
    [...root.querySelectorAll<HTMLElement>(selector)].find((element) => element.checkVisibility());
  const stops = STOPS.flatMap((choices) => {
    const stop = choices.map(shown).find((element) => element !== undefined);
    return stop ?? [];
  });
  const focused = document.activeElement;
  const at = stops.findLastIndex((stop) => focused !== null && !isBefore(focused, stop));
  const step = way === 'next-pane' ? 1 : -1;
  stops[(Math.max(at, way === 'next-pane' ? -1 : 0) + step + stops.length) % stops.length]?.focus();
}

/** Whether `a` comes before `b` in the page. */
const isBefore = (a: Element, b: Element): boolean =>
  a !== b && !b.contains(a) && (a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;
