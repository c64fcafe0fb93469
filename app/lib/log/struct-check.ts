/**
 * What a Yjs V1 update may hold, checked on its bytes before Yjs sees them (ACC-6 to ACC-12): every struct is its
 * session's and starts at its next clock, content kinds and root names are listed, deletions name what exists.
 *
 * Not `Y.decodeUpdate`: it reads some bytes otherwise than `Y.applyUpdate` does (a Skip with flag bits set), stops at
 * the first odd one without saying so, and leaves trailing bytes unseen.
 */
import type { Bytes } from '../core/bytes.ts';
import { err, ok, type Result } from '../core/result.ts';
import { Malformed, parse, type ByteReader } from '../core/byte-reader.ts';
import { MAX_CLOCK, type RefusalCode } from './format.ts';

/** Root types of the project doc; anything else under another name would be there unseen by every view. */
export const ROOT_NAMES: readonly string[] = ['files', 'meta', 'blobs'];

/** Clocks of a client that an update deletes, from `clock` on. */
export interface DeletedRange {
  readonly client: number;
  readonly clock: number;
  readonly length: number;
}

/** Where one struct says that it stands. */
export interface CheckedStruct {
  readonly clock: number;
  readonly origin?: readonly [client: number, clock: number] | undefined;
  readonly rightOrigin?: readonly [client: number, clock: number] | undefined;
  /** Its list, where it names one itself: see struct-parents.ts. '' with an origin, and for GC. */
  readonly parent: string;
}

export interface CheckedUpdate {
  readonly structs: readonly CheckedStruct[];
  /** The structs as they stand in the update, a view of it. */
  readonly structBytes: Bytes;
  readonly deleted: readonly DeletedRange[];
  /** The session's clock after this update. */
  readonly nextClock: number;
  /** What must be applied before: other client → its clock must have reached this. */
  readonly needs: ReadonlyMap<number, number>;
}

export interface UpdateRefusal {
  readonly code: RefusalCode;
  readonly detail: string;
}

/** Checks one entry's update by the session that writes as `client` and whose next clock is `clock`. */
export function checkUpdate(
  update: Bytes,
  client: number,
  clock: number,
): Result<CheckedUpdate, UpdateRefusal> {
  const check = new UpdateCheck(client, clock);
  try {
    const read = parse(update, (reader) => {
      check.structs(reader);
      check.deleteSet(reader);
    });
    if (!read.ok) return err({ code: 'malformed-update', detail: read.error });
    const { read: structs, clock: nextClock, needs, deleted } = check;
    return ok({ structs, structBytes: check.structBytesOf(update), deleted, nextClock, needs });
  } catch (problem) {
    if (problem instanceof Refused) return err({ code: problem.code, detail: problem.message });
    throw problem;
  }
}

/** Carries a refusal out of the middle of a read. */
class Refused extends Error {
  readonly code: RefusalCode;
  constructor(code: RefusalCode, detail: string) {
    super(detail);
    this.code = code;
  }
}

// A struct's info byte: the low five bits say what it is, the high three what is written of its place.
const KIND_BITS = 0x1f;
const HAS_ORIGIN = 0x80;
const HAS_RIGHT_ORIGIN = 0x40;
const HAS_PARENT_SUB = 0x20;

const KIND_GC = 0;
const KIND_DELETED = 1;
const KIND_BINARY = 3;
const KIND_STRING = 4;
const KIND_TYPE = 7;
const KIND_ANY = 8;
const KIND_SKIP = 10;
/** Y.Array, Y.Map and Y.Text. The XML types have no place in a project. */
const MAX_TYPE_REF = 2;
/** Values are nested a level or two; Yjs reads and writes them by recursion, whose depth differs between machines. */
const MAX_ANY_DEPTH = 16;
export const MAX_NAME_BYTES = 1024;

/** What a struct's first byte says. */
export const flagsOf = (info: number) => ({
  kind: info & KIND_BITS,
  isGC: (info & KIND_BITS) === KIND_GC,
  hasOrigin: (info & HAS_ORIGIN) !== 0,
  hasRightOrigin: (info & HAS_RIGHT_ORIGIN) !== 0,
  hasParentSub: (info & HAS_PARENT_SUB) !== 0,
});

const NOTHING_NEEDED: ReadonlyMap<number, number> = new Map();

class UpdateCheck {
  readonly read: CheckedStruct[] = [];
  readonly deleted: DeletedRange[] = [];
  needs: ReadonlyMap<number, number> = NOTHING_NEEDED;
  readonly #client: number;
  clock: number;
  #needs: Map<number, number> | undefined;
  #structsFrom = 0;
  #structsTo = 0;

  constructor(client: number, clock: number) {
    this.#client = client;
    this.clock = clock;
  }

