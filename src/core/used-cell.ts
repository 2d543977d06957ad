/** How full a window of an account is, as a cell of a table. */
import type { AccountStatusView } from './account-view.ts';
import { percent } from './percent.ts';

/** `limit` at the limit, `-` when nothing is known, else a percentage. */
export function usedCell(account: AccountStatusView, window: string): string {
  const quota = account.quota[window];
  if (quota === undefined) return '-';
  if (quota.limit_reached) return 'limit';
  return quota.used === null ? '-' : percent(quota.used);
}
