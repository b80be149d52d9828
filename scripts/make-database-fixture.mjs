/**
 * Writes a database for test/fixtures/databases with a build of this server, and beside it what was sent to it: what
 * later versions must find in it. To be run once for every version of the schema or of a format, with that version's
 * build, before it is released:
 *
 *   node scripts/make-database-fixture.mjs dist test/fixtures/databases/schema-4
 *
 * Everything is sent through the build's own storage: three days of five agents, with late and repeated samples, other
 * values for the same millisecond, object values, doubles of every kind, a resent batch, batches that are missing from a
 * count, a deleted agent, and one of everything that alerting keeps. A build that folds leaves some of it in daily units, some in
 * hourly ones and some, newer than both, in the log.
 */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import Database from 'better-sqlite3';

const [build, target] = process.argv.slice(2);
if (build === undefined || target === undefined) {
  console.error('usage: node scripts/make-database-fixture.mjs BUILD_FOLDER TARGET (without .db)');
  process.exit(1);
}
const { SqliteStorage } = await import(pathToFileURL(resolve(build, 'storage/sqlite/sqlite-storage.js')).href);

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const STEP_MS = 120_000;
const FIRST_DAY_MS = Date.UTC(2026, 10, 10);
/** The first day is over for long enough to be folded as a day, the third is under way. */
const NOW_MS = FIRST_DAY_MS + 2 * DAY_MS + 12 * HOUR_MS + 20 * 60_000;
const ODD_VALUES = [-0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, 2 ** 53 + 2, -(2 ** 53 - 1), 1e308];

const dir = mkdtempSync(join(tmpdir(), 'ccv-fixture-'));
const path = join(dir, 'fixture.db');
const log = { error: console.error, warn: console.error, info() {}, debug() {} };
const storage = new SqliteStorage(
  {
    path,
    readerThreads: 1,
    queryTimeoutMs: 10_000,
    maxQueuedQueries: 100,
    maxSeriesPerAgent: 1_000,
    compactIntervalMs: HOUR_MS,
    batchMemoryMs: HOUR_MS,
    rawRetentionMs: 400 * DAY_MS,
    retentionMs: 400 * DAY_MS,
  },
  { nowMs: () => NOW_MS },
  log,
  { writable() {}, activitiesDropped() {}, folded() {} },
);

/** What was sent and is to be found, by agent and series: the last write of a millisecond wins. */
const sent = new Map();
let seed = 20261110;
const random = () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
};

async function append(agent, samples, { batchId = null, seq = null, isRepeat = false } = {}) {
  const newSeries = [];
  const references = new Map();
  const seriesIds = Int32Array.from(samples, ({ name, type, unit, tags }) => {
    const identity = { name, type, unit, tagsJson: JSON.stringify(tags) };
    const key = JSON.stringify(identity);
    if (!references.has(key)) references.set(key, -newSeries.push(identity));
    return references.get(key);
  });
  const result = await storage.writer.append({
    agentKey: agent.agentKey,
    batchId,
    receivedAtMs: NOW_MS,
    seriesIds,
    timestampsMs: Float64Array.from(samples, ({ timestampMs }) => timestampMs),
    values: Float64Array.from(samples, ({ value }) => value),
    objectValues: samples.flatMap(({ json }, row) => (json === undefined ? [] : [{ row, json }])),
    newSeries,
    rejected: 0,
    lastError: null,
    clockSkewMs: null,
    seq,
  });
  if (result.duplicate !== isRepeat || (!isRepeat && result.processed !== samples.length)) {
    throw new Error(`unexpected answer: ${JSON.stringify(result)}`);
  }
  if (isRepeat) return;
  for (const { name, type, unit, tags, timestampMs, value, json } of samples) {
    const key = JSON.stringify([agent.id, name, type, unit, tags]);
    if (!sent.has(key)) sent.set(key, new Map());
    sent.get(key).set(timestampMs, json === undefined ? [value] : [value, json]);
  }
}

