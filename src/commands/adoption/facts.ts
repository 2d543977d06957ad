/** What stands where an adoption would move things. */
import { readdirSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import type { PoolConfig } from '../../config/schema.ts';
import type { AdoptionFacts, EntryFacts } from '../../core/adoption/plan.ts';
import type { Place } from '../../core/adoption/step.ts';
import type { AgentProfile } from '../../core/agents/profile.ts';
import type { Moves } from '../../ports/adoption.ts';

/** @param home where the user's directory goes @throws {LinkError} a place cannot be looked at */
export async function gatherFacts(
  moves: Moves,
  pool: Pick<PoolConfig, 'link' | 'sharedRoot'>,
  home: string,
  profile: AgentProfile,
  ownUid: number,
): Promise<AdoptionFacts> {
  const link = await moves.look(pool.link);
  const base = link.kind === 'directory' ? pool.link : home;
  const { required, optional } = profile.sharedEntries;
  const entries: EntryFacts[] = [];
  for (const name of [...required, ...optional]) {
    const own = await moves.look(join(base, name));
    const shared = await moves.look(join(pool.sharedRoot, name));
    entries.push({
      name,
      required: required.includes(name),
      own,
      shared,
      isTied: leadsElsewhere(own, base, pool.sharedRoot),
    });
  }
  return {
    link,
    home: await moves.look(home),
    sharedRoot: await moves.look(pool.sharedRoot),
    entries,
    tied: link.kind === 'directory' ? await tiedLinks(moves, pool.link, home, [...required, ...optional]) : [],
    ownUid,
  };
}

/** Relative links at the top of the directory, apart from those that are shared. */
async function tiedLinks(
  moves: Moves,
  link: string,
  home: string,
  shared: readonly string[],
): Promise<readonly Place[]> {
  const tied: Place[] = [];
  for (const entry of readdirSync(link, { withFileTypes: true })) {
    if (!entry.isSymbolicLink() || shared.includes(entry.name)) continue;
    const place = await moves.look(join(link, entry.name));
    const isInside = place.text !== null && resolve(link, place.text).startsWith(`${link}/`);
    if (!isInside && leadsElsewhere(place, link, home)) tied.push(place);
  }
  return tied;
}

/** Whether a relative link, moved from one directory to another, would no longer lead where it leads. */
function leadsElsewhere({ kind, text }: Place, from: string, to: string): boolean {
  if (kind !== 'link' || text === null || isAbsolute(text)) return false;
  return resolve(to, text) !== resolve(from, text);
}
