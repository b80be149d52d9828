/**
 * Texts for people, with placeholders: `{{ value }}`, `{{ labels.agent }}`. Names of what is known are looked up, nothing is ever
 * computed or called; what is not known becomes nothing. Pure.
 */
import type { Tags } from '../model/metric.js';

export interface TemplateValues {
  /** Null: there was no data. */
  readonly value: number | null;
  readonly threshold: number | null;
  readonly unit: string | null;
  readonly rule: string;
  readonly severity: string;
  readonly metric: string | null;
  readonly labels: Tags;
}

/** Texts are cut here: labels may be long, and a template may name them often. */
export const MAX_RENDERED_LENGTH = 4_000;

/** `$value` and `$labels` are what people are used to from elsewhere. */
const PLACEHOLDER = /\{\{\s*\$?(\w+)(?:\.([^\s{}]+))?\s*\}\}/g;
const SIGNIFICANT_DIGITS = 5;

export function render(template: string, values: TemplateValues): string {
  const text = template.replace(PLACEHOLDER, (_, name: string, key: string | undefined) => valueOf(name, key, values));
  return text.length <= MAX_RENDERED_LENGTH ? text : `${text.slice(0, MAX_RENDERED_LENGTH - 1)}…`;
}

export function renderAll(templates: Tags, values: TemplateValues): Tags {
  return Object.fromEntries(Object.entries(templates).map(([name, template]) => [name, render(template, values)]));
}

/** A number as people read it: whole numbers whole, others to five digits. */
export function shownNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(SIGNIFICANT_DIGITS)));
}

function valueOf(name: string, key: string | undefined, values: TemplateValues): string {
  if (name === 'labels') return key !== undefined && Object.hasOwn(values.labels, key) ? (values.labels[key] as string) : '';
  if (key !== undefined) return '';
  switch (name) {
    case 'value':
      return values.value === null ? 'no data' : shownNumber(values.value);
    case 'threshold':
      return values.threshold === null ? '' : shownNumber(values.threshold);
    case 'unit':
      return values.unit ?? '';
    case 'metric':
      return values.metric ?? '';
    case 'rule':
      return values.rule;
    case 'severity':
      return values.severity;
    default:
      return '';
  }
}
