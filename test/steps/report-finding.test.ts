/** What is said of a pane: one structured line for each change of mind. */
import { expect, test } from 'vitest';
import { toConfig } from '../../src/config/schema.ts';
import type { NewEvent } from '../../src/core/events.ts';
import type { LocalStore, TickContext } from '../../src/ports.ts';
import { reportFinding } from '../../src/steps/report-finding.ts';
import { aFinding, aReading, NOON } from '../support/builders.ts';
import { paneRecord } from '../support/daemon-facts.ts';
import { RecordingLog } from '../support/recording-log.ts';

const config = toConfig(
  {
    accounts: [
      { name: 'a', home: '/h/a' },
      { name: 'b', home: '/h/b' },
    ],
  },
  {},
  '/home/ada',
);

function bench() {
  const log = new RecordingLog();
  const events: NewEvent[] = [];
  const store: Pick<LocalStore, 'append'> = { append: async (more) => void events.push(...more) };
  const context: TickContext = { config, now: NOON, signal: new AbortController().signal, log };
  return { log, events, context, store: store as LocalStore };
}

test('a hit writes one line and one event with everything a person needs, however long it stands there [R24 R25]', async () => {
  const { log, events, context, store } = bench();
  const { finding: seen } = paneRecord();
  if (!('hit' in seen.decision)) throw new Error('the builder shows a limit');
  const { hit } = seen.decision;
  const finding = {
    ...seen,
    decision: { kind: 'confirmed', how: 'instant', hit, reason: 'a reset lies ahead' },
  } as const;
  let said = '';
  for (let poll = 0; poll < 5; poll++) said = await reportFinding(store, said, finding, context);
  expect(log.lines).toHaveLength(1);
  expect(events).toMatchObject([{ type: 'quota_hit' }]);
  const fields = log.lines[0]?.fields ?? {};
  expect(Object.keys(fields)).toEqual(
    expect.arrayContaining(['trigger_session', 'pattern', 'snippet', 'account', 'reset_at', 'decision', 'poll']),
  );
  expect(fields).toMatchObject({ trigger_session: finding.view.sessionName, account: finding.charge?.account });
});

test('the snippet is cut to 120 characters, without control characters, with secrets masked [R24]', async () => {
  const { log, context, store } = bench();
  const { finding } = paneRecord();
  const text = `\u001b[31mYou've hit your limit sk-ant-oat01-made-up-secret-token-0123456789 ${'x'.repeat(400)}`;
  await reportFinding(store, '', { ...finding, evidence: { ...finding.evidence, text } }, context);
  const snippet = String(log.lines[0]?.fields.snippet);
  expect(snippet.length).toBeLessThanOrEqual(120);
  expect(snippet).not.toContain('made-up-secret');
  expect(snippet).not.toContain('\u001b');
});

test('a warning with a figure is told for its account elsewhere, one without a figure here [R11 R150]', async () => {
  const { events, context, store } = bench();
  const { finding } = paneRecord();
  const decision = { kind: 'other', class: 'warning', lasting: false, turnAt: null, reason: 'only a warning' } as const;
  const warn = (text: string) => {
    const warning = aFinding({ class: 'warning', family: 'percent-used', text });
    return { ...finding, decision, pool: 'default', reading: aReading({ warnings: [warning] }) };
  };
  await reportFinding(store, 'clear|none', warn("You've used 92% of your session limit"), context);
  expect(events).toEqual([]);
  await reportFinding(store, 'clear|none', warn('Approaching usage limit'), context);
  expect(events).toMatchObject([{ type: 'quota_warning' }]);
});

test('the limit of a pane that follows no link is told with the reason why no swap helps', async () => {
  const { events, context, store } = bench();
  const { finding } = paneRecord();
  const own = {
    ...finding,
    consumedBy: null,
    notSwitchable: { reason: 'its environment sets ANTHROPIC_API_KEY', ownLogin: true },
  };
  await reportFinding(store, '', own, context);
  expect(events).toMatchObject([
    {
      type: 'session_not_switchable',
      severity: 'info',
      data: { not_switchable: 'its environment sets ANTHROPIC_API_KEY' },
    },
  ]);
});
