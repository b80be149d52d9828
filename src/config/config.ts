import { isIP } from 'node:net';
import Joi from 'joi';
import { isLoopback } from '../model/loopback.js';
import { SETTINGS } from './settings.js';

/** The server's configuration: checked, typed, frozen. Times in milliseconds, sizes in bytes. */
export interface Config {
  readonly environment: 'production' | 'development' | 'test';
  readonly host: string;
  readonly port: number;
  /** The loopback rule holds: nobody but this machine gets in, because not everybody has to show a credential. */
  readonly localOnly: boolean;
  readonly frontendOrigins: readonly string[];
  /** For Express' `trust proxy`: false, a number of hops, or addresses. */
  readonly trustProxy: false | number | readonly string[];
  /** The folder of the built console; null: the server's own. */
  readonly consoleDir: string | null;
  readonly stopTimeoutMs: number;
  readonly log: { readonly level: string; readonly dir: string | null };
  readonly auth: {
    readonly agentTokens: readonly string[];
    readonly apiKeys: readonly string[];
    readonly allowUnauthenticated: boolean;
  };
  readonly storage: {
    readonly path: string;
    readonly retentionMs: number;
    readonly fiveMinuteRetentionMs: number;
    readonly oneHourRetentionMs: number;
    readonly alertHistoryMs: number;
    readonly cleanupIntervalMs: number;
    readonly compactIntervalMs: number;
    readonly readerThreads: number;
    readonly queryTimeoutMs: number;
    readonly maxQueuedQueries: number;
    readonly batchMemoryMs: number;
  };
  readonly agents: {
    readonly heartbeatIntervalMs: number;
    readonly connectionTimeoutMs: number;
    readonly maxConnections: number;
    readonly upgradesPerSecond: number;
    readonly upgradeWaitMs: number;
    readonly maxWaitingUpgrades: number;
    readonly maxAgents: number;
    readonly maxMessageBytes: number;
    readonly queueBatches: number;
    readonly queueBytes: number;
    readonly agentQueueBatches: number;
  };
  readonly limits: IngestLimits;
  /** Batches are compared with earlier ones instead of parsed. */
  readonly fastParser: boolean;
  readonly rateLimit: { readonly windowMs: number; readonly maxRequests: number };
  readonly authFailuresPerMinute: number;
  readonly maxBodyBytes: number;
  readonly maxUnreadBytes: number;
  readonly live: {
    readonly maxClients: number;
    readonly intervalMs: number;
    readonly metricsPerInterval: number;
    readonly maxPending: number;
    readonly maxBufferedBytes: number;
  };
  readonly proxies: {
    readonly loggingUrl: string;
    readonly computeUrl: string;
    readonly cloudRunUrl: string;
    readonly ipifyUrl: string;
    readonly timeoutMs: number;
  };
  readonly alerts: AlertSettings;
}

/** Of alerts, and who is told of them without any setting up. */
export interface AlertSettings {
  readonly enabled: boolean;
  readonly webhookUrl: string | null;
  readonly webhookSecret: string | null;
  /** Channels may send to the server's own network. */
  readonly allowPrivate: boolean;
  readonly emailFrom: string | null;
  readonly emailTo: readonly string[];
  readonly smtpUrl: string;
  /** Of the console, without a slash at the end. */
  readonly externalUrl: string | null;
}

/** What one batch and one agent may bring. */
export interface IngestLimits {
  readonly maxMetricsPerBatch: number;
  readonly maxSeriesPerAgent: number;
  readonly maxTagsPerMetric: number;
  readonly maxTagLength: number;
  readonly maxTagsLength: number;
  readonly maxNameLength: number;
  readonly maxObjectValueBytes: number;
}

