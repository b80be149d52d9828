import { describe, expect, test } from '@jest/globals';
import { secretsOf } from '../../../../src/alerting/notify/channel-body.js';
import { withoutSecrets } from '../../../../src/alerting/notify/send-result.js';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('a text of the delivery log', () => {
  test.each([
    ['as it is', 'it was pa ss&"wörd'],
    ['in an address', `/x?p=${encodeURIComponent('pa ss&"wörd')}`],
    ['in base64', base64('pa ss&"wörd')],
    ['in base64 without padding', base64('pa ss&"wörd').replace(/=+$/, '')],
    ['in JSON', JSON.stringify({ p: 'pa ss&"wörd' })],
    ['in HTML', '<b>pa ss&amp;&quot;wörd</b>'],
    ['with a user, as HTTP sends it', `Authorization: Basic ${base64('me:pa ss&"wörd')}`],
  ])('has no secret %s', (_how, text) => {
    const clean = withoutSecrets(
      `no: ${text}`,
      secretsOf({ type: 'webhook', settings: { url: 'https://x.example/', username: 'me', password: 'pa ss&"wörd' } }),
    );
    expect(clean).toContain('***');
    for (const part of ['ss&', 'wörd', base64('me:pa ss&"wörd').slice(4, 12), 'w%C3%B6rd']) expect(clean).not.toContain(part);
  });

  test.each(['us@er', 'us%40er', 'p:ss', 'p%3Ass', 'k3y-of-mine', 'v4lue', base64('us@er:p:ss'), base64('p:ss'), base64('\0us@er\0p:ss')])(
    'has nothing that is secret in an URL: %s',
    (spelling) => {
      const clean = withoutSecrets(`535 ${spelling} is wrong`, ['smtp://us%40er:p%3Ass@mail.example/k3y-of-mine?a=v4lue&b=2']);
      expect(clean).toBe('535 *** is wrong');
    },
  );

  test('is cut when its secrets are out: half a secret would not be known', () => {
    for (let before = 440; before <= 510; before++) {
      expect(withoutSecrets(`${'x'.repeat(before)} geheimes-wort`, ['geheimes-wort'])).not.toContain('geh');
    }
    expect(withoutSecrets('x'.repeat(5_000), []).length).toBeLessThanOrEqual(500);
  });

  test('takes secrets that are spaced out, or no text at all', () => {
    expect(withoutSecrets('no a  b\there', ['a  b'])).toBe('no *** here');
    expect(withoutSecrets('no', ['\ud800', 'smtp://%E0%A4%A:x@y', ''])).toBe('no');
  });
});
