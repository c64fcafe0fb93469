/** The chat's own words that depend on something. Pure. */
import type { Role } from '../core/ids.ts';
import { standingWords } from './messages.ts';
import type { Standing } from './room-model.ts';

/** What a badge says of so many unread messages; undefined for none. */
export const unreadWords = (unread: number): string | undefined =>
  unread === 0 ? undefined : unread > 99 ? '99+' : String(unread);

/** Where the message field would be, for who can't write there now. */
export function noMessageReason(role: Role, known: boolean, standing: Standing): string {
  if (standing !== 'in') return standingWords[standing];
  if (role === 'viewer') return 'You can read along. To write here, ask for a comment link.';
  if (!known) return 'You can write here as soon as somebody who has this room is met.';
  return 'Someone here uses a newer CodeFace. Reload to write here again.';
}
