/** docs/vectors.json as the app sees it: the app writes it, and does with each vector what it says. vectors-by-hand.test.ts asks others. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as Y from 'yjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { vectorsText, VECTORS_PATH, type Vectors } from '../../../scripts/vectors.ts';
import { fromHex, toHex, type Bytes } from '../core/bytes.ts';
import type { SessionId } from '../core/ids.ts';
import { parseLink } from '../crypto/links.ts';
import { deriveRoomKeys, type RoomKeys, type SealKind } from '../crypto/room-keys.ts';
import { isStrongPublicKey, verifySignature } from '../crypto/signatures.ts';
import { decodePresence } from '../document/presence.ts';
import { decodeRunMessage } from '../document/runs.ts';
import { decodeTalkMessage } from '../document/talk.ts';
import { TalkView } from '../document/talk-view.ts';
import { decodeHello, decodePresenceFrame, decodeSegments, decodeWant, readFrame } from '../sync/frames.ts';
import { parse } from '../core/byte-reader.ts';
import { checkCertificate } from './certificate.ts';
import { decodeFrontier } from './frontier.ts';
import { decodeGenesis, type Genesis } from './genesis.ts';
import type { BranchStart } from './branches.ts';
import { RoomLog, type Receipt } from './room-log.ts';
import { openSealed } from './seal.ts';
import { checkUpdate } from './struct-check.ts';
import { isPending } from './test-room.ts';

const text = readFileSync(VECTORS_PATH, 'utf8');
const vectors = JSON.parse(text) as Vectors;
const roomId = vectors.room.id;

let keys: RoomKeys;
let genesis: Genesis;
const newLog = (): RoomLog => new RoomLog({ roomId, keys, genesis });
beforeAll(async () => {
  keys = await deriveRoomKeys('e', fromHex(vectors.seeds.edit), 0, roomId);
  const read = await decodeGenesis(fromHex(vectors.genesis[0]?.hex ?? ''), roomId);
  if (!read.ok) throw new Error(read.error.kind);
  genesis = read.value;
});

type Written = string | { readonly repeat: string; readonly times: number };
const bytesOf = (written: Written): Bytes =>
  fromHex(typeof written === 'string' ? written : written.repeat.repeat(written.times));

describe('the file', () => {
  test('is what `npm run vectors` writes, byte for byte, and stays small', async () => {
    expect(text).toBe(await vectorsText());
    // 240 KiB until who owns a room brought codes, statements and rosters of its own, 256 until forks did,
    // 264 until certificates proved their device.
    expect(text.length).toBeLessThan(300 * 1024);
  });

  test('names rules that the pages define, with each vector', () => {
    const docs = join(VECTORS_PATH, '..');
    const pages = globSync(['SPEC.md', 'spec-*.md'], { cwd: docs });
    const defined = pages.flatMap((page) =>
      [...readFileSync(join(docs, page), 'utf8').matchAll(/\*\*([A-Z]{2,6}-\d+)\b/g)].map(([, id]) => id),
    );
    for (const [section, list] of Object.entries(vectors)) {
      if (!Array.isArray(list)) continue;
      expect(list, section).not.toEqual([]);
      for (const vector of list as { rules: string[] }[]) {
        expect(vector.rules, section).not.toEqual([]);
        for (const rule of vector.rules) expect(defined).toContain(rule);
      }
    }
  });
});

describe('encodings, keys and links', () => {
  test.each(vectors.encodings)('FORM-1, FORM-2, FORM-3 $type $hex', (vector) => {
    const read = parse(fromHex(vector.hex), (reader): unknown => {
      if (vector.type === 'varUint') return reader.varUint();
      if (vector.type === 'varInt') return reader.varInt();
      return vector.type === 'text' ? reader.text(1000) : reader.varBytes(1000);
    });
    if ('refused' in vector) expect(read.ok).toBe(false);
    else expect(read).toEqual({ ok: true, value: vector.value });
  });

  test('KEY-2 to KEY-4 the edit seed gives the room its keys', () => {
    const { editInvite, commentInvite, viewInvite, topic } = keys;
    const known = [genesis.ownerPublicKey, editInvite, commentInvite, viewInvite, topic];
    expect(known.map((key) => toHex((key && 'publicKey' in key ? key.publicKey : key) as Bytes))).toEqual(
      vectors.publicKeys.map(({ hex }) => hex),
    );
  });

  test.each(vectors.weakKeys)('KEY-6 the key $name is refused', ({ hex }) => {
    expect(isStrongPublicKey(fromHex(hex))).toBe(false);
  });

  test.each(vectors.signatures)(
    'KEY-6 a signature $name',
    async ({ publicKey, signature, message, valid }) => {
      expect(await verifySignature(fromHex(publicKey), fromHex(signature), fromHex(message))).toBe(valid);
    },
  );

  test.each(vectors.links)('LINK-1, LINK-2 $text', (link) => {
    const read = parseLink(link.text);
    if ('problem' in link) return expect(read).toMatchObject({ ok: false, error: { kind: link.problem } });
    const { kind: seedKind, epoch, seed } = link;
    expect(read).toEqual({ ok: true, value: { roomId, seedKind, epoch, seed: fromHex(seed) } });
  });
});

describe('statements', () => {
  test.each(vectors.genesis)('GEN-1, GEN-2 $name: $believed', async ({ hex, believed }) => {
    expect((await decodeGenesis(fromHex(hex), roomId)).ok).toBe(believed);
  });

  test.each(vectors.certificates)('CERT-1 to CERT-5, CERT-8 $name', async ({ hex, accepted, refused }) => {
    const checked = await checkCertificate(fromHex(hex), (epoch) => (epoch === 0 ? genesis : undefined));
    if (accepted === undefined) return expect(checked).toMatchObject({ ok: false, error: { code: refused } });
    const { session: id, ...said } = accepted;
    expect(checked).toMatchObject({ ok: true, value: { id, ...said } });
  });

  test.each(vectors.frontiers)('LOG-10 a frontier: $name', (frontier) => {
    const read = decodeFrontier(fromHex(frontier.hex));
    expect(read.ok).toBe(!('refused' in frontier));
    if (!read.ok || !('rows' in frontier)) return;
    expect(read.value.map((row) => ({ ...row, hash: toHex(row.hash) }))).toEqual(frontier.rows);
  });
});

describe('sealing', () => {
  test.each(vectors.sealing)('SEAL-1 to SEAL-5 $kind: $name', async (vector) => {
    const opened = await openSealed(keys, vector.kind as SealKind, bytesOf(vector.sealed));
    if ('refused' in vector) expect(opened).toMatchObject({ ok: false, error: { kind: vector.refused } });
    else expect(opened).toEqual({ ok: true, value: bytesOf(vector.plain) });
  });
});

describe('the accept order', () => {
  const sealedOf = (name: string): Bytes => {
    const found = [...vectors.segments, ...vectors.refusals].find((vector) => vector.name === name);
    if (!found) throw new Error(`no segment ${name}`);
    return bytesOf(found.sealed);
  };
  const sessionOf = (who: string): SessionId =>
    vectors.certificates.find(({ name }) => name === who)?.accepted?.session as SessionId;

  /** What a receipt says, in the words of the file. */
  const told = ({ accepted, held, gap, duplicate }: Receipt) => ({
    ...(accepted.length > 0 && {
      accepted: accepted.map(({ session, channel, entries }) => ({
        by: session.id,
        channel,
        seqs: entries.map(({ seq }) => seq),
        told: channel === 'project' ? undefined : entries.map(({ time }) => time),
      })),
    }),
    ...(held && { held: true }),
    ...(gap && { gap: { have: gap.haveSeq, need: gap.needSeq } }),
    ...(duplicate && { duplicate }),
  });

  test.each(vectors.accept)('ACC-1, ACC-13, ACC-14, LOG-9, LOG-11 $name', async ({ steps }) => {
    const log = newLog();
    for (const { receive, accepted, ...expected } of steps) {
      const receipt = await log.receive(sealedOf(receive));
      expect(receipt.refused).toBeUndefined();
      expect(told(receipt)).toMatchObject({
        ...expected,
        ...(accepted && { accepted: accepted.map(({ by, ...rest }) => ({ by: sessionOf(by), ...rest })) }),
      });
      if (!accepted) expect(receipt.accepted).toEqual([]);
    }
  });

  test.each(vectors.refusals)('ACC-2 to ACC-12, CERT-2 to CERT-6, SEAL-2 $refused', async (vector) => {
    const { refused, after = [], closes } = vector;
    const log = vector.genesis === false ? new RoomLog({ roomId, keys }) : newLog();
    for (const name of after) await log.receive(sealedOf(name));
    const before = log.frontier();
    expect((await log.receive(bytesOf(vector.sealed))).refused?.code).toBe(refused);
    expect(log.frontier()).toEqual(before);
    log.setGenesis(genesis);
    // Whoever is not refused goes on, and who was goes on too unless an entry was at fault.
    expect((await log.receive(sealedOf('ben-talk-squashed'))).accepted).toHaveLength(1);
    const again = await log.receive(bytesOf(vector.sealed));
    if (closes !== undefined) expect(again.refused?.code).toBe('chain-closed');
  });

  test.each(vectors.forks)('$rules $name', async ({ segments, branches, frontier, text }) => {
    const starts: BranchStart[] = [];
    for (let known = -1; known !== starts.length;) {
      known = starts.length;
      const log = new RoomLog({ roomId, keys, genesis, branches: starts });
      const doc = new Y.Doc();
      for (const sealed of [...segments, ...segments].toReversed().map(fromHex))
        for (const { update } of (await log.receive(sealed)).accepted) if (update) Y.applyUpdate(doc, update);
      starts.push(...log.foundBranches);
      if (known !== starts.length) continue;
      const rows = log.frontier().map(({ session, seq, hash }) => ({ session, seq, hash: toHex(hash) }));
      expect(rows.sort((a, b) => (a.session < b.session ? -1 : 1))).toEqual(frontier);
      expect(doc.getText('files').toJSON()).toBe(text);
      for (const { name, client } of branches) expect(log.session(name)?.clientId).toBe(client);
    }
  });

  test.each(vectors.roles)('CERT-4 what $by signed in $channel', async ({ channel, sealed, refused }) => {
    const receipt = await newLog().receive(bytesOf(sealed));
    expect(receipt.refused?.code).toBe(refused);
    expect(receipt.accepted.map((one) => one.channel)).toEqual(refused ? [] : [channel]);
  });

  test.each(vectors.updates)('ACC-6 to ACC-13 $name', ({ hex, client, clock, accepted, refused }) => {
    const checked = checkUpdate(fromHex(hex), client, clock);
    if (accepted === undefined) return expect(checked).toMatchObject({ ok: false, error: { code: refused } });
    if (!checked.ok) throw new Error(`${checked.error.code}: ${checked.error.detail}`);
    const { nextClock, needs } = checked.value;
    expect(nextClock).toBe(accepted.nextClock);
    expect([...needs].sort(([a], [b]) => a - b)).toEqual(accepted.needs ?? []);
    if (clock > 0 || needs.size > 0) return;
    const doc = new Y.Doc();
    Y.applyUpdate(doc, fromHex(hex));
    expect([isPending(doc), Y.getState(doc.store, client)]).toEqual([false, nextClock]);
  });

  test('shows every refusal of the page, and says why some are not shown', () => {
    const page = readFileSync(join(VECTORS_PATH, '../SPEC.md'), 'utf8');
    const codes = [...vectors.refusals.map(({ refused }) => refused), ...Object.keys(vectors.noVectorFor)];
    for (const code of codes) expect(page, code).toContain(`\`${code}\``);
  });
});

