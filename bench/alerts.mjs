/**
 * What evaluating alert rules costs: `npm run bench:alerts [-- --rules N --agents N --rounds N --no-database]`. 1,000 rules over 1,000
 * agents, by agent and tags, 20 metrics of one series each. First with a reader that has its answers ready: what evaluator and state
 * machine take on the event loop. Then over a database with five minutes of samples: processor time of all threads.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { Evaluator } from '../dist/alerting/evaluator.js';
import { EventBus } from '../dist/runtime/event-bus.js';
import { SqliteStorage } from '../dist/storage/sqlite/sqlite-storage.js';

const METRICS = 20;
const INTERVAL_MS = 30_000;
const WINDOW_MS = 300_000;
const SAMPLES = WINDOW_MS / INTERVAL_MS;
const DAY_MS = 86_400_000;

const { values: asked } = parseArgs({
  options: {
    rules: { type: 'string', default: '1000' },
    agents: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '8' },
    'no-database': { type: 'boolean' },
  },
});
const RULES = Number(asked.rules);
const AGENTS = Number(asked.agents);
const ROUNDS = Number(asked.rounds);
/** Values are below 100. */
const NEVER = 1_000;

const logger = { error: complain, warn: complain, info() {}, debug() {} };
const agentIds = Array.from({ length: AGENTS }, (_, i) => `agent-${String(i).padStart(5, '0')}`);
const agents = new Map(
  agentIds.map((id) => [
    id,
    { id, provider: 'gcp', region: 'r', status: 'connected', connectedAtMs: 0, lastSeenMs: 0, clockSkewMs: 0, config: null },
  ]),
);
const names = Array.from({ length: METRICS }, (_, i) => `metric_${i}`);

const PERCENTILES = ['p50', 'p95', 'p99'];
/** How rules may be; each is looked at alone. */
const CASES = [
  { name: 'nothing is bad, averages', subject: () => ({ threshold: NEVER }) },
  {
    name: 'nothing is bad, six aggregations',
    subject: (i) => ({
      threshold: NEVER,
      aggregation: ['avg', 'min', 'max', 'sum', 'count', 'last'][i % 6],
      ...(i % 6 > 2 && { threshold: 1e9 }),
    }),
  },
  {
    name: 'nothing is bad, each rule has a filter',
    subject: () => ({ threshold: NEVER }),
    filter: (i) => ({ agentIds: agentIds.filter((_, n) => n !== i) }),
  },
  { name: 'nothing is bad, one group per metric', subject: () => ({ threshold: NEVER, by: [] }) },
  { name: '10 of each rule are bad', subject: () => ({ threshold: NEVER }), bad: 0.01 },
  { name: 'everything is bad, 9,000 alerts are kept', subject: () => ({ threshold: -1 }) },
  { name: 'percentiles', subject: (i) => ({ threshold: NEVER, aggregation: PERCENTILES[i % 3] }) },
  { name: 'percentiles of all agents together', subject: (i) => ({ threshold: NEVER, aggregation: PERCENTILES[i % 3], by: ['provider'] }) },
  {
    name: 'percentiles of all agents but one together',
    subject: (i) => ({ threshold: NEVER, aggregation: PERCENTILES[i % 3], by: ['provider'] }),
    filter: (i) => ({ agentIds: agentIds.filter((_, n) => n !== i % 10) }),
  },
  { name: 'ten windows', subject: (i) => ({ threshold: NEVER, windowMs: WINDOW_MS - (i % 10) * INTERVAL_MS }) },
];

function complain(message, meta) {
  console.error(message, meta);
}

function ruleOf(i, { subject, filter, bad = 0 }) {
  const own = subject(i);
  // So that a share of the agents is above it: their values are spread evenly.
  const threshold = bad > 0 ? 100 - 100 * bad : own.threshold;
  return {
    id: `rule-${i}`,
    name: `rule ${i}`,
    subject: {
      kind: 'metric',
      metricName: names[i % METRICS],
      aggregation: 'avg',
      windowMs: WINDOW_MS,
      condition: 'gt',
      recoveryThreshold: null,
      by: null,
      noData: 'keep',
      ...own,
      threshold,
    },
    filter: filter?.(i) ?? {},
    severity: 'warning',
    forMs: 0,
    keepFiringForMs: 0,
    intervalMs: INTERVAL_MS,
    labels: {},
    annotations: { summary: '{{ labels.agent }}: {{ value }}' },
    enabled: true,
    isDefault: false,
    createdAtMs: 0,
    updatedAtMs: 0,
  };
}

