/** The tables as the code sees them. Cells are text, numbers or null: booleans are 0 or 1, instants epoch ms, JSON is text. */

/** Facts of this host; always SQLite. */
export interface LocalTables {
  meta: MetaTable;
  events: EventTable;
  swaps: SwapTable;
  incidents: IncidentTable;
  incident_steps: IncidentStepTable;
  recoveries: RecoveryTable;
  activations: ActivationTable;
  hits: HitTable;
  sessions: SessionTable;
  notices: NoticeTable;
  outbox: OutboxTable;
  cursors: CursorTable;
  alerts: AlertTable;
  daily_stats: DailyStatsTable;
  tasks: TaskTable;
  lifecycles: LifecycleTable;
  checkpoints: CheckpointTable;
  token_files: TokenFileTable;
  model_tokens: ModelTokensTable;
}

/** Facts that several hosts may share; only types and queries that PostgreSQL knows as well. */
export interface PoolTables {
  accounts: AccountTable;
  quota: QuotaTable;
  leases: LeaseTable;
}

/** What an insert needs: all of a row but an id that the database counts. */
export type NewRow<Row> = Row extends { id: number } ? Omit<Row, 'id'> : Row;

export interface MetaTable {
  key: string;
  value: string;
}

export interface EventTable {
  id: number;
  at: number;
  type: string;
  severity: string;
  pool: string | null;
  account: string | null;
  session: string | null;
  pane: string | null;
  swap: string | null;
  data_json: string;
}

export interface SwapTable {
  id: string;
  pool: string;
  from_account: string;
  to_account: string;
  trigger_kind: string;
  trigger_pane: string | null;
  reason: string;
  reset_at: number | null;
  phase: string;
  requested_at: number;
  started_at: number;
  flipped_at: number | null;
  finished_at: number | null;
  error: string | null;
  from_target: string;
  to_target: string;
  locks_json: string;
}

export interface IncidentTable {
  id: string;
  swap_id: string;
  pool: string;
  at: number;
  screen: string | null;
  evidence_json: string;
  decision_json: string;
  result_json: string | null;
}

export interface IncidentStepTable {
  id: number;
  swap_id: string;
  at: number;
  step: string;
  duration_ms: number | null;
  detail_json: string;
}

export interface RecoveryTable {
  id: string;
  swap_id: string;
  server: string;
  server_pid: number;
  server_started_at_s: number;
  pane_id: string;
  pane_pid: number;
  label: string;
  session_id: string | null;
  version: string | null;
  launch_json: string | null;
  state: string;
  state_since: number;
  started_at: number;
  finished_at: number | null;
  prompted_at: number | null;
  enters: number;
  prompts: number;
  recovered_by: string | null;
  reason: string | null;
}

export interface ActivationTable {
  id: number;
  pool: string;
  account: string;
  since: number;
  cause: string;
}

export interface HitTable {
  fingerprint: string;
  pool: string;
  pane: string;
  account: string;
  bucket: string;
  first_seen_at: number;
  last_seen_at: number;
  swap_id: string | null;
}

export interface SessionTable {
  id: string;
  server: string;
  session_name: string;
  label: string;
  pane_id: string;
  pane_pid: number;
  pool: string | null;
  kind: string;
  agent: string;
  version: string | null;
  cwd: string;
  agent_pid: number | null;
  agent_start_ticks: string | null;
  session_id: string | null;
  launched_under: string | null;
  launch_confidence: string | null;
  state: string;
  state_reason: string | null;
  state_since: number;
  last_seen_at: number;
}

export interface NoticeTable {
  id: number;
  key: string;
  type: string;
  severity: string;
  first_at: number;
  updated_at: number;
  told_at: number | null;
  count: number;
  revision: number;
  settled: number;
  message_json: string;
}

export interface OutboxTable {
  id: number;
  notice_id: number;
  channel: string;
  severity: string;
  mode: string;
  message_json: string;
  state: string;
  held: string | null;
  created_at: number;
  not_before: number;
  attempts: number;
  finished_at: number | null;
  ref: string | null;
  error: string | null;
}

