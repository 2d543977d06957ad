/** What stands where a campaign failed: the last swap, the state of all, the screens, the end of the log. */
import type { DaemonProcess } from '../../support/daemon-process.ts';
import type { StandInPane } from '../../support/stand-in/index.ts';

export async function standing(panes: readonly StandInPane[], daemon: DaemonProcess | null): Promise<string> {
  const screens = await Promise.all(panes.map((pane) => pane.screen()));
  return [
    await daemon?.text('/swaps/last'),
    await daemon?.text('/status'),
    screens.join('\n----\n'),
    daemon?.log(),
  ].join('\n');
}
