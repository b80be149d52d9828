import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { agentId, planHistory, SAMPLES_PER_BATCH, SimulatedAgent } from '../../../bench/fleet.js';

interface Frame {
  data: { agent_id: string; timestamp: string; metrics: Metric[]; location: Record<string, string> };
  type: string;
}
interface Metric {
  name: string;
  value: number;
  unit: string;
  timestamp: string;
  tags: Record<string, string>;
  type: string;
}

const NOW_MS = Date.UTC(2026, 10, 22, 12);
const fixture = (name: string): string => readFileSync(new URL(`../../fixtures/go-agent/${name}`, import.meta.url), 'utf8');
const seriesOf = (metric: Metric): string => `${metric.name} ${JSON.stringify(metric.tags)}`;

/** The shape of a frame: keys in order, arrays by their elements' distinct shapes, leaves by their type. */
function shape(value: unknown): string {
  if (Array.isArray(value)) return `[${[...new Set(value.map(shape))].join('|')}]`;
  if (typeof value !== 'object' || value === null) return typeof value;
  return `{${Object.entries(value)
    .map(([key, inner]) => `${key}:${shape(inner)}`)
    .join(',')}}`;
}

describe('a simulated agent', () => {
  const history = planHistory(NOW_MS, 100, 10);

  test('sends batches that look like the captured ones of the real agent', () => {
    const text = new SimulatedAgent(7, history).metricsFrame(NOW_MS);
    const captured = fixture('basic-011-metrics.json');
    expect(shape(JSON.parse(text))).toBe(shape(JSON.parse(captured)));
    expect(text.endsWith('\n')).toBe(true);

    const frame = JSON.parse(text) as Frame;
    expect(frame.data.agent_id).toBe(agentId(7));
    expect(frame.data.metrics).toHaveLength(SAMPLES_PER_BATCH);
    expect(new Set(frame.data.metrics.map(seriesOf)).size).toBe(SAMPLES_PER_BATCH);
    const kinds = (metrics: Metric[]): Set<string> => new Set(metrics.map((m) => `${m.name} ${m.type} ${m.unit}`));
    expect(kinds(frame.data.metrics)).toEqual(kinds((JSON.parse(captured) as Frame).data.metrics));
    expect(text.length).toBeGreaterThan(17_000);
    expect(text.length).toBeLessThan(18_500);
  });

  test('registers as the real agent does', () => {
    const text = new SimulatedAgent(7, history).registrationFrame(NOW_MS);
    expect(shape(JSON.parse(text))).toBe(shape(JSON.parse(fixture('basic-001-registration.json'))));
  });

  test('stamps all interfaces with one time and every ping target with its own, in nanoseconds', () => {
    const { metrics } = (JSON.parse(new SimulatedAgent(1, history).metricsFrame(NOW_MS)) as Frame).data;
    const times = (of: (metric: Metric) => boolean): number => new Set(metrics.filter(of).map((metric) => metric.timestamp)).size;
    expect(times((metric) => metric.name.startsWith('network_'))).toBe(1);
    expect(times((metric) => metric.name.startsWith('ping_'))).toBe(8);
    for (const metric of metrics) expect(metric.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{8}[1-9]Z$/);
  });

  test('moves on: later times in every series, growing counters, rates that are counts over an interval', () => {
    const agent = new SimulatedAgent(3, history);
    const bySeries = (text: string): Map<string, Metric> =>
      new Map((JSON.parse(text) as Frame).data.metrics.map((metric) => [seriesOf(metric), metric]));
    let before = bySeries(agent.metricsFrame(NOW_MS));
    for (let i = 0; i < 50; i += 1) {
      const next = bySeries(agent.metricsFrame(NOW_MS));
      for (const [series, metric] of next) {
        const earlier = before.get(series) as Metric;
        expect(Date.parse(metric.timestamp)).toBeGreaterThan(Date.parse(earlier.timestamp));
        if (metric.type !== 'counter') continue;
        const increase = metric.value - earlier.value;
        const rate = next.get(series.replace('_total', '_per_sec')) as Metric;
        expect(Number.isSafeInteger(increase) && increase >= 0).toBe(true);
        expect(Math.abs(increase - rate.value * 5)).toBeLessThanOrEqual(increase * 0.001);
      }
      before = next;
    }
  });

  test('is the same every time, and unlike the others', () => {
    const first = new SimulatedAgent(5, history).metricsFrame(NOW_MS);
    expect(new SimulatedAgent(5, history).metricsFrame(NOW_MS)).toBe(first);
    expect(new SimulatedAgent(6, history).metricsFrame(NOW_MS)).not.toBe(first);
  });
});

describe('the history an agent plays back', () => {
  test.each([
    [1, 70],
    [1, 15],
    [100, 15],
    [1_000, 15],
    [10_000, 1],
  ])('%i agents for %i s: neither beyond retention nor in the future', (agents, seconds) => {
    const { startMs, intervalMs } = planHistory(NOW_MS, agents, seconds);
    expect(startMs).toBeGreaterThan(NOW_MS - 26 * 86_400_000);
    expect(startMs + (intervalMs * 5_000 * seconds) / agents).toBeLessThan(NOW_MS);
    // Nine timestamps in a batch, at most half a millisecond apart: two batches must not meet.
    expect(intervalMs).toBeGreaterThan(100);
  });
});
