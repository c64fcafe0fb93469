/**
 * Branches: what becomes of a chain whose author signed two entries with one seq (FORK-1 to FORK-4). Each of them begins a
 * branch, which is a chain of its own with a name and a Yjs client of its own, so that both are part of the room and nothing
 * that anybody wrote after either has to be taken back.
 *
 *   e1 ◀─ e2 ◀┬─ a3 ◀─ a4     branch of a3: clocks from 0, as everybody sees them
 *             └─ b3           branch of b3
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { createEncoder, toUint8Array, writeUint8, writeUint8Array, writeVarUint } from 'lib0/encoding';
import { concat, equalBytes, fromHex, toHex, utf8, type Bytes } from '../core/bytes.ts';
import { Malformed, parse } from '../core/byte-reader.ts';
import type { Channel, ClientId, SessionId } from '../core/ids.ts';
import type { Result } from '../core/result.ts';
import { PUBLIC_KEY_BYTES } from '../crypto/signatures.ts';
import type { CheckedSession } from './certificate.ts';
import { clientIdIn } from './client-id.ts';
import { channelCode, CHANNELS, HEAD_BYTES, MAX_BRANCH_STARTS } from './format.ts';

/**
 * An entry that begins a branch: another one by the same author follows the same entry, or, with seq 1, another certificate
 * names the same key or has the same Yjs client (FORK-5).
 */
export interface BranchStart {
  /** The author, by the key that signs. */
  readonly session: SessionId;
  readonly channel: Channel;
  readonly seq: number;
  /** The chain hash before it, of which there are 16 bytes. Before a first entry stands its certificate's. */
  readonly before: Bytes;
  /** Its own, 16 bytes. */
  readonly hash: Bytes;
}

const LABEL_BRANCH = utf8('codeface/branch/1\0');
const LABEL_CLIENT = utf8('codeface/branch-client/1\0');

/** What the branch that begins with that entry is called, where a session is named. */
export const branchName = (hash: Bytes): SessionId => toHex(nameOf(hash)) as SessionId;

/** Its author as the writer of the branch that begins with that entry: another name, another Yjs client (FORK-2). */
export function branchSession(
  author: CheckedSession,
  { hash }: Pick<BranchStart, 'hash'>,
  clientId: ClientId = branchClient(hash, 0),
): CheckedSession {
  return { ...author, id: branchName(hash), clientId };
}

const nameOf = (hash: Bytes): Bytes => sha256(concat(LABEL_BRANCH, hash));

/** The Yjs clients that a branch may have, the first of which it has unless another branch might (FORK-6). */
export const branchClient = (hash: Bytes, nth: number): ClientId =>
  clientIdIn(
    nth === 0 ? nameOf(hash) : sha256(concat(LABEL_CLIENT, hash, Uint8Array.of(nth >> 8, nth & 255))),
  );

const byHash = (a: BranchStart, b: BranchStart): number => (toHex(a.hash) < toHex(b.hash) ? -1 : 1);

export const isSameStart = (a: BranchStart, b: BranchStart): boolean => equalBytes(a.hash, b.hash);

/** The branches of a room that are known, found by what they follow. */
export class BranchStarts {
  readonly #after = new Map<string, BranchStart[]>();
  /** First entries of sessions that more than one certificate names, or whose Yjs client another one has (FORK-5). */
  readonly #first = new Map<SessionId, BranchStart[]>();
  /** Ordered by hash, whatever was known first. */
  readonly all: readonly BranchStart[];
  /** By the hash of the beginning. */
  readonly #clients: ReadonlyMap<string, readonly ClientId[]>;
  readonly #taken: ReadonlySet<ClientId>;

