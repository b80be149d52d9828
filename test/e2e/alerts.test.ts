import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { metric, TestAgent } from '../helpers/agent-client.js';
import { eventually } from '../helpers/eventually.js';
import { startReceiver } from '../helpers/receiver.js';
import { startTestApp, type TestApp } from '../helpers/test-app.js';
import { connectConsole } from '../helpers/test-console.js';

/** Alerts on the whole server: over REST, on the live channel, over a restart. The times of the state machine are in unit tests. */

const RULE = {
  name: 'Hot',
  metric_name: 'temperature',
  aggregation: 'last',
  window: '1m',
  interval: 5,
  threshold: 90,
  recovery_threshold: 80,
  severity: 'critical',
  labels: { team: 'ovens' },
  annotations: { summary: '{{ labels.agent }} has {{ value }} degrees' },
};

let app: TestApp;
let agent: TestAgent;

beforeEach(async () => {
  app = await startTestApp();
  agent = await TestAgent.connect(app, { agentId: 'oven-1' });
});
afterEach(async () => {
  await app.stop();
});

async function get(path: string): Promise<any> {
  return (await app.api(`/api/v1${path}`)).body;
}

function send(method: string, path: string, body?: unknown): Promise<{ status: number; body: any }> {
  return app.api(`/api/v1${path}`, { method, body });
}

async function measure(value: number, ageMs = 0): Promise<void> {
  const timestamp = Date.now() - ageMs;
  agent.send('metrics', { agent_id: 'oven-1', metrics: [metric('temperature', value, { tags: { oven: 'left' }, timestamp })] });
  await agent.nextFrame('metrics_ack');
}

async function firing(): Promise<any[]> {
  return (await get('/alerts?state=firing')).alerts;
}

describe('alerts', () => {
  test('fire, are told to consoles, counted, acknowledged, silenced, kept over a restart, and resolve into history', async () => {
    const console = await connectConsole(app);
    const { status, body: rule } = await send('POST', '/alerts/rules', RULE);
    expect(status).toBe(201);
    await measure(95);
    expect(await console.nextFrame('system_alert', 9_000)).toEqual({
      message: expect.stringContaining('oven-1 has 95 degrees'),
      severity: 'error',
    });
    const [alert] = await firing();
    expect(alert).toMatchObject({
      rule_id: rule.id,
      rule_name: 'Hot',
      severity: 'critical',
      labels: { alertname: 'Hot', severity: 'critical', agent: 'oven-1', oven: 'left', team: 'ovens' },
      annotations: { summary: 'oven-1 has 95 degrees' },
      agent_id: 'oven-1',
      value: 95,
      acknowledgement: null,
      silenced_by: [],
    });
    expect((await get('/dashboard/overview')).alerts).toEqual({ firing: 1, pending: 0, critical: 1, warning: 0, info: 0 });
    expect((await app.api('/metrics')).body).toContain('ccv_alerts{state="firing"} 1\n');
    expect((await get(`/alerts/rules/${rule.id}`)).status).toMatchObject({ matched: 1, groups: 1, firing: 1, error: null, warning: null });

    const acknowledged = await send('POST', `/alerts/${alert.id}/acknowledge`, { by: 'on call', comment: 'opening the door' });
    expect(acknowledged.body.acknowledgement).toMatchObject({ by: 'on call', comment: 'opening the door' });
    const silence = await send('POST', '/alerts/silences', {
      matchers: [{ label: 'oven', value: 'l.*', is_regex: true }],
      duration: '1h',
      author: 'x',
    });
    expect(silence).toMatchObject({ status: 201, body: { state: 'active' } });
    expect((await get('/alerts?silenced=true')).alerts).toMatchObject([{ id: alert.id, silenced_by: [silence.body.id] }]);
    expect((await get('/alerts?silenced=false')).alerts).toEqual([]);

    await app.restart();
    expect(await firing()).toMatchObject([{ id: alert.id, acknowledgement: { by: 'on call' }, silenced_by: [silence.body.id] }]);
    agent = await TestAgent.connect(app, { agentId: 'oven-1' });
    await measure(70);
    await eventually(async () => (await firing()).length === 0);
    const { alerts, pagination } = await get('/alerts/history?severity=critical');
    expect(alerts).toMatchObject([{ id: alert.id, state: 'resolved', resolved_reason: 'recovered', resolved_at: expect.any(String) }]);
    expect(pagination).toEqual({ total: 1, limit: 100, offset: 0, hasMore: false });
  }, 30_000);

  test('go on when their rule is saved as it is', async () => {
    const { body: rule } = await send('POST', '/alerts/rules', RULE);
    await measure(95);
    await eventually(async () => (await firing()).length === 1);
    const [before] = await firing();
    expect((await send('PUT', `/alerts/rules/${rule.id}`, await get(`/alerts/rules/${rule.id}`))).status).toBe(200);
    expect(await firing()).toMatchObject([{ id: before.id }]);
    expect((await get('/alerts/history')).alerts).toEqual([]);
  }, 20_000);

  test('are over when somebody says so', async () => {
    await send('POST', '/alerts/rules', RULE);
    await measure(95);
    await eventually(async () => (await firing()).length === 1);
    const [alert] = await firing();
    expect(await send('POST', `/alerts/${alert.id}/resolve`)).toMatchObject({
      status: 200,
      body: { id: alert.id, state: 'resolved', resolved_reason: 'dismissed', resolved_at: expect.any(String) },
    });
    expect((await get('/alerts/history')).alerts).toMatchObject([{ id: alert.id, resolved_reason: 'dismissed' }]);
    expect(await send('POST', `/alerts/${alert.id}/resolve`)).toMatchObject({ status: 404, body: { error: { code: 'not_found' } } });
  }, 20_000);

  test('do not begin by what an agent sends after an outage', async () => {
    await measure(95, 300_000);
    await measure(50);
    await send('POST', '/alerts/rules', { ...RULE, aggregation: 'max', window: '8m' });
    const { body: newest } = await send('POST', '/alerts/rules', { ...RULE, name: 'Newest', condition: 'lt', recovery_threshold: null });
    // Both are evaluated by then.
    await eventually(async () => (await firing()).length > 0);
    expect(await firing()).toMatchObject([{ rule_id: newest.id }]);
  }, 20_000);

  test('of a rule that is deleted are over', async () => {
    const { body: rule } = await send('POST', '/alerts/rules', RULE);
    await measure(95);
    await eventually(async () => (await firing()).length === 1);
    expect((await send('DELETE', `/alerts/rules/${rule.id}`)).status).toBe(200);
    expect(await firing()).toEqual([]);
    expect((await get('/alerts/history')).alerts).toMatchObject([{ resolved_reason: 'rule_deleted' }]);
  }, 20_000);
});

