// biome-ignore-all lint/suspicious/noTemplateCurlyInString: paths as the file writes them
import { expect, test } from 'vitest';
import { ConfigFile } from '../../src/config/file-schema.ts';
import { type Config, toConfig } from '../../src/config/schema.ts';
import { ConfigError } from '../../src/core/errors.ts';

const HOME = '/home/ada';
const TWO = [
  { name: 'a', home: '~/.claude-a' },
  { name: 'b', home: '~/.claude-b' },
];
const NO_RULE = { threshold: null, disabled: false };
const NO_RULES = { '5h': NO_RULE, '7d': NO_RULE };
const PLAIN = { pool: 'default', enabled: true, maxSessions: 0, autoPause: NO_RULES };

function problemsOf(input: unknown, env: Record<string, string> = {}): string[] {
  try {
    toConfig(input, env, HOME);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ path, message, hint }) => `${path}: ${message}${hint === null ? '' : ` (${hint})`}`);
  }
}

test('two accounts take every other value from the defaults', () => {
  const config = toConfig({ accounts: TWO }, {}, HOME);
  const expected: Config = {
    file: '',
    version: 1,
    mode: 'act',
    daemon: {
      stateDir: '/home/ada/.local/state/claude-failover',
      runtimeDir: '/home/ada/.local/state/claude-failover/run',
      log: { level: 'info', format: 'auto' },
      shutdownGraceMs: 20_000,
      circuitBreaker: { swapsPerHour: 6 },
    },
    http: {
      listen: { host: '127.0.0.1', port: 8765 },
      socket: '/home/ada/.local/state/claude-failover/run/api.sock',
      bearerTokenEnv: 'CLAUDE_FAILOVER_TOKEN',
      bearerTokenFile: null,
      enableTrigger: false,
    },
    tmux: { binary: 'tmux', sockets: ['default'], commandTimeoutMs: 5_000, submitDelayMs: 500 },
    watch: { exclude: [], adopted: { swapPolicy: 'resume' } },
    pools: [
      {
        name: 'default',
        agent: 'claude',
        link: '/home/ada/.claude',
        configDir: null,
        mode: 'config_dir',
        sharedRoot: '/home/ada/.claude-shared',
        strategy: 'priority',
        returnTo: null,
        accounts: [
          { name: 'a', home: '/home/ada/.claude-a', priority: 10, ...PLAIN },
          { name: 'b', home: '/home/ada/.claude-b', priority: 20, ...PLAIN },
        ],
      },
    ],
    agents: {
      claude: {
        command: 'claude',
        args: [],
        models: { critical: 'opus', high: 'sonnet', default: 'sonnet', low: 'sonnet' },
      },
    },
    sessions: {
      dedicated: [],
      autonomous: {
        prefix: 'ccl-auto-',
        startIndex: 11,
        min: 0,
        max: 0,
        names: [],
        workdir: '/home/ada',
        agent: 'claude',
        pool: 'default',
      },
    },
    quota: {
      pollIntervalMs: 2_000,
      confirmPolls: 2,
      confirmMinAgeMs: 20_000,
      reactivateCooldownMs: 300_000,
      swapCooldownMs: 300_000,
      accountReactivateCooldownMs: 300_000,
      minDedicatedHits: 1,
      snippetChars: 120,
      unknownResetLockMs: 3_600_000,
      modelLimitSwaps: false,
      swapOnAccountDown: false,
      sampleStaleAfterMs: 7_200_000,
      verifyWindowMs: 120_000,
      autoPause: { '5h': null, '7d': null },
      thresholdAction: 'swap_when_idle',
      thresholdGraceMs: 600_000,
      warn: { '5h': [0.8, 0.9], '7d': [0.8, 0.9] },
      patterns: { patterns: [], ignore: [], serverErrors: [] },
    },
    switcher: {
      timeoutMs: 600_000,
      exitGraceMs: 10_000,
      verifyTimeoutMs: 60_000,
      retryBackoff: { initialMs: 60_000, maxMs: 900_000 },
    },
    watcher: {
      intervalMs: 30_000,
      idleTimeoutMs: 3_600_000,
      idlePolls: 2,
      minRuntimeMs: 20_000,
      stallAfterMs: 600_000,
      autoAnswers: [],
      stallKillAfterMs: 1_200_000,
      doneSignalDir: '/home/ada/.local/state/claude-failover/signals',
    },
    lifecycle: {
      reconcileIntervalMs: 15_000,
      recreate: true,
      launchTimeoutMs: 60_000,
      maxRestartsPerHour: 6,
    },
    checkpoint: { enabled: true, intervalMs: 300_000, keep: 20, lines: 200 },
    dispatcher: {
      enabled: true,
      projectsDir: null,
      scanIntervalMs: 60_000,
      sessionCooldownMs: 30_000,
      postSwapDelayMs: 30_000,
      promptTimeoutMs: 60_000,
      maxAttempts: 3,
      retryBackoffMs: [60_000, 300_000, 900_000],
      blockedTimeoutMs: 86_400_000,
      maxTaskBytes: 262_144,
      trustedUids: [],
      strict: false,
      safetyHook: false,
    },
    leases: { ttlMs: 300_000, onError: 'deny' },
    credentials: { checkIntervalMs: 600_000, expiryWarnMs: 86_400_000 },
    alerts: {
      intervalMs: 60_000,
      errorWindowMs: 300_000,
      errorRate: 0.1,
      errorRateCritical: 0.5,
      errorMinSamples: 10,
      accountDownRate: 0.5,
      accountDownMin: 10,
      dedupeCooldownMs: 300_000,
      quotaInfo: 0.8,
      quotaWarning: 0.9,
      quotaCritical: 1,
      spike: {
        swapsPerHour: 4,
        dispatchesPerMinute: 20,
        dispatchesPerDay: 1000,
        notificationsPerHour: 60,
        queueDepth: 100,
      },
    },
    stats: { dailyAtMs: 300_000 },
    janitor: {
      intervalMs: 3_600_000,
      logRetentionDays: 30,
      logMaxRecords: 1_000_000,
      minFreeDiskBytes: 524_288_000,
      claimedStaleAfterMs: 7_200_000,
      doneArchiveAfterMs: 604_800_000,
      failedKeepMs: 2_592_000_000,
      archiveDeleteAfterMs: 7_776_000_000,
      signalTtlMs: 86_400_000,
      tmpTtlMs: 3_600_000,
    },
    notifications: {
      minSeverity: 'warning',
      showIdentities: false,
      quietHours: { enabled: false, from: '22:00', to: '07:00', timezone: 'local', allow: ['critical'] },
      rateLimit: { perHour: 60 },
      telegram: {
        enabled: false,
        token: { env: 'TELEGRAM_BOT_TOKEN', file: null, inline: null },
        chatIds: [],
        allowedUsers: [],
        minSeverity: 'info',
        commands: false,
        apiBase: 'https://api.telegram.org',
      },
      email: {
        enabled: false,
        apiKey: { env: 'RESEND_API_KEY', file: null, inline: null },
        from: '',
        to: [],
        minSeverity: 'warning',
        apiBase: 'https://api.resend.com',
      },
      webhook: {
        enabled: false,
        url: '',
        secret: { env: 'CLAUDE_FAILOVER_WEBHOOK_SECRET', file: null, inline: null },
        minSeverity: 'warning',
      },
      heartbeatUrl: null,
      events: {},
    },
    warnings: [],
  };
  expect(config).toEqual(expected);
});

