/** The dialog "People and links" in words: what is chosen for whom, and what will happen by it. Pure. */
import { ROLES, type DeviceId, type Role } from '../core/ids.ts';
import { whenInWords } from '../ui/when.ts';
import type { Holder, MembersModel, MemberView } from './room-model.ts';

export type Choice = Role | 'removed';
export type Choices = ReadonlyMap<DeviceId, Choice>;
/** Somebody for whom something changes. */
export interface Change {
  readonly name: string;
  readonly to: Choice;
  /** They were left out before. */
  readonly back?: true;
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
    return to === heldBy(member)
      ? []
      : [{ name: names.get(member.device) ?? member.name, to, ...(member.out && { back: true }) }];
  });
};

/** Everybody a choice is about: who is in, and who is to be let in again. */
export const chosenOf = (
  { list, leftOut }: Pick<MembersModel, 'list' | 'leftOut'>,
  choices: Choices,
): readonly MemberView[] => [
  ...list,
  ...leftOut.filter(({ device }) => (choices.get(device) ?? 'removed') !== 'removed'),
];

/** Everybody who stays, with what they then hold. I make the new keys, so I have them all. */
export const membersAfter = (list: readonly MemberView[], choices: Choices): readonly Holder[] =>
  list.flatMap((member) => {
    const role = member.me ? 'editor' : choiceOf(member, choices);
    return role === 'removed' ? [] : [{ device: member.device, role }];
  });

/** What is chosen for somebody; nobody removes themselves. */
export const choiceOf = (member: MemberView, choices: Choices): Choice =>
  (!member.me && choices.get(member.device)) || heldBy(member);

const heldBy = ({ out, role }: MemberView): Choice => (out ? 'removed' : role);

/** Who gets more than they have, if that is all that was chosen: then nobody needs new keys. Undefined where somebody gets less, or nobody anything. */
export function raisesOf(list: readonly MemberView[], choices: Choices): readonly Holder[] | undefined {
  const raises: Holder[] = [];
  for (const member of list) {
    const [before, to] = [heldBy(member), choiceOf(member, choices)];
    if (to === before) continue;
    if (to === 'removed' || ORDER.indexOf(to) < ORDER.indexOf(before)) return undefined;
    raises.push({ device: member.device, role: to });
  }
  return raises.length > 0 ? raises : undefined;
}

const ORDER: readonly Choice[] = ['removed', ...ROLES];

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

/** What was chosen so far, where nobody gets less by it. */
export const raiseWords = (changes: readonly Change[]): string =>
  [...changeWords(changes), 'Links, and what everybody else can do, stay as they are.'].join(' ');

/** What was chosen so far, and what comes next. `others`: how many people stay beside me. */
export const planWords = (changes: readonly Change[], others: number): string =>
  [...changeWords(changes), LINKS, others > 0 && 'Next you see who stays.'].filter(Boolean).join(' ');

/** The question before anything is changed. */
export function questionWords(changes: readonly Change[]): string {
  const removed = named(changes, 'removed');
  if (removed.length > 0) return `Remove ${andWords(removed)}?`;
  return changes.length > 0 ? 'Change roles?' : 'Replace all links?';
}

/** The button that says yes to it. */
export function answerWords(changes: readonly Change[]): string {
  if (named(changes, 'removed').length > 0) return 'Remove and replace all links';
  return changes.length > 0 ? 'Change and replace all links' : 'Replace all links';
}

/** What the answer does, as it is ticked now. */
export const outcomeWords = (changes: readonly Change[]): string =>
  [
    ...(named(changes, 'removed').length > 0 ? [] : ['Nobody listed is removed.']),
    ...changeWords(changes),
    LINKS,
  ].join(' ');

/** Above the list of who stays: a name is no proof of who somebody is. */
export const STAYS =
  'You stay, and whoever is ticked, also those who are away now. Anybody can take any name, and be listed twice: leave out whom you don’t know.';

/** How many of `others` stay, and how many of these nobody here has ever met. */
export function countWords(others: readonly MemberView[], given: Choices): string {
  const staying = others.filter(({ device }) => given.get(device) !== 'removed');
  const strangers = staying.filter(neverSeen).length;
  return `${staying.length} of ${others.length} stay${strangers > 0 ? `, ${strangers} never seen here` : ''}`;
}

/** Below it: also what a removal is not. */
export const LEFT_OUT =
  'Who is not ticked keeps what they have read, and gets nothing that is written from now on, unless you give them a new link.';

function changeWords(changes: readonly Change[]): readonly string[] {
  const removed = named(changes, 'removed');
  const become = (['editor', 'commenter', 'viewer'] as const).map((role) => {
    const names = named(changes, role);
    const word = roleWords[role].toLowerCase();
    if (names.length === 0) return '';
    return names.length > 1
      ? `${andWords(names)} become ${word}s.`
      : `${andWords(names)} becomes ${role === 'editor' ? 'an' : 'a'} ${word}.`;
  });
  const back = changes.filter((change) => change.back).map(({ name }) => name);
  return [
    removed.length > 0 ? `${andWords(removed)} ${removed.length > 1 ? 'are' : 'is'} removed.` : '',
    back.length > 0 ? `${andWords(back)} ${back.length > 1 ? 'are' : 'is'} let in again.` : '',
    ...become,
  ].filter(Boolean);
}

const named = (changes: readonly Change[], choice: Choice): readonly string[] =>
  changes.filter(({ to }) => to === choice).map(({ name }) => name);

/** Under a name. `nowMs`: ms since 1970. */
export function seenWords({ here, lastSeen }: MemberView, nowMs: number): string {
  if (here) return 'here now';
  return lastSeen === undefined ? NEVER_SEEN : `last seen ${whenInWords(lastSeen, nowMs)}`;
}

/** Likewise, with how long they have been known. */
export function knownWords(member: MemberView, nowMs: number): string {
  const { firstSeen, lastSeen } = member;
  const words = seenWords(member, nowMs);
  if (firstSeen === undefined) return words;
  const first = whenInWords(firstSeen, nowMs);
  return lastSeen !== undefined && first === whenInWords(lastSeen, nowMs)
    ? `seen only ${first}`
    : `${words} · first seen ${first}`;
}

/** Not even once: they wrote here, or somebody else let them in. */
export const neverSeen = ({ me, here, lastSeen }: MemberView): boolean =>
  !me && !here && lastSeen === undefined;

const NEVER_SEEN = 'never seen here by this browser';

/** 'Max', 'Max and Ada', 'Max, Ada and Bo', 'Max, Ada and 4 more'. */
export function andWords(names: readonly string[]): string {
  const shown = names.length > 3 ? [...names.slice(0, 2), `${names.length - 2} more`] : names;
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1) ?? ''}`;
}

const alike = (name: string): string => name.normalize('NFKC').toLowerCase();
