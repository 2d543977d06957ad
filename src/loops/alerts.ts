/** The detector: runs the rules of the alerts over stored facts, and lets each alert live its life. */
import type { Alert } from '../core/alerts/alert.ts';
import { evaluate } from '../core/alerts/rules.ts';
import type { AlertStore } from '../ports/records.ts';
import type { Loop } from '../ports.ts';
import type { AlertFactPorts } from '../steps/alert-facts.ts';
import { gatherAlertFacts, thresholdsOf } from '../steps/alert-facts.ts';

export interface AlertsPorts extends AlertFactPorts {
  readonly alerts: AlertStore;
}

export function createAlerts(ports: AlertsPorts): Loop & { open(): number } {
  let open = 0;
  return {
    name: 'alerts',
    intervalMs: (config) => config.alerts.intervalMs,
    /** Alerts that are open, as of the last run. */
    open: () => open,
    async tick({ config, now, log }) {
      const facts = await gatherAlertFacts(ports, config, now);
      if (facts === null) return;
      const firings = evaluate(facts, thresholdsOf(config));
      for (const { alert, event } of await ports.alerts.run(firings, now, config.alerts.dedupeCooldownMs)) {
        if (alert === null || event === null) continue;
        log[event === 'alert_resolved' ? 'info' : 'warn'](fieldsOf(alert), LINES[event]);
      }
      open = await ports.alerts.countOpen();
    },
  };
}

const LINES = {
  alert_raised: 'alert raised',
  alert_escalated: 'alert became worse',
  alert_resolved: 'alert resolved',
} as const;

function fieldsOf(alert: Alert): Readonly<Record<string, unknown>> {
  const { id, fingerprint, severity, metric, value, threshold, detail } = alert;
  return { alert: id, fingerprint, severity, metric, value, threshold, detail };
}
