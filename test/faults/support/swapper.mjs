/**
 * The built daemon without its timers: it starts, is asked for one swap by hand, carries it out and stops. What it did is
 * printed as JSON; an error that a user would see goes to standard error, and ends it with 1.
 *
 * Arguments: the built program's directory, the configuration, the user's home, the account to swap to.
 */
import { pathToFileURL } from 'node:url';

const [dist, config, home, to] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${dist}/${name}.js`).href);
const [{ createApp }, { LiveConfig }, { loadConfigFile }, { systemClock }, { createLogger }] = await Promise.all(
  ['app', 'config/live', 'config/load', 'adapters/clock', 'adapters/logger'].map(load),
);

try {
  const clock = systemClock();
  const loaded = loadConfigFile({ path: config, env: {}, home });
  const app = await createApp({
    live: new LiveConfig({ loaded, env: {}, home, clock }),
    clock,
    log: createLogger({ level: 'error', format: 'json', isTTY: false }),
    pid: process.pid,
    env: { PATH: process.env.PATH },
    ownUid: process.getuid(),
    allowUnshared: false,
    onFatal(error) {
      throw error;
    },
  });
  await app.runOnce();
  const answer = await app.api.swap({ pool: null, to, force: true, reason: 'by hand', dryRun: false });
  const isWell = await app.runOnce();
  process.stdout.write(`${JSON.stringify({ answer: answer.kind, isWell })}\n`);
  await app.stop();
} catch (error) {
  process.stderr.write(`${error.code ?? error.name}: ${error.message}\n`);
  process.exit(1);
}
