/** How a keyboard shortcut is written on the machine in front of the person. */

/** Whether ⌘ takes the place of Ctrl, judged by the platform name a browser gives. */
export const usesCommandKey = (platform: string): boolean => /mac|iphone|ipad|ipod/i.test(platform);

const ON_MAC: Readonly<Record<string, string>> = { Mod: '⌘', Shift: '⇧', Alt: '⌥', Ctrl: '⌃' };
const ELSEWHERE: Readonly<Record<string, string>> = { Mod: 'Ctrl' };
const SIGNS: Readonly<Record<string, string>> = { Enter: '↵', Delete: 'Del', Escape: 'Esc' };

/** Writes 'Mod+Shift+K' as '⌘⇧K' on a Mac and 'Ctrl Shift K' elsewhere. */
export function writeKeys(keys: string, platform: string): string {
  const mac = usesCommandKey(platform);
  const names = mac ? ON_MAC : ELSEWHERE;
  const parts = keys.split('+').map((key) => names[key] ?? SIGNS[key] ?? key);
  return parts.join(mac ? '' : ' ');
}

/** The same keys for `aria-keyshortcuts`, which wants both spellings: 'Control+K Meta+K'. */
export const ariaKeys = (keys: string): string =>
  keys.includes('Mod') ? `${keys.replace('Mod', 'Control')} ${keys.replace('Mod', 'Meta')}` : keys;