  structs(reader: ByteReader): void {
    const clients = reader.varUint();
    if (clients > 1) throw new Refused('foreign-struct', `structs of ${clients} clients`);
    if (clients === 0) return;
    const count = reader.varUint();
    if (count === 0) throw new Malformed('a client without structs');
    const client = reader.varUint();
    if (client !== this.#client) throw new Refused('foreign-struct', `struct of client ${client}`);
    const start = reader.varUint();
    if (start !== this.clock) throw new Refused('wrong-clock', `clock ${start}, expected ${this.clock}`);
    this.#structsFrom = reader.at;
    for (let i = 0; i < count; i++) {
      const length = this.#struct(reader);
      if (length === 0) throw new Refused('malformed-update', 'empty struct');
      this.clock += length;
      if (this.clock > MAX_CLOCK) throw new Refused('wrong-clock', 'clock too large');
    }
    this.#structsTo = reader.at;
  }

  structBytesOf(update: Bytes): Bytes {
    return update.subarray(this.#structsFrom, this.#structsTo);
  }

  deleteSet(reader: ByteReader): void {
    const clients = reader.varUint();
    const seen = new Set<number>();
    for (let i = 0; i < clients; i++) {
      const client = reader.varUint();
      if (seen.has(client)) throw new Refused('bad-delete-set', 'client twice');
      seen.add(client);
      this.#deletedOf(client, reader);
    }
  }

  #deletedOf(client: number, reader: ByteReader): void {
    const ranges = reader.varUint();
    if (ranges === 0) throw new Refused('bad-delete-set', 'client without ranges');
    let end = 0;
    for (let i = 0; i < ranges; i++) {
      const from = reader.varUint();
      const length = reader.varUint();
      if (length === 0) throw new Refused('bad-delete-set', 'empty range');
      if (from < end) throw new Refused('bad-delete-set', 'ranges overlap or are unsorted');
      end = from + length;
      if (end > MAX_CLOCK) throw new Refused('bad-delete-set', 'range too long');
      this.deleted.push({ client, clock: from, length });
    }
    if (client !== this.#client) this.#need(client, end);
    else if (end > this.clock) throw new Refused('bad-delete-set', 'own clocks that do not exist yet');
  }

  /** Reads one struct and returns its length in clocks. */
  #struct(reader: ByteReader): number {
    const info = reader.u8();
    const kind = info & KIND_BITS;
    if (kind === KIND_SKIP) throw new Refused('skip-struct', 'skips clocks');
    if (kind === KIND_GC) {
      this.read.push({ clock: this.clock, origin: undefined, rightOrigin: undefined, parent: '' });
      return reader.varUint();
    }
    const origin = (info & HAS_ORIGIN) !== 0 ? this.#id(reader) : undefined;
    const rightOrigin = (info & HAS_RIGHT_ORIGIN) !== 0 ? this.#id(reader) : undefined;
    let parent = '';
    if (!origin && !rightOrigin) {
      parent = this.#parent(reader);
      if ((info & HAS_PARENT_SUB) !== 0) parent += `\0${reader.text(MAX_NAME_BYTES)}`;
    }
    this.read.push({ clock: this.clock, origin, rightOrigin, parent });
    return readContent(kind, reader);
  }

  #parent(reader: ByteReader): string {
    const isRoot = reader.varUint(1) === 1;
    if (!isRoot) return this.#id(reader).join(':');
    const name = reader.text(MAX_NAME_BYTES);
    if (!ROOT_NAMES.includes(name)) throw new Refused('root-name', `root type "${name}"`);
    return name;
  }

  /** An id that the struct at `this.clock` names. Its own client's must be older, or it would wait for itself. */
  #id(reader: ByteReader): [client: number, clock: number] {
    const client = reader.varUint();
    const clock = reader.varUint();
    if (clock >= MAX_CLOCK) throw new Refused('bad-reference', 'clock too large');
    if (client !== this.#client) this.#need(client, clock + 1);
    else if (clock >= this.clock) throw new Refused('bad-reference', 'names a clock of its own to come');
    return [client, clock];
  }

  #need(client: number, clock: number): void {
    if ((this.needs.get(client) ?? 0) >= clock) return;
    const needs = (this.#needs ??= new Map<number, number>());
    this.needs = needs.set(client, clock);
  }
}

/** Passes over a struct's content, and gives its length in clocks. */
export function readContent(kind: number, reader: ByteReader): number {
  switch (kind) {
    case KIND_DELETED:
      return reader.varUint();
    case KIND_BINARY:
      reader.varBytes(Infinity);
      return 1;
    case KIND_STRING:
      return reader.textLength(Infinity);
    case KIND_TYPE: {
      const type = reader.varUint();
      if (type > MAX_TYPE_REF) throw new Refused('content-kind', `type ${type}`);
      return 1;
    }
    case KIND_ANY: {
      const count = reader.varUint();
      for (let i = 0; i < count; i++) skipAny(reader, 0);
      return count;
    }
    default:
      throw new Refused('content-kind', `content ${kind}`);
  }
}

/** Passes over one value of lib0's `any` encoding. */
function skipAny(reader: ByteReader, depth: number): void {
  if (depth > MAX_ANY_DEPTH) throw new Refused('malformed-update', 'value nested too deep');
  const type = reader.u8();
  switch (type) {
    case 127: // undefined
    case 126: // null
    case 121: // false
    case 120: // true
      return;
    case 125:
      reader.varInt();
      return;
    case 124:
      reader.take(4);
      return;
    case 123:
    case 122:
      reader.take(8);
      return;
    case 119:
      reader.text(Infinity);
      return;
    case 118: {
      const keys = reader.varUint();
      for (let i = 0; i < keys; i++) {
        reader.text(MAX_NAME_BYTES);
        skipAny(reader, depth + 1);
      }
      return;
    }
    case 117: {
      const items = reader.varUint();
      for (let i = 0; i < items; i++) skipAny(reader, depth + 1);
      return;
    }
    case 116:
      reader.varBytes(Infinity);
      return;
    default:
      throw new Malformed(`value of type ${type}`);
  }
}
