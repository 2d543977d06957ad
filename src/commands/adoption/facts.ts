/** What stands where an adoption would move things. */
import { readdirSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import type { PoolConfig } from '../../config/schema.ts';
import type { AdoptionFacts, AdoptionPlan, EntryFacts } from '../../core/adoption/plan.ts';
import { planDirectory } from '../../core/adoption/plan.ts';
import type { FileFacts } from '../../core/adoption/plan-files.ts';
import { planCredentials, planFileLinks } from '../../core/adoption/plan-files.ts';
import type { Place } from '../../core/adoption/step.ts';
import type { AgentProfile } from '../../core/agents/profile.ts';
import type { Moves } from '../../ports/adoption.ts';
import type { AdoptionPorts } from '../../steps/adopt.ts';
import { filesOf } from '../../steps/read-pool.ts';
import type { AdoptionSubject } from './place.ts';

/** Plans for the mode of the pool. @throws {LinkError} a place cannot be looked at */
export async function planFor(
  { moves, variables }: Pick<AdoptionPorts, 'moves' | 'variables'>,
  { pool, account, profile }: Pick<AdoptionSubject, 'pool' | 'account' | 'profile'>,
  quarantine: string | null,
): Promise<AdoptionPlan> {
  const ownUid = process.getuid?.() ?? 0;
  const [link, home] = [await moves.look(pool.link), await moves.look(account.home)];
  const filesIn = async (directory: string, names: readonly string[]): Promise<readonly FileFacts[]> =>
    Promise.all(
      names.map(async (name) => ({
        own: await moves.look(join(directory, name)),
        inHome: await moves.look(join(account.home, name)),
      })),
    );
  switch (pool.mode) {
    case 'config_dir':
    case 'env':
      return planDirectory(await gatherFacts(moves, pool, account.home, profile, ownUid));
    case 'file_link': {
      const files = await filesIn(pool.link, filesOf(pool).files ?? []);
      const place = quarantine === null ? null : await moves.look(quarantine);
      return planFileLinks({ directory: link, home, files, quarantine: place, ownUid });
    }
    case 'secure_storage': {
      const variable = profile.credentialsDir?.env ?? '';
      const file = join(pool.sharedRoot, 'settings.json');
      const value = await variables.read(file, variable);
      const files = await filesIn(pool.sharedRoot, profile.credentialFiles);
      return planCredentials({ link, home, files, settings: { file, variable, value }, ownUid });
    }
  }
}

/** Where the login lies before anything is moved. */
export function loginDirectory({ pool, account }: Pick<AdoptionSubject, 'pool' | 'account'>): string {
  if (pool.mode === 'secure_storage') return pool.sharedRoot;
  return pool.mode === 'env' ? account.home : pool.link;
}

/** @param home where the user's directory goes */
async function gatherFacts(
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
