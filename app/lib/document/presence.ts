/**
 * Where someone is and what they are doing: the plain content of a presence frame (PRES-n). Who says it, and that it
 * is recent, is checked by the frame around it. Never stored.
 *
 *   version u8 = 1 ‖ role u8 ‖ typing varuint ‖ flags u8 ‖ name ‖ file? ‖ anchor? ‖ head?      strings and bytes by length
 */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import type { Bytes } from '../core/bytes.ts';
import type { FileId, Role } from '../core/ids.ts';
import { cleanName } from '../core/person.ts';
import { err, ok, type Result } from '../core/result.ts';

export interface Presence {
  /** As the person typed it, at most 64 characters; '' when they chose none. Decoding cleans it. */
  readonly name: string;
  readonly role: Role;
  /** Goes up with every edit: others show "typing" while it moves. */
  readonly typing: number;
  /** The file they look at. */
  readonly file?: FileId;
  /** Their selection: Yjs relative positions, encoded. Both or neither, and only with a file. */
  readonly anchor?: Uint8Array;
  readonly head?: Uint8Array;
}

export type PresenceProblem = { readonly kind: 'malformed' } | { readonly kind: 'too-large' };

/** Twenty a second from everybody must stay small. */
export const MAX_PRESENCE_BYTES = 2 * 1024;
/** A relative position is two varints and, at the ends of a text, a root name or type id. */
const MAX_POSITION_BYTES = 200;

const VERSION = 1;
/** Not the codes of certificates: the commenter came later here. */
const ROLES: readonly Role[] = ['viewer', 'editor', 'commenter'];
const HAS_FILE = 1;
const HAS_SELECTION = 2;

/** Leaves out a selection whose positions are too long to send: where someone is matters more than exactly where. */
export function encodePresence(presence: Presence): Bytes {
  const { file, anchor, head } = presence;
  const selects =
    file !== undefined &&
    anchor !== undefined &&
    head !== undefined &&
    Math.max(anchor.length, head.length) <= MAX_POSITION_BYTES;
  const encoder = encoding.createEncoder();
  encoding.writeUint8(encoder, VERSION);
  encoding.writeUint8(encoder, ROLES.indexOf(presence.role));
  encoding.writeVarUint(encoder, presence.typing);
  encoding.writeUint8(encoder, (file === undefined ? 0 : HAS_FILE) | (selects ? HAS_SELECTION : 0));
  encoding.writeVarString(encoder, cleanName(presence.name));
  if (file !== undefined) encoding.writeVarString(encoder, file);
  if (selects) {
    encoding.writeVarUint8Array(encoder, anchor);
    encoding.writeVarUint8Array(encoder, head);
  }
  return encoding.toUint8Array(encoder);
}

/** Strict: every byte accounted for, every field within its bounds. The name comes out clean (PRES-3). */
export function decodePresence(bytes: Uint8Array): Result<Presence, PresenceProblem> {
  if (bytes.length > MAX_PRESENCE_BYTES) return err({ kind: 'too-large' });
  try {
    const presence = readPresence(decoding.createDecoder(bytes));
    return presence === undefined ? err({ kind: 'malformed' }) : ok(presence);
  } catch {
    return err({ kind: 'malformed' });
  }
}

function readPresence(decoder: decoding.Decoder): Presence | undefined {
  if (decoding.readUint8(decoder) !== VERSION) return undefined;
  const role = ROLES[decoding.readUint8(decoder)];
  const typing = decoding.readVarUint(decoder);
  const flags = decoding.readUint8(decoder);
  if (role === undefined || ![0, HAS_FILE, HAS_FILE | HAS_SELECTION].includes(flags)) return undefined;
  const name = cleanName(decoding.readVarString(decoder));
  const place: { file?: FileId; anchor?: Uint8Array; head?: Uint8Array } = {};
  if (flags & HAS_FILE) {
    const file = decoding.readVarString(decoder);
    if (!/^[a-z2-7]{16}$/.test(file)) return undefined;
    place.file = file as FileId;
  }
  if (flags & HAS_SELECTION) {
    place.anchor = decoding.readVarUint8Array(decoder).slice();
    place.head = decoding.readVarUint8Array(decoder).slice();
    if (Math.max(place.anchor.length, place.head.length) > MAX_POSITION_BYTES) return undefined;
  }
  return decoding.hasContent(decoder) ? undefined : { name, role, typing, ...place };
}
