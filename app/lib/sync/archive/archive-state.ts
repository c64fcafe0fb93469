/** How a room stands with its archive, and what each refusal makes of that. */
import type { ArchiveRefusalReason } from '../../core/archive-wire.ts';

export type ArchiveState =
  | { readonly kind: 'connecting' }
  /** It has everything that is here. */
  | { readonly kind: 'current' }
  /** It lacks something that is here, and gets it. `mine`: of what was written in this tab and what that follows, too. */
  | { readonly kind: 'behind'; readonly mine: boolean }
  /** It doesn't answer, or not now: tried again. */
  | { readonly kind: 'unreachable' }
  /** This server keeps no archive. */
  | { readonly kind: 'off' }
  /** It doesn't keep this room: its owner's device was not here since, or had it forgotten. */
  | { readonly kind: 'unknown-room' }
  /** The owner, on this device, wants it so. */
  | { readonly kind: 'declined' }
  | { readonly kind: 'full' }
  /** It has the keys of another epoch than this tab: the owner changed who is in the room. Tried again. */
  | { readonly kind: 'new-keys' }
  /** Not with these keys, or not like this. */
  | { readonly kind: 'refused'; readonly reason: ArchiveRefusalReason };

export function stateAfter(reason: ArchiveRefusalReason): ArchiveState {
  switch (reason) {
    case 'later':
    case 'rate':
      return { kind: 'unreachable' };
    case 'off':
    case 'unknown-route':
      return { kind: 'off' };
    case 'unknown-room':
      return { kind: 'unknown-room' };
    case 'wrong-key':
    case 'other-roster':
      return { kind: 'new-keys' };
    case 'room-full':
    case 'comments-full':
      return { kind: 'full' };
    default:
      return { kind: 'refused', reason };
  }
}
