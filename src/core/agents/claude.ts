/** What the daemon must know of Claude Code to find it, switch its account and bring it back. */
import { SECOND } from '../time.ts';
import { CREDENTIALS_VARIABLE } from './linked-files.ts';
import type { AgentProfile } from './profile.ts';

export const claude: AgentProfile = {
  kind: 'claude',
  notSwitchable: null,
  process: {
    names: ['claude'],
    // npm's entry point, a version manager's copy of it, or a script that is itself called claude.
    script:
      /(?:^|\/)@anthropic-ai\/claude-code(?:\/|$)|(?:^|\/)claude-code\/(?:[^/]+\/){0,3}cli\.m?js$|(?:^|\/)claude(?:\.[cm]?js)?$/,
  },
  // From this version on it looks at the credential file's mtime before every request.
  hotSwapSince: '2.1.92',
  configDir: { env: 'CLAUDE_CONFIG_DIR', underHome: '.claude' },
  credentialFiles: ['.credentials.json'],
  // From 2.1.118 on it writes beside the file, then renames.
  interruptedWrites: /^\.credentials\.json\.tmp\.[0-9a-f]{8}$/,
  modes: ['config_dir', 'secure_storage', 'env'],
  locks: [
    { path: { inside: '.oauth_refresh.lock' }, staleMs: 60 * SECOND },
    { path: { beside: '.lock' }, staleMs: 60 * SECOND },
    { path: { inside: '.storage-write.lock' }, staleMs: 15 * SECOND },
  ],
  // Its bundles: no lock around the refresh up to 2.0.1, one in 2.0.30.
  stopFirst: { before: '2.0.30' },
  writerLocks: [],
  background: null,
  credentialsDir: { env: CREDENTIALS_VARIABLE, since: '2.1.160' },
  overridingEnv: [
    'ANTHROPIC_AUTH_TOKEN',
    'ANTHROPIC_API_KEY',
    'CLAUDE_CODE_OAUTH_TOKEN',
    'CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR',
    'CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR',
    'CLAUDE_CODE_USE_BEDROCK',
    'CLAUDE_CODE_USE_VERTEX',
    'CLAUDE_CODE_USE_FOUNDRY',
  ],
  sharedEntries: {
    required: ['projects', 'sessions'],
    optional: [
      'session-env',
      'file-history',
      'todos',
      'tasks',
      'plans',
      'history.jsonl',
      'settings.json',
      'CLAUDE.md',
      'agents',
      'commands',
      'skills',
      'plugins',
      'output-styles',
      'hooks',
      'keybindings.json',
    ],
  },
  resumeArgs: (sessionId) => ['--resume', sessionId],
  resumeFlags: {
    '--resume': true,
    '-r': true,
    '--continue': false,
    '-c': false,
    '--session-id': true,
    '--fork-session': false,
    '--from-pr': true,
    '--resume-session-at': true,
  },
  promptArgument: {
    bareFlags: [
      '--allow-dangerously-skip-permissions',
      '--chrome',
      '--dangerously-skip-permissions',
      '--disable-slash-commands',
      '--ide',
      '--include-partial-messages',
      '--mcp-debug',
      '--no-chrome',
      '--no-session-persistence',
      '--print',
      '--replay-user-messages',
      '--strict-mcp-config',
      '--verbose',
      '-p',
    ],
    listFlags: [
      '--add-dir',
      '--allowed-tools',
      '--allowedTools',
      '--betas',
      '--disallowed-tools',
      '--disallowedTools',
      '--file',
      '--mcp-config',
      '--tools',
    ],
  },
  continuePrompt: 'continue',
  exitCommand: '/exit',
};
