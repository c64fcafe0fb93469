/**
 * The archive as visitors meet it (docs/spec-archive.md): exact routes on the raw target, headers and bodies checked here, everything
 * else in PocketBase. The one door: no other path of PocketBase opens with it.
 *
 *   GET  /archive/{room}                  status
 *   POST /archive/{room}/register         a registration, verified here
 *   POST /archive/{room}/segments         a batch; the key is asked about before the body is read
 *   POST /archive/{room}/squashed         likewise, with some room above the quota
 *   GET  /archive/{room}/segments?since=  a page
 *   POST /archive/{room}/delete           a deletion, verified here
 *   POST /archive/{room}/owners           who owns the room, verified here
 *   GET  /archive/{room}/live?since=      a page without what is superseded
 *   GET  /archive/{room}/superseded       what waits to be removed
 *   POST /archive/{room}/supersede        what can go, verified here
 *   POST /archive/{room}/revert           that it is to stay, verified here
 *   POST /archive/{room}/checkpoint       the room's checkpoint; only with the edit key, which is asked about before the body is read
 *   GET  /archive/{room}/checkpoint       what it is
 *   GET  /archive/{room}/checkpointed     how long it is, and what it covers
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  ARCHIVE_OWNERS_BYTES,
  ARCHIVE_STATEMENT_BYTES,
  decodeDeletion,
  decodeOwnersClaim,
  decodeRegistration,
  type SignedStatement,
} from '../../app/lib/core/archive-statement.ts';
import {
  ARCHIVE_SUPERSEDE_BYTES,
  decodeRevert,
  decodeSuperseding,
  encodeSuperseded,
  type ArchiveRevert,
  type SupersedingGroup,
} from '../../app/lib/core/archive-superseding.ts';
import {
  ARCHIVE_BATCH_BODY_BYTES,
  ARCHIVE_CHECKPOINT_BYTES,
  ARCHIVE_KEY_HEADER,
  ARCHIVE_PAGE_BYTES,
  ARCHIVE_SPARE_BYTES,
  decodeBatch,
  encodeAbsence,
  encodeAppended,
  encodeCheckpointed,
  encodeDeleted,
  encodePageHead,
  encodeStatus,
  segmentLength,
} from '../../app/lib/core/archive-wire.ts';
import { concat, fromHex, toHex, type Bytes } from '../../app/lib/core/bytes.ts';
import { sized } from '../../app/lib/core/fixed-fields.ts';
import { err, ok, type Result } from '../../app/lib/core/result.ts';
import { lengthOf, readBody, refuse, send, type Body, type Refusal } from './archive-http.ts';
import type { ArchiveBudgets } from './archive-limits.ts';
import type { Answer, ArchiveStore, Caller } from './archive-store.ts';
import { ownersIn, sha256, signerOf } from './owner-proof.ts';
import type { PurgeSchedule } from './purge-schedule.ts';

export interface ArchiveDoorParts {
  readonly store: ArchiveStore;
  readonly budgets: ArchiveBudgets;
  readonly purges: PurgeSchedule;
}

type Outcome = Promise<Result<Body, Refusal>>;

interface Visit {
  readonly request: IncomingMessage;
  readonly caller: Caller;
  /** Whose budget it is. */
  readonly budget: string;
  readonly since: number;
  /** Runs when the answer is out, or the visitor gone. */
  onDone(done: () => void): void;
}
type Route = (parts: ArchiveDoorParts, visit: Visit) => Outcome;

const ROUTES: readonly { readonly method: 'GET' | 'POST'; readonly path: RegExp; readonly route: Route }[] = [
  { method: 'GET', path: /^$/, route: status },
  { method: 'POST', path: /^\/register$/, route: register },
  { method: 'POST', path: /^\/segments$/, route: append },
  { method: 'GET', path: /^\/segments\?since=(0|[1-9]\d{0,15})$/, route: page },
  { method: 'POST', path: /^\/delete$/, route: forget },
  { method: 'POST', path: /^\/owners$/, route: owners },
  {
    method: 'GET',
    path: /^\/live\?since=(0|[1-9]\d{0,15})$/,
    route: (parts, visit) => page(parts, visit, true),
  },
  {
    method: 'POST',
    path: /^\/squashed$/,
    route: (parts, visit) => append(parts, visit, ARCHIVE_SPARE_BYTES),
  },
  { method: 'GET', path: /^\/superseded$/, route: superseded },
  { method: 'POST', path: /^\/supersede$/, route: supersede },
  { method: 'POST', path: /^\/revert$/, route: revert },
  { method: 'POST', path: /^\/checkpoint$/, route: keepCheckpoint },
  { method: 'GET', path: /^\/checkpoint$/, route: checkpoint },
  { method: 'GET', path: /^\/checkpointed$/, route: checkpointed },
];