test('[R121] a configuration is frozen to the last leaf', () => {
  const config = toConfig({ accounts: TWO, sessions: { dedicated: [{ name: 'main' }] } }, {}, HOME);
  const walk = (value: object): boolean =>
    Object.isFrozen(value) &&
    Object.values(value).every((part) => typeof part !== 'object' || part === null || walk(part));
  expect(walk(config)).toBe(true);
});

test('[R20] a cooldown that is not set is the general one', () => {
  const quota = { reactivate_cooldown: '7m', swap_cooldown: null, account_reactivate_cooldown: '1h' };
  const config = toConfig({ accounts: TWO, quota }, {}, HOME);
  expect(config.quota.swapCooldownMs).toBe(420_000);
  expect(config.quota.accountReactivateCooldownMs).toBe(3_600_000);
});

test('[R98] ~, variables and the named directories expand in paths', () => {
  const config = toConfig(
    {
      accounts: [
        { name: 'a', home: '${WORK}/a/' },
        { name: 'b', home: '~/x/../b' },
      ],
      daemon: { state_dir: '/var/lib/cf', runtime_dir: '<state_dir>/r' },
      tmux: { sockets: ['default', '~/tmux.sock'], binary: '${WORK}/tmux' },
    },
    { WORK: '/srv/work' },
    HOME,
  );
  expect(config.pools[0]?.accounts.map((account) => account.home)).toEqual(['/srv/work/a', '/home/ada/b']);
  expect(config.daemon.runtimeDir).toBe('/var/lib/cf/r');
  expect(config.http.socket).toBe('/var/lib/cf/r/api.sock');
  expect(config.tmux).toMatchObject({ sockets: ['default', '/home/ada/tmux.sock'], binary: '/srv/work/tmux' });
});

