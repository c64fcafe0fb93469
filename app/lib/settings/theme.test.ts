import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import {
  applyTheme,
  CONTRAST_KEY,
  highContrast,
  readTheme,
  THEME_KEY,
  writeTheme,
  type SettingsStorage,
} from './theme.ts';

function memory(items: Record<string, string> = {}): SettingsStorage & { items: Record<string, string> } {
  return {
    items,
    getItem: (key) => items[key] ?? null,
    setItem: (key, value) => void (items[key] = value),
    removeItem: (key) => void delete items[key],
  };
}
const refused = (): never => {
  throw new DOMException('refused', 'SecurityError');
};

describe('reading and keeping', () => {
  test('nothing kept, or nonsense kept, follows the system', () => {
    expect(readTheme(() => memory())).toEqual({ theme: 'system', contrast: 'system' });
    const nonsense = memory({ [THEME_KEY]: 'pink', [CONTRAST_KEY]: '' });
    expect(readTheme(() => nonsense)).toEqual({ theme: 'system', contrast: 'system' });
  });

  test('what is kept comes back; choosing the system leaves nothing behind', () => {
    const storage = memory();
    writeTheme(() => storage, { theme: 'dark', contrast: 'more' });
    expect(readTheme(() => storage)).toEqual({ theme: 'dark', contrast: 'more' });
    writeTheme(() => storage, { theme: 'system', contrast: 'system' });
    expect(storage.items).toEqual({});
  });

  test('refused storage is no error', () => {
    expect(readTheme(refused)).toEqual({ theme: 'system', contrast: 'system' });
    expect(() => writeTheme(refused, { theme: 'dark', contrast: 'system' })).not.toThrow();
  });
});

test.each([
  ['system', false, false],
  ['system', true, true],
  ['more', false, true],
  ['normal', true, false],
] as const)('contrast %s on a system that wants more = %s is %s', (contrast, wantsMore, on) => {
  expect(highContrast({ theme: 'system', contrast }, wantsMore)).toBe(on);
});

describe('the script in app.html shows what this module would', () => {
  const page = readFileSync(new URL('../../app.html', import.meta.url), 'utf8');
  const script = /<script>([^]*?)<\/script>/.exec(page)?.[1] ?? '';

  function byScript(storage: () => SettingsStorage, wantsMore: boolean): DOMStringMap {
    const dataset: DOMStringMap = {};
    const globals = {
      document: { documentElement: { dataset } },
      matchMedia: () => ({ matches: wantsMore }),
      get localStorage() {
        return storage();
      },
    };
    runInNewContext(script, globals);
    return dataset;
  }

  const kept = [undefined, 'light', 'dark', 'more', 'normal', 'pink'];
  const cases = kept.flatMap((theme) =>
    kept.flatMap((contrast) => [true, false].map((more) => ({ theme, contrast, more }))),
  );
  test.each(cases)(
    'theme $theme, contrast $contrast, system wants more: $more',
    ({ theme, contrast, more }) => {
      const storage = memory({
        ...(theme && { [THEME_KEY]: theme }),
        ...(contrast && { [CONTRAST_KEY]: contrast }),
      });
      const dataset: DOMStringMap = {};
      applyTheme(
        { dataset },
        readTheme(() => storage),
        more,
      );
      expect(byScript(() => storage, more)).toEqual(dataset);
    },
  );

  test('refused storage still follows the system', () => {
    expect(byScript(refused, true)).toEqual({ contrast: 'more' });
  });
});