/** Writes one of everything that alerting keeps, and answers what is to be found. */
async function writeAlerts(stores) {
  const matchers = [{ label: 'agent', value: 'agent-.*', isRegex: true, isEqual: true }];
  const rule = {
    name: 'CPU',
    filter: { providers: ['gcp'], tags: [{ key: 'interface', value: 'eth0' }] },
    severity: 'warning',
    forMs: 60_000,
    keepFiringForMs: 0,
    intervalMs: 30_000,
    labels: { team: 'netz "ä"' },
    annotations: { summary: '{{ labels.agent }}: {{ value }}' },
    enabled: true,
    subject: {
      kind: 'metric',
      metricName: 'system.cpu.usage',
      aggregation: 'p95',
      windowMs: 300_000,
      condition: 'gte',
      threshold: 90.5,
      recoveryThreshold: 80,
      by: ['agent', 'interface'],
      noData: 'keep',
    },
  };
  const down = { ...rule, name: 'Agent down', enabled: false, subject: { kind: 'agent', condition: 'disconnected', thresholdMs: null } };
  await stores.rules.createDefaults([down], NOW_MS);
  const { id: ruleId } = await stores.rules.create(rule, NOW_MS);
  await stores.silences.create(
    {
      matchers,
      startsAtMs: NOW_MS,
      endsAtMs: null,
      recurrence: { cron: '0 3 * * 0', durationMs: HOUR_MS, timeZone: 'Europe/Berlin' },
      author: 'operator',
      comment: 'maintenance',
    },
    NOW_MS,
  );
  const { id: channelId } = await stores.channels.create(
    {
      name: 'hook',
      type: 'webhook',
      settings: { url: 'https://hook.example/alerts', secret: 'not very' },
      matchers,
      groupBy: ['alertname'],
      groupWaitMs: 30_000,
      groupIntervalMs: 300_000,
      repeatIntervalMs: 4 * HOUR_MS,
      sendsResolved: true,
      enabled: true,
    },
    NOW_MS,
  );
  const alert = {
    id: '6d1f2c53-0f7a-4a0e-8b57-3f2f4f8f9a01',
    ruleId,
    groupKey: '{"agent":"agent-a"}',
    labels: { agent: 'agent-a', alertname: 'CPU', severity: 'warning' },
    annotations: { summary: 'agent-a: 97.5' },
    agentId: 'agent-a',
    state: 'firing',
    value: 97.5,
    startedAtMs: NOW_MS - 120_000,
    firingSinceMs: NOW_MS - 60_000,
    wellSinceMs: null,
    resolvedAtMs: null,
    resolvedReason: null,
    acknowledgement: { by: 'operator', comment: 'seen', atMs: NOW_MS },
    updatedAtMs: NOW_MS,
  };
  const over = {
    ...alert,
    id: '6d1f2c53-0f7a-4a0e-8b57-3f2f4f8f9a02',
    state: 'resolved',
    resolvedAtMs: NOW_MS,
    resolvedReason: 'recovered',
  };
  await stores.alerts.save([alert, over]);
  const delivery = {
    id: '6d1f2c53-0f7a-4a0e-8b57-3f2f4f8f9a03',
    channelId,
    groupKey: '{"alertname":"CPU"}',
    status: 'waiting',
    payloadJson: '{}',
    attempts: 1,
    nextAttemptAtMs: NOW_MS + 1_000,
    createdAtMs: NOW_MS,
    finishedAtMs: null,
    lastError: 'connection refused',
  };
  const group = { channelId, groupKey: delivery.groupKey, toldFiring: [alert.id], firstSeenAtMs: NOW_MS - 60_000, lastToldAtMs: NOW_MS };
  await stores.deliveries.enqueue([group], [delivery]);
  return {
    alerting: {
      rules: await stores.rules.all(),
      silences: await stores.silences.all(),
      channels: await stores.channels.all(),
      active: [alert],
      history: [over],
      groups: [group],
      deliveries: [delivery],
    },
  };
}

const bytes = new Map();
function cycle(agent, timestampMs) {
  const sample = (name, value, more = {}) => ({ name, type: 'gauge', unit: null, tags: {}, timestampMs, value, ...more });
  const nic = { interface: 'eth0' };
  const total = (random() < 0.03 ? 0 : (bytes.get(agent.id) ?? 1e9)) + Math.floor(random() * 1e6);
  bytes.set(agent.id, total);
  const object = { value: Math.round(random() * 1000) / 100, note: `größer als "${Math.floor(random() * 9)}"` };
  return [
    sample('system.cpu.usage', Math.round(random() * 10_000) / 100, { unit: 'percent' }),
    sample('network.bytes_received', total, { type: 'counter', unit: 'bytes', tags: nic }),
    sample('noise', random() * 2 - 1, { type: 'timer' }),
    sample('constant', 1),
    sample('odd', ODD_VALUES[Math.floor(random() * ODD_VALUES.length)]),
    ...(random() < 0.3 ? [sample('object', object.value, { type: 'histogram', json: JSON.stringify(object) })] : []),
  ];
}