describe('rules', () => {
  test('for the usual troubles are there on a fresh install, and stay as they were left', async () => {
    const { rules } = await get('/alerts/rules');
    const names = rules.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(['Agent down', 'Clock skew', 'Disk almost full', 'High latency', 'Packet loss']));
    expect(rules.every((rule: any) => rule.is_default && rule.enabled)).toBe(true);
    await send('PUT', `/alerts/rules/${rules[0].id}`, { enabled: false });
    await send('DELETE', `/alerts/rules/${rules[1].id}`);
    await app.restart();
    const after = (await get('/alerts/rules')).rules;
    expect(after).toHaveLength(rules.length - 1);
    expect(after[0]).toMatchObject({ id: rules[0].id, enabled: false });
  });

  test('have names of their own, and say which field is wrong', async () => {
    expect((await send('POST', '/alerts/rules', RULE)).status).toBe(201);
    expect(await send('POST', '/alerts/rules', RULE)).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } });
    const { body } = await send('POST', '/alerts/rules', { ...RULE, name: 'Other', condition: 'hotter' });
    expect(body.error.details).toMatchObject([{ field: 'condition', value: 'hotter' }]);
  });

  test('that match nothing say so', async () => {
    const { body: rule } = await send('POST', '/alerts/rules', { ...RULE, metric_name: 'no_such_metric' });
    await eventually(async () => (await get(`/alerts/rules/${rule.id}`)).status.warning === 'no series matches this rule');
  });
});

describe('ENABLE_ALERTS=false', () => {
  test('rules are kept, and not evaluated', async () => {
    const quiet = await startTestApp({ ENABLE_ALERTS: 'false' });
    try {
      const { status, body: rule } = await quiet.api('/api/v1/alerts/rules', { method: 'POST', body: RULE });
      expect(status).toBe(201);
      // A server that evaluates rules, and does so every second, has come by twice since: the second rule is not there yet the first time.
      for (const name of ['First', 'Second']) {
        const { body: other } = await send('POST', '/alerts/rules', { ...RULE, name });
        await eventually(async () => (await get(`/alerts/rules/${other.id}`)).status.last_evaluated_at !== null);
      }
      const { rules } = (await quiet.api('/api/v1/alerts/rules')).body;
      expect(rules).toContainEqual(expect.objectContaining({ id: rule.id }));
      expect(rules.every((one: any) => one.status.last_evaluated_at === null)).toBe(true);
      for (const what of ['acknowledge', 'resolve']) {
        const answer = await quiet.api(`/api/v1/alerts/a-1/${what}`, { method: 'POST', body: { by: 'x' } });
        expect(answer).toMatchObject({ status: 409, body: { error: { message: expect.stringContaining('ENABLE_ALERTS') } } });
      }
    } finally {
      await quiet.stop();
    }
  }, 20_000);
});

