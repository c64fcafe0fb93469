import { expect, it } from 'vitest';
import { memoryStore } from '../storage/stores/memory.ts';
import { makeRoom } from '../../testing/replicas.ts';
import { keepGenesis } from './keep-genesis.ts';

it('keeps the statement of a room just made', async () => {
  const { genesis } = await makeRoom();
  const store = memoryStore();
  expect(await keepGenesis(store, genesis.bytes)).toBeUndefined();
  expect((await store.loadFacts()).genesis).toEqual(genesis.bytes);
});

it('says why the statement of a new room can’t be kept', async () => {
  const { genesis } = await makeRoom();
  const full = memoryStore();
  full.saveFacts = () => Promise.reject(new DOMException('', 'QuotaExceededError'));
  expect(await keepGenesis(full, genesis.bytes)).toEqual({ kind: 'quota' });
});
