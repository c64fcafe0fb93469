/**
 * Draws where other people are: a caret of 2 px, their name above it (below on the first line) that fades after 2 s
 * without movement and comes back under the pointer, and a tint over what they selected. Drawn in layers beside the
 * text, so the lines people type in are never touched, and remote movement costs a keystroke nothing.
 */
import { EditorSelection, StateEffect, type Extension } from '@codemirror/state';
import { EditorView, RectangleMarker, ViewPlugin, layer, type ViewUpdate } from '@codemirror/view';
import { ySyncAnnotation } from 'y-codemirror.next';
import type * as Y from 'yjs';
import { CaretMarker, flagWidth, peerToken } from './caret-marker.ts';
import { placeOf, type PeerCursor, type Place } from './remote-position.ts';

/** Where the cursors of one file come from. */
export interface CursorSource {
  read(): readonly PeerCursor[];
  /** Calls back whenever `read` would answer differently; returns the way to stop. */
  onChange(changed: () => void): () => void;
}

/** How near the pointer must come to a caret to bring its name back, in px. */
const HOVER_REACH_PX = 6;

interface DrawnCursor extends Place {
  readonly cursor: PeerCursor;
  /** Counts the person's own movements, not those of the text around them. */
  readonly moves: number;
}

const redraw = StateEffect.define<null>();

export function remoteCursors(text: Y.Text, source: CursorSource): Extension {
  const places = ViewPlugin.define((view) => new Places(view, text, source), {
    eventObservers: {
      mousemove(event, view) {
        revealNear(view, event);
      },
    },
  });
  const drawn = (view: EditorView): readonly DrawnCursor[] => view.plugin(places)?.drawn ?? [];
  const changed = (update: ViewUpdate): boolean =>
    update.docChanged ||
    update.geometryChanged ||
    update.transactions.some((transaction) => transaction.effects.some((effect) => effect.is(redraw)));
  return [
    places,
    layer({
      above: false,
      class: 'cm-peer-selections',
      update: changed,
      markers: (view) => drawn(view).flatMap((at) => selectionMarkers(view, at)),
    }),
    layer({
      above: true,
      class: 'cm-peer-carets',
      update: changed,
      markers: (view) => drawn(view).flatMap((at) => caretMarkers(view, at)),
    }),
    look,
  ];
}

/** Keeps the cursors as offsets: found anew when people or remote text move, mapped along while I type. */
class Places {
  drawn: readonly DrawnCursor[] = [];
  readonly #view: EditorView;
  readonly #text: Y.Text;
  readonly #source: CursorSource;
  readonly #stop: () => void;
  #frame: number | undefined;

  constructor(view: EditorView, text: Y.Text, source: CursorSource) {
    this.#view = view;
    this.#text = text;
    this.#source = source;
    this.#stop = source.onChange(() => this.#schedule());
    this.#schedule();
  }

  update(update: ViewUpdate): void {
    if (!update.docChanged) return;
    const map = (at: number): number => update.changes.mapPos(Math.min(at, update.changes.length), 1);
    this.drawn = this.drawn.map((at) => ({ ...at, anchor: map(at.anchor), head: map(at.head) }));
    if (update.transactions.some((transaction) => transaction.annotation(ySyncAnnotation))) this.#schedule();
  }

  destroy(): void {
    this.#stop();
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
  }

  #schedule(): void {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      this.#find();
      this.#view.dispatch({ effects: redraw.of(null) });
    });
  }

  #find(): void {
    const before = new Map(this.drawn.map((at) => [at.cursor.id, at]));
    const length = this.#view.state.doc.length;
    // In one order, whatever the source's: a drawn caret is then reused for its own person.
    const cursors = this.#source.read().toSorted((a, b) => (a.id < b.id ? -1 : 1));
    this.drawn = cursors.flatMap((cursor) => {
      const place = placeOf(this.#text, cursor);
      if (!place || place.head > length || place.anchor > length) return [];
      const last = before.get(cursor.id);
      const moved = !last || !sameBytes(last.cursor.head, cursor.head);
      return [{ ...place, cursor, moves: (last?.moves ?? 0) + (moved ? 1 : 0) }];
    });
  }
}

function caretMarkers(view: EditorView, { cursor, head, moves }: DrawnCursor): CaretMarker[] {
  if (head < view.viewport.from || head > view.viewport.to) return [];
  const [box] = RectangleMarker.forRange(view, '', EditorSelection.cursor(head));
  if (!box) return [];
  const { id, name, colour } = cursor;
  const { left, top, height } = box;
  const below = view.state.doc.lineAt(head).number === 1;
  const leftward = view.scrollDOM.clientWidth + view.scrollDOM.scrollLeft - left < flagWidth(name);
  return [new CaretMarker({ id, name, colour, moves, left, top, height, below, leftward })];
}

function selectionMarkers(view: EditorView, { cursor, anchor, head }: DrawnCursor): RectangleMarker[] {
  if (anchor === head) return [];
  const classes = `cm-peer-picked cm-peer-${peerToken(cursor.colour)}`;
  return [...RectangleMarker.forRange(view, classes, EditorSelection.range(anchor, head))];
}

function revealNear(view: EditorView, event: MouseEvent): void {
  for (const caret of view.scrollDOM.querySelectorAll('.cm-peer-caret')) {
    const box = caret.getBoundingClientRect();
    const near =
      Math.abs(event.clientX - box.left) <= HOVER_REACH_PX &&
      event.clientY >= box.top - HOVER_REACH_PX &&
      event.clientY <= box.bottom + HOVER_REACH_PX;
    caret.classList.toggle('near', near);
  }
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

const PEERS = 'amber azure rose violet lime cyan coral cobalt gold orchid copper plum'.split(' ');

const look = EditorView.theme({
  '.cm-peer-carets': { pointerEvents: 'none' },
  '.cm-peer-caret': { position: 'absolute', width: '2px', marginLeft: '-1px', background: 'var(--peer)' },
  '.cm-peer-caret > .flag': {
    position: 'absolute',
    left: '0',
    bottom: '100%',
    padding: '0 5px',
    borderRadius: 'var(--radius-1) var(--radius-1) var(--radius-1) 0',
    background: 'var(--peer)',
    color: 'var(--on-peer)',
    font: '600 var(--text-xs) / 16px var(--sans)',
    whiteSpace: 'nowrap',
  },
  '.cm-peer-caret.leftward > .flag': { left: 'auto', right: '0' },
  '.cm-peer-caret.below > .flag': { bottom: 'auto', top: '100%' },
  // 2 s without movement, then gone in the calm time (none with prefers-reduced-motion: the token is 0 ms).
  '.cm-peer-caret[data-moves=odd] > .flag': { animation: 'cm-peer-fade-odd var(--calm) 2s forwards' },
  '.cm-peer-caret[data-moves=even] > .flag': { animation: 'cm-peer-fade-even var(--calm) 2s forwards' },
  '.cm-peer-caret.near > .flag': { animation: 'none' },
  '@keyframes cm-peer-fade-odd': { to: { opacity: '0' } },
  '@keyframes cm-peer-fade-even': { to: { opacity: '0' } },
  '.cm-peer-picked': { background: 'color-mix(in oklab, var(--peer) 18%, transparent)' },
  ...Object.fromEntries(PEERS.map((peer) => [`.cm-peer-${peer}`, { '--peer': `var(--peer-${peer})` }])),
});
