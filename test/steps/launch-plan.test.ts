import { expect, test } from 'vitest';
import { toConfig } from '../../src/config/schema.ts';
import { launchPlan } from '../../src/steps/launch-plan.ts';

const accounts = ['a', 'b'].map((name) => ({ name, home: `~/${name}` }));

test.each([
  ['config_dir', {}, null],
  ['config_dir', { link: '~/linked' }, '/home/ada/linked'],
  ['secure_storage', {}, null],
  ['secure_storage', { shared_root: '~/other' }, '/home/ada/other'],
  ['env', {}, '/home/ada/b'],
] as const)(
  'in mode %s an agent is told its directory only where it would not find it: %j [R41 R87]',
  (mode, keys, dir) => {
    const config = toConfig({ accounts, pools: { default: { mode, ...keys } } }, {}, '/home/ada');
    const [pool] = config.pools;
    if (pool === undefined) throw new Error('no pool');
    expect(launchPlan(config, pool, 'claude', '/p', 'opus', 'b')).toEqual({
      argv: ['claude', '--model', 'opus'],
      cwd: '/p',
      configDir: dir,
    });
  },
);

test('no agent begins under an account that is not known, or with a model that is none [R41 R87]', () => {
  const config = toConfig({ accounts, pools: { default: { mode: 'env' } } }, {}, '/home/ada');
  const [pool] = config.pools;
  if (pool === undefined) throw new Error('no pool');
  expect(launchPlan(config, pool, 'claude', '/p', null, null)).toBeNull();
  expect(launchPlan(config, pool, 'claude', '/p', '--dangerous', 'a')).toBeNull();
});
