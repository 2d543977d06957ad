import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createHeartbeat } from '../../../src/adapters/channels/heartbeat.ts';
import { createWebhookChannel } from '../../../src/adapters/channels/webhook.ts';
import type { SendOptions } from '../../../src/ports.ts';
import type { Provider } from '../../support/providers.ts';
import { startProvider } from '../../support/providers.ts';
import { aMessage, NOON } from '../../support/telling.ts';
import { waitFor } from '../../support/wait.ts';

let provider: Provider;
beforeEach(async () => {
  provider = await startProvider();
});
afterEach(() => provider.close());

const options = (signal = new AbortController().signal): SendOptions => ({
  previous: null,
  mode: 'follow',
  idempotencyKey: 'cf/box/1-1-1',
  signal,
});
const channel = (secret: string | null = 'canary-secret') =>
  createWebhookChannel({ url: `${provider.url}/hook/canary-path`, secret, clock: { now: () => NOON } });

describe('the webhook', () => {
  test('it posts JSON whose signature covers the time and every byte of the body', async () => {
    expect(await channel().send(aMessage(), options())).toEqual({ kind: 'sent', ref: '' });
    const [request] = provider.accepted;
    const timestamp = String(NOON / 1_000);
    const expected = createHmac('sha256', 'canary-secret').update(`${timestamp}.${request?.body}`).digest('hex');
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      'idempotency-key': 'cf/box/1-1-1',
      'x-claude-failover-timestamp': timestamp,
      'x-claude-failover-signature': `sha256=${expected}`,
    });
    expect(JSON.parse(request?.body ?? '')).toMatchObject({
      id: 'cf/box/1-1-1',
      version: 1,
      key: 'swap:s1',
      severity: 'warning',
    });
    expect(request?.body).not.toContain('canary-secret');
  });

  test('without a secret it is not signed', async () => {
    await channel(null).send(aMessage(), options());
    expect(provider.accepted[0]?.headers).not.toHaveProperty('x-claude-failover-signature');
  });

  test.each([
    [{ kind: 'status', status: 500 }, 'retry', null],
    [{ kind: 'status', status: 429, retryAfter: '3600' }, 'retry', 3_600_000],
    [{ kind: 'status', status: 503, retryAfter: new Date(NOON + 90_000).toUTCString() }, 'retry', 90_000],
    [{ kind: 'status', status: 404 }, 'retry', null],
    [{ kind: 'status', status: 410 }, 'gone', undefined],
    [{ kind: 'down' }, 'retry', null],
    [{ kind: 'reset-after' }, 'retry', null],
    [{ kind: 'redirect', to: 'http://127.0.0.1:9/elsewhere' }, 'retry', null],
  ] as const)('%o is %s', async (mood, kind, afterMs) => {
    provider.feel(mood);
    const result = await channel().send(aMessage(), options());
    expect(result).toMatchObject({ kind, ...(afterMs === undefined ? {} : { afterMs }) });
    expect(JSON.stringify(result)).not.toContain('canary');
  });

  test('a receiver that never answers is left when the signal says so', async () => {
    provider.feel({ kind: 'hang' });
    const controller = new AbortController();
    const sending = channel().send(aMessage(), options(controller.signal));
    await waitFor(() => provider.requests.length === 1);
    controller.abort();
    expect(await sending).toEqual({ kind: 'retry', afterMs: null, reason: 'webhook: no answer in time' });
  });
});

describe('the heartbeat', () => {
  const beat = () => createHeartbeat(`${provider.url}/canary-path`).beat(new AbortController().signal);

  test('it asks for the URL and needs no answer but a good one', async () => {
    expect(await beat()).toBeNull();
    expect(provider.requests[0]).toMatchObject({ method: 'GET', path: '/canary-path' });
  });

  test.each([
    [{ kind: 'status', status: 500 }, 'status 500'],
    [{ kind: 'redirect', to: 'http://127.0.0.1:9/elsewhere' }, 'redirected elsewhere, which is not followed'],
    [{ kind: 'down' }, /^not reachable/],
  ] as const)('%o is told without the URL', async (mood, said) => {
    provider.feel(mood);
    const problem = await beat();
    expect(problem).toMatch(said);
    expect(problem).not.toContain('canary');
  });
});
