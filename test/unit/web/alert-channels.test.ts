import { describe, expect, test } from '@jest/globals';
import type { Channel, ChannelType } from '../../../web/src/app/core/alert-types.js';
import {
  bodyOf,
  emptied,
  fieldsOf,
  formErrors,
  formOf,
  isMasked,
  settingWords,
  typeName,
} from '../../../web/src/app/pages/alerts/channel-form.js';

const email: ChannelType = {
  type: 'email',
  settings: [
    { name: 'smtp_url', is_secret: true, is_required: false },
    { name: 'from', is_secret: false, is_required: false },
    { name: 'to', is_secret: false, is_required: true },
  ],
};
const channel: Channel = {
  id: '1',
  name: 'Night shift',
  type: 'email',
  settings: { smtp_url: '***', to: ['a@example.org', 'b@example.org'] },
  matchers: [],
  group_by: ['alertname'],
  group_wait: 30,
  group_interval: 300,
  repeat_interval: 14_400,
  sends_resolved: true,
  enabled: true,
  is_from_settings: false,
};

describe('the form of a channel', () => {
  test('keeps what is secret, and sends lists as lists', () => {
    expect(bodyOf(formOf(channel, ''), email, false)).toEqual({
      name: 'Night shift',
      type: 'email',
      settings: { smtp_url: '***', to: ['a@example.org', 'b@example.org'] },
      matchers: [],
      group_by: ['alertname'],
      group_wait: '30s',
      group_interval: '5m',
      repeat_interval: '4h',
      sends_resolved: true,
      enabled: true,
    });
  });

  test('takes a secret away that was emptied', () => {
    const form = formOf(channel, '');
    expect(bodyOf({ ...form, settings: { ...form.settings, smtp_url: '' } }, email, false)['settings']).toEqual({
      to: ['a@example.org', 'b@example.org'],
    });
  });

  test('of a new one leaves to the server what is usual, and does not send settings of another type', () => {
    const form = { ...formOf(null, 'email'), name: ' Ops ', settings: { to: 'ops@example.org; ops@example.org', url: 'https://old' } };
    expect(bodyOf(form, email, true)).toEqual({
      name: 'Ops',
      type: 'email',
      settings: { to: ['ops@example.org'] },
      matchers: [],
      sends_resolved: true,
      enabled: true,
    });
  });

  test('empties a secret that the server wants to be given again', () => {
    const form = formOf(channel, '');
    expect(emptied(form, { 'settings.smtp_url': 'This must be given again.' }).settings['smtp_url']).toBe('');
    expect(emptied(form, { 'settings.to': 'x', name: 'y' }).settings).toEqual(form.settings);
  });

  test('says what is missing', () => {
    expect(formErrors(formOf(null, 'email'), email)).toEqual({ name: 'Give the channel a name.', 'settings.to': 'This is needed.' });
    expect(formErrors(formOf(channel, ''), email)).toEqual({});
    expect(fieldsOf(email)).toMatchObject({ 'settings.smtp_url': 'This', name: 'The name' });
  });
});

test('settings and types that are not known here have their own names', () => {
  expect(settingWords('slack', 'url').label).toBe('Webhook address');
  expect(settingWords('pigeon', 'coop_number')).toEqual({ label: 'Coop number', hint: '', placeholder: '' });
  expect([typeName('teams'), typeName('pigeon')]).toEqual(['Microsoft Teams', 'pigeon']);
});

test('keys are hidden while they are typed, addresses are not', () => {
  expect(isMasked({ name: 'bearer_token', is_secret: true, is_required: false })).toBe(true);
  expect(isMasked({ name: 'url', is_secret: true, is_required: true })).toBe(false);
  expect(isMasked({ name: 'to', is_secret: false, is_required: true })).toBe(false);
});
