import { describe, expect, test } from '@jest/globals';
import { addressText, bodyOf, formErrors, formOf, matchesTarget, whoText } from '../../../web/src/app/pages/targets/target-form.js';

type Target = Parameters<typeof addressText>[0];

const TARGET: Target = {
  id: 't1',
  name: 'Database',
  type: 'tcp',
  address: 'db.example.com',
  port: 5432,
  interval: 30,
  timeout: 3,
  enabled: false,
  agent_ids: ['a', 'b'],
};

describe('a form', () => {
  test('sends what was there when nothing was changed', () => {
    const { id: _, ...fields } = TARGET;
    expect(bodyOf(formOf(TARGET))).toEqual(fields);
  });

  test('of a new target is for all agents, and its name and address are still to be said', () => {
    expect(bodyOf(formOf(null))).toEqual({
      name: '',
      type: 'ping',
      address: '',
      port: null,
      interval: 60,
      timeout: 5,
      enabled: true,
      agent_ids: [],
    });
  });

  test('leaves empty numbers to the server, and a port to tcp', () => {
    const body = bodyOf({ ...formOf(TARGET), type: 'ping', interval: ' ', timeout: '' });
    expect(body).toMatchObject({ type: 'ping', port: null });
    expect(body).not.toHaveProperty('interval');
    expect(body).not.toHaveProperty('timeout');
  });

  test('for all agents forgets those that were chosen', () => {
    expect(bodyOf({ ...formOf(TARGET), isForAll: true })['agent_ids']).toEqual([]);
  });

  test('for some agents needs one: none at all would be all of them', () => {
    const none = { ...formOf(null), isForAll: false };
    expect(formErrors(none)).toHaveProperty('agent_ids');
    expect(formErrors({ ...none, agentIds: new Set(['a']) })).toEqual({});
    expect(formErrors(formOf(null))).toEqual({});
  });
});

test('an address in one line', () => {
  expect(addressText(TARGET)).toBe('db.example.com:5432');
  expect(addressText({ ...TARGET, address: '::1' })).toBe('[::1]:5432');
  expect(addressText({ ...TARGET, type: 'ping' })).toBe('db.example.com');
  const { port: _, ...without } = TARGET;
  expect(addressText({ ...without, type: 'dns' } as Target)).toBe('db.example.com');
});

test('who watches', () => {
  expect([[], ['a'], ['a', 'b']].map((agent_ids) => whoText({ ...TARGET, agent_ids }))).toEqual(['all agents', 'a', '2 agents']);
});

test('a search finds what is shown', () => {
  expect(matchesTarget(TARGET, '')).toBe(true);
  expect(matchesTarget(TARGET, ' TCP data ')).toBe(true);
  expect(matchesTarget(TARGET, ':5432')).toBe(true);
  expect(matchesTarget(TARGET, 'data nowhere')).toBe(false);
});
