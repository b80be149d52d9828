/**
 * How long a dashboard takes over 30 days of a fleet: 864 million samples of 100 agents, written as the daily units and hourly
 * rollups that a server would have by then (through its codec, but past the log), and today's last hours through the storage
 * layer. Prints one table; `--help` says more.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeMachine } from '../dist-bench/machine.js';
import { writeSection } from '../dist-bench/report.js';
import { ServerProcess } from '../dist-bench/server-process.js';
import { rollUp } from '../dist/storage/engine/rollup.js';
import { encodeRollups } from '../dist/storage/engine/rollup-unit.js';
import { UnitEncoder } from '../dist/storage/engine/unit-encoder.js';
import { cutIntoParts } from '../dist/storage/engine/unit-parts.js';
import { TIER, UnitRows } from '../dist/storage/sqlite/units/unit-rows.js';
import { DayAgent, EQUAL, INTERVAL_MS } from './storage/day-fleet.mjs';
import { DatabaseFiller } from './storage/fill-database.mjs';
import { HttpClient } from './storage/http-client.mjs';
import { cold, warm } from './storage/queries.mjs';
import { table } from './storage/storage-report.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const Database = createRequire(import.meta.url)('better-sqlite3');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const AIM_MS = 150;
const METRIC = 'network_interface_rx_bytes_per_sec';

const HELP = `npm run bench:month -- [options]

  --agents N   default 100
  --days N     default 30
  --runs N     runs per question, cold and warm (default 20)
  --dir DIR    where the database goes (default: the system's temporary folder)
  --out FILE   document to update after a complete run (default docs/benchmarks.md)
`;

const say = (text) => process.stderr.write(`${text}\n`);

/** An agent's samples of one day, in columns: \`series\` are the places of the agent's series that were sampled together. */
function dayOf(agent) {
  const cycles = DAY_MS / INTERVAL_MS;
  const groups = agent.groups.map(({ series }) => ({
    times: new Float64Array(cycles),
    columns: series.map(() => new Float64Array(cycles)),
  }));
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    agent.next((group, timeMs, values) => {
      const { times, columns } = groups[group];
      times[cycle] = timeMs;
      for (const [i, value] of values.entries()) columns[i][cycle] = value;
    });
  }
  return groups;
}

/** Writes whole days as units; answers how many samples. */
function writeDays(path, filler, days, firstDayMs) {
  const db = new Database(path);
  db.pragma('synchronous = OFF');
  const units = new UnitRows(db);
  const encoder = new UnitEncoder();
  db.exec('DELETE FROM metric_batches');
  let samples = 0;
  for (let day = 0; day < days; day += 1) {
    const window = { startMs: firstDayMs + day * DAY_MS, endMs: firstDayMs + (day + 1) * DAY_MS };
    db.exec('BEGIN');
    for (const { agent, agentKey, ids } of filler.senders) {
      let place = 0;
      const columns = [];
      for (const [group, { times, columns: values }] of dayOf(agent).entries()) {
        const inDay = times.findLastIndex((time) => time < window.endMs) + 1;
        for (const [i, column] of values.entries()) {
          const isCounter = agent.groups[group].series[i].type === 'counter';
          const timestampsMs = times.subarray(0, inDay);
          columns.push({ seriesId: ids[place++], isCounter, timestampsMs, values: column.subarray(0, inDay), objectValues: null });
          samples += inDay;
        }
      }
      const sampleCount = columns.reduce((sum, { values }) => sum + values.length, 0);
      const raw = cutIntoParts(encoder.encode(window, columns));
      units.insert(agentKey, { tier: TIER.raw, startMs: window.startMs, spanMs: DAY_MS, sampleCount, parts: raw });
      const rollups = columns.map(({ seriesId, isCounter, ...column }) => rollUp(seriesId, isCounter, column, HOUR_MS));
      const hourly = cutIntoParts(encodeRollups({ ...window, stepMs: HOUR_MS }, rollups));
      const rows = rollups.reduce((sum, { count }) => sum + count.length, 0);
      units.insert(agentKey, { tier: TIER.oneHour, startMs: window.startMs, spanMs: DAY_MS, sampleCount: rows, parts: hourly });
    }
    db.exec('COMMIT');
    say(`  day ${day + 1} of ${days}`);
  }
  db.close();
  return samples;
}

