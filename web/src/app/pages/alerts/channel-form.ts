/** A channel as it is filled in and sent. Pure. */
import type { Channel, ChannelSetting, ChannelType, Matcher } from '../../core/alert-types';
import type { FieldErrors } from '../../shared/field-errors';
import { durationField } from './durations';

/** What the server shows of a secret, and takes for the one it has. */
export const HIDDEN = '***';

/** What stands in the fields. */
export interface ChannelForm {
  readonly name: string;
  readonly type: string;
  /** By name. Of a stored secret: `***`. */
  readonly settings: Readonly<Record<string, string>>;
  readonly matchers: readonly Matcher[];
  /** Names of labels, with commas between them. */
  readonly groupBy: string;
  readonly groupWait: string;
  readonly groupInterval: string;
  readonly repeatInterval: string;
  readonly sendsResolved: boolean;
  readonly enabled: boolean;
}

export const CHANNEL_FIELDS: Readonly<Record<string, string>> = {
  name: 'The name',
  type: 'The type',
  matchers: 'The conditions',
  group_by: 'The list of labels',
  group_wait: 'The wait',
  group_interval: 'The interval',
  repeat_interval: 'The interval',
  settings: 'The settings',
};

export const TYPE_NAMES: Readonly<Record<string, string>> = {
  webhook: 'Webhook',
  slack: 'Slack',
  discord: 'Discord',
  teams: 'Microsoft Teams',
  pagerduty: 'PagerDuty',
  telegram: 'Telegram',
  ntfy: 'ntfy',
  email: 'E-mail',
  alertmanager: 'Alertmanager',
};

export interface SettingWords {
  readonly label: string;
  readonly hint: string;
  readonly placeholder: string;
}

const WORDS: Readonly<Record<string, Partial<SettingWords>>> = {
  url: { label: 'Address', placeholder: 'https://example.org/hook' },
  secret: { label: 'Signing secret', hint: 'Requests are signed with it (HMAC-SHA256), so that the receiver knows who sent them.' },
  bearer_token: { label: 'Bearer token', hint: 'Sent as Authorization: Bearer.' },
  username: { label: 'User name' },
  password: { label: 'Password' },
  channel: { label: 'Channel', placeholder: '#alerts', hint: "Instead of the webhook's own." },
  routing_key: { label: 'Routing key', hint: 'Of an Events API v2 integration.' },
  bot_token: { label: 'Bot token', hint: 'As BotFather gives it.' },
  chat_id: { label: 'Chat', placeholder: '-1001234567890', hint: 'The id of a chat, or @name of a channel.' },
  message_thread_id: { label: 'Topic of the chat', hint: 'A number, in groups with topics.' },
  topic: { label: 'Topic', placeholder: 'my-alerts' },
  token: { label: 'Access token' },
  api_url: { label: 'Server', hint: 'Empty: the usual one.' },
  to: { label: 'To', placeholder: 'ops@example.org, night@example.org', hint: 'Several with commas between them.' },
  from: { label: 'From', placeholder: 'alerts@example.org', hint: "Empty: the sender of the server's configuration." },
  smtp_url: {
    label: 'Mail server',
    placeholder: 'smtps://user:password@mail.example.org',
    hint: "Empty: that of the server's configuration.",
  },
};

const WORDS_BY_TYPE: Readonly<Record<string, Readonly<Record<string, Partial<SettingWords>>>>> = {
  slack: { url: { label: 'Webhook address', placeholder: 'https://hooks.slack.com/services/…' } },
  discord: { url: { label: 'Webhook address', placeholder: 'https://discord.com/api/webhooks/…' } },
  teams: { url: { label: 'Webhook address', hint: 'Of a workflow that posts when a webhook request is received.' } },
  alertmanager: { url: { placeholder: 'http://alertmanager.example.org:9093', hint: 'Without /api/v2.' } },
};

/** A setting in words; of one that is not known here, its name. */
export function settingWords(type: string, name: string): SettingWords {
  const spelled = name.replaceAll('_', ' ');
  const label = spelled.charAt(0).toUpperCase() + spelled.slice(1);
  return { label, hint: '', placeholder: '', ...WORDS[name], ...WORDS_BY_TYPE[type]?.[name] };
}

