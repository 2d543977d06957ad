/** Says why a request failed, without the URL: that may hold a secret. */

/** The system's code, such as `ECONNREFUSED`, or what else is known. */
export function failureOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'no answer in time';
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    if ('code' in cause && typeof cause.code === 'string' && /^[A-Z][A-Z0-9_]{2,40}$/.test(cause.code))
      return `not reachable (${cause.code})`;
    if (/redirect/i.test(cause.message)) return 'redirected elsewhere, which is not followed';
  }
  return 'not reachable';
}
