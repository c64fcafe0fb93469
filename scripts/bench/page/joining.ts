/** One tab has a room of some size; another comes with the link alone and waits until the text is whole. */
import type * as Y from 'yjs';
import { randomBytes, toHex } from '../../../app/lib/core/bytes.ts';
import { readFrame } from '../../../app/lib/sync/frames.ts';
import type { Transport, TransportEvents } from '../../../app/lib/sync/transport.ts';
import { webrtcTransport } from '../../../app/lib/sync/transports/webrtc.ts';
import { now, pause } from './clock.ts';
import { connect, makeRoom, openRoom, type OpenRoom, type RoomTicket } from './room.ts';
import { serverSocket } from './server-socket.ts';

/** A newcomer of a room with a long history. */
export interface JoinedHistory {
  /** From the open link to the text that can be read and typed in. */
  readonly textMs: number;
  /** To the history behind it, verified. */
  readonly historyMs: number;
  /** Bytes of the answer, and of the checkpoint before it. */
  readonly segmentBytes: number;
  readonly checkpointBytes: number;
}

export interface Joined {
  /** From the open link to the whole text. */
  readonly wholeMs: number;
  /** From the call to the whole text: signaling and ICE included. */
  readonly sinceCallMs: number;
  /** Bytes of the answer, as they crossed the link. */
  readonly segmentBytes: number;
  /** When the first and the last part of the answer were here, since the link was open. */
  readonly firstPartMs: number;
  readonly lastPartMs: number;
  readonly textHash: string;
}

/** As much as one file may be pasted at once and still be read with ease; a larger room has several. */
const FILE_BYTES = 5_000_000;

/** Makes a room with so much random text, and waits for others. What a joiner is to know of it. */
export async function hostRoom(bytes: number): Promise<{ ticket: RoomTicket; textHash: string }> {
  const { genesis, ...link } = await makeRoom();
  const room = await openRoom({ ...link, genesis }, [transport()]);
  for (let left = bytes, file = 0; left > 0; left -= FILE_BYTES, file++) {
    const created = room.project.createText(`large-${file}.txt`, randomText(Math.min(left, FILE_BYTES)));
    if (!created.ok) throw new Error(created.error.kind);
    await room.replica.settled();
  }
  connect(room);
  return { ticket: link, textHash: await hashOf(wholeText(room)) };
}

/** Has the history that `storeHistory` stored, and waits for others: who come are shown a checkpoint, or none. */
export async function hostHistory(ticket: RoomTicket, shows: boolean): Promise<void> {
  connect(await openRoom(ticket, [transport()], shows ? undefined : { entries: Infinity, bytesAnEntry: 0 }));
}

/** Comes in with the link to a history that ends in so many characters. */
export async function joinHistory(
  { roomId, editSeed }: RoomTicket,
  characters: number,
  entries: number,
): Promise<JoinedHistory> {
  const watched = watch(transport());
  const room = await openRoom({ roomId, editSeed }, [watched.transport]);
  const { replica } = room;
  const isShown = (): boolean => replica.known && lengthOf(room) === characters;
  const isWhole = (): boolean =>
    replica.frontier.reduce((sum, { seq }) => sum + seq, 0) === entries && replica.caughtUp;
  connect(room);
  const shownAt = await at(isShown);
  const wholeAt = await at(isWhole);
  const { linkAt, segmentBytes, checkpointBytes } = watched;
  const since = (time: number): number => time - (linkAt() ?? NaN);
  return {
    textMs: since(shownAt),
    historyMs: since(wholeAt),
    segmentBytes: segmentBytes(),
    checkpointBytes: checkpointBytes(),
  };
}

/** When it held, within a few milliseconds. */
async function at(holds: () => boolean): Promise<number> {
  while (!holds()) await pause(2);
  return now();
}

/** Comes in with the link. `length` is how long the text will be. */
export async function joinRoom(ticket: RoomTicket, length: number): Promise<Joined> {
  const watched = watch(transport());
  const room = await openRoom(ticket, [watched.transport]);
  const whole = new Promise<number>((resolve) =>
    room.replica.doc.on('afterTransaction', () => {
      if (lengthOf(room) === length) resolve(now());
    }),
  );
  const calledAt = now();
  connect(room);
  const wholeAt = await whole;
  const { linkAt, parts, segmentBytes } = watched;
  const since = (at: number | undefined): number => (at ?? NaN) - (linkAt() ?? NaN);
  return {
    wholeMs: since(wholeAt),
    sinceCallMs: wholeAt - calledAt,
    segmentBytes: segmentBytes(),
    firstPartMs: since(parts[0]),
    lastPartMs: since(parts.at(-1)),
    textHash: await hashOf(wholeText(room)),
  };
}

const texts = ({ project }: OpenRoom): Y.Text[] => project.list().flatMap(({ id }) => project.text(id) ?? []);

const lengthOf = (room: OpenRoom): number => texts(room).reduce((sum, { length }) => sum + length, 0);

/** In the order of the file names. */
const wholeText = (room: OpenRoom): string => texts(room).join('');

const transport = (): Transport => webrtcTransport({ signalUrl: serverSocket('/signal') });

/** A transport that notes when its first link was up and when parts of an answer came. */
function watch(inner: Transport) {
  let linkAt: number | undefined;
  let segmentBytes = 0;
  let checkpointBytes = 0;
  const parts: number[] = [];
  const listening = (events: TransportEvents): TransportEvents => ({
    onLink(link) {
      linkAt ??= now();
      events.onLink(link);
    },
    onFrame(link, frame) {
      const read = readFrame(frame);
      if (read.ok && read.value.kind === 'segments') {
        parts.push(now());
        segmentBytes += frame.length;
      }
      if (read.ok && read.value.kind === 'checkpoint') checkpointBytes += frame.length;
      events.onFrame(link, frame);
    },
    onLinkClosed: (link, why) => events.onLinkClosed(link, why),
    onStatus: (status) => events.onStatus(status),
  });
  return {
    transport: {
      id: inner.id,
      connect: (room, events) => inner.connect(room, listening(events)),
    } as Transport,
    linkAt: () => linkAt,
    segmentBytes: () => segmentBytes,
    checkpointBytes: () => checkpointBytes,
    parts,
  };
}

/** 64 characters, at random: what compression can do to it is a quarter, as base64 shows. */
function randomText(length: number): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 \n';
  let text = '';
  for (const byte of chunksOf(length)) text += alphabet[byte & 63];
  return text;
}

/** `randomBytes` of any length: browsers give 64 KiB at once. */
function* chunksOf(length: number): Generator<number> {
  for (let left = length; left > 0; left -= 65_536) yield* randomBytes(Math.min(left, 65_536));
}

async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return toHex(new Uint8Array(digest));
}
