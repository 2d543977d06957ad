/** A share, 0 … 1, in words. */

/** @example percent(0.384) // '38 %' */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
