/** People who want more of the archive than they were given: forged statements, odd spellings, raw bytes, and the way behind our server. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  deletionMessage,
  encodeDeletion,
  encodeRegistration,
  registrationMessage,
} from '../../app/lib/core/archive-statement.ts';
import {
  ARCHIVE_BATCH_BODY_BYTES,
  ARCHIVE_CHECKPOINT_BYTES,
  encodeBatch,
} from '../../app/lib/core/archive-wire.ts';
import { concat, fromHex, toHex, type Bytes } from '../../app/lib/core/bytes.ts';
import {
  ArchiveClient,
  hexes,
  must,
  newRoom,
  noise,
  pocketbasePath,
  registeredRoom,
  registrationOf,
  roomIdOf,
  sha256,
  signedDeletion,
  signedRegistration,
  startArchiveServer,
  type ArchivedRoom,
  type ArchiveServer,
} from '../testing/archive-client.ts';
import { LIMITS } from '../limits.ts';

describe.skipIf(!pocketbasePath)('attacks on the archive', () => {
  let server: ArchiveServer;
  let archive: ArchiveClient;
  let room: ArchivedRoom & { readonly instance: Bytes };
  const secret = noise(300);
  const checkpoint = noise(400);
  beforeAll(async () => {
    server = await startArchiveServer();
    archive = new ArchiveClient(server.url);
    room = await registeredRoom(archive);
    must(await archive.append(room.id, room.keys.edit, [secret]));
    must(await archive.keepCheckpoint(room.id, room.keys.edit, checkpoint));
  });
  afterAll(() => server.close());

  /** Whatever was tried: the room is as it was. */
  async function roomIsAsItWas() {
    const status = must(await archive.status(room.id, room.keys.read));
    expect([status.counter, status.segments, toHex(status.instance)]).toEqual([1, 1, toHex(room.instance)]);
    expect(hexes(await archive.all(room.id, room.keys.read))).toEqual(hexes([secret]));
    expect(must(await archive.checkpoint(room.id, room.keys.read))).toEqual(checkpoint);
  }

  const send = (method: string, target: string, headers = '', body: string | Bytes = '') => {
    const head = `${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n`;
    return server.raw(typeof body === 'string' ? head + body : concat(Buffer.from(head), body));
  };
  const statusOf = (answer: string) => Number(answer.slice(9, 12));
  const withKey = (key: Bytes) => `X-Room-Key: ${toHex(key)}\r\n`;

  test('ARCH-4 only the owner’s signature, over this very statement, registers a room', async () => {
    const mallory = await newRoom();
    const statement = registrationOf(room, 5, { readKeyHash: sha256(mallory.keys.read) });
    const forged = encodeRegistration(statement, await mallory.sign(registrationMessage(statement)));
    expect(await archive.register(room.id, forged)).toBe('403 bad-proof');
    // Truly signed, by the owner of another room.
    expect(await archive.register(room.id, await signedRegistration(mallory, 5))).toBe('403 bad-proof');
    const own = await signedRegistration(room, 5);
    for (const at of [0, 1, 40, 80, 142, own.length - 63, own.length - 1]) {
      const changed = own.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await archive.register(room.id, changed), String(at)).toMatch(/^(403 bad-proof|400 malformed)$/);
    }
    expect(await archive.register(room.id, own.subarray(1))).toBe('400 malformed');
    expect(await archive.register(room.id, concat(own, own))).toMatch(/^(400 malformed|403 bad-proof)$/);
    // A deletion is no registration, nor the other way round.
    const deletion = await signedDeletion(room, 5, room.instance);
    expect(await archive.register(room.id, deletion)).toMatch(/^(400 malformed|413 too-large)$/);
    expect(await archive.delete(room.id, own)).toBe('400 malformed');
    const asOther = { ownerPublicKey: room.ownerPublicKey, counter: 5, instance: room.instance };
    const crossed = encodeDeletion(asOther, await room.sign(registrationMessage(registrationOf(room, 5))));
    expect(await archive.delete(room.id, crossed)).toBe('403 bad-proof');
    await roomIsAsItWas();
  });

  test('ARCH-12 only the owner deletes, only this copy, only with a newer counter', async () => {
    const mallory = await registeredRoom(archive);
    const statement = { ownerPublicKey: room.ownerPublicKey, counter: 5, instance: room.instance };
    const forged = encodeDeletion(statement, await mallory.sign(deletionMessage(statement)));
    expect(await archive.delete(room.id, forged)).toBe('403 bad-proof');
    const elsewhere = await signedDeletion(mallory, 5, mallory.instance);
    expect(await archive.delete(room.id, elsewhere)).toBe('403 bad-proof');
    expect(await archive.delete(room.id, await signedDeletion(room, 5, noise(16)))).toBe('403 bad-proof');
    expect(await archive.delete(room.id, await signedDeletion(room, 1, room.instance))).toBe(
      '409 old-counter',
    );
    await roomIsAsItWas();
  });

  test.for(['00'.repeat(32), `01${'00'.repeat(31)}`, `ee${'ff'.repeat(31)}`, `f0${'ff'.repeat(30)}7f`])(
    'KEY-6, ARCH-4 an owner’s key under which anything is signed owns nothing (%s)',
    async (hex) => {
      const ownerPublicKey = fromHex(hex);
      const id = roomIdOf(ownerPublicKey);
      const statement = registrationOf(await newRoom(), 1, { ownerPublicKey });
      // R = identity, S = 0 holds for every message under the identity key, where a platform doesn't refuse it as this Node does.
      // That our own list has all of them is shown in topic-proof.test.ts.
      const signature = concat(fromHex(`01${'00'.repeat(31)}`), new Uint8Array(32));
      expect(await archive.register(id, encodeRegistration(statement, signature))).toBe('403 bad-proof');
    },
  );

  test('ARCH-2 no other spelling of a route, and no other method, is one', async () => {
    const at = `/archive/${room.id}`;
    const targets = [
      '/archive', '/archive/', `${at}/`, `${at}?`, `${at}?x=1`, `${at}#x`, `${at}/segments`, `${at}/segments?`,
      `${at}/segments?since=`, `${at}/segments?since=-1`, `${at}/segments?since=01`, `${at}/segments?since=1e3`,
      `${at}/segments?since=0&since=1`, `${at}/segments?since=0&x=1`, `${at}/segments?since=99999999999999999`,
      `${at}/segments?since=9999999999999999`, `${at}/segments?since=0%20OR%201`, `${at}/segments/?since=0`,
      `${at}/files/x`, `${at}/append`, `${at}/../${room.id}`, `${at}/./segments?since=0`, `/archive//${room.id}`,
      `/archive/${room.id.toUpperCase()}`, `/archive/${room.id.slice(1)}`, `/archive/${room.id}a`, `/archive/tidy`,
      `${at}/live`, `${at}/live?since=01`, `${at}/live?since=0&live=0`, `${at}/superseded/`, `${at}/superseded?x`, `${at}/supersede`,
      `${at}/revert`, `${at}/squashed`, `/archive/sweep`,
      `${at}/checkpoint/`, `${at}/checkpoint?`, `${at}/checkpoint?since=0`, `${at}/checkpoint/append`, `${at}/checkpointed/`, `${at}/Checkpoint`,
      `/archive/${encodeURIComponent("' OR 1=1")}`, `/archive/%61${room.id.slice(1)}`, `/Archive/${room.id}`,
      `http://x${at}`, `//x${at}`, `/x/..${at}`, `/pb/api/archive/${room.id}`, `/pb/api/archive/tidy`, `/api/archive/${room.id}`,
    ]; // prettier-ignore
    for (const target of targets) {
      const answer = await send('GET', target, withKey(room.keys.read));
      expect([target, statusOf(answer)]).toEqual([target, expect.toSatisfy((code: number) => code >= 400)]);
      for (const one of [secret, checkpoint])
        expect(answer).not.toContain(Buffer.from(one).toString('latin1'));
      if (target.startsWith('/archive'))
        expect([target, answer]).toEqual([target, expect.stringContaining('unknown-route')]);
    }
    for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE', 'PROPFIND'])
      for (const target of [
        at,
        `${at}/segments`,
        `${at}/segments?since=0`,
        `${at}/register`,
        `${at}/delete`,
        `${at}/checkpoint`,
        `${at}/checkpointed`,
      ]) {
        const answer = await send(
          method,
          target,
          `${withKey(room.keys.edit)}Origin: https://evil.example\r\n`,
        );
        expect([method, target, statusOf(answer)]).toEqual([method, target, 404]);
        expect(answer).not.toMatch(/access-control/i);
      }
    await roomIsAsItWas();
  });

  test('ARCH-2 answers are for nobody’s cache and for this origin’s pages', async () => {
    for (const route of ['segments?since=0', 'checkpoint', 'checkpointed']) {
      const answer = await send('GET', `/archive/${room.id}/${route}`, withKey(room.keys.read));
      expect(statusOf(answer)).toBe(200);
      expect(answer).toMatch(/^cache-control: no-store\r$/im);
      expect(answer).toMatch(/^cross-origin-resource-policy: same-origin\r$/im);
      expect(answer).toMatch(/^content-type: application\/octet-stream\r$/im);
      expect(answer).not.toMatch(/access-control|set-cookie|etag|last-modified/i);
    }
  });

  test('ARCH-3 a key in the address, twice, in a cookie or as authorization is no key', async () => {
    const key = toHex(room.keys.read);
    const target = `/archive/${room.id}/segments?since=0`;
    for (const headers of [
      `${withKey(room.keys.read)}${withKey(room.keys.read)}`,
      `Cookie: x-room-key=${key}\r\n`,
      `Authorization: Bearer ${key}\r\n`,
      `X-Room-Key-Hash: ${toHex(sha256(room.keys.read))}\r\n`,
      `X-Room-Key: ${key},${key}\r\n`,
    ])
      expect(statusOf(await send('GET', target, headers))).toBe(401);
    expect(statusOf(await send('GET', `${target}&key=${key}`))).toBe(404);
  });

  test('a header that PocketBase’s hook believes does not pass from outside', async () => {
    const wrong = withKey(noise(32));
    const believed = `X-Room-Key-Hash: ${toHex(sha256(room.keys.read))}\r\nX-Real-IP: 127.0.0.1\r\nX-Archive-Secret: x\r\n`;
    expect(statusOf(await send('GET', `/archive/${room.id}`, wrong + believed))).toBe(403);
  });

  test('ARCH-3 bodies: without a length, in chunks, of another type, too long, on a GET, smuggled', async () => {
    const [target, key] = [`/archive/${room.id}/segments`, withKey(room.keys.edit)];
    const type = 'Content-Type: application/octet-stream\r\n';
    const chunks = `Transfer-Encoding: chunked\r\n`;
    expect(statusOf(await send('POST', target, key + type))).toBe(400);
    expect(statusOf(await send('POST', target, key + type + chunks, '1\r\nx\r\n0\r\n\r\n'))).toBe(400);
    expect(statusOf(await send('POST', target, `${key}Content-Length: 3\r\n`, 'abc'))).toBe(400);
    const tooLong = `Content-Length: ${ARCHIVE_BATCH_BODY_BYTES + 1}\r\n`;
    expect(statusOf(await send('POST', target, key + type + tooLong))).toBe(413);
    expect(
      statusOf(await send('POST', `/archive/${room.id}/register`, `${type}Content-Length: 5000\r\n`)),
    ).toBe(413);
    const read = withKey(room.keys.read);
    expect(statusOf(await send('GET', `${target}?since=0`, `${read}Content-Length: 3\r\n`, 'abc'))).toBe(400);
    expect(statusOf(await send('GET', `${target}?since=0`, read + chunks, '0\r\n\r\n'))).toBe(400);
    const there = `/archive/${room.id}/checkpoint`;
    for (const [headers, status] of [
      [key + type, 400],
      [`${key}${type}Content-Length: 0\r\n`, 400],
      [`${key}Content-Length: 3\r\n`, 400],
      [`${key}${type}Content-Length: ${ARCHIVE_CHECKPOINT_BYTES + 1}\r\n`, 413],
    ] as const)
      expect([headers, statusOf(await send('POST', there, headers, 'abc'))]).toEqual([headers, status]);
    for (const route of ['checkpoint', 'checkpointed'])
      expect(
        statusOf(await send('GET', `/archive/${room.id}/${route}`, `${read}Content-Length: 3\r\n`, 'abc')),
      ).toBe(400);
    const inner = `GET /api/archive/tidy HTTP/1.1\r\nHost: x\r\n\r\n`;
    for (const lengths of [
      'Content-Length: 4\r\nContent-Length: 90\r\n',
      `Content-Length: 4\r\n${chunks}`,
      'Transfer-Encoding: xchunked\r\n',
      'Content-Length: +4\r\n',
    ])
      expect(statusOf(await send('POST', target, key + type + lengths, `0\r\n\r\n${inner}`))).toBe(400);
    await roomIsAsItWas();
  });

  test('ARCH-3 the key is asked about before any of the body is read', async () => {
    const claims = 'Content-Type: application/octet-stream\r\nContent-Length: 4000000\r\n';
    const target = `/archive/${room.id}/segments`;
    // Not a byte of it ever comes: who waits for it waits for good.
    expect(statusOf(await send('POST', target, withKey(noise(32)) + claims))).toBe(403);
    expect(statusOf(await send('POST', target, claims))).toBe(401);
    const there = `/archive/${room.id}/checkpoint`;
    for (const key of [noise(32), room.keys.comment, room.keys.read])
      expect(statusOf(await send('POST', there, withKey(key) + claims))).toBe(403);
    expect(statusOf(await send('POST', there, claims))).toBe(401);
  });

  test('a visitor who goes in the middle of a body leaves nothing, and the archive goes on', async () => {
    const head = `POST /archive/${room.id}/segments HTTP/1.1\r\nHost: x\r\n${withKey(room.keys.edit)}Content-Type: application/octet-stream\r\n`;
    const batch = encodeBatch([noise(5_000)]);
    const body = Buffer.from(batch.subarray(0, 2_000)).toString('latin1');
    await Promise.all(
      Array.from({ length: 20 }, () =>
        server.raw(`${head}Content-Length: ${batch.length}\r\n\r\n${body}`, 'hang-up'),
      ),
    );
    await roomIsAsItWas();
  });

  test('[seed 4111, 150 runs] any bytes to any route are refused or mean what they say', async () => {
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ minLength: 8, maxLength: 60 }).map((bytes) => concat(fromHex('00000001000000'), bytes)),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('segments', 'register', 'delete', 'checkpoint'),
        body.map((bytes) => Uint8Array.from(bytes)),
        fc.string({ unit: 'binary-ascii', maxLength: 70 }),
        async (route, bytes, key) => {
          const answer = await fetch(`${server.url}/archive/${room.id}/${route}`, {
            method: 'POST',
            headers: {
              'content-type': 'application/octet-stream',
              // eslint-disable-next-line no-control-regex
              'x-room-key': key.replace(/[\0-\x1f\x7f]/g, ''),
            },
            body: bytes,
          });
          expect([400, 401, 403, 413]).toContain(answer.status);
        },
      ),
      { seed: 4111, numRuns: 150 },
    );
    await roomIsAsItWas();
  });

  test('ARCH-10 cursors of nowhere give nothing of others', async () => {
    const other = await registeredRoom(archive);
    must(await archive.append(other.id, other.keys.edit, [noise(50), noise(60)]));
    for (const since of [1, 2, 1_000_000, Number.MAX_SAFE_INTEGER])
      expect(must(await archive.page(room.id, room.keys.read, since))).toMatchObject({
        next: 1,
        more: false,
        segments: [],
      });
  });

  test('PocketBase’s own doors don’t lead to the archive, not even for its superuser', async () => {
    const url = (await server.starts()).at(-1)?.url ?? '';
    const login = await fetch(`${url}/api/collections/_superusers/auth-with-password`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ identity: 'superuser@codeface.local', password: 'a password for tests' }),
    });
    const { token } = (await login.json()) as { token: string };
    expect(token).toBeTruthy();
    for (const authorization of ['', token]) {
      const headers = {
        authorization,
        'x-room-key': toHex(room.keys.read),
        'x-room-key-hash': toHex(sha256(room.keys.read)),
      };
      for (const table of ['archive_rooms', 'archive_segments', 'archive_checkpoints', 'archive_loose_files'])
        expect((await fetch(`${url}/api/collections/${table}/records`, { headers })).status).toBe(404);
      for (const secretHeader of [undefined, '', 'x', '0'.repeat(64)])
        for (const path of [
          '',
          '/segments?since=0&segments=9&bytes=999',
          '/append',
          '/files/x',
          '/checkpoint',
          '/checkpoint/append',
        ])
          expect(
            (
              await fetch(`${url}/api/archive/${room.id}${path}`, {
                headers: {
                  ...headers,
                  ...(secretHeader !== undefined && { 'x-archive-secret': secretHeader }),
                },
              })
            ).status,
          ).toBe(404);
      for (const path of [
        'tidy?purge=1',
        `${room.id}/register`,
        `${room.id}/delete`,
        `${room.id}/segments`,
        `${room.id}/checkpoint`,
      ])
        expect(
          (await fetch(`${url}/api/archive/${path}`, { method: 'POST', headers, body: '{}' })).status,
        ).toBe(404);
    }
    await roomIsAsItWas();
  });

  test('one address’s requests, bytes and new rooms have an end, and it is told when to come again', async () => {
    const small = { requestsPerMinute: 15, bytesPerTenMinutes: 30_000, registrationsPerHour: 2 };
    const tight = await startArchiveServer({
      limits: { ...LIMITS, archive: { ...LIMITS.archive, ...small } },
    });
    try {
      const there = new ArchiveClient(tight.url);
      const [one] = [await registeredRoom(there), await registeredRoom(there)];
      const third = await newRoom();
      expect(await there.register(third.id, await signedRegistration(third, 1))).toBe('429 rate');
      must(await there.append(one.id, one.keys.edit, [noise(10_000)]));
      must(await there.keepCheckpoint(one.id, one.keys.edit, noise(10_000)));
      expect(await there.keepCheckpoint(one.id, one.keys.edit, noise(20_000))).toBe('429 rate');
      expect(await there.append(one.id, one.keys.edit, [noise(20_000)])).toBe('429 rate');
      expect(await there.checkpoint(one.id, one.keys.read)).toBe('429 rate');
      expect(await there.page(one.id, one.keys.read, 0)).toBe('429 rate');
      for (let i = 0; i < 6; i++) must(await there.status(one.id, one.keys.read));
      const answer = await fetch(`${tight.url}/archive/${one.id}`);
      expect(answer.status).toBe(429);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    } finally {
      await tight.close();
    }
  });

  test('bodies that arrive at once may hold only so much memory: the rest is later', async () => {
    const held = { heldBytes: 6_000_000, heldBytesPerAddress: 6_000_000, bytesPerTenMinutes: 30_000_000 };
    const tight = await startArchiveServer({
      limits: { ...LIMITS, archive: { ...LIMITS.archive, ...held } },
    });
    try {
      const there = new ArchiveClient(tight.url);
      const [one, two] = [await registeredRoom(there), await registeredRoom(there)];
      // What is told to come later counts for nothing: else an address that waits its turn would be shut out for ten minutes.
      for (let i = 0; i < 6; i++)
        expect(await there.append(one.id, one.keys.edit, [noise(6_000_001)])).toBe('503 later');
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => there.append(one.id, one.keys.edit, [noise(1_200_000)])),
      );
      expect(answers.some((answer) => typeof answer !== 'string')).toBe(true);
      expect(answers.filter((answer) => typeof answer === 'string' && answer !== '503 later')).toEqual([]);
      // A page holds 4 MiB, and the file that is being sent.
      must(await there.page(one.id, one.keys.read, 0));
      must(await there.append(two.id, two.keys.edit, [noise(2_000_000)]));
      expect(await there.page(two.id, two.keys.read, 0)).toBe('503 later');
      // What was held is free again.
      must(await there.append(one.id, one.keys.edit, [noise(5_000_000)]));
    } finally {
      await tight.close();
    }
  });

  test('ARCH-30, ARCH-31 a checkpoint holds as much memory as it may have: where that is not free it is later', async () => {
    const held = {
      heldBytes: ARCHIVE_CHECKPOINT_BYTES - 1,
      heldBytesPerAddress: ARCHIVE_CHECKPOINT_BYTES - 1,
    };
    const tight = await startArchiveServer({
      limits: { ...LIMITS, archive: { ...LIMITS.archive, ...held } },
    });
    try {
      const there = new ArchiveClient(tight.url);
      const { id, keys } = await registeredRoom(there);
      expect(await there.keepCheckpoint(id, keys.edit, noise(ARCHIVE_CHECKPOINT_BYTES))).toBe('503 later');
      for (let i = 0; i < 3; i++) must(await there.keepCheckpoint(id, keys.edit, noise(3_000_000)));
      expect(await there.checkpoint(id, keys.read)).toBe('503 later');
    } finally {
      await tight.close();
    }
  });
});
