/** Builds what reads screens and the CLIs' own files, with the patterns that the configuration has at that moment. */
import type { SignalsWithEar } from '../adapters/signals/signals.ts';
import { createSignals } from '../adapters/signals/signals.ts';
import type { LiveConfig } from '../config/live.ts';
import { PROFILES } from '../core/agents/languages.ts';
import type { AgentKind } from '../core/agents/profile.ts';
import { detect } from '../core/screen/detect.ts';
import type { Reading } from '../core/screen/finding.ts';
import { readScreen } from '../core/screen/reading.ts';
import type { EpochMs } from '../core/time.ts';
import type { Clock, Logger } from '../ports.ts';

export function openSignals(
  live: LiveConfig,
  { clock, log, ownUid }: { readonly clock: Clock; readonly log: Logger; readonly ownUid: number },
): {
  readonly signals: SignalsWithEar;
  readonly readScreen: (text: string, now: EpochMs, agent?: AgentKind) => Reading;
} {
  const zone = clock.zone();
  const extra = () => live.current.quota.patterns;
  const classify = (text: string, agent: AgentKind, now: EpochMs) => {
    const found = detect(text, { agent, now, zone, extra: extra() });
    return found.class === 'none' ? null : { class: found.class, window: found.window, resetAt: found.resetAt };
  };
  return {
    readScreen: (text, now, agent = 'claude') => readScreen(text, { now, zone, agent, extra: extra() }),
    signals: createSignals({
      profiles: PROFILES,
      clock,
      log,
      classifyText: (text, at) => classify(text, 'claude', at),
      classifyCodexText: (text, at) => classify(`■ ${text}`, 'codex', at),
      stateDir: live.current.daemon.stateDir,
      ownUid,
    }),
  };
}
