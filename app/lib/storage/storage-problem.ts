/** Why this browser doesn't keep something, as one of the cases that people can act on. */
export type StorageProblem =
  /** Private mode, a blocked site, or no IndexedDB at all. */
  | { readonly kind: 'refused' }
  /** The disk, or this site's share of it, is full. */
  | { readonly kind: 'quota' }
  /** Another tab holds an older version of the database open. */
  | { readonly kind: 'blocked' }
  /** The database was written by a newer version of the app. */
  | { readonly kind: 'newer-version' }
  /** The browser never answered. */
  | { readonly kind: 'no-answer' }
  /** Anything else; `name` is the browser's error name, for the log. */
  | { readonly kind: 'failed'; readonly name: string };

/** The problem an IndexedDB error stands for. */
export function storageProblem(error: unknown): StorageProblem {
  const name = error instanceof Error ? error.name : 'unknown';
  switch (name) {
    case 'QuotaExceededError':
      return { kind: 'quota' };
    case 'VersionError':
      return { kind: 'newer-version' };
    // Firefox's private mode used InvalidStateError; SecurityError is a blocked site; ReferenceError and TypeError: none there.
    case 'SecurityError':
    case 'InvalidStateError':
    case 'NotAllowedError':
    case 'ReferenceError':
    case 'TypeError':
      return { kind: 'refused' };
    default:
      return { kind: 'failed', name };
  }
}
