import { expect, test } from 'vitest';
import { fromHex, randomBytes } from '../app/lib/core/bytes.ts';
import { relayJoinMessage } from '../app/lib/core/relay-wire.ts';
import { isWeakKey } from './ed25519.ts';
import { newTopic } from './testing/socket-client.ts';
import { provesTopic } from './topic-proof.ts';

/** Every point of order 1, 2, 4 and 8, and second spellings of small numbers. */
const SMALL = [
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
  `f0${'ff'.repeat(30)}7f`,
];

test.for(SMALL)('KEY-6 %s is a weak key, with either sign', (hex) => {
  const key = fromHex(hex);
  expect(isWeakKey(key)).toBe(true);
  key[31] = (key[31] ?? 0) | 0x80;
  expect(isWeakKey(key)).toBe(true);
});

test('an honest key is none of them, and proves its topic for this nonce only', async () => {
  const topic = await newTopic();
  const nonce = randomBytes(32);
  const signature = await topic.sign(relayJoinMessage(nonce, topic.publicKey));
  expect(isWeakKey(topic.publicKey)).toBe(false);
  expect(await provesTopic(topic.publicKey, nonce, signature)).toBe(true);
  expect(await provesTopic(topic.publicKey, randomBytes(32), signature)).toBe(false);
  expect(await provesTopic(randomBytes(32), nonce, signature)).toBe(false);
});