test.each([
  {
    name: 'the runtime directory of the session is used',
    env: { XDG_RUNTIME_DIR: '/run/user/7' },
    dir: '/run/user/7/claude-failover',
  },
  {
    name: 'a relative one is ignored',
    env: { XDG_RUNTIME_DIR: 'run' },
    dir: '/home/ada/.local/state/claude-failover/run',
  },
  { name: 'an empty one is ignored', env: { XDG_RUNTIME_DIR: '' }, dir: '/home/ada/.local/state/claude-failover/run' },
])('$name', ({ env, dir }) => {
  expect(toConfig({ accounts: TWO }, env, HOME).daemon.runtimeDir).toBe(dir);
});

test('[R53] accounts stand in their pool by priority, then name; a missing priority is ten times the position', () => {
  const accounts = [
    { name: 'late', home: '/h/1', priority: 30 },
    { name: 'z', home: '/h/2' },
    { name: 'other', home: '/h/3', pool: 'team' },
    { name: 'a', home: '/h/4', priority: 20 },
  ];
  const config = toConfig(
    { pools: { default: {}, team: { link: '/t/link', shared_root: '/t/shared' } }, accounts },
    {},
    HOME,
  );
  expect(config.pools.map((pool) => pool.accounts.map(({ name, priority }) => `${name} ${priority}`))).toEqual([
    ['a 20', 'z 20', 'late 30'],
    ['other 30'],
  ]);
});

test('a closed TCP door has no address', () => {
  expect(toConfig({ accounts: TWO, http: { enabled: false } }, {}, HOME).http.listen).toBeNull();
  expect(toConfig({ accounts: TWO, http: { listen: '[::1]:0' } }, {}, HOME).http.listen).toEqual({
    host: '::1',
    port: 0,
  });
});

