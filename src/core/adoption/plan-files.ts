/** Plans an adoption of single files: the credentials alone, or files in the CLI's directory that become links. */
import { moveAside, shellWord } from '../shell.ts';
import type { AdoptionPlan, Obstacle } from './plan.ts';
import { otherFileSystem, wrongOwner } from './plan.ts';
import type { AdoptionStep, Place } from './step.ts';

/** A file of the user's and its place in the home of the account. */
export interface FileFacts {
  readonly own: Place;
  readonly inHome: Place;
}

export interface FilesFacts {
  /** The directory of the CLI. */
  readonly directory: Place;
  readonly home: Place;
  readonly files: readonly FileFacts[];
  /** Where a file of the home that is in the way is moved to; null: nothing may be moved away. */
  readonly quarantine: Place | null;
  readonly ownUid: number;
}

/** For a pool whose credential files are links in the CLI's own directory. */
export function planFileLinks(facts: FilesFacts): AdoptionPlan {
  const { directory, home, files, quarantine, ownUid } = facts;
  if (files.every(({ own }) => own.kind === 'link')) return { kind: 'adopted' };
  const obstacles: Obstacle[] = [];
  const steps: AdoptionStep[] = [];
  if (directory.kind !== 'directory')
    obstacles.push({
      message: `${directory.path} is no directory`,
      remedy: `start the CLI once, it makes its directory`,
    });
  if (home.kind !== 'directory' && home.kind !== 'nothing')
    obstacles.push({ message: `${home.path} is no directory`, remedy: moveAside(home.path) });
  obstacles.push(...wrongOwner([directory, home, ...files.map(({ own }) => own)], ownUid));
  makeDirectories(home, steps);
  for (const { own, inHome } of files) {
    if (own.kind === 'link') continue;
    if (own.kind === 'directory' || own.kind === 'other')
      obstacles.push({ message: `${own.path} is no file`, remedy: moveAside(own.path) });
    if (own.kind === 'file') {
      obstacles.push(...otherFileSystem(own, inHome));
      if (inHome.kind !== 'nothing') {
        if (quarantine === null) obstacles.push(bothThere(own, inHome));
        else {
          obstacles.push(...otherFileSystem(inHome, quarantine));
          makeDirectories(quarantine, steps);
          steps.push({ kind: 'move', from: inHome.path, to: `${quarantine.path}/${nameOf(inHome)}` });
        }
      }
      steps.push({ kind: 'move', from: own.path, to: inHome.path });
    }
    steps.push({ kind: 'link', path: own.path, target: inHome.path });
  }
  return obstacles.length > 0 ? { kind: 'refused', obstacles } : { kind: 'plan', steps, notes: [] };
}

export interface CredentialsFacts {
  readonly link: Place;
  readonly home: Place;
  readonly files: readonly FileFacts[];
  /** The CLI's own settings, and what the variable is set to there; null: it is not. */
  readonly settings: { readonly file: string; readonly variable: string; readonly value: string | null };
  readonly ownUid: number;
}

/** For a pool whose link stands for the directory of the credentials alone. */
export function planCredentials({ link, home, files, settings, ownUid }: CredentialsFacts): AdoptionPlan {
  const { file, variable, value } = settings;
  if (link.kind === 'link' && value === link.path) return { kind: 'adopted' };
  const obstacles: Obstacle[] = [...wrongOwner([link, home, ...files.map(({ own }) => own)], ownUid)];
  const steps: AdoptionStep[] = [];
  if (link.kind !== 'nothing' && link.kind !== 'link')
    obstacles.push({ message: `${link.path} is no link`, remedy: moveAside(link.path) });
  if (home.kind !== 'directory' && home.kind !== 'nothing')
    obstacles.push({ message: `${home.path} is no directory`, remedy: moveAside(home.path) });
  if (value !== null && value !== link.path)
    obstacles.push({
      message: `${file} sets ${variable} already, to another directory`,
      remedy: `take ${variable} out of the env block of ${file}, if nothing needs it`,
    });
  makeDirectories(home, steps);
  for (const path of link.missingParents)
    if (!steps.some((step) => step.kind === 'make_directory' && step.path === path))
      steps.push({ kind: 'make_directory', path });
  for (const { own, inHome } of files) {
    if (own.kind === 'nothing') continue;
    if (own.kind !== 'file')
      obstacles.push({ message: `${own.path} is no file of its own`, remedy: moveAside(own.path) });
    obstacles.push(...otherFileSystem(own, inHome));
    if (inHome.kind !== 'nothing') obstacles.push(bothThere(own, inHome));
    steps.push({ kind: 'move', from: own.path, to: inHome.path });
  }
  if (link.kind === 'nothing') steps.push({ kind: 'link', path: link.path, target: home.path });
  if (value === null) steps.push({ kind: 'set_variable', file, name: variable, value: link.path });
  return obstacles.length > 0 ? { kind: 'refused', obstacles } : { kind: 'plan', steps, notes: [] };
}

function makeDirectories(place: Place, steps: AdoptionStep[]): void {
  const wanted = [...place.missingParents, ...(place.kind === 'nothing' ? [place.path] : [])];
  for (const path of wanted)
    if (!steps.some((step) => step.kind === 'make_directory' && step.path === path))
      steps.push({ kind: 'make_directory', path });
}

/** Two logins, and nobody but the user knows which one is to stay. */
function bothThere(own: Place, inHome: Place): Obstacle {
  return {
    message: `${own.path} and ${inHome.path} are both there: two logins, and only one can be this account's`,
    remedy: `move the one that is not needed aside: ${moveAside(own.path)} (or ${shellWord(inHome.path)})`,
  };
}

function nameOf({ path }: Place): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
