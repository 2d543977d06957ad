/** What the login files of Codex and Gemini CLI tell, and that no token leaves the reading. */
import { expect, test } from 'vitest';
import { loginOf } from '../../../src/adapters/accounts/logins.ts';
import { CANARY } from '../../support/account-homes.ts';

const jwt = (claims: object) => `${part({ alg: 'none' })}.${part(claims)}.${CANARY}`;
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = { 'https://api.openai.com/auth': { chatgpt_user_id: 'user-1', chatgpt_account_id: 'org-1' } };
const tokens = { id_token: jwt(claims), access_token: CANARY, refresh_token: CANARY, account_id: 'org-1' };
const ended = { state: 'blanked', renewable: false, identity: null };

test.each<[string, object, object]>([
  ['a ChatGPT login', { auth_mode: 'chatgpt', tokens }, { state: 'ok', renewable: true, identity: 'user-1/org-1' }],
  ['a key that is billed', { OPENAI_API_KEY: CANARY }, { state: 'ok', renewable: false, identity: null }],
  ['emptied tokens', { tokens: { ...tokens, access_token: '' } }, ended],
  ['a login without a refresh token', { tokens: { ...tokens, refresh_token: null } }, ended],
  ['nothing', {}, ended],
  ['an id token that is none', { tokens: { ...tokens, id_token: 'x' } }, { state: 'ok', identity: null }],
])('Codex: %s [R266 R267]', (_, content, expected) => {
  const login = loginOf('codex', { ...content });
  expect(login).toMatchObject(expected);
  expect(JSON.stringify(login)).not.toContain(CANARY);
});

test.each<[string, object, object]>([
  [
    'a Google login',
    { access_token: CANARY, refresh_token: CANARY, expiry_date: 1_795_200_000_000, id_token: jwt({ sub: '1234' }) },
    { state: 'ok', renewable: true, identity: 'google/1234', expiresAt: 1_795_200_000_000 },
  ],
  ['one that cannot be renewed', { access_token: CANARY }, { state: 'ok', renewable: false, identity: null }],
  ['emptied tokens', { access_token: '', refresh_token: '' }, ended],
])('Gemini CLI: %s [R266 R267]', (_, content, expected) => {
  const login = loginOf('gemini', { ...content });
  expect(login).toMatchObject(expected);
  expect(JSON.stringify(login)).not.toContain(CANARY);
});
