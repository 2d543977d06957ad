/** A world for the stand-in agent: accounts behind a link, the quota book, projects, and panes that run it. */
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LINKED_FILES } from '../../../src/core/agents/linked-files.ts';
import type { PaneIdentity } from '../../../src/core/panes.ts';
import type { TestTmux } from '../tmux.ts';
import { waitFor } from '../wait.ts';

/** The program itself. */
export const STAND_IN = fileURLToPath(new URL('./claude.mjs', import.meta.url));
const OTHER_STAND_IN = fileURLToPath(new URL('./other.mjs', import.meta.url));

export interface Limit {
  readonly kind: 'five_hour' | 'seven_day' | 'seven_day_opus';
  /** Epoch ms. */
  readonly resetsAt: number;
}

/** With what stands below it: only then keys are read. */
const WELCOME = {
  claude: /Claude Code v[\s\S]*(?:⏵⏵|\? for shortcuts|Enter to confirm)/,
  codex: /Ask Codex to do/,
  gemini: /Type your message/,
} as const;

/** A login as the CLI keeps it, and what tells whose it is. @returns its file */
function writeLogin(agent: 'codex' | 'gemini', home: string, account: string, access: string, refresh: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { chatgpt_user_id: `user-${account}`, chatgpt_account_id: `acct-${account}` };
  const idToken = `${part({ alg: 'none' })}.${part({ sub: account, 'https://api.openai.com/auth': claims })}.x`;
  const tokens = { id_token: idToken, access_token: access, refresh_token: refresh };
  const codex = { auth_mode: 'chatgpt', OPENAI_API_KEY: null, tokens: { ...tokens, account_id: `acct-${account}` } };
  const login = agent === 'codex' ? codex : { ...tokens, expiry_date: Date.now() + 3_600_000 };
  const path = join(home, agent === 'codex' ? 'auth.json' : 'oauth_creds.json');
  writeFileSync(path, JSON.stringify(login), { mode: 0o600 });
  if (agent === 'gemini')
    writeFileSync(join(home, 'google_accounts.json'), JSON.stringify({ active: account, old: [] }));
  return path;
}

interface BookEntry {
  label: string;
  limited: boolean;
  resetsAt: number;
  kind: Limit['kind'];
  refreshToken?: string;
  failing?: boolean;
  bought?: boolean;
}

/** One line of the stand-in's log, for example `prompt`, `reply`, `limit`, `menu`, `bought`, `swallowed`, `refresh`. */
export interface StandInEvent {
  readonly seq: number;
  readonly pid: number;
  readonly sessionId: string;
  readonly at: number;
  readonly event: string;
  readonly text?: string;
  readonly source?: 'typed' | 'argv' | 'self' | 'reset';
  readonly account?: string;
  readonly n?: number;
  readonly result?: string;
  readonly reason?: string;
  readonly argv?: readonly string[];
  readonly resumed?: boolean;
}

export interface Home {
  readonly account: string;
  readonly home: string;
  readonly credentials: string;
  readonly accountUuid: string;
  readonly organizationUuid: string;
}

export interface PaneOptions {
  /** Name of the tmux session. */
  readonly name?: string;
  /** Name of the project directory; made when it is not there. */
  readonly project?: string;
  /** Command-line arguments of the agent. */
  readonly args?: readonly string[];
  /** `STAND_IN_…` and other variables of the pane. */
  readonly env?: Readonly<Record<string, string>>;
  /** Leave the pane at its shell. */
  readonly shellOnly?: boolean;
}

/** A pane with a shell in which the stand-in runs. */
export interface StandInPane {
  readonly identity: PaneIdentity;
  readonly paneId: string;
  readonly cwd: string;
  screen(): Promise<string>;
  /** Waits until the screen matches. */
  shows(pattern: RegExp | string, limitMs?: number): Promise<string>;
  /** Pastes the text and presses Enter as two steps. */
  say(text: string): Promise<void>;
  /** Types without Enter. */
  type(text: string): Promise<void>;
  press(...keys: readonly string[]): Promise<void>;
}

export interface TurnHold {
  readonly env: Readonly<Record<string, string>>;
  hold(): void;
  letGo(): void;
}

