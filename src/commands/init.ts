/** `init`: makes the user's own configuration directory the home of an account behind a link, and writes the first configuration. */
import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { AccountConfig } from '../config/schema.ts';
import type { Obstacle } from '../core/adoption/plan.ts';
import type { AdoptionRecord, AdoptionStep } from '../core/adoption/step.ts';
import { describeStep } from '../core/adoption/step.ts';
import { FailoverError } from '../core/errors.ts';
import { toIso } from '../core/time.ts';
import type { AdoptionPorts } from '../steps/adopt.ts';
import { carryOut } from '../steps/adopt.ts';
import { isYes } from './adoption/answer.ts';
import { loginDirectory, planFor } from './adoption/facts.ts';
import { keepIdentity, type LoginFacts, loginAt } from './adoption/login.ts';
import type { AdoptionSubject, PlaceOptions } from './adoption/place.ts';
import { findSubject } from './adoption/place.ts';
import { probeCredentialsDir } from './adoption/probe.ts';
import { demandNoAgents, tellUsers } from './adoption/users.ts';
import { adoptionPorts, demandNoDaemon, directoriesAt, keepDaemonsAway } from './adoption/workshop.ts';
import type { CommandIo } from './io.ts';
import { EXIT } from './io.ts';
import { clean } from './text.ts';

export interface InitOptions extends PlaceOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  /** Install the hooks too, without a question. */
  readonly hooks?: boolean;
}

/**
 * @param program how this very program is run
 * @returns 0 also when everything is in place already, 1 when something stands in the way, 5 without a yes
 * @throws {FailoverError} a daemon or an agent runs, or a step failed: then everything was put back as far as possible
 */
export async function init(program: readonly string[], options: InitOptions, io: CommandIo): Promise<number> {
  const asked = findSubject(options, io);
  demandNoDaemon(asked.config, asked.pool);
  const ports = adoptionPorts(asked.config, io);
  const former = await ports.journal.read(asked.pool.name);
  // What was begun under other names is not finished under new ones.
  const subject =
    former === null || asked.file.text === null
      ? asked
      : findSubject({ ...options, account: former.account, home: former.home }, io);
  const { config, pool } = subject;
  if (former !== null && !former.isComplete) return goOn(former, subject, ports, options, io);

  const prepared = await prepare(subject, ports, options, io);
  if (prepared.kind === 'refused') return refuse(prepared.obstacles, io);
  if (prepared.kind === 'adopted') {
    io.out(`${clean(pool.link)} is in place already\n`);
    if (options.dryRun === true) return EXIT.ok;
    if (former === null) writeConfig(subject, io);
    else await finish(former, subject, ports, io);
    return EXIT.ok;
  }
  tellPlan(prepared, subject, io);
  const places = [pool.link, prepared.account.home, loginDirectory(subject)];
  const users = await tellUsers(places, subject.profile, io);
  if (options.dryRun === true) {
    io.out('nothing was changed\n');
    return EXIT.ok;
  }
  demandNoAgents(users, loginDirectory(subject));
  if (!(await mayGoOn(options, io))) return EXIT.refused;

  const record: AdoptionRecord = {
    version: 1,
    pool: pool.name,
    agent: pool.agent,
    account: prepared.account.name,
    home: prepared.account.home,
    link: pool.link,
    startedAt: io.clock.now(),
    direction: 'adopt',
    steps: prepared.steps,
    done: 0,
    isComplete: false,
    locks: [],
    identity: prepared.login.identity,
    ...(former !== null && { mends: former }),
  };
  const letDaemonsIn = keepDaemonsAway(config, pool, io);
  try {
    demandNoAgents(await tellUsers(places, subject.profile, io, 'quiet'), loginDirectory(subject));
    await adopt(record, subject, ports);
    await finish(record, subject, ports, io);
  } finally {
    letDaemonsIn();
  }
  await offerHooks(program, options, subject, io);
  return EXIT.ok;
}

