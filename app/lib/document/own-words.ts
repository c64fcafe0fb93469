/**
 * What one session wrote in a doc, as words and not as structs: to be put into another doc of the room in which what they stood
 * beside may be missing (CHECK-7). Pure but for the project that takes them.
 */
import * as Y from 'yjs';
import type { Bytes } from '../core/bytes.ts';
import type { FileId } from '../core/ids.ts';
import type { Project } from './project.ts';
import { suffixed } from './tree.ts';
import { PIECE_UNITS, textPieces } from './text-pieces.ts';

/** Plain data: it outlives the doc it is of. */
export interface OwnWords {
  readonly name?: string;
  readonly texts: readonly OwnText[];
  readonly made: readonly Made[];
  readonly moved: readonly { readonly id: FileId; readonly path: string }[];
  readonly removed: readonly FileId[];
}

/** Words in a file that somebody else made. */
interface OwnText {
  readonly id: FileId;
  readonly path: string;
  readonly pieces: readonly Piece[];
  /** What of others' was deleted. */
  readonly deleted: readonly Stretch[];
}

interface Piece {
  readonly text: string;
  /** The nearest character of others' before it that was there, and how many of theirs were. */
  readonly after: Y.ID | undefined;
  readonly offset: number;
}

interface Made {
  readonly path: string;
  readonly kind: 'text' | 'binary' | 'folder';
  readonly content: Bytes | string;
}

/** Characters of one client, by clock. */
interface Stretch {
  readonly client: number;
  readonly clock: number;
  readonly length: number;
}

/** Words that found no place. */
export interface Unplaced {
  readonly path: string;
  readonly text: string;
}

/** Where many have a name already: what is put back is found all the same. */
const MOST_OF_A_NAME = 100;

/** What `client` wrote in the project's doc, `written` being the updates of that; undefined where it is nothing. */
export function ownWords(
  project: Project,
  client: number,
  written: readonly Uint8Array[],
): OwnWords | undefined {
  if (written.length === 0) return undefined;
  const gone = written.flatMap((update) => deletedIn(update));
  const records = project.doc.getMap('files');
  const isOwn = (map: Y.Map<unknown>, key: string): boolean => map._map.get(key)?.id.client === client;
  const [texts, made, moved, removed]: [OwnText[], Made[], OwnWords['moved'][number][], FileId[]] = [
    [],
    [],
    [],
    [],
  ];
  for (const [key, record] of records.entries()) {
    const id = key as FileId;
    if (!(record instanceof Y.Map)) continue;
    const path = String(record.get('path'));
    const isRemoved = record.has('deletedAt');
    if (isOwn(records, key)) {
      if (!isRemoved) made.push({ path, ...contentOf(project, id) });
      continue;
    }
    if (isOwn(record, 'path')) moved.push({ id, path });
    if (isRemoved && isOwn(record, 'deletedAt')) removed.push(id);
    const text = project.text(id);
    if (!text) continue;
    const pieces = piecesOf(text, client);
    const items = gone.length > 0 ? [...itemsOf(text)] : [];
    const deleted = gone.filter((one) => items.some((item) => overlap(item, one) !== undefined));
    if (pieces.length + deleted.length > 0) texts.push({ id, path, pieces, deleted });
  }
  const named = isOwn(project.doc.getMap('meta'), 'name') ? { name: project.name } : {};
  return { ...named, texts, made, moved, removed };
}

/** Puts them in: where they stood, or as near as can be, and no entry larger than typing makes. Gives back what has no place. */
export function putBack(project: Project, words: OwnWords): Unplaced[] {
  const unplaced: Unplaced[] = [];
  if (words.name !== undefined) project.setName(words.name);
  for (const { id, path } of words.moved) project.move(id, path);
  for (const one of words.made) {
    const failed = !make(project, one);
    if (failed && typeof one.content === 'string') unplaced.push({ path: one.path, text: one.content });
  }
  for (const { id, path, pieces, deleted } of words.texts) {
    const text = project.text(id);
    if (text) writeInto(text, pieces, deleted, (change) => project.doc.transact(change, project));
    else if (pieces.length > 0) unplaced.push({ path, text: pieces.map((one) => one.text).join('\n') });
  }
  for (const id of words.removed) project.remove(id);
  return unplaced;
}

/** All of them, for who may not write any more. */
export const textsIn = ({ texts, made }: OwnWords): Unplaced[] => [
  ...texts.map(({ path, pieces }) => ({ path, text: pieces.map((one) => one.text).join('\n') })),
  ...made.flatMap(({ path, content }) => (typeof content === 'string' ? { path, text: content } : [])),
];

