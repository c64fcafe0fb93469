/** Whether this browser can do what a room can't be without: sign with Ed25519 and agree on keys with X25519. */

/** 'insecure': the address is neither https nor localhost; 'old': the browser lacks the algorithms. */
export type MissingSupport = 'insecure' | 'old';

/** What a browser has: no `subtle` at addresses it doesn't trust, and in very old ones. */
export interface Platform {
  readonly subtle: Pick<SubtleCrypto, 'generateKey'> | undefined;
  readonly secure: boolean;
}

/** What is missing, or undefined. Makes two throw-away keys; never throws. */
export async function missingSupport(
  { subtle, secure }: Platform = { subtle: crypto.subtle, secure: isSecureContext },
): Promise<MissingSupport | undefined> {
  if (subtle === undefined) return secure ? 'old' : 'insecure';
  try {
    await Promise.all([
      subtle.generateKey('Ed25519', false, ['sign', 'verify']),
      subtle.generateKey('X25519', false, ['deriveBits']),
    ]);
    return undefined;
  } catch {
    return 'old';
  }
}
