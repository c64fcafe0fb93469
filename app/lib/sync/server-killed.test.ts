/** The server killed with -9 while it passes on what people type: nobody's words hang on it. */
import { rm } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { makeRoom, replicasOfATest, type TestReplica, until } from '../../testing/replicas.ts';
import { serverFolder, serverProcess } from '../../../signaling/testing/server-process.ts';
import { toHex } from '../core/bytes.ts';
import { isPending } from '../log/test-room.ts';
import { relayTransport } from './transports/relay.ts';

const LIMIT_MS = 60_000;
let folder: string;
beforeAll(async () => {
  folder = await serverFolder();
}, LIMIT_MS);
afterAll(() => rm(folder, { recursive: true, force: true }));
const { join, leave } = replicasOfATest();
afterEach(leave);

it('SYNC-4, SYNC-10, NET-20: what is typed before, meanwhile and after is saved here, and everybody’s in the end', async () => {
  let server = serverProcess(folder, '--port', '0');
  const { port } = new URL(await server.ready());
  const connectivity = new EventTarget();
  const url = `ws://127.0.0.1:${port}/relay`;
  const room = await makeRoom();
  const people: TestReplica[] = [];
  try {
    for (let i = 0; i < 3; i++) {
      const transports = [relayTransport({ url, connectivity, random: () => 0 })];
      people.push(await join(room, { makesFile: i === 0, knowsGenesis: i === 0, transports }));
    }
    const met = (count: number) => () => people.every(({ replica }) => replica.others.length === count);
    const [ann] = people as [TestReplica];
    await until('all have met', met(2), LIMIT_MS);
    await until('all have the file', () => people.every(({ project }) => project.list().length === 1));
    const typed: string[] = [];
    const type = (from: number, to: number): void => {
      for (let i = from; i < to; i++)
        for (const [who, { text }] of people.entries()) {
          typed.push(`<${who}.${i}>`);
          text.insert(text.length, typed.at(-1) ?? '');
        }
    };
    for (let round = 0; round < 3; round++) {
      type(round * 30, round * 30 + 10);
      // What was typed is in its sockets, in its memory, or not there yet.
      if (round > 0) await until('some of it came', () => ann.read().includes(`<1.${round * 30}>`));
      server.child.kill('SIGKILL');
      type(round * 30 + 10, round * 30 + 20);
      await server.ended;
      await until('nobody is reached any more', met(0), LIMIT_MS);
      type(round * 30 + 20, round * 30 + 30);
      const isSaved = (each: TestReplica): boolean => each.saves.at(-1)?.kind === 'saved';
      await until('all is saved on each device', () => people.every(isSaved));
      server = serverProcess(folder, '--port', port);
      await server.ready();
      connectivity.dispatchEvent(new Event('online'));
      await until('all have met again', met(2), LIMIT_MS);
      await until(
        'all have the same',
        () => new Set(people.map((each) => toHex(each.hash()))).size === 1,
        LIMIT_MS,
      );
      for (const word of typed) expect(ann.read().split(word)).toHaveLength(2);
    }
    for (const { replica, notices } of people) {
      expect(isPending(replica.doc)).toBe(false);
      expect(notices.filter(({ kind }) => kind === 'refused' || kind === 'internal')).toEqual([]);
    }
  } finally {
    await leave();
    server.child.kill('SIGKILL');
    await server.ended;
  }
}, 180_000);
