/** Addresses that only this machine can reach. */

/** IPv6 without brackets. A name other than `localhost` counts as reachable from outside. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
