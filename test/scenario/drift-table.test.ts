/** Everything that somebody else can change in a pool, one row each: seen at the next look, told with its remedy, left as it is. */
import {
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { EventType } from '../../src/core/events.ts';
import { onStage } from '../support/stage.ts';
import type { StandInWorld } from '../support/stand-in/index.ts';
import { waitFor } from '../support/wait.ts';

interface Row {
  /** Before the daemon starts. */
  readonly before?: (world: StandInWorld) => void;
  readonly change: (world: StandInWorld) => void;
  readonly told: EventType;
  readonly account: string | null;
  /** Parts of its words. */
  readonly says: readonly string[];
  /** Parts of its remedy. */
  readonly remedy: readonly string[];
  /** Whether the second account may still be swapped to. */
  readonly usable: boolean;
  /** Puts it right again; `drift_ended` or what is named here follows. */
  readonly mend?: (world: StandInWorld) => void;
  readonly ends?: EventType;
}

const LINK = { told: 'drift', account: null, usable: false } as const;
const UNUSABLE = { told: 'account_not_usable', account: 'work-2', usable: false } as const;
const LOGIN = 'claude-failover accounts login work-2';

const home = (world: StandInWorld): string => world.home('work-2').home;
const credentials = (world: StandInWorld): string => world.home('work-2').credentials;
const shared = (world: StandInWorld, name: string): string => join(world.shared, name);

/** In one step, as the CLI writes. */
function write(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Changes the second account's login, and keeps the old one beside it for the mending. */
function relogin(world: StandInWorld, change: Readonly<Record<string, unknown>>): void {
  const path = credentials(world);
  const text = readFileSync(path, 'utf8');
  writeFileSync(join(world.root, 'kept'), text, { mode: 0o600 });
  const { claudeAiOauth } = JSON.parse(text) as { claudeAiOauth: object };
  write(path, JSON.stringify({ claudeAiOauth: { ...claudeAiOauth, ...change } }));
}

const backAsBefore = (world: StandInWorld): void =>
  write(credentials(world), readFileSync(join(world.root, 'kept'), 'utf8'));

function relink(world: StandInWorld, target: string): void {
  unlinkSync(world.link);
  symlinkSync(target, world.link);
}

const ROWS: Readonly<Record<string, Row>> = {
  'the link leads to no account': {
    ...LINK,
    change: (world) => relink(world, world.shared),
    says: ['which is no configured home'],
    remedy: ['ln -sfn ', 'claude-failover recover'],
  },
  'the link dangles': {
    ...LINK,
    change: (world) => relink(world, join(world.root, 'nowhere')),
    says: ['dangling'],
    remedy: ['ln -sfn ', 'claude-failover recover'],
  },
  'the link leads back to itself': {
    ...LINK,
    change: (world) => relink(world, world.link),
    says: ['a loop'],
    remedy: ['ln -sfn ', 'claude-failover recover'],
  },
  'the link was replaced by a directory with a login': {
    ...LINK,
    change: (world) => {
      unlinkSync(world.link);
      mkdirSync(world.link);
      writeFileSync(join(world.link, '.credentials.json'), '{"claudeAiOauth":{"accessToken":"made-up"}}');
    },
    says: ['a real directory'],
    remedy: ['mv -nT ', 'ln -s ', 'claude-failover recover'],
  },
  'the link was replaced by a file': {
    ...LINK,
    change: (world) => {
      unlinkSync(world.link);
      writeFileSync(world.link, 'precious');
    },
    says: ['a file'],
    remedy: ['mv -nT ', 'ln -s ', 'claude-failover recover'],
  },
  'the link is gone': {
    ...LINK,
    change: (world) => unlinkSync(world.link),
    says: ['missing'],
    remedy: ['ln -s ', 'claude-failover recover'],
  },
  'a home is logged in as somebody unknown': {
    told: 'drift',
    account: 'work-2',
    change: (world) => relogin(world, { accountUuid: '00000000-0000-4000-8000-000000000000' }),
    says: ['now logged in as another identity'],
    remedy: [LOGIN, 'claude-failover accounts add'],
    usable: false,
    mend: backAsBefore,
  },
  'a home is logged in as another account of the pool': {
    told: 'drift',
    account: 'work-2',
    change: (world) => {
      const { accountUuid, organizationUuid } = world.home('work-1');
      relogin(world, { accountUuid, organizationUuid });
    },
    says: ['now logged in as work-1'],
    remedy: [LOGIN],
    usable: false,
    mend: backAsBefore,
  },
  'a home that told nothing so far tells that it is another account’s login once more': {
    before: (world) => {
      relogin(world, { accountUuid: undefined, organizationUuid: undefined });
      rmSync(join(home(world), '.claude.json'));
    },
    told: 'drift',
    account: 'work-2',
    change: (world) => {
      const { accountUuid, organizationUuid } = world.home('work-1');
      relogin(world, { accountUuid, organizationUuid });
    },
    says: ['holds the login of work-1 once more'],
    remedy: [LOGIN],
    usable: false,
  },
  'tokens that the CLI blanked': {
    told: 'login_needed',
    account: 'work-2',
    change: (world) => relogin(world, { accessToken: '', refreshToken: '', expiresAt: 0 }),
    says: ['the CLI emptied its tokens'],
    remedy: [LOGIN],
    usable: false,
    mend: backAsBefore,
    ends: 'account_recovered',
  },
  'a husk: a credentials file without a login': {
    told: 'login_needed',
    account: 'work-2',
    change: (world) => write(credentials(world), '{"mcpOAuth":{}}'),
    says: ['dead'],
    remedy: [LOGIN],
    usable: false,
  },
  'a credentials file cut off in the middle': {
    ...UNUSABLE,
    change: (world) => write(credentials(world), '{"claudeAiOauth":{"accessTok'),
    says: ['cannot be understood'],
    remedy: [LOGIN],
  },
  'a credentials file that is gone': {
    ...UNUSABLE,
    change: (world) => renameSync(credentials(world), join(world.root, 'kept')),
    says: ['is not logged in'],
    remedy: [LOGIN],
    mend: (world) => renameSync(join(world.root, 'kept'), credentials(world)),
  },
  'a credentials file that became a link': {
    ...UNUSABLE,
    change: (world) => {
      renameSync(credentials(world), join(world.root, 'kept'));
      symlinkSync(join(world.root, 'kept'), credentials(world));
    },
    says: ['a symbolic link'],
    remedy: ['mv -nT ', LOGIN],
  },
  'a credentials file that leads back to itself': {
    ...UNUSABLE,
    change: (world) => {
      unlinkSync(credentials(world));
      symlinkSync(credentials(world), credentials(world));
    },
    says: ['a symbolic link'],
    remedy: ['mv -nT ', LOGIN],
  },
  'a credentials file that is a directory': {
    ...UNUSABLE,
    change: (world) => {
      unlinkSync(credentials(world));
      mkdirSync(credentials(world));
    },
    says: ['cannot be read'],
    remedy: ['ls -l '],
  },
  'a credentials file of another user': {
    ...UNUSABLE,
    change: (world) => chownSync(credentials(world), 12345, 12345),
    says: ['belong to another user'],
    remedy: ['sudo chown '],
    mend: (world) => chownSync(credentials(world), process.getuid?.() ?? 0, process.getgid?.() ?? 0),
  },
  'a home of another user': {
    ...UNUSABLE,
    change: (world) => chownSync(home(world), 12345, 12345),
    says: ['belongs to another user'],
    remedy: ['sudo chown -R '],
  },
  'a home that is gone': {
    ...UNUSABLE,
    change: (world) => renameSync(home(world), join(world.root, 'moved')),
    says: ['is missing'],
    remedy: [LOGIN],
    mend: (world) => renameSync(join(world.root, 'moved'), home(world)),
  },
  'a home that is a file': {
    ...UNUSABLE,
    change: (world) => {
      renameSync(home(world), join(world.root, 'moved'));
      writeFileSync(home(world), 'precious');
    },
    says: ['is not a directory'],
    remedy: ['mv -nT ', LOGIN],
  },
  'a home that leads back to itself': {
    ...UNUSABLE,
    change: (world) => {
      renameSync(home(world), join(world.root, 'moved'));
      symlinkSync(home(world), home(world));
    },
    says: ['cannot be read'],
    remedy: ['ls -ld '],
  },
  'transcripts that a home no longer shares': {
    told: 'drift',
    account: 'work-2',
    change: (world) => {
      unlinkSync(join(home(world), 'projects'));
      mkdirSync(join(home(world), 'projects'));
    },
    says: ['is a directory of its own, not a link to'],
    remedy: ['cp -an ', 'mv -T '],
    usable: true,
    mend: (world) => {
      rmSync(join(home(world), 'projects'), { recursive: true });
      symlinkSync(shared(world, 'projects'), join(home(world), 'projects'));
    },
  },
  'settings whose link the CLI replaced by a file': {
    before: (world) => {
      writeFileSync(shared(world, 'settings.json'), '{}');
      for (const each of world.homes) symlinkSync(shared(world, 'settings.json'), join(each.home, 'settings.json'));
    },
    told: 'drift',
    account: 'work-2',
    change: (world) => write(join(home(world), 'settings.json'), '{"model":"opus"}'),
    says: ['the CLI may have replaced the link'],
    remedy: ['cp -an ', 'mv -nT ', 'ln -s '],
    usable: true,
  },
  'a write of the CLI that was killed': {
    told: 'drift',
    account: 'work-2',
    change: (world) => {
      const path = `${credentials(world)}.tmp.0a1b2c3d`;
      writeFileSync(path, readFileSync(credentials(world)), { mode: 0o600 });
      utimesSync(path, 0, 0);
    },
    says: ['was interrupted and left a file: ', '.credentials.json.tmp.0a1b2c3d'],
    remedy: ['when sessions on work-2 answer', 'mv -nT '],
    usable: true,
    mend: (world) => renameSync(`${credentials(world)}.tmp.0a1b2c3d`, join(world.root, 'moved')),
  },
};

/** Only the superuser can give a file away. */
const rows = Object.entries(ROWS).filter(([what]) => process.getuid?.() === 0 || !what.includes('of another user'));

for (const [what, row] of rows) {
  test.concurrent(
    `${what}: told once with its remedy, and nothing is overwritten [R48 R266 R267]`,
    onStage(async ({ world, start }) => {
      row.before?.(world);
      const daemon = await start();
      const reconciler = () => daemon.status().jobs.find(({ name }) => name === 'reconciler');
      // Nobody reads while it is changed: what takes several steps must not be seen half done.
      await waitFor(() => reconciler()?.state === 'idle');
      row.change(world);
      const before = picture(world);
      const told = await daemon.told(row.told);

      if (row.account !== null) expect(told.account).toBe(row.account);
      for (const part of row.says) expect(told.data.detail).toContain(part);
      for (const part of row.remedy) expect(told.data.remedy).toContain(part);
      if (row.account !== null) {
        const isUsable = (): boolean =>
          daemon.status().accounts.find(({ name }) => name === 'work-2')?.eligible === true;
        await waitFor(() => isUsable() === row.usable);
      }
      const looks = () => reconciler()?.last_start ?? '';
      const seen = looks();
      await waitFor(() => looks() > seen);
      expect(await daemon.events(row.told)).toHaveLength(1);
      expect(picture(world)).toEqual(before);
      expect(JSON.stringify(told)).not.toContain('made-up');

      if (row.mend === undefined) return;
      row.mend(world);
      expect(await daemon.told(row.ends ?? 'drift_ended')).toMatchObject({ account: 'work-2' });
    }),
  );
}

/** Every path of the accounts, the shared root and the link, with its bytes. */
function picture(world: StandInWorld): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  const visit = (path: string): void => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return;
    const owner = `${stat.uid} ${(stat.mode & 0o7777).toString(8)}`;
    if (stat.isSymbolicLink()) found[path] = `link ${readlinkSync(path)}`;
    else if (stat.isFile()) found[path] = `file ${owner} ${stat.ino} ${readFileSync(path, 'utf8')}`;
    else {
      found[path] = `directory ${owner}`;
      for (const name of readdirSync(path)) visit(join(path, name));
    }
  };
  for (const path of [world.link, world.shared, join(world.root, 'accounts')]) visit(path);
  return found;
}
