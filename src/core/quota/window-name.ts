/** The windows of a plan in words. */
import type { QuotaWindow } from '../agents/profile.ts';
import { plain } from '../plain.ts';

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

/** The same for a word out of a record, which may be any. */
export function windowName(window: string): string {
  return { '5h': '5-hour', '7d': 'weekly' }[window] ?? plain(window);
}
