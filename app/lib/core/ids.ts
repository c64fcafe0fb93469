/** Branded identifiers: strings and numbers that must not be mistaken for each other. */
declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** base32lower(SHA-256(owner public key)), 52 characters of `[a-z2-7]`. */
export type RoomId = Branded<string, 'RoomId'>;
/** A session's Ed25519 public key, lower-case hex, 64 characters. */
export type SessionId = Branded<string, 'SessionId'>;
/** A device's X25519 public key, lower-case hex: what "a person" is counted and coloured by. */
export type DeviceId = Branded<string, 'DeviceId'>;
/** One open tab: 16 random bytes, lower-case hex, new at each load. */
export type PeerId = Branded<string, 'PeerId'>;
/** A file or folder of the project: random, lower-case, 16 characters. */
export type FileId = Branded<string, 'FileId'>;
/** One run of a program: random, lower-case, 16 characters. */
export type RunId = Branded<string, 'RunId'>;
/** 53 bits: the Yjs client of a session. */
export type ClientId = Branded<number, 'ClientId'>;

/** The room's three logs (DESIGN §2). */
export type Channel = 'project' | 'talk' | 'runs' | 'carry';
/** What a link or a certificate lets its holder do, least first: each may do what those before it may. */
export const ROLES = ['viewer', 'commenter', 'editor'] as const;
export type Role = (typeof ROLES)[number];

/** The higher one of two roles. */
export const higherRole = (a: Role, b: Role): Role => (ROLES.indexOf(a) < ROLES.indexOf(b) ? b : a);
