/** The CPU time that something costs: unlike the time on the wall, other programs of the machine do not change it. */

/** Milliseconds of CPU time, of this whole process. */
export async function cpuMsOf(act: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
