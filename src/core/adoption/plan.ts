/** Plans how a user's own configuration directory becomes the home of an account behind a link. */
import { moveAside, shellWord } from '../shell.ts';
import type { AdoptionStep, Place } from './step.ts';

/** An entry that all homes share, in the directory that is taken over and in the shared root. */
export interface EntryFacts {
  readonly name: string;
  /** Without it no session can be resumed under another account. */
  readonly required: boolean;
  readonly own: Place;
  readonly shared: Place;
  /** A relative link that would lead elsewhere from the shared root. */
  readonly isTied: boolean;
}

export interface AdoptionFacts {
  /** The path that becomes a link. */
  readonly link: Place;
  readonly home: Place;
  readonly sharedRoot: Place;
  readonly entries: readonly EntryFacts[];
  /** Relative links beside the shared entries that would lead elsewhere from the new home. */
  readonly tied: readonly Place[];
  readonly ownUid: number;
}

/** What stands in the way, with the command that clears it. */
export interface Obstacle {
  readonly message: string;
  readonly remedy: string;
}

export type AdoptionPlan =
  | { readonly kind: 'plan'; readonly steps: readonly AdoptionStep[]; readonly notes: readonly string[] }
  /** The link is there already. */
  | { readonly kind: 'adopted' }
  | { readonly kind: 'refused'; readonly obstacles: readonly Obstacle[] };

/** For a pool whose link stands for a whole configuration directory. Nothing is planned over what is there. */
export function planDirectory(facts: AdoptionFacts): AdoptionPlan {
  const { link, home, sharedRoot } = facts;
  if (link.kind === 'link') return { kind: 'adopted' };
  const obstacles = [...placeObstacles(facts)];
  const steps: AdoptionStep[] = [];
  const notes: string[] = [];
  const make = (place: Place): void => {
    const wanted = [...place.missingParents, ...(place.kind === 'nothing' ? [place.path] : [])];
    for (const path of wanted)
      if (!steps.some((step) => step.kind === 'make_directory' && step.path === path))
        steps.push({ kind: 'make_directory', path });
  };

  make(sharedRoot);
  const isThere = link.kind === 'directory';
  if (isThere) for (const path of home.missingParents) steps.push({ kind: 'make_directory', path });
  else make(home);
  // What the CLI uses now stays where it is until the one rename; before that only its entries move.
  const base = isThere ? link : home;
  for (const entry of facts.entries) planEntry(entry, base.path, steps, obstacles, notes);
  if (isThere) steps.push({ kind: 'move', from: link.path, to: home.path });
  else for (const path of link.missingParents) steps.push({ kind: 'make_directory', path });
  steps.push({ kind: 'link', path: link.path, target: home.path });
  return obstacles.length > 0 ? { kind: 'refused', obstacles } : { kind: 'plan', steps, notes };
}

function* placeObstacles({ link, home, sharedRoot, tied, ownUid }: AdoptionFacts): Generator<Obstacle> {
  if (link.kind === 'file' || link.kind === 'other')
    yield { message: `${link.path} is a file, not a directory`, remedy: moveAside(link.path) };
  if (link.kind === 'directory') {
    if (home.kind !== 'nothing')
      yield {
        message: `${link.path} cannot become ${home.path}: something is there already`,
        remedy: 'give the account a home that does not exist yet, in the configuration or with --home',
      };
    yield* otherFileSystem(link, home);
    yield* otherFileSystem(link, sharedRoot);
  } else if (home.kind !== 'nothing' && home.kind !== 'directory')
    yield { message: `${home.path} is no directory of its own`, remedy: moveAside(home.path) };
  if (sharedRoot.kind !== 'nothing' && sharedRoot.kind !== 'directory' && sharedRoot.kind !== 'link')
    yield { message: `${sharedRoot.path} is no directory`, remedy: moveAside(sharedRoot.path) };
  yield* wrongOwner([link, home, sharedRoot], ownUid);
  for (const place of tied) yield tiedLink(place);
}

export function* wrongOwner(places: readonly Place[], ownUid: number): Generator<Obstacle> {
  for (const { path, owner } of places)
    if (owner !== null && owner !== ownUid)
      yield { message: `${path} belongs to uid ${owner}`, remedy: `sudo chown -R "$(id -u)" ${shellWord(path)}` };
}

export function* otherFileSystem(link: Place, other: Place): Generator<Obstacle> {
  if (link.device === other.device) return;
  yield {
    message: `${other.path} lies on another file system than ${link.path}: it could only be copied, and logins are never copied`,
    remedy: `choose a path on the file system of ${link.path}`,
  };
}

function tiedLink({ path, text }: Place): Obstacle {
  const link = shellWord(path);
  return {
    message: `${path} is a relative link (${text}) that would lead elsewhere from its new place`,
    remedy: `ln -sfn "$(realpath -m ${link})" ${link}`,
  };
}

function planEntry(
  { name, required, own, shared, isTied }: EntryFacts,
  base: string,
  steps: AdoptionStep[],
  obstacles: Obstacle[],
  notes: string[],
): void {
  const path = `${base}/${name}`;
  const link: AdoptionStep = { kind: 'link', path, target: shared.path };
  if (own.kind === 'link' && own.text === shared.path) return;
  if (own.kind === 'nothing') {
    if (shared.kind === 'nothing' && !required) return;
    if (shared.kind === 'nothing') steps.push({ kind: 'make_directory', path: shared.path });
    steps.push(link);
    return;
  }
  if (shared.kind !== 'nothing') {
    const message = `${path} and ${shared.path} are both there`;
    const merge =
      own.kind === 'directory'
        ? `cp -an ${shellWord(path)}/. ${shellWord(shared.path)}/ && mv -T ${shellWord(path)} ${shellWord(path)}.unshared`
        : moveAside(path);
    if (required) obstacles.push({ message, remedy: merge });
    else notes.push(`${message}: it stays the own one of this home (to share it: ${merge})`);
    return;
  }
  if (isTied) {
    obstacles.push(tiedLink(own));
    return;
  }
  if (own.device !== shared.device) {
    const message = `${path} lies on another file system than ${shared.path} (a mount point?)`;
    if (required) obstacles.push({ message, remedy: `choose a shared_root on the file system of ${path}` });
    else notes.push(`${message}: it stays the own one of this home`);
    return;
  }
  steps.push({ kind: 'move', from: path, to: shared.path }, link);
}
