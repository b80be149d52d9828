import type { ChannelType } from '../../../model/alert.js';
import { alertmanager } from './alertmanager.js';
import type { ChannelKind } from './channel-kind.js';
import { discord } from './discord.js';
import { email } from './email.js';
import { ntfy } from './ntfy.js';
import { pagerduty } from './pagerduty.js';
import { slack } from './slack.js';
import { teams } from './teams.js';
import { telegram } from './telegram.js';
import { webhook } from './webhook.js';

/** Every kind of channel by its type. */
export const CHANNEL_KINDS: Readonly<Record<ChannelType, ChannelKind>> = {
  webhook,
  slack,
  discord,
  teams,
  pagerduty,
  telegram,
  ntfy,
  email,
  alertmanager,
};
