/** Every limit of the thin server, with its reason. A test may start a server with other numbers; nothing else changes them. */
import { ARCHIVE_SUPERSEDED_MS } from '../app/lib/core/archive-wire.ts';
import { RELAY_MAX_MESSAGE_BYTES } from '../app/lib/core/relay-wire.ts';

/** What may arrive in one RATE_WINDOW_SECONDS before the reader is paused. */
export interface RateBudget {
  readonly frames: number;
  readonly bytes: number;
}

export interface SocketLimits {
  readonly maxMessageBytes: number;
  readonly perConnection: RateBudget;
  readonly perAddress: RateBudget;
  /** Bytes waiting for one receiver above which its socket is closed: it reconnects and repairs. */
  readonly maxBufferedBytes: number;
}

export interface Limits {
  readonly signal: SocketLimits & {
    readonly topicsPerConnection: number;
    readonly topicChars: number;
    readonly topics: number;
  };
  readonly relay: SocketLimits & {
    readonly peersPerTopic: number;
    readonly topics: number;
    readonly joinDeadlineMs: number;
    readonly highWaterBytes: number;
    readonly lowWaterBytes: number;
    readonly drainDeadlineMs: number;
  };
  readonly archive: ArchiveLimits;
  readonly socketsPerAddress: number;
  readonly handshakesPerMinute: number;
  readonly icePerMinute: number;
  readonly connections: number;
}

/** What one address may ask of the archive, and what its requests may hold in memory. */
export interface ArchiveLimits {
  readonly requestsPerMinute: number;
  /** Both ways. */
  readonly bytesPerTenMinutes: number;
  readonly registrationsPerHour: number;
  readonly heldBytesPerAddress: number;
  readonly heldBytes: number;
  /** Between two rewrites of the database after deletions. */
  readonly purgeIntervalMs: number;
  /** How long what an owner had superseded stays. */
  readonly supersededMs: number;
  /** Between two looks for what has stayed so long. */
  readonly sweepIntervalMs: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

/** Long enough that opening a project (one burst) is no abuse, short enough that a pause is not felt as an outage. */
export const RATE_WINDOW_SECONDS = 10;

/** A sender this many times over its budget is no busy peer: its socket is closed instead of paused. */
export const ABUSE_FACTOR = 4;

/** Dead connections (a closed lid, a lost network) leave the topic within two of these; below 60 s so that proxies keep idle sockets. */
export const HEARTBEAT_MS = 30_000;

/** A closing socket whose peer doesn't answer is cut after this: shutting down takes less than 3 s in all. */
export const CLOSE_TIMEOUT_MS = 1_500;

/** A request head comes in one packet; ten seconds is a very slow network, more is a held socket. */
export const HEADERS_TIMEOUT_MS = 10_000;
/** The largest segment of the archive (20 MiB) over a line of 600 kbit/s. */
export const REQUEST_TIMEOUT_MS = 5 * 60_000;
/** The same segment over the same line: a visitor who doesn't read must not hold the archive's memory for good. */
export const ANSWER_TIMEOUT_MS = 5 * 60_000;
/** PocketBase answers its health in milliseconds; beyond this the screen should say that it is down. */
export const POCKETBASE_TIMEOUT_MS = 10_000;

/** What the archive keeps of one room, unless a setting says otherwise: the whole history of a long paper is 1.4 MB. */
export const ARCHIVE_ROOM_BYTES = 256 * MIB;

export const LIMITS: Limits = {
  signal: {
    // An SDP with many candidates is 5–10 KB, sealed and base64 about twice that.
    maxMessageBytes: 64 * KIB,
    // Joining 25 peers is about 25 × (offer, answer, 10 candidates) frames.
    perConnection: { frames: 1_000, bytes: 4 * MIB },
    // A class of 100 behind one address.
    perAddress: { frames: 50_000, bytes: 200 * MIB },
    // More than all announcements a tab can have missed.
    maxBufferedBytes: MIB,
    // A stock client subscribes to one topic a room; 64 rooms on one socket is no person.
    topicsPerConnection: 64,
    // Our topics are 64 characters; room names of stock clients are short words or addresses.
    topicChars: 256,
    // About 100 bytes a topic: bounds what subscriptions can make the server hold.
    topics: 100_000,
  },
  relay: {
    maxMessageBytes: RELAY_MAX_MESSAGE_BYTES,
    // The largest project (20 MB, sealed) goes to a joiner in one burst, twice over.
    perConnection: { frames: 5_000, bytes: 64 * MIB },
    perAddress: { frames: 100_000, bytes: 512 * MIB },
    maxBufferedBytes: 8 * MIB,
    // Past this the mesh and the archive carry a room; it also bounds what one frame to everyone costs.
    peersPerTopic: 256,
    topics: 100_000,
    // One signature: a slow phone needs a second.
    joinDeadlineMs: 10_000,
    // A sender of bulk to one slow receiver is paused here, well below the cap, so a large join over a slow line arrives whole.
    highWaterBytes: 4 * MIB,
    lowWaterBytes: 2 * MIB,
    // 2 MiB in 20 s: slower than 100 KB/s holds up the sender's keystrokes to everyone else.
    drainDeadlineMs: 20_000,
  },
  archive: {
    // A class of 100 behind one address, each uploading every two seconds and reading as often.
    requestsPerMinute: 6_000,
    // The same class opening a room of 20 MB.
    bytesPerTenMinutes: 2_048 * MIB,
    // A class makes its rooms within an hour; each costs a row, and opens a quota.
    registrationsPerHour: 300,
    // Six of the largest bodies, or 32 pages, at the same moment.
    heldBytesPerAddress: 128 * MIB,
    heldBytes: 512 * MIB,
    // Of 1.5 GB the rewrite takes ten seconds; so it is never the archive's main business.
    purgeIntervalMs: 10 * 60_000,
    supersededMs: ARCHIVE_SUPERSEDED_MS,
    // Each that removes something ends in a purge, which holds writers up.
    sweepIntervalMs: 24 * 3_600_000,
  },
  // 200 people behind one address with two tabs of two sockets each.
  socketsPerAddress: 1_024,
  // The same 200 people reconnecting after a restart, a few times.
  handshakesPerMinute: 3_000,
  // A tab asks once an hour; a school behind one address opens its rooms within a minute.
  icePerMinute: 600,
  // About 10 KB each: 200 MB.
  connections: 20_000,
};
