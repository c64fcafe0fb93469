/**
 * How a person appears before they say who they are: a name and a colour from their device's key, the same for
 * everyone in the room. Also the one door for names that people give themselves (PRES-3).
 */
import type { DeviceId } from './ids.ts';

/** The twelve people colours in the order they were designed: neighbours are far apart. Tokens `--peer-*`. */
export const PERSON_COLOURS = [
  'amber',
  'azure',
  'rose',
  'violet',
  'lime',
  'cyan',
  'coral',
  'cobalt',
  'gold',
  'orchid',
  'copper',
  'plum',
] as const;

export type PersonColour = (typeof PERSON_COLOURS)[number];

export const MAX_PERSON_NAME_CHARS = 64;

// No colours among them: the colour of a person is their device's, and "Red Fox" in blue would mislead.
const ADJECTIVES = (
  'Able Agile Airy Amused Apt Balmy Bold Brave Breezy Bright Brisk Calm Candid Careful Cheerful Civil ' +
  'Clever Cosy Curious Daring Deft Eager Early Easy Fair Fancy Fast Fearless Fine Fluent Fond Frank ' +
  'Free Fresh Gentle Glad Graceful Handy Happy Hardy Hearty Honest Humble Jolly Keen Kind Lively Loyal ' +
  'Lucky Mellow Merry Mindful Modest Neat Nimble Noble Patient Placid Polite Prompt Quick Quiet Ready Sunny'
).split(' ');

const ANIMALS = (
  'Alpaca Badger Bat Bear Beaver Bison Camel Cat Crab Crane Cricket Deer Dingo Dolphin Dove Duck ' +
  'Eagle Egret Elk Falcon Ferret Finch Fox Gecko Goat Goose Hare Hawk Heron Horse Ibex Ibis ' +
  'Jackal Jay Koala Lark Lemur Lion Llama Lynx Marten Mole Moose Moth Newt Otter Owl Panda ' +
  'Puffin Quail Rabbit Raven Robin Seal Shrew Sloth Sparrow Squid Stork Swan Tapir Turtle Walrus Wren'
).split(' ');

/** "Quiet Otter": what a device is called until its person changes it. */
export function defaultName(device: DeviceId): string {
  const bits = keyBits(device);
  const adjective = ADJECTIVES[bits % ADJECTIVES.length] ?? '';
  const animal = ANIMALS[Math.floor(bits / ADJECTIVES.length) % ANIMALS.length] ?? '';
  return `${adjective} ${animal}`;
}

/**
 * A colour for each device in the room. The key picks one; where that is taken, the next free one in design order,
 * going through the devices in key order. Past twelve people, colours are shared evenly.
 */
export function assignColours(devices: Iterable<DeviceId>): Map<DeviceId, PersonColour> {
  const assigned = new Map<DeviceId, PersonColour>();
  const free = new Set<PersonColour>();
  for (const device of [...new Set(devices)].sort()) {
    if (free.size === 0) for (const colour of PERSON_COLOURS) free.add(colour);
    const wanted = Math.floor(keyBits(device) / 4096) % PERSON_COLOURS.length;
    const turned = [...PERSON_COLOURS.slice(wanted), ...PERSON_COLOURS.slice(0, wanted)];
    const colour = turned.find((candidate) => free.has(candidate)) ?? 'amber';
    free.delete(colour);
    assigned.set(device, colour);
  }
  return assigned;
}

/**
 * A name as it may be shown: one line of NFC text of at most `maxChars` code points, without controls and without
 * the marks that reorder or hide text, so that nobody can look like someone else by them. '' if nothing is left.
 */
export function cleanName(name: string, maxChars: number = MAX_PERSON_NAME_CHARS): string {
  // Cut first: a hostile megabyte costs nothing. Four units for each character leave room for what is stripped.
  const text = name
    .slice(0, maxChars * 4)
    .toWellFormed()
    .replace(/[\p{Co}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufffd]/gu, '')
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Zs}]+/gu, ' ')
    .trim();
  return [...text].slice(0, maxChars).join('').trim();
}

/** 32 bits of the key; keys are uniform, so any will do. 0 for what is no key. */
function keyBits(device: DeviceId): number {
  const bits = parseInt(device.slice(0, 8), 16);
  return Number.isFinite(bits) ? bits : 0;
}
