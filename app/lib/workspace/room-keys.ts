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

/** What F6 walks through, in reading order; each is found and focused only where it is shown. */
const STOPS = [
  '[aria-label="Room name"]',
  '[role="tree"] [tabindex="0"], nav[aria-label="Project"] button',
  '.cm-content',
  '[role="log"]',
  'footer button',
];

/** Moves the focus to the next pane (or the one before) of the room under `root`. */
export function moveFocus(root: HTMLElement, way: 'next-pane' | 'previous-pane'): void {
  const stops = STOPS.flatMap((selector) => {
    const shown = [...root.querySelectorAll<HTMLElement>(selector)].find((element) =>
      element.checkVisibility(),
    );
    return shown ?? [];
  });
  const focused = document.activeElement;
  const at = stops.findLastIndex((stop) => focused !== null && !isBefore(focused, stop));
  const step = way === 'next-pane' ? 1 : -1;
  stops[(at + step + stops.length) % stops.length]?.focus();
}

/** Whether `a` comes before `b` in the page. */
const isBefore = (a: Element, b: Element): boolean =>
  a !== b && !b.contains(a) && (a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;
