/** Whole replicas for tests: one room, real keys, real stores in memory, on a MemoryNetwork. */
import * as Y from 'yjs';
import type { Bytes } from '../lib/core/bytes.ts';
import { randomBytes } from '../lib/core/bytes.ts';
import { systemClock, type Clock } from '../lib/core/clock.ts';
import { deviceKeyPairFromSeed } from '../lib/crypto/device-keys.ts';
import { createRoom, deriveRoomKeys, type RoomKeys, type SeedKind } from '../lib/crypto/room-keys.ts';
import type { SigningKeyPair } from '../lib/crypto/signatures.ts';
import { issueSession, type OwnSession } from '../lib/log/certificate.ts';
import { makeGenesis, type Genesis } from '../lib/log/genesis.ts';
import type { LogStore } from '../lib/log/log-store.ts';
import type { Accepted } from '../lib/log/receipt.ts';
import { Project } from '../lib/document/project.ts';
import { memoryStore } from '../lib/storage/stores/memory.ts';
import type { Worth } from '../lib/sync/checkpoints.ts';
import { inPlaceFolder, type Folder } from '../lib/sync/folder.ts';
import { stateHash } from '../lib/sync/fold-session.ts';
import type { LeadershipPage } from '../lib/sync/leadership.ts';
import type { OutboxState } from '../lib/sync/outbox.ts';
import type { ArchiveDoor, ArchiveWay } from '../lib/sync/replica-events.ts';
import { Replica, type ReplicaNotice } from '../lib/sync/replica.ts';
import { topicOf } from '../lib/sync/topic.ts';
import type { Transport } from '../lib/sync/transport.ts';

export interface TestRoom {
  readonly owner: SigningKeyPair;
  readonly genesis: Genesis;
  readonly keys: (kind: SeedKind) => Promise<RoomKeys>;
}

export async function makeRoom(): Promise<TestRoom> {
  const { owner, roomId, editSeed } = await createRoom();
  const owned = await deriveRoomKeys('e', editSeed, 0, roomId);
  const genesis = await makeGenesis(owner, owned);
  return {
    owner,
    genesis,
    keys: async (kind) => deriveRoomKeys(kind, owned.seeds[kind] ?? owned.seeds.v, 0, roomId),
  };
}

export interface TestReplica {
  readonly replica: Replica;
  readonly store: LogStore;
  readonly messages: Accepted[];
  readonly notices: ReplicaNotice[];
  /** Every state of what is written here, in order. */
  readonly saves: OutboxState[];
  readonly project: Project;
  /** The text of the room's one file, which `makesFile` made. */
  readonly text: Y.Text;
  /** What it says here; '' while the file is not here yet. */
  read(): string;
  hash(): Bytes;
  /** What the file said when everything in it was last called saved. */
  savedText(): string;
  /** Set by a test whose tab died: it can't be closed any more. */
  dead?: boolean;
}

export interface ReplicaSetup {
  readonly kind?: SeedKind;
  /** Whose device it is; another's each time when absent. */
  readonly device?: Bytes;
  readonly store?: LogStore;
  /** A session that is there already, as of a machine that was restored. */
  readonly session?: OwnSession;
  readonly folder?: Folder;
  readonly transports: readonly Transport[];
  readonly archive?: ArchiveWay;
  /** When it shows newcomers a checkpoint. */
  readonly worth?: Worth;
  readonly sharing?: LeadershipPage;
  /** Shows none itself. */
  readonly byLog?: boolean;
  /** Creates the room's one file; of the first replica only. */
  readonly makesFile?: boolean;
  /** False for a joiner that only has the link. */
  readonly knowsGenesis?: boolean;
  /** The device's, where it does not go right. */
  readonly clock?: Clock;
}

/** An archive that is there at once. */
export const wayTo = (door: ArchiveDoor): ArchiveWay => ({
  owned: door.owner !== undefined,
  open: () => Promise.resolve(door),
});

/** Opens a replica and connects it. */
export async function openReplica(room: TestRoom, setup: ReplicaSetup): Promise<TestReplica> {
  const { kind = 'e', store = memoryStore(), transports, knowsGenesis = true, makesFile = false } = setup;
  const keys = await room.keys(kind);
  const messages: Accepted[] = [];
  const notices: ReplicaNotice[] = [];
  const saves: OutboxState[] = [];
  let savedText = '';
  let read = (): string => '';
  const replica = await Replica.open({
    roomId: keys.roomId,
    keys,
    session:
      setup.session ??
      (await issueSession(keys, await deviceKeyPairFromSeed(setup.device ?? randomBytes(32)))),
    genesis: knowsGenesis ? room.genesis : undefined,
    store,
    folder: setup.folder ?? inPlaceFolder(),
    transports,
    ...(setup.byLog && { byLog: true }),
    ...(setup.worth && { worth: setup.worth }),
    ...(setup.archive && { archive: setup.archive }),
    clock: setup.clock ?? systemClock,
    ...(setup.sharing && { sharing: setup.sharing }),
    events: {
      onMessages: (accepted) => messages.push(...accepted),
      onSaved: (state) => {
        saves.push(state);
        if (state.kind === 'saved') savedText = read();
      },
      onPeers: () => undefined,
      onNotice: (notice) => notices.push(notice),
    },
  });
  replica.connect(topicOf(keys));
  const project = new Project(replica.doc);
  if (makesFile) project.createText('file.txt', '');
  const text = (): Y.Text | undefined => project.list().flatMap(({ id }) => project.text(id) ?? [])[0];
  read = () => text()?.toString() ?? '';
  return {
    replica,
    store,
    messages,
    notices,
    saves,
    project,
    get text() {
      const found = text();
      if (found === undefined) throw new Error('the file is not here yet');
      return found;
    },
    read,
    savedText: () => savedText,
    hash: () => stateHash(Y.encodeStateAsUpdate(replica.doc)),
  };
}

/** The replicas of one test: `join` opens one, `leave` closes all that are open. */
export function replicasOfATest(): {
  readonly open: TestReplica[];
  readonly join: (room: TestRoom, setup: ReplicaSetup) => Promise<TestReplica>;
  readonly leave: () => Promise<void>;
} {
  const open: TestReplica[] = [];
  return {
    open,
    join: async (room, setup) => {
      const replica = await openReplica(room, setup);
      open.push(replica);
      return replica;
    },
    leave: async () => {
      // A dead tab's store never answers, so it can't be waited for.
      const alive = open.splice(0).filter(({ dead }) => dead !== true);
      await Promise.all(alive.map(({ replica }) => replica.close()));
    },
  };
}

/** Waits for a condition, looking again after each turn of the event loop; fails with what it waited for. */
export async function until(what: string, condition: () => boolean, limitMs = 10_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${limitMs} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
