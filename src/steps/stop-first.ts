/** Agents that must end before the link moves: which they are, why they cannot be ended now, who uses the link besides them. */
import type { PoolConfig } from '../config/schema.ts';
import { splitCommand } from '../core/agents/process-match.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { mustStopFirst } from '../core/agents/profile.ts';
import type { AgentProcess } from '../core/panes.ts';
import { obstacleToStop } from '../core/swap/stop.ts';
import type { SwapRow } from '../core/swap/swap.ts';
import { SECOND } from '../core/time.ts';
import type { PaneFinding } from '../core/verdict/pane-finding.ts';
import { isSwitchable } from '../core/verdict/pane-finding.ts';
import type { Stopping } from '../ports/stopping.ts';
import type { AccountLink, Board, TickContext } from '../ports.ts';
import { placeOf } from './read-pool.ts';
import { newRecovery } from './recover-panes.ts';

/** A pool is looked at every few seconds; before a link moves everything is looked at anew. */
const LOOK_AGAIN_MS = 5 * SECOND;

/** Whether an agent can be ended depends on no swap. */
const NO_SWAP = { id: '', from: '', to: '', trigger: 'manual' } as const;

export interface StopPorts {
  readonly stopping: Stopping;
  readonly link: Pick<AccountLink, 'accountOf'>;
}

/** The panes of this pool whose agents must end before the link moves. */
export function panesToStop(
  findings: Iterable<PaneFinding>,
  config: PoolConfig,
  profile: AgentProfile,
): readonly PaneFinding[] {
  return [...findings].filter(
    (finding) => isSwitchable(finding, config.name) && mustStopFirst(profile, finding.signals?.version ?? null),
  );
}

/** What stands in the way of ending them all; null: nothing, or none must end. */
export async function stopObstacle(
  ports: StopPorts & { readonly board: Pick<Board, 'findings'> },
  config: PoolConfig,
  profile: AgentProfile,
  context: Pick<TickContext, 'config' | 'now'>,
): Promise<string | null> {
  if (profile.stopFirst === 'never') return null;
  const findings = [...ports.board.findings().values()];
  const panes = panesToStop(findings, config, profile);
  for (const finding of panes) {
    const row = newRecovery(NO_SWAP, finding, panes, config, profile, context);
    const obstacle = obstacleToStop(finding, row, profile);
    if (obstacle !== null) return `${finding.view.label} must end before the link moves, but ${obstacle}`;
  }
  const inPanes = new Set(panes.map(({ process }) => process.pid));
  const other = (await usersOfLink(ports, config, profile, LOOK_AGAIN_MS)).find(
    (process) => !inPanes.has(process.pid) && !isBackground(process, profile),
  );
  if (other === undefined) return null;
  const alone = findings.find(({ process, notSwitchable }) => process.pid === other.pid && notSwitchable !== null);
  if (alone?.notSwitchable == null) return `${nameOf(other)} uses ${config.link} and is in no pane that can be ended`;
  return `${alone.view.label} may use ${config.link} and is left alone, for ${alone.notSwitchable.reason}`;
}

/** The running agents that would be left with the wrong account if the link moved now; only for agents that always end first. */
export async function usersOfLink(
  ports: StopPorts,
  config: PoolConfig,
  profile: AgentProfile,
  maxAgeMs = 0,
): Promise<readonly AgentProcess[]> {
  if (profile.stopFirst !== 'always') return [];
  const users: AgentProcess[] = [];
  for (const process of await ports.stopping.everyAgent(maxAgeMs)) {
    if (process.agent !== profile.kind || isHarmless(process, profile)) continue;
    if ((await ports.link.accountOf(process.configDir, placeOf(config)))?.throughLink === true) users.push(process);
  }
  return users;
}

export function isBackground(process: AgentProcess, profile: AgentProfile): boolean {
  return profile.background?.argv.test(argumentsOf(process, profile)) === true;
}

function isHarmless(process: AgentProcess, profile: AgentProfile): boolean {
  return profile.background?.harmless.test(argumentsOf(process, profile)) === true;
}

function argumentsOf({ argv }: AgentProcess, profile: AgentProfile): string {
  return splitCommand(argv, profile).args.join(' ');
}

/** For a person; arguments may hold a prompt. */
export function nameOf({ agent, pid, cwd }: AgentProcess): string {
  return `${agent} (process ${pid} in ${cwd})`;
}

/** Whether the link of this recovery's swap has moved. */
export function flipOf(swap: SwapRow | undefined): 'pending' | 'done' | 'failed' {
  if (swap === undefined || swap.phase === 'failed') return 'failed';
  return swap.phase === 'prepared' || swap.phase === 'stopping' ? 'pending' : 'done';
}
