/** Program: waits for each round's starting file, tries the round's lock, and keeps what it took until it is killed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { acquireDaemonLock } from '../../../src/store/lock.ts';

const [directory = '', rounds = '1'] = process.argv.slice(2);
const pause = new Int32Array(new SharedArrayBuffer(4));
console.log('ready');
for (let round = 0; round < Number(rounds); round++) {
  const start = join(directory, `go-${round}`);
  // Looking often, so that all takers leave at nearly the same instant.
  while (!existsSync(start)) Atomics.wait(pause, 0, 0, 0.2);
  const lock = acquireDaemonLock(join(directory, `lock-${round}`), { procRoot: '/proc', now: 1 });
  console.log(`${round} ${lock.kind} ${lock.kind === 'taken' ? lock.pid : process.pid}`);
}
process.stdin.resume();
