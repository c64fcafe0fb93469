/**
 * Which theme is shown: what the person chose, else what the system asks for. Owns the rule, the storage keys and the
 * attributes on the root element; app.html applies the same rule before the first paint (a test compares the two).
 */

/** 'system' follows the machine, also while the page is open. */
export type ThemeChoice = 'system' | 'light' | 'dark';
export type ContrastChoice = 'system' | 'more' | 'normal';

export interface ThemeSettings {
  readonly theme: ThemeChoice;
  readonly contrast: ContrastChoice;
}

/** localStorage keys; absent means 'system'. */
export const THEME_KEY = 'codeface.theme';
export const CONTRAST_KEY = 'codeface.contrast';

/** The part of localStorage this needs. Any call may throw where storage is refused. */
export type SettingsStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** Reads the settings; whatever is missing, unknown or refused is 'system'. Never throws. */
export function readTheme(storage: () => SettingsStorage): ThemeSettings {
  const theme = readItem(storage, THEME_KEY);
  const contrast = readItem(storage, CONTRAST_KEY);
  return {
    theme: theme === 'light' || theme === 'dark' ? theme : 'system',
    contrast: contrast === 'more' || contrast === 'normal' ? contrast : 'system',
  };
}

/** Keeps the settings for the next visit, or does nothing where storage is refused. Never throws. */
export function writeTheme(storage: () => SettingsStorage, settings: ThemeSettings): void {
  try {
    keep(storage(), THEME_KEY, settings.theme);
    keep(storage(), CONTRAST_KEY, settings.contrast);
  } catch {
    // Without storage the choice lasts as long as the page: nothing else depends on it.
  }
}

/** Whether the high-contrast tokens are on: the person's word, else the system's `prefers-contrast: more`. */
export const highContrast = (settings: ThemeSettings, systemWantsMore: boolean): boolean =>
  settings.contrast === 'more' || (settings.contrast === 'system' && systemWantsMore);

/** Puts the theme on the root element: `data-theme` only when chosen, `data-contrast="more"` only when on. */
export function applyTheme(
  root: { readonly dataset: DOMStringMap },
  settings: ThemeSettings,
  systemWantsMore: boolean,
): void {
  if (settings.theme === 'system') delete root.dataset.theme;
  else root.dataset.theme = settings.theme;
  if (highContrast(settings, systemWantsMore)) root.dataset.contrast = 'more';
  else delete root.dataset.contrast;
}

function readItem(storage: () => SettingsStorage, key: string): string | null {
  try {
    return storage().getItem(key);
  } catch {
    return null;
  }
}

function keep(storage: SettingsStorage, key: string, value: string): void {
  if (value === 'system') storage.removeItem(key);
  else storage.setItem(key, value);
}
