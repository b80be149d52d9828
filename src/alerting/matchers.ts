import type { Matcher } from '../model/alert.js';
import type { Tags } from '../model/metric.js';
import { LinearRegex, PatternError } from './linear-regex.js';

export const MAX_PATTERN_LENGTH = 500;
/** Longer values are not searched: they match no pattern, and every inverted one. */
const MAX_SEARCHED_LENGTH = 1_024;

/** Whether these labels are meant. A label that is not there counts as empty. */
export type LabelTest = (labels: Tags) => boolean;

/** Null when the pattern can be used, else what is wrong with it. */
export function patternProblem(pattern: string): string | null {
  if (pattern.length > MAX_PATTERN_LENGTH) return `it is longer than ${MAX_PATTERN_LENGTH} characters`;
  try {
    new LinearRegex(pattern);
    return null;
  } catch (error) {
    // By name: the class is another one in a test's VM context.
    if (error instanceof Error && error.name === PatternError.name) return error.message;
    throw error;
  }
}

/** True for labels that all matchers match; without matchers for all. A stored pattern that cannot be used (any more) matches nothing. */
export function compileMatchers(matchers: readonly Matcher[]): LabelTest {
  const tests = matchers.map(compileMatcher);
  return (labels) => tests.every((test) => test(labels));
}

function compileMatcher({ label, value, isRegex, isEqual }: Matcher): LabelTest {
  if (!isRegex) return (labels) => (valueOf(labels, label) === value) === isEqual;
  if (patternProblem(value) !== null) return () => false;
  const regex = new LinearRegex(value);
  return (labels) => {
    const text = valueOf(labels, label);
    return (text.length <= MAX_SEARCHED_LENGTH && regex.test(text)) === isEqual;
  };
}

function valueOf(labels: Tags, label: string): string {
  return Object.hasOwn(labels, label) ? (labels[label] ?? '') : '';
}

/** In the wire's shape. */
export function presentMatchers(matchers: readonly Matcher[]) {
  return matchers.map(({ label, value, isRegex, isEqual }) => ({ label, value, is_regex: isRegex, is_equal: isEqual }));
}
