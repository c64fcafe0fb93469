/**
 * What epochs brought to docs/vectors.json, checked by a second implementation (app/testing/roster-by-hand.ts): read, verified, opened and made
 * again. Where it could not be written from the text, the text was at fault.
 */
import { describe, expect, test } from 'vitest';
import {
  base32,
  bytesIn,
  bytesNamed,
  CHANNELS,
  derive,
  exchangeSecretOf,
  edit as firstEdit,
  hex,
  label,
  open,
  owner,
  pack,
  publicOf,
  read as firstRead,
  readSegment,
  roomId,
  seal,
  seeds,
  sha256,
  sign,
  u32,
  u64,
  vectors,
  verify,
} from '../../testing/by-hand.ts';
import { openRoster, readFile, rosterOfFile, writeFile } from '../../testing/room-file-by-hand.ts';
import {
  areNamed,
  invitesFrom,
  makeStatement,
  openFormer,
  openGrant,
  readGenesis,
  readRoster,
  readRows,
  readStatement,
  seedsFrom,
  statementsOf,
  writeRoster,
  type Statement,
} from '../../testing/roster-by-hand.ts';
import { isStrong, refusalOf, Strict } from '../../testing/strict-by-hand.ts';

const genesis = bytesNamed('genesis/of this room');
const edits = [firstEdit, ...seeds.epochs.map(({ edit }) => hex(edit))];
const seedsOf = (epoch: number) => seedsFrom('e', edits[epoch] ?? firstEdit, epoch);
const privateOf = (who: keyof typeof seeds.devices): Buffer => exchangeSecretOf(hex(seeds.devices[who]));
const deviceOf = (who: keyof typeof seeds.devices): Buffer => publicOf('6e', privateOf(who));
const ROLES = ['viewer', 'commenter', 'editor'];

const statements: Statement[] = [];
for (const { bytes } of vectors.rosterStatements.slice(0, 2))
  statements.push(readStatement(bytesIn(bytes), genesis, statements));

describe('statements', () => {
  test.each(vectors.epochKeys)('ROST-1, KEY-2, KEY-3, ARCH-1 the keys of epoch $epoch', (vector) => {
    const { epoch, comment, read, topic, archive } = vector;
    const all = seedsOf(epoch);
    const text = (bytes: Buffer | undefined) => bytes?.toString('hex');
    expect([text(all.comment), text(all.read)]).toEqual([comment, read]);
    expect(text(publicOf('70', derive(all.read, 'topic', epoch)))).toBe(topic);
    expect(archive).toEqual({
      read: text(derive(all.read, 'archive-read', epoch)),
      edit: text(derive(edits[epoch] ?? firstEdit, 'archive-append-edit', epoch)),
      comment: text(derive(hex(comment), 'archive-append-comment', epoch)),
    });
  });

  test.each(vectors.rosterStatements.slice(0, 2))(
    'ROST-1, ROST-3, ROST-4 the statement $name, from the seeds alone',
    ({ made, bytes }) => {
      if (!made) throw new Error('what it is made of');
      const { epoch, time, members, closed } = made;
      const ephemerals = seeds.epochs[epoch - 1]?.ephemerals ?? [];
      const again = makeStatement({
        seeds: seedsOf(epoch),
        formerRead: seedsOf(epoch - 1).read,
        last: statements[epoch - 2]?.bytes ?? genesis,
        time,
        members: members.map(({ device, role }, i) => ({
          device: deviceOf(device),
          role: ROLES.indexOf(role),
          ephemeral: hex(ephemerals[i] ?? ''),
        })),
        closed,
      });
      expect(again.toString('hex')).toBe(bytesIn(bytes).toString('hex'));
      expect(statements[epoch - 1]?.closed).toEqual(closed);
    },
  );

  test.each(vectors.rosterStatements)('ROST-1, ROST-2 a statement $name: $refused', (vector) => {
    const before = statements.slice(0, vector.after?.length ?? 0);
    expect(refusalOf(() => readStatement(bytesIn(vector.bytes), genesis, before))).toBe(vector.refused);
  });

  test.each(vectors.deviceKeys)('ROST-3 a device key: $name', (vector) => {
    expect(isStrong(hex(vector.hex))).toBe(vector.granted);
  });

  test.each(vectors.grants)('ROST-3, ROST-5 a grant: $name', ({ statement, device, ...vector }) => {
    const read = readStatement(bytesIn(statement), genesis, []);
    const given = openGrant(read, deviceOf(device), privateOf(vector.privateKeyOf ?? device));
    const opens = 'opens' in vector ? vector.opens : undefined;
    expect(given && { kind: given.kind, seed: given.seed.toString('hex') }).toEqual(
      opens && { kind: opens.kind, seed: opens.seed },
    );
    if (given) expect(areNamed(seedsFrom(given.kind, given.seed, 1), read)).toBe(opens?.used);
  });

  test.each(vectors.formerSeeds)('ROST-4, ROST-5 the former seed: $name', (vector) => {
    const { epoch, read } = vector.reader;
    const statement = bytesIn(vector.statement);
    const after = readStatement(statement, genesis, statements.slice(0, statement.readUInt32BE(1) - 1));
    const former = openFormer(after, { epoch, read: hex(read) });
    const opens = 'opens' in vector ? vector.opens : undefined;
    expect(former?.toString('hex')).toBe(opens?.seed);
    const named = statements[epoch - 2] ?? readGenesis(genesis);
    if (former) expect(areNamed(seedsFrom('v', former, epoch - 1), named)).toBe(opens?.used);
  });
});