test.each([
  {
    name: 'two accounts of one name',
    input: { accounts: [TWO[0], { name: 'a', home: '/x' }] },
    says: 'accounts[1].name: is the name of accounts[0] too',
  },
  {
    name: 'two accounts of one home',
    input: { accounts: [TWO[0], { name: 'b', home: '/home/ada/.claude-a/' }] },
    says: 'accounts[1].home: is the home of accounts[0] too',
  },
  {
    name: 'a home inside another',
    input: { accounts: [TWO[0], { name: 'b', home: '~/.claude-a/b' }] },
    says: 'accounts[1].home: lies inside the home of account a',
  },
  {
    name: 'linked files for Claude Code, which replaces such a link',
    input: { accounts: TWO, pools: { default: { mode: 'file_link' } } },
    says: 'pools.default.mode: claude accounts cannot be switched like this',
  },
  {
    name: 'a linked directory for Codex',
    input: { accounts: TWO, pools: { default: { agent: 'codex', mode: 'config_dir' } } },
    says: 'pools.default.mode: codex accounts cannot be switched like this',
  },
  {
    name: 'a link inside a home',
    input: { accounts: TWO, pools: { default: { link: '~/.claude-b/l' } } },
    says: 'pools.default.link: lies inside the home of account b',
  },
  {
    name: 'a link that is a home',
    input: { accounts: TWO, pools: { default: { link: '~/.claude-b' } } },
    says: 'pools.default.link: lies inside the home of account b',
  },
  {
    name: 'a home behind the link',
    input: { accounts: [TWO[0], { name: 'b', home: '~/.claude/b' }] },
    says: 'accounts[1].home: lies behind the link of pool default',
  },
  {
    name: 'one link for two pools',
    input: { accounts: TWO, pools: { default: {}, team: {} } },
    says: 'pools.team.link: is the link of pool default too',
  },
  {
    name: 'a shared root inside a home',
    input: { accounts: TWO, pools: { default: { shared_root: '~/.claude-a/s' } } },
    says: 'pools.default.shared_root: lies inside the home of account a',
  },
  {
    name: 'a home inside the shared root',
    input: { accounts: [TWO[0], { name: 'b', home: '~/.claude-shared/b' }] },
    says: 'accounts[1].home: lies inside the shared_root of pool default',
  },
  {
    name: 'a shared root behind the link',
    input: { accounts: TWO, pools: { default: { shared_root: '~/.claude/s' } } },
    says: 'pools.default.shared_root: lies behind the link',
  },
  {
    name: 'a session in two pools',
    input: {
      accounts: TWO,
      pools: { default: {}, t: { link: '/l' } },
      sessions: { dedicated: [{ name: 's' }, { name: 's', pool: 't' }] },
    },
    says: 'sessions.dedicated[1].name: is the name of sessions.dedicated[0] too',
  },
  {
    name: 'an account of a pool that is not there',
    input: { accounts: [...TWO, { name: 'c', home: '/c', pool: 'defalt' }] },
    says: 'accounts[2].pool: there is no such pool (did you mean default?)',
  },
  { name: 'no pool at all', input: { pools: {} }, says: 'pools: must not be empty' },
  {
    name: 'a pool with an odd name',
    input: { accounts: TWO, pools: { default: {}, 'a.b': { link: '/l' } } },
    says: 'pools.a.b: is no name for a pool',
  },
  {
    name: 'a socket path that the system cannot bind',
    input: { accounts: TWO, http: { socket: `/${'s'.repeat(107)}` } },
    says: 'http.socket: is 108 bytes long',
  },
  {
    name: 'an address without a port',
    input: { accounts: TWO, http: { listen: '127.0.0.1' } },
    says: 'http.listen: expected host:port',
  },
  {
    name: 'a relative path',
    input: { accounts: [TWO[0], { name: 'b', home: 'b' }] },
    says: 'accounts[1].home: is not an absolute path (begin it with / or ~/)',
  },
  {
    name: 'a variable without braces',
    input: { accounts: [TWO[0], { name: 'b', home: '$HOME/b' }] },
    says: 'accounts[1].home: is not an absolute path (write variables as ${NAME})',
  },
  {
    name: 'a variable that is not set',
    input: { accounts: [TWO[0], { name: 'b', home: '${NOPE}/b' }] },
    says: 'accounts[1].home: environment variable ${NOPE} is not set',
  },
  {
    name: 'the home of somebody else',
    input: { accounts: [TWO[0], { name: 'b', home: '~eve/b' }] },
    says: 'accounts[1].home: the home of another user',
  },
  {
    name: 'a longest pause below the first',
    input: { accounts: TWO, switcher: { retry_backoff: { initial: '20m' } } },
    says: 'switcher.retry_backoff.max: is shorter than initial',
  },
  {
    name: 'a verification longer than the swap',
    input: { accounts: TWO, switcher: { timeout: '30s' } },
    says: 'switcher.verify_timeout: is longer than switcher.timeout',
  },
])('[R204] $name is refused', ({ input, says }) => {
  expect(
    problemsOf(input).some((problem) => problem.startsWith(says)),
    problemsOf(input).join('\n'),
  ).toBe(true);
});

