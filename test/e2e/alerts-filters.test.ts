import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { metric, TestAgent } from '../helpers/agent-client.js';
import { eventually } from '../helpers/eventually.js';
import { startTestApp, type TestApp } from '../helpers/test-app.js';

/**
 * What is asked of the list of alerts and of what is over. Two agents: of both the temperature is bad, which fires as "Hot" and
 * waits as "Slow"; of one the humidity is, too. Then one agent is well again, and "Hot" is deleted.
 */

const RULE = { aggregation: 'last', window: '1m', interval: 5, threshold: 90, metric_name: 'temperature' };

let app: TestApp;
const ids: Record<string, string> = {};
let silenceId: string;

beforeAll(async () => {
  app = await startTestApp();
  await rule('Hot', { severity: 'critical' });
  await rule('Slow', { severity: 'warning', for: '1h' });
  await rule('Damp', { severity: 'info', metric_name: 'humidity' });
  await measure('a', { temperature: 95, humidity: 95 });
  await measure('b', { temperature: 95 });
  await eventually(async () => (await get('/alerts')).alerts.length === 5);
  const { body } = await app.api('/api/v1/alerts/silences', {
    method: 'POST',
    body: { matchers: [{ label: 'agent', value: 'b' }], duration: '1h', author: 'x' },
  });
  silenceId = body.id;
}, 30_000);
afterAll(() => app.stop());

async function rule(name: string, more: object): Promise<void> {
  const { body } = await app.api('/api/v1/alerts/rules', { method: 'POST', body: { ...RULE, ...more, name } });
  ids[name] = body.id;
}

async function measure(agentId: string, values: Record<string, number>): Promise<void> {
  const agent = await TestAgent.connect(app, { agentId });
  const timestamp = Date.now();
  const metrics = Object.entries(values).map(([name, value]) => metric(name, value, { timestamp }));
  agent.send('metrics', { agent_id: agentId, metrics });
  await agent.nextFrame('metrics_ack');
}

async function get(path: string): Promise<any> {
  return (await app.api(`/api/v1${path}`)).body;
}

/** `Rule agent` of what is answered, in its order; rules' names in the query stand for their ids. */
async function named(path: string, query: string): Promise<string[]> {
  const { alerts, pagination } = await get(
    `${path}?${query.replace(/(rule_?id=)(\w+)/i, (_, key: string, name: string) => `${key}${ids[name] ?? name}`)}`,
  );
  expect(pagination.total).toBeGreaterThanOrEqual(alerts.length);
  return alerts.map((alert: any) => `${alert.rule_name} ${alert.agent_id}`);
}

const HOT = ['Hot a', 'Hot b'];
const SLOW = ['Slow a', 'Slow b'];

describe('alerts that are asked for by', () => {
  test.each<[string, string[]]>([
    ['limit=100', [...HOT, 'Damp a', ...SLOW]],
    ['state=all', [...HOT, 'Damp a', ...SLOW]],
    ['state=firing', [...HOT, 'Damp a']],
    ['state=pending', SLOW],
    ['severity=critical', HOT],
    ['severity=warning', SLOW],
    ['severity=info', ['Damp a']],
    ['agent_id=a', ['Hot a', 'Damp a', 'Slow a']],
    ['agentId=b', ['Hot b', 'Slow b']],
    ['agent_id=nobody', []],
    ['rule_id=Hot', HOT],
    ['ruleId=Slow', SLOW],
    ['rule_id=999', []],
    ['silenced=true', ['Hot b', 'Slow b']],
    ['silenced=false', ['Hot a', 'Damp a', 'Slow a']],
    ['state=firing&silenced=false', ['Hot a', 'Damp a']],
    ['state=pending&agent_id=a&rule_id=Slow&severity=warning&silenced=false', ['Slow a']],
    ['state=firing&rule_id=Slow', []],
    ['severity=critical&agent_id=b&silenced=true', ['Hot b']],
  ])('%s', async (query, expected) => {
    expect((await named('/alerts', query)).toSorted()).toEqual(expected.toSorted());
  });

  test('pages: the most urgent come first, and counts are of all', async () => {
    const all = await named('/alerts', '');
    expect([all.slice(0, 2).toSorted(), all[2], all.slice(3).toSorted()]).toEqual([HOT, 'Damp a', SLOW]);
    expect(await named('/alerts', 'limit=2&offset=1')).toEqual(all.slice(1, 3));
    const { counts, pagination, alerts } = await get('/alerts?agent_id=b&state=firing');
    expect(counts).toEqual({ firing: 3, pending: 2, critical: 2, warning: 0, info: 1, silenced: 2, acknowledged: 0 });
    expect(pagination).toEqual({ total: 1, limit: 100, offset: 0, hasMore: false });
    expect(alerts).toMatchObject([{ state: 'firing', severity: 'critical', silenced_by: [silenceId] }]);
  });

  test.each(['state=resolved', 'severity=loud', 'silenced=perhaps', 'limit=0', 'offset=-1'])('%s is refused', async (query) => {
    expect((await app.api(`/api/v1/alerts?${query}`)).status).toBe(400);
  });
});

describe('what is over, asked for by', () => {
  beforeAll(async () => {
    await measure('a', { temperature: 20, humidity: 20 });
    await eventually(async () => (await get('/alerts')).alerts.length === 2);
    await app.api(`/api/v1/alerts/rules/${String(ids.Hot)}`, { method: 'DELETE' });
  }, 20_000);

  test.each<[string, string[]]>([
    // What never fired is not told of.
    ['limit=100', [...HOT, 'Damp a']],
    ['severity=critical', HOT],
    ['severity=info', ['Damp a']],
    ['severity=warning', []],
    ['agent_id=a', ['Hot a', 'Damp a']],
    ['agentId=b', ['Hot b']],
    ['rule_id=Hot', HOT],
    ['ruleId=Damp', ['Damp a']],
    ['rule_id=Slow', []],
    ['rule_id=Hot&agent_id=a&severity=critical', ['Hot a']],
    ['timeRange=1h&agent_id=b', ['Hot b']],
    ['startTime=2020-01-01T00:00:00Z&endTime=2020-01-02T00:00:00Z', []],
  ])('%s', async (query, expected) => {
    expect((await named('/alerts/history', query)).toSorted()).toEqual(expected.toSorted());
  });

  test('pages: the last one comes first, with why it is over', async () => {
    const { alerts, pagination } = await get('/alerts/history?limit=1');
    expect(alerts).toMatchObject([{ rule_name: 'Hot', agent_id: 'b', state: 'resolved', resolved_reason: 'rule_deleted' }]);
    expect(pagination).toEqual({ total: 3, limit: 1, offset: 0, hasMore: true });
    expect((await get('/alerts/history?agent_id=a')).alerts.map((alert: any) => alert.resolved_reason)).toEqual(['recovered', 'recovered']);
    expect((await get('/alerts?state=all')).alerts).toMatchObject([{ rule_name: 'Slow', agent_id: 'b', state: 'pending' }]);
  });
});
