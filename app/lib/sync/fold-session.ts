/**
 * Catching up: many segments through the accept order and into one Y.Doc, away from the page's own doc, so that
 * the page only applies the difference. Runs in a worker (fold.worker.ts) or, where there is none, in place.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import * as Y from 'yjs';
import { equalBytes, type Bytes } from '../core/bytes.ts';
import type { RoomId } from '../core/ids.ts';
import { deriveRoomKeys, type RoomKeys, type SeedKind } from '../crypto/room-keys.ts';
import { chainKey, type FrontierRow } from '../log/frontier.ts';
import type { StoredSegment } from '../log/log-store.ts';
import { isWhole } from './segment-check.ts';
import type { BranchStart } from '../log/branches.ts';
import type { Refusal } from '../log/format.ts';
import { forksOf, type Accepted, type ForkProof, type Gap } from '../log/receipt.ts';
import { RoomLog } from '../log/room-log.ts';
import { decodeRoster, encodeRoster } from '../log/roster.ts';

export interface FoldStart {
  readonly roomId: RoomId;
  /** Keys don't cross into a worker; what they derive from does. */
  readonly seed: { readonly kind: SeedKind; readonly bytes: Bytes; readonly epoch: number };
  readonly genesis: Bytes | undefined;
  /** The owner's statements after it, and the read seeds of the epochs before that of `seed`. */
  readonly statements: readonly Bytes[];
  readonly pastSeeds: readonly Bytes[];
  /** The forks that are known. */
  readonly branches?: readonly BranchStart[];
  /** Beginnings that are in only where something leads to them. */
  readonly outside?: readonly BranchStart[];
  /** Who owned the room when: without them a statement may be believed by nobody. */
  readonly owners?: readonly Bytes[];
  /** Where to go on from; from nothing when absent. */
  readonly from?: { readonly chains: Bytes; readonly state?: Bytes };
}

export interface FoldResult {
  /** What the project doc gained since the last result, as one V1 update. */
  readonly diff: Bytes;
  /** RoomLog's export at exactly that state. */
  readonly chains: Bytes;
  /** Segments to keep. */
  readonly stored: readonly StoredSegment[];
  /** Accepted entries of channels that are not Y.Docs. */
  readonly messages: readonly Accepted[];
  readonly entries: number;
  readonly refusals: readonly Refusal[];
  readonly gaps: readonly Gap[];
  readonly forks: readonly ForkProof[];
  /** Segments that wait for something: the page's log must hold them too, or it would ask for them again. */
  readonly held: readonly Bytes[];
}

/** While a segment is folded those after it are decrypted and inflated, on other threads. */
const OPENED_AHEAD = 4;

export class FoldSession {
  readonly #log: RoomLog;
  readonly #doc = new Y.Doc();
  #known: Uint8Array;

