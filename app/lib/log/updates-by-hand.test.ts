/**
 * A second reading of ACC-6 to ACC-12 that shares no code with the app: the grammar of the page, one function for each row of its
 * table. It judges the updates of docs/vectors.json, and with the app whatever comes of changing them.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Vectors } from '../../../scripts/vectors.ts';
import { checkUpdate } from './struct-check.ts';

const FILE = new URL('../../../docs/vectors.json', import.meta.url);
const vectors = JSON.parse(readFileSync(FILE, 'utf8')) as Vectors;

/** Its message is the refusal. */
class Refusal extends Error {}
const refuse = (code: string): never => {
  throw new Refusal(code);
};

const LAST_CLOCK = 2 ** 32;

class Update {
  readonly #bytes: Buffer;
  readonly #client: number;
  #at = 0;
  clock: number;
  readonly needs = new Map<number, number>();

  constructor(bytes: Buffer, client: number, clock: number) {
    this.#bytes = bytes;
    this.#client = client;
    this.clock = clock;
  }

  read(): void {
    const clients = this.#number();
    if (clients > 1) refuse('foreign-struct');
    if (clients === 1) this.#structs();
    const deleted = new Set<number>();
    for (let left = this.#number(); left > 0; left--) {
      const client = this.#number();
      if (deleted.has(client)) refuse('bad-delete-set');
      deleted.add(client);
      this.#ranges(client);
    }
    if (this.#at < this.#bytes.length) refuse('malformed-update');
  }

  #structs(): void {
    const count = this.#number();
    if (count === 0) refuse('malformed-update');
    if (this.#number() !== this.#client) refuse('foreign-struct');
    if (this.#number() !== this.clock) refuse('wrong-clock');
    for (let i = 0; i < count; i++) {
      const length = this.#struct();
      if (length === 0) refuse('malformed-update');
      this.clock += length;
      if (this.clock > LAST_CLOCK) refuse('wrong-clock');
    }
  }

  #struct(): number {
    const info = this.#take(1)[0] ?? 0;
    const kind = info % 32;
    if (kind === 10) refuse('skip-struct');
    if (kind === 0) return this.#number();
    if (info & 0x80) this.#id();
    if (info & 0x40) this.#id();
    if (info < 0x40) {
      const isRoot = this.#number();
      if (isRoot > 1) refuse('malformed-update');
      if (isRoot === 0) this.#id();
      else if (!['files', 'meta', 'blobs'].includes(this.#text(1024))) refuse('root-name');
      if (info & 0x20) this.#text(1024);
    }
    if (kind === 1) return this.#number();
    if (kind === 3) return this.#take(this.#number()) && 1;
    if (kind === 4) return this.#text().length;
    if (kind === 7) return this.#number() > 2 ? refuse('content-kind') : 1;
    if (kind !== 8) refuse('content-kind');
    const count = this.#number();
    for (let i = 0; i < count; i++) this.#value(0);
    return count;
  }

  #value(inside: number): void {
    if (inside > 16) refuse('malformed-update');
    const type = this.#take(1)[0] ?? 0;
    if ([127, 126, 121, 120].includes(type)) return;
    if (type === 125) return this.#integer();
    if (type === 124) return void this.#take(4);
    if (type === 123 || type === 122) return void this.#take(8);
    if (type === 119) return void this.#text();
    if (type === 116) return void this.#take(this.#number());
    if (type !== 118 && type !== 117) refuse('malformed-update');
    for (let left = this.#number(); left > 0; left--) {
      if (type === 118) this.#text(1024);
      this.#value(inside + 1);
    }
  }

  #ranges(client: number): void {
    let end = 0;
    const count = this.#number();
    if (count === 0) refuse('bad-delete-set');
    for (let i = 0; i < count; i++) {
      const [from, length] = [this.#number(), this.#number()];
      if (length === 0 || from < end) refuse('bad-delete-set');
      end = from + length;
      if (end > LAST_CLOCK) refuse('bad-delete-set');
    }
    if (client !== this.#client) this.#need(client, end);
    else if (end > this.clock) refuse('bad-delete-set');
  }

  #id(): void {
    const [client, clock] = [this.#number(), this.#number()];
    if (clock >= LAST_CLOCK) refuse('bad-reference');
    if (client !== this.#client) this.#need(client, clock + 1);
    else if (clock >= this.clock) refuse('bad-reference');
  }

  #need(client: number, clock: number): void {
    this.needs.set(client, Math.max(clock, this.needs.get(client) ?? 0));
  }

  #take(length: number): Buffer {
    this.#at += length;
    if (this.#at > this.#bytes.length) refuse('malformed-update');
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Numbers have one form: the last of several bytes is not zero. */
  #number(): number {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#take(1)[0] ?? 0;
      value |= BigInt(byte % 128) << shift;
      if (byte > 127) continue;
      if ((byte === 0 && shift > 0n) || value > 2n ** 53n - 1n) refuse('malformed-update');
      return Number(value);
    }
  }

  /** First byte: more, sign, six bits. Only minus zero is of interest here. */
  #integer(): void {
    const first = this.#take(1)[0] ?? 0;
    if (first === 0x40) refuse('malformed-update');
    if (first >= 0x80 && this.#number() === 0) refuse('malformed-update');
  }

  #text(maxBytes = Infinity): string {
    const length = this.#number();
    if (length > maxBytes) refuse('malformed-update');
    const bytes = this.#take(length);
    const text = bytes.toString('utf8');
    return Buffer.from(text).equals(bytes) ? text : refuse('malformed-update');
  }
}

/** The code of the refusal, or what an accepted update comes to. */
function judge(bytes: Uint8Array, client: number, clock: number) {
  const update = new Update(Buffer.from(bytes), client, clock);
  try {
    update.read();
  } catch (problem) {
    if (problem instanceof Refusal) return problem.message;
    throw problem;
  }
  return { nextClock: update.clock, needs: [...update.needs].sort(([a], [b]) => a - b) };
}

test.each(vectors.updates)('ACC-6 to ACC-12 $name', ({ hex, client, clock, accepted, refused }) => {
  const expected = accepted ? { needs: [], ...accepted } : refused;
  expect(judge(Buffer.from(hex, 'hex'), client, clock)).toEqual(expected);
});

test('ACC-6 to ACC-12 [seed 3130, 20000 runs] the app judges changed updates as this reading does', () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(
      fc.constantFrom(...vectors.updates),
      changes,
      fc.nat(12),
      ({ hex, client, clock }, changed, cut) => {
        const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
        if (bytes.length === 0) return;
        for (const [at, to] of changed) bytes[at % bytes.length] = to;
        const update = cut === 0 ? bytes.slice(0, -1) : bytes;
        const app = checkUpdate(update, client, clock);
        const told = app.ok
          ? { nextClock: app.value.nextClock, needs: [...app.value.needs].sort(([a], [b]) => a - b) }
          : app.error.code;
        expect(told).toEqual(judge(update, client, clock));
      },
    ),
    { seed: 3130, numRuns: 20_000 },
  );
});
