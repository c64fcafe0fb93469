/** The chat's own words that depend on something. Pure. */

/** What a badge says of so many unread messages; undefined for none. */
export const unreadWords = (unread: number): string | undefined =>
  unread === 0 ? undefined : unread > 99 ? '99+' : String(unread);
