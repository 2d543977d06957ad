import { expect, test } from 'vitest';
import { buildHealth } from '../../src/core/status.ts';
import { poolView, statusFacts } from '../support/daemon-facts.ts';

const NOW = Date.UTC(2026, 0, 5, 12);

test('a pool of which nothing was read yet is not loaded, which is never the same as having no account [R128]', () => {
  const health = buildHealth(statusFacts({ notLoaded: ['home'] }), NOW);
  expect(health.status).toBe('degraded');
  expect(health.reasons).toEqual(['pool home: its accounts are not loaded yet']);
});

test('a pool whose accounts are all gone is another thing: unhealthy [R143]', () => {
  const health = buildHealth(statusFacts({ pools: [poolView({ accounts: [] })] }), NOW);
  expect(health.reasons).toContain('pool work: no account can be used (no_eligible_account)');
});
