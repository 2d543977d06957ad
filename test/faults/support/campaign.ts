/** How much of a fault campaign runs: a short form, all of it with `CF_LONG=1`, or with `CF_PART=2/8` the second eighth of all. */

const [number, of] = (process.env.CF_PART ?? '').split('/').map(Number);

export const isLong = process.env.CF_LONG === '1';

/** The share of this run, of a long campaign's pieces or of their number. */
export function myPart<T>(all: readonly T[]): readonly T[] {
  if (number === undefined || of === undefined) return all;
  return all.filter((_, i) => i % of === number - 1);
}

export function myCount(all: number): number {
  return myPart(Array.from({ length: all })).length;
}

/** So many of them, spread evenly. */
export function spread<T>(all: readonly T[], count: number): readonly T[] {
  if (count >= all.length) return all;
  return Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)] as T);
}
