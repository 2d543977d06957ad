/** What the system or a library calls an error in one word. */

/** The code that an error carries, for example `ENOENT` or `SQLITE_BUSY`. @param otherwise  for an error without one */
export function errorCode(error: unknown, otherwise = 'unknown error'): string {
  return error instanceof Error && 'code' in error ? String(error.code) : otherwise;
}
