/**
 * The theme as views read and change it. Follows the system's contrast, and other tabs of this browser, while it lives.
 * Make one in a page (`new ThemeState()` in the component that owns the menu) and call `dispose()` when it goes.
 */
import {
  applyTheme,
  highContrast,
  readTheme,
  writeTheme,
  type ContrastChoice,
  type ThemeChoice,
  type ThemeSettings,
} from './theme.ts';

export class ThemeState {
  #settings = $state.raw<ThemeSettings>({ theme: 'system', contrast: 'system' });
  #systemWantsMore = $state(false);
  readonly #stop = new AbortController();

  constructor() {
    // Prerendering has no screen: the defaults stand until the page is in a browser.
    if (typeof window === 'undefined') return;
    const more = window.matchMedia('(prefers-contrast: more)');
    const { signal } = this.#stop;
    this.#settings = readTheme(() => localStorage);
    this.#systemWantsMore = more.matches;
    this.#apply();
    more.addEventListener('change', () => this.#systemChanged(more.matches), { signal });
    window.addEventListener('storage', () => this.#reload(), { signal });
  }

  /** What the person chose. */
  get theme(): ThemeChoice {
    return this.#settings.theme;
  }

  /** Whether high contrast is on now, for whichever reason. */
  get highContrast(): boolean {
    return highContrast(this.#settings, this.#systemWantsMore);
  }

  setTheme(theme: ThemeChoice): void {
    this.#change({ ...this.#settings, theme });
  }

  /** Turns high contrast on or off; a choice that equals the system's goes on following it. */
  setHighContrast(on: boolean): void {
    const contrast: ContrastChoice = on === this.#systemWantsMore ? 'system' : on ? 'more' : 'normal';
    this.#change({ ...this.#settings, contrast });
  }

  dispose(): void {
    this.#stop.abort();
  }

  #change(settings: ThemeSettings): void {
    this.#settings = settings;
    writeTheme(() => localStorage, settings);
    this.#apply();
  }

  #reload(): void {
    this.#settings = readTheme(() => localStorage);
    this.#apply();
  }

  #systemChanged(wantsMore: boolean): void {
    this.#systemWantsMore = wantsMore;
    this.#apply();
  }

  #apply(): void {
    applyTheme(document.documentElement, this.#settings, this.#systemWantsMore);
  }
}