  private constructor(log: RoomLog, state: Bytes | undefined) {
    this.#log = log;
    if (state !== undefined) Y.applyUpdate(this.#doc, state);
    this.#known = Y.encodeStateVector(this.#doc);
  }

  static async start(start: FoldStart): Promise<FoldSession> {
    const { roomId, genesis, statements, owners = [], branches = [], outside = [], from } = start;
    const keys = await keysOf(start);
    const roster = genesis && (await decodeRoster(encodeRoster({ genesis, statements, owners }), roomId));
    const options = { roomId, keys, branches, outside, ...(roster?.ok && roster.value) };
    if (from === undefined) return new FoldSession(new RoomLog(options), undefined);
    const imported = RoomLog.importChains(from.chains, options);
    if (!imported.ok) throw new Error('chains that this tab exported do not read');
    return new FoldSession(imported.value, from.state);
  }

  /** Takes segments in any order; what can't be placed yet is held for the next call. */
  async fold(sealed: readonly Bytes[]): Promise<FoldResult> {
    const stored: StoredSegment[] = [];
    const messages: Accepted[] = [];
    const refusals: Refusal[] = [];
    const gaps: Gap[] = [];
    const forks: ForkProof[] = [];
    const held: Bytes[] = [];
    let entries = 0;
    for (const [index, one] of sealed.entries()) {
      const next = sealed[index + OPENED_AHEAD];
      if (next !== undefined) this.#log.openAhead(next);
      const receipt = await this.#log.receive(one);
      for (const accepted of receipt.accepted) {
        entries += accepted.entries.length;
        stored.push(toStored(accepted));
        if (accepted.channel === 'project') applyAccepted(this.#doc, accepted, 'fold');
        else messages.push(accepted);
      }
      if (receipt.refused) refusals.push(receipt.refused);
      if (receipt.held) held.push(one);
      forks.push(...forksOf(receipt));
      if (receipt.gap) gaps.push(receipt.gap);
      gaps.push(...receipt.wanted);
    }
    const diff = Y.encodeStateAsUpdate(this.#doc, this.#known) as Bytes;
    this.#known = Y.encodeStateVector(this.#doc);
    return { diff, chains: this.#log.exportChains(), stored, messages, entries, refusals, gaps, forks, held };
  }

  /** Takes segments that are all there is, in any order: again and again while what was short of room finds its place. */
  async foldAll(sealed: readonly Bytes[]): Promise<void> {
    let result = await this.fold(sealed);
    while (result.gaps.length > 0 && result.entries > 0) result = await this.fold(sealed);
  }

  /** Whether `state` says nothing but what this says too. */
  contains(state: Bytes): boolean {
    return stateContains(Y.encodeStateAsUpdate(this.#doc), state);
  }

  /** How far each chain is here. */
  frontier(): FrontierRow[] {
    return this.#log.frontier();
  }

  /** SHA-256 of the state as a fresh doc would hold it: what two replicas of equal logs have in common. */
  stateHash(): Bytes {
    return stateHash(Y.encodeStateAsUpdate(this.#doc));
  }
}

async function keysOf({ roomId, seed, pastSeeds }: FoldStart): Promise<RoomKeys> {
  const past = await Promise.all(pastSeeds.map((one, epoch) => deriveRoomKeys('v', one, epoch, roomId)));
  return { ...(await deriveRoomKeys(seed.kind, seed.bytes, seed.epoch, roomId)), past };
}

/** 'log-short': the log at rest lacks what the snapshot was made of, so nothing can be said of the snapshot. */
export type SnapshotVerdict = 'agrees' | 'false' | 'log-short';

/** Whether a device snapshot says what the log behind it says; both are folded to the same end before comparing. */
export async function checkSnapshot(start: FoldStart, segments: readonly Bytes[]): Promise<SnapshotVerdict> {
  const { from: _from, ...fromNothing } = start;
  const [shortcut, whole] = [await FoldSession.start(start), await FoldSession.start(fromNothing)];
  await shortcut.foldAll(segments);
  await whole.foldAll(segments);
  if (equalBytes(shortcut.stateHash(), whole.stateHash())) return 'agrees';
  const seqs = new Map(whole.frontier().map((row) => [chainKey(row), row.seq]));
  const short = shortcut.frontier().some((row) => (seqs.get(chainKey(row)) ?? 0) < row.seq);
  return short ? 'log-short' : 'false';
}

/** What the check of a snapshot finds: of both, and of each stored segment by itself. */
export interface RestCheck {
  readonly verdict: SnapshotVerdict;
  /** Which of the segments are not whole (SYNC-15). */
  readonly damaged: readonly number[];
}

/** Holds a device snapshot against the log at rest, and looks at every segment of it. */
export async function checkRest(start: FoldStart, stored: readonly StoredSegment[]): Promise<RestCheck> {
  const keys = await keysOf(start);
  const damaged: number[] = [];
  const starts = [...(start.branches ?? []), ...(start.outside ?? [])];
  for (const [index, segment] of stored.entries())
    if (!(await isWhole(keys, segment, starts))) damaged.push(index);
  const segments = stored.map(({ sealed }) => sealed);
  return { verdict: await checkSnapshot(start, segments), damaged };
}

/** Applies what one segment brought, as one update: an update for each entry takes twice as long. */
export function applyAccepted(doc: Y.Doc, { update }: Accepted, origin: unknown): void {
  if (update !== undefined) Y.applyUpdate(doc, update, origin);
}

export const toStored = ({ session, channel, segFirst, segLast, sealed }: Accepted): StoredSegment => ({
  session: session.id,
  channel,
  first: segFirst,
  last: segLast,
  sealed,
});

/** Whether what two V1 states say together is what `whole` says. Of what was deleted since nothing is left to compare. */
export function stateContains(whole: Uint8Array, state: Uint8Array): boolean {
  const both = new Y.Doc();
  Y.applyUpdate(both, state);
  Y.applyUpdate(both, whole);
  const said = stateHash(Y.encodeStateAsUpdate(both));
  both.destroy();
  return equalBytes(said, stateHash(whole));
}

/** Hash of a V1 state, taken from a fresh doc: one with an undo history encodes differently (LOG.md, Checkpoints). */
export function stateHash(state: Uint8Array): Bytes {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, state);
  const hash = sha256(Y.encodeStateAsUpdate(doc)) as Bytes;
  doc.destroy();
  return hash;
}
