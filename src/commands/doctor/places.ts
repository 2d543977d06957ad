/** Checks of our own directories and files, and of the running daemon. */
import { accessSync, constants, existsSync, lstatSync, type Stats, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { errorCode } from '../../core/error-code.ts';
import { moveAside, shellWord } from '../../core/shell.ts';
import type { HealthView } from '../../core/status.ts';
import type { DaemonReply } from '../daemon-client.ts';
import { asRecord } from '../daemon-client.ts';
import type { Check } from './check.ts';
import { failed, noted, octal, passed, warned } from './check.ts';

const MIB = 1024 * 1024;
/** Below this the journal may not be writable for long. */
const TIGHT_BYTES = 100 * MIB;

export function checkPlaces(config: Config, ownUid: number): readonly Check[] {
  const { stateDir, runtimeDir } = config.daemon;
  return [
    ownDirectory('state directory', stateDir, ownUid),
    freeDisk(stateDir),
    ownDirectory('runtime directory', runtimeDir, ownUid),
    socketFile(config.http.socket, ownUid),
    configMode(config.file, ownUid),
  ];
}

/** @param version of this command */
export function checkDaemon(reply: DaemonReply, version: string): readonly Check[] {
  const name = 'daemon';
  if (reply.kind === 'not_running') return [warned(name, 'not running', 'start it: claude-failover run')];
  if (reply.kind === 'no_answer')
    return [failed(name, `it listens and does not answer (${reply.reason})`, 'look at its log, then restart it')];
  const health: Partial<HealthView> = asRecord(reply.body);
  if (health.version !== undefined && health.version !== version) {
    return [warned(name, `runs version ${health.version}, this is ${version}`, 'restart the daemon')];
  }
  if (health.status === 'unhealthy')
    return [failed(name, `unhealthy: ${health.reasons?.join('; ') ?? 'no reason given'}`, 'claude-failover status')];
  if (health.status === 'degraded')
    return [warned(name, `degraded: ${health.reasons?.join('; ') ?? 'no reason given'}`, 'claude-failover status')];
  return [passed(name, 'runs and is well')];
}

function ownDirectory(name: string, path: string, ownUid: number): Check {
  try {
    const found = lstatSync(path);
    if (!found.isDirectory()) return failed(name, `${path} is not a directory`, moveAside(path));
    if (found.uid !== ownUid)
      return failed(name, `${path} belongs to uid ${found.uid}`, `sudo chown -R ${ownUid} ${shellWord(path)}`);
    if ((found.mode & 0o077) !== 0)
      return failed(name, `${path} is open to others (mode ${octal(found.mode)})`, `chmod 700 ${shellWord(path)}`);
    return passed(name, path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return toBeMade(name, path);
    return unreadable(name, path, error);
  }
}

/** A directory that is not there is made below the nearest one that is. */
function toBeMade(name: string, path: string): Check {
  let parent = dirname(path);
  while (!existsSync(parent) && parent !== dirname(parent)) parent = dirname(parent);
  try {
    accessSync(parent, constants.W_OK | constants.X_OK);
    return noted(name, `${path} is not there yet; the daemon makes it`);
  } catch {
    const fix = `make ${parent} writable for you, or name another place in the configuration: ls -ld ${shellWord(parent)}`;
    return failed(name, `${path} is not there and cannot be made: ${parent} is not writable`, fix);
  }
}

function unreadable(name: string, path: string, error: unknown): Check {
  return failed(
    name,
    `${path} cannot be looked at (${errorCode(error)})`,
    `ls -ld ${shellWord(path)} ${shellWord(dirname(path))}`,
  );
}

function freeDisk(stateDir: string): Check {
  for (let path = stateDir; ; path = dirname(path)) {
    try {
      const { bavail, bsize, files, ffree } = statfsSync(path);
      const free = bavail * bsize;
      const words = `${Math.floor(free / MIB)} MiB free below ${path}`;
      const isTight = free < TIGHT_BYTES || (files > 0 && ffree < 1000);
      return isTight
        ? failed('disk', words, `make room: df -h ${shellWord(path)}; df -i ${shellWord(path)}`)
        : passed('disk', words);
    } catch (error) {
      if (path === dirname(path) || !['ENOENT', 'ENOTDIR'].includes(errorCode(error)))
        return failed('disk', `${path}: ${errorCode(error)}`, `df -h ${shellWord(path)}`);
    }
  }
}

function socketFile(path: string, ownUid: number): Check {
  const name = 'socket';
  let found: Stats | undefined;
  try {
    found = lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    return unreadable(name, path, error);
  }
  if (found === undefined) return noted(name, `${path} is there while the daemon runs`);
  if (!found.isSocket()) return failed(name, `${path} is not a socket`, moveAside(path));
  if (found.uid !== ownUid || (found.mode & 0o077) !== 0)
    return failed(
      name,
      `${path} is open to others (uid ${found.uid}, mode ${octal(found.mode)})`,
      'restart the daemon',
    );
  return passed(name, path);
}

function configMode(file: string, ownUid: number): Check {
  const { uid, mode } = lstatSync(file);
  if ((mode & 0o022) !== 0)
    return failed(
      'configuration mode',
      `${file} can be changed by others (mode ${octal(mode)})`,
      `chmod go-w ${shellWord(file)}`,
    );
  if (uid !== ownUid && uid !== 0)
    return failed('configuration mode', `${file} belongs to uid ${uid}`, `sudo chown ${ownUid} ${shellWord(file)}`);
  return passed('configuration mode', octal(mode));
}
