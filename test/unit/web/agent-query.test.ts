import { describe, expect, test } from '@jest/globals';
import {
  type AgentQuery,
  BY_ID,
  comparator,
  configText,
  holdOrder,
  nextSort,
  optionsOf,
  pageOf,
  parsePage,
  parsePageSize,
  parseSort,
  selectAgents,
  COLUMNS,
  sortParam,
} from '../../../web/src/app/pages/agents/agent-query.js';

type Agent = Parameters<typeof selectAgents>[0][number];
type Config = NonNullable<Agent['config']>;

const KEYS = COLUMNS.map(({ key }) => key);
const ANY: AgentQuery = { status: null, provider: null, region: null, search: '', sort: BY_ID };

function agent(id: string, fields: Partial<Agent> = {}): Agent {
  return {
    id,
    provider: 'gcp',
    region: 'us-central1',
    zone: '',
    network: '',
    subnet: '',
    instance_id: '',
    ip_address: '',
    version: '1.0.0',
    status: 'connected',
    health: 'healthy',
    capabilities: [],
    connected_at: null,
    last_seen: null,
    last_registration: null,
    total_messages: 0,
    total_metrics: 0,
    total_errors: 0,
    clock_skew_ms: null,
    config: null,
    created_at: null,
    updated_at: null,
    ...fields,
  };
}

function config(status: string, desired: number, effective: number | null): Config {
  return {
    desired_version: desired,
    attempted_version: null,
    effective_version: effective,
    status,
    error: null,
    desired_since: '',
    attempted_at: null,
    effective_since: null,
  };
}

const ids = (agents: readonly Agent[]): string[] => agents.map(({ id }) => id);

describe('which agents', () => {
  const agents = [
    agent('web-1', { ip_address: '10.0.0.1' }),
    agent('web-2', { status: 'disconnected', provider: 'aws', region: 'eu-west-1' }),
    agent('db-1', { provider: '', region: '' }),
  ];

  test('all, when nothing is asked for', () => {
    expect(ids(selectAgents(agents, ANY))).toEqual(['db-1', 'web-1', 'web-2']);
  });

  test('by status, provider and region; those that never said where they are too', () => {
    expect(ids(selectAgents(agents, { ...ANY, status: 'disconnected' }))).toEqual(['web-2']);
    expect(ids(selectAgents(agents, { ...ANY, provider: 'gcp' }))).toEqual(['web-1']);
    expect(ids(selectAgents(agents, { ...ANY, region: 'eu-west-1', provider: 'gcp' }))).toEqual([]);
    expect(ids(selectAgents(agents, { ...ANY, provider: '' }))).toEqual(['db-1']);
  });

  test('by words that must all be there, anywhere and however written', () => {
    expect(ids(selectAgents(agents, { ...ANY, search: ' WEB  gcp' }))).toEqual(['web-1']);
    expect(ids(selectAgents(agents, { ...ANY, search: '10.0.0' }))).toEqual(['web-1']);
    expect(ids(selectAgents(agents, { ...ANY, search: 'web nowhere' }))).toEqual([]);
  });

  test('what is given is left as it is', () => {
    const given = [agent('b'), agent('a')];
    selectAgents(given, ANY);
    expect(ids(given)).toEqual(['b', 'a']);
  });
});

