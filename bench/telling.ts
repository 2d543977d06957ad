/** What a swap by hand takes while every provider of messages hangs, against one without any channel: pairs, turn by turn. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BY_HAND, startDaemon } from '../test/support/daemon.ts';
import { startProvider } from '../test/support/providers.ts';
import { StandInWorld } from '../test/support/stand-in/index.ts';
import { startTmux } from '../test/support/tmux.ts';

const PAIRS = Number(process.env.PAIRS ?? 30);
/** Neither has a channel: what two equal daemons differ by on this machine. */
const IS_CONTROL = process.env.CONTROL === '1';
const hang = await startProvider({ kind: 'hang' });
const tmux = await startTmux();
const worlds = [new StandInWorld(), new StandInWorld()] as const;
const often = {
  quota: { poll_interval: '200ms', swap_cooldown: '0s', account_reactivate_cooldown: '0s' },
  daemon: { circuit_breaker: { swaps_per_hour: 1000 } },
};
const secret = join(worlds[1].root, 'secret');
writeFileSync(secret, '12345:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', { mode: 0o600 });
const quiet = await startDaemon(worlds[0], tmux, { changes: often });
const telling = await startDaemon(worlds[1], tmux, {
  changes: {
    ...often,
    notifications: IS_CONTROL
      ? {}
      : {
          min_severity: 'info',
          email: {
            enabled: true,
            api_key_file: secret,
            from: 'a@example.com',
            to: ['b@example.com'],
            api_base: hang.url,
          },
          telegram: { enabled: true, token_file: secret, chat_ids: [1], api_base: hang.url },
          webhook: { enabled: true, url: hang.url, secret_file: secret },
        },
  },
});
try {
  const flips: [number[], number[]] = [[], []];
  const wholes: [number[], number[]] = [[], []];
  for (let pair = 0; pair < PAIRS; pair++) {
    const order = pair % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const);
    const done: Promise<unknown>[] = [];
    for (const which of order) {
      const daemon = which === 0 ? quiet : telling;
      const answer = await daemon.app.api.swap({ ...BY_HAND, force: true });
      if (answer.kind !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(answer)}`);
      // One after the other up to the flip, so that both have the machine for themselves; their ends may overlap.
      let flippedMs: number | null = null;
      while (flippedMs === null) {
        const swap = (await daemon.app.api.swapRecord(answer.id))?.swap ?? null;
        if (swap?.flippedAt != null) flippedMs = swap.flippedAt - swap.requestedAt;
        else await new Promise((resolve) => setTimeout(resolve, 5));
      }
      flips[which].push(flippedMs);
      done.push(
        daemon.swapDone(60_000, answer.id).then(({ swap }) => {
          wholes[which].push((swap.finishedAt ?? 0) - swap.requestedAt);
        }),
      );
    }
    await Promise.all(done);
  }
  console.log(
    `${PAIRS} pairs${IS_CONTROL ? ', neither with channels' : `; ${hang.requests.length} requests hung meanwhile`}`,
  );
  say('from the wish to the moved link', flips);
  say('from the wish to its end', wholes);
} finally {
  await Promise.all([quiet.stop(), telling.stop()]);
  await tmux.kill();
  for (const world of worlds) world.remove();
  await hang.close();
}

function say(what: string, [without, hanging]: readonly [readonly number[], readonly number[]]): void {
  const ratio = (median(hanging) / median(without)).toFixed(3);
  console.log(
    `${what}: median ${median(without)} ms without channels, ${median(hanging)} ms with all hanging, ratio ${ratio}`,
  );
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
