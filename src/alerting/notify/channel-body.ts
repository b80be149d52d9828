import Joi from 'joi';
import { CHANNEL_TYPES, type Channel, type ChannelFields, type ChannelType } from '../../model/alert.js';
import { validate } from '../../runtime/validate.js';
import { durationMs, type GivenMatcher, invalidField, matcherList, toMatchers } from '../body-fields.js';
import type { Settings } from './channels/channel-kind.js';
import { CHANNEL_KINDS } from './channels/channel-kinds.js';

/**
 * What a request may say of a channel. Secrets go in and never come back: an answer shows `***` in their place, and `***`
 * in a change keeps what is stored. Not when the address they are sent to changes with it: whoever may change a channel
 * would learn its secrets that way.
 */

export const HIDDEN = '***';

const DAY_MS = 86_400_000;
const MAX_GROUP_LABELS = 20;

interface GivenChannel {
  readonly name?: string;
  readonly type?: ChannelType;
  readonly settings?: Settings;
  readonly matchers?: readonly GivenMatcher[];
  readonly group_by?: readonly string[];
  readonly group_wait?: number;
  readonly group_interval?: number;
  readonly repeat_interval?: number;
  readonly sends_resolved?: boolean;
  readonly enabled?: boolean;
  readonly id?: unknown;
  readonly is_from_settings?: unknown;
  readonly created_at?: unknown;
  readonly updated_at?: unknown;
}

const schema = Joi.object<GivenChannel>({
  name: Joi.string().trim().min(1).max(200),
  type: Joi.string().valid(...CHANNEL_TYPES),
  settings: Joi.object().unknown(),
  matchers: matcherList(),
  group_by: Joi.array().items(Joi.string().min(1).max(255)).max(MAX_GROUP_LABELS).unique(),
  group_wait: durationMs(0, DAY_MS),
  group_interval: durationMs(1_000, 7 * DAY_MS),
  repeat_interval: durationMs(10_000, 90 * DAY_MS),
  sends_resolved: Joi.boolean(),
  enabled: Joi.boolean(),
  id: Joi.any().strip(),
  is_from_settings: Joi.any().strip(),
  created_at: Joi.any().strip(),
  updated_at: Joi.any().strip(),
})
  .rename('groupBy', 'group_by')
  .rename('groupWait', 'group_wait')
  .rename('groupInterval', 'group_interval')
  .rename('repeatInterval', 'repeat_interval')
  .rename('sendsResolved', 'sends_resolved')
  .rename('send_resolved', 'sends_resolved')
  .rename('sendResolved', 'sends_resolved')
  .rename('isFromSettings', 'is_from_settings')
  .rename('createdAt', 'created_at')
  .rename('updatedAt', 'updated_at');

/**
 * The channel a body describes. A field that is missing keeps the value it has in `current`; without one it is the
 * default of its type, or required. `settings` are taken as a whole.
 * @throws AppError `validation_failed`, without secrets in it
 */
export function parseChannel(body: unknown, current: Channel | null): ChannelFields {
  const given = validate(schema, body, 'channel');
  const type = given.type ?? current?.type;
  if (type === undefined) throw invalidField('channel', 'type', 'is required');
  const name = given.name ?? current?.name;
  if (name === undefined) throw invalidField('channel', 'name', 'is required');
  const kept = current !== null && current.type === type ? current : null;
  if (given.settings === undefined && kept === null)
    throw invalidField('channel', 'settings', `are required: they are those of another type than ${type}`);
  const { waits } = CHANNEL_KINDS[type];
  return {
    name,
    type,
    settings: given.settings === undefined ? (kept?.settings ?? {}) : parseSettings(type, given.settings, kept?.settings ?? null),
    matchers: given.matchers === undefined ? (current?.matchers ?? []) : toMatchers(given.matchers),
    groupBy: given.group_by ?? current?.groupBy ?? waits.groupBy,
    groupWaitMs: given.group_wait ?? current?.groupWaitMs ?? waits.groupWaitMs,
    groupIntervalMs: given.group_interval ?? current?.groupIntervalMs ?? waits.groupIntervalMs,
    repeatIntervalMs: given.repeat_interval ?? current?.repeatIntervalMs ?? waits.repeatIntervalMs,
    sendsResolved: given.sends_resolved ?? current?.sendsResolved ?? true,
    enabled: given.enabled ?? current?.enabled ?? true,
  };
}

/** Settings as they may be shown. */
export function shownSettings({ type, settings }: Pick<Channel, 'type' | 'settings'>): Settings {
  const { secrets } = CHANNEL_KINDS[type];
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, secrets.includes(name) ? HIDDEN : value]));
}

/** The values of a channel's secrets, for taking them out of texts; user and password also as an `Authorization` header has them. */
export function secretsOf({ type, settings }: Pick<Channel, 'type' | 'settings'>): string[] {
  const { username, password = '' } = settings;
  const secrets = CHANNEL_KINDS[type].secrets.map((name) => settings[name]).filter((value) => typeof value === 'string');
  return typeof username === 'string' ? [...secrets, `${username}:${String(password)}`] : secrets;
}

function parseSettings(type: ChannelType, given: Settings, stored: Settings | null): Settings {
  const { schema: settingsSchema, secrets, addresses } = CHANNEL_KINDS[type];
  const settings: Record<string, unknown> = { ...given };
  const kept: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    const stands = secrets.find((secret) => secret === name || camelCase(secret) === name);
    if (value !== HIDDEN || stands === undefined) continue;
    const known = stored?.[stands];
    if (known === undefined)
      throw invalidField('channel', `settings.${name}`, `must be given: there is none that "${HIDDEN}" could stand for`);
    settings[name] = known;
    kept.push(stands);
  }
  const checked = checkSettings(settingsSchema, settings, secrets);
  const moved = addresses.find((name) => stored !== null && stored[name] !== checked[name]);
  const carried = kept.find((name) => !addresses.includes(name));
  if (moved !== undefined && carried !== undefined) {
    throw invalidField('channel', `settings.${carried}`, `must be given again, because "${moved}" changes`);
  }
  return checked;
}

/** As `validate`, but values are not repeated: they may be secrets, also in the wrong place. */
function checkSettings(settingsSchema: Joi.ObjectSchema, settings: Settings, secrets: readonly string[]): Settings {
  const result = settingsSchema.validate(settings, { abortEarly: true, convert: true }) as Joi.ValidationResult<Settings>;
  if (result.error === undefined) return result.value;
  const [problem] = result.error.details;
  const path = problem?.path.join('.') ?? '';
  const reason = (problem?.message ?? 'are wrong').replace(/^"[^"]*" /, '');
  const safe = secrets.some((name) => reason.includes(String(settings[name]))) ? 'cannot be used' : reason;
  throw invalidField('channel', path === '' ? 'settings' : `settings.${path}`, safe.slice(0, 300));
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