/** One spelling for each address; a room's name is its whole name. */
const TARGET = /^\/archive\/([a-z2-7]{51}[aq])([/?].*)?$/;
const KEY = /^[0-9a-f]{64}$/;
/** Answers a request below `/archive/`. `address` is the visitor's, `budget` what its limits are counted by. */
export async function answerArchive(
  parts: ArchiveDoorParts,
  { address, budget }: { readonly address: string; readonly budget: string },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [, room, rest = ''] = TARGET.exec(request.url ?? '') ?? [];
  const found = ROUTES.find(({ method, path }) => method === request.method && path.test(rest));
  if (room === undefined || !found) return refuse(response, { reason: 'unknown-route' });
  const since = Number(/since=(\d+)$/.exec(rest)?.[1] ?? 0);
  const waitSeconds = await parts.budgets.request(budget);
  if (waitSeconds !== undefined) return refuse(response, { reason: 'rate', afterSeconds: waitSeconds });

  const keyHash = await hashOfKey(request);
  const caller: Caller = { room, address, ...(keyHash !== undefined && { keyHash }) };
  const dones: (() => void)[] = [];
  try {
    const visit = { request, caller, budget, since, onDone: (done: () => void) => void dones.push(done) };
    const outcome = Number.isSafeInteger(since)
      ? await found.route(parts, visit)
      : err({ reason: 'unknown-route' as const });
    if (outcome.ok) await send(response, outcome.value);
    else refuse(response, outcome.error);
  } finally {
    for (const done of dones) done();
  }
}

async function status({ store }: ArchiveDoorParts, { request, caller }: Visit): Outcome {
  const refused = refusalOfRead(request, caller);
  if (refused) return err(refused);
  const answer = await store.status(caller);
  if (answer.ok) return whole(encodeStatus(answer.value));
  const { reason } = answer.error;
  return reason === 'off' || reason === 'unknown-room' ? whole(encodeAbsence(reason)) : answer;
}

async function register(parts: ArchiveDoorParts, visit: Visit): Outcome {
  const { store, budgets } = parts;
  const body = await readBody(visit.request, ARCHIVE_STATEMENT_BYTES);
  if (!body.ok) return body;
  const statement = decodeRegistration(body.value);
  if (!statement.ok) return err({ reason: statement.error.kind });
  const signer = await signerOf(statement.value, visit.caller.room);
  if (signer === undefined) return err({ reason: 'bad-proof' });
  const waitSeconds = await budgets.registration(visit.budget);
  if (waitSeconds !== undefined) return err({ reason: 'rate', afterSeconds: waitSeconds });
  const hash = await sha256(body.value);
  const answer = await store.register(visit.caller, statement.value.statement, hash, signer);
  // With the keys of the epoch before its checkpoint went.
  if (statement.value.statement.epoch > 0) await clearAway(parts, answer);
  return answer.ok ? whole(encodeStatus(answer.value)) : answer;
}

async function append({ store, budgets }: ArchiveDoorParts, visit: Visit, spare = 0): Outcome {
  const may = (): Answer<unknown> => store.mayAppend(visit.caller);
  const body = await bodyOf(visit, budgets, ARCHIVE_BATCH_BODY_BYTES, may);
  if (!body.ok) return body;
  const batch = decodeBatch(body.value);
  if (!batch.ok) return err({ reason: batch.error.kind });
  const hashed = await Promise.all(batch.value.map(async (bytes) => ({ bytes, hash: await sha256(bytes) })));
  const answer = await store.append(visit.caller, hashed, spare);
  return answer.ok ? whole(encodeAppended(answer.value)) : answer;
}