/** The configuration cannot be used; the message says which setting, its value (unless secret) and what would do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** What the joi schema of SETTINGS leaves behind, for the settings that are used. */
interface SettingValues {
  readonly ALERT_EMAIL_FROM: string;
  readonly ALERT_EMAIL_TO: string;
  readonly ALERT_EXTERNAL_URL: string;
  readonly ALERT_SMTP_URL: string;
  readonly ALERT_WEBHOOK_ALLOW_PRIVATE: boolean;
  readonly ALERT_WEBHOOK_SECRET: string;
  readonly ALERT_WEBHOOK_URL: string;
  readonly ENABLE_ALERTS: boolean;
  readonly AGENT_QUEUE_BATCHES: number;
  readonly AGENT_TOKENS: string;
  readonly ALERT_HISTORY_DAYS: number;
  readonly ALLOW_UNAUTHENTICATED: boolean;
  readonly API_KEYS: string;
  readonly AUTH_FAILURES_PER_MINUTE: number;
  readonly BATCH_MEMORY_MS: number;
  readonly CLEANUP_INTERVAL: number;
  readonly COMPACT_INTERVAL: number;
  readonly CLOUDRUN_UPSTREAM: string;
  readonly COMPUTE_UPSTREAM: string;
  readonly CONSOLE_DIR: string;
  readonly DB_PATH: string;
  readonly FAST_PARSER: boolean;
  readonly FRONTEND_URL: string;
  readonly HOST: string;
  readonly INGEST_QUEUE_BATCHES: number;
  readonly INGEST_QUEUE_BYTES: number;
  readonly IPIFY_UPSTREAM: string;
  readonly LIVE_INTERVAL_MS: number;
  readonly LIVE_MAX_BUFFERED_BYTES: number;
  readonly LIVE_MAX_CLIENTS: number;
  readonly LIVE_MAX_PENDING: number;
  readonly LIVE_METRICS_PER_INTERVAL: number;
  readonly LOGGING_UPSTREAM: string;
  readonly LOG_DIR: string;
  readonly LOG_LEVEL: string;
  readonly MAX_AGENTS: number;
  readonly MAX_BODY_BYTES: number;
  readonly MAX_MESSAGE_BYTES: number;
  readonly MAX_METRICS_PER_BATCH: number;
  readonly MAX_NAME_LENGTH: number;
  readonly MAX_OBJECT_VALUE_BYTES: number;
  readonly MAX_QUEUED_QUERIES: number;
  readonly MAX_SERIES_PER_AGENT: number;
  readonly MAX_TAGS_PER_METRIC: number;
  readonly MAX_TAG_LENGTH: number;
  readonly MAX_TAGS_LENGTH: number;
  readonly MAX_UNREAD_BYTES: number;
  readonly MAX_WAITING_UPGRADES: number;
  readonly METRICS_RETENTION_DAYS: number;
  readonly NODE_ENV: Config['environment'];
  readonly PORT: number;
  readonly PROXY_TIMEOUT_MS: number;
  readonly QUERY_TIMEOUT_MS: number;
  readonly RATE_LIMIT_MAX_REQUESTS: number;
  readonly RATE_LIMIT_WINDOW_MS: number;
  readonly RETENTION_1H_DAYS: number;
  readonly RETENTION_5M_DAYS: number;
  readonly READER_THREADS: number;
  readonly STOP_TIMEOUT_MS: number;
  readonly TRUST_PROXY: string;
  readonly UPGRADES_PER_SECOND: number;
  readonly UPGRADE_WAIT_MS: number;
  readonly WS_CONNECTION_TIMEOUT: number;
  readonly WS_HEARTBEAT_INTERVAL: number;
  readonly WS_MAX_CONNECTIONS: number;
}

const MIN_SECRET_LENGTH = 16;
const DAY_MS = 86_400_000;
/** Agents with nothing to report send a WebSocket ping so often. */
const AGENTS_HEARTBEAT_MS = 30_000;
/** An address, with a name in front or without: `Alerts <alerts@example.org>`. */
const MAIL_ADDRESS = /^(?:[^<>@\r\n]{0,200}<[^\s<>@]{1,64}@[^\s<>@]{1,255}>|[^\s<>@]{1,64}@[^\s<>@]{1,255})$/;
const SECRET_SETTINGS = new Set([
  'AGENT_TOKENS',
  'ALERT_SMTP_URL',
  'ALERT_WEBHOOK_SECRET',
  'ALERT_WEBHOOK_URL',
  'API_KEYS',
  'DB_PASSWORD',
  'JWT_SECRET',
]);

/**
 * Checks raw settings (environment names to strings) and builds the configuration.
 * @throws ConfigError naming every setting that is wrong.
 */