test.each(['a.b', 'a:b', '-a', '_a', '', 'a b', 'é', 'x'.repeat(65), 'a\n'])(
  '[R104] the session name %j is refused',
  (name) => {
    expect(problemsOf({ accounts: TWO, sessions: { dedicated: [{ name }] } })).toHaveLength(1);
  },
);

test.each(['a', 'A-1_b', '0', 'x'.repeat(64)])('[R104] the session name %j is accepted', (name) => {
  expect(problemsOf({ accounts: TWO, sessions: { dedicated: [{ name }] } })).toEqual([]);
});

test.each([
  { quota: { confirm_polls: 1 }, says: 'quota.confirm_polls: must be at least 2' },
  { quota: { confirm_polls: 11 }, says: 'quota.confirm_polls: must be at most 10' },
  { quota: { confirm_polls: 2.5 }, says: 'quota.confirm_polls: expected a whole number, got a fraction' },
  { quota: { snippet_chars: 121 }, says: 'quota.snippet_chars: must be at most 120' },
  {
    quota: { poll_interval: '1ms' },
    says: 'quota.poll_interval: must be from 200ms to 1h (write a number and its unit, such as 2s)',
  },
  {
    quota: { poll_interval: 2 },
    says: 'quota.poll_interval: expected text, got a number (write a number and its unit, such as 2s)',
  },
  {
    quota: { poll_interval: '2 weeks' },
    says: 'quota.poll_interval: expected a duration with its unit: ms, s, m, h or d (write a number and its unit, such as 2s)',
  },
  {
    quota: { model_limit_swaps: 'yes' },
    says: 'quota.model_limit_swaps: expected true or false, got text (write true or false, without quotes)',
  },
  { quota: [], says: 'quota: expected a section with keys, got a list' },
])('$says', ({ quota, says }) => {
  expect(problemsOf({ accounts: TWO, quota })).toEqual([says]);
});

test('[R98] a variable that is empty counts as not set, so that ${X}/a does not become /a', () => {
  const accounts = [TWO[0], { name: 'b', home: '${X}/b' }];
  expect(problemsOf({ accounts }, { X: '' })).toHaveLength(1);
  expect(problemsOf({ accounts }, { X: '/x' })).toEqual([]);
});

test('[R204] fewer than two enabled accounts load with the warning that failover is impossible', () => {
  const accounts = [TWO[0], { name: 'b', home: '/b', enabled: false }];
  const { warnings } = toConfig({ accounts }, {}, HOME);
  expect(warnings.map(({ message }) => message)).toEqual(['failover impossible: pool default has 1 enabled account']);
});

test('[R204] two accounts of one pool with the same priority load with a warning', () => {
  const accounts = [
    { ...TWO[0], priority: 5 },
    { ...TWO[1], priority: 5 },
  ];
  const { warnings } = toConfig({ accounts }, {}, HOME);
  expect(warnings.map(({ path }) => path)).toEqual(['accounts[1].priority']);
});

test('[R202][R111] keys and durations of the Go version load with a warning', () => {
  const accounts = [{ ...TWO[0], limits: { hourly_msgs: 5 } }, TWO[1]];
  const quota = { reactivate_cooldown: '1h30m0s' };
  const config = toConfig({ accounts, quota, limits: { weekly_msgs: 9 }, mcp_http: { enabled: false } }, {}, HOME);
  expect(config.http.listen).toBeNull();
  expect(config.quota.reactivateCooldownMs).toBe(5_400_000);
  expect(config.warnings.map(({ path, message }) => `${path}: ${message}`)).toEqual([
    'mcp_http: is the former name of http',
    'limits: is ignored',
    'accounts[0].limits: is ignored',
  ]);
});