  constructor(starts: readonly BranchStart[] = []) {
    for (const start of new Map(starts.map((one) => [toHex(one.hash), one])).values())
      if (start.seq === 1) push(this.#first, start.session, start);
      else push(this.#after, toHex(start.before), start);
    // One alone is no fork. A first entry is one of a kind only where its rival is another session's.
    for (const [key, { length }] of this.#after) if (length < 2) this.#after.delete(key);
    this.all = [...this.#after.values(), ...this.#first.values()].flat().sort(byHash);
    this.#clients = distinctClients(this.all.map(({ hash }) => hash));
    this.#taken = new Set([...this.#clients.values()].flat());
    for (const group of [...this.#after.values(), ...this.#first.values()]) group.sort(byHash);
  }

  get none(): boolean {
    return this.all.length === 0;
  }

  /** The branches that begin after the entry with that hash, by theirs. */
  after(head: Bytes): readonly BranchStart[] {
    return this.none ? [] : (this.#after.get(toHex(head.subarray(0, HEAD_BYTES))) ?? []);
  }

  /** Whether all that a session's key begins is a branch, from its first entries on (FORK-5). */
  isContested(session: SessionId): boolean {
    return this.#first.has(session);
  }

  /** The branch that begins with a first entry of that hash, of a contested session. */
  first(session: SessionId, channel: Channel, hash: Bytes): BranchStart | undefined {
    const isIt = (one: BranchStart): boolean =>
      one.channel === channel && equalBytes(one.hash, hash.subarray(0, HEAD_BYTES));
    return this.#first.get(session)?.find(isIt);
  }

  /** Whether a branch has that Yjs client, or had: no session can begin with it (FORK-6). */
  isTaken(client: ClientId): boolean {
    return this.#taken.has(client);
  }

  /** The Yjs clients that a branch may be named by: the last is its own, others have gone by those before it too (FORK-6). */
  clientsOf({ hash }: BranchStart): readonly ClientId[] {
    return this.#clients.get(toHex(hash)) ?? [branchClient(hash, 0)];
  }
}

/** Of each branch the clients it may be named by: it moves on from every one that another branch has, or had (FORK-6). */
function distinctClients(hashes: readonly Bytes[]): ReadonlyMap<string, readonly ClientId[]> {
  const all = hashes.map((hash) => ({ hash, clients: [branchClient(hash, 0)] }));
  for (let moved = true; moved;) {
    moved = false;
    const uses = new Map<ClientId, number>();
    for (const { clients } of all) for (const one of clients) uses.set(one, (uses.get(one) ?? 0) + 1);
    for (const { hash, clients } of all) {
      const last = clients.at(-1);
      if (last === undefined || uses.get(last) === 1) continue;
      clients.push(branchClient(hash, clients.length));
      moved = true;
    }
  }
  return new Map(all.map(({ hash, clients }) => [toHex(hash), clients]));
}

function push<K>(map: Map<K, BranchStart[]>, key: K, start: BranchStart): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [start]);
  else list.push(start);
}

/** By which names an author's segments may rest. */
export const namesOf = (branches: readonly BranchStart[], session: SessionId): SessionId[] => [
  session,
  ...branches.filter((start) => start.session === session).map(({ hash }) => branchName(hash)),
];

/** Whether a segment of that author may rest by that name. */
export const isNameOf = (branches: readonly BranchStart[], name: SessionId, author: SessionId): boolean =>
  name === author || namesOf(branches, author).includes(name);

/** count varUint ‖ count × (session[32] ‖ channel u8 ‖ seq varUint ‖ before[16] ‖ hash[16]) */
export function encodeBranchStarts(starts: readonly BranchStart[]): Bytes {
  const encoder = createEncoder();
  writeVarUint(encoder, starts.length);
  for (const { session, channel, seq, before, hash } of starts) {
    writeUint8Array(encoder, fromHex(session));
    writeUint8(encoder, channelCode(channel));
    writeVarUint(encoder, seq);
    writeUint8Array(encoder, before);
    writeUint8Array(encoder, hash);
  }
  return toUint8Array(encoder);
}

export function decodeBranchStarts(bytes: Bytes): Result<BranchStart[], string> {
  return parse(bytes, (reader) => {
    const count = reader.varUint(MAX_BRANCH_STARTS);
    const starts: BranchStart[] = [];
    for (let i = 0; i < count; i++) {
      const session = toHex(reader.take(PUBLIC_KEY_BYTES)) as SessionId;
      const channel = CHANNELS[reader.u8()];
      if (channel === undefined) throw new Malformed('unknown channel');
      const seq = reader.varUint();
      if (seq === 0) throw new Malformed('seq starts at 1');
      starts.push({
        session,
        channel,
        seq,
        before: reader.take(HEAD_BYTES).slice(),
        hash: reader.take(HEAD_BYTES).slice(),
      });
    }
    return starts;
  });
}
