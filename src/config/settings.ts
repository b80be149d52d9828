import Joi from 'joi';

/**
 * Every setting the server knows, by its environment name: what it means, what it may be, and its default.
 * The README's table and config.env.example follow this file (a test holds them to it).
 */
export interface Setting {
  readonly name: string;
  readonly schema: Joi.Schema;
  readonly help: string;
  /** Accepted because existing `.env` files hold it, and ignored with a warning. */
  readonly unused?: true;
}

const count = (fallback: number, min = 1): Joi.NumberSchema => Joi.number().integer().min(min).default(fallback);
/** For timers: Node takes longer ones for 1 ms. */
const timerMs = (fallback: number, min: number): Joi.NumberSchema => count(fallback, min).max(2_147_483_647);
const flag = (fallback: boolean): Joi.Schema => Joi.boolean().truthy('1', 'yes', 'on').falsy('0', 'no', 'off').default(fallback);
const list = (): Joi.Schema => Joi.string().allow('').default('');
const upstream = (fallback: string): Joi.Schema =>
  Joi.string()
    .uri({ scheme: ['http', 'https'] })
    .default(fallback);
const httpUrl = (): Joi.Schema =>
  Joi.string()
    .uri({ scheme: ['http', 'https'] })
    .allow('')
    .default('');
const legacy = (name: string, why: string): Setting => ({ name, schema: Joi.any(), help: why, unused: true });

