/** Forks and contested sessions: what their branches are called, and what a room makes of them. */
import * as Y from 'yjs';
import { toHex, type Bytes } from '../../app/lib/core/bytes.ts';
import { deviceKeyPairFromSeed } from '../../app/lib/crypto/device-keys.ts';
import { branchClient, branchName, BranchStarts, type BranchStart } from '../../app/lib/log/branches.ts';
import { issueSession } from '../../app/lib/log/certificate.ts';
import { encodeHeads } from '../../app/lib/log/entry.ts';
import { HEAD_BYTES } from '../../app/lib/log/format.ts';
import { RoomLog } from '../../app/lib/log/room-log.ts';
import { between, intoRoot } from './chains.ts';
import { sealBody, VectorChain, type VectorRoom } from './vector-room.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

export async function forkVectors(room: VectorRoom) {
  return [
    { name: 'a session that signs two second entries', ...(await twoSeconds(room)) },
    { name: 'a key that is certified twice', ...(await twoCertificates(room)) },
  ];
}

async function twoSeconds(room: VectorRoom) {
  const { ann, eve } = room.sessions;
  const his = eve.clientId;
  const begun = () => new VectorChain(eve, 'project').add(intoRoot(his, 0, 'files', 's'));
  const one = begun().add(between(his, 1, [[his, 0]], 'AA'));
  const other = begun().add(between(his, 1, [[his, 0]], 'BBB'));
  // Ann followed the first, and writes behind its first letter.
  const head = encodeHeads([{ seq: 2, hash: ((await one.hashes())[1] as Bytes).slice(0, HEAD_BYTES) }]);
  const hers = new VectorChain(ann, 'project').add(between(ann.clientId, 0, [[his, 1]], 'ann'), head);
  const written = [await one.segment(1, 2), await other.segment(2, 2), await hers.segment()];
  return outcome(
    room,
    ['FORK-1', 'FORK-2', 'FORK-3'],
    written.map(({ plain }) => plain),
  );
}

async function twoCertificates(room: VectorRoom) {
  const { ann, eve } = room.sessions;
  const twin = await issueSession(
    room.keys,
    await deviceKeyPairFromSeed(new Uint8Array(32).fill(1)),
    room.pairs.eve,
  );
  const his = eve.clientId;
  const one = new VectorChain(eve, 'project').add(intoRoot(his, 0, 'files', 'AA'));
  const other = new VectorChain(twin, 'project').add(intoRoot(his, 0, 'files', 'BBB'));
  const head = encodeHeads([{ seq: 1, hash: ((await other.hashes())[0] as Bytes).slice(0, HEAD_BYTES) }]);
  const hers = new VectorChain(ann, 'project').add(between(ann.clientId, 0, [[his, 0]], 'ann'), head);
  const written = [await one.segment(), await other.segment(), await hers.segment()];
  return outcome(
    room,
    ['FORK-5', 'CERT-6', 'FORK-2'],
    written.map(({ plain }) => plain),
  );
}

/** What a room comes to that is opened again until it knows all forks, whatever the order of the segments. */
async function outcome(room: VectorRoom, rules: readonly string[], plains: readonly Bytes[]) {
  const sealed = await Promise.all(plains.map((plain) => sealBody(room.keys, 'segment', plain)));
  let branches: readonly BranchStart[] = [];
  for (;;) {
    const log = new RoomLog({ roomId: room.roomId, keys: room.keys, genesis: room.genesis, branches });
    const doc = new Y.Doc();
    // Twice: what is wanted by then comes again.
    for (const one of [...sealed, ...sealed])
      for (const { update } of (await log.receive(one)).accepted) if (update) Y.applyUpdate(doc, update);
    if (log.foundBranches.length > 0) {
      branches = [...branches, ...log.foundBranches];
      continue;
    }
    const starts = new BranchStarts(branches);
    return {
      rules,
      segments: sealed.map(hex),
      branches: starts.all.map((start) => ({
        begins: hex(start.hash),
        seq: start.seq,
        name: branchName(start.hash),
        client: starts.clientsOf(start).at(-1) ?? 0,
      })),
      frontier: log
        .frontier()
        .map(({ session, seq, hash }) => ({ session, seq, hash: toHex(hash) }))
        .sort((a, b) => (a.session < b.session ? -1 : 1)),
      text: doc.getText('files').toJSON(),
    };
  }
}

/** The clients that a branch moves on to, one after the other. */
export const branchClientVectors = () =>
  [0, 1, 2, 300].map((n) => {
    const hash = new Uint8Array(HEAD_BYTES).fill(7);
    return { rules: ['FORK-2', 'FORK-6'], begins: hex(hash), n, client: branchClient(hash, n) };
  });
