/** Reads systemd unit files as far as the tests need it. */
import { readFileSync } from 'node:fs';

/** The values of each directive in order, whatever its section. */
export function readUnit(path: string): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const match = /^([A-Za-z]+)=(.*)$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) continue;
    values.set(match[1], [...(values.get(match[1]) ?? []), match[2]]);
  }
  return values;
}
