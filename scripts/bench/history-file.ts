// How a history travels from the bench to its page: what a browser's store keeps of it, in one file.
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import type { SessionId } from '../../app/lib/core/ids.ts';
import type { StoredSegment } from '../../app/lib/log/log-store.ts';

/** Segments of the `project` channel of one session. */
export function packHistory(segments: readonly StoredSegment[]): Uint8Array {
  const out = encoding.createEncoder();
  encoding.writeVarUint(out, segments.length);
  for (const { session, first, last, sealed } of segments) {
    encoding.writeVarString(out, session);
    encoding.writeVarUint(out, first);
    encoding.writeVarUint(out, last);
    encoding.writeVarUint8Array(out, sealed);
  }
  return encoding.toUint8Array(out);
}

export function unpackHistory(file: Uint8Array): StoredSegment[] {
  const input = decoding.createDecoder(file);
  return Array.from({ length: decoding.readVarUint(input) }, () => ({
    session: decoding.readVarString(input) as SessionId,
    channel: 'project' as const,
    first: decoding.readVarUint(input),
    last: decoding.readVarUint(input),
    sealed: decoding.readVarUint8Array(input).slice(),
  }));
}

export function packUpdates(updates: readonly Uint8Array[]): Uint8Array {
  const out = encoding.createEncoder();
  encoding.writeVarUint(out, updates.length);
  for (const update of updates) encoding.writeVarUint8Array(out, update);
  return encoding.toUint8Array(out);
}

export function unpackUpdates(file: Uint8Array): Uint8Array[] {
  const input = decoding.createDecoder(file);
  return Array.from({ length: decoding.readVarUint(input) }, () => decoding.readVarUint8Array(input).slice());
}
