/** The webhook: a message as JSON to a URL of the user, signed, so that the receiver knows who it is from. */
import { createHmac } from 'node:crypto';
import { asJson } from '../../core/alerts/message.ts';
import { SECOND } from '../../core/time.ts';
import type { Channel, Clock } from '../../ports.ts';
import { failureOf } from './fetch-failure.ts';
import { retryAfterMs } from './retry-after.ts';

export interface WebhookAccess {
  readonly url: string;
  /** null: the messages are not signed. */
  readonly secret: string | null;
  readonly clock: Pick<Clock, 'now'>;
}

export function createWebhookChannel({ url, secret, clock }: WebhookAccess): Channel {
  return {
    kind: 'webhook',
    name: 'webhook',
    canEdit: false,
    async send(message, { idempotencyKey, signal }) {
      const body = JSON.stringify({ id: idempotencyKey, ...asJson(message) });
      const timestamp = String(Math.floor(clock.now() / SECOND));
      let response: Response;
      try {
        response = await fetch(url, {
          method: 'POST',
          body,
          signal,
          // The body and its signature are meant for this place alone.
          redirect: 'error',
          headers: {
            'Content-Type': 'application/json',
            'User-Agent': 'claude-failover',
            'Idempotency-Key': idempotencyKey,
            'X-Claude-Failover-Timestamp': timestamp,
            ...(secret === null ? {} : { 'X-Claude-Failover-Signature': signatureOf(secret, timestamp, body) }),
          },
        });
        await response.body?.cancel();
      } catch (error) {
        return { kind: 'retry', afterMs: null, reason: `webhook: ${failureOf(error, signal)}` };
      }
      if (response.ok) return { kind: 'sent', ref: '' };
      const reason = `webhook: status ${response.status}`;
      if (response.status === 410) return { kind: 'gone', reason };
      return { kind: 'retry', afterMs: retryAfterMs(response.headers.get('retry-after'), clock.now()), reason };
    },
  };
}

/** `sha256=` and the HMAC-SHA256 of `timestamp.body` in hex. */
function signatureOf(secret: string, timestamp: string, body: string): string {
  return `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;
}
