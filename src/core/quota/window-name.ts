/** The windows of a plan in words. */
import type { QuotaWindow } from '../agents/profile.ts';

/** @example quotaWindowName('7d') // 'weekly' */
export function quotaWindowName(window: QuotaWindow): string {
  return WORDS[window];
}

const WORDS: Readonly<Record<QuotaWindow, string>> = {
  '5h': '5-hour',
  '7d': 'weekly',
  model: 'model',
  daily: 'daily',
  monthly: 'monthly',
  unknown: 'usage',
};