type Prepared =
  | {
      readonly kind: 'plan';
      readonly account: AccountConfig;
      readonly steps: readonly AdoptionStep[];
      readonly notes: readonly string[];
      readonly login: LoginFacts;
    }
  | { readonly kind: 'adopted' }
  | { readonly kind: 'refused'; readonly obstacles: readonly Obstacle[] };

async function prepare(
  subject: AdoptionSubject,
  ports: AdoptionPorts,
  options: InitOptions,
  io: CommandIo,
): Promise<Prepared> {
  const { config, pool, profile } = subject;
  if (pool.mode === 'secure_storage') {
    const why = await probeCredentialsDir(profile, io);
    const remedy = 'update the CLI, or leave --mode and pools.*.mode out: then its whole directory is moved';
    if (why !== null) return { kind: 'refused', obstacles: [{ message: why, remedy }] };
  }
  const login = await loginAt(subject, io);
  const twin = pool.accounts.find(({ name }) => name === login.twin) ?? null;
  // A file that took the place of a link holds the newer login of its account; the older one is kept apart.
  const mayReplace = pool.mode === 'file_link' && (twin !== null || options.account !== undefined);
  const account = pool.mode === 'file_link' && twin !== null ? twin : subject.account;
  const stamp = (toIso(io.clock.now()) ?? '').replaceAll(/[-:]/g, '').slice(0, 15);
  const quarantine = mayReplace ? `${config.daemon.stateDir}/quarantine/${stamp}-login-of-${account.name}` : null;
  const plan = await planFor(ports, { ...subject, account }, quarantine);
  if (plan.kind !== 'plan') return plan;
  if (twin !== null && account !== twin) return { kind: 'refused', obstacles: [twinObstacle(subject, twin.name)] };
  return { ...plan, account, login };
}

function twinObstacle(subject: AdoptionSubject, twin: string): Obstacle {
  const { name } = subject.account;
  return {
    message: `${loginDirectory(subject)} holds the login of ${twin} once more, so it cannot become ${name}`,
    remedy: `log in to ${twin} with another account (claude-failover accounts login ${twin}), or leave ${name} out of the configuration`,
  };
}

/** Under the CLI's locks. What fails is taken back at once. */
async function adopt(record: AdoptionRecord, subject: AdoptionSubject, ports: AdoptionPorts): Promise<void> {
  const { pool, profile } = subject;
  const lockHomes = await directoriesAt(ports.moves, [loginDirectory(subject), record.home]);
  try {
    await carryOut(ports, record, profile, lockHomes);
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    const hint = cause instanceof FailoverError ? cause.hint : null;
    const half = await ports.journal.read(pool.name);
    if (half === null) throw cause;
    try {
      await carryOut(ports, takenBack(half), profile, []);
      await endRecord(half, ports);
    } catch (second) {
      const more = second instanceof Error ? second.message : String(second);
      throw new FailoverError('adoption_half_done', `${words}; and it could not be put back: ${more}`, {
        hint: 'nothing was overwritten; clear what stands in the way, then run: claude-failover unadopt',
        cause,
      });
    }
    throw new FailoverError('adoption_failed', `${words}; everything was put back`, {
      ...(hint !== null && { hint }),
      cause,
    });
  }
}

/** The step that was not counted may have been done. */
export function takenBack(record: AdoptionRecord): AdoptionRecord {
  const done = Math.min(record.steps.length, record.direction === 'adopt' ? record.done + 1 : record.done);
  return { ...record, direction: 'undo', done, isComplete: false };
}

