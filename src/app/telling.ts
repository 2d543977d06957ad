/** Puts together who is told: the notifier, a sender for each channel, and what the status says of them. */
import { createHeartbeat } from '../adapters/channels/heartbeat.ts';
import type { Config } from '../config/schema.ts';
import type { Route, TellPolicy } from '../core/alerts/plan.ts';
import { quietUntil } from '../core/alerts/quiet.ts';
import type { ChannelFacts } from '../core/channel-view.ts';
import { MINUTE } from '../core/time.ts';
import { createHeartbeatLoop } from '../loops/heartbeat.ts';
import { createGather, createNotifier } from '../loops/notifier.ts';
import { createSender } from '../loops/sender.ts';
import type { Outbox } from '../ports/outbox.ts';
import type { Board, Channel, Clock, Loop } from '../ports.ts';

export interface TellingPorts {
  readonly channels: readonly Channel[];
  readonly outbox: Outbox;
  readonly board: Pick<Board, 'wake'>;
  readonly clock: Clock;
  /** How this machine is called in messages. */
  readonly host: string;
  readonly heartbeatUrl: string | null;
  /** Whether a heartbeat may say that all is well. */
  readonly isWell: () => boolean;
}

export interface Telling {
  /** None when nobody is to be told. */
  readonly loops: readonly Loop[];
  channels(): readonly ChannelFacts[];
}

/** What happened this long before the first start with a channel is told: a database that was damaged, above all. */
const LOOK_BACK_MS = MINUTE;

export async function createTelling(ports: TellingPorts): Promise<Telling> {
  const { channels, outbox, clock, host, heartbeatUrl, isWell } = ports;
  const heartbeats =
    heartbeatUrl === null ? [] : [createHeartbeatLoop({ heartbeat: createHeartbeat(heartbeatUrl), clock, isWell })];
  if (channels.length === 0) {
    await outbox.forget();
    return { loops: heartbeats, channels: () => [] };
  }
  await outbox.begin(clock.now() - LOOK_BACK_MS);
  const gather = createGather(host, clock);
  const senders = channels.map((channel) =>
    createSender(
      { outbox, clock, gather, host, perHour: ({ config }) => config.notifications.rateLimit.perHour },
      channel,
    ),
  );
  const policy = ({ config }: { readonly config: Config }) => policyOf(config, channels, host, clock.zone());
  return {
    loops: [createNotifier({ outbox, board: ports.board, clock, policy, host }), ...senders, ...heartbeats],
    channels: () => senders.map((sender) => sender.last()),
  };
}

/** The configuration as the planner needs it. */
export function policyOf(
  { notifications }: Pick<Config, 'notifications'>,
  channels: readonly Pick<Channel, 'kind' | 'name' | 'canEdit'>[],
  host: string,
  localZone: string,
): TellPolicy {
  const { quietHours } = notifications;
  const zone = quietHours.timezone === 'local' ? localZone : quietHours.timezone;
  return {
    host,
    showIdentities: notifications.showIdentities,
    routes: channels.map(
      ({ kind, name, canEdit }): Route => ({ kind, name, canEdit, minSeverity: notifications[kind].minSeverity }),
    ),
    overrides: notifications.events,
    quietUntil: (at) => quietUntil({ ...quietHours, zone }, at),
    quietAllow: quietHours.allow,
  };
}
