import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TestAgent } from '../helpers/agent-client.js';
import { eventually } from '../helpers/eventually.js';
import { MovableTime } from '../helpers/movable-time.js';
import { type Receiver, startReceiver } from '../helpers/receiver.js';
import { type SmtpReceiver, startSmtpReceiver } from '../helpers/smtp-receiver.js';
import { startTestApp, type TestApp } from '../helpers/test-app.js';

/**
 * A fresh server of which nothing is set but whom to tell: an agent goes away and comes back. No call of the API sets anything
 * up; rules and waits are the usual ones, and only the time goes by faster.
 */

const SECOND = 1_000;
const MINUTE = 60_000;

let time: MovableTime;
let app: TestApp;
let webhook: Receiver;
let mails: SmtpReceiver;

beforeEach(async () => {
  time = new MovableTime();
  time.start();
  webhook = await startReceiver();
  mails = await startSmtpReceiver();
});
afterEach(async () => {
  await app.stop();
  webhook.stop();
  mails.stop();
  time.stop();
});

/** Resolves when there is one alert, in this state; "none": none. */
function alertIs(state: 'pending' | 'firing' | 'none'): Promise<void> {
  return eventually(async () => {
    const { alerts } = (await app.api('/api/v1/alerts')).body;
    return state === 'none' ? alerts.length === 0 : alerts.length === 1 && alerts[0].state === state;
  });
}

/** An agent is gone for so long that it is time to tell; resolves when the alert fires and its group has waited. */
async function agentGoesAway(): Promise<void> {
  const agent = await TestAgent.connect(app, { agentId: 'web-1' });
  await agent.nextFrame('welcome');
  await agent.close();
  // Agents have a minute to come back from a restart of the server.
  time.pass(MINUTE);
  await alertIs('pending');
  time.pass(2 * MINUTE);
  await alertIs('firing');
  time.pass(30 * SECOND);
}

async function agentComesBack(): Promise<void> {
  const agent = await TestAgent.connect(app, { agentId: 'web-1' });
  await agent.nextFrame('welcome');
  await alertIs('none');
  time.pass(5 * MINUTE);
}

describe('an agent goes away and comes back', () => {
  test('ALERT_WEBHOOK_URL alone: the webhook is told both, signed with the secret', async () => {
    app = await startTestApp(
      { ALERT_WEBHOOK_URL: `${webhook.url}/hook`, ALERT_WEBHOOK_SECRET: 'geheim', ALERT_WEBHOOK_ALLOW_PRIVATE: 'true' },
      { clock: time.clock },
    );
    await agentGoesAway();
    const firing = await webhook.next();
    expect([firing.method, firing.path]).toEqual(['POST', '/hook']);
    expect(firing.body).toMatchObject({
      status: 'firing',
      receiver: 'ALERT_WEBHOOK_URL',
      truncatedAlerts: 0,
      groupLabels: { alertname: 'Agent down' },
      alerts: [
        {
          status: 'firing',
          labels: { alertname: 'Agent down', severity: 'critical', agent: 'web-1' },
          annotations: { summary: 'web-1 is not connected' },
        },
      ],
    });
    await agentComesBack();
    const resolved = await webhook.next();
    expect(resolved.body).toMatchObject({ status: 'resolved', alerts: [{ status: 'resolved', labels: { agent: 'web-1' } }] });
    expect(resolved.body.alerts[0].fingerprint).toBe(firing.body.alerts[0].fingerprint);
    for (const { headers, text } of [firing, resolved]) {
      const timestamp = String(headers['x-alert-timestamp']);
      const digest = createHmac('sha256', 'geheim').update(`${timestamp}.${text}`).digest('hex');
      expect(headers['x-alert-signature']).toBe(`sha256=${digest}`);
    }
    expect(webhook.received).toHaveLength(2);
  }, 40_000);

  test('ALERT_EMAIL_FROM, ALERT_EMAIL_TO and a mail server alone: a mail tells of both', async () => {
    app = await startTestApp(
      {
        ALERT_EMAIL_FROM: 'alerts@example.org',
        ALERT_EMAIL_TO: 'one@example.org, two@example.org',
        ALERT_SMTP_URL: `smtp://127.0.0.1:${mails.port}`,
      },
      { clock: time.clock },
    );
    await agentGoesAway();
    const firing = await mails.next();
    expect(firing).toMatchObject({ from: 'alerts@example.org', to: ['one@example.org', 'two@example.org'] });
    expect(firing.data).toContain('Subject: [FIRING:1] Agent down (agent=web-1)');
    expect(firing.data).toContain('web-1 is not connected');
    await agentComesBack();
    expect((await mails.next()).data).toContain('Subject: [RESOLVED:1] Agent down (agent=web-1)');
    expect(mails.mails).toHaveLength(2);
  }, 40_000);
});
