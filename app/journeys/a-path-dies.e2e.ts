// A direct path dies without a word while people type: nothing is lost, nobody waits for it, and the status says what carries.
import { expect, test, type Person } from './fixtures/codeface.ts';
import { openPerson } from './fixtures/person.ts';
import { connected, connection, enterRoom, makeRoom, newFile, openFile, wholeText } from './fixtures/room.ts';
import { startCodeFace } from './fixtures/server-process.ts';
import { hasTurnServer, startTurnServer } from './fixtures/turn-server.ts';

declare global {
  /** From now on the data channels that are open swallow what is sent. */
  var swallow: () => void;
}

/** As a router that forgot the connection: the channel stays open, and those that are made later work. */
const makeSwallow = ({ context }: Person): Promise<unknown> =>
  context.addInitScript(() => {
    const open = new Set<RTCDataChannel>();
    const dead = new WeakSet<RTCDataChannel>();
    const send = Object.getOwnPropertyDescriptor(RTCDataChannel.prototype, 'send')?.value as (
      this: RTCDataChannel,
      data: unknown,
    ) => void;
    RTCDataChannel.prototype.send = function (this: RTCDataChannel, data: unknown): void {
      open.add(this);
      if (!dead.has(this)) send.call(this, data);
    };
    globalThis.swallow = () => {
      for (const channel of open) dead.add(channel);
    };
  });

/** Both type at once, a line each. */
async function bothType([ann, ben]: readonly [Person, Person], letters: string): Promise<void> {
  for (const letter of letters) {
    await ann.page.keyboard.type(letter);
    await ben.page.keyboard.type(letter.toUpperCase());
  }
}

const lettersOf = async ({ page }: Person): Promise<string> =>
  [...(await wholeText(page))].toSorted().join('').trim();

/** Until both have every letter that was typed so far. */
async function bothRead(people: readonly [Person, Person], letters: string): Promise<void> {
  const all = [...letters, ...letters.toUpperCase()].toSorted().join('');
  for (const each of people) await expect.poll(() => lettersOf(each), { timeout: 15_000 }).toBe(all);
}

async function inOneFile(people: readonly [Person, Person], status: string): Promise<void> {
  const [ann, ben] = people;
  const link = await makeRoom(ann.page);
  await newFile(ann.page, 'both.txt', '');
  await enterRoom(ben.page, link);
  for (const { page } of people) {
    await openFile(page, 'both.txt');
    await connected(page, status);
  }
}

test('a direct connection dies silently while both type: the relay takes over, then a new one', async ({
  person,
}) => {
  const people = [await person(), await person()] as const;
  for (const each of people) await makeSwallow(each);
  await inOneFile(people, 'Direct · 2 here');
  await bothType(people, 'abc');
  await bothRead(people, 'abc');

  for (const { page } of people) await page.evaluate(() => globalThis.swallow());
  await bothType(people, 'defg');
  for (const { page } of people)
    await expect(connection(page)).toHaveAttribute('title', /stopped answering, and another is being made/);
  await bothType(people, 'hij');
  await bothRead(people, 'abcdefghij');

  for (const { page } of people) await connected(page, 'Direct · 2 here');
  await bothType(people, 'klm');
  await bothRead(people, 'abcdefghijklm');
});

test('a TURN server hangs while both type: the room’s relay takes over, and the status says so', async () => {
  const missing = !hasTurnServer();
  if (missing) console.log('This journey is skipped: coturn (turnserver) is not installed here.');
  test.skip(missing, 'coturn is not installed');
  const turn = await startTurnServer();
  const codeface = await startCodeFace(turn.env);
  const noDirect = { browserArgs: ['--webrtc-ip-handling-policy=disable_non_proxied_udp'] };
  const people = [
    await openPerson(codeface.url, noDirect),
    await openPerson(codeface.url, noDirect),
  ] as const;
  try {
    await inOneFile(people, 'Relayed · 2 here');
    for (const { page } of people)
      await expect(connection(page)).toHaveAttribute('title', /TURN relay/, { timeout: 30_000 });
    turn.freeze();
    await bothType(people, 'defg');
    for (const { page } of people)
      await expect(connection(page)).toHaveAttribute('title', /through the relay: the direct connection/);
    await bothType(people, 'hij');
    await bothRead(people, 'defghij');
    turn.thaw();
    for (const { page } of people)
      await expect(connection(page)).toHaveAttribute('title', /TURN relay/, { timeout: 60_000 });
    await bothType(people, 'klm');
    await bothRead(people, 'defghijklm');
  } finally {
    for (const person of people) await person.end();
    await codeface.end();
    await turn.end();
  }
});
