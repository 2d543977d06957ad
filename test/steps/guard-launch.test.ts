/** When the safety hook is seen to, and what its absence means for a launch and for a session that is brought back. */
import { expect, test } from 'vitest';
import { toConfig } from '../../src/config/schema.ts';
import { skipsPermissions } from '../../src/core/sessions/permissions.ts';
import { guardLaunch, guardResume } from '../../src/steps/guard-launch.ts';
import { NOON } from '../support/builders.ts';
import { RecordingLog } from '../support/recording-log.ts';

const PLAN = { argv: ['claude', '--dangerously-skip-permissions'], cwd: '/p/house' };

function bench(safetyHook: boolean, why: string | null) {
  const accounts = ['a', 'b'].map((name) => ({ name, home: `/h/${name}` }));
  const sessions = { autonomous: { prefix: 'auto-', start_index: 1, max: 1 } };
  const config = toConfig({ accounts, sessions, dispatcher: { safety_hook: safetyHook } }, {}, '/home/ada');
  const asked: string[] = [];
  const log = new RecordingLog();
  const ports = {
    safetyHook: {
      async deploy(project: string) {
        asked.push(project);
        return why;
      },
    },
  };
  return { ports, asked, log, context: { config, log, now: NOON, signal: new AbortController().signal } };
}

test('an agent skips permissions by its flag or by its mode, and by nothing else [R86]', () => {
  expect(skipsPermissions(['claude', '--model', 'opus', '--dangerously-skip-permissions'])).toBe(true);
  expect(skipsPermissions(['claude', '--permission-mode', 'bypassPermissions'])).toBe(true);
  expect(skipsPermissions(['claude', '--permission-mode=bypassPermissions'])).toBe(true);
  expect(skipsPermissions(['claude', '--permission-mode', 'plan'])).toBe(false);
  expect(skipsPermissions(['claude', '--model', 'bypassPermissions'])).toBe(false);
  expect(skipsPermissions([])).toBe(false);
});

test('a launch without the hook is refused with the reason; one that needs none is not looked at [R86]', async () => {
  const shut = bench(true, 'it is a link');
  expect(await guardLaunch(shut.ports, PLAN, shut.context)).toBe(
    'its agent was not started without the safety hook: it is a link',
  );
  expect(await guardLaunch(shut.ports, { ...PLAN, argv: ['claude'] }, shut.context)).toBeNull();
  expect(shut.asked).toEqual(['/p/house']);
  const open = bench(true, null);
  expect(await guardLaunch(open.ports, PLAN, open.context)).toBeNull();
  const off = bench(false, 'it is a link');
  expect([await guardLaunch(off.ports, PLAN, off.context), off.asked]).toEqual([null, []]);
});

test('a session that is brought back goes on without the hook, and that is told; foreign ones are left alone [R86]', async () => {
  const { ports, asked, log, context } = bench(true, 'it is a link');
  await guardResume(ports, 'auto-1', PLAN, context);
  expect(asked).toEqual(['/p/house']);
  expect(log.lines).toMatchObject([{ level: 'warn', fields: { session: 'auto-1', reason: 'it is a link' } }]);
  await guardResume(ports, 'mine', PLAN, context);
  await guardResume(ports, 'auto-1', { ...PLAN, argv: ['claude'] }, context);
  expect(asked).toHaveLength(1);
});
