import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { test } from 'vitest';
import { send } from './archive-http.ts';

test('an answer that its visitor does not read is cut off, and what it held is free', async () => {
  const part = new Uint8Array(16 * 1024 * 1024);
  const over = Promise.withResolvers<void>();
  const http = createServer((_request, response) => {
    void send(response, { length: 4 * part.length, parts: [part, part, part, part] }, 200).then(over.resolve);
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  const visitor = connect((http.address() as AddressInfo).port, '127.0.0.1');
  try {
    visitor.on('error', () => {}).pause();
    visitor.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await over.promise;
  } finally {
    visitor.destroy();
    http.closeAllConnections();
    http.close();
  }
}, 5_000);
