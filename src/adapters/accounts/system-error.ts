/** What the operating system answered, as a short code. */

/** The errno code of a failed system call (`ENOENT` …); `unknown` when the error carries none. */
export function errorCode(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  return 'unknown';
}
