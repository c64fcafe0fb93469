import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { budgetKey, clientAddress } from './client-address.ts';

const request = (remoteAddress: string, forwarded?: string) =>
  ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage;

test.for([
  ['203.0.113.7', undefined, true, '203.0.113.7'],
  ['::ffff:203.0.113.7', undefined, false, '203.0.113.7'],
  ['127.0.0.1', '198.51.100.1, 203.0.113.7', true, '203.0.113.7'],
  ['127.0.0.1', '203.0.113.7', false, '127.0.0.1'],
  ['203.0.113.9', '127.0.0.1', true, '203.0.113.9'],
  ['::ffff:10.0.0.2', '2001:db8::1', true, '2001:db8::1'],
  ['127.0.0.1', 'unknown', true, '127.0.0.1'],
] as const)('from %s forwarded for %s (proxy: %s) it is %s', ([direct, forwarded, behindProxy, expected]) => {
  expect(clientAddress(request(direct, forwarded), behindProxy)).toBe(expected);
});

test.for([
  ['203.0.113.7', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:db8::ffff:1', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['fe80::', 'fe80:0:0:0'],
] as const)('limits count %s as %s', ([address, key]) => {
  expect(budgetKey(address)).toBe(key);
});
