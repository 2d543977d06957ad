/** Whether an agent is started so that it asks nobody before it runs a tool. */

const SKIP = '--dangerously-skip-permissions';
const MODE = '--permission-mode';
const BYPASS = 'bypassPermissions';

/**
 * @param argv of Claude Code; what its settings say is not known here
 * @example skipsPermissions(['claude', '--permission-mode', 'bypassPermissions']) // true
 */
export function skipsPermissions(argv: readonly string[]): boolean {
  return argv.some(
    (word, i) => word === SKIP || word === `${MODE}=${BYPASS}` || (word === MODE && argv[i + 1] === BYPASS),
  );
}
