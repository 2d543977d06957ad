/**
 * A child process that reads a link as fast as it can until its input ends, and at least so many times. It says `noticed`
 * as soon as it met a second target or a failure.
 */
import { readlinkSync } from 'node:fs';

const [link = '', atLeast = '0'] = process.argv.slice(2);
const targets = new Set<string>();
let reads = 0;
let failures = 0;
let hasNoticed = false;
let ending = false;
process.stdin.on('end', () => {
  ending = true;
});
process.stdin.resume();

function readMany(): void {
  for (let i = 0; i < 50; i++) {
    reads += 1;
    try {
      targets.add(readlinkSync(link));
    } catch {
      failures += 1;
    }
  }
  if (!hasNoticed && (failures > 0 || targets.size > 1)) {
    hasNoticed = true;
    process.stdout.write('noticed\n');
  }
  if (!ending || reads < Number(atLeast)) setImmediate(readMany);
  else process.stdout.write(`${JSON.stringify({ reads, failures, targets: [...targets] })}\n`);
}

process.stdout.write('ready\n');
readMany();
