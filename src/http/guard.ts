/** Who may pass a door: host names, origins and the token. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { isLoopback } from '../core/loopback.ts';

/** `socket`: the owner's own door, everything is open. `tcp`: the narrower one. */
export type Door =
  | { readonly kind: 'socket' }
  | {
      readonly kind: 'tcp';
      /** As configured; IPv6 without brackets. */
      readonly host: string;
      /** The port that is listened on; asked at each request because port 0 is chosen by the system. */
      readonly port: () => number;
      /** Both are asked at each request: they change with the configuration. */
      readonly enableTrigger: () => boolean;
      readonly bearerToken: () => string | null;
    };

/** Checks that hold for every request, in order; the first that fails answers. The host name was checked before. */
export function guards(door: Door): readonly MiddlewareHandler[] {
  return [securityHeaders, ...(door.kind === 'tcp' ? [demandToken(door)] : []), checkMutation(door)];
}

export function problem(
  context: Context,
  status: 400 | 401 | 403 | 404 | 405 | 409 | 413 | 422 | 500,
  code: string,
  message: string,
): Response {
  return context.json({ error: { code, message } }, status);
}

const securityHeaders: MiddlewareHandler = async (context, next) => {
  await next();
  // A page says itself what it may load.
  for (const [name, value] of Object.entries(SECURITY_HEADERS))
    if (!context.res.headers.has(name)) context.header(name, value);
};

export const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

export type TcpDoor = Extract<Door, { kind: 'tcp' }>;

/**
 * Whether this host header names the door itself. A page of another site can point its own name at this address; the name
 * it then sends gives it away.
 */
export function allowsHost(door: TcpDoor, header: string | undefined): boolean {
  const given = (header ?? '').toLowerCase();
  const port = /:(\d{1,5})$/.exec(given)?.[1] ?? null;
  const name = port === null ? given : given.slice(0, -port.length - 1);
  const names = ['127.0.0.1', 'localhost', '[::1]', inUrl(door.host.toLowerCase())];
  return names.includes(name) && Number(port ?? 80) === door.port();
}

/** An address as it stands in a URL: IPv6 in brackets. */
export function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** An address that others can reach shows nothing without the token, but that the process lives. */
function demandToken(door: TcpDoor): MiddlewareHandler {
  return async (context, next) => {
    if (isLoopback(door.host) || context.req.path === '/livez' || isAuthorised(context, door)) return next();
    return unauthorised(context);
  };
}

function checkMutation(door: Door): MiddlewareHandler {
  return async (context, next) => {
    if (context.req.method === 'GET' || context.req.method === 'HEAD') return next();
    // Only browsers send these, and no page is meant to act here.
    if (context.req.header('origin') !== undefined || context.req.header('referer') !== undefined) {
      return problem(context, 403, 'origin_not_allowed', 'requests from web pages are refused');
    }
    if (door.kind === 'socket') return next();
    if (!door.enableTrigger()) {
      return problem(
        context,
        403,
        'trigger_disabled',
        'enable_trigger: false; use the command line, or set http.enable_trigger',
      );
    }
    return isAuthorised(context, door) ? next() : unauthorised(context);
  };
}

function isAuthorised(context: Context, door: TcpDoor): boolean {
  const given = /^Bearer ([\x21-\x7e]{1,1024})$/i.exec(context.req.header('authorization') ?? '')?.[1];
  const wanted = door.bearerToken();
  if (wanted === null || given === undefined) return false;
  // Digests have one length, so that the comparison takes the same time whatever was sent.
  return timingSafeEqual(digest(given), digest(wanted));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function unauthorised(context: Context): Response {
  context.header('www-authenticate', 'Bearer');
  return problem(context, 401, 'unauthorized', 'a valid bearer token is needed');
}
