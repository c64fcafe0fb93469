/**
 * docs/vectors.json checked by a second implementation: written from docs/SPEC.md with node:crypto and node:zlib alone, it shares
 * no code with the app. Where it could not be written from the text, the text was at fault.
 */
import { describe, expect, test } from 'vitest';
import {
  CHANNELS,
  derive,
  edit,
  exchangeKeyOf,
  comment,
  hex,
  Input,
  invites,
  label,
  nextHash,
  open,
  owner,
  pack,
  publicOf,
  read,
  readSegment,
  roomId,
  seal,
  secrets,
  seeds,
  sha256,
  sign,
  startOf,
  u32,
  vectors,
  verify,
} from '../../testing/by-hand.ts';

const whole = (written: string | { readonly repeat: string; readonly times: number }): Buffer =>
  hex(typeof written === 'string' ? written : written.repeat.repeat(written.times));

describe('keys', () => {
  test('KEY-1 the room is named by its owner', () => expect(vectors.room.id).toBe(roomId));

  test.each(vectors.derivations)(
    'KEY-2 to KEY-5 $purpose, epoch $epoch',
    ({ seed, purpose, epoch, ...vector }) => {
      expect(derive(secrets[seed], purpose, epoch).toString('hex')).toBe(vector.hex);
    },
  );

  test.each(vectors.publicKeys)('KEY-3 the public key $name', ({ name, hex: expected }) => {
    const secret = name === 'owner' ? owner : derive(name === 'topic' ? read : ownerOf(name), name);
    expect(publicOf('70', secret).toString('hex')).toBe(expected);
  });
  const ownerOf = (name: string): Buffer => ({ e: edit, c: comment, v: read })[name.slice(0, 1)] ?? read;

  test.each(Object.values(seeds.devices))('KEY-7 the two forms of the device of %s', (secret) => {
    const u = numberOf(exchangeKeyOf(hex(secret)));
    const y = numberOf(publicOf('70', hex(secret))) & (2n ** 255n - 1n);
    expect((u * (1n - y) - 1n - y) % (2n ** 255n - 19n)).toBe(0n);
  });
  const numberOf = (key: Buffer): bigint => BigInt(`0x${Buffer.from(key).reverse().toString('hex')}`);

  test('KEY-6 signatures hold, or do not; this library leaves the weak key to the rule', () => {
    for (const { publicKey, signature, message, valid } of vectors.signatures)
      if (publicKey.slice(2) !== '00'.repeat(31))
        expect(verify(hex(publicKey), hex(signature), hex(message))).toBe(valid);
  });
});

describe('statements', () => {
  test('GEN-1 the genesis statement, from the seeds alone', () => {
    const invited = Object.values(invites).map((seed) => publicOf('70', seed));
    const body = Buffer.concat([Buffer.of(1), u32(0), publicOf('70', owner), ...invited]);
    const statement = Buffer.concat([body, sign(owner, label('genesis'), body)]);
    expect(statement.toString('hex')).toBe(vectors.genesis[0]?.hex);
  });

  test.each(['ann', 'ben', 'eve', 'vic', 'cas'] as const)(
    'CERT-1, CERT-5, CERT-8 the certificate of %s, from the seeds alone',
    (who) => {
      const session = hex(seeds.sessions[who]);
      const role = who === 'vic' ? 0 : who === 'cas' ? 1 : 2;
      const issuer = invites[(['view-invite', 'comment-invite', 'edit-invite'] as const)[role]];
      const device = hex(seeds.devices.ann);
      const keys = [
        publicOf('70', session),
        exchangeKeyOf(device),
        publicOf('70', issuer),
        publicOf('70', device),
      ];
      const body = Buffer.concat([Buffer.of(2), Buffer.from(roomId), u32(0), Buffer.of(role), ...keys]);
      const vouched = Buffer.concat([body, sign(issuer, label('certificate-issuer'), body)]);
      const proved = Buffer.concat([vouched, sign(device, label('certificate-device'), vouched)]);
      const certificate = Buffer.concat([proved, sign(session, label('certificate-session'), proved)]);
      const hash = sha256(
        label('client-id'),
        Buffer.from(roomId),
        publicOf('70', issuer),
        publicOf('70', session),
      );
      const clientId = (hash.readBigUInt64BE(0) & (2n ** 53n - 1n)).toString();
      expect(body).toHaveLength(186);
      const given = vectors.certificates.find(({ name }) => name === who);
      expect(given?.hex).toBe(certificate.toString('hex'));
      expect(given?.accepted?.clientId.toString()).toBe(clientId);
      expect(given?.accepted?.device).toBe(exchangeKeyOf(device).toString('hex'));
    },
  );
});

