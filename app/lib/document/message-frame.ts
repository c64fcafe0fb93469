/** What messages of all channels that are no Y.Docs have in common: a kind u8, and fields that fill the rest (RUN-1, TALK-1). */
import * as decoding from 'lib0/decoding';
import { err, ok, type Result } from '../core/result.ts';

/** 'unknown-kind': of a later version; ignored, never an error of the author. */
export interface MessageProblem {
  readonly kind: 'malformed' | 'too-large' | 'unknown-kind';
}

/** Strict: a message that isn't exactly what its kind holds is refused. `read` gives undefined for fields out of bounds. */
export function decodeMessage<Kind, Message>(
  bytes: Uint8Array,
  maxBytes: number,
  kinds: readonly Kind[],
  read: (decoder: decoding.Decoder, kind: Kind) => Message | undefined,
): Result<Message, MessageProblem> {
  if (bytes.length > maxBytes) return err({ kind: 'too-large' });
  try {
    const decoder = decoding.createDecoder(bytes);
    const kind = kinds[decoding.readUint8(decoder)];
    if (kind === undefined) return err({ kind: 'unknown-kind' });
    const message = read(decoder, kind);
    return message === undefined || decoding.hasContent(decoder) ? err({ kind: 'malformed' }) : ok(message);
  } catch {
    return err({ kind: 'malformed' });
  }
}