/** The same answer to everybody who asks: of each series one row. */
function preparedReader() {
  const series = agentIds.flatMap((agentId, a) =>
    names.map((name, n) => ({
      id: a * METRICS + n + 1,
      agentId,
      name,
      type: 'gauge',
      unit: null,
      tagsJson: '{}',
      provider: 'gcp',
      region: 'r',
      zone: '',
    })),
  );
  const valueOf = (i) => (Math.floor(i / METRICS) * 100) / AGENTS;
  const column = (of) => Float64Array.from(series, (_, i) => of(i));
  const totals = {
    seriesIds: column((i) => i + 1),
    count: column(() => SAMPLES),
    sum: column((i) => valueOf(i) * SAMPLES),
    min: column(valueOf),
    max: column(valueOf),
    last: column(valueOf),
    increase: column(() => NaN),
    firstMs: column(() => 0),
    lastMs: column(() => Infinity),
    percentiles: [column(valueOf), column(valueOf), column(valueOf)],
  };
  /** Of percentiles of groups of several series: here all agents of one metric. */
  const together = [50, 95, 99].map((value) => Float64Array.of(value));
  return {
    series: async ({ limit, offset }) => ({ series: series.slice(offset, offset + limit), total: series.length }),
    aggregate: async () =>
      names.map((name) => ({
        labels: ['gcp', name],
        unit: null,
        max: Float64Array.of(99),
        percentiles: together,
        firstMs: 0,
        lastMs: Infinity,
      })),
    totals: async () => totals,
  };
}

/** Rounds of all rules, in milliseconds of processor time, and what the event loop was kept from by them. */
async function measure(shape, reader, nowMs) {
  const rules = Array.from({ length: RULES }, (_, i) => ruleOf(i, shape));
  let wallMs = nowMs;
  let uptimeMs = DAY_MS;
  const evaluator = new Evaluator({
    rules: { all: async () => rules },
    alerts: { active: async () => [], save: async () => {}, acknowledge: async () => true },
    reader,
    agents: { find: (id) => agents.get(id) ?? null, all: () => [...agents.values()] },
    bus: new EventBus(logger),
    clock: { nowMs: () => wallMs },
    monotonic: () => uptimeMs,
    logger,
  });
  await evaluator.start();
  const cpuMs = [];
  const delay = monitorEventLoopDelay({ resolution: 5 });
  for (let round = 0; round < ROUNDS; round += 1) {
    if (round === 1) delay.enable();
    const before = process.cpuUsage();
    await evaluator.evaluate();
    const { user, system } = process.cpuUsage(before);
    cpuMs.push((user + system) / 1_000);
    uptimeMs += INTERVAL_MS;
    wallMs += 1;
  }
  delay.disable();
  const { pending, firing } = evaluator.counts();
  const failed = rules.filter(({ id }) => evaluator.status(id)?.error !== null).length;
  await evaluator.stop();
  const later = cpuMs.slice(1).sort((a, b) => a - b);
  const ms = (value) => value.toFixed(0).padStart(6);
  const loop = `event loop held up ≤ ${(delay.max / 1e6).toFixed(0)} ms`;
  console.log(
    `${shape.name.padEnd(44)}${ms(cpuMs[0])} ms first ${ms(later[later.length >> 1])} ms then, ${loop}; ${pending + firing} alerts, ${failed} rules with a remark`,
  );
}

async function filled(path) {
  const settings = {
    path,
    readerThreads: 1,
    queryTimeoutMs: 60_000,
    maxQueuedQueries: 100,
    maxSeriesPerAgent: 10_000,
    retentionMs: 30 * DAY_MS,
    compactIntervalMs: DAY_MS,
  };
  const listeners = { writable() {}, activitiesDropped() {}, folded() {}, counted() {} };
  const storage = new SqliteStorage(settings, { nowMs: () => Date.now() }, logger, listeners);
  await storage.start();
  const nowMs = Date.now();
  const newSeries = names.map((name) => ({ name, type: 'gauge', unit: null, tagsJson: '{}' }));
  await Promise.all(
    agentIds.map(async (id, a) => {
      const { agentKey } = await storage.agents.upsert(
        {
          id,
          provider: 'gcp',
          region: 'r',
          zone: '',
          network: '',
          subnet: '',
          instanceId: '',
          ipAddress: '',
          version: '1',
          capabilities: null,
        },
        nowMs,
      );
      let ids = null;
      for (let sample = 0; sample < SAMPLES; sample += 1) {
        const timeMs = nowMs - WINDOW_MS + (sample + 0.5) * INTERVAL_MS;
        const result = await storage.writer.append({
          agentKey,
          batchId: null,
          seq: null,
          receivedAtMs: nowMs,
          seriesIds: Int32Array.from(names, (_, i) => ids?.[i] ?? -1 - i),
          timestampsMs: new Float64Array(METRICS).fill(timeMs),
          values: new Float64Array(METRICS).fill((a * 100) / AGENTS),
          objectValues: null,
          newSeries: ids === null ? newSeries : [],
          rejected: 0,
          lastError: null,
          clockSkewMs: 0,
        });
        ids ??= result.newSeriesIds;
      }
    }),
  );
  return { storage, nowMs };
}

console.log(`${RULES} rules, ${AGENTS} agents, ${METRICS} metrics; processor time of one evaluation of all rules\n`);
console.log('answers are ready');
for (const shape of CASES) await measure(shape, preparedReader(), Date.now());
if (!asked['no-database']) {
  const folder = mkdtempSync(join(tmpdir(), 'alerts-bench-'));
  try {
    const { storage, nowMs } = await filled(join(folder, 'bench.db'));
    console.log('\nfrom a database, reader threads included');
    for (const shape of CASES) await measure(shape, storage.reader, nowMs);
    await storage.stop();
  } finally {
    rmSync(folder, { recursive: true });
  }
}