describe('chains and segments', () => {
  test.each(vectors.chains)('LOG-2, LOG-5 $name', ({ by, channel, start, entries, signed, signature }) => {
    const certificate = hex(vectors.certificates.find(({ name }) => name === by)?.hex ?? '');
    let hash = startOf(certificate, CHANNELS.indexOf(channel));
    expect(hash.toString('hex')).toBe(start);
    for (const [i, { time, heads, payload, hash: expected }] of entries.entries()) {
      hash = nextHash(hash, i + 1, time, hex(heads), hex(payload));
      expect(hash.toString('hex')).toBe(expected);
    }
    const message = Buffer.concat([label('segment'), Buffer.of(CHANNELS.indexOf(channel)), hash]);
    expect(message.toString('hex')).toBe(signed);
    expect(sign(hex(seeds.sessions[by]), message).toString('hex')).toBe(signature);
  });

  test.each(vectors.segments)('LOG-6, LOG-9 $name is what its author signed', (vector) => {
    const { body } = open('segment', hex(vector.sealed));
    if (vector.plain) expect(body.toString('hex')).toBe(vector.plain);
    const { session, channel, first, hashes, signature } = readSegment(body);
    expect(session).toEqual(publicOf('70', hex(seeds.sessions[vector.by])));
    expect([CHANNELS[channel], first, first + hashes.length - 2]).toEqual([
      vector.channel,
      vector.first,
      vector.last,
    ]);
    const message = [label('segment'), Buffer.of(channel), hashes.at(-1) ?? body];
    expect(verify(session, signature, ...message)).toBe(true);
  });

  test('LOG-9 squashed, the signature is that of the last segment, the certificate that of the first', () => {
    const segmentOf = (name: string) =>
      readSegment(open('segment', hex(vectors.segments.find((one) => one.name === name)?.sealed ?? '')).body);
    const [one, two, all] = ['ben-talk-1-to-60', 'ben-talk-61-to-100', 'ben-talk-squashed'].map(segmentOf);
    expect(all?.signature).toEqual(two?.signature);
    expect(all?.certificate).toEqual(one?.certificate);
    expect(all?.hashes).toEqual([...(one?.hashes ?? []), ...(two?.hashes.slice(1) ?? [])]);
  });

  test('LOG-4 Ben names the entry of Ann that he had seen last', () => {
    const [heads] = vectors.chains
      .filter(({ name }) => name === 'ben/project')
      .map(({ entries }) => entries[0]?.heads);
    const named = vectors.chains.find(({ name }) => name === 'ann/project')?.entries[1]?.hash;
    expect(heads).toBe(`02${named?.slice(0, 32)}`);
  });
});

describe('sealing', () => {
  test.each(vectors.sealing.filter((vector) => 'plain' in vector))(
    'SEAL-1, SEAL-4, SEAL-5 $kind: $name',
    (vector) => {
      const { inner, body } = open(vector.kind, whole(vector.sealed));
      expect(body).toEqual(whole(vector.plain ?? ''));
      // Whatever made it, what was sealed gives its own IV, and so the whole record, again.
      expect(seal(vector.kind, inner)).toEqual(whole(vector.sealed));
      if (!('packing' in vector) || vector.packing === 'plain') expect(pack(body)).toEqual(inner);
    },
  );

  test('SEAL-2 one bit changed, and nothing opens', () => {
    for (const vector of vectors.sealing)
      if ('refused' in vector && vector.refused === 'not-ours')
        expect(() => open(vector.kind, whole(vector.sealed))).toThrow();
  });

  test.each(vectors.frames.filter(({ kind, frame }) => frame && (kind === 'hello' || kind === 'presence')))(
    'SYNC-1 $name is signed by Ann',
    ({ kind, frame = '', plain }) => {
      expect(hex(frame)[0]).toBe(kind === 'hello' ? 1 : 4);
      const { body } = open(kind, hex(frame).subarray(1));
      if (plain) expect(body.toString('hex')).toBe(plain);
      const ann = publicOf('70', hex(seeds.sessions.ann));
      expect(verify(ann, body.subarray(-64), label(kind), body.subarray(0, -64))).toBe(true);
      const input = new Input(body);
      if (kind === 'hello') {
        input.take(33);
        expect(input.varBytes().toString('hex')).toBe(vectors.certificates[0]?.hex);
        expect(['', vectors.genesis[0]?.hex]).toContain(input.varBytes().toString('hex'));
        expect(vectors.frontiers.slice(0, 2).map((one) => one.hex)).toContain(
          input.varBytes().toString('hex'),
        );
      } else {
        expect(input.take(32)).toEqual(ann);
        const [counter, payload] = [input.varUint(), input.varBytes()];
        expect(counter).toBe(payload.length > 0 ? 300 : 301);
      }
      expect(input.at).toBe(body.length - 64);
    },
  );
});

