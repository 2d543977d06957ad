/** Checks of our own directories and files, and of the running daemon. */
import { lstatSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Config } from '../../config/schema.ts';
import type { HealthView } from '../../core/status.ts';
import type { DaemonReply } from '../daemon-client.ts';
import { asRecord } from '../daemon-client.ts';
import type { Check } from './check.ts';
import { codeOf, failed, noted, octal, passed, quoted, warned } from './check.ts';

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
    if (!found.isDirectory())
      return failed(name, `${path} is not a directory`, `mv ${quoted(path)} ${quoted(`${path}.old`)}`);
    if (found.uid !== ownUid)
      return failed(name, `${path} belongs to uid ${found.uid}`, `sudo chown -R ${ownUid} ${quoted(path)}`);
    if ((found.mode & 0o077) !== 0)
      return failed(name, `${path} is open to others (mode ${octal(found.mode)})`, `chmod 700 ${quoted(path)}`);
    return passed(name, path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return noted(name, `${path} is not there yet; the daemon makes it`);
    return failed(name, `${path} cannot be looked at: ${codeOf(error)}`, `ls -ld ${quoted(path)}`);
  }
}

function freeDisk(stateDir: string): Check {
  for (let path = stateDir; ; path = dirname(path)) {
    try {
      const { bavail, bsize, files, ffree } = statfsSync(path);
      const free = bavail * bsize;
      const words = `${Math.floor(free / MIB)} MiB free below ${path}`;
      const isTight = free < TIGHT_BYTES || (files > 0 && ffree < 1000);
      return isTight
        ? failed('disk', words, `make room: df -h ${quoted(path)}; df -i ${quoted(path)}`)
        : passed('disk', words);
    } catch (error) {
      if (path === dirname(path) || codeOf(error) !== 'ENOENT')
        return failed('disk', `${path}: ${codeOf(error)}`, `df -h ${quoted(path)}`);
    }
  }
}

function socketFile(path: string, ownUid: number): Check {
  const name = 'socket';
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return noted(name, `${path} is there while the daemon runs`);
  if (!found.isSocket()) return failed(name, `${path} is not a socket`, `mv ${quoted(path)} ${quoted(`${path}.old`)}`);
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
      `chmod go-w ${quoted(file)}`,
    );
  if (uid !== ownUid && uid !== 0)
    return failed('configuration mode', `${file} belongs to uid ${uid}`, `sudo chown ${ownUid} ${quoted(file)}`);
  return passed('configuration mode', octal(mode));
}
