/** What one browser keeps for its windows' convenience, in local storage: where that is refused, each visit starts with the defaults. */

export function kept(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Refused or full: the next visit starts with the defaults.
  }
}

export function letGo(key: string): void {
  try {
    localStorage.removeItem(key);
  } catch {
    // Refused: then nothing was kept either.
  }
}
