/** A server with a real PocketBase, and a room's owner and members as they speak to its archive, for tests. */
import { createHash, randomFillSync } from 'node:crypto';
import { join } from 'node:path';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { base32nopad } from '@scure/base';
import {
  deletionMessage,
  encodeDeletion,
  encodeRegistration,
  registrationMessage,
  type ArchiveRegistration,
} from '../../app/lib/core/archive-statement.ts';
import {
  ARCHIVE_CONTENT_TYPE,
  ARCHIVE_KEY_HEADER,
  archiveCheckpointPath,
  archiveDeletePath,
  archivePath,
  archiveRegisterPath,
  archiveSegmentsPath,
  decodeAppended,
  decodeCheckpointed,
  decodeDeleted,
  decodePage,
  decodeRefusal,
  decodeStatus,
  decodeStatusOrAbsence,
  encodeBatch,
  type ArchiveAppended,
  type ArchiveCheckpointed,
  type ArchiveDeleted,
  type ArchivePage,
  type ArchiveStatus,
} from '../../app/lib/core/archive-wire.ts';
import { randomBytes, toHex, type Bytes } from '../../app/lib/core/bytes.ts';
import { ok, type Result } from '../../app/lib/core/result.ts';
import type { PocketBaseChoice } from '../pocketbase-process.ts';
import { startTestServer, temporaryFolder, type TestServer, type TestServerOptions } from './test-server.ts';

export const pocketbasePath = process.env['POCKETBASE_PATH'];
const sources = join(import.meta.dirname, '..', '..', 'pocketbase');

export interface ArchiveServer extends TestServer {
  readonly dataDir: string;
  /** Every PocketBase that was started so far, the newest last. */
  starts(): Promise<{ readonly pid: number; readonly url: string }[]>;
}

