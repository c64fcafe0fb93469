import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { placeOf, positionAt } from './remote-position.ts';

function room(): { doc: Y.Doc; text: Y.Text; other: Y.Text } {
  const doc = new Y.Doc();
  const files = doc.getMap<Y.Text>('files');
  const text = new Y.Text('hello\nworld');
  const other = new Y.Text('elsewhere');
  files.set('a', text);
  files.set('b', other);
  return { doc, text, other };
}

const same = (bytes: Uint8Array) => ({ anchor: bytes, head: bytes });

describe('the place of a remote cursor', () => {
  it('is the offset it was made from, also at the start and the end', () => {
    const { text } = room();
    for (const offset of [0, 3, 11])
      expect(placeOf(text, same(positionAt(text, offset)))).toEqual({ anchor: offset, head: offset });
  });

  it('moves with the text before it', () => {
    const { text } = room();
    const bytes = positionAt(text, 6);
    text.insert(0, 'oh ');
    expect(placeOf(text, same(bytes))?.head).toBe(9);
  });

  it('is nowhere while the text it names has not arrived', () => {
    const { doc, text } = room();
    const ahead = new Y.Doc();
    Y.applyUpdate(ahead, Y.encodeStateAsUpdate(doc));
    const theirs = ahead.getMap<Y.Text>('files').get('a');
    theirs?.insert(3, 'new');
    const bytes = theirs ? positionAt(theirs, 4) : new Uint8Array();
    expect(placeOf(text, same(bytes))).toBeUndefined();
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(ahead));
    expect(placeOf(text, same(bytes))?.head).toBe(4);
  });

  it('is nowhere when it names another text', () => {
    const { text, other } = room();
    expect(placeOf(text, same(positionAt(other, 2)))).toBeUndefined();
  });

  it('keeps the head when only the anchor is unknown', () => {
    const { text, other } = room();
    expect(placeOf(text, { anchor: positionAt(other, 1), head: positionAt(text, 2) })).toEqual({
      anchor: 2,
      head: 2,
    });
  });

  it('never makes a root type, whatever name the bytes hold', () => {
    const { doc, text } = room();
    const bytes = Y.encodeRelativePosition(new Y.RelativePosition(null, 'intruder', null, 0));
    expect(placeOf(text, same(bytes))).toBeUndefined();
    expect(doc.share.has('intruder')).toBe(false);
  });

  it('never throws, leaves the document alone and stays inside the text on any bytes', () => {
    const { doc, text } = room();
    const before = Y.encodeStateAsUpdate(doc);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const place = placeOf(text, same(bytes));
        if (place) expect(place.head >= 0 && place.head <= text.length).toBe(true);
      }),
      { seed: 7, numRuns: 3000 },
    );
    expect(Y.encodeStateAsUpdate(doc)).toEqual(before);
    expect([...doc.share.keys()]).toEqual(['files']);
  });
});
