import { describe, expect, test } from 'vitest';
import { readSettings, settingsSentence } from './settings.ts';

const read = (args: string[] = [], env: Record<string, string> = {}) => readSettings(args, env, '/home/me');
const sentence = (args: string[], env: Record<string, string> = {}) => {
  const settings = read(args, env);
  return settings.ok ? 'accepted' : settingsSentence(settings.error);
};

test('with nothing said, the defaults of the interface', () => {
  expect(read()).toEqual({
    ok: true,
    value: {
      port: 8420,
      host: '127.0.0.1',
      dataFolder: '/home/me/.codeface',
      pocketbase: { kind: 'embedded' },
      publicUrl: undefined,
      turn: undefined,
      archiveRoomBytes: 256 * 1024 * 1024,
    },
  });
});

test('flags win over the environment, and an empty variable counts as unset', () => {
  const env = { PORT: '1', HOST: '', CODEFACE_DATA: 'elsewhere', CODEFACE_POCKETBASE: 'off' };
  expect(read(['--port', '0', '--data=/srv/data'], env)).toMatchObject({
    value: { port: 0, host: '127.0.0.1', dataFolder: '/srv/data', pocketbase: { kind: 'off' } },
  });
  expect(read([], env)).toMatchObject({ value: { port: 1, dataFolder: '/home/me/elsewhere' } });
});

test('a PocketBase of one’s own is named by its address', () => {
  expect(read([], { CODEFACE_POCKETBASE: 'https://pb.example.org' })).toMatchObject({
    value: { pocketbase: { kind: 'url', url: 'https://pb.example.org/', archiveSecret: undefined } },
  });
});

describe('the archive', () => {
  const own = { CODEFACE_POCKETBASE: 'https://pb.example.org' };
  test('keeps so many megabytes of a room', () => {
    expect(read([], { CODEFACE_ARCHIVE_MB: '10' })).toMatchObject({
      value: { archiveRoomBytes: 10_485_760 },
    });
    for (const size of ['0', '-1', '1.5', '1e3', 'all', '1000000'])
      expect(sentence([], { CODEFACE_ARCHIVE_MB: size })).toContain('CODEFACE_ARCHIVE_MB, the most');
  });

  test('shares a secret with a PocketBase of one’s own only, and not a short one', () => {
    const secret = 's'.repeat(32);
    expect(read([], { ...own, CODEFACE_ARCHIVE_SECRET: secret })).toMatchObject({
      value: { pocketbase: { archiveSecret: secret } },
    });
    expect(sentence([], { CODEFACE_ARCHIVE_SECRET: secret })).toContain('ours gets a new one');
    for (const bad of ['s'.repeat(31), `${secret} ${secret}`])
      expect(sentence([], { ...own, CODEFACE_ARCHIVE_SECRET: bad })).toContain('at least 32 characters');
    const at = (address: string) => ({ CODEFACE_POCKETBASE: address, CODEFACE_ARCHIVE_SECRET: secret });
    expect(sentence([], at('http://pb.example.org'))).toContain('in clear');
    expect(read([], at('http://127.0.0.1:8090')).ok).toBe(true);
  });
});

describe('a TURN server', () => {
  const secret = 's3cret';
  test('is its addresses and its secret', () => {
    const urls = 'turn:turn.example.org:3478, turn:[2001:db8::1]:3478?transport=tcp turns:turn.example.org';
    expect(read([], { CODEFACE_TURN_URLS: urls, CODEFACE_TURN_SECRET: secret })).toMatchObject({
      value: {
        turn: {
          urls: [
            'turn:turn.example.org:3478',
            'turn:[2001:db8::1]:3478?transport=tcp',
            'turns:turn.example.org',
          ],
          secret,
        },
      },
    });
  });

  test('is refused by halves, and where an address is none', () => {
    expect(sentence([], { CODEFACE_TURN_SECRET: secret })).toContain('go together');
    expect(sentence([], { CODEFACE_TURN_URLS: 'turn:a' })).toContain('go together');
    for (const urls of ['stun:a', 'https://a', 'turn:a?transport=quic', 'turn:user@a', ','])
      expect(sentence([], { CODEFACE_TURN_URLS: urls, CODEFACE_TURN_SECRET: secret })).toContain(
        'CODEFACE_TURN_URLS must',
      );
  });
});

describe('an address without https', () => {
  test.for(['localhost', '127.0.0.1', '127.9.9.9', '::1', 'code.localhost'])('is fine on %s', (host) => {
    expect(read(['--host', host]).ok).toBe(true);
  });

  test.for(['0.0.0.0', '::', '192.168.1.2', 'example.org', 'localhost.example.org', '127.0.0.1.example.org'])(
    'is refused on %s',
    (host) => {
      expect(sentence(['--host', host])).toContain(`only over https or on localhost, and ${host} is neither`);
    },
  );

  test('is fine behind a public address with https, and on localhost', () => {
    const open = ['--host', '0.0.0.0'];
    expect(read(open, { CODEFACE_PUBLIC_URL: 'https://code.example.org/' })).toMatchObject({
      value: { publicUrl: 'https://code.example.org' },
    });
    expect(read(open, { CODEFACE_PUBLIC_URL: 'http://localhost:8420' }).ok).toBe(true);
    expect(sentence(open, { CODEFACE_PUBLIC_URL: 'http://code.example.org' })).toContain('is neither');
  });
});

test.for([
  [['--port', 'http'], {}, 'The port must be'],
  [['--port', '65536'], {}, 'The port must be'],
  [['--port', '-1'], {}, 'The port must be'],
  [['--port', '1e3'], {}, 'The port must be'],
  [[], { PORT: '80.5' }, 'The port must be'],
  [['--port'], {}, 'There is no option --port'],
  [['--verbose'], {}, 'There is no option --verbose'],
  [['serve'], {}, 'There is no option serve'],
  [[], { CODEFACE_PUBLIC_URL: 'code.example.org' }, 'must be a web address'],
  [[], { CODEFACE_PUBLIC_URL: 'https://example.org/path' }, 'must be a web address'],
  [[], { CODEFACE_PUBLIC_URL: 'ftp://example.org' }, 'must be a web address'],
  [[], { CODEFACE_POCKETBASE: 'on' }, 'CODEFACE_POCKETBASE must be'],
  [[], { CODEFACE_POCKETBASE: 'ftp://x' }, 'CODEFACE_POCKETBASE must be'],
] as const)('%j %j is refused in one sentence', ([args, env, start]) => {
  const words = sentence([...args], env);
  expect(words).toContain(start);
  expect(words).not.toContain('\n');
});
