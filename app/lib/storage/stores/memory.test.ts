import { logStoreContract } from '../../../testing/log-store-contract.ts';
import { memoryStore } from './memory.ts';

logStoreContract('memory', () => ({ open: async () => memoryStore() }));
