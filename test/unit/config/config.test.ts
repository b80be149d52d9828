import { describe, expect, test } from '@jest/globals';
import { type Config, parseConfig } from '../../../src/config/config.js';
import { isLoopback } from '../../../src/model/loopback.js';

const TOKEN = 'agent-token-0123456789';
const OTHER_TOKEN = 'another-token-0123456789';
const KEY = 'api-key-0123456789abcdef';

function config(raw: Record<string, string>): Config {
  return parseConfig(raw).config;
}

function problem(raw: Record<string, string>): string {
  try {
    parseConfig(raw);
  } catch (error) {
    expect(error).toMatchObject({ name: 'ConfigError' });
    return (error as Error).message;
  }
  throw new Error(`${JSON.stringify(raw)} was accepted`);
}

describe('defaults', () => {
  test('are those of the contract', () => {
    expect(config({})).toMatchObject({
      environment: 'production',
      port: 8080,
      localOnly: true,
      frontendOrigins: ['http://localhost:4200'],
      trustProxy: false,
      log: { level: 'info', dir: './logs' },
      auth: { agentTokens: [], apiKeys: [], allowUnauthenticated: false },
      storage: { path: './data/monitoring.db', retentionMs: 30 * 24 * 3600 * 1000 },
      agents: { heartbeatIntervalMs: 30_000, connectionTimeoutMs: 60_000 },
    });
    expect(parseConfig({}).warnings).toEqual([]);
  });

  test('also hold for settings that are there but empty', () => {
    expect(config({ PORT: '', HOST: '', DB_PATH: '', API_KEYS: '', TRUST_PROXY: '' })).toEqual(config({}));
  });

  test('an empty LOG_DIR means no log file', () => {
    expect(config({ LOG_DIR: '' }).log.dir).toBeNull();
  });
});

describe('values', () => {
  test('are converted to what they mean', () => {
    const parsed = config({
      PORT: '0',
      DB_PATH: '/var/lib/ccv/x.db',
      METRICS_RETENTION_DAYS: '0.5',
      ALLOW_UNAUTHENTICATED: 'yes',
      FRONTEND_URL: 'https://console.example/, http://localhost:4200/app',
      AGENT_TOKENS: ` ${TOKEN} , ${OTHER_TOKEN},`,
      RATE_LIMIT_MAX_REQUESTS: '100',
    });
    expect(parsed.port).toBe(0);
    expect(parsed.storage.path).toBe('/var/lib/ccv/x.db');
    expect(parsed.storage.retentionMs).toBe(12 * 3600 * 1000);
    expect(parsed.auth).toEqual({ agentTokens: [TOKEN, OTHER_TOKEN], apiKeys: [], allowUnauthenticated: true });
    expect(parsed.localOnly).toBe(false);
    expect(parsed.frontendOrigins).toEqual(['https://console.example', 'http://localhost:4200']);
    expect(parsed.rateLimit.maxRequests).toBe(100);
  });

  test('the configuration is frozen through and through', () => {
    const parsed = config({ AGENT_TOKENS: TOKEN });
    const loose: string[] = [];
    const visit = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null) return;
      if (!Object.isFrozen(value)) loose.push(path);
      for (const [name, inner] of Object.entries(value)) visit(inner, `${path}.${name}`);
    };
    visit(parsed, 'config');
    expect(loose).toEqual([]);
    expect(() => {
      (parsed as { port: number }).port = 1;
    }).toThrow(/read only/);
  });

  test.each([
    ['PORT', '99999'],
    ['PORT', 'eighty'],
    ['PORT', '-1'],
    ['METRICS_RETENTION_DAYS', '0'],
    ['METRICS_RETENTION_DAYS', 'a month'],
    ['WS_HEARTBEAT_INTERVAL', '60000'],
    ['READER_THREADS', '1.5'],
    ['READER_THREADS', '0'],
    ['LOG_LEVEL', 'loud'],
    ['NODE_ENV', 'staging'],
    ['DB_TYPE', 'mongodb'],
    ['ALLOW_UNAUTHENTICATED', 'maybe'],
    ['LOGGING_UPSTREAM', 'logging.googleapis.com'],
    ['FRONTEND_URL', 'console.example'],
    ['MAX_SERIES_PER_AGENT', 'Infinity'],
    // Longer than a timer of Node's can be: it would go off every millisecond.
    ['CLEANUP_INTERVAL', '2147483648'],
    ['STOP_TIMEOUT_MS', '2147483648'],
    ['RATE_LIMIT_WINDOW_MS', '2147483648'],
    ['LIVE_INTERVAL_MS', '2147483648'],
    ['PROXY_TIMEOUT_MS', '2147483648'],
  ])('%s=%s is refused, naming the setting and the value', (name, value) => {
    const message = problem({ [name]: value });
    expect(message).toContain(`"${name}"`);
    expect(message).toContain(`"${value}"`);
  });

  test('everything that is wrong is named at once', () => {
    const message = problem({ PORT: 'x', LOG_LEVEL: 'loud', READER_THREADS: '0' });
    expect(message).toContain('"PORT"');
    expect(message).toContain('"LOG_LEVEL"');
    expect(message).toContain('"READER_THREADS"');
  });
});

