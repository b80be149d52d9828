import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AlertWorld, INTERVAL, LAST, metricRule, T0 } from '../../../helpers/alert-world.js';

let world: AlertWorld;
beforeEach(async () => {
  world = new AlertWorld('a', 'b');
  await world.start();
});
afterEach(() => world.stop());

describe('groups and their labels', () => {
  test.each([
    ['agents', { agentIds: ['b', 'c'] }, ['b x', 'b y', 'c x']],
    ['providers', { providers: ['gcp', 'azure'] }, ['a x', 'a y', 'c x']],
    ['regions', { regions: ['eu'] }, ['a x', 'a y', 'b x', 'b y']],
    ['tags', { tags: [{ key: 'disk', value: 'y' }] }, ['a y', 'b y']],
    ['all of that', { agentIds: ['a', 'b'], providers: ['aws'], regions: ['eu'], tags: [{ key: 'disk', value: 'x' }] }, ['b x']],
  ] as const)('a filter by %s', async (_, filter, expected) => {
    world.addAgent('a', { provider: 'gcp', region: 'eu' });
    world.addAgent('b', { provider: 'aws', region: 'eu' });
    world.addAgent('c', { provider: 'gcp', region: 'us' });
    for (const aggregation of ['last', 'max', 'p50'] as const) {
      await world.addRule(metricRule({ aggregation }, { name: aggregation, filter }));
    }
    for (const series of ['a x', 'a y', 'b x', 'b y', 'c x']) {
      const [agentId = '', disk = ''] = series.split(' ');
      world.sample(11, { agentId, tags: { disk } });
    }
    await world.pass(INTERVAL);
    const found = world.evaluator.alerts().map(({ labels: { alertname, agent, disk } }) => [alertname, `${String(agent)} ${String(disk)}`]);
    expect(found).toEqual(['last', 'max', 'p50'].flatMap((name) => expected.map((group) => [name, group])));
    if ('tags' in filter) return;
    await world.addRule({
      ...metricRule({}, { name: 'down', filter }),
      subject: { kind: 'agent', condition: 'disconnected', thresholdMs: null },
    });
    for (const id of ['a', 'b', 'c']) world.setAgent(id, { status: 'disconnected' });
    await world.pass(INTERVAL);
    const down = world.evaluator.alerts().flatMap(({ labels }) => (labels.alertname === 'down' ? labels.agent : []));
    expect(down).toEqual([...new Set(expected.map((group) => group[0]))]);
  });

  test('groups by place', async () => {
    for (const [id, provider, region] of [
      ['a', 'gcp', 'eu'],
      ['b', 'gcp', 'eu'],
      ['c', 'aws', 'eu'],
    ] as const) {
      world.addAgent(id, { provider, region });
      world.sample(10 + id.charCodeAt(0), { agentId: id });
    }
    await world.addRule(metricRule({ by: ['provider', 'region'], aggregation: 'max' }));
    await world.addRule(metricRule({ by: ['provider', 'region'], aggregation: 'p99' }, { name: 'p99' }));
    await world.pass(INTERVAL);
    expect(world.evaluator.alerts().map(({ groupKey, agentId, value }) => [groupKey, agentId, Math.round(value ?? 0)])).toEqual([
      ['{"provider":"gcp","region":"eu"}', null, 108],
      ['{"provider":"aws","region":"eu"}', null, 109],
      ['{"provider":"gcp","region":"eu"}', null, 108],
      ['{"provider":"aws","region":"eu"}', null, 109],
    ]);
  });

  test('a ping that failed has no target_ip, a good one has: they are one group', async () => {
    await world.addRule(metricRule({ metricName: 'ping_success', aggregation: 'last', condition: 'eq', threshold: 0 }));
    const ping = { name: 'ping_success' };
    world.sample(1, { ...ping, tags: { target: 't', target_ip: '192.0.2.1' }, timestampMs: T0 });
    world.wait(INTERVAL - 1);
    world.sample(0, { ...ping, tags: { target: 't' } });
    await world.pass(1);
    expect(world.states()).toEqual({ '{"agent":"a","target":"t"}': 'firing' });
    world.wait(INTERVAL - 1);
    world.sample(1, { ...ping, tags: { target: 't', target_ip: '192.0.2.1' } });
    await world.pass(1);
    expect(world.states()).toEqual({});
  });

  test('groups are told by what the rule says; a tag called agent is not the agent', async () => {
    await world.addRule(metricRule({ ...LAST, by: ['target'] }, { name: 'by target' }));
    await world.addRule(metricRule({ ...LAST, by: [] }, { name: 'all' }));
    await world.addRule(metricRule(LAST, { name: 'usual' }));
    world.sample(11, { tags: { target: 't', agent: 'x' } });
    world.sample(12, { agentId: 'b', tags: { target: 't' } });
    await world.pass(INTERVAL);
    expect(world.evaluator.alerts().map(({ labels: { alertname }, groupKey, agentId }) => [alertname, groupKey, agentId])).toEqual([
      ['by target', '{"target":"t"}', null],
      ['all', '{}', null],
      ['usual', '{"agent":"a","tag_agent":"x","target":"t"}', 'a'],
      ['usual', '{"agent":"b","target":"t"}', 'b'],
    ]);
  });

  test('tags that are called as labels of the rule are told apart all the same', async () => {
    await world.addRule(metricRule(LAST, { labels: { team: 'net', tag_team: 'x' } }));
    world.sample(11, { tags: { severity: 'low', team: 'a', tag_tag_team: 'b', alertname: 'c' } });
    world.sample(12, { tags: { severity: 'high', team: 'a' } });
    await world.pass(INTERVAL);
    const common = { alertname: 'Load', severity: 'warning', team: 'net', tag_team: 'x', agent: 'a' };
    expect(world.evaluator.alerts().map(({ labels }) => labels)).toEqual([
      { ...common, tag_alertname: 'c', tag_severity: 'low', tag_tag_team: 'a', tag_tag_tag_tag_team: 'b' },
      { ...common, tag_severity: 'high', tag_tag_team: 'a' },
    ]);
  });

  test('labels, annotations and what consoles are told', async () => {
    const annotations = { summary: '{{ labels.agent }}: {{ value }} {{ unit }} of {{ threshold }}' };
    await world.addRule(metricRule(LAST, { severity: 'critical', labels: { team: 'net' }, annotations }));
    world.sample(11.5, { unit: 'jobs' });
    await world.pass(INTERVAL);
    expect(world.evaluator.alerts()).toMatchObject([
      { labels: { agent: 'a', alertname: 'Load', severity: 'critical', team: 'net' }, annotations: { summary: 'a: 11.5 jobs of 10' } },
    ]);
    world.wait(INTERVAL - 1);
    world.sample(1, { unit: 'jobs' });
    await world.pass(1);
    expect(world.systemAlerts).toEqual([
      { message: 'Load: a: 11.5 jobs of 10', severity: 'error' },
      { message: 'Resolved: Load: a: 1 jobs of 10', severity: 'info' },
    ]);
  });
});
