import type { Channel } from '../../model/alert.js';
import { secretsOf } from './channel-body.js';
import type { SendContext } from './channels/channel-kind.js';
import { CHANNEL_KINDS } from './channels/channel-kinds.js';
import type { Notification } from './notification.js';
import { connectionProblem, type SendResult, withoutSecrets } from './send-result.js';

/** One attempt to tell a channel something; what comes of it has none of its secrets. Never rejects. */
export async function sendThrough(
  channel: Channel,
  notification: Notification,
  context: Omit<SendContext, 'channelId' | 'channelName' | 'repeatIntervalMs'>,
): Promise<SendResult> {
  const { id: channelId, name: channelName, repeatIntervalMs, type, settings } = channel;
  const sending = CHANNEL_KINDS[type].send(notification, settings, { ...context, channelId, channelName, repeatIntervalMs });
  // A mistake of ours in how it is told must not stop what else is to be told.
  const result = await sending.catch(
    (error: unknown): SendResult => ({ outcome: 'retry', error: connectionProblem(error), retryAfterMs: null }),
  );
  const secrets = [...secretsOf(channel), context.mail.smtpUrl];
  if (result.outcome !== 'delivered') return { ...result, error: withoutSecrets(result.error, secrets) };
  return result.warning === undefined ? result : { ...result, warning: withoutSecrets(result.warning, secrets) };
}