describe('TRUST_PROXY', () => {
  test.each<[string, Config['trustProxy']]>([
    ['', false],
    ['false', false],
    ['0', false],
    ['1', 1],
    ['2', 2],
    ['10.0.0.1', ['10.0.0.1']],
    ['10.0.0.0/8, loopback', ['10.0.0.0/8', 'loopback']],
    ['::1,2001:db8::/32,10.0.0.1/32', ['::1', '2001:db8::/32', '10.0.0.1/32']],
  ])('%j means %j', (text, expected) => {
    expect(config({ TRUST_PROXY: text }).trustProxy).toEqual(expected);
  });

  test.each(['proxy.example', '1.2.3', '10.0.0.0/33', '10.0.0.0/0', '2001:db8::/129', 'fe80::1%eth0', '10.0.0.1, localhost', '-1'])(
    '%s is refused, by name',
    (text) => {
      expect(problem({ TRUST_PROXY: text })).toMatch(/"TRUST_PROXY" must be .* \(one is "/);
    },
  );

  test('"true" is refused: any client could choose its address', () => {
    expect(problem({ TRUST_PROXY: 'true' })).toMatch(/"TRUST_PROXY" must be a number of hops or addresses/);
  });
});

describe('secrets', () => {
  test.each(['AGENT_TOKENS', 'API_KEYS'])('a short one in %s is refused, by its place and without being printed', (name) => {
    const message = problem({ [name]: `${TOKEN},hunter2` });
    expect(message).toContain(`entry 2 of "${name}"`);
    expect(message).toContain('16 characters');
    expect(message).not.toContain('hunter2');
    expect(message).not.toContain(TOKEN);
  });
});

describe('the loopback rule', () => {
  test('without tokens and keys the server listens on loopback alone', () => {
    expect(config({}).host).toBe('127.0.0.1');
    expect(config({ HOST: 'localhost' }).host).toBe('localhost');
    expect(config({ HOST: '::1' }).host).toBe('::1');
  });

  test.each([
    [{}, ['AGENT_TOKENS', 'API_KEYS']],
    [{ AGENT_TOKENS: TOKEN }, ['API_KEYS']],
    [{ API_KEYS: KEY }, ['AGENT_TOKENS']],
  ])('HOST=0.0.0.0 with %j is refused, naming what is missing and the three ways out', (given, missing) => {
    const message = problem({ ...given, HOST: '0.0.0.0' });
    expect(message).toContain('HOST=0.0.0.0');
    expect(message).toMatch(new RegExp(`because ${missing.join(' and ')} (is|are) not set`));
    expect(message).toMatch(/1\. set AGENT_TOKENS .* and API_KEYS/);
    expect(message).toMatch(/2\. set HOST=127\.0\.0\.1/);
    expect(message).toMatch(/3\. set ALLOW_UNAUTHENTICATED=true/);
    expect(message).not.toContain(TOKEN);
    expect(message).not.toContain(KEY);
  });

  test('each of the three ways out works', () => {
    expect(config({ HOST: '0.0.0.0', AGENT_TOKENS: TOKEN, API_KEYS: KEY }).host).toBe('0.0.0.0');
    expect(config({ HOST: '127.0.0.1' }).host).toBe('127.0.0.1');
    expect(config({ HOST: '0.0.0.0', ALLOW_UNAUTHENTICATED: 'true' }).host).toBe('0.0.0.0');
  });

  test('with tokens and keys, and no HOST, every address is listened on', () => {
    expect(config({ AGENT_TOKENS: TOKEN, API_KEYS: KEY }).host).toBe('0.0.0.0');
    expect(config({ AGENT_TOKENS: TOKEN }).host).toBe('127.0.0.1');
    expect(config({ ALLOW_UNAUTHENTICATED: '1' }).host).toBe('0.0.0.0');
  });

  test.each<[string, boolean]>([
    ['127.0.0.1', true],
    ['127.1.2.3', true],
    ['::1', true],
    ['[::1]', true],
    ['LOCALHOST', true],
    ['0.0.0.0', false],
    ['::', false],
    ['10.0.0.1', false],
    ['127.0.0.1.example', false],
    ['localhost.example', false],
  ])('isLoopback(%s) is %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });
});

describe('settings that work against the agents', () => {
  test.each([
    ['29999', 1],
    ['30000', 1],
    ['30001', 0],
  ])('WS_CONNECTION_TIMEOUT=%s: %d warnings', (value, count) => {
    const { warnings } = parseConfig({ WS_CONNECTION_TIMEOUT: value });
    expect(warnings).toEqual(Array.from({ length: count }, () => expect.stringContaining(`WS_CONNECTION_TIMEOUT=${value}`)));
  });
});

describe('names from older files', () => {
  test('known and unused names warn, each by its name', () => {
    const { warnings } = parseConfig({
      REDIS_URL: 'redis://cache.example',
      JWT_SECRET: 'a-secret-nobody-needs',
      BATCH_PROCESSING_INTERVAL: '5000',
      DB_PASSWORD: 'a-password-nobody-needs',
    });
    expect(warnings.map((warning) => warning.split(' ')[0] ?? '').toSorted()).toEqual([
      'BATCH_PROCESSING_INTERVAL',
      'DB_PASSWORD',
      'JWT_SECRET',
      'REDIS_URL',
    ]);
    expect(warnings.join()).not.toContain('nobody-needs');
  });

  test('a whole older file starts, with DB_TYPE=postgresql warned about', () => {
    const { config: parsed, warnings } = parseConfig({
      PORT: '8080',
      HOST: '127.0.0.1',
      NODE_ENV: 'development',
      FRONTEND_URL: 'http://localhost:4200',
      LOG_LEVEL: 'info',
      DB_TYPE: 'postgresql',
      DB_HOST: 'db.example',
      DB_PORT: '5432',
      DB_NAME: 'monitoring',
      DB_USER: 'monitor',
      DB_PASSWORD: '',
      REDIS_URL: '',
      RATE_LIMIT_WINDOW_MS: '900000',
      RATE_LIMIT_MAX_REQUESTS: '100',
      BCRYPT_ROUNDS: '12',
      ENABLE_CORS: 'true',
      ENABLE_MORGAN_LOGGING: 'true',
      ENABLE_REQUEST_ID: 'true',
      BATCH_PROCESSING_INTERVAL: '5000',
      CLEANUP_INTERVAL: '86400000',
    });
    expect(parsed.storage.path).toBe('./data/monitoring.db');
    expect(warnings).toContainEqual(expect.stringContaining('DB_TYPE=postgresql is not supported yet'));
    expect(warnings).toHaveLength(10);
  });
});

describe('alerts', () => {
  test('are on, and told to nobody', () => {
    expect(config({}).alerts).toEqual({
      enabled: true,
      webhookUrl: null,
      webhookSecret: null,
      allowPrivate: false,
      emailFrom: null,
      emailTo: [],
      smtpUrl: 'smtp://localhost:25',
      externalUrl: null,
    });
  });

  test('can be told to a webhook and by mail', () => {
    const parsed = parseConfig({
      ENABLE_ALERTS: 'false',
      ALERT_WEBHOOK_URL: 'https://hooks.example/alerts?key=1',
      ALERT_WEBHOOK_SECRET: 'geheim',
      ALERT_WEBHOOK_ALLOW_PRIVATE: 'true',
      ALERT_EMAIL_FROM: 'Alerts <alerts@example.org>',
      ALERT_EMAIL_TO: 'one@example.org, two@example.org',
      ALERT_SMTP_URL: 'smtps://user:pass@mail.example:465',
      ALERT_EXTERNAL_URL: 'https://console.example/',
    });
    expect(parsed.config.alerts).toEqual({
      enabled: false,
      webhookUrl: 'https://hooks.example/alerts?key=1',
      webhookSecret: 'geheim',
      allowPrivate: true,
      emailFrom: 'Alerts <alerts@example.org>',
      emailTo: ['one@example.org', 'two@example.org'],
      smtpUrl: 'smtps://user:pass@mail.example:465',
      externalUrl: 'https://console.example',
    });
    expect(parsed.warnings).toEqual([]);
  });

  test('by mail need a sender, which older files may not have', () => {
    expect(parseConfig({ ALERT_EMAIL_TO: 'one@example.org' }).warnings).toEqual([expect.stringContaining('not ALERT_EMAIL_FROM')]);
  });

  test('wrong addresses are named, secret ones are not shown', () => {
    expect(problem({ ALERT_EMAIL_TO: 'one@example.org,two' })).toContain('"two"');
    for (const name of ['ALERT_WEBHOOK_URL', 'ALERT_SMTP_URL']) {
      const message = problem({ [name]: 'ftp://user:hush@example' });
      expect(message).toContain(name);
      expect(message).not.toContain('hush');
    }
  });
});