export interface WorldOptions {
  /** Names of the accounts; the first is active. */
  readonly accounts?: readonly string[];
  /** The CLI that is played; Codex and Gemini CLI have their credential files linked. */
  readonly agent?: 'claude' | 'codex' | 'gemini';
  /** What the link is, for Claude Code. */
  readonly mode?: 'config_dir' | 'secure_storage' | 'env';
}

export class StandInWorld {
  /** A temporary directory with everything below. */
  readonly root: string;
  /** The HOME of the panes. */
  readonly user: string;
  readonly agent: 'claude' | 'codex' | 'gemini';
  readonly mode: 'config_dir' | 'secure_storage' | 'env' | 'file_link';
  /** `<user>/.claude`, a link to the active account's home; what it is in other modes, their pool says. */
  readonly link: string;
  /** What the homes share; in mode `secure_storage` the CLI's own directory. */
  readonly shared: string;
  readonly homes: readonly Home[];
  readonly book: string;
  readonly log: string;
  readonly bin: string;

  constructor(options: WorldOptions = {}) {
    this.root = mkdtempSync(join(tmpdir(), 'cf-world-'));
    this.user = join(this.root, 'user');
    this.agent = options.agent ?? 'claude';
    this.mode = this.agent === 'claude' ? (options.mode ?? 'config_dir') : 'file_link';
    const isOwnLink = this.mode === 'secure_storage' || this.mode === 'env';
    this.link = isOwnLink ? join(this.root, 'active') : join(this.user, `.${this.agent}`);
    this.shared = this.mode === 'secure_storage' ? join(this.user, '.claude') : join(this.root, 'shared');
    this.book = join(this.root, 'book.json');
    this.log = join(this.root, 'agents.jsonl');
    this.bin = join(this.root, 'bin');
    for (const folder of ['projects', 'sessions']) mkdirSync(join(this.shared, folder), { recursive: true });
    mkdirSync(this.user, { recursive: true });
    mkdirSync(this.bin);
    symlinkSync(this.agent === 'claude' ? STAND_IN : OTHER_STAND_IN, join(this.bin, this.agent));
    writeFileSync(this.log, '');
    writeFileSync(this.book, '{}');
    this.homes = (options.accounts ?? ['work-1', 'work-2']).map((account) => this.#makeHome(account));
    this.#pointTo(this.home().home);
    if (this.mode === 'secure_storage') {
      const env = { CLAUDE_SECURESTORAGE_CONFIG_DIR: this.link };
      writeFileSync(join(this.shared, 'settings.json'), JSON.stringify({ env }));
    }
  }

  #pointTo(home: string): void {
    const files = LINKED_FILES[this.agent];
    if (files === undefined) symlinkSync(home, this.link);
    else mkdirSync(this.link);
    for (const file of files ?? []) symlinkSync(join(home, file), join(this.link, file));
  }

  /** This account's home, by default the first one's. */
  home(account?: string): Home {
    const home = account === undefined ? this.homes[0] : this.homes.find((each) => each.account === account);
    if (home === undefined) throw new Error(`no account ${account} in this world`);
    return home;
  }

  /** The account the link names. */
  activeAccount(): string {
    const files = LINKED_FILES[this.agent];
    if (files === undefined) return basename(readlinkSync(this.link));
    const accounts = new Set(files.map((file) => basename(dirname(readlinkSync(join(this.link, file))))));
    return [...accounts].join(' and ');
  }

  /** Moves the link in one step, as the daemon does; without `isFresh` the credentials keep their mtime. */
  flip(account: string, isFresh = true): void {
    const { home, credentials } = this.home(account);
    const temporary = `${this.link}.tmp.${randomUUID()}`;
    symlinkSync(home, temporary);
    renameSync(temporary, this.link);
    if (!isFresh) return;
    const newest = Math.max(Date.now(), ...this.homes.map((each) => statSync(each.credentials).mtimeMs + 2));
    utimesSync(credentials, newest / 1000, newest / 1000);
  }

