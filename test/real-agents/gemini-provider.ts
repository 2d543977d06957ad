/** A provider on loopback for the official Gemini CLI with a login: it serves accounts, and refuses those over their daily quota. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServedRequest } from './provider.ts';
import { openTlsDoor } from './tls-door.ts';

export interface GeminiProvider {
  /** What the CLI's environment must hold. */
  readonly env: Readonly<Record<string, string>>;
  /** Requests for a turn. */
  readonly requests: readonly (ServedRequest & { readonly items: number })[];
  limit(account: string): void;
  close(): Promise<void>;
}

const HOSTS = ['cloudcode-pa.googleapis.com', 'oauth2.googleapis.com', 'www.googleapis.com', 'play.googleapis.com'];
const RESET_S = 8 * 3600;

interface Content {
  readonly role?: string;
  readonly parts?: readonly { readonly text?: string }[];
}

interface Body {
  readonly model?: string;
  readonly request?: {
    readonly contents?: readonly Content[];
    readonly generationConfig?: { readonly responseMimeType?: string; readonly responseJsonSchema?: unknown };
  };
}

export async function startGeminiProvider(): Promise<GeminiProvider> {
  const limited = new Set<string>();
  const requests: (ServedRequest & { items: number })[] = [];
  let count = 0;
  const door = await openTlsDoor(HOSTS, (request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { pathname } = new URL(request.url ?? '/', 'http://x');
    const method = /^\/v1internal:(\w+)$/.exec(pathname)?.[1];
    if (method === 'streamGenerateContent' || method === 'generateContent') {
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Body;
      turn(accountOf(request), body, method === 'streamGenerateContent', response);
    } else if (method === 'loadCodeAssist') {
      send(response, 200, { currentTier: TIER, allowedTiers: [TIER], cloudaicompanionProject: 'made-up' });
    } else if (method === 'onboardUser') {
      send(response, 200, { done: true, response: { cloudaicompanionProject: { id: 'made-up' } } });
    } else if (method === 'countTokens') {
      send(response, 200, { totalTokens: 42 });
    } else if (pathname === '/tokeninfo') {
      send(response, 200, { expires_in: 3000, scope: 'https://www.googleapis.com/auth/cloud-platform' });
    } else {
      send(response, 200, {});
    }
  }

  function turn(account: string, body: Body, isStream: boolean, response: ServerResponse): void {
    const contents = body.request?.contents ?? [];
    const text = (contents.at(-1)?.parts ?? []).map((part) => part.text ?? '').join('\n');
    const status = limited.has(account) ? 429 : 200;
    requests.push({ at: Date.now(), account, status, text: text.slice(-2000), items: contents.length });
    if (status === 429) {
      send(response, 429, { error: refusal(body.model ?? '') });
      return;
    }
    const { responseMimeType, responseJsonSchema } = body.request?.generationConfig ?? {};
    const isJson = responseMimeType === 'application/json' || responseJsonSchema !== undefined;
    const said = isJson
      ? '{"reasoning":"made up","model_choice":"pro","next_speaker":"user","complexity_reasoning":"made up","complexity_score":90}'
      : `REPLY-${++count} from ${account} after ${contents.length} items`;
    const candidate = { content: { role: 'model', parts: [{ text: said }] }, finishReason: 'STOP', index: 0 };
    const usageMetadata = { promptTokenCount: 10, candidatesTokenCount: 9, totalTokenCount: 19 };
    const whole = { response: { candidates: [candidate], usageMetadata, modelVersion: body.model } };
    if (!isStream) {
      send(response, 200, whole);
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`data: ${JSON.stringify(whole)}\r\n\r\n`);
  }

  return {
    env: { ...door.env, NODE_EXTRA_CA_CERTS: door.certificate },
    requests,
    limit: (account) => void limited.add(account),
    close: () => door.close(),
  };
}

const TIER = { id: 'standard-tier', name: 'Made Up', description: '', isDefault: true };

/** As the real service words it, with the details by which the CLI tells a daily quota from a busy moment. */
function refusal(model: string): object {
  const kind = 'type.googleapis.com/google.rpc';
  return {
    code: 429,
    status: 'RESOURCE_EXHAUSTED',
    message:
      "Quota exceeded for quota metric 'Gemini 2.5 Pro Requests' and limit 'Gemini 2.5 Pro Requests per day per user per tier' of service 'cloudcode-pa.googleapis.com'.",
    details: [
      {
        '@type': `${kind}.ErrorInfo`,
        reason: 'QUOTA_EXHAUSTED',
        domain: 'cloudcode-pa.googleapis.com',
        metadata: { model, uiMessage: 'true', quotaResetDelay: `${RESET_S}s` },
      },
      { '@type': `${kind}.RetryInfo`, retryDelay: `${RESET_S}s` },
    ],
  };
}

function accountOf(request: IncomingMessage): string {
  const name = /made-up-(.+)-[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/.exec(request.headers.authorization ?? '');
  return name?.[1] ?? '';
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
