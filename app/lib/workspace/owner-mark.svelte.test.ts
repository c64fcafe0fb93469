/** The mark of an owner in People and links: at this browser alone, and only where it owns the room. */
import { render } from 'svelte/server';
import { expect, it } from 'vitest';
import type { DeviceId } from '../core/ids.ts';
import PeopleDialog from './PeopleDialog.svelte';
import type { MemberView, OwnershipModel, RoomModel } from './room-model.ts';
import type { RoomViewState } from './room-view-state.svelte.ts';

const member = (letter: string, name: string, me: boolean): MemberView => ({
  device: letter.repeat(64) as DeviceId,
  name,
  colour: 'rose',
  role: 'editor',
  me,
  here: true,
});

/** What stands under each name, as the dialog shows it where this browser's standing is that. */
function notes(standing: OwnershipModel['standing']): string[] {
  const room = {
    known: true,
    standing: 'in',
    members: { list: [member('a', 'Ann', true), member('b', 'Ben', false)], leftOut: [], changing: false },
    ownership: { standing, hasCode: true, mayMakeCode: false, owners: 2, keepsKeys: true },
  } as unknown as RoomModel;
  const { body } = render(PeopleDialog, { props: { room, view: {} as RoomViewState } });
  const [list = ''] = body.split('</ul>');
  return [...list.matchAll(/class="note[^>]*>([^<]*)</g)].map(([, words = '']) => words.trim());
}

it('stands beside “you” where this browser owns the room, and at nobody else', () => {
  expect(notes('owner')).toEqual(['you · owner', 'here now']);
});

it.each(['other', 'lost'] as const)('does not stand there where the standing is: %s', (standing) => {
  expect(notes(standing)).toEqual(['you', 'here now']);
});
