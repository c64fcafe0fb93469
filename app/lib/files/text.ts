/** Text or binary: a file is text when the editor can give back exactly its bytes (FILE-2). */

/** The text whose UTF-8 is these bytes, a byte order mark and CRLF included; undefined: treat it as binary. */
export function textOf(bytes: Uint8Array): string | undefined {
  // No text file has a NUL, and most binary ones have one early.
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
