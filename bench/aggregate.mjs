/**
 * How fast the engine folds samples that are already in memory: `npm run bench:aggregate`. One core; the fastest of several
 * rounds, because on a busy machine everything slower measures the others. Columns are as agents make them: a sample
 * every 30 s, a little late, gauges and counters in equal parts.
 */
import { Aggregator } from '../dist/storage/engine/aggregate.js';
import { Grouping } from '../dist/storage/engine/grouping.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 31);
const PERIOD_MS = 30_000;
const SAMPLES = DAY / PERIOD_MS;
const SERIES = 1_000;
const ROUNDS = 12;

/** `spanMs`: how long the columns are that are handed in, a day or a window of the batch log. */
const SHAPES = [
  { name: 'days, 5 min, one line', stepMs: 300_000, groupBy: [] },
  { name: 'days, 5 min, by agent', stepMs: 300_000, groupBy: ['agent'] },
  { name: 'days, 5 min, by series', stepMs: 300_000, groupBy: ['series'] },
  { name: 'days, 1 min, one line', stepMs: 60_000, groupBy: [] },
  { name: 'days, 1 h, one line', stepMs: HOUR, groupBy: [] },
  { name: 'days, one bucket', stepMs: null, groupBy: [] },
  { name: 'hours, 5 min, one line', stepMs: 300_000, groupBy: [], spanMs: HOUR },
  { name: 'days, 5 min, sum of means', stepMs: 300_000, groupBy: [], wants: { sumOfMeans: true } },
  { name: 'days, 5 min, increase', stepMs: 300_000, groupBy: [], wants: { increase: true } },
  { name: 'days, 5 min, p50 p95 p99', stepMs: 300_000, groupBy: [], wants: { percentiles: [50, 95, 99] } },
];

const series = Array.from({ length: SERIES }, (_, i) => ({
  id: i + 1,
  agentId: `agent-${i % 100}`,
  name: `metric_${Math.floor(i / 100)}`,
  type: i % 2 === 0 ? 'gauge' : 'counter',
  unit: null,
  tagsJson: '{}',
  provider: 'gcp',
  region: 'us-central1',
  zone: '',
}));
const columns = series.map(({ type }) => {
  let total = 0;
  return {
    timestampsMs: Float64Array.from({ length: SAMPLES }, (_, i) => START + i * PERIOD_MS + Math.floor(Math.random() * 200)),
    values: Float64Array.from({ length: SAMPLES }, () => {
      const value = Math.round(Math.random() * 100_000) / 100;
      total += value;
      return type === 'counter' ? total : value;
    }),
  };
});

for (const shape of SHAPES) {
  let best = 0;
  for (let round = 0; round < ROUNDS; round += 1) best = Math.max(best, samplesPerSecond(shape));
  console.log(`${shape.name.padEnd(28)} ${(best / 1e6).toFixed(0).padStart(5)} M samples/s`);
}

function samplesPerSecond({ stepMs, groupBy, wants, spanMs = DAY }) {
  const rows = spanMs / PERIOD_MS;
  const begin = performance.now();
  const aggregator = new Aggregator(series, { startMs: START, endMs: START + DAY }, stepMs, new Grouping(series, groupBy), wants);
  for (let from = 0; from < SAMPLES; from += rows) {
    for (const [slot, { timestampsMs, values }] of columns.entries()) aggregator.add(slot, timestampsMs, values, from, from + rows);
  }
  const groups = aggregator.result();
  const seconds = (performance.now() - begin) / 1_000;
  const folded = groups.reduce((total, { count }) => total + count.reduce((sum, n) => sum + n, 0), 0);
  if (folded !== SERIES * SAMPLES) throw new Error(`${folded} samples were folded, ${SERIES * SAMPLES} were given`);
  return (SERIES * SAMPLES) / seconds;
}
