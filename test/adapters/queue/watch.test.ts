import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { systemClock } from '../../../src/adapters/clock.ts';
import { watchQueues } from '../../../src/adapters/queue/watch.ts';
import type { QueueWatch } from '../../../src/ports/queue.ts';
import { Projects } from '../../support/queue-bench.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { waitFor } from '../../support/wait.ts';

let projects: Projects;
let watch: QueueWatch;
let changes: number;
beforeEach(async () => {
  projects = new Projects('api', 'web');
  changes = 0;
  watch = await watchQueues({ onChange: () => changes++, clock: systemClock(), log: new RecordingLog() });
  watch.follow(projects.dir, [{ name: 'api', path: projects.path('api') }]);
});
afterEach(() => watch.close());

/** Does it again and again until it is heard: a watch needs a moment to begin. */
async function heard(act: (round: number) => void): Promise<void> {
  changes = 0;
  let round = 0;
  await waitFor(
    () => {
      act(round++);
      return changes > 0;
    },
    { timeoutMs: 30_000, everyMs: 100 },
  );
}

describe('[R73] a change is heard of without waiting for the next look', () => {
  test('a file that is written, one that is moved there, and a new project', async () => {
    await heard((round) => writeFileSync(projects.at('api', 'inbox', `a${round}.md`), 'x'));
    await heard((round) => {
      const draft = projects.at('api', 'inbox', '.tmp-x');
      writeFileSync(draft, 'x');
      renameSync(draft, projects.at('api', 'inbox', `b${round}.md`));
    });
    await heard((round) => mkdirSync(join(projects.dir, `new-${round}`)));
  });

  test('in an inbox that is followed later, and in one that was made anew', async () => {
    const both = ['api', 'web'].map((name) => ({ name, path: projects.path(name) }));
    watch.follow(projects.dir, both);
    await heard((round) => writeFileSync(projects.at('web', 'inbox', `a${round}.md`), 'x'));
    rmSync(projects.at('web', 'inbox'), { recursive: true });
    mkdirSync(projects.at('web', 'inbox'));
    watch.follow(projects.dir, both);
    await heard((round) => writeFileSync(projects.at('web', 'inbox', `b${round}.md`), 'x'));
  });

  test('in one that was made anew where nobody looked, with the inode number of the first', async () => {
    const inbox = projects.at('api', 'inbox');
    await heard((round) => writeFileSync(join(inbox, `a${round}.md`), 'x'));
    const { ino } = statSync(inbox);
    const makeAnew = (): void => {
      rmSync(inbox, { recursive: true });
      mkdirSync(inbox);
    };
    // File systems that never give a number again have nothing to show here.
    for (let tries = 0; tries === 0 || (tries < 100 && statSync(inbox).ino !== ino); tries++) makeAnew();
    watch.follow(projects.dir, [{ name: 'api', path: projects.path('api') }]);
    // The end of the first one is heard as well, but not so often.
    for (const name of 'bcdef') await heard((round) => writeFileSync(join(inbox, `${name}${round}.md`), 'x'));
  });

  test('an inbox that is gone, and a directory that is not there, harm nobody', async () => {
    rmSync(projects.at('api', 'inbox'), { recursive: true });
    watch.follow('/nowhere', [{ name: 'api', path: projects.path('api') }]);
    watch.follow(null, [{ name: 'web', path: projects.path('web') }]);
    await heard((round) => writeFileSync(projects.at('web', 'inbox', `a${round}.md`), 'x'));
  });
});
