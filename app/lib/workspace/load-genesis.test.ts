import { expect, it } from 'vitest';
import { randomBytes } from '../core/bytes.ts';
import { deriveRoomKeys, type SeedKind } from '../crypto/room-keys.ts';
import { memoryStore } from '../storage/stores/memory.ts';
import { makeRoom } from '../../testing/replicas.ts';
import { keepGenesis, loadGenesis } from './load-genesis.ts';

it.each(['e', 'c', 'v'] as const)('takes the room’s own %s link', async (kind) => {
  const { genesis, keys } = await makeRoom();
  const store = memoryStore();
  await store.saveFacts({ genesis: genesis.bytes });
  expect(await loadGenesis(store, await keys(kind), undefined)).toEqual({ ok: true, value: genesis });
});

it.each(['e', 'c', 'v'] as const)('refuses another key in a well-formed %s link', async (kind: SeedKind) => {
  const { genesis } = await makeRoom();
  const store = memoryStore();
  await store.saveFacts({ genesis: genesis.bytes });
  const other = await deriveRoomKeys(kind, randomBytes(32), 0, genesis.roomId);
  expect(await loadGenesis(store, other, undefined)).toEqual({ ok: false, error: { kind: 'wrong-key' } });
});

it('refuses the right seed under another letter or epoch', async () => {
  const { genesis, keys } = await makeRoom();
  const store = memoryStore();
  await store.saveFacts({ genesis: genesis.bytes });
  const { e = new Uint8Array(32), v } = (await keys('e')).seeds;
  for (const wrong of [
    await deriveRoomKeys('e', v, 0, genesis.roomId),
    await deriveRoomKeys('v', e, 0, genesis.roomId),
    await deriveRoomKeys('e', e, 1, genesis.roomId),
  ])
    expect((await loadGenesis(store, wrong, undefined)).ok).toBe(false);
});

it('knows nothing of a room never met, and takes the statement of one just made', async () => {
  const { genesis, keys } = await makeRoom();
  const store = memoryStore();
  expect(await loadGenesis(store, await keys('e'), undefined)).toEqual({ ok: true, value: undefined });
  expect(await loadGenesis(store, await keys('e'), genesis.bytes)).toEqual({ ok: true, value: genesis });
  expect(await keepGenesis(store, genesis.bytes)).toBeUndefined();
  expect((await store.loadFacts()).genesis).toEqual(genesis.bytes);
});

it('says why the statement of a new room can’t be kept', async () => {
  const { genesis } = await makeRoom();
  const full = memoryStore();
  full.saveFacts = () => Promise.reject(new DOMException('', 'QuotaExceededError'));
  expect(await keepGenesis(full, genesis.bytes)).toEqual({ kind: 'quota' });
});
