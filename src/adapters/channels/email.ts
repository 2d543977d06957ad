/** E-mail through Resend: text and HTML, one thread for each incident. */
import { createHash } from 'node:crypto';
import { Resend } from 'resend';
import { asEmailHtml, asSubject, asText } from '../../core/alerts/message.ts';
import type { EpochMs } from '../../core/time.ts';
import { HOUR, MINUTE } from '../../core/time.ts';
import type { Channel, Clock, SendOptions, SendResult } from '../../ports.ts';
import { retryAfterMs } from './retry-after.ts';

export interface EmailAccess {
  readonly apiKey: string;
  readonly apiBase: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly clock: Pick<Clock, 'now'>;
}

/** The message that began a thread: what the following ones refer to, and the subject they bear again. */
interface Root {
  readonly messageId: string;
  readonly subject: string;
}

/** Failures that need somebody at the provider's door; nothing is gained by knocking often. */
const NEEDS_SOMEBODY_MS = 5 * MINUTE;
/** Quotas of a day and of a month (resend.com/docs/api-reference/errors); the answer does not say when they end. */
const QUOTA_MS = { daily_quota_exceeded: HOUR, monthly_quota_exceeded: 6 * HOUR } as const;

export function createEmailChannel(access: EmailAccess): Channel {
  // Both are given, or the library would read them from the environment.
  const resend = new Resend(access.apiKey, { baseUrl: access.apiBase, userAgent: 'claude-failover' });
  return {
    kind: 'email',
    name: 'email',
    canEdit: false,
    async send(message, options) {
      const known = options.previous === null ? null : readRoot(options.previous);
      const root = known ?? { messageId: messageIdFor(options), subject: asSubject(message) };
      const mail = {
        from: access.from,
        to: [...access.to],
        subject: root.subject,
        text: asText(message),
        html: asEmailHtml(message),
        headers: {
          'Auto-Submitted': 'auto-generated',
          ...(known === null
            ? { 'Message-ID': root.messageId }
            : { 'In-Reply-To': root.messageId, References: root.messageId }),
        },
      };
      // Its types do not know `redirect`, but it hands all of this on to fetch; a redirect would carry the mail elsewhere.
      const request = { idempotencyKey: options.idempotencyKey, signal: options.signal, redirect: 'error' as const };
      const answer = await resend.emails.send(mail, request);
      const ref = JSON.stringify(root);
      return answer.error === null
        ? { kind: 'sent', ref }
        : failed(answer.error, answer.headers, ref, access.clock.now());
    },
  };
}

function failed(
  error: { readonly name?: string; readonly statusCode?: number | null; readonly message?: string },
  headers: Readonly<Record<string, string>> | null,
  ref: string,
  now: EpochMs,
): SendResult {
  const name = String(error.name ?? 'unknown');
  // The key was taken with another body: what it stood for was accepted before this program was changed.
  if (name === 'invalid_idempotent_request') return { kind: 'sent', ref };
  const status = error.statusCode ?? null;
  const reason = status === null ? 'resend: not reachable' : `resend: ${name} (${status}): ${error.message ?? ''}`;
  const said = retryAfterMs(headers?.['retry-after'] ?? null, now);
  if (name === 'daily_quota_exceeded' || name === 'monthly_quota_exceeded')
    return { kind: 'retry', afterMs: Math.max(said ?? 0, QUOTA_MS[name]), reason };
  // A key or an address that is wrong is wrong for every message, and what is critical waits until it is mended.
  const needsSomebody = status !== null && status >= 400 && status < 500 && status !== 409 && status !== 429;
  return { kind: 'retry', afterMs: said ?? (needsSomebody ? NEEDS_SOMEBODY_MS : null), reason };
}

function messageIdFor({ idempotencyKey }: SendOptions): string {
  return `<${createHash('sha256').update(idempotencyKey).digest('hex').slice(0, 32)}@claude-failover.invalid>`;
}

function readRoot(ref: string): Root | null {
  try {
    const { messageId, subject } = JSON.parse(ref) as Partial<Root>;
    return typeof messageId === 'string' && typeof subject === 'string' ? { messageId, subject } : null;
  } catch {
    return null;
  }
}
