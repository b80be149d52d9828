/**
 * What the commands take, checked by hand. There are five, and no other way to make an agent do something: none of them
 * takes a text that reaches a shell, and what they aim at is looked up among the targets that are configured.
 */
import type { CheckTarget } from '../model.js';
import { shownAddress } from '../shown-address.js';
import { isObject, shown } from './shown.js';
import { CHECK_TYPES, type CheckType } from './target-text.js';

export const COMMAND_NAMES = ['ping_now', 'run_check', 'report_status', 'flush', 'restart_collectors'] as const;
export type CommandName = (typeof COMMAND_NAMES)[number];

/** A command that was understood. */
export type ReadCommand =
  | { readonly name: 'ping_now'; readonly targets: readonly CheckTarget[] }
  | { readonly name: 'run_check'; readonly target: CheckTarget }
  | { readonly name: 'report_status' | 'flush' | 'restart_collectors' };

export function isCommandName(name: unknown): name is CommandName {
  return COMMAND_NAMES.some((known) => known === name);
}

/** The command with its arguments looked up among `targets`, or why it is refused. */
export function readCommand(name: CommandName, args: unknown, targets: readonly CheckTarget[]): ReadCommand | { readonly problem: string } {
  const given = args ?? {};
  if (!isObject(given)) return { problem: `"args" must be an object (it is ${shown(given)})` };
  const known = ARGUMENTS[name];
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    return { problem: `${name} has no argument ${shown(unknown)}${known.length === 0 ? '' : ` (it has ${known.join(', ')})`}` };
  }
  if (name === 'ping_now') return readPing(given, targets);
  if (name === 'run_check') return readCheck(given, targets);
  return { name };
}

const ARGUMENTS: Readonly<Record<CommandName, readonly string[]>> = {
  ping_now: ['target'],
  run_check: ['type', 'address', 'port'],
  report_status: [],
  flush: [],
  restart_collectors: [],
};

type Args = Readonly<Record<string, unknown>>;

function readPing({ target }: Args, targets: readonly CheckTarget[]): ReadCommand | { problem: string } {
  const configured = targets.filter(({ type }) => type === 'ping');
  if (target === undefined) {
    return configured.length === 0 ? { problem: 'no ping target is configured' } : { name: 'ping_now', targets: configured };
  }
  if (typeof target !== 'string') return { problem: `"target" must be a text (it is ${shown(target)})` };
  const found = configured.filter(({ address }) => address === target);
  return found.length === 0 ? { problem: `${shown(target)} is not a configured ping target` } : { name: 'ping_now', targets: found };
}

function readCheck({ type, address, port }: Args, targets: readonly CheckTarget[]): ReadCommand | { problem: string } {
  if (!isCheckType(type)) return { problem: `"type" must be one of ${CHECK_TYPES.join(', ')} (it is ${shown(type)})` };
  if (typeof address !== 'string') return { problem: `"address" must be a text (it is ${shown(address)})` };
  if (port !== undefined && port !== null && !Number.isInteger(port)) {
    return { problem: `"port" must be a whole number (it is ${shown(port)})` };
  }
  const found = targets.filter(
    (target) => target.type === type && target.address === address && (port === undefined || port === target.port),
  );
  const [target] = found;
  if (target === undefined) return { problem: `${shown(shownAddress(address))} is not a configured ${type} target${onPort(port)}` };
  if (found.length > 1) return { problem: `${shown(shownAddress(address))} is configured with several ports: say which` };
  return { name: 'run_check', target };
}

function onPort(port: unknown): string {
  return typeof port === 'number' ? ` on port ${port}` : '';
}

function isCheckType(type: unknown): type is CheckType {
  return CHECK_TYPES.some((known) => known === type);
}
