/** Room links: `/r/<roomId>#<kind>.<epoch>.<seed>`. The seed is in the fragment, which browsers never send (LINK-1). */
import { base64urlnopad } from '@scure/base';
import type { Bytes } from '../core/bytes.ts';
import type { RoomId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import { isRoomId, SEED_BYTES, type SeedKind } from './room-keys.ts';

export interface RoomLink {
  readonly roomId: RoomId;
  readonly seedKind: SeedKind;
  readonly epoch: number;
  readonly seed: Bytes;
}

export type LinkProblem =
  /** The path names no room. */
  | { readonly kind: 'wrong-room-id' }
  /** A room, and nothing behind the `#`: the link was cut, or copied from a place that drops fragments. */
  | { readonly kind: 'missing-key' }
  /** The key is truncated or mistyped. */
  | { readonly kind: 'wrong-key' }
  /** A kind this version doesn't know: a newer app made it. */
  | { readonly kind: 'unknown-kind'; readonly letter: string };

/** Path and fragment of the link; the caller puts the origin in front. */
export function formatLink(link: RoomLink): string {
  return `/r/${link.roomId}#${link.seedKind}.${link.epoch}.${base64urlnopad.encode(link.seed)}`;
}

/** Twenty times a link with a long origin: what is longer was never one. */
const MAX_LINK_CHARS = 4096;

/** Reads `path` (with or without an origin) and fragment. Never throws, whatever the text. */
export function parseLink(text: string): Result<RoomLink, LinkProblem> {
  if (text.length > MAX_LINK_CHARS) return err({ kind: 'wrong-room-id' });
  const hashAt = text.indexOf('#');
  const path = hashAt < 0 ? text : text.slice(0, hashAt);
  const fragment = hashAt < 0 ? '' : text.slice(hashAt + 1);

  const roomId = /(?:^|\/)r\/([^/?]*)\/?(?:\?.*)?$/.exec(path)?.[1] ?? '';
  if (!isRoomId(roomId)) return err({ kind: 'wrong-room-id' });
  if (fragment === '') return err({ kind: 'missing-key' });

  const [, letter, epochText, seedText] = /^([a-z])\.([^.]*)\.(.*)$/s.exec(fragment) ?? [];
  if (letter === undefined) return err({ kind: 'wrong-key' });
  if (!isSeedKind(letter)) return err({ kind: 'unknown-kind', letter });

  const epoch = readEpoch(epochText ?? '');
  const seed = readSeed(seedText ?? '');
  if (epoch === undefined || seed === undefined) return err({ kind: 'wrong-key' });
  return ok({ roomId, seedKind: letter, epoch, seed });
}

const isSeedKind = (letter: string): letter is SeedKind => letter === 'e' || letter === 'c' || letter === 'v';

function readEpoch(text: string): number | undefined {
  if (!/^(?:0|[1-9]\d{0,9})$/.test(text)) return undefined;
  const epoch = Number(text);
  return epoch < 2 ** 32 ? epoch : undefined;
}

/** 32 bytes in 43 characters; the last character carries four bits, so only some of its values are canonical. */
function readSeed(text: string): Bytes | undefined {
  if (!/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/.test(text)) return undefined;
  const seed = Uint8Array.from(base64urlnopad.decode(text));
  return seed.length === SEED_BYTES ? seed : undefined;
}
