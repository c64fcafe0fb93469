/**
 * Writes docs/vectors.json: with it an implementation in another language can check itself against docs/SPEC.md without
 * this one. Everything comes from the seeds in scripts/vectors/vector-room.ts, so that the same bytes come out on every machine.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as prettier from 'prettier';
import { FORMAT } from '../app/lib/log/format.ts';
import { acceptVectors } from './vectors/accept.ts';
import { admissionVectors, admittingRosterVectors } from './vectors/admissions.ts';
import { archiveVectors } from './vectors/archive.ts';
import { checkpointVectors } from './vectors/checkpoints.ts';
import { chainVectors, frontierOf, segmentVectors, writeChains } from './vectors/chains.ts';
import { epochRoom } from './vectors/epoch-room.ts';
import { epochSegmentVectors, epochStepVectors } from './vectors/epoch-segments.ts';
import { frameVectors, frontierVectors, presenceVectors, runMessageVectors } from './vectors/frames.ts';
import {
  derivationVectors,
  encodingVectors,
  linkVectors,
  publicKeyVectors,
  signatureVectors,
  weakKeyVectors,
} from './vectors/keys.ts';
import { ownedRosterVectors, ownersVectors, recoveryVectors } from './vectors/owners.ts';
import { refusalVectors, UNSHOWN } from './vectors/refusals.ts';
import { capVectors } from './vectors/roster-caps.ts';
import {
  filedRosterVectors,
  NO_FILE_FOR,
  NO_FILED_ROSTER_FOR,
  roomFileVectors,
} from './vectors/roster-files.ts';
import { doorVectors, rosterFrameVectors, rosterRecordVectors } from './vectors/roster-places.ts';
import { deviceKeyVectors, epochKeyVectors, formerVectors, grantVectors } from './vectors/roster-seeds.ts';
import { statementVectors } from './vectors/roster-statements.ts';
import { newsVectors, rosterVectors } from './vectors/rosters.ts';
import { sealingVectors } from './vectors/sealing.ts';
import { certificateVectors, genesisVectors } from './vectors/statements.ts';
import { supersedingVectors } from './vectors/superseding.ts';
import { roleVectors, talkMessageVectors, talkVectors } from './vectors/talk.ts';
import { updateVectors } from './vectors/updates.ts';
import { branchClientVectors, forkVectors } from './vectors/forks.ts';
import { SEEDS, vectorRoom } from './vectors/vector-room.ts';

export const VECTORS_PATH = join(import.meta.dirname, '../docs/vectors.json');

/** What stands in the file, section by section. */
export type Vectors = Awaited<ReturnType<typeof buildVectors>>;

async function buildVectors() {
  const room = await vectorRoom();
  const written = await writeChains(room);
  const rows = await frontierOf(room, written);
  const epochs = await epochRoom(room, written);
  return {
    about:
      'Test vectors of docs/SPEC.md: bytes in hex (a long run as {repeat, times}; those of another vector as {of: "section/name"}, with changes: ["from-to:hex instead"] in its own offsets; such pieces one after the other as a list), times in ms, numbers as JSON numbers. Each names the rules it shows. ' +
      'Written by `npm run vectors`. Where "packing" is "deflated" the sealed bytes must open and give "plain", but another ' +
      'deflate may write others; where it is "plain" a long body was sealed without deflating, which readers take too.',
    format: FORMAT,
    seeds: SEEDS,
    room: { rules: ['KEY-1'], id: room.roomId },
    encodings: encodingVectors(),
    derivations: derivationVectors(room),
    publicKeys: publicKeyVectors(room),
    weakKeys: weakKeyVectors(),
    signatures: await signatureVectors(),
    links: linkVectors(room),
    genesis: genesisVectors(room),
    certificates: await certificateVectors(room),
    chains: await chainVectors(room, written),
    segments: segmentVectors(written),
    sealing: await sealingVectors(room),
    frontiers: frontierVectors(rows),
    accept: acceptVectors(),
    refusals: await refusalVectors(room, written),
    forks: await forkVectors(room),
    branchClients: branchClientVectors(),
    roles: await roleVectors(room),
    noVectorFor: UNSHOWN,
    updates: updateVectors(),
    frames: await frameVectors(room, rows, written.segments[1]?.sealed ?? new Uint8Array()),
    checkpoints: await checkpointVectors(room, rows),
    runMessages: runMessageVectors(),
    talkMessages: talkMessageVectors(),
    talk: talkVectors(),
    presence: presenceVectors(),
    epochKeys: epochKeyVectors(epochs),
    deviceKeys: deviceKeyVectors(epochs),
    rosterStatements: await statementVectors(epochs),
    grants: await grantVectors(epochs),
    formerSeeds: await formerVectors(epochs),
    rosters: await rosterVectors(epochs),
    rosterCaps: await capVectors(epochs),
    rosterNews: newsVectors(),
    recoveryCodes: await recoveryVectors(epochs),
    ownersStatements: await ownersVectors(epochs),
    ownedRosters: await ownedRosterVectors(epochs),
    admissions: await admissionVectors(epochs),
    admittingRosters: admittingRosterVectors(),
    epochSegments: await epochSegmentVectors(epochs, written),
    epochSteps: epochStepVectors(),
    rosterRecords: await rosterRecordVectors(epochs),
    rosterFrames: rosterFrameVectors(),
    doors: await doorVectors(room),
    roomFiles: await roomFileVectors(epochs, written),
    filedRosters: await filedRosterVectors(epochs),
    noFileFor: { file: NO_FILE_FOR, roster: NO_FILED_ROSTER_FOR },
    archive: [...(await archiveVectors(epochs, written)), ...(await supersedingVectors(epochs, written))],
  };
}

/** The whole file as it is written. */
export async function vectorsText(): Promise<string> {
  const options = await prettier.resolveConfig(VECTORS_PATH);
  return prettier.format(JSON.stringify(await buildVectors()), { ...options, parser: 'json' });
}

async function main(): Promise<void> {
  const text = await vectorsText();
  const before = await readFile(VECTORS_PATH, 'utf8').catch(() => '');
  await writeFile(VECTORS_PATH, text);
  console.log(
    `docs/vectors.json: ${Math.round(text.length / 1024)} KiB, ${before === text ? 'unchanged' : 'written'}`,
  );
}

if (import.meta.main) await main();
