/**
 * Which entries lead to which, among signed ones of former epochs that are no part of the room yet: where a row names an entry,
 * all that it goes on from is let in with it (ROST-10), in whatever order their segments come.
 */
import { toHex, type Bytes } from '../core/bytes.ts';
import type { Channel } from '../core/ids.ts';
import type { Arrival } from './chain.ts';
import { HEAD_BYTES } from './format.ts';

/** Far more than wait in any room that nobody plays with. What goes is found again when it is sent again. */
const MAX_HASHES = 2 ** 17;

/** The entries of one segment, that before its first one included. */
interface Trail {
  readonly names: readonly string[];
  /** How many of them lead to an entry that is let in, those included. */
  led: number;
}

/** An entry of a channel, by the first 16 bytes of its chain hash. */
export const entryName = (channel: Channel, hash: Bytes): string =>
  `${channel} ${toHex(hash.subarray(0, HEAD_BYTES))}`;

export class Trails {
  readonly #all = new Map<string, Trail>();
  /** By each entry, those that it is in. */
  readonly #through = new Map<string, Trail[]>();
  #hashes = 0;

  /** Takes the entries of a segment, of which `isNamed` says which are named. Whether one leads somewhere that did not before. */
  add(channel: Channel, { before, hashes }: Arrival, isNamed: (name: string) => boolean): boolean {
    const names = [before, ...hashes].map((hash) => entryName(channel, hash));
    const key = `${names.length} ${names.at(-1)}`;
    if (this.#all.has(key)) return false;
    const trail: Trail = { names, led: 0 };
    this.#all.set(key, trail);
    this.#hashes += names.length;
    let led = 0;
    for (const [i, name] of names.entries()) {
      const others = this.#through.get(name);
      if (isNamed(name) || others?.some((other) => isLed(other, name))) led = i + 1;
      if (others === undefined) this.#through.set(name, [trail]);
      else others.push(trail);
    }
    this.#forget();
    if (led > 0) this.#lead(trail, led);
    return led > 0;
  }

  /** What leads to that entry is let in from now on. Whether anything that is here does. */
  lead(name: string): boolean {
    const trails = this.#through.get(name) ?? [];
    for (const trail of trails) this.#lead(trail, trail.names.indexOf(name) + 1);
    return trails.length > 0;
  }

  leads(name: string): boolean {
    return this.#through.get(name)?.some((trail) => isLed(trail, name)) === true;
  }

  #lead(trail: Trail, to: number): void {
    const due: [Trail, number][] = [[trail, to]];
    for (let next = due.pop(); next !== undefined; next = due.pop()) {
      const [one, count] = next;
      const before = one.led;
      if (count <= before) continue;
      one.led = count;
      for (const name of one.names.slice(before, count))
        for (const other of this.#through.get(name) ?? [])
          if (other !== one) due.push([other, other.names.indexOf(name) + 1]);
    }
  }

  #forget(): void {
    for (const [key, { names }] of this.#all) {
      if (this.#hashes <= MAX_HASHES || this.#all.size === 1) return;
      this.#all.delete(key);
      this.#hashes -= names.length;
      for (const name of names) {
        const rest = this.#through.get(name)?.filter((trail) => trail.names !== names) ?? [];
        if (rest.length > 0) this.#through.set(name, rest);
        else this.#through.delete(name);
      }
    }
  }
}

const isLed = ({ names, led }: Trail, name: string): boolean => {
  const at = names.indexOf(name);
  return at >= 0 && at < led;
};