/** All that comes with a key that may send it: nothing of it is read, or held, before that is sure. */
async function bodyOf(
  visit: Visit,
  budgets: ArchiveBudgets,
  maxBytes: number,
  mayCome: () => Answer<unknown>,
): Promise<Result<Bytes, Refusal>> {
  const { caller, request, budget } = visit;
  if (caller.keyHash === undefined) return err({ reason: 'no-key' });
  const length = lengthOf(request, maxBytes);
  if (!length.ok) return length;
  const may = await mayCome();
  if (!may.ok) return may;
  // Memory first: who is told to come later has not been charged for it.
  const release = budgets.hold(budget, length.value);
  if (!release) return err({ reason: 'later' });
  visit.onDone(release);
  const waitSeconds = await budgets.bytes(budget, length.value);
  if (waitSeconds !== undefined) return err({ reason: 'rate', afterSeconds: waitSeconds });
  return readBody(request, maxBytes);
}

async function page({ store, budgets }: ArchiveDoorParts, visit: Visit, live = false): Outcome {
  const { caller, since } = visit;
  const refused = refusalOfRead(visit.request, caller);
  if (refused) return err(refused);
  const release = budgets.hold(visit.budget, ARCHIVE_PAGE_BYTES);
  if (!release) return err({ reason: 'later' });
  visit.onDone(release);
  const answer = await store.page(caller, since, live);
  if (!answer.ok) return answer;
  const { segments } = answer.value;
  // One file at a time is in memory, beside what came with the page.
  const largestFile = Math.max(0, ...segments.map((one) => ('file' in one ? one.size : 0)));
  const releaseFile = budgets.hold(visit.budget, largestFile);
  if (!releaseFile) return err({ reason: 'later' });
  visit.onDone(releaseFile);
  const head = encodePageHead(answer.value, segments.length);
  const length = segments.reduce((sum, { size }) => sum + 4 + size, head.length);
  const waitSeconds = await budgets.bytes(visit.budget, length);
  if (waitSeconds !== undefined) return err({ reason: 'rate', afterSeconds: waitSeconds });
  async function* bodyParts(): AsyncGenerator<Bytes> {
    yield head;
    for (const segment of segments) {
      const bytes = 'data' in segment ? segment.data : await store.file(caller, segment.file, segment.size);
      // The length is promised already: cutting the answer off is the way to say "later".
      if (bytes === undefined) throw new Error('a file of the archive could not be read');
      yield segmentLength(segment.size);
      yield bytes;
    }
  }
  return ok({ length, parts: bodyParts() });
}

async function forget({ store, purges }: ArchiveDoorParts, visit: Visit): Outcome {
  const body = await readBody(visit.request, ARCHIVE_STATEMENT_BYTES);
  if (!body.ok) return body;
  const statement = decodeDeletion(body.value);
  if (!statement.ok) return err({ reason: statement.error.kind });
  const signer = await signerOf(statement.value, visit.caller.room);
  if (signer === undefined) return err({ reason: 'bad-proof' });
  const answer = await store.delete(visit.caller, statement.value.statement, signer);
  if (!answer.ok) {
    // PocketBase may do it all the same, when we have stopped waiting.
    if (answer.error.reason === 'later') purges.runAfterInterval();
    return answer;
  }
  return whole(encodeDeleted({ ...answer.value, purged: await purges.run() }));
}

async function owners({ store, budgets }: ArchiveDoorParts, visit: Visit): Outcome {
  const body = await readBody(visit.request, ARCHIVE_OWNERS_BYTES);
  if (!body.ok) return body;
  const claim = decodeOwnersClaim(body.value);
  if (!claim.ok) return err({ reason: claim.error.kind });
  const { statements } = claim.value;
  const after = await ownersIn(claim.value, visit.caller.room);
  if (after === undefined) return err({ reason: 'bad-proof' });
  const waitSeconds = await budgets.registration(visit.budget);
  if (waitSeconds !== undefined) return err({ reason: 'rate', afterSeconds: waitSeconds });
  const kept = await store.owners(visit.caller, concat(...sized(...statements)), after);
  return kept.ok ? whole(kept.value) : kept;
}

async function superseded({ store }: ArchiveDoorParts, { request, caller }: Visit): Outcome {
  const refused = refusalOfRead(request, caller);
  if (refused) return err(refused);
  const answer = await store.superseded(caller);
  return answer.ok ? whole(encodeSuperseded(answer.value)) : answer;
}

