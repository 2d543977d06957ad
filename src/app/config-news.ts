/** Tells of every change of the configuration, and keeps what status and alerts say of the last one. */
import { basename } from 'node:path';
import type { LiveConfig } from '../config/live.ts';
import { problemLine } from '../core/errors.ts';
import type { NewEvent } from '../core/events.ts';
import type { EpochMs } from '../core/time.ts';
import type { Clock, LocalStore, Logger } from '../ports.ts';

export interface ConfigNews {
  /** When the configuration in force was read. */
  readonly loadedAt: () => EpochMs;
  /** What is wrong with the file as it stands; null: it is in force. */
  readonly rejected: () => string | null;
}

export function followConfig(
  live: LiveConfig,
  startedAt: EpochMs,
  { local, clock, log }: { readonly local: Pick<LocalStore, 'append'>; readonly clock: Clock; readonly log: Logger },
): ConfigNews {
  let loadedAt = startedAt;
  let rejected: string | null = null;
  const write = (event: NewEvent): void => void local.append([event], clock.now()).catch(() => {});
  live.onChange((result) => {
    if (result.kind === 'applied') {
      loadedAt = clock.now();
      rejected = null;
      const { changedKeys: changed, restartKeys } = result;
      log.info({ changed, needRestart: restartKeys }, 'configuration applied');
      write({ type: 'config_applied', data: { changed, need_restart: restartKeys } });
    } else {
      const { problems } = result.error;
      rejected = problems
        .map((problem) => problemLine(basename(live.current.file), { ...problem, hint: null }))
        .join('; ');
      log.warn({ problems }, 'changed configuration rejected; the old one stays');
      write({ type: 'config_rejected', data: { detail: rejected, problems } });
    }
  });
  return { loadedAt: () => loadedAt, rejected: () => (live.isRejected ? rejected : null) };
}
