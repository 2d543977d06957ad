import { runPoolStoreContract } from './pool-contract.ts';
import { openFor } from './support/open.ts';
import { tempDir } from './support/temp-dir.ts';

runPoolStoreContract('SQLite', async () => (await openFor(tempDir())).pool);