describe('talk', () => {
  const varUint = (value: number): Buffer =>
    value < 128
      ? Buffer.of(value)
      : Buffer.concat([Buffer.of(128 + (value % 128)), varUint(Math.floor(value / 128))]);
  const varBytes = (text: string): Buffer =>
    Buffer.concat([varUint(Buffer.from(text).length), Buffer.from(text)]);

  test.each(vectors.roles)('CERT-4 what $by signed in $channel', ({ by, channel, sealed, refused }) => {
    const { session, certificate, channel: code } = readSegment(open('segment', hex(sealed)).body);
    expect(session).toEqual(publicOf('70', hex(seeds.sessions[by])));
    expect(CHANNELS[code]).toBe(channel);
    const role = certificate?.[57] ?? -1;
    expect(refused === undefined).toBe(role === 2 || (role === 1 && ['talk', 'carry'].includes(channel)));
  });

  test.each(vectors.talkMessages)('TALK-1 $hex', (vector) => {
    if (!('message' in vector)) return expect(vector.refused).toBe(problemOf(hex(vector.hex)));
    const { message } = vector;
    const fields =
      message.kind === 'message'
        ? [varBytes(message.name), varBytes(message.text)]
        : [hex(message.target.session), varUint(message.target.seq)];
    if (message.kind === 'edit') fields.push(varBytes(message.text));
    const kind = ['message', 'edit', 'retract'].indexOf(message.kind);
    expect(Buffer.concat([Buffer.of(kind), ...fields]).toString('hex')).toBe(vector.hex);
    expect(problemOf(hex(vector.hex))).toBeUndefined();
  });

  function problemOf(bytes: Buffer): string | undefined {
    const input = new Input(bytes);
    const text = (max: number): string => {
      const read = input.varBytes();
      if (read.length > max) throw new Error('too long');
      return new TextDecoder('utf-8', { fatal: true }).decode(read);
    };
    try {
      const kind = input.u8();
      if (kind > 2) return 'unknown-kind';
      if (kind === 0) text(256);
      else if (input.take(32).length < 32 || input.varUint() === 0) return 'malformed';
      if (kind < 2 && text(4096) === '') return 'malformed';
      return input.at === bytes.length ? undefined : 'malformed';
    } catch {
      return 'malformed';
    }
  }

  test.each(vectors.talk)('TALK-2, TALK-3 $name', ({ entries, shown }) => {
    const read = entries.map((entry) => {
      const input = new Input(hex(entry.payload));
      const kind = input.u8();
      const target =
        kind === 0 ? input.varBytes() : Buffer.concat([input.take(32), varUint(input.varUint())]);
      return {
        ...entry,
        kind,
        target: target.toString('hex'),
        text: kind < 2 ? input.varBytes().toString() : '',
      };
    });
    const ranks = { viewer: 0, commenter: 1, editor: 2 };
    const before = (a: (typeof read)[number], b: (typeof read)[number]): boolean =>
      a.time < b.time || (a.time === b.time && `${a.author.session}${a.seq}` < `${b.author.session}${b.seq}`);
    const sorted = read.toSorted((a, b) => (before(a, b) ? -1 : 1));
    const told = sorted
      .filter(({ kind }) => kind === 0)
      .map((said) => {
        const name = said.author.session + varUint(said.seq).toString('hex');
        const changes = sorted.filter(
          (one) =>
            one.kind > 0 &&
            one.target === name &&
            before(said, one) &&
            (one.author.session === said.author.session ||
              (one.author.device === said.author.device &&
                ranks[one.author.role] >= ranks[said.author.role])),
        );
        if (changes.some(({ kind }) => kind === 2)) return { retracted: true };
        const last = changes.at(-1);
        return last ? { text: last.text, edited: true } : { text: said.text };
      });
    expect(told).toEqual(shown);
  });
});

describe('forks', () => {
  const clientIn = (hash: Buffer): number =>
    (hash.readUInt32BE(0) & 0x1fffff) * 2 ** 32 + hash.readUInt32BE(4);
  const clientOf = (begins: Buffer, n: number): number =>
    clientIn(
      n === 0 ? sha256(label('branch'), begins) : sha256(label('branch-client'), begins, u32(n).subarray(2)),
    );

  test.each(vectors.forks)(
    '$rules $name: names, clients and where each begins',
    ({ segments, branches, frontier }) => {
      const read = segments.map((sealed) => readSegment(open('segment', hex(sealed)).body));
      const begins = read.flatMap(({ first, hashes }) =>
        hashes.slice(1).map((hash, i) => ({ seq: first + i, hash })),
      );
      for (const branch of branches) {
        const entry = begins.find(
          ({ seq, hash }) => seq === branch.seq && hash.subarray(0, 16).equals(hex(branch.begins)),
        );
        expect(entry).toBeDefined();
        expect(sha256(label('branch'), hex(branch.begins)).toString('hex')).toBe(branch.name);
        expect(clientOf(hex(branch.begins), 0)).toBe(branch.client);
        expect(frontier.find(({ session }) => session === branch.name)?.hash).toBe(
          entry?.hash.toString('hex'),
        );
      }
    },
  );

  test.each(vectors.branchClients)('$rules the client after $n others', ({ begins, n, client }) => {
    expect(clientOf(hex(begins), n)).toBe(client);
  });
});