async function supersede(parts: ArchiveDoorParts, visit: Visit): Outcome {
  const body = await readBody(visit.request, ARCHIVE_SUPERSEDE_BYTES);
  if (!body.ok) return body;
  const read = decodeSuperseding(body.value);
  if (!read.ok) return err({ reason: read.error.kind });
  return changeSuperseded(parts, visit, read.value, read.value.statement.groups);
}

async function revert(parts: ArchiveDoorParts, visit: Visit): Outcome {
  const body = await readBody(visit.request, ARCHIVE_STATEMENT_BYTES);
  if (!body.ok) return body;
  const read = decodeRevert(body.value);
  return read.ok ? changeSuperseded(parts, visit, read.value) : err({ reason: read.error.kind });
}

async function changeSuperseded(
  { store, budgets }: ArchiveDoorParts,
  visit: Visit,
  signed: SignedStatement<ArchiveRevert>,
  groups?: readonly SupersedingGroup[],
): Outcome {
  const signer = await signerOf(signed, visit.caller.room);
  if (signer === undefined) return err({ reason: 'bad-proof' });
  const waitSeconds = await budgets.registration(visit.budget);
  if (waitSeconds !== undefined) return err({ reason: 'rate', afterSeconds: waitSeconds });
  const answer = await store.supersede(visit.caller, signed.statement, groups, signer);
  return answer.ok ? whole(encodeSuperseded(answer.value)) : answer;
}

async function keepCheckpoint(parts: ArchiveDoorParts, visit: Visit): Outcome {
  const { store, budgets } = parts;
  const may = (): Answer<unknown> => store.mayKeepCheckpoint(visit.caller);
  const body = await bodyOf(visit, budgets, ARCHIVE_CHECKPOINT_BYTES, may);
  if (!body.ok) return body;
  if (body.value.length === 0) return err({ reason: 'malformed' });
  const kept = await store.keepCheckpoint(visit.caller, body.value);
  await clearAway(parts, kept);
  return kept.ok ? whole(encodeCheckpointed(kept.value)) : kept;
}

async function checkpoint({ store, budgets }: ArchiveDoorParts, visit: Visit): Outcome {
  const refused = refusalOfRead(visit.request, visit.caller);
  if (refused) return err(refused);
  const release = budgets.hold(visit.budget, ARCHIVE_CHECKPOINT_BYTES);
  if (!release) return err({ reason: 'later' });
  visit.onDone(release);
  const answer = await store.checkpoint(visit.caller);
  if (!answer.ok) return answer;
  const waitSeconds = await budgets.bytes(visit.budget, answer.value.length);
  if (waitSeconds !== undefined) return err({ reason: 'rate', afterSeconds: waitSeconds });
  return whole(answer.value);
}

async function checkpointed({ store }: ArchiveDoorParts, { request, caller }: Visit): Outcome {
  const refused = refusalOfRead(request, caller);
  if (refused) return err(refused);
  const answer = await store.checkpointed(caller);
  return answer.ok ? whole(encodeCheckpointed(answer.value)) : answer;
}

/** Removes the file of a checkpoint that is none any more, before the answer; what can't be removed now, soon. */
async function clearAway(
  { store, purges }: ArchiveDoorParts,
  answer: Result<unknown, Refusal>,
): Promise<void> {
  // PocketBase may do it all the same, when we have stopped waiting.
  const isDone = answer.ok || answer.error.reason !== 'later';
  if (!isDone || !(await store.tidy(false)).ok) purges.runAfterInterval();
}

const whole = (body: Bytes): { readonly ok: true; readonly value: Body } =>
  ok({ length: body.length, parts: [body] });

/** The SHA-256 of the visitor's key, in hex: the key itself goes no further. A header that came twice is none. */
async function hashOfKey(request: IncomingMessage): Promise<string | undefined> {
  const key = request.headers[ARCHIVE_KEY_HEADER];
  return typeof key === 'string' && KEY.test(key) ? toHex(await sha256(fromHex(key))) : undefined;
}

function refusalOfRead({ headers }: IncomingMessage, { keyHash }: Caller): Refusal | undefined {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (hasBody) return { reason: 'malformed' };
  return keyHash === undefined ? { reason: 'no-key' } : undefined;
}
