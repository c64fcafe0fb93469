/**
 * Where another person's caret stands in one text: from the bytes they sent to a place in the document.
 * The bytes come from a peer, so nothing here trusts them, throws, or changes the document.
 */
import * as Y from 'yjs';

/** Another person's caret or selection, as the workspace hands it in. */
export interface PeerCursor {
  readonly id: string;
  readonly name: string;
  /** A token name: 'amber' is drawn in `--peer-amber`. */
  readonly colour: string;
  /** Yjs relative positions, encoded (Y.encodeRelativePosition). */
  readonly anchor: Uint8Array;
  readonly head: Uint8Array;
}

/** Offsets into the text as it is now. */
export interface Place {
  readonly anchor: number;
  readonly head: number;
}

/** The longest position Yjs writes for a text inside a map is about 25 bytes; more is not a position. */
const MAX_POSITION_BYTES = 64;

/** The place of a cursor, or undefined when it names text that isn't here (yet), another text, or nothing at all. */
export function placeOf(text: Y.Text, cursor: Pick<PeerCursor, 'anchor' | 'head'>): Place | undefined {
  const head = resolve(text, cursor.head);
  if (head === undefined) return undefined;
  const anchor = resolve(text, cursor.anchor);
  return { anchor: anchor ?? head, head };
}

/** The bytes that say "this offset of this text" to everyone who has the text. */
export function positionAt(text: Y.Text, offset: number): Uint8Array {
  return Y.encodeRelativePosition(Y.createRelativePositionFromTypeIndex(text, offset));
}

function resolve(text: Y.Text, bytes: Uint8Array): number | undefined {
  if (!text.doc || bytes.length > MAX_POSITION_BYTES) return undefined;
  try {
    const position = Y.decodeRelativePosition(bytes);
    if (!mayName(text, position)) return undefined;
    const found = Y.createAbsolutePositionFromRelativePosition(position, text.doc);
    if (!found || found.type !== text) return undefined;
    return Math.min(Math.max(found.index, 0), text.length);
  } catch {
    return undefined;
  }
}

/** Yjs makes a root type of any name it is asked for: a stranger's bytes must never get that far. */
function mayName(text: Y.Text, position: Y.RelativePosition): boolean {
  if (position.tname !== null) {
    const named: unknown = text.doc?.share.get(position.tname);
    return named === text;
  }
  return position.item !== null || position.type !== null;
}
