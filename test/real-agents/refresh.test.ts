/**
 * The official Claude Code refreshes its tokens at the very moment at which the daemon wants to move the link: the flip
 * waits for it, and neither login is lost.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { StandInWorld } from '../support/stand-in/index.ts';
import { waitFor } from '../support/wait.ts';
import { installAgent } from './install.ts';
import { beforeStageClears, clearStage, say, stage, swapsDone } from './stage.ts';
import { tlsDoorLack } from './tls-door.ts';
import { startTokenServer, type TokenServer } from './token-server.ts';

/** Below the five seconds that the CLI waits for the token server. */
const REFRESH_MS = 3_500;

/** So long before the end of a token it is refreshed. */
const MARGIN_MS = 300_000;

afterEach(clearStage);

interface Login {
  readonly accessToken: string;
  readonly refreshToken: string;
}

function loginOf(world: StandInWorld, account: string): Login {
  const { claudeAiOauth } = JSON.parse(readFileSync(world.home(account).credentials, 'utf8')) as {
    claudeAiOauth: Login;
  };
  return claudeAiOauth;
}

/** When its access token ends. A CLI that looks at the file before each request sees that it changed. */
function setExpiry(world: StandInWorld, account: string, expiresAt: number): void {
  const { credentials } = world.home(account);
  const file = JSON.parse(readFileSync(credentials, 'utf8')) as { claudeAiOauth: { expiresAt: number } };
  file.claudeAiOauth.expiresAt = expiresAt;
  writeFileSync(`${credentials}.new`, JSON.stringify(file), { mode: 0o600 });
  renameSync(`${credentials}.new`, credentials);
}

const lack = tlsDoorLack();
if (lack !== null) console.log(`refreshes of the real CLI are skipped: ${lack}`);

describe.each(['latest', '2.1.220', '2.0.76'])('Claude Code %s', (version) => {
  const agent = installAgent(`@anthropic-ai/claude-code@${version}`, 'claude');
  if (agent.kind === 'absent') console.log(`Claude Code ${version} is skipped: ${agent.reason}`);
  const program = agent.kind === 'installed' ? agent.program : '';

  it.skipIf(agent.kind === 'absent' || lack !== null)(
    'a refresh in flight when the limit is seen: the link moves after it, and both logins are good [R259 R260]',
    async () => {
      let server: TokenServer | undefined;
      // This one keeps what it read at its start: the token has to end by itself.
      const isMemoised = version.startsWith('2.0.');
      const refreshDueAt = Date.now() + 25_000;
      const { world, provider, daemon, panes } = await stage(program, {
        panes: 2,
        env: async (made) => {
          const logins = made.homes.map(({ account }) => ({ account, ...loginOf(made, account) }));
          server = await startTokenServer(logins);
          if (isMemoised) setExpiry(made, 'work-1', refreshDueAt + MARGIN_MS);
          return server.env;
        },
      });
      if (server === undefined) throw new Error('no token server');
      const tokens = server;
      beforeStageClears(() => tokens.close());
      const [first, second] = panes;
      if (first === undefined || second === undefined) throw new Error('no panes');
      for (const pane of panes) {
        await say(pane, 'first question');
        await pane.shows(/REPLY-\d+ from work-1/, 30_000);
      }
      tokens.setDelay(REFRESH_MS);
      provider.set('work-1', 'five_hour');
      await first.type('second question');
      await second.type('second question');
      await second.shows('second question');
      if (isMemoised) await waitFor(() => Date.now() > refreshDueAt - 500, { timeoutMs: 30_000 });
      await first.press('Enter');
      await waitFor(() => provider.requests.some(({ status }) => status === 429), { timeoutMs: 30_000, everyMs: 1 });
      if (isMemoised) await waitFor(() => Date.now() > refreshDueAt, { everyMs: 5 });
      else setExpiry(world, 'work-1', Date.now() - 1000);
      await second.press('Enter');
      await waitFor(() => tokens.waiting() > 0, { timeoutMs: 10_000, everyMs: 5 });

      const swaps = await swapsDone(daemon, 180_000).catch(async (error: unknown) => {
        for (const pane of panes) console.log(await pane.screen());
        throw error;
      });
      expect(swaps).toMatchObject([{ from: 'work-1', to: 'work-2' }]);
      for (const pane of panes) await pane.shows(/REPLY-\d+ from work-2/, 30_000);
      const [refresh] = tokens.refreshes;
      expect(tokens.refreshes).toMatchObject([{ account: 'work-1', isRefused: false }]);
      const flippedAt = Date.parse(swaps[0]?.flipped_at ?? '');
      expect(flippedAt).toBeGreaterThanOrEqual(refresh?.answeredAt ?? 0);
      for (const { account } of world.homes)
        expect({ account, ...loginOf(world, account) }).toMatchObject({ ...tokens.good(account) });
      console.log(
        `Claude Code ${version}: the refresh took ${(refresh?.answeredAt ?? 0) - (refresh?.askedAt ?? 0)} ms, ` +
          `the link moved ${flippedAt - (refresh?.answeredAt ?? 0)} ms after it`,
      );
    },
  );
});