/** The repository's own migrations and hooks; `dataDir` is removed with the server unless it was given. */
export async function startArchiveServer(
  options: TestServerOptions & { dataDir?: string; migrationsDir?: string } = {},
): Promise<ArchiveServer> {
  const { dataDir: given, migrationsDir, ...rest } = options;
  const dataDir = given ?? (await temporaryFolder());
  const folder = await temporaryFolder();
  const binary = join(folder, 'pocketbase.sh');
  await writeFile(binary, `#!/bin/sh\necho "$$ $2" >> '${folder}/starts'\nexec '${pocketbasePath}' "$@"\n`, {
    mode: 0o755,
  });
  const server = await startTestServer({ pocketbase: embedded(binary, dataDir, migrationsDir), ...rest });
  await server.pocketbaseSettled;
  return {
    ...server,
    dataDir,
    starts: async () => {
      const lines = (await readFile(join(folder, 'starts'), 'utf8')).trim().split('\n');
      return lines.map((line) => {
        const [, pid, address] = /^(\d+) --http=(.*)$/.exec(line) ?? [];
        return { pid: Number(pid), url: `http://${address}` };
      });
    },
    close: async () => {
      await server.close();
      await rm(folder, { recursive: true, force: true });
      if (given === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

const embedded = (
  binary: string,
  dataDir: string,
  migrationsDir = join(sources, 'migrations'),
): PocketBaseChoice => ({
  kind: 'embedded',
  binary,
  dataDir,
  migrationsDir,
  hooksDir: join(sources, 'hooks'),
  environment: {
    PB_KEY: 'k'.repeat(32),
    CODEFACE_SUPERUSER_EMAIL: 'superuser@codeface.local',
    CODEFACE_SUPERUSER_PASSWORD: 'a password for tests',
  },
});

export type RoomKey = 'read' | 'edit' | 'comment';

/** A room as its owner has it. */
export interface ArchivedRoom {
  readonly id: string;
  readonly ownerPublicKey: Bytes;
  sign(message: Bytes): Promise<Bytes>;
  readonly keys: Readonly<Record<RoomKey, Bytes>>;
}

export async function newRoom(): Promise<ArchivedRoom> {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  const ownerPublicKey = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  return {
    id: roomIdOf(ownerPublicKey),
    ownerPublicKey,
    sign: async (message) => new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, message)),
    keys: { read: randomBytes(32), edit: randomBytes(32), comment: randomBytes(32) },
  };
}

/** What a sealed segment of that length looks like to a server. */
export const noise = (length: number): Bytes => randomFillSync(new Uint8Array(length));

export const sha256 = (bytes: Uint8Array): Bytes =>
  new Uint8Array(createHash('sha256').update(bytes).digest());
export const roomIdOf = (ownerPublicKey: Bytes): string =>
  base32nopad.encode(sha256(ownerPublicKey)).toLowerCase();

export function registrationOf(
  room: ArchivedRoom,
  counter: number,
  changes: Partial<ArchiveRegistration> = {},
): ArchiveRegistration {
  return {
    ownerPublicKey: room.ownerPublicKey,
    counter,
    epoch: 0,
    readKeyHash: sha256(room.keys.read),
    editKeyHash: sha256(room.keys.edit),
    commentKeyHash: sha256(room.keys.comment),
    blob: new Uint8Array([1, 2, 3]),
    ...changes,
  };
}

export async function signedRegistration(
  room: ArchivedRoom,
  counter: number,
  changes: Partial<ArchiveRegistration> = {},
): Promise<Bytes> {
  const statement = registrationOf(room, counter, changes);
  return encodeRegistration(statement, await room.sign(registrationMessage(statement)));
}

export async function signedDeletion(room: ArchivedRoom, counter: number, instance: Bytes): Promise<Bytes> {
  const statement = { ownerPublicKey: room.ownerPublicKey, counter, instance };
  return encodeDeletion(statement, await room.sign(deletionMessage(statement)));
}

/** A room that the archive keeps. */
export async function registeredRoom(
  archive: ArchiveClient,
): Promise<ArchivedRoom & { readonly instance: Bytes }> {
  const room = await newRoom();
  const { instance } = must(await archive.register(room.id, await signedRegistration(room, 1)));
  return { ...room, instance };
}

/** What came back: the answer, or the status and reason of the refusal, as `403 wrong-key`. */
export type Said<T> = T | string;

/** Speaks to one archive as the holder of some keys would. */
export class ArchiveClient {
  readonly #url: string;
  constructor(url: string) {
    this.#url = url;
  }

  register(roomId: string, statement: Bytes): Promise<Said<ArchiveStatus>> {
    return this.#send('POST', archiveRegisterPath(roomId), decodeStatus, { body: statement });
  }
  async status(roomId: string, key?: Bytes | string): Promise<Said<ArchiveStatus>> {
    const said = await this.#send('GET', archivePath(roomId), decodeStatusOrAbsence, { key });
    return said === 'off' || said === 'unknown-room' ? `200 ${said}` : said;
  }
  append(
    roomId: string,
    key: Bytes | string | undefined,
    segments: readonly Bytes[],
  ): Promise<Said<ArchiveAppended>> {
    return this.appendRaw(roomId, key, encodeBatch(segments));
  }
  appendRaw(roomId: string, key: Bytes | string | undefined, body: Bytes): Promise<Said<ArchiveAppended>> {
    return this.#send('POST', archiveSegmentsPath(roomId), decodeAppended, { key, body });
  }
  page(roomId: string, key: Bytes | string | undefined, since: number): Promise<Said<ArchivePage>> {
    return this.#send('GET', archiveSegmentsPath(roomId, since), decodePage, { key });
  }
  delete(roomId: string, statement: Bytes): Promise<Said<ArchiveDeleted>> {
    return this.#send('POST', archiveDeletePath(roomId), decodeDeleted, { body: statement });
  }

  checkpoint(roomId: string, key: Bytes | string | undefined): Promise<Said<Bytes>> {
    return this.#send('GET', archiveCheckpointPath(roomId), ok, { key });
  }
  keepCheckpoint(
    roomId: string,
    key: Bytes | string | undefined,
    body: Bytes,
  ): Promise<Said<ArchiveCheckpointed>> {
    return this.#send('POST', archiveCheckpointPath(roomId), decodeCheckpointed, { key, body });
  }

  /** Every segment from a cursor on, page by page; a refusal is thrown. */
  async all(roomId: string, key: Bytes, from = 0): Promise<Bytes[]> {
    const segments: Bytes[] = [];
    for (let since = from, more = true; more;) {
      const page = must(await this.page(roomId, key, since));
      segments.push(...page.segments);
      ({ next: since, more } = page);
    }
    return segments;
  }

  async #send<T>(
    method: string,
    path: string,
    read: (bytes: Bytes) => Result<T, { kind: string }>,
    { key, body }: { key?: Bytes | string | undefined; body?: Bytes } = {},
  ): Promise<Said<T>> {
    const headers: Record<string, string> = body ? { 'content-type': ARCHIVE_CONTENT_TYPE } : {};
    if (key !== undefined) headers[ARCHIVE_KEY_HEADER] = typeof key === 'string' ? key : toHex(key);
    const answer = await fetch(this.#url + path, { method, headers, ...(body && { body }) });
    if (answer.status !== 200)
      return `${answer.status} ${decodeRefusal(answer.status, await answer.text()).reason}`;
    const value = read(new Uint8Array(await answer.arrayBuffer()));
    if (!value.ok) throw new Error(`an answer is ${value.error.kind}`);
    return value.value;
  }
}

export function must<T>(said: Said<T>): T {
  if (typeof said === 'string') throw new Error(said);
  return said;
}

/** What tells segments apart, in a form that assertions are quick with. */
export const hexes = (segments: readonly Bytes[]): string[] =>
  segments.map((segment) => toHex(sha256(segment)));
