import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEmailChannel } from '../../../src/adapters/channels/email.ts';
import { HOUR, MINUTE } from '../../../src/core/time.ts';
import type { SendOptions } from '../../../src/ports.ts';
import type { Provider } from '../../support/providers.ts';
import { startProvider } from '../../support/providers.ts';
import { aMessage, NOON } from '../../support/telling.ts';
import { waitFor } from '../../support/wait.ts';

const KEY = 're_canary_0123456789';
let provider: Provider;
beforeEach(async () => {
  provider = await startProvider();
});
afterEach(() => provider.close());

const channel = () =>
  createEmailChannel({
    apiKey: KEY,
    apiBase: provider.url,
    from: 'failover@example.com',
    to: ['ada@example.com'],
    clock: { now: () => NOON },
  });

const options = (more: Partial<SendOptions> = {}): SendOptions => ({
  previous: null,
  mode: 'follow',
  idempotencyKey: 'cf/box/1-1-1',
  signal: new AbortController().signal,
  ...more,
});

const mails = () => provider.accepted.map(({ body }) => JSON.parse(body) as Record<string, unknown>);

describe('e-mail through Resend [R90]', () => {
  test('it carries text and HTML, the key in its header only, and the idempotency key', async () => {
    expect(await channel().send(aMessage(), options())).toMatchObject({ kind: 'sent' });
    const [request] = provider.accepted;
    expect(request).toMatchObject({ method: 'POST', path: '/emails' });
    expect(request?.headers).toMatchObject({ authorization: `Bearer ${KEY}`, 'idempotency-key': 'cf/box/1-1-1' });
    expect(request?.body).not.toContain(KEY);
    expect(mails()[0]).toMatchObject({
      from: 'failover@example.com',
      to: ['ada@example.com'],
      subject: '[claude-failover box] work → spare: 2 panes work again',
      text: expect.stringContaining('api:0.0 works again'),
      html: expect.stringContaining('<li>api:0.0 works again'),
      headers: { 'Auto-Submitted': 'auto-generated', 'Message-ID': expect.stringMatching(/^<[0-9a-f]{32}@/) },
    });
  });

  test('what follows of one incident stays in its thread [R281]', async () => {
    const first = await channel().send(aMessage(), options());
    const previous = first.kind === 'sent' ? first.ref : '';
    const next = options({ previous, idempotencyKey: 'cf/box/1-2-2' });
    const second = await channel().send(aMessage({ title: 'another headline' }), next);
    const { 'Message-ID': root } = (mails()[0]?.headers ?? {}) as Record<string, string>;
    expect(mails()[1]).toMatchObject({
      subject: mails()[0]?.subject,
      headers: { 'In-Reply-To': root, References: root },
    });
    expect(second).toEqual({ kind: 'sent', ref: previous });
  });

  test('a message that was taken although the answer never came is not sent twice', async () => {
    provider.feel({ kind: 'reset-after' });
    expect(await channel().send(aMessage(), options())).toMatchObject({ kind: 'retry', afterMs: null });
    provider.feel({ kind: 'well' });
    expect(await channel().send(aMessage(), options())).toMatchObject({ kind: 'sent' });
    expect(provider.requests).toHaveLength(2);
    expect(provider.accepted).toHaveLength(1);
  });

  test('a key that stood for another body was accepted once', async () => {
    await channel().send(aMessage(), options());
    expect(await channel().send(aMessage({ title: 'as a newer version would put it' }), options())).toMatchObject({
      kind: 'sent',
    });
    expect(provider.accepted).toHaveLength(1);
  });

  test.each([
    ['rate_limit_exceeded', 429, '7', 7_000],
    ['rate_limit_exceeded', 429, undefined, null],
    ['daily_quota_exceeded', 429, '7', HOUR],
    ['monthly_quota_exceeded', 429, undefined, 6 * HOUR],
    ['internal_server_error', 500, undefined, null],
    ['concurrent_idempotent_requests', 409, undefined, null],
    ['invalid_api_key', 403, undefined, 5 * MINUTE],
    ['validation_error', 422, undefined, 5 * MINUTE],
  ])('%s (%i, retry-after %s) is tried again after %s ms', async (name, status, retryAfter, afterMs) => {
    const body = JSON.stringify({ name, statusCode: status, message: 'no' });
    provider.feel({ kind: 'status', status, body, ...(retryAfter === undefined ? {} : { retryAfter }) });
    const result = await channel().send(aMessage(), options());
    expect(result).toMatchObject({ kind: 'retry', afterMs });
    expect(JSON.stringify(result)).not.toContain(KEY);
  });

  test('a provider that is down, or answers nonsense, is tried again; none of that throws', async () => {
    provider.feel({ kind: 'down' });
    expect(await channel().send(aMessage(), options())).toEqual({
      kind: 'retry',
      afterMs: null,
      reason: 'resend: not reachable',
    });
    provider.feel({ kind: 'status', status: 502, body: '<html>' });
    expect(await channel().send(aMessage(), options())).toMatchObject({ kind: 'retry', afterMs: null });
  });

  test.each(['hang', 'half-open'] as const)(
    'a provider that does not finish (%s) is left when the signal says so',
    async (kind) => {
      provider.feel({ kind });
      const controller = new AbortController();
      const sending = channel()
        .send(aMessage(), options({ signal: controller.signal }))
        .catch(() => ({ kind: 'thrown' }));
      await waitFor(() => provider.requests.length === 1);
      controller.abort();
      expect((await sending).kind).toMatch(/retry|thrown/);
    },
  );

  test('a redirect is not followed: the mail is meant for this place alone', async () => {
    const other = await startProvider();
    try {
      provider.feel({ kind: 'redirect', to: `${other.url}/emails` });
      expect(await channel().send(aMessage(), options())).toMatchObject({ kind: 'retry' });
      expect(other.requests).toEqual([]);
    } finally {
      await other.close();
    }
  });
});
