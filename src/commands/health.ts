/** `health`: whether the daemon is well, as one line and an exit code. */
import type { HealthView } from '../core/status.ts';
import { askDaemon, expectAnswer, reportNoDaemon } from './daemon-client.ts';
import type { CommandIo, JsonOption } from './io.ts';
import { EXIT } from './io.ts';
import { locate } from './locate.ts';
import { clean, wrap } from './text.ts';

/** @returns 0 ok or degraded, 3 unhealthy, 4 not running */
export async function health(options: JsonOption, io: CommandIo): Promise<number> {
  const { socket } = await locate(options, io);
  const reply = await askDaemon(socket, '/health');
  if (reply.kind !== 'answer') return reportNoDaemon(reply, io);
  const view = expectAnswer<HealthView>(reply, ['status', 'reasons', 'checks']);
  if (options.json === true) io.out(`${JSON.stringify(view)}\n`);
  else {
    io.out(`${clean(view.status)}\n`);
    for (const reason of view.reasons) io.out(wrap('  ! ', reason, io.columns, '    '));
  }
  return view.status === 'unhealthy' ? EXIT.unhealthy : EXIT.ok;
}