export const SETTINGS: readonly Setting[] = [
  // --- the server
  {
    name: 'PORT',
    schema: Joi.number().port().default(8080),
    help: 'TCP port for everything: agents, console, REST. 0 picks a free one.',
  },
  {
    name: 'HOST',
    schema: Joi.string().allow('').default(''),
    help: 'Address to listen on. Default: every address when tokens and keys are set, else 127.0.0.1.',
  },
  {
    name: 'NODE_ENV',
    schema: Joi.valid('production', 'development', 'test').default('production'),
    help: 'production logs JSON; development logs text.',
  },
  {
    name: 'FRONTEND_URL',
    schema: list().default('http://localhost:4200'),
    help: 'Origins (comma-separated) whose pages may use the API and the live channel.',
  },
  { name: 'LOG_LEVEL', schema: Joi.valid('error', 'warn', 'info', 'debug').default('info'), help: 'How much is logged.' },
  { name: 'LOG_DIR', schema: Joi.string().allow('').default('./logs'), help: 'Folder of the rotated log file; empty: console only.' },
  {
    name: 'TRUST_PROXY',
    schema: Joi.string().allow('').default(''),
    help: 'Reverse proxies in front whose X-Forwarded-For is believed: a number of hops, or addresses/subnets (comma-separated).',
  },
  {
    name: 'CONSOLE_DIR',
    schema: Joi.string().allow('').default(''),
    help: 'Folder of the built web console; empty: the one that npm run build makes.',
  },
  { name: 'STOP_TIMEOUT_MS', schema: timerMs(10_000, 100), help: 'Longest time a clean stop may take.' },
  // --- storage
  {
    name: 'DB_TYPE',
    schema: Joi.valid('sqlite', 'postgresql').default('sqlite'),
    help: 'sqlite. (postgresql is accepted from old files, warned about and ignored.)',
  },
  { name: 'DB_PATH', schema: Joi.string().default('./data/monitoring.db'), help: 'The database file.' },
  {
    name: 'METRICS_RETENTION_DAYS',
    schema: Joi.number().positive().max(3650).default(30),
    help: 'Samples older than this are rejected on arrival; days (UTC) that are, live on as rollups.',
  },
  {
    name: 'RETENTION_5M_DAYS',
    schema: Joi.number().min(0).max(3650).default(90),
    help: 'How long rollups of five minutes are kept, which take the place of samples at the end of their time; less than theirs: never made.',
  },
  {
    name: 'RETENTION_1H_DAYS',
    schema: Joi.number().min(0).max(3650).default(400),
    help: 'How long rollups of an hour are kept.',
  },
  {
    name: 'ALERT_HISTORY_DAYS',
    schema: Joi.number().positive().max(3650).default(90),
    help: 'How long alerts that are over are kept, of at most 200,000.',
  },
  { name: 'CLEANUP_INTERVAL', schema: timerMs(3_600_000, 100), help: 'Milliseconds between clean-ups of expired data.' },
  { name: 'READER_THREADS', schema: count(2).max(16), help: 'Threads that answer queries.' },
  {
    name: 'COMPACT_INTERVAL',
    schema: timerMs(60_000, 10),
    help: 'Milliseconds between looks for what can be folded into units: hours that are over, and what is ten minutes old.',
  },
  { name: 'QUERY_TIMEOUT_MS', schema: count(10_000, 10), help: 'A query that takes longer is ended with 503.' },
  { name: 'MAX_QUEUED_QUERIES', schema: count(256), help: 'Queries waiting for a reader thread; more are answered 503.' },
  // --- agents
  {
    name: 'WS_HEARTBEAT_INTERVAL',
    schema: count(30_000, 50).max(45_000),
    help: 'Milliseconds between application pings. Agents drop a connection that is silent for 60 s.',
  },
  {
    name: 'WS_CONNECTION_TIMEOUT',
    schema: count(60_000, 100),
    help: 'An agent socket that sent nothing for so many milliseconds is closed.',
  },
  { name: 'WS_MAX_CONNECTIONS', schema: count(20_000), help: 'Agent sockets at once; further ones wait for a place.' },
  { name: 'UPGRADES_PER_SECOND', schema: count(2_000), help: 'Pace at which waiting connections are let in.' },
  { name: 'UPGRADE_WAIT_MS', schema: count(20_000, 100), help: 'A connection that found no place for so long is refused with 503.' },
  { name: 'MAX_WAITING_UPGRADES', schema: count(20_000), help: 'Connections waiting for a place; more are refused with 503.' },
  { name: 'MAX_AGENTS', schema: count(100_000), help: 'Agents known at once; new ones beyond it are refused until others expire.' },
  {
    name: 'MAX_MESSAGE_BYTES',
    schema: count(2_097_152, 1_024),
    help: 'Longest WebSocket message (else close 1009) and longest pushed body (else 413).',
  },
  {
    name: 'FAST_PARSER',
    schema: flag(true),
    help: 'Read batches by comparing their bytes with those of earlier ones; false: JSON.parse for all of them.',
  },
  { name: 'MAX_METRICS_PER_BATCH', schema: count(10_000), help: 'Metrics in one batch; a longer one is refused whole.' },
  { name: 'MAX_SERIES_PER_AGENT', schema: count(10_000), help: 'Series of one agent; metrics that would start another are rejected.' },
  { name: 'MAX_TAGS_PER_METRIC', schema: count(64, 0), help: 'Tags on one metric.' },
  { name: 'MAX_TAG_LENGTH', schema: count(1_024), help: "Characters in a tag's key or value." },
  {
    name: 'MAX_TAGS_LENGTH',
    schema: count(4_096),
    help: 'Characters in all tags of one metric together: the server keeps them in memory for every series.',
  },
  { name: 'MAX_NAME_LENGTH', schema: count(255), help: "Characters in a metric's name or unit." },
  { name: 'MAX_OBJECT_VALUE_BYTES', schema: count(4_096, 64), help: 'JSON size of a histogram or timer value.' },
  {
    name: 'INGEST_QUEUE_BATCHES',
    schema: count(4_096),
    help: 'Batches waiting for the disk, of all agents; above it sockets are paused and pushes answered 503.',
  },
  { name: 'INGEST_QUEUE_BYTES', schema: count(67_108_864, 1_048_576), help: 'The same limit in bytes of samples.' },
  { name: 'AGENT_QUEUE_BATCHES', schema: count(64), help: 'Batches of one agent waiting for the disk before its socket is paused.' },
  { name: 'BATCH_MEMORY_MS', schema: count(3_600_000, 1_000), help: 'How long a batch_id is remembered.' },
  // --- people and programs
  { name: 'AGENT_TOKENS', schema: list(), help: 'Tokens agents may use (comma-separated, 16 characters or more each).' },
  {
    name: 'API_KEYS',
    schema: list(),
    help: 'Keys for people and programs, sent as X-API-Key (comma-separated, 16 characters or more each).',
  },
  {
    name: 'ALLOW_UNAUTHENTICATED',
    schema: flag(false),
    help: 'true: let anybody in who can reach the port. For closed networks and tests.',
  },
  {
    name: 'AUTH_FAILURES_PER_MINUTE',
    schema: count(60),
    help: 'Requests without a valid token or key per address and minute; further ones are answered 429 instead of 401. Valid ones always pass.',
  },
  { name: 'RATE_LIMIT_WINDOW_MS', schema: timerMs(60_000, 100), help: 'Window of the read limit.' },
  { name: 'RATE_LIMIT_MAX_REQUESTS', schema: count(12_000), help: 'Reads per address and window. Agents are not counted.' },
  { name: 'MAX_BODY_BYTES', schema: count(1_048_576, 1_024), help: 'Longest JSON body of a request by people (413).' },
  {
    name: 'MAX_UNREAD_BYTES',
    schema: count(67_108_864, 1_048_576),
    help: 'Bytes of answers that wait for clients who do not read, all together; above it the slowest of them are cut off.',
  },
  { name: 'LIVE_MAX_CLIENTS', schema: count(200), help: 'Console connections at once.' },
  { name: 'LIVE_INTERVAL_MS', schema: timerMs(500, 20), help: 'A console is told of news at most once per so many milliseconds.' },
  {
    name: 'LIVE_METRICS_PER_INTERVAL',
    schema: count(1),
    help: 'Metrics a console is sent per interval: it fetches its charts again on every one. The other series wait for their turn.',
  },
  {
    name: 'LIVE_MAX_PENDING',
    schema: count(5_000),
    help: 'Series that wait for their turn at a console; the rest is dropped and counted.',
  },
  { name: 'LIVE_MAX_BUFFERED_BYTES', schema: count(1_048_576, 1_024), help: 'Unsent bytes at which a slow console is skipped.' },
  // --- alerts
  { name: 'ENABLE_ALERTS', schema: flag(true), help: 'Evaluate alert rules, and tell people.' },
  {
    name: 'ALERT_WEBHOOK_URL',
    schema: httpUrl(),
    help: 'Where all alerts are posted, as JSON shaped like that of an Alertmanager webhook; empty: nowhere.',
  },
  {
    name: 'ALERT_WEBHOOK_SECRET',
    schema: Joi.string().allow('').default(''),
    help: 'Secret the posts are signed with (HMAC-SHA256); empty: not signed.',
  },
  {
    name: 'ALERT_WEBHOOK_ALLOW_PRIVATE',
    schema: flag(false),
    help: "true: channels may send to the server's own network (loopback, private and link-local addresses).",
  },
  { name: 'ALERT_EMAIL_FROM', schema: Joi.string().allow('').default(''), help: 'Sender of alert mail.' },
  { name: 'ALERT_EMAIL_TO', schema: list(), help: 'Receivers of alert mail (comma-separated), who are told all alerts; empty: nobody.' },
  {
    name: 'ALERT_SMTP_URL',
    schema: Joi.string()
      .uri({ scheme: ['smtp', 'smtps'] })
      .default('smtp://localhost:25'),
    help: 'The mail server: smtp://user:password@host:port, or smtps:// for TLS from the start. STARTTLS is used where it is offered.',
  },
  {
    name: 'ALERT_EXTERNAL_URL',
    schema: httpUrl(),
    help: 'Address of the console for people, for the links in notifications; empty: no links.',
  },
  // --- Google Cloud proxies
  { name: 'LOGGING_UPSTREAM', schema: upstream('https://logging.googleapis.com'), help: 'Where /api/logging goes.' },
  { name: 'COMPUTE_UPSTREAM', schema: upstream('https://compute.googleapis.com'), help: 'Where /api/compute goes.' },
  { name: 'CLOUDRUN_UPSTREAM', schema: upstream('https://run.googleapis.com'), help: 'Where /api/cloudrun goes.' },
  { name: 'IPIFY_UPSTREAM', schema: upstream('https://api.ipify.org?format=json'), help: 'Who is asked for the public address.' },
  {
    name: 'PROXY_TIMEOUT_MS',
    schema: count(30_000, 50).max(86_400_000),
    help: 'An upstream that says nothing for so long is answered 504.',
  },
  // --- known from existing files
  legacy('DB_HOST', 'Only for PostgreSQL, which is not supported yet.'),
  legacy('DB_PORT', 'Only for PostgreSQL, which is not supported yet.'),
  legacy('DB_NAME', 'Only for PostgreSQL, which is not supported yet.'),
  legacy('DB_USER', 'Only for PostgreSQL, which is not supported yet.'),
  legacy('DB_PASSWORD', 'Only for PostgreSQL, which is not supported yet.'),
  legacy('REDIS_URL', 'Redis is not used.'),
  legacy('JWT_SECRET', 'Tokens are not JWTs; see AGENT_TOKENS and API_KEYS.'),
  legacy('BATCH_PROCESSING_INTERVAL', 'Batches are committed as they come; nothing waits for an interval.'),
  legacy('BCRYPT_ROUNDS', 'No passwords are stored.'),
  legacy('GOOGLE_APPLICATION_CREDENTIALS', 'The browser brings its own Google token.'),
  legacy('ENABLE_CORS', 'CORS is always on for FRONTEND_URL.'),
  legacy('ENABLE_MORGAN_LOGGING', 'Requests are logged at LOG_LEVEL=debug.'),
  legacy('ENABLE_REQUEST_ID', 'Every request has an id.'),
];