describe('rosters', () => {
  test.each(vectors.rosters)('ROST-6, GEN-2 a roster: $name, $refused', (vector) => {
    const bytes = bytesIn(vector.bytes);
    expect(refusalOf(() => readRoster(bytes, vector.room))).toBe(vector.refused);
    if (vector.refused) return;
    const read = readRoster(bytes);
    expect(read.statements).toHaveLength(vector.believed ?? -1);
    const parts = read.statements.map((one) => one.bytes);
    expect(writeRoster(read.genesis, parts)).toEqual(bytes);
  });

  test.each(vectors.rosterCaps)('ROST-1, ROST-6 $name: $refused', (vector) => {
    const made = statementsOf(vector);
    const bytes = writeRoster(genesis, made);
    expect([bytes.length, sha256(bytes).toString('hex')]).toEqual([vector.rosterBytes, vector.sha256]);
    const before = made.slice(0, -1).map((one) => ({ bytes: one }));
    expect(refusalOf(() => readStatement(made.at(-1) ?? genesis, genesis, before))).toBe(vector.refused);
    expect(refusalOf(() => readRoster(bytes))).toBe(vector.refused);
  });

  test.each(vectors.rosterNews)('ROST-21 $name: $news', ({ epoch, known, roster, news, ...vector }) => {
    const believed = refusalOf(() => readRoster(bytesIn(roster))) === undefined;
    const heard = believed ? readRoster(bytesIn(roster)) : undefined;
    const goesOn =
      heard !== undefined &&
      ('genesis' in vector || heard.genesis.equals(genesis)) &&
      statements.slice(0, known).every(({ bytes }, i) => heard.statements[i]?.bytes.equals(bytes));
    const { length } = heard?.statements ?? [];
    expect(goesOn && length > known && length >= epoch).toBe(news);
  });
});