/** Takes up what a kill cut short. */
async function goOn(
  record: AdoptionRecord,
  subject: AdoptionSubject,
  ports: AdoptionPorts,
  options: InitOptions,
  io: CommandIo,
): Promise<number> {
  const { config, pool, profile } = subject;
  const way = record.direction === 'adopt' ? 'init' : 'unadopt';
  io.out(`an earlier ${way} was cut short after ${record.done} of ${record.steps.length} steps\n`);
  if (record.direction === 'undo') {
    io.err('claude-failover: the directory is being given back\nnext: claude-failover unadopt\n');
    return EXIT.refused;
  }
  for (const step of record.steps.slice(record.done)) io.out(`  still to do: ${clean(describeStep(step))}\n`);
  const users = await tellUsers([record.link, record.home, loginDirectory(subject)], profile, io);
  if (options.dryRun === true) return EXIT.ok;
  demandNoAgents(users, record.link);
  if (!(await mayGoOn(options, io))) return EXIT.refused;
  const letDaemonsIn = keepDaemonsAway(config, pool, io);
  try {
    await carryOut(ports, record, profile, await directoriesAt(ports.moves, [record.home, loginDirectory(subject)]));
    await finish(record, subject, ports, io);
  } finally {
    letDaemonsIn();
  }
  return EXIT.ok;
}

/** What was taken back is forgotten; what was only mended is kept as it was before. */
export async function endRecord({ pool, mends }: AdoptionRecord, { journal }: AdoptionPorts): Promise<void> {
  if (mends === undefined) await journal.remove(pool);
  else await journal.write(mends);
}

async function finish(
  record: AdoptionRecord,
  subject: AdoptionSubject,
  ports: AdoptionPorts,
  io: CommandIo,
): Promise<void> {
  if (record.mends !== undefined) await ports.journal.write(record.mends);
  writeConfig(subject, io);
  await keepIdentity(record, subject.config, io);
  io.out(`done: ${clean(record.account)} lives in ${clean(record.home)} and is the active account\n`);
  io.out('the agent goes on as before; claude-failover unadopt puts everything back as it was\n');
  const others = subject.pool.accounts.filter(({ name }) => name !== record.account);
  if (others.length === 0) io.out('next: claude-failover accounts add <name>, for the account to fail over to\n');
  else io.out('next: claude-failover doctor\n');
}

/** Never over a file that is there. */
function writeConfig({ file }: AdoptionSubject, io: CommandIo): void {
  if (file.text === null) return;
  mkdirSync(dirname(file.path), { recursive: true, mode: 0o700 });
  const handle = openSync(file.path, 'wx', 0o600);
  try {
    writeSync(handle, file.text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  io.out(`wrote ${clean(file.path)}\n`);
}

function tellPlan(
  { account, steps, notes, login }: Extract<Prepared, { kind: 'plan' }>,
  { pool, file }: AdoptionSubject,
  io: CommandIo,
): void {
  io.out(`pool ${clean(pool.name)} (${pool.agent}, ${pool.mode}): your present login becomes ${clean(account.name)}\n`);
  io.out(`  ${clean(login.words)}\n`);
  for (const step of steps) io.out(`  ${clean(describeStep(step))}\n`);
  if (file.text !== null) io.out(`  write the configuration ${clean(file.path)}\n`);
  for (const note of notes) io.out(`  note: ${clean(note)}\n`);
}

async function mayGoOn(options: InitOptions, io: CommandIo): Promise<boolean> {
  if (options.yes === true) return true;
  if (io.isTTY && (await isYes('Do this?', io))) return true;
  io.err('claude-failover: nothing was changed without a yes\nnext: claude-failover init --yes\n');
  return false;
}

async function offerHooks(
  program: readonly string[],
  options: InitOptions,
  { pool }: AdoptionSubject,
  io: CommandIo,
): Promise<void> {
  if (pool.agent !== 'claude') return;
  if (options.hooks !== true) {
    io.out('  claude-failover hook install tells it more than the screen does (docs/signals.md)\n');
    return;
  }
  const { installHooks } = await import('./hook-install.ts');
  await installHooks(program, options.config === undefined ? {} : { config: options.config }, io);
}

function refuse(obstacles: readonly Obstacle[], io: CommandIo): number {
  for (const { message, remedy } of obstacles)
    io.err(`claude-failover: ${clean(message)}\nnext: ${remedy.replace(/[\x00-\x1f\x7f-\x9f]/g, '?')}\n`);
  return EXIT.error;
}
