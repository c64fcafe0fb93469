/** The dialog "People and links" in words: what is chosen for whom, and what will happen by it. Pure. */
import type { DeviceId, Role } from '../core/ids.ts';
import { whenInWords } from '../ui/when.ts';
import type { Holder, MemberView } from './room-model.ts';

export type Choice = Role | 'removed';
export type Choices = ReadonlyMap<DeviceId, Choice>;
/** Somebody for whom something changes. */
export interface Change {
  readonly name: string;
  readonly to: Choice;
}

export const roleWords: Readonly<Record<Role, string>> = {
  editor: 'Editor',
  commenter: 'Commenter',
  viewer: 'Viewer',
};

/** What happens to the links by any change. */
const LINKS = 'All links made so far stop working; the new ones are in Share.';

/** What was chosen that is not so already. */
export const changesOf = (list: readonly MemberView[], choices: Choices): readonly Change[] => {
  const names = namesOf(list);
  return list.flatMap((member) => {
    const to = choiceOf(member, choices);
    return to === member.role ? [] : [{ name: names.get(member.device) ?? member.name, to }];
  });
};

/** Everybody who stays, with what they then hold. I make the new keys, so I have them all. */
export const membersAfter = (list: readonly MemberView[], choices: Choices): readonly Holder[] =>
  list.flatMap((member) => {
    const role = member.me ? 'editor' : choiceOf(member, choices);
    return role === 'removed' ? [] : [{ device: member.device, role }];
  });

/** What is chosen for somebody; nobody removes themselves. */
export const choiceOf = (member: MemberView, choices: Choices): Choice =>
  (!member.me && choices.get(member.device)) || member.role;

/** Names that tell people apart: names are anybody's to choose, so those that are alike get a piece of the device's key. */
export function namesOf(list: readonly MemberView[]): ReadonlyMap<DeviceId, string> {
  const seen = new Map<string, number>();
  for (const { name } of list) seen.set(alike(name), (seen.get(alike(name)) ?? 0) + 1);
  return new Map(
    list.map(({ device, name }) => [
      device,
      (seen.get(alike(name)) ?? 0) > 1 ? `${name} (${device.slice(0, 4)})` : name,
    ]),
  );
}

/** What applying these changes does, said or asked. `others`: how many people stay beside me. */
export function planWords(changes: readonly Change[], others: number, asked = false): string {
  const to = (choice: Choice): readonly string[] =>
    changes.filter((change) => change.to === choice).map(({ name }) => name);
  const become = (['editor', 'commenter', 'viewer'] as const).map((role) => {
    const names = to(role);
    const word = roleWords[role].toLowerCase();
    if (names.length === 0) return '';
    return names.length > 1
      ? `${andWords(names)} become ${word}s.`
      : `${andWords(names)} becomes ${role === 'editor' ? 'an' : 'a'} ${word}.`;
  });
  const removed = to('removed');
  return [
    removed.length > 0 &&
      (asked
        ? removeQuestion(removed)
        : `${andWords(removed)} ${removed.length > 1 ? 'are' : 'is'} removed.`),
    asked && removed.length === 0 && 'Replace all links?',
    ...become,
    others > 0 &&
      `${removed.length > 0 ? 'Everybody else' : 'Everybody listed'} goes on by themselves, also who is away now.`,
    LINKS,
  ]
    .filter(Boolean)
    .join(' ');
}

/** Under a name. `nowMs`: ms since 1970. */
export function seenWords({ here, lastSeen }: MemberView, nowMs: number): string {
  if (here) return 'here now';
  return lastSeen === undefined
    ? 'wrote here, not met by this device'
    : `last seen ${whenInWords(lastSeen, nowMs)}`;
}

/** 'Max', 'Max and Ada', 'Max, Ada and Bo', 'Max, Ada and 4 more'. */
export function andWords(names: readonly string[]): string {
  const shown = names.length > 3 ? [...names.slice(0, 2), `${names.length - 2} more`] : names;
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1) ?? ''}`;
}

/** Also what a removal is not. */
const removeQuestion = (names: readonly string[]): string =>
  `Remove ${andWords(names)}? What they have read they keep. If they are listed under another name or device too, that one stays unless you remove it as well.`;

const alike = (name: string): string => name.normalize('NFKC').toLowerCase();
