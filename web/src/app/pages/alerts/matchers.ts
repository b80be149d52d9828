/** Which alerts are meant: matchers of labels as they are written, and whether they match. Pure. */
import type { Matcher } from '../../core/alert-types';
import type { Tags } from '../../core/api-types';

export type Operator = '=' | '!=' | '=~' | '!~';

export const OPERATORS: readonly { readonly sign: Operator; readonly label: string }[] = [
  { sign: '=', label: 'is' },
  { sign: '!=', label: 'is not' },
  { sign: '=~', label: 'matches' },
  { sign: '!~', label: 'does not match' },
];

export function operatorOf({ is_regex, is_equal }: Matcher): Operator {
  return `${is_equal ? '=' : '!'}${is_regex ? '~' : is_equal ? '' : '='}` as Operator;
}

export function withOperator(matcher: Matcher, operator: string): Matcher {
  return { ...matcher, is_regex: operator.endsWith('~'), is_equal: operator.startsWith('=') };
}

/** `agent="web-1", region=~"eu-.*"`. */
export function matchersText(matchers: readonly Matcher[]): string {
  return matchers.map((matcher) => `${matcher.label}${operatorOf(matcher)}"${matcher.value}"`).join(', ');
}

export function equalTo(labels: Tags): Matcher[] {
  return Object.entries(labels)
    .sort(([a], [b]) => Number(b === 'alertname') - Number(a === 'alertname') || (a < b ? -1 : 1))
    .map(([label, value]) => ({ label, value, is_regex: false, is_equal: true }));
}

/** For exactly this alert and those that follow it: its severity may change with its rule. */
export function matchersOf(labels: Tags): Matcher[] {
  return equalTo(labels).filter(({ label }) => label !== 'severity');
}

/**
 * Whether all of them match; a label that is not there counts as empty. Null: the browser cannot tell, because a pattern is none
 * (the server knows its own kind of them, which is nearly the same).
 */
export function matches(matchers: readonly Matcher[], labels: Tags): boolean | null {
  for (const { label, value, is_regex, is_equal } of matchers) {
    const actual = Object.hasOwn(labels, label) ? (labels[label] ?? '') : '';
    const isMatch = is_regex ? isWhole(value, actual) : actual === value;
    if (isMatch === null) return null;
    if (isMatch !== is_equal) return false;
  }
  return true;
}

function isWhole(pattern: string, text: string): boolean | null {
  try {
    return new RegExp(`^(?:${pattern})$`, 'u').test(text);
  } catch {
    return null;
  }
}
