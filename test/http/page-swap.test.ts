/** The page of one swap tells the one record that `why` and `incidents show` tell. */
import { beforeEach, describe, expect, test } from 'vitest';
import { explainSwap } from '../../src/core/why.ts';
import type { Door } from '../../src/http/guard.ts';
import { createRoutes } from '../../src/http/routes.ts';
import { FakeDaemon, NOW, SWAP_ID, swapRecord, swapRow } from '../support/daemon-facts.ts';
import { SOCKET, TCP } from '../support/doors.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { readPage } from '../support/html.ts';
import { RecordingLog } from '../support/recording-log.ts';

let daemon: FakeDaemon;
beforeEach(() => {
  daemon = new FakeDaemon();
});

async function ask(id = SWAP_ID, door: Door = TCP, zone = 'UTC') {
  const deps = { api: daemon, clock: new FakeClock(undefined, zone), log: new RecordingLog(), version: '0.1.0' };
  const response = await createRoutes(deps, door).request(`http://localhost:8765/incidents/${id}`);
  const html = await response.text();
  return { ...readPage(html), html, status: response.status };
}

/** The words of a text without what joins them. */
function words(text: string): readonly string[] {
  return text.split(/\s+/).flatMap((word) => word.replace(/^\(|[),:;]+$/g, '') || []);
}

describe('the page of a swap [R280]', () => {
  test('has every word that `why` has: evidence, decision, who was passed over, steps, panes', async () => {
    const { text } = await ask();
    const there = new Set(words(text.toLowerCase()));
    const missing = words(explainSwap(swapRecord(), NOW).toLowerCase()).filter((word) => !there.has(word));
    expect(missing).toEqual([]);
    expect(text).toContain('passed over work-3 weekly limit reached, until 2026-01-06 18:00:00');
    expect(text).toContain('+0.8 s flipped 13 ms link /home/ada/.claude');
    expect(text).toContain('docs:0.0 left to you after 3 s: someone types there');
  });

  test('tells its times in the zone of the daemon', async () => {
    const { text, tags } = await ask(SWAP_ID, TCP, 'Asia/Tokyo');
    expect(text).toContain('2026-01-05 20:55:00');
    expect(tags).toContainEqual({ name: 'time', attributes: { datetime: '2026-01-05T11:55Z' } });
  });

  test('shows the screen before on the socket, masked, line by line; over TCP it names the command [R237]', async () => {
    const record = swapRecord();
    const screen = 'first line\n  <b>second</b> sk-ant-oat01-planted \x1b[31mred\n\n';
    daemon.record = { ...record, incident: record.incident && { ...record.incident, screen } };
    const own = await ask(SWAP_ID, SOCKET);
    expect(own.html).toContain('<pre>first line\n  &lt;b&gt;second&lt;/b&gt; [masked] red\n</pre>');
    expect(own.flaws).toEqual([]);
    const other = await ask();
    expect(other.text).not.toContain('second');
    expect(other.text).toContain(`not shown over TCP: claude-failover incidents show ${SWAP_ID}`);
  });

  test('says what is not recorded instead of guessing', async () => {
    const swap = swapRow({ phase: 'failed', flippedAt: null, error: 'the CLI holds its lock', trigger: 'manual' });
    daemon.record = { swap, incident: null, recoveries: [], events: [] };
    const { text } = await ask(SWAP_ID, SOCKET);
    expect(text).toContain('the link was not moved');
    expect(text).toContain('error the CLI holds its lock');
    expect(text).toContain('the record of this swap has no evidence');
    expect(text).toContain('not recorded');
    expect(text).toContain('none was touched');
    expect(text).toContain('none was recorded');
  });

  test('a swap that is not there any more is a page too, which says where the others are', async () => {
    const { status, text } = await ask('20200101-000000-none');
    expect(status).toBe(404);
    expect(text).toContain('claude-failover incidents');
  });

  test('stays below 50 KB whatever was on the screen and however many panes there were', async () => {
    const record = swapRecord();
    const [first] = record.recoveries;
    daemon.record = {
      ...record,
      incident: record.incident && {
        ...record.incident,
        screen: `${"<&'".repeat(60)}\n`.repeat(400),
        evidence: Array.from({ length: 60 }, () => record.incident?.evidence[0] ?? {}),
      },
      recoveries: first === undefined ? [] : Array.from({ length: 500 }, (_, i) => ({ ...first, label: `pane-${i}` })),
    };
    const { html, text } = await ask(SWAP_ID, SOCKET);
    expect(Buffer.byteLength(html)).toBeLessThanOrEqual(50_000);
    expect(text).toMatch(new RegExp(`and \\d+ more lines: claude-failover incidents show ${SWAP_ID}`));
    expect(text).toMatch(new RegExp(`and \\d+ more: claude-failover incidents show ${SWAP_ID}`));
  });
});
