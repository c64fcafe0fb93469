import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeviceId, FileId } from '../core/ids.ts';
import { assignColours, cleanName, defaultName, PERSON_COLOURS } from '../core/person.ts';
import { decodePresence, encodePresence, MAX_PRESENCE_BYTES, type Presence } from './presence.ts';

const file = 'a'.repeat(16) as FileId;
const position = fc.uint8Array({ maxLength: 200 });
const presence: fc.Arbitrary<Presence> = fc
  .record({
    name: fc.string({ unit: 'grapheme', maxLength: 64 }).map((name) => cleanName(name)),
    role: fc.constantFrom('editor' as const, 'commenter' as const, 'viewer' as const),
    typing: fc.nat(),
  })
  .chain((base) =>
    fc.oneof(
      fc.constant(base),
      fc.constant({ ...base, file }),
      fc.record({ anchor: position, head: position }).map((selection) => ({ ...base, file, ...selection })),
    ),
  );

describe('presence', () => {
  it('PRES-1: comes back as it was, within 2 KiB', () => {
    fc.assert(
      fc.property(presence, (one) => {
        const bytes = encodePresence(one);
        expect(bytes.length).toBeLessThanOrEqual(MAX_PRESENCE_BYTES);
        expect(decodePresence(bytes)).toEqual({ ok: true, value: one });
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('PRES-2: never throws on bytes of others, and accepts no byte too many', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        presence,
        fc.nat(),
        fc.nat(255),
        (noise, one, at, byte) => {
          const bytes = encodePresence(one);
          expect(decodePresence(Uint8Array.of(...bytes, 0)).ok).toBe(false);
          bytes[at % bytes.length] = byte;
          for (const any of [noise, bytes]) {
            const decoded = decodePresence(any);
            if (decoded.ok) expect(cleanName(decoded.value.name)).toBe(decoded.value.name);
          }
        },
      ),
      { numRuns: 500, seed: 2 },
    );
    expect(decodePresence(new Uint8Array(MAX_PRESENCE_BYTES + 1))).toMatchObject({
      error: { kind: 'too-large' },
    });
  });

  it('leaves out a selection that is too long to send', () => {
    const long = {
      name: '',
      role: 'editor',
      typing: 0,
      file,
      anchor: new Uint8Array(201),
      head: new Uint8Array(),
    } as const;
    expect(decodePresence(encodePresence(long))).toEqual({
      ok: true,
      value: { name: '', role: 'editor', typing: 0, file },
    });
  });
});

describe('names and colours', () => {
  it.each([
    ['  Ada\n Lovelace ', 'Ada Lovelace'],
    ['ad\u202emin\u200b', 'admin'],
    ['👩‍💻 dev', '👩‍💻 dev'],
    ['\u0000\u0007', ''],
    ['\ud800', ''],
    ['x'.repeat(1_000_000), 'x'.repeat(64)],
  ])('PRES-3: %j is shown as %j', (name, shown) => {
    expect(cleanName(name)).toBe(shown);
  });

  it('PRES-3: cleaning twice changes nothing more', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (name) => {
        expect(cleanName(cleanName(name))).toBe(cleanName(name));
      }),
      { numRuns: 1_000, seed: 3 },
    );
  });

  const device = fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((key) => Buffer.from(key).toString('hex') as DeviceId);

  it('a device is an adjective and an animal, never a colour', () => {
    fc.assert(
      fc.property(device, (id) => {
        expect(defaultName(id)).toMatch(/^[A-Z][a-z]+ [A-Z][a-z]+$/);
        for (const colour of PERSON_COLOURS)
          expect(defaultName(id).toLowerCase()).not.toContain(`${colour} `);
      }),
      { numRuns: 300, seed: 4 },
    );
  });

  it('PRES-4: twelve people have twelve colours, the same whoever counts them', () => {
    fc.assert(
      fc.property(fc.uniqueArray(device, { minLength: 1, maxLength: 30 }), (devices) => {
        const colours = assignColours(devices);
        expect(assignColours(devices.toReversed())).toEqual(colours);
        expect(colours.size).toBe(devices.length);
        expect(new Set(colours.values()).size).toBe(Math.min(12, devices.length));
      }),
      { numRuns: 200, seed: 5 },
    );
  });
});
