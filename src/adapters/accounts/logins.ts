/** What the credentials file of each agent tells of its login. Whatever else is in the file is passed over. */

import type { CredentialState } from '../../core/accounts.ts';
import type { AgentKind } from '../../core/agents/profile.ts';
import { asObject, parseObject } from '../../core/json.ts';
import type { EpochMs } from '../../core/time.ts';

export interface Login {
  readonly state: Extract<CredentialState, 'ok' | 'blanked'>;
  readonly expiresAt: EpochMs | null;
  readonly loginEndsAt: EpochMs | null;
  /** There is a refresh token. */
  readonly renewable: boolean;
  /** Two names that stay the same for life, joined by a slash: of the person and of the organisation. */
  readonly identity: string | null;
}

type Content = Readonly<Record<string, unknown>>;

export function loginOf(agent: AgentKind, content: Content): Login {
  return READERS[agent](content);
}

const ENDED: Login = { state: 'blanked', expiresAt: null, loginEndsAt: null, renewable: false, identity: null };

const READERS: Readonly<Record<AgentKind, (content: Content) => Login>> = {
  claude: ofClaude,
  codex: ofCodex,
  gemini: ofGemini,
  opencode: () => ({ ...ENDED, state: 'ok' }),
};

/** Claude Code: `claudeAiOauth`, whose tokens the CLI sets to `""` and whose expiry to 0 when it is over. */
function ofClaude(content: Content): Login {
  const login = asObject(content.claudeAiOauth);
  if (login === null) return ENDED;
  const isBlanked = !isText(login.accessToken) || login.refreshToken === '' || login.expiresAt === 0;
  return {
    state: isBlanked ? 'blanked' : 'ok',
    expiresAt: instant(login.expiresAt),
    loginEndsAt: instant(login.refreshTokenExpiresAt),
    renewable: isText(login.refreshToken),
    identity: identityOf(login),
  };
}

/** Codex (0.20 to 0.169): a ChatGPT login in `tokens`, or a key that is billed by use. */
function ofCodex(content: Content): Login {
  const tokens = asObject(content.tokens);
  const hasTokens = isText(tokens?.access_token) && isText(tokens.refresh_token);
  if (!hasTokens && !isText(content.OPENAI_API_KEY)) return ENDED;
  const claims = asObject(claimsOf(tokens?.id_token)?.['https://api.openai.com/auth']);
  const person = claims?.chatgpt_user_id ?? claims?.user_id;
  const account = tokens?.account_id ?? claims?.chatgpt_account_id;
  return {
    state: 'ok',
    expiresAt: null,
    loginEndsAt: null,
    renewable: hasTokens,
    identity: isText(person) && isText(account) ? `${person}/${account}` : null,
  };
}

/** Gemini CLI (0.1 to 0.61): a Google login. */
function ofGemini(content: Content): Login {
  if (!isText(content.refresh_token) && !isText(content.access_token)) return ENDED;
  const claims = claimsOf(content.id_token);
  return {
    state: 'ok',
    expiresAt: instant(content.expiry_date),
    loginEndsAt: null,
    renewable: isText(content.refresh_token),
    identity: isText(claims?.sub) ? `google/${claims.sub}` : null,
  };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** What a JSON web token says; its signature is its issuer's business. */
function claimsOf(token: unknown): Content | null {
  const [, payload] = isText(token) ? token.split('.') : [];
  return payload === undefined ? null : parseObject(Buffer.from(payload, 'base64url').toString('utf8'));
}

function instant(value: unknown): EpochMs | null {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : null;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** `<accountUuid>/<organizationUuid>` of an object that has both; null otherwise. */
export function identityOf(holder: Content): string | null {
  const { accountUuid, organizationUuid } = holder;
  if (typeof accountUuid !== 'string' || !UUID.test(accountUuid)) return null;
  if (typeof organizationUuid !== 'string' || !UUID.test(organizationUuid)) return null;
  return `${accountUuid}/${organizationUuid}`;
}