  /** Makes the provider refuse this account until the reset, or serve it again. */
  setLimit(account: string, limit: Limit | null): void {
    this.#changeEntry(account, (entry) => {
      entry.limited = limit !== null;
      if (limit !== null) Object.assign(entry, limit);
    });
  }

  /** Makes the provider answer this account with a server error, or no longer. */
  setFailing(account: string, failing: boolean): void {
    this.#changeEntry(account, (entry) => {
      entry.failing = failing;
    });
  }

  /** Whether Enter was pressed in a menu that spends money. */
  wasBought(account: string): boolean {
    return Object.values(this.#readBook()).some((entry) => entry.label === account && entry.bought === true);
  }

  /** Whether the tokens on disk are the pair the provider takes. */
  isLoginGood(account: string): boolean {
    const text = readFileSync(this.home(account).credentials, 'utf8');
    if (text === '') return false;
    const login = (JSON.parse(text) as { claudeAiOauth: { accessToken: string; refreshToken: string } }).claudeAiOauth;
    const entry = this.#readBook()[login.accessToken];
    return entry?.label === account && entry.refreshToken === login.refreshToken;
  }

  /** Everything the agents logged so far, oldest first. */
  events(event?: string): readonly StandInEvent[] {
    const lines = readFileSync(this.log, 'utf8').split('\n').slice(0, -1);
    const events = lines.map((line) => JSON.parse(line) as StandInEvent);
    return event === undefined ? events : events.filter((each) => each.event === event);
  }

  /** The texts of the prompts that reached an agent, with those it lost. */
  prompts(sessionId?: string): readonly string[] {
    return this.events()
      .filter(({ event }) => event === 'prompt' || event === 'swallowed')
      .filter((each) => sessionId === undefined || each.sessionId === sessionId)
      .map((each) => each.text ?? '');
  }

  /** The accounts that served the replies, in order. */
  servedBy(): readonly string[] {
    return this.events('reply').map((each) => each.account ?? '');
  }

  /** The same, when so many have come: a swap is over as soon as a turn runs again. */
  async served(count: number): Promise<readonly string[]> {
    await waitFor(() => this.servedBy().length >= count).catch(() => undefined);
    return this.servedBy();
  }

  /** A hand on the panes that get its `env`: while it holds, no turn, no token refresh and no start under an own title ends. */
  turnHold(): TurnHold {
    const path = join(this.root, `hold-${randomUUID()}`);
    return {
      env: { STAND_IN_HOLD: path },
      hold: () => writeFileSync(path, ''),
      letGo: () => rmSync(path),
    };
  }

  /** A project directory of this name. */
  project(name = 'project'): string {
    const folder = join(this.root, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** The environment in which an agent of this world runs. */
  environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      HOME: this.user,
      PATH: `${this.bin}:${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
      TERM: 'tmux-256color',
      LANG: 'C.UTF-8',
      TZ: 'UTC',
      PS1: '$ ',
      STAND_IN_BOOK: this.book,
      STAND_IN_LOG: this.log,
      ...more,
    };
  }

  /** Opens a pane of 120×40 with a shell and, unless told otherwise, starts the agent in it. */
  async startPane(tmux: Pick<TestTmux, 'run' | 'newPane'>, options: PaneOptions = {}): Promise<StandInPane> {
    const cwd = this.project(options.project);
    const words = Object.entries(this.environment(options.env)).map(([name, value]) => quote(`${name}=${value}`));
    const shell = [`cd ${quote(cwd)} && exec env -i`, ...words, 'bash --norc --noprofile -i'].join(' ');
    const session = options.name === undefined ? {} : { session: options.name };
    const pane = paneOf(tmux, await tmux.newPane(shell, { ...session, width: 120, height: 40 }), cwd);
    await pane.shows(/^\$ /m);
    if (options.shellOnly !== true) {
      await pane.type([this.agent, ...(options.args ?? []).map(quote)].join(' '));
      await pane.press('Enter');
      await pane.shows(WELCOME[this.agent], 90_000);
    }
    return pane;
  }

  remove(): void {
    // A program that has just been ended may still write there; `maxRetries` does not look again for what came meanwhile.
    const pause = new Int32Array(new SharedArrayBuffer(4));
    const giveUpAt = performance.now() + 30_000;
    while (existsSync(this.root)) {
      try {
        rmSync(this.root, { recursive: true, force: true });
      } catch (error) {
        if (performance.now() >= giveUpAt) throw error;
        Atomics.wait(pause, 0, 0, 50);
      }
    }
  }

  #makeHome(account: string): Home {
    const home = join(this.root, 'accounts', account);
    const [accountUuid, organizationUuid] = [randomUUID(), randomUUID()];
    const accessToken = `sk-ant-oat01-made-up-${account}-${randomUUID()}`;
    const refreshToken = `sk-ant-ort01-made-up-${account}-${randomUUID()}`;
    mkdirSync(home, { recursive: true, mode: 0o700 });
    if (this.agent !== 'claude') {
      const credentials = writeLogin(this.agent, home, account, accessToken, refreshToken);
      this.#book(accessToken, account, refreshToken);
      return { account, home, credentials, accountUuid, organizationUuid };
    }
    for (const folder of ['projects', 'sessions']) symlinkSync(join(this.shared, folder), join(home, folder));
    const login = {
      accessToken,
      refreshToken,
      expiresAt: Date.now() + 8 * 3_600_000,
      scopes: ['user:inference', 'user:profile'],
      subscriptionType: 'max',
      rateLimitTier: 'default_claude_max_20x',
      accountUuid,
      organizationUuid,
    };
    const credentials = join(home, '.credentials.json');
    writeFileSync(credentials, JSON.stringify({ claudeAiOauth: login }), { mode: 0o600 });
    const oauthAccount = { accountUuid, organizationUuid, emailAddress: `${account}@example.test` };
    writeFileSync(join(home, '.claude.json'), JSON.stringify({ oauthAccount }), { mode: 0o600 });
    this.#book(accessToken, account, refreshToken);
    return { account, home, credentials, accountUuid, organizationUuid };
  }

  #book(accessToken: string, label: string, refreshToken: string): void {
    const book = this.#readBook();
    book[accessToken] = { label, limited: false, resetsAt: 0, kind: 'five_hour', refreshToken };
    writeFileSync(this.book, JSON.stringify(book, null, 2));
  }

  #readBook(): Record<string, BookEntry> {
    return JSON.parse(readFileSync(this.book, 'utf8')) as Record<string, BookEntry>;
  }

  /** Under the lock that the agents take for their own changes. */
  #changeEntry(account: string, change: (entry: BookEntry) => void): void {
    const lock = `${this.book}.lock`;
    const pause = new Int32Array(new SharedArrayBuffer(4));
    while (!tryMkdir(lock)) Atomics.wait(pause, 0, 0, 2);
    try {
      const book = this.#readBook();
      const entries = Object.values(book).filter((entry) => entry.label === account);
      if (entries.length === 0) throw new Error(`no account ${account} in the quota book`);
      entries.forEach(change);
      writeFileSync(`${this.book}.new`, JSON.stringify(book, null, 2));
      renameSync(`${this.book}.new`, this.book);
    } finally {
      rmSync(lock, { recursive: true, force: true });
    }
  }
}

function paneOf(tmux: Pick<TestTmux, 'run' | 'newPane'>, identity: PaneIdentity, cwd: string): StandInPane {
  const { paneId } = identity;
  const screen = (): Promise<string> => tmux.run('capture-pane', '-p', '-J', '-t', paneId);
  const pane: StandInPane = {
    identity,
    paneId,
    cwd,
    screen,
    async shows(pattern, limitMs = 60_000) {
      const fits = (text: string): boolean =>
        typeof pattern === 'string' ? text.includes(pattern) : pattern.test(text);
      return waitFor(
        async () => {
          const text = await screen();
          if (fits(text)) return text;
          throw new Error(`no screen with ${pattern} within ${limitMs} ms, but:\n${text.trimEnd()}`);
        },
        { timeoutMs: limitMs },
      );
    },
    async say(text) {
      await pane.type(text);
      await pane.press('Enter');
    },
    async type(text) {
      const buffer = `cf-test-${randomUUID()}`;
      await tmux.run('set-buffer', '-b', buffer, '--', text);
      await tmux.run('paste-buffer', '-p', '-d', '-b', buffer, '-t', paneId);
    },
    async press(...keys) {
      await tmux.run('send-keys', '-t', paneId, ...keys);
    },
  };
  return pane;
}

function tryMkdir(path: string): boolean {
  if (existsSync(path)) return false;
  try {
    mkdirSync(path);
    return true;
  } catch {
    return false;
  }
}

/** For a POSIX shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
