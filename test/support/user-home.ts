/** A made-up user's home with a configuration directory of Claude Code as some weeks of work leave it. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { login, temporaryDirectory } from './account-homes.ts';

export const USER_ACCOUNT = '00000000-0000-4000-a000-00000000000a';
export const USER_ORGANISATION = '00000000-0000-4000-b000-00000000000b';

export class UserHome {
  readonly home = temporaryDirectory();
  readonly claude = join(this.home, '.claude');
  readonly config = join(this.home, '.config', 'claude-failover', 'config.yaml');
  readonly record = join(this.home, '.local', 'state', 'claude-failover', 'adoptions', 'default.json');

  constructor() {
    mkdirSync(join(this.claude, 'projects', '-home-ada-work', 'memory'), { recursive: true });
    mkdirSync(join(this.claude, 'skills', 'a skill'), { recursive: true });
    mkdirSync(join(this.home, 'dotfiles'));
    chmodSync(this.claude, 0o750);
    this.write('.claude/.credentials.json', login('user'), 0o600);
    this.write('.claude/projects/-home-ada-work/a.jsonl', '{"type":"user"}\n', 0o600);
    this.write('.claude/projects/-home-ada-work/memory/notes.md', 'ä note\n', 0o644);
    this.write('.claude/settings.json', '{ "model": "opus" }\n', 0o640);
    this.write('.claude/skills/a skill/SKILL.md', 'x', 0o644);
    this.write('.claude/policy-limits.json', '{}', 0o600);
    this.write('dotfiles/CLAUDE.md', 'be brief\n', 0o644);
    symlinkSync(join(this.home, 'dotfiles', 'CLAUDE.md'), join(this.claude, 'CLAUDE.md'));
    symlinkSync('skills', join(this.claude, 'abilities'));
    const account = { accountUuid: USER_ACCOUNT, organizationUuid: USER_ORGANISATION };
    this.write('.claude.json', JSON.stringify({ oauthAccount: account }), 0o600);
  }

  write(path: string, text: string, mode: number): void {
    writeFileSync(join(this.home, path), text);
    chmodSync(join(this.home, path), mode);
  }

  /** The environment of a shell of this user. */
  environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return { HOME: this.home, PATH: process.env.PATH ?? '', LANG: 'C.UTF-8', TZ: 'UTC', ...more };
  }

  /** Every path of the user's with its kind, mode, inode and bytes; without what is the program's own. */
  picture(): Readonly<Record<string, string>> {
    const found: Record<string, string> = {};
    const visit = (path: string): void => {
      for (const name of readdirSync(join(this.home, path)).sort()) {
        const below = path === '' ? name : `${path}/${name}`;
        if (['.config', '.local'].includes(below) || /\.failover\.lock/.test(name)) continue;
        found[below] = describe(join(this.home, below));
        if (found[below]?.startsWith('directory')) visit(below);
      }
    };
    visit('');
    return found;
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}

function describe(path: string): string {
  const found = lstatSync(path);
  const mode = (found.mode & 0o7777).toString(8);
  if (found.isSymbolicLink()) return `link to ${readlinkSync(path)}`;
  if (found.isDirectory()) return `directory ${mode} ${found.ino}`;
  const hash = createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16);
  return `file ${mode} ${found.ino} ${found.mtimeMs} ${hash}`;
}
