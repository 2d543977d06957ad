/** How a tmux server is started when none runs: never so that it belongs to the daemon's own service. */

/**
 * `plain`: as a child of the tmux client. `unit`: as a service of its own, by this program and its arguments. `refused`:
 * not at all.
 */
export type ServerStarter =
  | { readonly kind: 'plain' }
  | { readonly kind: 'unit'; readonly program: string; readonly args: readonly string[] }
  | { readonly kind: 'refused'; readonly detail: string };

/**
 * systemd ends all of a service's control group when the service stops: a server in it would take every agent along.
 *
 * @param cgroup   text of `/proc/self/cgroup`; null: it cannot be read
 * @param tmpdir   TMUX_TMPDIR, below which named sockets lie; null: not set
 * @example serverStarter('0::/system.slice/claude-failover.service\n', null) // { kind: 'refused', … }
 */
export function serverStarter(cgroup: string | null, tmpdir: string | null): ServerStarter {
  const group = serviceOf(cgroup ?? '');
  if (group === null) return { kind: 'plain' };
  // A service of the user's own manager may ask that manager for another one; a system service may not.
  if (!/\/user@\d+\.service\//.test(group)) {
    const detail =
      'no tmux server runs, and one that is started here would end with this service: start claude-failover-tmux.service';
    return { kind: 'refused', detail };
  }
  const settings = ['--user', '--quiet', '--collect', '--service-type=forking', '--property=OOMPolicy=continue'];
  const environment = tmpdir === null ? [] : [`--setenv=TMUX_TMPDIR=${tmpdir}`];
  return { kind: 'unit', program: 'systemd-run', args: [...settings, ...environment, '--'] };
}

/** The control group that is a service; null: none of these is. */
function serviceOf(cgroup: string): string | null {
  const groups = cgroup.split('\n').map((line) => line.split(':').slice(2).join(':'));
  return groups.find((group) => /\.service$/.test(group)) ?? null;
}
