/** `unadopt`: gives a directory that `init` took over back to its place, as it was. */
import { createAccountLink } from '../adapters/accounts/link.ts';
import type { PoolConfig } from '../config/schema.ts';
import type { AdoptionRecord, AdoptionStep } from '../core/adoption/step.ts';
import { describeUndo } from '../core/adoption/step.ts';
import { FailoverError } from '../core/errors.ts';
import { describeLink } from '../core/swap/recovery.ts';
import type { Moves } from '../ports/adoption.ts';
import type { AdoptionPorts } from '../steps/adopt.ts';
import { carryOut } from '../steps/adopt.ts';
import { placeOf } from '../steps/read-pool.ts';
import { isYes } from './adoption/answer.ts';
import { loginDirectory } from './adoption/facts.ts';
import type { AdoptionSubject } from './adoption/place.ts';
import { findSubject } from './adoption/place.ts';
import { demandNoAgents, tellUsers } from './adoption/users.ts';
import { adoptionPorts, demandNoDaemon, directoriesAt, keepDaemonsAway } from './adoption/workshop.ts';
import { endRecord, takenBack } from './init.ts';
import type { CommandIo, GlobalOptions } from './io.ts';
import { EXIT } from './io.ts';
import { NO_LOG } from './offline.ts';
import { clean } from './text.ts';

export interface UnadoptOptions extends GlobalOptions {
  readonly pool?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/**
 * @returns 0, or 5 without a yes
 * @throws {FailoverError} nothing was taken over, a daemon or an agent runs, or a step failed: the next run goes on there
 */
export async function unadopt(options: UnadoptOptions, io: CommandIo): Promise<number> {
  const subject = findSubject(options, io);
  const { config, pool, profile } = subject;
  demandNoDaemon(config, pool);
  const ports = adoptionPorts(config, io);
  const found = await ports.journal.read(pool.name);
  if (found === null)
    throw new FailoverError(
      'not_adopted',
      `${pool.link} was not taken over by init, as far as ${config.daemon.stateDir} knows`,
      {
        hint: `by hand, with no agent running: remove the link ${pool.link} and rename the home of an account to that name`,
      },
    );
  const record = found.isComplete ? await wayBack(found, subject, ports) : takenBack(found);

  io.out(`pool ${clean(pool.name)} (${pool.agent}, ${pool.mode}): what init moved goes back\n`);
  for (const step of record.steps.slice(0, record.done).reverse()) io.out(`  ${clean(describeUndo(step))}\n`);
  const places = [record.link, record.home, loginDirectory(subject), ...pool.accounts.map(({ home }) => home)];
  const users = await tellUsers(places, profile, io);
  if (options.dryRun === true) {
    io.out('nothing was changed\n');
    return EXIT.ok;
  }
  demandNoAgents(users, loginDirectory(subject));
  if (options.yes !== true && !(io.isTTY && (await isYes('Do this?', io)))) {
    io.err('claude-failover: nothing was changed without a yes\nnext: claude-failover unadopt --yes\n');
    return EXIT.refused;
  }

  const letDaemonsIn = keepDaemonsAway(config, pool, io);
  let left: readonly string[] = [];
  try {
    demandNoAgents(await tellUsers(places, profile, io, 'quiet'), loginDirectory(subject));
    const lockHomes = await directoriesAt(ports.moves, [record.home, loginDirectory(subject)]);
    ({ left } = await carryOut(ports, record, profile, lockHomes));
    await endRecord(record, ports);
  } finally {
    letDaemonsIn();
  }
  // Our own lock lay in some of them.
  for (const path of left)
    if (!(await ports.moves.removeDirectory(path))) io.out(`  note: ${clean(path)} stays: something else is in it\n`);
  if (record.mends !== undefined) {
    io.out('the half-done init was taken back\nnext: claude-failover unadopt, to take the one before it back too\n');
    return EXIT.ok;
  }
  io.out('done: everything is where it was\n');
  io.out(`the configuration ${clean(subject.file.path)} stays; claude-failover init takes it all over again\n`);
  return EXIT.ok;
}

/** The link may name another account by now, and other homes may have links to what goes back. */
async function wayBack(
  record: AdoptionRecord,
  { pool }: AdoptionSubject,
  { moves }: AdoptionPorts,
): Promise<AdoptionRecord> {
  const place = placeOf(pool);
  const homes = [...place.homes, { account: record.account, home: record.home }];
  const state = await createAccountLink({ log: NO_LOG }).read({ ...place, homes });
  if (state.kind !== 'account')
    throw new FailoverError('link_strange', `${record.link} is ${describeLink(state)}, not what init made`, {
      hint: 'point it at the home of an account again, then run the same command again',
    });
  const steps: AdoptionStep[] = [];
  for (const step of record.steps) {
    const isAccountLink = step.kind === 'link' && `${step.target}/`.startsWith(`${record.home}/`);
    const text = isAccountLink ? (await moves.look(step.path)).text : null;
    steps.push(isAccountLink && text !== null ? { ...step, target: text } : step);
  }
  const shared = steps.flatMap((step) =>
    step.kind === 'move' ? [step.to] : step.kind === 'make_directory' ? [step.path] : [],
  );
  const elsewhere: AdoptionStep[] = [];
  for (const { home } of pool.accounts.filter((account) => account.home !== record.home)) {
    for (const target of shared) {
      const path = `${home}/${target.slice(target.lastIndexOf('/') + 1)}`;
      const { kind, text } = await moves.look(path);
      if (kind === 'link' && text === target) elsewhere.push({ kind: 'link', path, target });
    }
  }
  const all = [...(await withGrown(steps, pool, moves)), ...elsewhere];
  return { ...record, direction: 'undo', steps: all, done: all.length, isComplete: false };
}

/** A directory that was made empty goes back too when something is in it by now. */
async function withGrown(
  steps: readonly AdoptionStep[],
  pool: PoolConfig,
  moves: Moves,
): Promise<readonly AdoptionStep[]> {
  const grown: AdoptionStep[] = [];
  for (const step of steps) {
    const own = steps.find(
      (other) =>
        other.kind === 'link' &&
        step.kind === 'make_directory' &&
        other.target === step.path &&
        (pool.mode === 'config_dir' || step.path.startsWith(`${pool.sharedRoot}/`)),
    );
    const isEmpty = step.kind !== 'make_directory' || own === undefined || (await moves.isEmpty(step.path));
    if (own?.kind === 'link' && step.kind === 'make_directory' && !isEmpty)
      grown.push({ kind: 'move', from: own.path, to: step.path });
    else grown.push(step);
  }
  return grown;
}
