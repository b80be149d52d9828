/**
 * What means something to SQL is a text like any other: as ids, places, names, units, tags, configurations, targets and
 * commands it is stored and found again letter by letter, and as a condition it finds just what is called so — never
 * more, never less, and never an error. At the end everything that was there is still there.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { metric, TestAgent } from '../helpers/agent-client.js';
import { startTestApp, type TestApp } from '../helpers/test-app.js';

/** Without "/" and control characters, so that each may be an agent's id; ids must not be each other's spelling in SQL. */
const TEXTS: readonly string[] = [
  "' OR '1'='1",
  "' OR 1=1 --",
  "'; DROP TABLE agents; --",
  "'); DELETE FROM metric_series; --",
  "x' UNION SELECT sql FROM sqlite_master WHERE ''='",
  '" OR ""="',
  "\"; ATTACH DATABASE 'x' AS y; --",
  '1 OR 1=1',
  '1); SELECT load_extension(1); --',
  '%',
  '_',
  '%%',
  'a%',
  'a_',
  'ab',
  'aB',
  '*',
  '?',
  '?1',
  '@agentIds',
  ':agentIds',
  '$limit',
  '[a]',
  '["a","b"]',
  '{"a":1}',
  'null',
  'NULL',
  '\\',
  "\\'",
  "''",
  '``',
  '--',
  ';',
  'é',
  'e\u0301',
  '😀',
  '0',
  '00',
  '1e1',
  '10',
];
const idOf = (n: number): string => `id ${TEXTS[n] ?? ''}`;

let app: TestApp;
const agents: TestAgent[] = [];

beforeAll(async () => {
  app = await startTestApp({ RATE_LIMIT_MAX_REQUESTS: '1000000' });
  for (const [n, text] of TEXTS.entries()) {
    const place = { provider: `p ${text}`, region: `r ${text}`, zone: text };
    const agent = await TestAgent.connect(app, { agentId: idOf(n), ...place });
    agents.push(agent);
    await agent.register({ version: text, location: { ...place, network: text }, capabilities: [text] });
    const tags = { [`k ${text}`]: text, own: text };
    expect(await agent.push([metric(`n ${text}`, n, { unit: text, tags }), metric('shared', n, { tags: { own: text } })])).toMatchObject({
      processed: 2,
      errors: 0,
    });
  }
});

afterAll(async () => {
  for (const agent of agents) agent.terminate();
  await app.stop();
});

