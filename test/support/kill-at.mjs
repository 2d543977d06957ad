/**
 * Loaded before the program: kills it, as kill -9 does, before its nth change of the file system (`KILL_AT`, from 1 on).
 * `KILL_COUNT` names a file that gets the number of changes when it ends by itself.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const killAt = Number(process.env.KILL_AT ?? 0);
const countFile = process.env.KILL_COUNT;
const { writeFileSync } = fs;
let changes = 0;

function count() {
  changes += 1;
  if (changes === killAt) process.kill(process.pid, 'SIGKILL');
}

const NAMES = ['rename', 'symlink', 'link', 'mkdir', 'rmdir', 'unlink', 'rm', 'writeFile', 'utimes', 'lutimes'];
for (const [holder, suffix] of [
  [fs, ''],
  [fs, 'Sync'],
  [fs.promises, ''],
]) {
  for (const name of NAMES.map((plain) => plain + suffix)) {
    const real = holder[name];
    holder[name] = (...args) => {
      count();
      return real(...args);
    };
  }
  const open = holder[`open${suffix}`];
  holder[`open${suffix}`] = (path, flags, ...rest) => {
    if (typeof flags === 'string' && /[wa+]/.test(flags)) count();
    return open(path, flags, ...rest);
  };
}
syncBuiltinESMExports();

if (countFile !== undefined) process.on('exit', () => writeFileSync(countFile, String(changes)));
