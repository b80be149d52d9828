/** What the parts of the agent hand to each other. Imports nothing. */

/** One measured value. Names, units and tags as docs/AGENT.md lists them. */
export interface Metric {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly value: number;
  /** '' for none. */
  readonly unit: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Unix milliseconds: when it was measured. */
  readonly timestampMs: number;
}

/** Metrics on their way to the server: the unit of spooling, sending and acknowledgement. */
export interface Batch {
  /** A UUID; the server knows a batch again by it. */
  readonly batchId: string;
  /** Counts this agent's batches from 1 on, without gaps, also across restarts: the server sees by it what is missing. */
  readonly seq: number;
  /** Unix milliseconds: of its newest metric. */
  readonly timestampMs: number;
  readonly metrics: readonly Metric[];
}

/** Samples that were given up because the spool was full or they were too old. */
export interface Dropped {
  readonly count: number;
  /** Unix milliseconds of the oldest and the newest of them. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** Measures something, again and again. A collector never throws for what it measures: a failed check is a metric. */
export interface Collector {
  /** For logs and for `report_status`. */
  readonly name: string;
  /** What is true at `nowMs`, which all of its metrics carry. @throws Error when nothing could be measured at all */
  collect(nowMs: number, signal: AbortSignal): Promise<Metric[]>;
}

/** A target that is checked. */
export interface CheckTarget {
  readonly type: 'ping' | 'http' | 'tcp' | 'dns';
  /** Host name or address; for http a URL. */
  readonly address: string;
  /** Of tcp; of dns the server's. */
  readonly port: number | null;
  readonly timeoutMs: number;
}

/** What the server may configure, and what the agent does without it. */
export interface AgentConfig {
  readonly collectionIntervalS: number;
  readonly transmissionIntervalS: number;
  readonly batchSize: number;
  /** How often an unanswered batch is sent again before the connection is given up, and how long after. */
  readonly retryAttempts: number;
  readonly retryDelayMs: number;
  readonly targets: readonly CheckTarget[];
  /** Empty: all. */
  readonly interfaces: readonly string[];
  /** Names, or beginnings of names with a `*` at their end. Empty: all. */
  readonly metrics: readonly string[];
}

export interface Clock {
  /** Unix milliseconds. */
  nowMs(): number;
}

export interface Logger {
  error(message: string, details?: object): void;
  warn(message: string, details?: object): void;
  info(message: string, details?: object): void;
  debug(message: string, details?: object): void;
}