describe('a rule that is tried', () => {
  test('says when it would have fired', async () => {
    await measure(95, 30_000);
    const { status, body } = await send('POST', '/alerts/rules/test', { rule: { ...RULE, aggregation: 'max' }, time_range: '10m' });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      matched: 1,
      warning: null,
      truncated: false,
      groups: [{ labels: { agent: 'oven-1', oven: 'left', alertname: 'Hot' }, firings: [{ to: null, peak: 95 }] }],
    });
    const nothing = await send('POST', '/alerts/rules/test', { rule: { metric_name: 'no_such_metric', threshold: 1 } });
    expect(nothing.body).toMatchObject({ matched: 0, groups: [], warning: 'no series matches this rule' });
    expect((await get('/alerts/rules')).rules.map(({ name }: { name: string }) => name)).not.toContain('Hot');
  });
});

describe('channels', () => {
  test('are told once, also over a restart, and that it is over; secrets never come back out', async () => {
    const receiver = await startReceiver();
    try {
      await app.restart({ ALERT_WEBHOOK_ALLOW_PRIVATE: 'true' });
      agent = await TestAgent.connect(app, { agentId: 'oven-1' });
      const { status, body: channel } = await send('POST', '/alerts/channels', {
        name: 'On call',
        type: 'webhook',
        settings: { url: `${receiver.url}/hook`, secret: 'a-secret-of-the-hook' },
        matchers: [{ label: 'team', value: 'ovens' }],
        group_wait: 0,
        group_interval: 1,
      });
      expect(status).toBe(201);
      expect(channel).toMatchObject({ settings: { secret: '***' }, is_from_settings: false, enabled: true });
      expect(JSON.stringify(await get('/alerts/channels'))).not.toContain('a-secret-of-the-hook');
      await send('POST', '/alerts/rules', RULE);
      await measure(95);
      expect((await receiver.next()).body).toMatchObject({ status: 'firing', alerts: [{ status: 'firing', labels: { agent: 'oven-1' } }] });
      await app.restart({ ALERT_WEBHOOK_ALLOW_PRIVATE: 'true' });
      agent = await TestAgent.connect(app, { agentId: 'oven-1' });
      await measure(70);
      // Nothing came in between: the next thing it hears is that it is over.
      expect((await receiver.next()).body).toMatchObject({ status: 'resolved', alerts: [{ status: 'resolved' }] });
      // What came of it is written behind the answer.
      await eventually(async () => {
        const { deliveries } = await get(`/alerts/channels/${channel.id}/deliveries`);
        return deliveries.length === 2 && deliveries.every(({ status: now, attempts }: any) => now === 'delivered' && attempts === 1);
      });
      expect((await send('POST', `/alerts/channels/${channel.id}/test`)).body).toEqual({ delivered: true, error: null });
      expect((await receiver.next()).body).toMatchObject({ alerts: [{ labels: { alertname: 'TestNotification' } }] });
    } finally {
      receiver.stop();
    }
  }, 40_000);

  test('cannot be aimed at the server’s own network', async () => {
    const { body: channel } = await send('POST', '/alerts/channels', {
      name: 'Inside',
      type: 'webhook',
      settings: { url: 'http://127.0.0.1:9/' },
    });
    const { body } = await send('POST', `/alerts/channels/${channel.id}/test`);
    expect(body).toEqual({ delivered: false, error: expect.stringContaining('ALERT_WEBHOOK_ALLOW_PRIVATE') });
  });

  test('of the configuration are there without a call, and are changed there only', async () => {
    await app.restart({ ALERT_WEBHOOK_URL: 'https://hooks.example.org/T0KEN' });
    const { channels, types } = await get('/alerts/channels');
    expect(channels).toMatchObject([{ type: 'webhook', is_from_settings: true }]);
    expect(JSON.stringify(channels)).not.toContain('T0KEN');
    expect(types.find(({ type }: { type: string }) => type === 'pagerduty').settings).toContainEqual({
      name: 'routing_key',
      is_required: true,
      is_secret: true,
    });
    expect((await send('DELETE', `/alerts/channels/${channels[0].id}`)).status).toBe(409);
    await app.restart();
    expect((await get('/alerts/channels')).channels).toEqual([]);
  });
});