export function typeName(type: string): string {
  return TYPE_NAMES[type] ?? type;
}

/** Hidden while it is typed: keys and passwords are, addresses must be seen to be right. */
export function isMasked({ name, is_secret }: ChannelSetting): boolean {
  return is_secret && !name.endsWith('url') && name !== 'topic';
}

/** To change this channel, or (null) to make one of the type. */
export function formOf(channel: Channel | null, type: string): ChannelForm {
  const settings = Object.entries(channel?.settings ?? {}).map(([name, value]): [string, string] => [name, settingText(value)]);
  const duration = (seconds: number | undefined): string => (seconds === undefined ? '' : durationField(seconds));
  return {
    name: channel?.name ?? '',
    type: channel?.type ?? type,
    settings: Object.fromEntries(settings),
    matchers: channel?.matchers ?? [],
    groupBy: (channel?.group_by ?? []).join(', '),
    groupWait: duration(channel?.group_wait),
    groupInterval: duration(channel?.group_interval),
    repeatInterval: duration(channel?.repeat_interval),
    sendsResolved: channel?.sends_resolved ?? true,
    enabled: channel?.enabled ?? true,
  };
}

function settingText(value: unknown): string {
  if (Array.isArray(value)) return value.map(settingText).join(', ');
  return typeof value === 'string' ? value : value === null || value === undefined ? '' : JSON.stringify(value);
}

/** The body of a request. What is left empty of a new channel is left to the server, which knows what is usual for the type. */
export function bodyOf(form: ChannelForm, type: ChannelType | undefined, isNew: boolean): Record<string, unknown> {
  const waits = { group_wait: form.groupWait, group_interval: form.groupInterval, repeat_interval: form.repeatInterval };
  const groupBy = listOf(form.groupBy);
  return {
    name: form.name.trim(),
    type: form.type,
    settings: settingsBody(form, type),
    matchers: form.matchers.filter(({ label, value }) => label.trim() !== '' || value !== ''),
    ...(!(isNew && groupBy.length === 0) && { group_by: groupBy }),
    ...Object.fromEntries(Object.entries(waits).flatMap(([name, text]) => (text.trim() === '' ? [] : [[name, text.trim()]]))),
    sends_resolved: form.sendsResolved,
    enabled: form.enabled,
  };
}

function settingsBody({ settings }: ChannelForm, type: ChannelType | undefined): Record<string, unknown> {
  const known = type === undefined ? Object.keys(settings) : type.settings.map(({ name }) => name);
  return Object.fromEntries(
    known.flatMap((name) => {
      const text = (settings[name] ?? '').trim();
      return text === '' ? [] : [[name, name === 'to' ? listOf(text) : text]];
    }),
  );
}

function listOf(text: string): string[] {
  return [...new Set(text.split(/[,;\n]/).map((part) => part.trim()))].filter((part) => part !== '');
}

/** What is missing altogether. */
export function formErrors(form: ChannelForm, type: ChannelType | undefined): FieldErrors {
  const missing = (type?.settings ?? []).filter(({ name, is_required }) => is_required && (form.settings[name] ?? '').trim() === '');
  return {
    ...(form.name.trim() === '' && { name: 'Give the channel a name.' }),
    ...Object.fromEntries(missing.map(({ name }) => [`settings.${name}`, 'This is needed.'])),
  };
}

/** The server's names of the fields of a type, for what it says of them. */
export function fieldsOf(type: ChannelType | undefined): Readonly<Record<string, string>> {
  const settings = (type?.settings ?? []).map(({ name }): [string, string] => [`settings.${name}`, 'This']);
  return { ...CHANNEL_FIELDS, ...Object.fromEntries(settings) };
}

/** Without the stored secrets that the server wants to be given again: what stands for them is no secret to send. */
export function emptied(form: ChannelForm, errors: FieldErrors): ChannelForm {
  const settings = Object.entries(form.settings).map(([name, value]): [string, string] => [
    name,
    value === HIDDEN && errors[`settings.${name}`] !== undefined ? '' : value,
  ]);
  return { ...form, settings: Object.fromEntries(settings) };
}