describe('frames and messages', () => {
  test.each(vectors.frames)('SYNC-1 $name', async (vector) => {
    const bodies = { hello: decodeHello, want: decodeWant, presence: decodePresenceFrame };
    const opens = vector.kind === 'hello' || vector.kind === 'want' || vector.kind === 'presence';
    const decode = (body: Bytes) => (opens ? bodies[vector.kind](body) : decodeSegments(body));
    const { plain, refused, frame: sent = '' } = vector;
    if (refused) return expect(decode(fromHex(plain ?? '')).ok).toBe(false);
    const frame = readFrame(fromHex(sent));
    if (!frame.ok) throw new Error(frame.error.kind);
    expect(frame.value.kind).toBe(vector.kind);
    const opened = opens ? await openSealed(keys, vector.kind, frame.value.body) : undefined;
    if (plain) expect(opened).toEqual({ ok: true, value: fromHex(plain) });
    const body = opened?.ok ? opened.value : frame.value.body;
    if (vector.kind === 'live') expect((await newLog().receive(body)).gap).toBeDefined();
    else expect(decode(body).ok).toBe(true);
  });

  test.each(vectors.runMessages)('RUN-1 $hex', (vector) => {
    const read = decodeRunMessage(fromHex(vector.hex));
    if ('refused' in vector) expect(read).toEqual({ ok: false, error: { kind: vector.refused } });
    else expect(read).toEqual({ ok: true, value: vector.message });
  });

  test.each(vectors.talkMessages)('TALK-1 $hex', (vector) => {
    const read = decodeTalkMessage(fromHex(vector.hex));
    if ('refused' in vector) expect(read).toEqual({ ok: false, error: { kind: vector.refused } });
    else expect(read).toEqual({ ok: true, value: vector.message });
  });

  test.each(vectors.talk)('TALK-2, TALK-3 $name', ({ entries, shown }) => {
    for (const order of [entries, entries.toReversed()]) {
      const view = new TalkView();
      for (const { payload, ...entry } of order) view.add({ ...entry, payload: fromHex(payload) });
      const told = view.page(entries.length).messages;
      expect(told).toMatchObject(
        shown.map((one) => ({
          text: '',
          edited: 'text' in one && 'edited' in one,
          retracted: false,
          ...one,
        })),
      );
    }
  });

  test.each(vectors.presence)('PRES-1, PRES-2 $hex', ({ hex, ...vector }) => {
    const read = decodePresence(fromHex(hex));
    if ('refused' in vector) return expect(read.ok).toBe(false);
    const {
      rules: _rules,
      anchor,
      head,
      ...fields
    } = vector as typeof vector & { anchor?: string; head?: string };
    const place = anchor && head ? { anchor: fromHex(anchor), head: fromHex(head) } : {};
    expect(read).toEqual({ ok: true, value: { ...fields, ...place } });
  });
});
