/** What our own commands write reaches the daemon: a hook at once, the figures of a status line with the next look. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';
import { hookLine, writeHookLine } from '../../src/adapters/signals/hook-record.ts';
import { sampleOf, writeSample } from '../../src/adapters/signals/statusline-sample.ts';
import { HOUR } from '../support/daemon.ts';
import { onStage } from '../support/stage.ts';
import { waitFor } from '../support/wait.ts';

test.concurrent(
  'a limit that a hook tells of is found at once, although the next poll is minutes away [R248]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a' });
    const daemon = await start({ changes: { mode: 'observe', quota: { poll_interval: '10m' } } });
    await waitFor(() => daemon.status().sessions.length === 1);
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + HOUR });
    await pane.say('do the work');
    await pane.shows('limit');
    expect(await daemon.events('quota_hit')).toEqual([]);

    const stateDir = join(world.root, 'state');
    const [session_id = ''] = world.events().map(({ sessionId }) => sessionId);
    const figures = { rate_limits: { five_hour: { used_percentage: 100, resets_at: (Date.now() + HOUR) / 1000 } } };
    const sample = sampleOf({ session_id, ...figures }, world.link, Date.now());
    const line = hookLine({ session_id, hook_event_name: 'StopFailure', error: 'rate_limit' }, Date.now());
    if (sample === null || line === null) throw new Error('the session has no id');
    writeSample(stateDir, sample, systemClock());
    writeHookLine(stateDir, line, systemClock());

    expect(await daemon.told('quota_hit')).toMatchObject({ session: 'a', account: 'work-1' });
    // Told while the panes are judged; shown when all are.
    const record = await waitFor(async () => {
      const found = await daemon.app.api.paneRecord('a');
      return found?.finding.decision.kind === 'confirmed' ? found : null;
    });
    expect(record.finding.signals).toMatchObject({
      sessionId: session_id,
      hook: { event: 'StopFailure', error: 'rate_limit' },
      figures: [{ window: '5h', usedPercent: 100, home: world.home('work-1').home }],
      skipped: {},
    });
    expect(daemon.status().sessions).toMatchObject([
      { session: 'a', figures: [{ window: '5h', used_percent: 100, source: 'statusline' }] },
    ]);
  }),
);
