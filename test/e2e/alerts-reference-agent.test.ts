import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Agent } from '../../agent/src/agent.js';
import { collectorsFor } from '../../agent/src/collect/collectors.js';
import { Slots } from '../../agent/src/collect/slots.js';
import { defaultConfig } from '../../agent/src/control/config.js';
import { defaultRules } from '../../src/alerting/default-rules.js';
import { silentLogger } from '../../src/runtime/logger.js';
import { eventually } from '../helpers/eventually.js';
import { goAgentFrames } from '../helpers/fixtures.js';
import { MovableTime } from '../helpers/movable-time.js';
import { startTestApp, type TestApp } from '../helpers/test-app.js';

/**
 * The default rules on what the reference agent really sends: its own names, tags and clock. Of the rules, only how long they
 * wait is made short, and any disk is full enough; of the agent, only the program that pings is another one.
 */

const TARGETS = ['far.test', 'away.test'];
/** Two answers of three from one target, which take long, and none from the other. */
const PING = `#!/bin/sh
for target; do :; done
echo "PING $target (192.0.2.7) 56(84) bytes of data."
echo
echo "--- $target ping statistics ---"
if [ "$target" = away.test ]; then
  echo "3 packets transmitted, 0 received, 100% packet loss, time 2031ms"
  exit 1
fi
echo "3 packets transmitted, 2 received, 33.3333% packet loss, time 2002ms"
echo "rtt min/avg/max/mdev = 310.123/320.456/330.789/8.100 ms"
`;
const LOCATION = { provider: 'lab', region: 'r1', zone: '', network: '', subnet: '', instanceId: '', privateIp: '', publicIp: '' };

let dir: string;
let app: TestApp;
const time = new MovableTime();
const agents: Agent[] = [];

async function startAgent(id: string, clockOffMs = 0): Promise<Agent> {
  const slots = new Slots(8);
  const targets = TARGETS.map((address) => ({ type: 'ping' as const, address, port: null, timeoutMs: 1_000 }));
  const agent = new Agent(
    {
      url: app.wsUrl,
      token: null,
      id,
      location: LOCATION,
      spoolDir: join(dir, id),
      spoolLimits: { maxBytes: 10_000_000, maxAgeMs: 86_400_000 },
      config: { ...defaultConfig({ intervalS: 1, targets }), transmissionIntervalS: 0.05 },
      commands: [],
      version: '1.0.0',
    },
    {
      clock: { nowMs: () => time.clock.nowMs() + clockOffMs },
      logger: silentLogger,
      collectors: (config) => collectorsFor(config, { pingProgram: join(dir, 'ping'), slots, logger: silentLogger }),
    },
  );
  agents.push(agent);
  await agent.start();
  return agent;
}

async function get(path: string): Promise<any> {
  return (await app.api(`/api/v1${path}`)).body;
}

/** `Rule: agent target` of what fires. */
async function firing(): Promise<string[]> {
  const { alerts } = await get('/alerts?state=firing');
  return alerts
    .map(({ labels }: any) => [labels.alertname, labels.agent, ...(labels.target === undefined ? [] : [labels.target])].join(' '))
    .sort();
}

describe('the default rules', () => {
  beforeEach(async () => {
    time.start();
    dir = await mkdtemp(join(tmpdir(), 'ccv-rules-'));
    await writeFile(join(dir, 'ping'), PING, { mode: 0o755 });
    app = await startTestApp({}, { clock: time.clock });
  });
  afterEach(async () => {
    for (const agent of agents) await agent.stop();
    await app.stop();
    await rm(dir, { recursive: true, force: true });
    time.stop();
  });

  test('fire on what the reference agent measures, says of its clock, and when it is gone', async () => {
    const agent = await startAgent('reference');
    await startAgent('late-clock', -40_000);
    await eventually(async () => {
      const { metrics } = await get('/metrics?agentId=reference&limit=1000');
      const seen = new Set(metrics.map(({ name, tags }: any) => `${name} ${tags?.target ?? ''}`.trim()));
      return ['ping_success far.test', 'ping_success away.test', 'system_disk_percent'].every((one) => seen.has(one));
    });
    const { rules } = await get('/alerts/rules');
    expect(rules.map(({ name }: any) => name).sort()).toEqual(
      defaultRules()
        .map(({ name }) => name)
        .sort(),
    );
    for (const rule of rules) {
      const anyDisk = rule.name === 'Disk almost full' ? { threshold: 0, recovery_threshold: 0 } : {};
      const { status } = await app.api(`/api/v1/alerts/rules/${rule.id}`, { method: 'PUT', body: { for: 0, interval: 5, ...anyDisk } });
      expect(status).toBe(200);
    }
    const expected = [
      'Disk almost full reference',
      'High latency reference far.test',
      'Packet loss reference far.test',
      'Target unreachable reference away.test',
    ];
    await eventually(async () => {
      const found = await firing();
      return found.includes('Clock skew late-clock') && expected.every((one) => found.includes(one));
    });
    const found = await firing();
    expect(found.filter((one) => one.includes('reference'))).toEqual(expected);
    const { alerts } = await get('/alerts?agent_id=reference');
    const summaries = alerts.map((alert: any) => alert.annotations.summary).sort();
    expect(summaries).toEqual([
      expect.stringMatching(/^A disk of reference is [\d.]+ % full$/),
      'far.test answers reference in 320.46 ms on average',
      'reference has not reached away.test for 5 minutes',
      'reference loses 33.333 % of its packets to far.test',
    ]);
    await agent.stop();
    time.pass(60_000);
    await eventually(async () => (await firing()).includes('Agent down reference'));
  }, 60_000);
});

test('default rules about pings are about what the Go agent sends, too', () => {
  const sent = new Set(
    goAgentFrames()
      .flatMap(({ data }) => data.metrics ?? [])
      .map(({ name }) => name),
  );
  const names = defaultRules().flatMap(({ subject }) => (subject.kind === 'metric' ? [subject.metricName] : []));
  expect(names.filter((name) => !sent.has(name))).toEqual(['system_disk_percent']);
});
