/** A monitoring target as it is filled in, sent and described. Pure. */
import type { Target, TargetType } from '../../core/api-types';
import type { FieldErrors } from '../../shared/field-errors';

/** What stands in the fields: numbers as they are typed. */
export interface TargetForm {
  readonly name: string;
  readonly type: TargetType;
  readonly address: string;
  readonly port: string;
  readonly interval: string;
  readonly timeout: string;
  readonly enabled: boolean;
  /** False: the agents of `agentIds` alone. */
  readonly isForAll: boolean;
  readonly agentIds: ReadonlySet<string>;
}

export interface TypeWords {
  readonly label: string;
  readonly addressLabel: string;
  readonly placeholder: string;
  readonly hint: string;
  /** What agents measure of it. */
  readonly measures: string;
}

export const TYPES: readonly TargetType[] = ['ping', 'http', 'tcp', 'dns'];

export const TYPE_WORDS: Record<TargetType, TypeWords> = {
  ping: {
    label: 'Ping',
    addressLabel: 'Host',
    placeholder: '8.8.8.8',
    hint: 'A host name or an IP address.',
    measures: 'Round-trip time and packet loss of three packets.',
  },
  http: {
    label: 'HTTP',
    addressLabel: 'URL',
    placeholder: 'https://example.com/health',
    hint: 'An http or https URL, without a user name or password in it.',
    measures: 'Whether it answers with a status below 400, how fast, and how long its certificate lasts.',
  },
  tcp: {
    label: 'TCP',
    addressLabel: 'Host',
    placeholder: 'db.example.com',
    hint: 'A host name or an IP address.',
    measures: 'Whether the port takes connections, and how fast.',
  },
  dns: {
    label: 'DNS',
    addressLabel: 'Name, or name server',
    placeholder: 'example.com',
    hint: 'A name to look up, or the IP address of a name server to ask.',
    measures: 'Whether there is an answer, and how fast.',
  },
};

export const TARGET_FIELDS = {
  name: 'The name',
  type: 'The type',
  address: 'The address',
  port: 'The port',
  interval: 'The interval',
  timeout: 'The timeout',
  agent_ids: 'The list of agents',
};

/** To change this target, or (null) to make one. */
export function formOf(target: Target | null): TargetForm {
  return {
    name: target?.name ?? '',
    type: target?.type ?? 'ping',
    address: target?.address ?? '',
    port: numberText(target?.port),
    interval: numberText(target === null ? 60 : target.interval),
    timeout: numberText(target === null ? 5 : target.timeout),
    enabled: target?.enabled ?? true,
    isForAll: (target?.agent_ids.length ?? 0) === 0,
    agentIds: new Set(target?.agent_ids),
  };
}

/** The body of a request. Numbers that were left empty are left to the server; a port belongs to tcp alone. */
export function bodyOf(form: TargetForm): Record<string, unknown> {
  const { name, type, address, port, interval, timeout, enabled, isForAll, agentIds } = form;
  return {
    name: name.trim(),
    type,
    address: address.trim(),
    port: type === 'tcp' && port.trim() !== '' ? Number(port) : null,
    ...(interval.trim() !== '' && { interval: Number(interval) }),
    ...(timeout.trim() !== '' && { timeout: Number(timeout) }),
    enabled,
    agent_ids: isForAll ? [] : [...agentIds],
  };
}

/** What must not be sent: to the server, no agents at all are all of them. */
export function formErrors(form: TargetForm): FieldErrors {
  return form.isForAll || form.agentIds.size > 0 ? {} : { agent_ids: 'Choose at least one agent, or all of them.' };
}

/** What is watched, in one line. */
export function addressText({ type, address, port }: Target): string {
  if (type !== 'tcp' || port === null || port === undefined) return address;
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** How many agents watch it; a single one by its name. */
export function whoText({ agent_ids: ids }: Target): string {
  return ids.length === 0 ? 'all agents' : ids.length === 1 ? String(ids[0]) : `${ids.length} agents`;
}

/** All words somewhere in what is shown of the target. */
export function matchesTarget(target: Target, search: string): boolean {
  const text = `${target.name}\n${target.type}\n${addressText(target)}\n${target.agent_ids.join('\n')}`.toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

function numberText(value: number | null | undefined): string {
  return value === null || value === undefined ? '' : String(value);
}