function contentOf(project: Project, id: FileId): Pick<Made, 'kind' | 'content'> {
  const text = project.text(id);
  // Y.Text has a toString of its own, which the base class's type hides from the linter.
  if (text) return { kind: 'text', content: text.toString() };
  const bytes = project.bytes(id);
  return bytes.ok ? { kind: 'binary', content: bytes.value } : { kind: 'folder', content: '' };
}

function make(project: Project, { path, kind, content }: Made): boolean {
  for (let nth = 1; nth <= MOST_OF_A_NAME; nth++) {
    const at = nth === 1 ? path : suffixed(path, nth);
    const made =
      typeof content !== 'string'
        ? project.createBinary(at, content)
        : kind === 'text'
          ? project.createText(at, content)
          : project.createFolder(at);
    if (made.ok || (kind === 'folder' && made.error.kind === 'path-taken')) return true;
    if (made.error.kind !== 'path-taken') return false;
  }
  return false;
}

/** Stretches of the text that `client` wrote, each with what it stands after. */
function piecesOf(text: Y.Text, client: number): Piece[] {
  const pieces: { text: string; after: Y.ID | undefined; offset: number }[] = [];
  let after: Y.ID | undefined;
  let offset = 0;
  let before: (typeof pieces)[number] | undefined;
  for (const item of itemsOf(text)) {
    if (item.deleted || !item.countable) continue;
    if (item.id.client !== client) {
      after = item.lastId;
      offset += item.length;
      before = undefined;
    } else if (item.content instanceof Y.ContentString) {
      if (before) before.text += item.content.str;
      else pieces.push((before = { text: item.content.str, after, offset }));
    }
  }
  return pieces;
}

function writeInto(
  text: Y.Text,
  pieces: readonly Piece[],
  deleted: readonly Stretch[],
  transact: (change: () => void) => void,
): void {
  transact(() => {
    for (const [from, length] of placesOf(text, deleted).reverse()) text.delete(from, length);
  });
  // From the end: what stands at the same place keeps its order, and earlier places don't move.
  const placed = pieces.map((piece) => ({ piece, at: placeOf(text, piece) }));
  const inserts = placed
    .sort((a, b) => a.at - b.at)
    .reverse()
    .flatMap(({ piece, at }) =>
      textPieces(piece.text)
        .reverse()
        .map((part) => ({ at, part })),
    );
  let next = 0;
  while (next < inserts.length)
    transact(() => {
      for (let units = 0; next < inserts.length; next++) {
        const one = inserts[next];
        if (one === undefined || (units > 0 && units + one.part.length > PIECE_UNITS)) return;
        text.insert(one.at, one.part);
        units += one.part.length;
      }
    });
}

/** Where in the text those characters are, those that still are. */
function placesOf(text: Y.Text, stretches: readonly Stretch[]): [from: number, length: number][] {
  const places: [number, number][] = [];
  let index = 0;
  for (const item of itemsOf(text)) {
    if (item.deleted || !item.countable) continue;
    const found = stretches.flatMap((one) => overlap(item, one) ?? []);
    for (const { clock, length } of found.sort((a, b) => a.clock - b.clock))
      places.push([index + clock - item.id.clock, length]);
    index += item.length;
  }
  return places;
}

function placeOf(text: Y.Text, { after, offset }: Piece): number {
  if (after === undefined) return 0;
  const { doc } = text;
  // Typed by Yjs as never there; it is where an id is not known.
  const known = doc !== null && Y.getState(doc.store, after.client) > after.clock;
  const place = known
    ? Y.createAbsolutePositionFromRelativePosition(
        Y.createRelativePositionFromJSON({ item: after, assoc: -1 }),
        doc,
      )
    : null;
  return place?.type === text ? place.index : Math.min(offset, text.length);
}

function* itemsOf(text: Y.Text): Generator<Y.Item> {
  for (let item = text._start; item !== null; item = item.right) yield item;
}

/** What of a stretch is in that item. */
function overlap({ id, length }: Y.Item, one: Stretch): Stretch | undefined {
  const from = Math.max(id.clock, one.clock);
  const to = Math.min(id.clock + length, one.clock + one.length);
  return id.client === one.client && from < to
    ? { client: one.client, clock: from, length: to - from }
    : undefined;
}

function deletedIn(update: Uint8Array): Stretch[] {
  return [...Y.decodeUpdate(update).ds.clients].flatMap(([client, ranges]) =>
    ranges.map(({ clock, len }) => ({ client, clock, length: len })),
  );
}
