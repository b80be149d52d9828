/**
 * The schema, as steps that are applied once and in order; `PRAGMA user_version` counts them. A step that was
 * released is never changed. Times are Unix milliseconds; a text column that is not known holds ''.
 *
 * Every incarnation of an agent has an `agent_key` of its own, never reused: deleting an agent deletes its row, so
 * that its data is out of sight at once and nothing under way can attach itself to a namesake; what the key left
 * behind is erased in slices afterwards (`deleted_agents`).
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE agents (
    agent_key INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id TEXT NOT NULL DEFAULT 'default',
    id TEXT NOT NULL,
    provider TEXT NOT NULL,
    region TEXT NOT NULL,
    zone TEXT NOT NULL,
    network TEXT NOT NULL,
    subnet TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    ip_address TEXT NOT NULL,
    version TEXT NOT NULL,
    capabilities TEXT NOT NULL DEFAULT '[]',
    health TEXT NOT NULL DEFAULT 'unknown',
    health_message TEXT NOT NULL DEFAULT '',
    connected_at_ms INTEGER,
    last_seen_ms INTEGER NOT NULL,
    last_registration_ms INTEGER,
    total_messages INTEGER NOT NULL DEFAULT 0,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    UNIQUE (tenant_id, id)
  ) STRICT;

  -- What every batch counts up, apart from the agents' wide rows: fewer pages are written per commit.
  CREATE TABLE agent_totals (
    agent_key INTEGER PRIMARY KEY,
    metrics INTEGER NOT NULL DEFAULT 0,
    errors INTEGER NOT NULL DEFAULT 0,
    series INTEGER NOT NULL DEFAULT 0,
    last_batch_ms INTEGER NOT NULL DEFAULT 0,
    newest_sample_ms INTEGER NOT NULL DEFAULT 0,
    clock_skew_ms INTEGER
  ) STRICT;

  CREATE TABLE deleted_agents (
    agent_key INTEGER PRIMARY KEY,
    next_window_ms INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  CREATE TABLE metric_series (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    agent_key INTEGER NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    unit TEXT NOT NULL,
    tags TEXT NOT NULL,
    UNIQUE (agent_key, name, type, unit, tags)
  ) STRICT;

  -- One row per agent batch and window (hour): the unit of commit and of acknowledgement.
  CREATE TABLE metric_batches (
    id INTEGER PRIMARY KEY,
    window_ms INTEGER NOT NULL,
    agent_key INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    min_ts_ms INTEGER NOT NULL,
    max_ts_ms INTEGER NOT NULL,
    sample_count INTEGER NOT NULL,
    payload BLOB NOT NULL
  ) STRICT;
  -- By time, so that new entries go to the end whichever agent they are of; the rest makes it covering.
  CREATE INDEX metric_batches_by_window ON metric_batches (window_ms, max_ts_ms, min_ts_ms, agent_key);

  CREATE TABLE batch_receipts (
    agent_key INTEGER NOT NULL,
    batch_id TEXT NOT NULL,
    processed INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    PRIMARY KEY (agent_key, batch_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX batch_receipts_by_time ON batch_receipts (received_at_ms);

  CREATE TABLE batch_errors (
    id INTEGER PRIMARY KEY,
    agent_key INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    last_error TEXT NOT NULL
  ) STRICT;
  CREATE INDEX batch_errors_by_time ON batch_errors (at_ms);
  -- So that deleting an agent does not read everybody's errors.
  CREATE INDEX batch_errors_by_agent ON batch_errors (agent_key);

  CREATE TABLE agent_configs (
    agent_key INTEGER PRIMARY KEY,
    config TEXT,
    version INTEGER NOT NULL,
    attempted_version INTEGER,
    attempt_status TEXT,
    attempt_error TEXT,
    attempted_at_ms INTEGER,
    effective_version INTEGER,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE targets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id TEXT NOT NULL DEFAULT 'default',
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    address TEXT NOT NULL,
    port INTEGER,
    interval_s INTEGER NOT NULL,
    timeout_s INTEGER NOT NULL,
    enabled INTEGER NOT NULL,
    agent_ids TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE agent_commands (
    id TEXT PRIMARY KEY,
    agent_key INTEGER NOT NULL,
    name TEXT NOT NULL,
    args TEXT NOT NULL,
    status TEXT NOT NULL,
    output TEXT,
    error TEXT,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    completed_at_ms INTEGER
  ) STRICT;
  CREATE INDEX agent_commands_by_agent ON agent_commands (agent_key, created_at_ms);

  CREATE TABLE activities (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    type TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    agent_key INTEGER,
    message TEXT NOT NULL
  ) STRICT;
  CREATE INDEX activities_by_time ON activities (at_ms);
  CREATE INDEX activities_by_agent ON activities (agent_id, at_ms);

  CREATE TABLE alert_rules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id TEXT NOT NULL DEFAULT 'default',
    name TEXT NOT NULL,
    metric_name TEXT NOT NULL,
    condition TEXT NOT NULL CHECK (condition IN ('gt', 'gte', 'lt', 'lte', 'eq', 'ne')),
    threshold REAL NOT NULL,
    severity TEXT NOT NULL,
    enabled INTEGER NOT NULL DEFAULT 1,
    agent_filter TEXT NOT NULL DEFAULT '{}',
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE alert_instances (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    rule_id INTEGER NOT NULL REFERENCES alert_rules (id) ON DELETE CASCADE,
    agent_key INTEGER,
    labels TEXT NOT NULL DEFAULT '{}',
    state TEXT NOT NULL CHECK (state IN ('pending', 'firing', 'resolved')),
    value REAL,
    started_at_ms INTEGER NOT NULL,
    resolved_at_ms INTEGER,
    updated_at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX alert_instances_by_rule ON alert_instances (rule_id, state);

  -- A row to write when asked whether writing works.
  CREATE TABLE probes (id INTEGER PRIMARY KEY CHECK (id = 1), at_ms INTEGER NOT NULL) STRICT;
  INSERT INTO probes VALUES (1, 0);
  `,
  `
  -- Folded samples: all series of one agent in one stretch of time. Never changed, only replaced.
  CREATE TABLE units (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tier INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    agent_key INTEGER NOT NULL,
    span_ms INTEGER NOT NULL,
    sample_count INTEGER NOT NULL,
    byte_count INTEGER NOT NULL,
    part_count INTEGER NOT NULL,
    UNIQUE (tier, start_ms, agent_key)
  ) STRICT;
  CREATE INDEX units_by_agent ON units (agent_key);

  -- Their bytes, cut so that overflow pages are filled: id is the unit's × 4096 + the part's number.
  CREATE TABLE unit_parts (id INTEGER PRIMARY KEY, payload BLOB NOT NULL) STRICT;
  `,
  `
  -- The agent's count of its batches: the last one, and when that batch's newest sample was measured.
  ALTER TABLE agent_totals ADD COLUMN last_seq INTEGER;
  ALTER TABLE agent_totals ADD COLUMN last_seq_ms INTEGER;

  -- What is known to be missing: batches that never came (missing), samples that the agent threw away (dropped).
  CREATE TABLE agent_gaps (
    id INTEGER PRIMARY KEY,
    agent_key INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('missing', 'dropped')),
    -- Of batches that may still come; NULL for what was dropped, and for counts that have ended.
    first_seq INTEGER,
    last_seq INTEGER,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,
    -- Batches that are missing, or samples that were dropped.
    lost INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX agent_gaps_by_agent ON agent_gaps (agent_key, first_seq);
  CREATE INDEX agent_gaps_by_end ON agent_gaps (to_ms);

  ALTER TABLE agent_configs ADD COLUMN effective_at_ms INTEGER;
  UPDATE agent_configs SET effective_at_ms = attempted_at_ms
    WHERE effective_version = attempted_version AND attempt_status = 'applied';
  `,
  `
  -- Made with the first schema and never written: made again as they are needed.
  DROP TABLE alert_instances;
  DROP TABLE alert_rules;

  CREATE TABLE alert_rules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id TEXT NOT NULL DEFAULT 'default',
    name TEXT NOT NULL,
    -- '' for rules about agents themselves.
    metric_name TEXT NOT NULL,
    condition TEXT NOT NULL CHECK (condition IN
      ('gt', 'gte', 'lt', 'lte', 'eq', 'ne', 'disconnected', 'stale', 'clock_skew', 'config_failed')),
    -- Of rules about agents: milliseconds, or NULL for the usual.
    threshold REAL,
    severity TEXT NOT NULL,
    enabled INTEGER NOT NULL DEFAULT 1,
    agent_filter TEXT NOT NULL DEFAULT '{}',
    -- All the rest: the kind of rule, window, aggregation, times, labels, annotations.
    definition TEXT NOT NULL,
    is_default INTEGER NOT NULL DEFAULT 0,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    UNIQUE (tenant_id, name)
  ) STRICT;

  -- A row says that the default rules were made, whatever became of them.
  CREATE TABLE alert_defaults (tenant_id TEXT PRIMARY KEY, made_at_ms INTEGER NOT NULL) STRICT;

  -- Alerts outlive their rule and their agent: as history, and until they are resolved because of it.
  CREATE TABLE alert_instances (
    alert_key INTEGER PRIMARY KEY,
    tenant_id TEXT NOT NULL DEFAULT 'default',
    id TEXT NOT NULL UNIQUE,
    rule_id INTEGER NOT NULL,
    group_key TEXT NOT NULL,
    agent_id TEXT,
    severity TEXT NOT NULL,
    labels TEXT NOT NULL,
    annotations TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'firing', 'resolved')),
    value REAL,
    started_at_ms INTEGER NOT NULL,
    firing_since_ms INTEGER,
    well_since_ms INTEGER,
    resolved_at_ms INTEGER,
    resolved_reason TEXT,
    acknowledgement TEXT,
    updated_at_ms INTEGER NOT NULL,
    CHECK ((state = 'resolved') = (resolved_at_ms IS NOT NULL))
  ) STRICT;
  -- NULL for the active ones. The history is read backwards along one of these.
  CREATE INDEX alert_instances_by_end ON alert_instances (resolved_at_ms);
  CREATE INDEX alert_instances_by_rule ON alert_instances (rule_id, resolved_at_ms);
  CREATE INDEX alert_instances_by_agent ON alert_instances (agent_id, resolved_at_ms);
  CREATE INDEX alert_instances_by_severity ON alert_instances (severity, resolved_at_ms);

  CREATE TABLE alert_silences (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id TEXT NOT NULL DEFAULT 'default',
    matchers TEXT NOT NULL,
    starts_at_ms INTEGER NOT NULL,
    ends_at_ms INTEGER,
    recurrence TEXT,
    author TEXT NOT NULL,
    comment TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE alert_channels (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id TEXT NOT NULL DEFAULT 'default',
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    settings TEXT NOT NULL,
    matchers TEXT NOT NULL,
    group_by TEXT NOT NULL,
    group_wait_ms INTEGER NOT NULL,
    group_interval_ms INTEGER NOT NULL,
    repeat_interval_ms INTEGER NOT NULL,
    sends_resolved INTEGER NOT NULL,
    enabled INTEGER NOT NULL,
    is_from_settings INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    UNIQUE (tenant_id, name)
  ) STRICT;

  -- What a channel was last told of a group of alerts.
  CREATE TABLE alert_groups (
    channel_id INTEGER NOT NULL REFERENCES alert_channels (id) ON DELETE CASCADE,
    group_key TEXT NOT NULL,
    told_firing TEXT NOT NULL,
    first_seen_at_ms INTEGER NOT NULL,
    last_told_at_ms INTEGER,
    PRIMARY KEY (channel_id, group_key)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE alert_deliveries (
    delivery_key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    channel_id INTEGER NOT NULL REFERENCES alert_channels (id) ON DELETE CASCADE,
    group_key TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'delivered', 'failed')),
    payload TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_at_ms INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    finished_at_ms INTEGER,
    last_error TEXT,
    CHECK ((status = 'waiting') = (finished_at_ms IS NULL))
  ) STRICT;
  CREATE INDEX alert_deliveries_due ON alert_deliveries (next_attempt_at_ms) WHERE finished_at_ms IS NULL;
  CREATE INDEX alert_deliveries_by_end ON alert_deliveries (finished_at_ms) WHERE finished_at_ms IS NOT NULL;
  CREATE INDEX alert_deliveries_by_channel ON alert_deliveries (channel_id);
  `,
];
