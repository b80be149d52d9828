import type { ChannelFields } from '../../model/alert.js';
import type { ChannelStore } from '../../storage/ports/alerts.js';
import { CHANNEL_KINDS } from './channels/channel-kinds.js';

/** What the configuration says of who is told, without any setting up. */
export interface SettingsChannels {
  readonly webhookUrl: string | null;
  readonly webhookSecret: string | null;
  readonly emailFrom: string | null;
  readonly emailTo: readonly string[];
}

export const SETTINGS_WEBHOOK = 'ALERT_WEBHOOK_URL';
export const SETTINGS_EMAIL = 'ALERT_EMAIL_TO';

/** Makes, changes and removes the channels of the configuration, so that they are as it says. @throws AppError of storage */
export async function applySettingsChannels(
  settings: SettingsChannels,
  channels: Pick<ChannelStore, 'fromSettings'>,
  nowMs: number,
): Promise<void> {
  await channels.fromSettings(SETTINGS_WEBHOOK, webhookFields(settings), nowMs);
  await channels.fromSettings(SETTINGS_EMAIL, emailFields(settings), nowMs);
}

function webhookFields({ webhookUrl, webhookSecret }: SettingsChannels): ChannelFields | null {
  if (webhookUrl === null) return null;
  const secret = webhookSecret === null ? {} : { secret: webhookSecret };
  return fields(SETTINGS_WEBHOOK, 'webhook', { url: webhookUrl, ...secret });
}

/** The mail server is looked up in the configuration when a mail is sent: its password is not stored. */
function emailFields({ emailFrom, emailTo }: SettingsChannels): ChannelFields | null {
  return emailFrom === null || emailTo.length === 0 ? null : fields(SETTINGS_EMAIL, 'email', { from: emailFrom, to: emailTo });
}

function fields(name: string, type: 'webhook' | 'email', settings: ChannelFields['settings']): ChannelFields {
  return { name, type, settings, matchers: [], ...CHANNEL_KINDS[type].waits, sendsResolved: true, enabled: true };
}