describe('what of a former epoch is part of the room', () => {
  const segments = [...vectors.segments.map((one) => ({ ...one, epoch: 0 })), ...vectors.epochSegments];
  const invites = [readGenesis(genesis), ...statements];

  /** A log of no channel's own rules, which are elsewhere: chains, sessions, rows. */
  class Log {
    readonly #epoch: number;
    readonly #rows: { session: string; channel: string; seq: number; hash: string }[];
    /** Those of closed frontiers: no carry adds to them. */
    readonly #frontiers: ReadonlySet<unknown>;
    readonly #known = new Map<string, Buffer>();
    readonly #come = new Map<string, { hashes: Map<number, Buffer>; payloads: Map<number, Buffer> }>();
    readonly #accepted = new Map<string, number>();
    /** Of chains that are closed, the hash of the entry that closed them. */
    readonly #closed = new Map<string, string>();

    constructor(epoch: number) {
      this.#epoch = epoch;
      this.#rows = statements.slice(0, epoch).flatMap(({ closed }) => closed);
      this.#frontiers = new Set(this.#rows);
    }

    receive(name: string): { refused?: string; accepted: Set<string>; held: boolean } {
      const segment = segments.find((one) => one.name === name);
      const accepted = new Set<string>();
      if (!segment) throw new Error(name);
      const sealed = hex(segment.sealed);
      const epoch = sealed.readUInt32BE(2);
      const refused = (reason: string) => ({ refused: reason, accepted, held: false });
      if (epoch > this.#epoch) return refused('wrong-epoch');
      const { body } = open('segment', sealed, seedsOf(epoch));
      const { session, channel, first, certificate, hashes, signature } = readSegment(body);
      const id = session.toString('hex');
      if (certificate) {
        const named = invites[certificate.readUInt32BE(53)];
        if (!named || certificate.readUInt32BE(53) > this.#epoch) return refused('wrong-epoch');
        const issuer = certificate.subarray(122, 154);
        if (![named.edit, named.comment, named.view].some((one) => one.equals(issuer)))
          return refused('unknown-issuer');
        this.#known.set(id, certificate);
      }
      const last = hashes.at(-1) ?? body;
      expect(verify(session, signature, label('segment'), Buffer.of(channel), last)).toBe(true);
      const key = `${id}/${CHANNELS[channel]}`;
      const own = hashes.slice(1).map((hash) => Buffer.from(hash).toString('hex'));
      if (own.includes(this.#closed.get(key) ?? '')) return refused('chain-closed');
      const chain = this.#come.get(key) ?? { hashes: new Map(), payloads: new Map() };
      this.#come.set(key, chain);
      const payloads = payloadsOf(body, first === 1);
      if (channel === 3 && payloads.some((one) => refusalOf(() => readRows(one)) !== undefined)) {
        this.#closed.set(key, own[0] ?? '');
        return refused('malformed-carry');
      }
      for (const [i, hash] of hashes.slice(1).entries()) {
        chain.hashes.set(first + i, hash);
        chain.payloads.set(first + i, payloads[i] ?? body);
      }
      this.#drain(accepted);
      return { accepted, held: first + hashes.length - 2 > (this.#accepted.get(key) ?? 0) };
    }

    #drain(accepted: Set<string>): void {
      for (const [key, { hashes, payloads }] of this.#come) {
        const [session = '', channel = ''] = key.split('/');
        for (;;) {
          const seq = (this.#accepted.get(key) ?? 0) + 1;
          const hash = hashes.get(seq);
          const certificate = this.#known.get(session);
          if (!hash || !certificate || !this.#allows(certificate, { session, channel, seq }, hash)) break;
          this.#accepted.set(key, seq);
          accepted.add(`${key}/${seq}`);
          if (channel !== 'carry' || certificate.readUInt32BE(53) !== this.#epoch) continue;
          const role = certificate[57] ?? 0;
          const may = (of: string) => role === 2 || (role === 1 && ['talk', 'carry'].includes(of));
          this.#rows.push(...readRows(payloads.get(seq) ?? hash).filter((row) => may(row.channel)));
          return this.#drain(accepted);
        }
      }
    }

    #allows(
      certificate: Buffer,
      at: { session: string; channel: string; seq: number },
      hash: Buffer,
    ): boolean {
      if (certificate.readUInt32BE(53) === this.#epoch) return true;
      const rows = this.#rows.filter((row) => row.session === at.session && row.channel === at.channel);
      const here = rows.filter((row) => row.seq === at.seq);
      if (here.some((row) => row.hash === hash.toString('hex'))) return true;
      return rows.some((row) => row.seq > at.seq) && !here.some((row) => this.#frontiers.has(row));
    }
  }

  function payloadsOf(body: Buffer, begins: boolean): Buffer[] {
    const input = new Strict(body);
    input.take(33);
    input.number();
    if (begins) input.sized();
    else input.take(32);
    return Array.from({ length: input.number() }, () => {
      input.varInt();
      input.sized();
      return input.sized();
    });
  }

  const idOf = (who: string): string => {
    const secrets: Record<string, string> = { ...seeds.sessions, ...seeds.laterSessions };
    return publicOf('70', hex(secrets[who] ?? '')).toString('hex');
  };
  test.each(vectors.epochSteps)('ROST-10, ROST-11 $name', ({ epoch, steps }) => {
    const log = new Log(epoch);
    for (const { receive, accepted = [], held = false, refused } of steps) {
      const names = accepted.flatMap(({ by, channel, seqs }) =>
        seqs.map((seq) => `${idOf(by)}/${channel}/${seq}`),
      );
      const told = log.receive(receive);
      expect(told.refused, receive).toBe(refused);
      expect([...told.accepted].sort(), receive).toEqual(names.sort());
      if (!refused) expect(told.held, receive).toBe(held);
    }
  });
});

describe('on the way', () => {
  const readerOf = (epoch: number) => ({ epoch, read: seedsOf(epoch).read });

  test.each(vectors.rosterRecords)('SEAL-1 to SEAL-5, ROST-20 a sealed roster $name: $refused', (vector) => {
    const { epoch, plain, refused } = vector;
    const sealed = bytesIn(vector.bytes);
    expect(refusalOf(() => openRoster(sealed, readerOf(epoch)))).toBe(refused);
    if (!plain) return;
    expect(openRoster(sealed, readerOf(epoch))).toEqual(bytesIn(plain));
    expect(seal('roster', pack(bytesIn(plain)), readerOf(epoch))).toEqual(sealed);
  });

  test.each(vectors.rosterFrames)('ROST-20, SYNC-1 a ROSTER frame: $name', ({ epoch, bytes, ...vector }) => {
    const refusal = refusalOf(() => {
      const frame = bytesIn(bytes);
      if (frame[0] !== 6) throw new Error('malformed-frame');
      readRoster(openRoster(frame.subarray(1), readerOf(epoch)));
    });
    expect(refusal).toBe('refused' in vector ? vector.refused : undefined);
  });

  test.each(vectors.doors)('ROST-22 doors: $name', ({ epoch, ...vector }) => {
    const answered = new Set<number>();
    for (const { received, link, ...frame } of 'frames' in vector ? (vector.frames ?? []) : []) {
      const bytes = bytesIn(received);
      const opens = refusalOf(() => open('hello', bytes.subarray(1), readerOf(epoch))) === undefined;
      const answers = bytes[0] === 1 && opens && !answered.has(link);
      if (answers) answered.add(link);
      const answer = 'answer' in frame ? frame.answer : undefined;
      expect(answer !== undefined).toBe(answers);
      if (!answer) continue;
      const record = seal('roster', pack(bytesNamed('rosters/of the first')), readerOf(epoch));
      expect(Buffer.concat([Buffer.of(6), record])).toEqual(bytesIn(answer));
    }
    if (!('topics' in vector) || !vector.topics) return expect(answered.size).toBe(2);
    const topics = [0, 1, 2, 3, 4].map((of) =>
      publicOf('70', derive(firstRead, 'topic', of)).toString('hex'),
    );
    expect(topics).toEqual(vector.topics);
    const before = [epoch - 1, epoch - 2, epoch - 3].map((of) => topics[of]);
    expect(before).toEqual(vector.joined);
  });
});

describe('room files', () => {
  test.each(vectors.roomFiles)(
    'ROOM-1, ROOM-4, ROOM-9 a file $name: $refused',
    ({ bytes, whole, refused }) => {
      const file = bytesIn(bytes);
      expect(refusalOf(() => readFile(file))).toBe(refused);
      if (!whole) return;
      const read = readFile(file);
      expect(read.records).toHaveLength(whole.records);
      expect(rosterOfFile(read, seedsOf(whole.epoch))).toHaveLength(whole.epoch);
      expect(writeFile(read.genesis, read.records)).toEqual(file);
    },
  );

  test.each(vectors.filedRosters)('ROOM-9 the roster of a file: $name', (vector) => {
    const { record, roster, epoch = 0, link, believed, refused, why } = vector;
    const first = roster ? seal('roster', pack(bytesIn(roster)), seedsOf(epoch)) : record && bytesIn(record);
    const ann = bytesNamed('segments/ann-1');
    const file = readFile(writeFile(genesis, first ? [first, ann] : [ann]));
    expect(refusalOf(() => rosterOfFile(file, seedsOf(link)))).toBe(why ?? refused);
    if (!refused) expect(rosterOfFile(file, seedsOf(link))).toHaveLength(believed ?? -1);
  });
});

describe('the archive', () => {
  const instance = hex('16'.repeat(16));
  const segments = (input: Strict, count: number, most: number): Buffer[] => {
    if (count > most) throw new Error('too-large');
    const read = Array.from({ length: count }, () => sized(input, 20 * 2 ** 20));
    if (read.some(({ length }) => length === 0)) input.fault();
    const total = read.reduce((sum, { length }) => sum + length, 0);
    if (count > 1 && total > 4 * 2 ** 20) throw new Error('too-large');
    return read;
  };
  const sized = (input: Strict, most: number): Buffer => {
    const length = input.u32();
    if (length > most) throw new Error('too-large');
    return input.take(length);
  };
  const flag = (input: Strict): boolean => {
    const byte = input.u8();
    return byte > 1 ? input.fault() : byte === 1;
  };
  const statement = (input: Strict): Buffer => {
    if (input.u8() !== 1) input.fault();
    return input.take(32);
  };
  const text = (bytes: Buffer): string => bytes.toString('hex');

  /** What of each body the vectors tell. */
  const readers = {
    registration: (input: Strict) => {
      const key = statement(input);
      const [counter, epoch] = [input.u32(), input.u32()];
      input.take(96);
      sized(input, 4096);
      return { value: { counter, epoch }, proof: proof(input, 'archive-register', key) };
    },
    deletion: (input: Strict) => {
      const key = statement(input);
      const value = { counter: input.u32(), instance: text(input.take(16)) };
      return { value, proof: proof(input, 'archive-delete', key) };
    },
    batch: (input: Strict) => {
      const count = input.u32() || input.fault();
      return { value: { segments: segments(input, count, 200).length } };
    },
    appended: (input: Strict) => ({
      value: {
        stored: input.u32(),
        known: input.u32(),
        cursor: input.u64(),
        bytes: input.u64(),
        quota: input.u64(),
      },
    }),
    page: (input: Strict) => {
      const head = { instance: text(input.take(16)), next: input.u64(), more: flag(input) };
      const count = segments(input, input.u32(), 500).length;
      if (head.more && count === 0) input.fault();
      return { value: { ...head, segments: count } };
    },
    status: (input: Strict) => {
      if (input.bytes.length === 1)
        return { value: { absence: ['off', 'unknown-room'][input.u8()] ?? input.fault() } };
      const head = { instance: text(input.take(16)), counter: input.u32(), epoch: input.u32() };
      const sizes = { segments: input.u64(), bytes: input.u64(), quota: input.u64(), cursor: input.u64() };
      return { value: { ...head, ...sizes, blob: text(sized(input, 4096)) } };
    },
    deleted: (input: Strict) => ({
      value: { segments: input.u64(), bytes: input.u64(), purged: flag(input) },
    }),
    superseding: (input: Strict) => {
      const key = statement(input);
      const value = { counter: input.u32(), instance: text(input.take(16)), groups: groups(input).length };
      return { value, proof: proof(input, 'archive-supersede', key) };
    },
    revert: (input: Strict) => {
      const key = statement(input);
      const value = { counter: input.u32(), instance: text(input.take(16)) };
      return { value, proof: proof(input, 'archive-revert', key) };
    },
    superseded: (input: Strict) => ({
      value: {
        instance: text(input.take(16)),
        counter: input.u32(),
        reverted: flag(input),
        segments: input.u64(),
        bytes: input.u64(),
        goesAt: input.u64(),
      },
    }),
  };
  /** What stays first in each, then what goes for it. */
  const groups = (input: Strict): string[][] => {
    const seen = new Set<string>();
    const count = (): number => {
      const read = input.u32() || input.fault();
      if (read > 1024) throw new Error('too-large');
      return read;
    };
    const name = (): string => {
      if (seen.size === 1024) throw new Error('too-large');
      const read = text(input.take(32));
      if (seen.has(read)) input.fault();
      seen.add(read);
      return read;
    };
    return Array.from({ length: count() }, () => {
      const by = name();
      return [by, ...Array.from({ length: count() }, name)];
    });
  };
  const proof = (input: Strict, purpose: string, key: Buffer): boolean => {
    const body = input.bytes.subarray(0, input.at);
    const signature = input.take(64);
    return base32(sha256(key)) === roomId && verify(key, signature, label(purpose), body);
  };

  test.each(vectors.archive)(
    'ARCH-4 to ARCH-12, ARCH-20, ARCH-24, ARCH-26, ARCH-27 $name: $refused',
    (vector) => {
      let read: { value: object; proof?: boolean } | undefined;
      const refusal = refusalOf(() => {
        const input = new Strict(bytesIn(vector.bytes));
        read = readers[vector.type](input);
        input.end();
      });
      expect(refusal).toBe(vector.refused);
      if (vector.value) expect(read?.value).toEqual(vector.value);
      if (!refusal) expect(read?.proof).toBe(vector.believed);
    },
  );

  test('ARCH-24, ARCH-27, ARCH-29 what an owner signs of segments that others contain, from the seeds alone', () => {
    const sealed = new Map(
      ['ann-1-to-3', 'ann-1', 'ann-2', 'ann-3', 'ben-talk-squashed', 'ben-talk-1-to-60', 'ben-talk-61-to-100']
        .map((name) => bytesNamed(`segments/${name}`))
        .map((bytes) => [text(sha256(bytes)), bytes] as const),
    );
    const of = new Strict(bytesNamed('archive/a superseding'));
    of.take(53);
    const named = groups(of);
    expect(named.flat()).toEqual([...sealed.keys()]);
    for (const [by = '', ...names] of named) {
      const held = readSegment(open('segment', sealed.get(by) ?? of.bytes).body);
      for (const name of names) {
        const piece = readSegment(open('segment', sealed.get(name) ?? of.bytes).body);
        expect(piece.first).toBeGreaterThanOrEqual(held.first);
        const end = piece.first + piece.hashes.length - held.first - 1;
        expect(piece.hashes.at(-1)).toEqual(held.hashes[end]);
      }
    }
    const head = [Buffer.of(1), publicOf('70', owner)];
    const lists = named.flatMap(([by = '', ...names]) => [
      hex(by),
      u32(names.length),
      ...names.map((name) => hex(name)),
    ]);
    const said = Buffer.concat([...head, u32(1), instance, u32(named.length), ...lists]);
    expect(Buffer.concat([said, sign(owner, label('archive-supersede'), said)])).toEqual(of.bytes);
    const back = Buffer.concat([...head, u32(2), instance]);
    expect(Buffer.concat([back, sign(owner, label('archive-revert'), back)])).toEqual(
      bytesNamed('archive/a revert'),
    );
  });

  test('ARCH-4, ARCH-12, ARCH-19, ARCH-20 what a room sends its archive in epoch 1, from the seeds alone', () => {
    const { edit = owner, comment = owner, read, epoch } = seedsOf(1);
    const hashes = [
      derive(read, 'archive-read', epoch),
      derive(edit, 'archive-append-edit', epoch),
      derive(comment, 'archive-append-comment', epoch),
    ].map((key) => sha256(key));
    const key = publicOf('70', owner);
    const blob = seal('genesis', pack(genesis), { epoch, read });
    const register = Buffer.concat([Buffer.of(1), key, u32(2), u32(1), ...hashes, u32(blob.length), blob]);
    expect(Buffer.concat([register, sign(owner, label('archive-register'), register)])).toEqual(
      bytesNamed('archive/a registration of epoch 1'),
    );
    const forget = Buffer.concat([Buffer.of(1), key, u32(3), instance]);
    expect(Buffer.concat([forget, sign(owner, label('archive-delete'), forget)])).toEqual(
      bytesNamed('archive/a deletion'),
    );
    const record = seal('roster', pack(writeRoster(genesis, [statements[0]?.bytes ?? genesis])), seedsOf(1));
    const both = [record, bytesNamed('segments/ann-1')].flatMap((one) => [u32(one.length), one]);
    expect(Buffer.concat([u32(2), ...both])).toEqual(bytesNamed('archive/a roster and a segment'));
    const page = Buffer.concat([instance, u64(7), Buffer.of(1), u32(2), ...both]);
    expect(page).toEqual(bytesNamed('archive/a page with a roster'));
    expect(Object.keys(invitesFrom(seedsOf(1)))).toEqual(['edit', 'comment', 'view']);
  });
});