describe('in what order', () => {
  test('numbers within ids count as numbers', () => {
    expect(ids(selectAgents([agent('web-10'), agent('web-9'), agent('Web-1')], ANY))).toEqual(['Web-1', 'web-9', 'web-10']);
  });

  test('what needs a look comes first', () => {
    const sort = { key: 'status', isDescending: false } as const;
    const agents = [agent('a'), agent('b', { status: 'disconnected' }), agent('c', { status: 'error' })];
    expect(ids(selectAgents(agents, { ...ANY, sort }))).toEqual(['c', 'b', 'a']);
  });

  test('configurations: failed, pending, applied, none', () => {
    const agents = [
      agent('none'),
      agent('applied', { config: config('applied', 1, 1) }),
      agent('pending', { config: config('pending', 2, 1) }),
      agent('failed', { config: config('failed', 2, 1) }),
    ];
    const sort = { key: 'config', isDescending: false } as const;
    expect(ids(selectAgents(agents, { ...ANY, sort }))).toEqual(['failed', 'pending', 'applied', 'none']);
  });

  test('equals are by id, whichever way the column goes', () => {
    const agents = [agent('b'), agent('a'), agent('c', { total_metrics: 5 })];
    expect(ids(selectAgents(agents, { ...ANY, sort: { key: 'samples', isDescending: true } }))).toEqual(['c', 'a', 'b']);
    expect(ids(selectAgents(agents, { ...ANY, sort: { key: 'samples', isDescending: false } }))).toEqual(['a', 'b', 'c']);
  });

  test.each(KEYS)('%s never calls two agents equal, and changes sign with its sides', (key) => {
    const compare = comparator({ key, isDescending: false });
    const one = agent('x', { last_seen: '2026-01-01T00:00:00.000Z' });
    const other = agent('X', { last_seen: '2026-01-01T00:00:00.000Z' });
    expect(Math.sign(compare(one, other))).toBe(-Math.sign(compare(other, one)));
    expect(compare(one, other)).not.toBe(0);
  });

  test('held: rows stay where they are with their news, what matches only now comes last, what is gone stays', () => {
    const shown = [agent('b'), agent('a'), agent('gone')];
    const now = [agent('a', { total_metrics: 9 }), agent('b', { status: 'disconnected' }), agent('0'), agent('other', { status: 'error' })];
    const held = holdOrder(shown, now, { ...ANY, status: 'connected' });
    expect(ids(held)).toEqual(['b', 'a', 'gone', '0']);
    expect(held[0]?.status).toBe('disconnected');
    expect(held[1]?.total_metrics).toBe(9);
  });
});

describe('in an address', () => {
  test.each(KEYS.flatMap((key) => [{ key, isDescending: false } as const, { key, isDescending: true } as const]))(
    'an order comes back as it was: %o',
    (sort) => {
      expect(parseSort(sortParam(sort)) ?? BY_ID).toEqual(sort);
    },
  );

  test('what cannot be understood is the usual', () => {
    for (const text of [undefined, null, '', '-', 'name', '--id', '-constructor']) expect(parseSort(text)).toBeNull();
    for (const text of [undefined, '0', '-1', '1.5', 'x', '99999999']) expect(parsePage(text)).toBe(1);
    expect(parsePage('12')).toBe(12);
    for (const text of [undefined, '7', '1e2']) expect(parsePageSize(text)).toBe(100);
    expect(parsePageSize('250')).toBe(250);
  });

  test('a heading turns its own order around, and begins where it is most of use', () => {
    expect(nextSort(BY_ID, 'id')).toEqual({ key: 'id', isDescending: true });
    expect(nextSort(BY_ID, 'samples')).toEqual({ key: 'samples', isDescending: true });
    expect(nextSort(BY_ID, 'version')).toEqual({ key: 'version', isDescending: false });
  });
});

test('pages: cut to what there is', () => {
  expect(pageOf([1, 2, 3, 4, 5], 2, 2)).toEqual({ rows: [3, 4], page: 2, pages: 3, from: 2 });
  expect(pageOf([1, 2, 3, 4, 5], 9, 2)).toEqual({ rows: [5], page: 3, pages: 3, from: 4 });
  expect(pageOf([], 3, 50)).toEqual({ rows: [], page: 1, pages: 1, from: 0 });
});

test('options: each value once with its count, by name', () => {
  const agents = [agent('a'), agent('b', { region: 'us-central10' }), agent('c', { region: 'us-central2' }), agent('d')];
  expect(optionsOf(agents, ({ region }) => region)).toEqual([
    { value: 'us-central1', count: 2 },
    { value: 'us-central2', count: 1 },
    { value: 'us-central10', count: 1 },
  ]);
});

test('a configuration in few words', () => {
  expect(configText(config('applied', 3, 3))).toBe('v3');
  expect(configText(config('pending', 3, 2))).toBe('v2 → v3 pending');
  expect(configText(config('pending', 1, null))).toBe('v1 pending');
  expect(configText(config('failed', 3, 2))).toBe('v2 → v3 failed');
});
