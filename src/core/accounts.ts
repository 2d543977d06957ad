/** Accounts, their homes and the link that makes one of them active. */
import type { EpochMs } from './time.ts';

/** A rotation mark, never a quota signal: there is deliberately no value for "limited". */
export type AccountStatus = 'active' | 'expired' | 'refreshing' | 'disabled' | 'banned';

export interface AccountRow {
  readonly name: string;
  readonly pool: string;
  readonly status: AccountStatus;
  readonly statusReason: string | null;
  /** Account and organisation uuid, `unknown` until the account's own files told. */
  readonly identity: string | null;
  readonly activeSince: EpochMs | null;
  /** When it last stopped being the active one. */
  readonly leftAt: EpochMs | null;
  /** Modification time of the credentials file when the status was set: a later login changes it. */
  readonly credentialsMtimeMs: number | null;
}

/**
 * `ok`; `missing`: no such file; `blanked`: tokens emptied by the CLI, a new login is needed; `corrupt`: not readable as
 * JSON three times over a second; `link`: a symbolic link stands where the CLI needs a real file; `foreign`: another owner.
 */
export type CredentialState = 'ok' | 'missing' | 'blanked' | 'corrupt' | 'unreadable' | 'link' | 'foreign';

/** What an account's home shows, without one word of a token. */
export interface HomeState {
  readonly home: string;
  readonly realPath: string | null;
  /** Null when the home is a directory of ours; else what is wrong with it. */
  readonly problem: 'missing' | 'not-a-directory' | 'foreign-owner' | 'unreadable' | null;
  readonly credentials: CredentialState;
  /** The file can be read by others: worth a warning. */
  readonly looseMode: boolean;
  readonly credentialsMtimeMs: number | null;
  readonly expiresAt: EpochMs | null;
  readonly loginEndsAt: EpochMs | null;
  /** Whether the CLI can renew the login by itself after `expiresAt`; absent: nobody looked. */
  readonly renewable?: boolean;
  /** `<accountUuid>/<organizationUuid>` from the account's own files; null: they do not tell. */
  readonly identity: string | null;
}

/** What stands at a pool's link path. */
export type LinkState =
  /** `movedAt`: when the link was made, by its own mtime. */
  | { readonly kind: 'account'; readonly account: string; readonly target: string; readonly movedAt?: EpochMs }
  | { readonly kind: 'foreign'; readonly target: string }
  | { readonly kind: 'dangling'; readonly target: string; readonly account: string | null }
  | { readonly kind: 'loop'; readonly target: string }
  /** Of several links, some point at another account than the first. */
  | { readonly kind: 'split'; readonly accounts: readonly string[] }
  | { readonly kind: 'directory' }
  | { readonly kind: 'file' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable'; readonly reason: string };
