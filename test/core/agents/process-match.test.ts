/** Recognising an agent by how it was started. */
import { describe, expect, it } from 'vitest';
import { paneAgent, profileOf } from '../../../src/core/agents/process-match.ts';
import { testProfile } from '../../support/panes.ts';

const SCRIPT = '/usr/lib/node_modules/cf-agent/cli.js';

describe('a process is an agent', () => {
  it.each([
    ['by its name', ['/home/a b/bin/cf-agent', '--resume'], '/opt/versions/2.1.92', true],
    ['by its executable', ['something else'], '/opt/cf-agent', true],
    ['by its executable that an upgrade replaced', ['x'], '/opt/cf-agent (deleted)', true],
    ['by the title it gave itself', ['cf-agent --resume 12'], '/usr/bin/node', true],
    ['as a script', ['node', SCRIPT, '--resume'], '/usr/bin/node', true],
    ['as a script behind options', ['node', '--no-warnings', '-r', './x.js', SCRIPT], '/usr/bin/node', true],
    ['as a script of bun', ['bun', 'run', SCRIPT], '/usr/bin/bun', true],
    ['not as an argument of another script', ['node', 'server.js', SCRIPT], '/usr/bin/node', false],
    ['not as an argument of evaluated code', ['node', '-e', '1', SCRIPT], '/usr/bin/node', false],
    ['not as a file in an editor', ['vim', SCRIPT], '/usr/bin/vim', false],
    ['not as a wrapper', ['sh', '-c', 'cf-agent --resume'], '/bin/sh', false],
    ['not as a script of a shell', ['/bin/bash', '/home/me/cf-agent/cli.js'], '/bin/bash', false],
    ['not as a package runner', ['npm exec cf-agent'], '/usr/bin/node', false],
    ['not by a longer name', ['cf-agent-monitor'], '/usr/bin/cf-agent-monitor', false],
    ['not without a name', [''], null, false],
  ])('%s', (_how, argv, exe, is) => {
    expect(profileOf({ argv, exe }, [testProfile])).toBe(is ? testProfile : null);
  });
});

describe('of several agents in a pane', () => {
  const agent = (foreground: boolean, startTicks: number, depth: number) => ({ foreground, startTicks, depth });

  it('takes none of none', () => {
    expect(paneAgent([])).toBeNull();
  });

  it('prefers the one on the screen to a newer one in the background', () => {
    const shown = agent(true, 1, 1);
    expect(paneAgent([agent(false, 9, 2), shown])).toBe(shown);
  });

  it('prefers the newest, then the deepest', () => {
    const newest = agent(true, 5, 1);
    expect(paneAgent([agent(true, 4, 7), newest])).toBe(newest);
    const deepest = agent(true, 5, 2);
    expect(paneAgent([newest, deepest])).toBe(deepest);
  });
});
