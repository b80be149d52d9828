import { describe, expect, test } from '@jest/globals';
import { fieldErrors, without } from '../../../web/src/app/shared/field-errors.js';

const NAMES = {
  matchers: 'What is silenced',
  recurrence: 'The recurrence',
  'recurrence.cron': 'The expression',
  agent_ids: 'The list of agents',
};

describe("the server's complaints", () => {
  test('stand beside the fields they are about, under their names for people', () => {
    const details = [
      { field: 'matchers[0].value', message: '"matchers[0].value" is no regular expression' },
      { field: 'recurrence.cron', message: '"recurrence.cron" is required' },
      { field: 'recurrence', message: '"recurrence" cannot be used: what' },
      { field: 'recurrence.cron', message: 'second' },
      { field: 'agent_ids.3', message: '"agent_ids[3]" is no agent id: it is empty' },
    ];
    expect(fieldErrors(details, NAMES)).toEqual({
      fields: {
        matchers: 'What is silenced is no regular expression.',
        'recurrence.cron': 'The expression is required.',
        recurrence: 'The recurrence cannot be used: what.',
        agent_ids: '"agent_ids[3]" is no agent id: it is empty.',
      },
      others: [],
    });
  });

  test('about nothing in the form are not lost', () => {
    const others = [{ field: 'other', message: 'x' }, { message: 'y' }, { field: 'constructor', message: 'z' }];
    expect(fieldErrors([...others, { field: 'matchers', message: 'w.' }], NAMES)).toEqual({ fields: { matchers: 'w.' }, others });
  });

  test('go when the field is mended', () => {
    expect(without({ a: '1', b: '2' }, 'a')).toEqual({ b: '2' });
  });
});
