/**
 * TURN: where two browsers find no direct way, a relay that the operator runs (coturn with `use-auth-secret`) carries their
 * encrypted packets. This gives tabs credentials that end by themselves; the secret never leaves the server.
 */
import { createHmac, randomBytes } from 'node:crypto';

export interface TurnSettings {
  /** `turn:` and `turns:` addresses, as browsers take them. */
  readonly urls: readonly string[];
  /** coturn's `static-auth-secret`. */
  readonly secret: string;
}

/** What `/ice` answers. */
export interface IceAnswer {
  readonly iceServers: readonly {
    readonly urls: readonly string[];
    readonly username: string;
    readonly credential: string;
  }[];
  /** Seconds until the credentials end; absent where there are none. */
  readonly expiresInSeconds?: number;
}

/** A credential is looked at when a connection begins, so an hour is enough for any of them, and short for a thief. */
export const TURN_CREDENTIAL_SECONDS = 3600;

/**
 * Time-limited credentials by coturn's REST scheme (draft-uberti-behave-turn-rest): username `expiry:id` with the expiry in
 * seconds since 1970, password base64(HMAC-SHA1(secret, username)). The id is random: it names nobody.
 */
export function iceAnswer(turn: TurnSettings | undefined, nowMs: number): IceAnswer {
  if (turn === undefined) return { iceServers: [] };
  const username = `${Math.floor(nowMs / 1000) + TURN_CREDENTIAL_SECONDS}:${randomBytes(8).toString('hex')}`;
  const credential = createHmac('sha1', turn.secret).update(username).digest('base64');
  return {
    iceServers: [{ urls: turn.urls, username, credential }],
    expiresInSeconds: TURN_CREDENTIAL_SECONDS,
  };
}