function questions(agentId) {
  const month = 'timeRange=30d';
  return [
    ['dashboard/overview', `/api/v1/dashboard/overview?${month}`],
    ['dashboard/metrics (charts)', `/api/v1/dashboard/metrics?${month}`],
    ['dashboard/health', '/api/v1/dashboard/health'],
    ['metrics/stats', `/api/v1/metrics/stats?${month}`],
    ['agents/:id/stats', `/api/v1/agents/${agentId}/stats?${month}`],
    ['one metric over all agents, one line, 1 h', `/api/v1/metrics/aggregated?${month}&interval=1h&groupBy=none&metricName=${METRIC}`],
    ['one metric by provider, 6 h', `/api/v1/metrics/aggregated?${month}&interval=6h&groupBy=provider&metricName=${METRIC}`],
    ['one metric by agent, 1 d', `/api/v1/metrics/aggregated?${month}&interval=1d&groupBy=agent&limit=10000&metricName=${METRIC}`],
    [
      'one series, 1 h',
      `/api/v1/metrics/aggregated?${month}&interval=1h&groupBy=none&agentId=${agentId}&tag=interface:eth0&metricName=${METRIC}`,
    ],
    [
      'increase of a counter over all agents, 1 d',
      `/api/v1/metrics/aggregated?${month}&interval=1d&groupBy=none&aggregation=increase&metricName=network_interface_rx_bytes_total`,
    ],
    ['metrics/search (rtt)', '/api/v1/metrics/search?q=rtt'],
  ];
}

async function run({ agents: count, days, runs, dir, out }) {
  const folder = mkdtempSync(join(dir, 'ccv-bench-month-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  const path = join(folder, 'bench.db');
  const firstDayMs = Math.floor(Date.now() / DAY_MS) * DAY_MS - days * DAY_MS;
  const fleet = Array.from({ length: count }, (_, i) => new DayAgent(i, EQUAL(i, count), firstDayMs));
  const filler = new DatabaseFiller(path, fleet);
  say(`writing ${days} days of ${count} agents …`);
  // The first cycle makes agents and series known; the days below are written past the log.
  await filler.append(1);
  const samples = writeDays(path, filler, days, firstDayMs);
  say('today …');
  await filler.append(Math.max(1, Math.floor((Date.now() + 5 * 60_000 - (firstDayMs + days * DAY_MS)) / INTERVAL_MS)));
  await filler.fold(false);
  const start = async () => {
    const server = await ServerProcess.start({ entry: join(ROOT, 'dist/main.js'), dir: folder, nodeArgs: [] });
    const client = new HttpClient(server.port);
    return {
      client,
      stop: async () => {
        client.close();
        await server.stop();
      },
    };
  };
  const rows = [];
  const server = await start();
  try {
    for (const [name, question] of questions(fleet[3].id)) {
      const times = await warm(server.client, [question], runs);
      say(`  ${name}: ${times.p50.toFixed(1)} ms`);
      rows.push({ name, question, warm: times });
    }
  } finally {
    await server.stop();
  }
  for (const row of rows) row.cold = await cold(start, [row.question], runs);
  const machine = describeMachine(dir);
  const fixed = (ms) => ms.toFixed(1);
  const text = [
    `${samples.toLocaleString('en')} samples in ${days} days of ${count} agents; ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}. Times in ms over HTTP on 127.0.0.1, ${runs} runs each; cold: the first question to a process just started. The aim is ${AIM_MS} ms.`,
    table(
      ['', 'warm p50', 'p99', 'cold p50', 'p99'],
      rows.map((row) => [row.name, fixed(row.warm.p50), fixed(row.warm.p99), fixed(row.cold.p50), fixed(row.cold.p99)]),
    ),
  ].join('\n\n');
  process.stdout.write(`\n${text}\n`);
  if (count === 100 && days === 30 && runs >= 20 && existsSync(out)) writeSection(out, 'month', text);
}

const { values } = parseArgs({
  options: {
    agents: { type: 'string', default: '100' },
    days: { type: 'string', default: '30' },
    runs: { type: 'string', default: '20' },
    dir: { type: 'string', default: tmpdir() },
    out: { type: 'string', default: 'docs/benchmarks.md' },
    help: { type: 'boolean' },
  },
});
if (values.help) process.stdout.write(HELP);
else {
  await run({
    agents: Number(values.agents),
    days: Number(values.days),
    runs: Number(values.runs),
    dir: resolve(values.dir),
    out: resolve(ROOT, values.out),
  });
}