export function parseConfig(raw: Readonly<Record<string, string | undefined>>): { config: Config; warnings: string[] } {
  const given: Record<string, string> = {};
  for (const { name } of SETTINGS) {
    const value = raw[name];
    if (value !== undefined && value !== '') given[name] = value;
  }
  const schema = Joi.object(Object.fromEntries(SETTINGS.map((s) => [s.name, s.schema])));
  const checked = schema.validate(given, { abortEarly: false, convert: true }) as Joi.ValidationResult<SettingValues>;
  if (checked.error !== undefined) {
    const problems = checked.error.details.map((detail) => {
      const name = String(detail.path[0]);
      const shown = SECRET_SETTINGS.has(name) ? '' : ` (it is "${given[name] ?? ''}")`;
      return `${detail.message}${shown}`;
    });
    throw new ConfigError(`Configuration: ${problems.join('; ')}`);
  }
  const values = checked.value;
  const warnings = SETTINGS.filter((s) => s.unused === true && given[s.name] !== undefined).map(
    (s) => `${s.name} is set but not used: ${s.help}`,
  );
  if (given.DB_TYPE === 'postgresql') warnings.push('DB_TYPE=postgresql is not supported yet: SQLite at DB_PATH is used');
  if (values.WS_CONNECTION_TIMEOUT <= AGENTS_HEARTBEAT_MS) {
    warnings.push(
      `WS_CONNECTION_TIMEOUT=${values.WS_CONNECTION_TIMEOUT} is not longer than the 30 s between two signs of life of an agent: quiet ones will be cut off and reconnect for ever`,
    );
  }
  if (values.ALERT_EMAIL_TO !== '' && values.ALERT_EMAIL_FROM.trim() === '') {
    warnings.push('ALERT_EMAIL_TO is set, but not ALERT_EMAIL_FROM: without a sender there is no alert mail');
  }

  const agentTokens = secrets('AGENT_TOKENS', values.AGENT_TOKENS);
  const apiKeys = secrets('API_KEYS', values.API_KEYS);
  const allowUnauthenticated: boolean = values.ALLOW_UNAUTHENTICATED;
  const localOnly = !allowUnauthenticated && (agentTokens.length === 0 || apiKeys.length === 0);
  const config: Config = {
    environment: values.NODE_ENV,
    host: localOnly ? loopbackHost(values.HOST, agentTokens, apiKeys) : values.HOST || '0.0.0.0',
    port: values.PORT,
    localOnly,
    frontendOrigins: origins(values.FRONTEND_URL),
    trustProxy: trustProxy(values.TRUST_PROXY),
    consoleDir: values.CONSOLE_DIR || null,
    stopTimeoutMs: values.STOP_TIMEOUT_MS,
    log: { level: values.LOG_LEVEL, dir: raw.LOG_DIR === '' ? null : values.LOG_DIR },
    auth: { agentTokens, apiKeys, allowUnauthenticated },
    storage: {
      path: values.DB_PATH,
      retentionMs: values.METRICS_RETENTION_DAYS * DAY_MS,
      fiveMinuteRetentionMs: values.RETENTION_5M_DAYS * DAY_MS,
      oneHourRetentionMs: values.RETENTION_1H_DAYS * DAY_MS,
      alertHistoryMs: values.ALERT_HISTORY_DAYS * DAY_MS,
      cleanupIntervalMs: values.CLEANUP_INTERVAL,
      compactIntervalMs: values.COMPACT_INTERVAL,
      readerThreads: values.READER_THREADS,
      queryTimeoutMs: values.QUERY_TIMEOUT_MS,
      maxQueuedQueries: values.MAX_QUEUED_QUERIES,
      batchMemoryMs: values.BATCH_MEMORY_MS,
    },
    agents: {
      heartbeatIntervalMs: values.WS_HEARTBEAT_INTERVAL,
      connectionTimeoutMs: values.WS_CONNECTION_TIMEOUT,
      maxConnections: values.WS_MAX_CONNECTIONS,
      upgradesPerSecond: values.UPGRADES_PER_SECOND,
      upgradeWaitMs: values.UPGRADE_WAIT_MS,
      maxWaitingUpgrades: values.MAX_WAITING_UPGRADES,
      maxAgents: values.MAX_AGENTS,
      maxMessageBytes: values.MAX_MESSAGE_BYTES,
      queueBatches: values.INGEST_QUEUE_BATCHES,
      queueBytes: values.INGEST_QUEUE_BYTES,
      agentQueueBatches: values.AGENT_QUEUE_BATCHES,
    },
    fastParser: values.FAST_PARSER,
    limits: {
      maxMetricsPerBatch: values.MAX_METRICS_PER_BATCH,
      maxSeriesPerAgent: values.MAX_SERIES_PER_AGENT,
      maxTagsPerMetric: values.MAX_TAGS_PER_METRIC,
      maxTagLength: values.MAX_TAG_LENGTH,
      maxTagsLength: values.MAX_TAGS_LENGTH,
      maxNameLength: values.MAX_NAME_LENGTH,
      maxObjectValueBytes: values.MAX_OBJECT_VALUE_BYTES,
    },
    rateLimit: { windowMs: values.RATE_LIMIT_WINDOW_MS, maxRequests: values.RATE_LIMIT_MAX_REQUESTS },
    authFailuresPerMinute: values.AUTH_FAILURES_PER_MINUTE,
    maxBodyBytes: values.MAX_BODY_BYTES,
    maxUnreadBytes: values.MAX_UNREAD_BYTES,
    live: {
      maxClients: values.LIVE_MAX_CLIENTS,
      intervalMs: values.LIVE_INTERVAL_MS,
      metricsPerInterval: values.LIVE_METRICS_PER_INTERVAL,
      maxPending: values.LIVE_MAX_PENDING,
      maxBufferedBytes: values.LIVE_MAX_BUFFERED_BYTES,
    },
    proxies: {
      loggingUrl: values.LOGGING_UPSTREAM,
      computeUrl: values.COMPUTE_UPSTREAM,
      cloudRunUrl: values.CLOUDRUN_UPSTREAM,
      ipifyUrl: values.IPIFY_UPSTREAM,
      timeoutMs: values.PROXY_TIMEOUT_MS,
    },
    alerts: alertSettings(values),
  };
  return { config: deepFreeze(config), warnings };
}