async function get(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<any> {
  const query = new URLSearchParams(parameters).toString();
  const answer = await app.api(`/api/v1${path}${query === '' ? '' : `?${query}`}`);
  expect({ path, query, status: answer.status }).toEqual({ path, query, status: 200 });
  return answer.body;
}

/** The numbers of the samples in an answer: number n was sent by agent n. */
const numbers = (metrics: readonly { value: number }[]): number[] => metrics.map(({ value }) => value).sort((a, b) => a - b);

test('everything comes back as it was sent', async () => {
  const { agents: listed } = await get('/agents', { limit: '1000' });
  for (const [n, text] of TEXTS.entries()) {
    const found = listed.find(({ id }: { id: string }) => id === idOf(n));
    expect(found).toMatchObject({
      provider: `p ${text}`,
      region: `r ${text}`,
      zone: text,
      network: text,
      version: text,
      capabilities: [text],
    });
    const { metrics } = await get('/metrics', { agentId: idOf(n) });
    expect(metrics).toHaveLength(2);
    expect(metrics).toContainEqual(
      expect.objectContaining({ name: `n ${text}`, unit: text, tags: { [`k ${text}`]: text, own: text }, value: n, agent_id: idOf(n) }),
    );
  }
});

describe.each(TEXTS.map((text, n) => [text, n] as const))('%s', (text, n) => {
  test('as a condition finds what is called so, and nothing else', async () => {
    const conditions: readonly Record<string, string>[] = [
      { agentId: idOf(n), metricName: 'shared' },
      { metric_name: `n ${text}` },
      // A tag's key ends at the first colon.
      ...(text.includes(':') ? [] : [{ tag: `k ${text}:${text}` }]),
      { tag: `own:${text}`, metricName: 'shared' },
    ];
    for (const condition of conditions) {
      expect(numbers((await get('/metrics', condition)).metrics)).toEqual([n]);
      expect(numbers((await get('/metrics/realtime', condition)).agents.flatMap(({ metrics }: any) => metrics))).toEqual([n]);
      expect((await get('/metrics/aggregated', condition)).metrics).toEqual([expect.objectContaining({ value: n, count: 1 })]);
      expect((await get('/metrics/stats', condition)).overview).toMatchObject({ total_metrics: 1 });
      expect((await get('/metrics/names', condition)).metricNames).toHaveLength(1);
    }
    // Places may be several, separated by commas: one with a comma is asked for as its parts, and is none of them.
    const places = text.includes(',') ? [] : [n, n];
    expect(numbers((await get('/metrics', { provider: `p ${text}` })).metrics)).toEqual(places);
    expect(numbers((await get('/metrics', { region: `r ${text}` })).metrics)).toEqual(places);
    expect((await get('/agents', { provider: `p ${text}` })).agents).toHaveLength(places.length / 2);
    expect(numbers((await get(`/metrics/history/${encodeURIComponent(`n ${text}`)}`)).history)).toEqual([n]);
    expect(numbers((await get('/metrics/history', { metric_name: `n ${text}` })).history)).toEqual([n]);
  });

  test('as the whole of a condition that nothing meets finds nothing', async () => {
    for (const name of ['agentId', 'agent_id', 'provider', 'region', 'metricName']) {
      expect((await get('/metrics', { [name]: text })).metrics).toEqual([]);
      expect((await get('/metrics/aggregated', { [name]: text })).metrics).toEqual([]);
    }
    expect((await get('/metrics', { tag: `absent:${text}` })).metrics).toEqual([]);
    expect((await get('/dashboard/overview', { providers: text, regions: text, metrics: text })).summary).toMatchObject({
      total_metrics: 0,
    });
    for (const path of [
      `/agents/${encodeURIComponent(text)}`,
      `/metrics/agent/${encodeURIComponent(text)}`,
      `/agents/${encodeURIComponent(text)}/stats`,
    ]) {
      expect(await app.api(`/api/v1${path}`)).toMatchObject({ status: 404, body: { error: { code: 'agent_not_found' } } });
    }
  });

  test('as a word to search for is found literally', async () => {
    const inAnyCase = (name: string): boolean => name.toLowerCase().includes(`n ${text}`.toLowerCase());
    const expected = TEXTS.map((other) => `n ${other}`).filter(inAnyCase);
    const { results } = await get('/metrics/search', { q: `n ${text}`, limit: '1000' });
    expect(results.map(({ name }: { name: string }) => name).toSorted()).toEqual(expected.toSorted());
    const { agents: found } = await get('/agents', { search: idOf(n) });
    expect(found.map(({ id }: { id: string }) => id)).toContain(idOf(n));
    for (const { id } of found) expect(id.toLowerCase()).toContain(idOf(n).toLowerCase());
  });

  test('as a number, a time, a choice or a cursor is refused by name', async () => {
    const isNumber = /^\d+$/.test(text) || text === '1e1';
    for (const name of ['limit', 'offset', 'startTime', 'endTime', 'timeRange', 'metricType', 'cursor', 'aggregation', 'interval']) {
      const path = name === 'aggregation' || name === 'interval' ? '/metrics/aggregated' : '/metrics';
      const { status, body } = await app.api(`/api/v1${path}?${new URLSearchParams({ [name]: text }).toString()}`);
      if (isNumber && /limit|offset|Time/.test(name)) expect(status).toBeLessThan(500);
      else
        expect({ name, status, body }).toMatchObject({
          status: 400,
          body: { error: { code: 'validation_failed', message: expect.stringContaining(name) } },
        });
    }
    expect(await app.api(`/api/v1/agents?sort=${encodeURIComponent(text)}`)).toMatchObject({ status: 400 });
    expect(await app.api(`/api/v1/agents?status=${encodeURIComponent(text)}`)).toMatchObject({ status: 400 });
  });

  test('in configurations, targets and commands is kept as it is', async () => {
    const agentPath = `/api/v1/agents/${encodeURIComponent(idOf(n))}`;
    const config = { targets: { ping: [text] }, filters: { interfaces: [text], metrics: [] } };
    expect(await app.api(`${agentPath}/config`, { method: 'PUT', body: config })).toMatchObject({ status: 200 });
    expect((await app.api(`${agentPath}/config`)).body.config).toEqual(config);

    const fields = { name: `t ${text}`, type: 'ping', address: 'example.org', agent_ids: [idOf(n)] };
    const { body: target } = await app.api('/api/v1/targets', { method: 'POST', body: fields });
    expect((await app.api('/api/v1/targets')).body).toContainEqual(
      expect.objectContaining({ id: target.id, name: fields.name.trim(), agent_ids: [idOf(n)] }),
    );
    for (const method of ['PUT', 'DELETE']) {
      const answer = await app.api(`/api/v1/targets/${encodeURIComponent(`${target.id}${text}`)}`, {
        method,
        ...(method === 'PUT' ? { body: {} } : {}),
      });
      expect(answer).toMatchObject({ status: 404, body: { error: { code: 'not_found' } } });
    }

    const args = { [text]: text };
    const { body: command } = await app.api(`${agentPath}/commands`, { method: 'POST', body: { name: 'x', args } });
    expect(await app.api(`${agentPath}/commands/${command.id}`)).toMatchObject({ status: 200, body: { args } });
    expect(await app.api(`${agentPath}/commands/${encodeURIComponent(text)}`)).toMatchObject({ status: 404 });
    expect(await app.api(`/api/v1/agents/${encodeURIComponent(text)}`, { method: 'DELETE' })).toMatchObject({ status: 404 });
  });
});

test('after all of this everything is still there', async () => {
  expect((await get('/agents', { limit: '1' })).pagination.total).toBe(TEXTS.length);
  expect((await get('/metrics/stats')).overview).toMatchObject({ total_metrics: 2 * TEXTS.length });
  expect(await app.api('/health')).toMatchObject({ status: 200 });
  expect(await app.restart()).toBe(true);
  expect((await get('/agents', { limit: '1' })).pagination.total).toBe(TEXTS.length);
  expect((await get('/metrics', { metricName: "n '; DROP TABLE agents; --" })).metrics).toHaveLength(1);
});
