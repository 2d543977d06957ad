/** Garbage collected at a moment of the test's choice: some faults of Node.js show only then. */
import v8 from 'node:v8';
import vm from 'node:vm';

export function collectGarbage(): void {
  v8.setFlagsFromString('--expose-gc');
  (vm.runInNewContext('gc') as () => void)();
}

/** A script for another process. */
export const COLLECTS_ALL_THE_TIME = `
  import v8 from 'node:v8';
  import vm from 'node:vm';
  v8.setFlagsFromString('--expose-gc');
  setInterval(vm.runInNewContext('gc'), 100).unref();
`;
