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
import type { Channel, SessionId } from '../core/ids.ts';
import type { Result } from '../core/result.ts';
import { PUBLIC_KEY_BYTES } from '../crypto/signatures.ts';
import { clientIdIn, type CheckedSession } from './certificate.ts';
import { channelCode, CHANNELS, HEAD_BYTES, MAX_BRANCH_STARTS } from './format.ts';

/** An entry that begins a branch: another one by the same author follows the same entry. */
export interface BranchStart {
  /** The author, by the key that signs. */
  readonly session: SessionId;
  readonly channel: Channel;
  readonly seq: number;
  /** The chain hash before it, of which there are 16 bytes. */
  readonly before: Bytes;
  /** Its own, 16 bytes. */
  readonly hash: Bytes;
}

const LABEL_BRANCH = utf8('codeface/branch/1\0');

/** What the branch that begins with that entry is called, where a session is named. */
export const branchName = (hash: Bytes): SessionId => toHex(nameOf(hash)) as SessionId;

/** Its author as the writer of the branch that begins with that entry: another name, another Yjs client (FORK-2). */
export function branchSession(author: CheckedSession, { hash }: Pick<BranchStart, 'hash'>): CheckedSession {
  return { ...author, id: branchName(hash), clientId: clientIdIn(nameOf(hash)) };
}

const nameOf = (hash: Bytes): Bytes => sha256(concat(LABEL_BRANCH, hash));

const byHash = (a: BranchStart, b: BranchStart): number => (toHex(a.hash) < toHex(b.hash) ? -1 : 1);

export const isSameStart = (a: BranchStart, b: BranchStart): boolean => equalBytes(a.hash, b.hash);

/** The branches of a room that are known, found by what they follow. */
export class BranchStarts {
  readonly #after = new Map<string, BranchStart[]>();

  constructor(starts: readonly BranchStart[] = []) {
    for (const start of starts) {
      const key = toHex(start.before);
      const others = this.#after.get(key) ?? [];
      if (!others.some((one) => isSameStart(one, start))) others.push(start);
      this.#after.set(key, others);
    }
    for (const [key, starts] of this.#after) {
      // One alone is no fork.
      if (starts.length < 2) this.#after.delete(key);
      else starts.sort(byHash);
    }
  }

  get none(): boolean {
    return this.#after.size === 0;
  }

  /** The branches that begin after the entry with that hash, by theirs. */
  after(head: Bytes): readonly BranchStart[] {
    return this.none ? [] : (this.#after.get(toHex(head.subarray(0, HEAD_BYTES))) ?? []);
  }

  /** Ordered by hash, whatever was known first. */
  get all(): BranchStart[] {
    return [...this.#after.values()].flat().sort(byHash);
  }
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