export interface CursorTable {
  name: string;
  event_id: number;
}

export interface AlertTable {
  id: number;
  fingerprint: string;
  type: string;
  severity: string;
  status: string;
  subject_kind: string;
  subject_id: string;
  pool: string | null;
  metric: string;
  value: number;
  threshold: number;
  window_ms: number | null;
  detail: string;
  first_at: number;
  last_at: number;
  ended_at: number | null;
  count: number;
  false_runs: number;
  changed_by: string | null;
  /** The event that raised it last. */
  event_id: number | null;
}

/** `account` empty: all together. */
export interface DailyStatsTable {
  day: string;
  account: string;
  swaps: number;
  hits_instant: number;
  hits_confirmed: number;
  hits_vetoed: number;
  hits_consumed: number;
  recovered_hot: number;
  recovered_restart: number;
  recovered_self: number;
  handed_over: number;
  recovery_ms_json: string;
  active_ms: number;
  /** Null: not counted then. */
  tasks_json: string | null;
  /** Null: not counted then, or its agent does not tell. */
  models_json: string | null;
}

/** A file in which an agent writes what its models used, and how far it was read. */
export interface TokenFileTable {
  key: string;
  path: string;
  agent: string;
  offset: number;
  read_at: number;
  detail_json: string;
}

/** Tokens; `account` empty: of nobody that is known. */
export interface ModelTokensTable {
  day: string;
  account: string;
  model: string;
  input: number;
  output: number;
  cache_read: number;
  cache_write: number;
}

export interface TaskTable {
  id: string;
  project: string;
  task_id: string;
  stem: string;
  path: string;
  title: string;
  priority: string;
  model: string | null;
  timeout_ms: number | null;
  max_attempts: number | null;
  session: string | null;
  not_before_at: number | null;
  depends_json: string;
  meta_json: string;
  status: string;
  status_since: number;
  attempt: number;
  requeues: number;
  claim_id: string | null;
  work_session: string | null;
  work_pane: string | null;
  account: string | null;
  created_at: number;
  claimed_at: number | null;
  started_at: number | null;
  finished_at: number | null;
  retry_at: number | null;
  completion: string | null;
  error_kind: string | null;
  reason: string | null;
  summary: string | null;
  attempts_json: string;
  decisions_json: string;
  delivery_json: string | null;
}

/** A session the daemon answers for. */
export interface LifecycleTable {
  session_name: string;
  server: string;
  kind: string;
  pool: string;
  agent: string;
  project: string;
  state: string;
  /** Why it is in this state. */
  cause: string;
  state_since: number;
  /** The state that a dialog interrupted. */
  previous_state: string | null;
  created_by_us: number;
  server_pid: number | null;
  server_started_at_s: number | null;
  pane_id: string | null;
  pane_pid: number | null;
  task_id: string | null;
  launched_at: number | null;
  idle_since: number | null;
  /** Instants of the last restarts. */
  restarts_json: string;
  held_until: number | null;
  detail_json: string;
}

export interface CheckpointTable {
  id: number;
  session_name: string;
  at: number;
  task_id: string | null;
  cwd: string;
  lines: string;
  hash: string;
}

export interface AccountTable {
  name: string;
  pool: string;
  status: string;
  status_reason: string | null;
  identity: string | null;
  active_since: number | null;
  left_at: number | null;
  /** File times have fractions of a millisecond and are compared for equality. */
  credentials_mtime_ms: number | null;
  /** Since when no configuration names it. */
  removed_at: number | null;
}

export interface LeaseTable {
  id: string;
  account: string;
  session: string;
  holder: string | null;
  acquired_at: number;
  heartbeat_at: number;
  expires_at: number;
  released_at: number | null;
  release_reason: string | null;
}

export interface QuotaTable {
  account: string;
  bucket: string;
  used: number | null;
  limit_reached: number;
  reset_at: number | null;
  lock_until: number | null;
  source: string;
  updated_at: number;
  verify_required: number;
}
