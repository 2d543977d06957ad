/** The doors of the API as tests open them. */
import type { Door } from '../../src/http/guard.ts';

export const SOCKET: Door = { kind: 'socket' };

/** On this machine only: without a token, and nothing can be changed through it. */
export const TCP: Extract<Door, { kind: 'tcp' }> = {
  kind: 'tcp',
  host: '127.0.0.1',
  port: () => 8765,
  enableTrigger: () => false,
  bearerToken: () => null,
};

/** @param enabled whether things can be changed by who has the token */
export function tcpWithToken(token: string, enabled: boolean): Door {
  return { ...TCP, enableTrigger: () => enabled, bearerToken: () => token };
}