test('[R201] an unknown key names the one that was probably meant', () => {
  const input = {
    accounts: TWO,
    quotta: {},
    quota: { pol_interval: '2s' },
    poll_interval: '1s',
    tmux: { zzzzzzzz: 1 },
  };
  expect(problemsOf(input).sort()).toEqual([
    'poll_interval: unknown key (there is quota.poll_interval; check the indentation)',
    'quota.pol_interval: unknown key (did you mean poll_interval?)',
    'quotta: unknown key (did you mean quota?)',
    'tmux.zzzzzzzz: unknown key (keys here: binary, sockets, command_timeout, submit_delay)',
  ]);
});

test('[R201] problems of form and problems of meaning are told together, each at its own entry', () => {
  const accounts = [
    { name: 'bad name', home: '/x' },
    { name: 'a', home: '/a' },
    { name: 'a', home: '/b' },
    { name: 'c' },
  ];
  expect(problemsOf({ accounts, mode: 'acct', tmux: { sockets: [] } }).sort()).toEqual([
    'accounts[0].name: expected 1 to 64 letters, digits or . _ @ -',
    'accounts[2].name: is the name of accounts[1] too (each account needs its own name)',
    "accounts[3].home: is missing (The account's own configuration directory, where its login lives; unique.)",
    'mode: must be one of act, observe (did you mean act?)',
    'tmux.sockets: must not be empty',
  ]);
});

test('a value that may be a secret is never repeated', () => {
  const secret = 'sk-ant-very-secret';
  const inputs = [
    { http: { bearer_token_env: secret } },
    { http: { bearer_token_file: secret } },
    { http: { bearer_token: secret } },
    { http: { enabled: secret, listen: secret } },
    { mode: secret, daemon: { log: { level: secret } }, quota: { poll_interval: secret } },
  ];
  for (const input of inputs) {
    const problems = problemsOf({ accounts: TWO, ...input });
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join('\n')).not.toContain(secret);
  }
});

test('[R90] three keys may hold a secret themselves, and none does by default; all others name a variable or a file', () => {
  const keys: string[] = [];
  const walk = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, part] of Object.entries(value)) {
      if (part === null || typeof part === 'string') keys.push(`${key}: ${part}`);
      walk(part);
    }
  };
  walk(ConfigFile.parse({}));
  const secrets = keys.filter((key) => /(token|secret|password|key|credential)s?: /.test(key));
  expect(secrets.sort()).toEqual(['api_key: null', 'secret: null', 'token: null']);
});

test('what a pool is where nothing is said follows from its agent and its mode [R41]', () => {
  const pools = {
    c: {},
    s: { mode: 'secure_storage' },
    e: { mode: 'env' },
    x: { agent: 'codex' },
    g: { agent: 'gemini' },
  };
  const accounts = TWO.map((account) => ({ ...account, pool: 'c' }));
  const told = (env: Record<string, string>) =>
    toConfig({ pools, accounts }, env, '/home/ada').pools.map(({ mode, link, sharedRoot }) => [mode, link, sharedRoot]);
  const data = '/home/ada/.local/share/claude-failover';
  expect(told({})).toEqual([
    ['config_dir', '/home/ada/.claude', '/home/ada/.claude-shared'],
    ['secure_storage', `${data}/s/active`, '/home/ada/.claude'],
    ['env', `${data}/e/active`, '/home/ada/.claude-shared'],
    ['file_link', '/home/ada/.codex', '/home/ada/.codex'],
    ['file_link', '/home/ada/.gemini', '/home/ada/.gemini'],
  ]);
  expect(told({ XDG_DATA_HOME: '/data' })[1]?.[1]).toBe('/data/claude-failover/s/active');
});

test('dialogs that cost money or need a person are refused by name, with the reason [R69 R265]', () => {
  const names = ['permission', 'login', 'limit_menu', 'usage_credits', 'permision'];
  expect(problemsOf({ accounts: TWO, watcher: { auto_answers: names } })).toEqual([
    'watcher.auto_answers[1]: is never answered (only you can log in: claude-failover accounts login)',
    'watcher.auto_answers[2]: is never answered (its choices can cost money; a swap closes it with Escape)',
    'watcher.auto_answers[3]: is never answered (it costs money)',
    'watcher.auto_answers[4]: must be one of trust_folder, permission (did you mean permission?)',
  ]);
});
