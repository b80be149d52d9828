/**
 * A big fleet at its usual pace, with as many alert rules as there may be, and without any: what evaluating them costs those who wait
 * for an acknowledgement. Samples are of now, so that the windows of the rules are full of them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchContext, Running } from '../bench-context.js';
import type { Place } from '../exposition.js';
import { SAMPLES_PER_BATCH } from '../fleet.js';
import { startUsage, type Usage } from '../measure.js';
import { type Percentiles, percentiles } from '../percentiles.js';

export const AGENTS = 1_000;
/** As agents do: every five seconds. */
const PERIOD_MS = 5_000;
const CONNECTING_AT_ONCE = 100;
const WINDOW_SECONDS = 60;
export const RULE_INTERVAL_SECONDS = 10;
/** Each rule is about one series of each agent. */
const NIC_TAGS = { interface: 'eth0' };
const PING_TAGS = { target: '8.8.8.8' };
const METRICS: readonly (readonly [name: string, tags: Readonly<Record<string, string>>])[] = [
  ...['bytes', 'packets', 'errors', 'drops'].flatMap((kind) =>
    ['rx', 'tx'].map((way) => [`network_interface_${way}_${kind}_per_sec`, NIC_TAGS] as const),
  ),
  ...['ping_rtt_avg_ms', 'ping_rtt_max_ms', 'ping_packet_loss_percent'].map((name) => [name, PING_TAGS] as const),
];
const AGGREGATIONS = ['avg', 'max', 'last', 'p95'];
/** Above all that a fleet measures: what is evaluated, and not what is told. */
const NEVER = 1e15;

export interface WithRulesResult {
  /** Besides those every server begins with; 0: alerts are switched off. */
  readonly rules: number;
  readonly agents: number;
  readonly seconds: number;
  readonly offeredSamplesPerSecond: number;
  readonly ackMs: Percentiles;
  readonly latenessMs: Percentiles;
  readonly usage: Usage;
  readonly firing: number;
}

/** Against a fresh server; measures for `options.seconds` × 6, and as long before that as the rules look back. */
export function withRules(context: BenchContext, rules: number): Promise<WithRulesResult> {
  return context.withServer((running) => measure(context, running, rules), { env: { ENABLE_ALERTS: String(rules > 0) } });
}

async function measure(context: BenchContext, running: Running, rules: number): Promise<WithRulesResult> {
  const { server, load } = running;
  const { quick } = context.options;
  const seconds = context.options.seconds * 6;
  const warmUpSeconds = quick ? context.options.warmUpSeconds : WINDOW_SECONDS;
  const batchesPerSecond = (AGENTS * 1_000) / PERIOD_MS;
  await load.connect(server, AGENTS, CONNECTING_AT_ONCE, { startMs: Date.now() - PERIOD_MS, intervalMs: PERIOD_MS });
  for (let i = 0; i < rules; i += 1) await post(server, '/api/v1/alerts/rules', ruleBody(i));
  const loading = load.openLoop(batchesPerSecond, warmUpSeconds, seconds);
  // Awaited below; until then a failure must not count as unhandled.
  loading.catch(() => undefined);
  await sleep(warmUpSeconds * 1_000);
  const stopUsage = startUsage(running);
  await Promise.race([sleep(seconds * 1_000), loading]);
  const usage = stopUsage();
  const answer = await loading;
  const firing = rules === 0 ? 0 : await evaluated(server, rules);
  await load.disconnect();
  return {
    rules,
    agents: AGENTS,
    seconds,
    offeredSamplesPerSecond: batchesPerSecond * SAMPLES_PER_BATCH,
    ackMs: percentiles(answer.latenciesMs),
    latenessMs: percentiles(answer.latenessMs),
    usage,
    firing,
  };
}

function ruleBody(i: number): unknown {
  const [metric_name, tags] = METRICS[i % METRICS.length] ?? METRICS[0] ?? [];
  const aggregation = AGGREGATIONS[Math.floor(i / METRICS.length) % AGGREGATIONS.length];
  return {
    name: `rule ${i}`,
    metric_name,
    aggregation,
    window: WINDOW_SECONDS,
    interval: RULE_INTERVAL_SECONDS,
    condition: 'gt',
    threshold: NEVER,
    agent_filter: { tags },
  };
}

async function post({ host, port }: Place, path: string, body: unknown): Promise<void> {
  const answer = await fetch(`http://${host}:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (answer.status !== 201) throw new Error(`${path} was answered ${answer.status}: ${await answer.text()}`);
}

interface RulesAnswer {
  readonly rules: readonly { readonly is_default: boolean; readonly status: { readonly groups: number | null; readonly firing: number } }[];
}

/** How many alerts there are. @throws Error when a rule did not look at every agent: then nothing was measured */
async function evaluated({ host, port }: Place, rules: number): Promise<number> {
  const answer = await fetch(`http://${host}:${port}/api/v1/alerts/rules`);
  const all = ((await answer.json()) as RulesAnswer).rules;
  const complete = all.filter(({ is_default, status }) => !is_default && status.groups === AGENTS).length;
  if (complete !== rules) throw new Error(`${rules - complete} of ${rules} rules did not look at all ${AGENTS} agents`);
  return all.reduce((sum, { status }) => sum + status.firing, 0);
}