function alertSettings(values: SettingValues): AlertSettings {
  const emailFrom = values.ALERT_EMAIL_FROM.trim() || null;
  const emailTo = commaSeparated(values.ALERT_EMAIL_TO);
  for (const address of emailFrom === null ? emailTo : [emailFrom, ...emailTo]) {
    if (!MAIL_ADDRESS.test(address))
      throw new ConfigError(`Configuration: "ALERT_EMAIL_FROM" and "ALERT_EMAIL_TO" must hold mail addresses (one is "${address}")`);
  }
  return {
    enabled: values.ENABLE_ALERTS,
    webhookUrl: values.ALERT_WEBHOOK_URL || null,
    webhookSecret: values.ALERT_WEBHOOK_SECRET || null,
    allowPrivate: values.ALERT_WEBHOOK_ALLOW_PRIVATE,
    emailFrom,
    emailTo,
    smtpUrl: values.ALERT_SMTP_URL,
    externalUrl: values.ALERT_EXTERNAL_URL.replace(/\/+$/, '') || null,
  };
}

function commaSeparated(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function secrets(name: string, text: string): string[] {
  const values = commaSeparated(text);
  const short = values.findIndex((value) => value.length < MIN_SECRET_LENGTH);
  if (short !== -1) {
    throw new ConfigError(
      `Configuration: entry ${short + 1} of "${name}" is shorter than ${MIN_SECRET_LENGTH} characters; make one with: openssl rand -hex 24`,
    );
  }
  return values;
}

function origins(text: string): string[] {
  return commaSeparated(text).map((value) => {
    if (!URL.canParse(value) || new URL(value).origin === 'null') {
      throw new ConfigError(`Configuration: "FRONTEND_URL" must hold origins such as https://console.example (it is "${value}")`);
    }
    return new URL(value).origin;
  });
}

function trustProxy(text: string): false | number | string[] {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed === 'false' || trimmed === '0') return false;
  if (trimmed === 'true') {
    throw new ConfigError(
      'Configuration: "TRUST_PROXY" must be a number of hops or addresses: "true" would let any client choose its own address',
    );
  }
  if (/^\d+$/.test(trimmed)) return Number(trimmed);
  const addresses = commaSeparated(trimmed);
  const wrong = addresses.find((address) => !isTrustable(address));
  if (wrong === undefined) return addresses;
  throw new ConfigError(
    `Configuration: "TRUST_PROXY" must be a number of hops, or addresses and subnets such as 10.0.0.1, 10.0.0.0/8 or loopback (one is "${wrong}")`,
  );
}

/** The names of subnets that Express knows. */
const NAMED_SUBNETS = new Set(['loopback', 'linklocal', 'uniquelocal']);

/** An address, a subnet with its length in bits, or the name of one. */
function isTrustable(text: string): boolean {
  if (NAMED_SUBNETS.has(text)) return true;
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0 || address.includes('%')) return false;
  return bits === undefined || (Number(bits) >= 1 && Number(bits) <= (version === 4 ? 32 : 128));
}

/** The loopback rule: without tokens and keys nobody but this machine gets in, unless that was asked for. */
function loopbackHost(host: string, tokens: string[], keys: string[]): string {
  if (host === '') return '127.0.0.1';
  if (!isLoopback(host)) {
    const missing = [tokens.length === 0 ? 'AGENT_TOKENS' : '', keys.length === 0 ? 'API_KEYS' : ''].filter((n) => n !== '');
    throw new ConfigError(
      [
        `Configuration: HOST=${host} would let anybody on the network in, because ${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} not set. Three ways out:`,
        '  1. set AGENT_TOKENS (for agents) and API_KEYS (for people and programs), each made with: openssl rand -hex 24',
        '  2. set HOST=127.0.0.1, so that only this machine gets in',
        '  3. set ALLOW_UNAUTHENTICATED=true, if the network itself keeps strangers out',
      ].join('\n'),
    );
  }
  return host;
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner);
  }
  return Object.freeze(value);
}