await storage.start();
const agents = [];
for (const id of ['agent-a', 'agent-b', "o'brien \u{1F600}", 'late', 'deleted']) {
  const place = {
    provider: id === 'agent-a' ? 'gcp' : '',
    region: 'europe-west1',
    zone: 'b',
    network: '',
    subnet: '',
    instanceId: '',
    ipAddress: '',
  };
  agents.push(await storage.agents.upsert({ id, ...place, version: '1.0.0', capabilities: ['metrics'] }, FIRST_DAY_MS));
}
const [first, second, third, late, deleted] = agents;
const hours = [0, 1, 23, 24, 48, 58].map((hour) => FIRST_DAY_MS + hour * HOUR_MS);
for (const agent of [first, second, third, deleted]) {
  for (const hourMs of hours) {
    // Batches of five cycles, some of which straddle two hours.
    const cycles = Array.from({ length: 10 }, (_, i) => cycle(agent, hourMs + 30 * 60_000 + i * 2 * STEP_MS + Math.floor(random() * 40)));
    await append(agent, cycles.slice(0, 5).flat(), { batchId: `${agent.id} ${hourMs}` });
    await append(agent, cycles.slice(5).flat());
  }
}
if (typeof storage.compact === 'function') await storage.compact(false);

// After the fold, where there is one: late samples, other values, repeats, and what is still under way.
await append(first, cycle(first, hours[0] + 30 * 60_000 + 1));
await append(
  first,
  [...sent].flatMap(([key, samples]) => {
    const [id, name, type, unit, tags] = JSON.parse(key);
    if (id !== first.id) return [];
    return [...samples.keys()].slice(3, 6).map((timestampMs) => ({ name, type, unit, tags, timestampMs, value: 42.5 }));
  }),
);
await append(second, [{ name: 'constant', type: 'gauge', unit: null, tags: {}, timestampMs: hours[5] + 1, value: 99 }], {
  batchId: `${second.id} ${hours[5]}`,
  isRepeat: true,
});
for (const hourMs of [...hours].reverse()) await append(late, cycle(late, hourMs + 77));
await append(third, cycle(third, NOW_MS - 60_000).reverse());

// Counted batches: two never came before the agent began to count again, and two since then. And samples that were dropped.
const gaps = [];
if (storage.gaps !== undefined) {
  const at = (cycleSecond) => NOW_MS - 60_000 + cycleSecond * 1_000;
  for (const [seq, cycleSecond] of [
    [7, 1],
    [8, 2],
    [11, 5],
    [2, 10],
    [3, 11],
    [6, 14],
  ]) {
    await append(third, cycle(third, at(cycleSecond)), { seq });
  }
  await storage.agents.recordDropped(second.agentKey, { count: 40, fromMs: hours[4], toMs: hours[5] });
  gaps.push(
    { agentId: second.id, reason: 'dropped', fromMs: hours[4], toMs: hours[5], lost: 40 },
    { agentId: third.id, reason: 'missing', fromMs: at(2), toMs: at(5), lost: 2 },
    { agentId: third.id, reason: 'missing', fromMs: at(11), toMs: at(14), lost: 2 },
  );
}

// Alerting: one of everything, and rules of both kinds.
const alerts = storage.alerts === undefined ? {} : await writeAlerts(storage.alerts);

const config = { collection_interval: 30, targets: ['203.0.113.7'] };
await storage.configs.put(first.agentKey, config, NOW_MS);
const fields = { name: 'DNS', type: 'dns', address: '203.0.113.53', port: null, interval: 60, timeout: 5, enabled: true, agentIds: [] };
const { id: targetId } = await storage.targets.create(fields, NOW_MS);
await storage.agents.remove(deleted.agentKey);
for (const key of sent.keys()) if (JSON.parse(key)[0] === deleted.id) sent.delete(key);
await storage.stop();

// The log folded in, nothing beside the file.
const db = new Database(path);
db.pragma('journal_mode = DELETE');
db.exec('VACUUM');
const count = (table) => {
  const found = db.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(table) !== undefined;
  return found ? db.prepare(`SELECT count(*) FROM ${table}`).pluck().get() : 0;
};
console.log('schema', db.pragma('user_version', { simple: true }), 'log rows', count('metric_batches'), 'units', count('units'));
db.close();
copyFileSync(path, `${target}.db`);
rmSync(dir, { recursive: true });

/** JSON has no word for these. */
const numberText = (value) => (Number.isFinite(value) && !Object.is(value, -0) ? value : Object.is(value, -0) ? '-0' : String(value));
const series = [...sent].map(([key, samples]) => {
  const [agentId, name, type, unit, tags] = JSON.parse(key);
  const rows = [...samples].sort(([a], [b]) => a - b).map(([time, [value, ...json]]) => [time, numberText(value), ...json]);
  return { agentId, name, type, unit, tags, samples: rows };
});
const expected = {
  nowMs: NOW_MS,
  agents: agents.filter((agent) => agent !== deleted).map(({ id }) => id),
  config: { agentId: first.id, config },
  target: { id: targetId, ...fields },
  gaps,
  ...alerts,
  series: 'SERIES',
};
const text = JSON.stringify(expected, null, 1).replace(
  '"SERIES"',
  () => `[\n${series.map((entry) => JSON.stringify(entry)).join(',\n')}\n]`,
);
writeFileSync(`${target}.json`, `${text}\n`);
